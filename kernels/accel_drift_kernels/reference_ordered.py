"""What the operations on sorted columns mean, in loops as slow and as plain as those of `reference`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt


def sort_columns(parts: Any, dtype: Any, /) -> npt.NDArray[Any]:
    """See `spec.OPS["sort_columns"]`."""
    made, wanted = [], np.dtype(dtype)
    top = np.inf if wanted.kind == "f" else np.iinfo(wanted).max
    for values, valid in parts:
        there = np.ones(values.shape, bool) if valid is None else valid
        for column, has in zip(np.atleast_2d(values.T), np.atleast_2d(there.T), strict=True):
            kept = sorted(v.item() for v, ok in zip(column, has, strict=True) if ok)
            made.append([*kept, *[top] * (len(column) - len(kept))])
    return np.array(made, dtype=wanted).reshape(len(made), len(parts[0][0])).T


def _first(x: Any, n: Any, j: int) -> list[Any]:
    return [v.item() for v in x[: n[j], j]]


def cdf_distances(x: Any, n: Any, y: Any, m: Any, /) -> tuple[npt.NDArray[Any], ...]:
    """See `spec.OPS["cdf_distances"]`."""
    out, distinct = np.zeros((3, x.shape[1])), np.zeros(x.shape[1], dtype=np.int64)
    for j in range(x.shape[1]):
        xs, ys = _first(x, n, j), _first(y, m, j)
        distinct[j] = len({*xs, *ys})
        if xs and ys:
            out[:, j] = _distances(xs, ys)
    return out[0], out[1], out[2], distinct


def pooled_cells(x: Any, n: Any, y: Any, m: Any, distinct: Any, limit: int, /) -> tuple[npt.NDArray[Any], ...]:
    """See `spec.OPS["pooled_cells"]`."""
    d = x.shape[1]
    cuts, middles = np.zeros((d, limit - 1), dtype=x.dtype), np.zeros((d, limit), dtype=x.dtype)
    for j in range(d):
        v = sorted(_first(x, n, j) + _first(y, m, j))
        values, rows = sorted(set(v)), len(v)
        if not v:
            continue
        for i in range(limit):
            few = values[min(i, len(values) - 1)]
            middles[j, i] = few if distinct[j] <= limit else v[(2 * i + 1) * rows // (2 * limit)]
            if i < limit - 1:
                cuts[j, i] = few if distinct[j] <= limit else v[-(-(i + 1) * rows // limit) - 1]
    return cuts, middles


def sorted_counts(x: Any, n: Any, cuts: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["sorted_counts"]`."""
    out = np.zeros((x.shape[1], cuts.shape[1] + 1), dtype=np.int64)
    for j in range(x.shape[1]):
        for value in _first(x, n, j):
            out[j, sum(cut.item() < value for cut in cuts[j])] += 1
    return out


def _distances(xs: list[Any], ys: list[Any]) -> tuple[float, float, float]:
    """In fractions, which neither round nor overflow."""
    values = sorted({*xs, *ys})
    gap = [abs(Fraction(sum(v <= t for v in xs), len(xs)) - Fraction(sum(v <= t for v in ys), len(ys))) for t in values]
    square = sum(g * g * (xs.count(t) + ys.count(t)) for g, t in zip(gap, values, strict=True))
    area = Fraction(0)
    for g, low, high in zip(gap, values, values[1:], strict=False):
        if g and (math.isinf(low) or math.isinf(high)):
            return float(max(gap)), math.inf, float(square / (len(xs) + len(ys)))
        if g:
            area += g * (Fraction(high) - Fraction(low))
    top = Fraction(np.finfo(np.float64).max.item())
    return float(max(gap)), float(min(area, top)), float(square / (len(xs) + len(ys)))


def lattice_tail(width: Any, n: Any, m: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["lattice_tail"]`."""
    return np.array([_touching(int(w), int(a), int(b)) for w, a, b in zip(width, n, m, strict=True)], dtype=np.float64)


def _touching(width: int, n: int, m: int) -> float:
    """Paths counted in whole numbers of any size: all of them less those that never touch."""
    inside = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) < width:
                below = inside[i - 1][j] if i else 0
                inside[i][j] = 1 if i == j == 0 else below + (inside[i][j - 1] if j else 0)
    every = math.comb(n + m, n)
    return float(Fraction(every - inside[n][m], every))
