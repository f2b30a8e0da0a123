"""What each operation means: slow Python loops on NumPy arrays, written to be read.

Nothing here is shared with the fast sets: probabilities come from exact binomial coefficients where the
numbers allow it, the normal quantile from the standard library, kernel sums from the whole Gram matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.reference_ordered import cdf_distances as cdf_distances
from accel_drift_kernels.reference_ordered import lattice_tail as lattice_tail
from accel_drift_kernels.reference_ordered import pooled_cells as pooled_cells
from accel_drift_kernels.reference_ordered import sort_columns as sort_columns
from accel_drift_kernels.reference_ordered import sorted_counts as sorted_counts
from accel_drift_kernels.spec import NORMAL_FORM_VARIANCE, SMALL_SHAPE

_WORD = 0xFFFFFFFF
_EXACT = 5_000
"""Totals up to here go through whole-number binomial coefficients, larger ones through log-gamma."""


def _threefry(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    ks = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    x0, x1 = (x0 + k0) & _WORD, (x1 + k1) & _WORD
    for block in range(5):
        for r in rotations[block % 2]:
            x0 = (x0 + x1) & _WORD
            x1 = (((x1 << r) | (x1 >> (32 - r))) & _WORD) ^ x0
        x0 = (x0 + ks[(block + 1) % 3]) & _WORD
        x1 = (x1 + ks[(block + 2) % 3] + block + 1) & _WORD
    return x0, x1


def random_words(key: Any, i: Any, j: Any, /) -> npt.NDArray[np.uint32]:
    """See `spec.OPS["random_words"]`."""
    out = np.zeros((2, len(i), len(j)), dtype=np.uint32)
    for a, row in enumerate(i):
        for b, column in enumerate(j):
            out[:, a, b] = _threefry(int(key[0]), int(key[1]), int(row), int(column))
    return out


def permutation_labels(key: Any, perms: Any, rows: Any, n: int, /) -> npt.NDArray[np.uint8]:
    """See `spec.OPS["permutation_labels"]`."""
    out = np.zeros((len(rows), math.ceil(len(perms) / 8)), dtype=np.uint8)
    for p, number in enumerate(perms):
        order = [int(row) for row in rows]
        if number != 0:
            words = [_threefry(int(key[0]), int(key[1]), int(number), row) for row in order]
            order.sort(key=lambda row, words=words: (words[row][0] ^ words[row][1], row))  # type: ignore[misc]
        for row in order[:n]:
            out[row, p // 8] |= 1 << (p % 8)
    return out


def bin_index(x: Any, cuts: Any, mask: Any, /) -> npt.NDArray[np.int32]:
    """See `spec.OPS["bin_index"]`."""
    out = np.zeros(x.shape, dtype=np.int32)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            below = sum(bool(cut < x[i, j]) for cut in cuts[j])
            out[i, j] = below if mask[i, j] else cuts.shape[1] + 1
    return out


def histogram(x: Any, cuts: Any, mask: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["histogram"]`."""
    out = np.zeros((x.shape[1], cuts.shape[1] + 2), dtype=np.int64)
    index = bin_index(x, cuts, mask)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j, index[i, j]] += 1
    return out


def _bit(bits: Any, i: int) -> bool:
    buffer, first = bits
    return bool((int(buffer[(first + i) // 8]) >> ((first + i) % 8)) & 1)


def _has(valid: Any, i: int) -> bool:
    if valid is None:
        return True
    return _bit(valid, i) if isinstance(valid, tuple) else bool(valid[i])


def column_counts(columns: Any, cuts: Any, /) -> list[npt.NDArray[np.int64]]:
    """See `spec.OPS["column_counts"]`."""
    made = []
    for (values, valid), edges in zip(columns, cuts, strict=True):
        out = np.zeros(len(edges) + 3, dtype=np.int64)
        for i, value in enumerate(values):
            if not _has(valid, i):
                out[len(edges) + 2] += 1
            elif np.isnan(value):
                out[len(edges) + 1] += 1
            else:
                out[sum(bool(cut < value) for cut in edges)] += 1
        made.append(out)
    return made


def code_counts(codes: Any, valid: Any, total: int, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["code_counts"]`."""
    out = np.zeros(total + 1, dtype=np.int64)
    for i, code in enumerate(codes):
        out[code if _has(valid, i) and 0 <= code < total else total] += 1
    return out


def bit_counts(bits: Any, valid: Any, n: int, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["bit_counts"]`."""
    out = np.zeros(3, dtype=np.int64)
    for i in range(n):
        out[int(_bit(bits, i)) if _has(valid, i) else 2] += 1
    return out


def count_codes(codes: Any, total: int, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["count_codes"]`."""
    out = np.zeros(total, dtype=np.int64)
    for code in codes:
        if code >= 0:
            out[code] += 1
    return out


def _outward(low: int, mode: int, high: int) -> Iterator[int]:
    """Count from mode as mode, mode + 1, mode - 1, ... without leaving the support."""
    yield mode
    for step in range(1, high - low + 1):
        if mode + step <= high:
            yield mode + step
        if mode - step >= low:
            yield mode - step


def _invert(support: tuple[int, int, int], chance: Callable[[int], float], u: float) -> int:
    reached = 0.0
    for x in _outward(*support):
        reached += chance(x)
        if reached >= u:
            return x
    return support[1]


def _normal_form(mean: float, sd: float, skew: float, u: float, low: int, high: int) -> int:
    z = NormalDist().inv_cdf(u)
    return min(max(round(mean + sd * (z + skew * (z * z - 1) / 6)), low), high)


def _log_comb(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def draw_hypergeometric(good: int, bad: int, draws: int, u: float) -> int:
    """Good ones among `draws` taken without replacement."""
    total, low, high = good + bad, max(0, draws - bad), min(draws, good)
    if low == high:
        return low
    p, f = good / total, draws / total
    variance = draws * p * (1 - p) * (total - draws) / (total - 1)
    if variance > NORMAL_FORM_VARIANCE:
        sd = math.sqrt(variance)
        skew = (1 - 2 * p) * (1 - 2 * f) * total / (total - 2) / sd
        return _normal_form(draws * p, sd, skew, u, low, high)

    def chance(x: int) -> float:
        if total <= _EXACT:
            return math.comb(good, x) * math.comb(bad, draws - x) / math.comb(total, draws)
        return math.exp(_log_comb(good, x) + _log_comb(bad, draws - x) - _log_comb(total, draws))

    mode = min(max((draws + 1) * (good + 1) // (total + 2), low), high)
    return _invert((low, mode, high), chance, u)


def draw_beta_binomial(m: int, a: int, b: int, u: float) -> int:
    """Successes among m when the chance of one is Beta(a, b)."""
    if a == 0 or m == 0:
        return 0
    if b == 0:
        return m
    s = a + b
    variance = m * (a / s) * (b / s) * (s + m) / (s + 1)

    def chance(x: int) -> float:
        if m + s <= _EXACT:
            return math.comb(x + a - 1, x) * math.comb(m - x + b - 1, m - x) / math.comb(m + s - 1, m)
        ways = _log_comb(x + a - 1, x) + _log_comb(m - x + b - 1, m - x)
        return math.exp(ways - _log_comb(m + s - 1, m))

    if variance > NORMAL_FORM_VARIANCE and min(a, b) > SMALL_SHAPE:
        sd = math.sqrt(variance)
        skew = (s + 2 * m) * (b - a) / (s + 2) * math.sqrt((1 + s) / (m * a * b * (m + s)))
        return _normal_form(m * a / s, sd, skew, u, 0, m)
    if variance > NORMAL_FORM_VARIANCE:
        # Too skewed for a normal form at any variance: the smallest x with P(X <= x) >= u.
        reached = 0.0
        for x in range(m):
            reached += chance(x)
            if reached >= u:
                return x
        return m
    mode = min((m + 1) * (a - 1) // (s - 2), m) if s > 2 else 0
    return _invert((0, mode, m), chance, u)


def draw_binomial(m: int, w: int, rest: int, u: float) -> int:
    """Successes among m when the chance of one is w / (w + rest)."""
    if w == 0 or m == 0:
        return 0
    if rest == 0:
        return m
    p = w / (w + rest)
    variance = m * p * (1 - p)
    if variance > NORMAL_FORM_VARIANCE:
        sd = math.sqrt(variance)
        return _normal_form(m * p, sd, (1 - 2 * p) / sd, u, 0, m)

    def chance(x: int) -> float:
        if m <= _EXACT:
            return float(math.comb(m, x) * w**x * rest ** (m - x) / (w + rest) ** m)
        return math.exp(_log_comb(m, x) + x * math.log(p) + (m - x) * math.log1p(-p))

    return _invert((0, min((m + 1) * w // (w + rest), m), m), chance, u)


def _sequential(cells: Any, size: Any, u: Any, draw: Callable[[int, int, int, float], int]) -> npt.NDArray[np.int64]:
    """Cell by cell: draw(size left, the cell's weight, the later weights, u); the last takes the rest."""
    out = np.zeros(cells.shape, dtype=np.int64)
    for i in range(cells.shape[0]):
        left = int(size[i])
        for j in range(cells.shape[1] - 1):
            out[i, j] = draw(left, int(cells[i, j]), int(cells[i, j + 1 :].sum()), float(u[i, j]))
            left -= int(out[i, j])
        if cells.shape[1]:
            out[i, -1] = left
    return out


def hypergeometric(pooled: Any, n: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["hypergeometric"]`."""
    return _sequential(pooled, n, u, lambda left, good, bad, v: draw_hypergeometric(good, bad, left, v))


def dirichlet_multinomial(weights: Any, m: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _sequential(weights, m, u, draw_beta_binomial)


def multinomial(weights: Any, m: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["multinomial"]`."""
    return _sequential(weights, m, u, draw_binomial)


def pair_distances(z: Any, first: Any, second: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["pair_distances"]`."""
    rows = np.asarray(z, dtype=np.float64)
    return np.asarray([math.dist(rows[i], rows[j]) for i, j in zip(first, second, strict=True)], dtype=np.float64)


def _kernel(x: Any, y: Any, kernel: str, scales: Any) -> npt.NDArray[np.float64]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    h = np.asarray(scales)[:, None, None] * np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)
    made = {"gaussian": np.exp(-h / 2), "laplace": np.exp(-np.sqrt(h)), "distance": -np.sqrt(h)}
    return np.asarray(made[kernel])


def _gram(z: Any, kernel: str, scales: Any) -> npt.NDArray[np.float64]:
    k = _kernel(z, z, kernel, scales)
    k[:, np.arange(len(z)), np.arange(len(z))] = 0.0
    return np.asarray(k)


def _runs(ends: Any, rows: int) -> npt.NDArray[np.float64]:
    group = np.searchsorted(ends, np.arange(rows), side="right")
    return np.asarray(group[:, None] == np.arange(len(ends)), dtype=np.float64)


def pair_label_sums(
    z: Any, labels: Any, count: int, kernel: str, scales: Any, /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """See `spec.OPS["pair_label_sums"]`."""
    k = _gram(z, kernel, scales)
    quad, linear = np.zeros((len(k), count)), np.zeros((len(k), count))
    for p in range(count):
        e = ((labels[:, p // 8] >> (p % 8)) & 1).astype(np.float64)
        quad[:, p] = e @ k @ e
        linear[:, p] = k.sum(axis=2) @ e
    return quad, linear, np.asarray(k.sum(axis=(1, 2)))


def pair_row_sums(z: Any, w: Any, kernel: str, scales: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["pair_row_sums"]`."""
    return np.asarray(_gram(z, kernel, scales) @ np.asarray(w, dtype=np.float64))


def pair_group_sums(z: Any, ends: Any, kernel: str, scales: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["pair_group_sums"]`."""
    b = _runs(ends, len(z))
    made = b.T @ _gram(z, kernel, scales) @ b
    return np.asarray((made + made.swapaxes(1, 2)) / 2)


def cross_row_sums(
    x: Any, y: Any, w: Any, v: Any, kernel: str, scales: Any, /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """See `spec.OPS["cross_row_sums"]`."""
    k = _kernel(x, y, kernel, scales)
    return k @ np.asarray(w, dtype=np.float64), k.swapaxes(1, 2) @ np.asarray(v, dtype=np.float64)


def cross_group_sums(x: Any, x_ends: Any, y: Any, y_ends: Any, kernel: str, scales: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["cross_group_sums"]`."""
    return np.asarray(_runs(x_ends, len(x)).T @ _kernel(x, y, kernel, scales) @ _runs(y_ends, len(y)))


def subset_pair_sums(z: Any, subsets: Any, kernel: str, scales: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["subset_pair_sums"]`."""
    made = np.zeros((len(scales), len(subsets)))
    for p, rows in enumerate(np.asarray(subsets)):
        made[:, p] = _gram(np.asarray(z)[rows], kernel, scales).sum(axis=(1, 2))
    return made


def phase_totals(z: Any, turns: Any, table: Any, ends: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["phase_totals"]`."""
    out = np.zeros((len(ends), 2 * turns.shape[1]), dtype=np.int64)
    for i, row in enumerate(np.asarray(z)):
        run = int(np.searchsorted(ends, i, side="right"))
        for r in range(turns.shape[1]):
            phase = round(float(np.dot(row, turns[:, r])) * len(table))
            out[run, r] += table[phase % len(table)]
            out[run, turns.shape[1] + r] += table[(phase - len(table) // 4) % len(table)]
    return out
