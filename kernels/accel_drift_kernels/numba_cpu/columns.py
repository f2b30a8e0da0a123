"""Counting of columns where they lie: values in bins, dictionary codes, booleans; and of the columns of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import lookup, tallies
from accel_drift_kernels.numba_cpu.lanes import BYTES, aligned
from accel_drift_kernels.numba_cpu.planes import ABREAST, PLANE, ROWS, TREES
from accel_drift_kernels.numba_cpu.threads import on_threads, spans
from accel_drift_kernels.spec import Bits, Valid

Counts = npt.NDArray[np.int64]

_LEAST = 100_000
"""Rows of a piece of work, at least."""

_LEAST_CODES = 1_000_000
"""The same of codes or bits, which take less time than to start threads for them."""

_DEEPEST = 6
"""Levels of the deepest tree whose answers become planes; with more cuts looking up is faster."""

_FEWEST, _MOST = 256, 1 << 16
"""Buckets of a line."""

_FEW_CODES = 4096
"""Up to so many codes several tables of counts stay in the nearest caches."""


class _Valid(NamedTuple):
    """Validity as the loops take it: its kind, where it lies, from which bit on; and the array, to keep it alive."""

    kind: int
    address: int
    first: int
    array: Any


def _valid(given: Valid) -> _Valid:
    if given is None:
        return _Valid(tallies.ALL, 0, 0, None)
    bits = isinstance(given, tuple)
    array = np.ascontiguousarray(given[0] if bits else given)
    return _Valid(tallies.BITS if bits else tallies.BOOLS, array.ctypes.data, int(given[1]) if bits else 0, array)


_STORED = {
    "int8": tallies.INT8,
    "uint8": tallies.UINT8,
    "int16": tallies.INT16,
    "uint16": tallies.UINT16,
    "uint32": tallies.UINT32,
    "uint64": tallies.UINT64,
}
"""Types that are not compared as they are."""


def _compared(cuts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Cuts as they are compared: float32, float64, int32 or int64 of the same order, see `tallies.PLAIN`."""
    if cuts.dtype.itemsize < 4:
        return cuts.astype(np.int32)
    if cuts.dtype.kind != "u":
        return cuts
    signed = np.dtype(f"int{cuts.itemsize * 8}")
    return cuts.view(signed) ^ np.iinfo(signed).min


def _largest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(np.inf) if dtype.kind == "f" else dtype.type(np.iinfo(dtype).max)


def _depth(cuts: int) -> int:
    """Levels of a tree with room for one number more than the cuts; 0 for none."""
    levels = max((cuts + 1).bit_length(), 4)
    return levels if TREES and levels <= _DEEPEST else 0


class _Group(NamedTuple):
    """Columns of one type that are counted in one way.

    Attributes:
        depth: levels of their trees; 0 for tables.
        columns: int64 (d, 8), see `tallies`.
        cuts: of all columns, as they are compared.
    """

    depth: int
    columns: npt.NDArray[np.int64]
    cuts: npt.NDArray[Any]

    def cells(self, column: int) -> int:
        """Where a column's counts begin; of the column after the last, where they all end."""
        if column < len(self.columns):
            return int(self.columns[column, tallies.CUTS]) + 3 * column
        return len(self.cuts) + 3 * column

    def pieces(self) -> list[tuple[int, int, int, int]]:
        """The rows of all columns cut into about four pieces a thread, see `tallies`."""
        ends = np.cumsum(self.columns[:, tallies.LENGTH])
        total = int(ends[-1])
        edges = np.array([start for start, _ in spans(total, _LEAST)] + [total])
        column = np.minimum(np.searchsorted(ends, edges, side="right"), len(ends) - 1)
        row = edges - (ends - self.columns[:, tallies.LENGTH])[column]
        places = list(zip(column.tolist(), row.tolist(), strict=True))
        return [(*start, *stop) for start, stop in pairwise(places)]

    def counted(self) -> Counts:
        """The counts of all columns, one after another."""
        pieces = self.pieces()
        buckets = _buckets(int(self.columns[:, tallies.COUNT].max()))
        laws = None if self.depth else _laws(self, buckets)

        def work(piece: tuple[int, int, int, int]) -> Counts:
            out = np.zeros(self.cells(piece[2] + 1) - self.cells(piece[0]), dtype=np.int64)
            one, most = np.zeros(1, self.cuts.dtype), _largest(self.cuts.dtype)
            if laws is None:
                room = _room_of_trees(self.depth, self.cuts.dtype)
                tallies.in_trees(one, (0,) * self.depth, self.columns, self.cuts, most, piece, room, out)
            else:
                room = _room_of_tables(self, buckets)
                tallies.in_tables(one, self.columns, self.cuts, laws, most, piece, room, out)
            return out

        out = np.zeros(self.cells(len(self.columns)), dtype=np.int64)
        for piece, part in zip(pieces, on_threads(work, pieces, large=len(pieces) > 1), strict=True):
            first = self.cells(piece[0])
            out[first : first + len(part)] += part
        return out


def _buckets(cuts: int) -> int:
    """Of a line: some eight to a cut, so that cuts seldom meet in one."""
    return min(max(_FEWEST, 1 << (8 * cuts).bit_length()), _MOST)


def _laws(group: _Group, buckets: int) -> npt.NDArray[Any]:
    """The line of each column over its finite cuts: first value, slope or shift, last bucket."""
    cuts, counts = group.cuts, group.columns[:, tallies.COUNT]
    laws = np.zeros((len(counts), 3), dtype=cuts.dtype)
    laws[:, 2] = buckets - 1
    finite = np.flatnonzero(np.isfinite(cuts))
    first = np.searchsorted(finite, group.columns[:, tallies.CUTS])
    last = np.searchsorted(finite, group.columns[:, tallies.CUTS] + counts) - 1
    some = np.flatnonzero(first <= last)
    low, high = cuts[finite[first[some]]], cuts[finite[last[some]]]
    laws[some, 0] = low
    if cuts.dtype.kind == "f":
        # A range beyond the largest number gives one bucket, no range at all an infinite slope: both are laws.
        with np.errstate(over="ignore", divide="ignore"):
            laws[some, 1] = (buckets - 1) / (high - low)
    else:
        width = high.astype(np.uint64) - low.astype(np.uint64)
        laws[some, 1] = np.maximum(np.frexp(width.astype(np.float64))[1] - (buckets.bit_length() - 1), 0)
    return laws


def _room_of_trees(depth: int, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    return _room(dtype), aligned(ABREAST * BYTES, np.uint8), _planes(depth + 1), _tree(depth, dtype), _patterns(depth)


def _room(dtype: np.dtype[Any]) -> npt.NDArray[np.int64]:
    """For a block of converted values, which floats never are."""
    return aligned(ROWS if dtype.kind == "i" else 0, np.int64)


def _planes(count: int) -> npt.NDArray[np.uint64]:
    return aligned(count * PLANE // 8, np.uint64).reshape(count, -1)


def _patterns(depth: int) -> Counts:
    return aligned(BYTES // 8 << depth, np.int64).reshape(-1, BYTES // 8)


def _tree(depth: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return aligned(sum(max(BYTES // dtype.itemsize, 1 << level) for level in range(depth)), dtype)


def _room_of_tables(group: _Group, buckets: int) -> tuple[Any, ...]:
    most, dtype = int(group.columns[:, tallies.COUNT].max()), group.cuts.dtype
    # Halving steps and whole vectors read beyond the cuts.
    cuts, numbers = aligned(3 * most + 2 * BYTES, dtype), aligned(ROWS, np.int32)
    line, branches = (np.zeros(size + 2, dtype=np.int32) for size in (buckets, 1 << lookup.DEPTH))
    pivots, tree = np.zeros((1 << lookup.DEPTH) - 1, dtype), _tree(lookup.DEPTH, dtype)
    counts = np.zeros((tallies.SIDES, most + 3), dtype=np.int32)
    work = _room(dtype), aligned(BYTES, np.uint8), _planes(1)[0]
    return *work, cuts, numbers, line, branches, pivots, tree, counts


def column_counts(columns: Sequence[tuple[Any, Valid]], cuts: Sequence[Any], /) -> list[Counts]:
    """See `spec.OPS["column_counts"]`."""
    found = [
        (np.ascontiguousarray(values), _valid(valid), edges)
        for (values, valid), edges in zip(columns, cuts, strict=True)
    ]
    alike: dict[tuple[np.dtype[Any], int], list[int]] = {}
    for j, (values, _, edges) in enumerate(found):
        alike.setdefault((values.dtype, _depth(len(edges))), []).append(j)
    out: list[Counts] = [np.zeros(0, dtype=np.int64)] * len(found)
    for (dtype, depth), members in alike.items():
        edges = _compared(np.concatenate([found[j][2] for j in members]))
        rows, start, stored = [], 0, _STORED.get(dtype.name, tallies.PLAIN)
        for values, valid, own in (found[j] for j in members):
            rows.append((values.ctypes.data, len(values), stored, *valid[:3], start, len(own)))
            start += len(own)
        group = _Group(depth, np.array(rows, dtype=np.int64), edges)
        counts = group.counted()
        for place, j in enumerate(members):
            out[j] = counts[group.cells(place) : group.cells(place + 1)]
    return out


def histogram(x: Any, cuts: Any, mask: Any, /) -> Counts:
    """See `spec.OPS["histogram"]`."""
    (n, d), c = x.shape, cuts.shape[1]
    if d == 0:
        return np.zeros((0, c + 2), dtype=np.int64)
    x, mask = np.asfortranarray(x), np.asfortranarray(mask)
    columns, at = np.zeros((d, 8), dtype=np.int64), np.arange(d)
    columns[:, tallies.ADDRESS] = x.ctypes.data + at * n * x.itemsize
    columns[:, tallies.VALID] = mask.ctypes.data + at * n
    columns[:, [tallies.LENGTH, tallies.KIND, tallies.COUNT]] = n, tallies.BOOLS, c
    columns[:, tallies.CUTS] = at * c
    columns[:, tallies.STORED] = _STORED.get(x.dtype.name, tallies.PLAIN)
    counts = _Group(_depth(c), columns, _compared(np.ascontiguousarray(cuts).ravel())).counted().reshape(d, c + 3)
    # No cut is below NaN.
    counts[:, 0] += counts[:, c + 1]
    return np.delete(counts, c + 1, axis=1)


def code_counts(columns: Sequence[tuple[Any, Valid]], totals: Sequence[int], /) -> list[Counts]:
    """See `spec.OPS["code_counts"]`."""
    # A negative code is a large one without its sign.
    found = [(np.ascontiguousarray(codes).view(f"uint{codes.itemsize * 8}"), _valid(valid)) for codes, valid in columns]
    alike: dict[tuple[np.dtype[Any], int], list[int]] = {}
    for j, ((codes, _), total) in enumerate(zip(found, totals, strict=True)):
        alike.setdefault((codes.dtype, total), []).append(j)
    out: list[Counts] = [np.zeros(0, dtype=np.int64)] * len(found)
    for (dtype, total), members in alike.items():
        counts = _codes(dtype, total, [found[j] for j in members])
        for place, j in enumerate(members):
            out[j] = counts[place]
    return out


def _codes(dtype: np.dtype[Any], total: int, columns: Sequence[tuple[Any, _Valid]]) -> Counts:
    """Counts of columns of one type and total: (d, total + 1). Many short columns are one piece of work."""
    rows = [(codes.ctypes.data, len(codes), tallies.PLAIN, *valid[:3], 0, 0) for codes, valid in columns]
    where, least = np.array(rows, dtype=np.int64), max(_LEAST_CODES, total)
    pieces = np.array(
        [(j, *span) for j, (codes, _) in enumerate(columns) for span in spans(len(codes), least)], dtype=np.int64
    ).reshape(-1, 3)
    one, depth = np.zeros(1, dtype), max((total - 1).bit_length(), 3)

    def work(some: tuple[int, int]) -> Counts:
        mine = pieces[slice(*some)]
        out = np.zeros((len(mine), total + 1), dtype=np.int64)
        if 0 < total <= 1 << _DEEPEST:
            room = aligned(64 * dtype.itemsize, np.uint8), _planes(depth + 2), _patterns(depth)
            tallies.codes_in_planes(one, (0,) * depth, where, total, mine, room, out)
        else:
            counts = np.zeros((tallies.SIDES if total <= _FEW_CODES else 1, total + 1), dtype=np.int64)
            tallies.codes_in_tables(one, where, total, mine, (_planes(1)[0], counts), out)
        return out

    made = np.zeros((len(columns), total + 1), dtype=np.int64)
    shares = spans(len(pieces), 1)
    found = on_threads(work, shares, large=int(where[:, tallies.LENGTH].sum()) > _LEAST_CODES)
    for some, part in zip(shares, found, strict=True):
        np.add.at(made, pieces[slice(*some), 0], part)
    return made


def count_codes(codes: Any, total: int, /) -> Counts:
    """See `spec.OPS["count_codes"]`."""
    return code_counts([(codes, None)], [total])[0][:total]


def bit_counts(bits: Bits, valid: Valid, n: int, /) -> Counts:
    """See `spec.OPS["bit_counts"]`."""
    buffer, rows = np.ascontiguousarray(bits[0]), _valid(valid)
    column = np.array([0, n, tallies.PLAIN, *rows[:3], 0, 0], dtype=np.int64)

    def work(span: tuple[int, int]) -> Counts:
        out = np.zeros(3, dtype=np.int64)
        tallies.bits_in_planes(buffer.ctypes.data, bits[1], column, span, (_planes(2), _patterns(1)), out)
        return out

    found = on_threads(work, spans(n, _LEAST_CODES), large=n > _LEAST_CODES)
    return np.asarray(np.sum([np.zeros(3, dtype=np.int64), *found], axis=0))
