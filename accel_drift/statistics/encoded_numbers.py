"""Numeric columns as columns of a matrix: centred at the median, in units of how widely the values spread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.block import dtype_class, stack
from accel_drift.data.table import NumericColumn
from accel_drift.statistics import spread

_BEYOND = 2.0
"""Where an infinite value lies in a column whose deciding rows have one value, and whose other finite ones lie at 1."""

LARGE = 1e100
"""Numbers up to which differences and squares cannot overflow; larger ones are divided by the largest first."""

VALUE, BUCKET, MISSING = range(3)
"""What a matrix column holds: values or one category, categories that share a bucket, which rows are missing."""


class Number(NamedTuple):
    """What the deciding rows say of one column.

    Attributes:
        least: what is taken off first, so that no whole number beyond 2**53 is rounded to its neighbour; 0 of floats.
        peak: what the rest is divided by then: 1 unless there are numbers above `LARGE`.
        centre: the median of that.
        width: its spread; 0 where all known values are equal or none is known: then all that counts of a value is
            whether it is above the centre, there, or below.
        outside: a length in widths from the centre, just beyond all finite values.
    """

    least: int
    peak: float
    centre: float
    width: float
    outside: float


def type_of(columns: Sequence[NumericColumn]) -> np.dtype[Any]:
    """The type in which they are pooled: see `dtype_class`."""
    held = [c.dtype for c in columns if c.missing < c.rows]
    if not held:
        return np.dtype(np.float64)
    return reduce(dtype_class, held, dtype_class(held[0], held[0]))


def numeric(
    columns: Sequence[Sequence[NumericColumn]],
    dtype: np.dtype[Any],
    deciding: int,
    backend: Backend,
    rules: Sequence[Number] | None = None,
    *,
    apart: bool,
) -> tuple[Any, list[tuple[int, int]], Sequence[Number]]:
    """Columns of one type: of each its values where they differ, then an indicator where some are missing.

    Args:
        columns: for each of d columns its rows in each table.
        dtype: their type.
        deciding: so many rows decide centres and scales.
        backend: what computes.
        rules: what rows that are not here decided of each column, whatever its type was; None where they are here.
        apart: whether other rows of the test are encoded at another time.

    Returns:
        (N, p), of each matrix column the place of its column and its sort, and what was decided.
    """
    xp = backend.xp
    sides = [stack(side, side[0].rows, dtype, backend) for side in zip(*columns, strict=True)]
    v, present = sides[0] if len(sides) == 1 else (xp.concat(list(a), axis=0) for a in zip(*sides, strict=True))
    v = xp.astype(v, xp.float64) if dtype == np.float32 else v
    # Where all rows of the test are here all of them say what is least or large: then no value lies outside.
    heard = slice(None, deciding if apart else None)
    least = _least(v[heard, :], present[heard, :], dtype, backend) if rules is None else [rule.least for rule in rules]
    v = _less(v, least, dtype, backend)
    finite = present & xp.isfinite(v)
    if rules is None:
        rules = _decided(v, finite, least, (deciding, heard), backend)
    peak, centre, width, outside = np.array([rule[1:] for rule in rules], dtype=np.float64).reshape(-1, 4).T
    rows = backend.asarray(np.stack([peak, centre, np.where(width > 0.0, width, 1.0), outside]))
    z = xp.where(finite, (v / rows[0, :] - rows[1, :]) / rows[2, :], xp.zeros_like(v))
    spreads = width > 0.0
    if not spreads.all():
        z = xp.where(backend.asarray(spreads), z, xp.sign(z))
    z = xp.where(present & xp.logical_not(finite), xp.sign(v) * rows[3, :], z)
    if not spreads.all():
        spreads = spreads | _differs(z, backend, apart=apart)
    absent = xp.astype(xp.logical_not(present), xp.float64)
    lost = backend.to_numpy(xp.sum(absent, axis=0))
    d, many = len(columns), v.shape[0]
    if spreads.all() and not lost.any():
        return z, [(j, VALUE) for j in range(d)], rules
    holed = (lost > 0) & (apart | (lost < many))  # a column without any value may have some on the other side
    chosen = [(j, side) for j in range(d) for side in (0, 1) if (holed[j] if side else spreads[j])]
    at = backend.asarray(np.array([j + side * d for j, side in chosen], np.int64))
    of = [(j, MISSING if side else VALUE) for j, side in chosen]
    return xp.take(xp.concat([z, absent], axis=1), at, axis=1), of, rules


def _decided(v: Any, finite: Any, least: Sequence[int], rows: tuple[int, slice], backend: Backend) -> list[Number]:
    """The rules of values less their least, from the first rows; of large and outermost values from a slice."""
    xp, zero, (deciding, heard) = backend.xp, backend.xp.zeros_like(v), rows
    size = xp.where(finite, xp.abs(v), zero)[heard, :]
    peak = xp.max(size, axis=0)
    peak = xp.where(peak > LARGE, peak, xp.ones_like(peak))
    v = v / peak
    centre, width = spread.of_columns(backend, v[:deciding, :], finite[:deciding, :])
    furthest = xp.max(xp.where(finite, xp.abs(v - centre), zero)[heard, :], axis=0)
    spreads, one = width > 0.0, xp.ones_like(width)
    outside = xp.where(spreads, furthest / xp.where(spreads, width, one) + 1.0, _BEYOND * one)
    said = backend.to_numpy(xp.stack([peak, centre, width, outside], axis=1)).tolist()
    return [Number(low, *row) for low, row in zip(least, said, strict=True)]


def _differs(z: Any, backend: Backend, *, apart: bool) -> npt.NDArray[np.bool_]:
    """Columns in which rows differ, (d,); `apart` from rows that are not here, for which what is left out is 0."""
    xp = backend.xp
    if apart:
        return backend.to_numpy(xp.any(z != 0.0, axis=0))
    return backend.to_numpy(xp.max(z, axis=0) > xp.min(z, axis=0))


def _least(v: Any, present: Any, dtype: np.dtype[Any], backend: Backend) -> list[int]:
    """The least whole number of each column; 0 of floats."""
    if dtype.kind not in "iu":
        return [0] * v.shape[1]
    xp = backend.xp
    return [
        int(x) for x in backend.to_numpy(xp.min(xp.where(present, v, xp.full_like(v, np.iinfo(dtype).max)), axis=0))
    ]


def _less(v: Any, least: Sequence[int], dtype: np.dtype[Any], backend: Backend) -> Any:
    """Values less a whole number each, as floats: exact for whole numbers that are no further apart than 2**53."""
    xp = backend.xp
    ends = np.iinfo(dtype) if dtype.kind in "iu" else None
    if ends is None or not all(ends.min <= x <= ends.max for x in least):
        floats = xp.astype(v, xp.float64, copy=False)
        return floats - backend.asarray(np.array(least, dtype=np.float64)) if any(least) else floats
    low = backend.asarray(np.array(least, dtype=dtype))
    one, other = xp.astype(v, xp.uint64), xp.astype(low, xp.uint64)
    # Unsigned, so that the widest range does not overflow; it wraps round to the right difference.
    up, down = xp.astype(one - other, xp.float64), xp.astype(other - one, xp.float64)
    return xp.where(v >= low, up, -down)
