"""What each operation means: slow Python loops on NumPy arrays, written to be read.

Nothing here is shared with the fast sets: probabilities come from exact binomial coefficients where the
numbers allow it, the normal quantile from the standard library, kernel sums from the whole Gram matrix.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.reference_draws import dirichlet_multinomial as dirichlet_multinomial
from accel_drift_kernels.reference_draws import hypergeometric as hypergeometric
from accel_drift_kernels.reference_draws import multinomial as multinomial
from accel_drift_kernels.reference_draws import threefry
from accel_drift_kernels.reference_ks_windows import scan_ks_windows as scan_ks_windows
from accel_drift_kernels.reference_ordered import cdf_distances as cdf_distances
from accel_drift_kernels.reference_ordered import lattice_tail as lattice_tail
from accel_drift_kernels.reference_ordered import pooled_cells as pooled_cells
from accel_drift_kernels.reference_ordered import sort_columns as sort_columns
from accel_drift_kernels.reference_ordered import sorted_counts as sorted_counts
from accel_drift_kernels.reference_streams import scan_streams as scan_streams
from accel_drift_kernels.reference_windows import scan_windows as scan_windows


def random_words(key: Any, i: Any, j: Any, /) -> npt.NDArray[np.uint32]:
    """See `spec.OPS["random_words"]`."""
    out = np.zeros((2, len(i), len(j)), dtype=np.uint32)
    for a, row in enumerate(i):
        for b, column in enumerate(j):
            out[:, a, b] = threefry(int(key[0]), int(key[1]), int(row), int(column))
    return out


def permutation_labels(key: Any, perms: Any, rows: Any, n: int, /) -> npt.NDArray[np.uint8]:
    """See `spec.OPS["permutation_labels"]`."""
    out = np.zeros((len(rows), math.ceil(len(perms) / 8)), dtype=np.uint8)
    for p, number in enumerate(perms):
        order = [int(row) for row in rows]
        if number != 0:
            words = [threefry(int(key[0]), int(key[1]), int(number), row) for row in order]
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


def code_counts(columns: Any, totals: Any, /) -> list[npt.NDArray[np.int64]]:
    """See `spec.OPS["code_counts"]`."""
    made = []
    for (codes, valid), total in zip(columns, totals, strict=True):
        out = np.zeros(total + 1, dtype=np.int64)
        for i, code in enumerate(codes):
            out[code if _has(valid, i) and 0 <= code < total else total] += 1
        made.append(out)
    return made


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


def quantile_bins(reference: Any, batch: Any, bins: int, /) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """See `spec.OPS["quantile_bins"]`."""
    out = np.zeros((2, len(reference), 2 * bins + 1), dtype=np.int64)
    for row, (a, b) in enumerate(zip(reference.tolist(), batch.tolist(), strict=True)):
        n, before = sum(a[:-1]), 0
        for x, y in zip(a[:-1], b[:-1], strict=True):
            low = min(before * bins // n, bins) if n else 0
            quantiles = ((before + x) * bins // n if n else 0) - low + (before == 0)
            before += x
            place = 2 * min(low, bins - 1) + (x >= 2 and quantiles >= 2)
            out[0, row, place] += x
            out[1, row, place] += y
        out[:, row, -1] = a[-1], b[-1]
    return out[0], out[1]


def confidence_rows(probabilities: Any, valid: Any, /) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """See `spec.OPS["confidence_rows"]`."""
    out, place = np.full((len(probabilities), 4), np.nan), np.full(len(probabilities), -1, dtype=np.int64)
    for i, row in enumerate(probabilities):
        p = [float(value) for value in row]
        if valid[i] and all(0.0 <= value < math.inf for value in p):
            falling = [*sorted(p, reverse=True), 0.0]
            entropy = -math.fsum(value * math.log(value) for value in p if value > 0.0)
            out[i] = falling[0], entropy, falling[0] - falling[1], math.fsum(p)
            place[i] = p.index(falling[0])
    return out, place


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


def phase_products(z: Any, turns: Any, codes: Any, added: Any, table: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["phase_products"]`."""
    width = 2 * turns.shape[1] + 1
    out = np.zeros((width, width), dtype=np.int64)
    for row, which in zip(np.asarray(z), np.asarray(codes), strict=True):
        made = np.asarray(row) @ turns + np.asarray(added)[which].sum(axis=0)
        phases = [round(float(phase) * len(table)) for phase in made]
        entries = [int(table[(phase - late) % len(table)]) for late in (0, len(table) // 4) for phase in phases]
        out += np.outer([*entries, 1], [*entries, 1])
    return out
