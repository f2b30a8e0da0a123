"""Loops over pieces of columns that count values, codes and bits, block by block, by planes or by tables.

A column is a row of whole numbers, see `ADDRESS` and on. A piece is what lies between two rows of two columns: (first
column, its first row, last column, the row of it that comes after the last). What a loop needs to work with is given
to it, and begins at multiples of 64 bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accel_drift_kernels.numba_cpu import lookup, planes
from accel_drift_kernels.numba_cpu.lanes import BYTES
from accel_drift_kernels.numba_cpu.planes import ABREAST, GROUP, ROWS, TREES, bools_at, number_at
from accel_drift_kernels.numba_cpu.threads import compiled

ADDRESS, LENGTH, STORED, KIND, VALID, FIRST, CUTS, COUNT = range(8)
"""Where a column's values lie, how many, and as what; its validity's kind, where it lies, from which bit or byte on;
where its cuts begin among those of all columns, and how many there are."""

ALL, BOOLS, BITS = range(3)
"""Kinds of validity."""

PLAIN, INT8, UINT8, INT16, UINT16, UINT32, UINT64 = range(7)
"""What values are stored as. Those that are not compared as they are become int32 or int64 of the same order."""

SIDES = 4
"""Tables of counts."""

_LINE_STEPS = 4
"""Halving steps beyond which a line gives way to a tree of five levels, which leaves three for 256 bins."""


@compiled
def present(kind: int, address: int, first: int, rows: int, out: Any) -> None:
    """The plane of validity of `rows` rows from row `first` on; in the rest of the last group the bits are 0."""
    full = rows >> 6
    at = address + (first if kind == BOOLS else first >> 3)
    shift = np.uint64(first & 7)
    for w in range(full):
        if kind == ALL:
            out[w] = ~np.uint64(0)
        elif kind == BOOLS:
            out[w] = bools_at(at + 64 * w)
        else:
            word = number_at(np.uint64(0), at + 8 * w)
            if shift:
                # Of 64 bits that begin within a byte the last ones lie in a ninth.
                over = np.uint64(number_at(np.uint8(0), at + 8 * w + 8))
                word = (word >> shift) | (over << (np.uint64(64) - shift))
            out[w] = word
    for w in range(full, -(-rows // GROUP) * (GROUP // 64)):
        out[w] = 0
    for i in range(64 * full, rows):
        if _is_present(kind, address, first + i):
            out[full] |= np.uint64(1) << np.uint64(i & 63)


@compiled
def _is_present(kind: int, address: int, place: int) -> Any:
    if kind == ALL:
        return True
    byte = number_at(np.uint8(0), address + (place if kind == BOOLS else place >> 3))
    return byte != 0 if kind == BOOLS else ((byte >> np.uint8(place & 7)) & np.uint8(1)) != 0


@compiled
def _converted(stored: int, at: int, rows: int, block: Any) -> int:
    """Where a block's values lie as int32 or int64."""
    narrow = block.view(np.int32)
    for i in range(rows):
        if stored == INT8:
            narrow[i] = number_at(np.int8(0), at + i)
        elif stored == UINT8:
            narrow[i] = number_at(np.uint8(0), at + i)
        elif stored == INT16:
            narrow[i] = number_at(np.int16(0), at + 2 * i)
        elif stored == UINT16:
            narrow[i] = number_at(np.uint16(0), at + 2 * i)
        elif stored == UINT32:
            narrow[i] = number_at(np.int32(0), at + 4 * i) ^ np.int32(-(2**31))
        else:
            block[i] = number_at(np.int64(0), at + 8 * i) ^ np.int64(-(2**63))
    return block.ctypes.data  # type: ignore[no-any-return]


@compiled
def _copy(source: Any, count: Any, out: Any) -> Any:
    for i in range(count):
        out[i] = number_at(np.uint8(0), source + i)
    return out.ctypes.data


@compiled
def _span(columns: Any, piece: Any, j: int) -> Any:
    """The rows of a column that belong to a piece: the first one, and the one after the last."""
    return piece[1] if j == piece[0] else 0, piece[3] if j == piece[2] else columns[j, LENGTH]


@compiled
def _values(one: Any, column: Any, row: int, rows: int, block: Any) -> int:
    """Where the values of a block lie as they are compared."""
    stored = column[STORED]
    if stored == PLAIN:
        return column[ADDRESS] + row * one.itemsize  # type: ignore[no-any-return]
    size = 1 if stored <= UINT8 else 2 if stored <= UINT16 else 4 if stored == UINT32 else 8
    return _converted(stored, column[ADDRESS] + row * size, rows, block)


@compiled
def plant(cuts: Any, most: Any, depth: int, out: Any) -> None:
    """Lay a search tree over ascending cuts, level by level; where there is no cut stands `most`.

    Level l has 2^l numbers and fills whole lane vectors. Which of them is asked say the answers before it as bits, the
    first answer the lowest.
    """
    place = 0
    for level in range(depth):
        width = max(BYTES // out.itemsize, 1 << level)
        for e in range(width):
            at = (1 << (depth - 1 - level)) - 1
            for i in range(level):
                at += ((e >> i) & 1) << (depth - 1 - i)
            out[place + e] = cuts[at] if at < cuts.size else most
        place += width


@compiled
def _tell_apart(counts: Any) -> None:
    """Make the counts of rows with at least a pattern's bits those of rows with no others, in their first lanes."""
    patterns = counts.shape[0]
    for p in range(patterns):
        for lane in range(1, counts.shape[1]):
            counts[p, 0] += counts[p, lane]
    bit = 1
    while bit < patterns:
        for p in range(patterns):
            if not p & bit:
                counts[p, 0] -= counts[p | bit, 0]
        bit *= 2


@compiled
def in_trees(one: Any, depth: Any, columns: Any, cuts: Any, most: Any, piece: Any, room: Any, out: Any) -> None:
    """Count a piece by trees as deep as the tuple `depth` is long; a tree must have room for one number more.

    Args:
        one: an array of one number as they are compared.
        depth: a tuple of whole numbers.
        columns: (d, 8).
        cuts: of all columns.
        most: the largest number of the cuts' type; only NaN is above it.
        piece: which rows.
        room: a block of values; the bytes of `ABREAST` lane vectors; planes, the last one for validity; tree; counts.
        out: cells of the piece's columns, zeros before.
    """
    block, tail, bits, tree, counts = room
    lanes, valid, patterns = np.int64(ABREAST * BYTES // one.itemsize), bits[-1], 1 << len(depth)
    base = columns[piece[0], CUTS] + 3 * piece[0]
    for j in range(piece[0], piece[2] + 1):
        column = columns[j]
        c, (start, stop) = column[COUNT], _span(columns, piece, j)
        plant(cuts[column[CUTS] : column[CUTS] + c], most, len(depth), tree)
        counts[:] = 0
        for row in range(start, stop, ROWS):
            rows = min(ROWS, stop - row)
            present(column[KIND], column[VALID], column[FIRST] + row, rows, valid)
            at, full = _values(one, column, row, rows, block), rows // lanes
            planes.value_planes(one[0], depth, at, full, tree.ctypes.data, bits.ctypes.data)
            if rows % lanes:
                last = _copy(at + full * tail.size, rows % lanes * one.itemsize, tail)
                planes.value_planes(one[0], depth, last, 1, tree.ctypes.data, bits.ctypes.data + full * lanes // 8)
            groups = -(-rows // GROUP)
            planes.count_patterns(depth, bits.ctypes.data, valid.ctypes.data, groups, patterns, counts.ctypes.data)
        _tell_apart(counts)
        cells = out[column[CUTS] + 3 * j - base :]
        cells[c + 1], cells[c + 2] = counts[patterns - 1, 0], stop - start - counts[patterns - 1, 0]
        for b in range(c + 1):
            cells[b] = counts[b, 0]
            cells[c + 2] -= cells[b]


@compiled
def _steps(most: Any) -> int:
    """Halvings that find a place among so many cuts."""
    steps = 0
    while most >> steps:
        steps += 1
    return steps


@compiled
def _line_table(cuts: Any, c: int, law: Any, valid: Any, buckets: Any, table: Any) -> int:
    """Fill a line's table: the cuts in lower buckets. Returns how many halving steps a bucket's own cuts need."""
    lanes = np.int64(BYTES // cuts.itemsize)
    table[:] = 0
    valid[:] = ~np.uint64(0)
    for start in range(0, c, ROWS):
        count = min(ROWS, c - start)
        vectors, at = -(-count // lanes), cuts[start:].ctypes.data
        lookup.buckets(
            cuts[0], (0,), at, vectors, law.ctypes.data, valid.ctypes.data, table.size - 2, buckets.ctypes.data
        )
        for i in range(count):
            table[buckets[i]] += 1
    fullest, before = np.int64(0), np.int64(0)
    for b in range(table.size - 2):
        own = np.int64(table[b])
        fullest, table[b] = max(fullest, own), before
        before += own
    table[-2], table[-1] = c + 1, c + 2
    return _steps(fullest)


@compiled
def _tree_table(cuts: Any, c: int, most: Any, pivots: Any, tree: Any, table: Any) -> int:
    """As `_line_table` for a tree over cuts that part them evenly."""
    leaves = np.int64(1 << lookup.DEPTH)
    for j in range(1, leaves):
        pivots[j - 1] = cuts[j * (c + 1) // leaves - 1]
    plant(pivots, most, lookup.DEPTH, tree)
    fullest = 0
    for j in range(leaves):
        number = 0
        for i in range(lookup.DEPTH):
            number |= ((j >> i) & 1) << (lookup.DEPTH - 1 - i)
        table[number] = j * (c + 1) // leaves
        fullest = max(fullest, (j + 1) * (c + 1) // leaves - 1 - table[number])
    table[leaves], table[leaves + 1] = c + 1, c + 2
    return _steps(fullest)


@compiled
def _found(one: Any, steps: Any, at: int, rows: int, buckets: Any, table: Any, cuts: Any, counts: Any) -> None:
    """Count a block's values: from the table's cut on, a halving step for each entry of the tuple `steps`."""
    for i in range(rows):
        x = number_at(one[0], at + i * one.itemsize)
        # Unsigned: Numba asks of other numbers whether they count from the end.
        reached = np.uint64(table[np.uint64(buckets[i])])
        for step in range(len(steps)):
            power = np.uint64(len(steps) - 1 - step)
            below = cuts[reached + (np.uint64(1) << power) - np.uint64(1)] < x
            reached += np.uint64(below) << power
        # A count that was just written is slow to come back: neighbours count in different tables.
        counts[np.uint64(i) & np.uint64(SIDES - 1), reached] += 1


@compiled
def in_tables(one: Any, columns: Any, cuts: Any, laws: Any, most: Any, piece: Any, room: Any, out: Any) -> None:
    """Count a piece by looking up, see `lookup`.

    Args:
        one: an array of one number as they are compared.
        columns: (d, 8).
        cuts: of all columns.
        laws: (d, 3) first value, slope or shift, last bucket of each column's line.
        most: the largest number of the cuts' type.
        piece: which rows.
        room: a block of values; a lane vector of bytes; a plane; cuts with numbers behind them; buckets of a block;
            the tables of a line and of a tree; pivots, tree; counts.
        out: cells of the piece's columns, zeros before.
    """
    block, tail, valid, own, buckets, line, branches, pivots, tree, counts = room
    base = columns[piece[0], CUTS] + 3 * piece[0]
    for j in range(piece[0], piece[2] + 1):
        column = columns[j]
        c, (start, stop) = column[COUNT], _span(columns, piece, j)
        own[:c] = cuts[column[CUTS] : column[CUTS] + c]
        own[c:] = most
        counts[:] = 0
        law, table, steps = laws[j].ctypes.data, line, _line_table(own, c, laws[j], valid, buckets, line)
        by_tree = TREES and steps > _LINE_STEPS
        if by_tree:
            law, table, steps = tree.ctypes.data, branches, _tree_table(own, c, most, pivots, tree, branches)
        for row in range(start, stop, ROWS):
            rows = min(ROWS, stop - row)
            present(column[KIND], column[VALID], column[FIRST] + row, rows, valid)
            at = _values(one, column, row, rows, block)
            _bucketed(one, by_tree, at, rows, law, valid, table, tail, buckets)
            if steps <= 1:
                _found(one, (0,), at, rows, buckets, table, own, counts)
            elif steps <= 3:
                _found(one, (0, 0, 0), at, rows, buckets, table, own, counts)
            else:
                _found(one, range(steps), at, rows, buckets, table, own, counts)
        cells = out[column[CUTS] + 3 * j - base :]
        for b in range(c + 3):
            cells[b] = counts[:, b].sum()


@compiled
def _bucketed(
    one: Any, by_tree: bool, at: int, rows: int, law: int, valid: Any, table: Any, tail: Any, out: Any
) -> None:
    """The buckets of a block's values."""
    special, lanes = table.size - 2, BYTES // one.itemsize
    vectors, first = rows // lanes, 0
    for _ in range(2):
        place, to = valid.ctypes.data + first // 8, out.ctypes.data + 4 * first
        if TREES and by_tree:
            lookup.buckets(one[0], (0, 0), at, vectors, law, place, special, to)
        else:
            lookup.buckets(one[0], (0,), at, vectors, law, place, special, to)
        if rows % lanes == 0:
            break
        at, first, vectors = _copy(at + vectors * BYTES, rows % lanes * one.itemsize, tail), vectors * lanes, 1


@compiled
def codes_in_planes(one: Any, depth: Any, columns: Any, total: int, pieces: Any, room: Any, out: Any) -> None:
    """Count codes below `total`, at most 2^depth, and then all other rows, in pieces of columns.

    Args:
        one: an array of one code.
        depth: a zero for each bit of a code.
        columns: (d, 8).
        total: how many categories there are.
        pieces: (p, 3) column, first row, the row after the last.
        room: a lane vector of codes; planes; counts of patterns.
        out: (p, total + 1).
    """
    tail, bits, counts = room
    valid, outside = bits[-1], bits[len(depth)]
    for p in range(pieces.shape[0]):
        column, start, stop = columns[pieces[p, 0]], pieces[p, 1], pieces[p, 2]
        counts[:] = 0
        for row in range(start, stop, ROWS):
            rows = min(ROWS, stop - row)
            present(column[KIND], column[VALID], column[FIRST] + row, rows, valid)
            full, at = rows >> 6, column[ADDRESS] + row * one.itemsize
            planes.code_planes(one[0], depth, at, full, total - 1, bits.ctypes.data)
            if rows & 63:
                last = _copy(at + (full << 6) * one.itemsize, (rows & 63) * one.itemsize, tail)
                planes.code_planes(one[0], depth, last, 1, total - 1, bits.ctypes.data + 8 * full)
            for w in range(valid.size):
                valid[w] &= ~outside[w]
            groups = -(-rows // GROUP)
            planes.count_patterns(depth, bits.ctypes.data, valid.ctypes.data, groups, total, counts.ctypes.data)
        _tell_apart(counts)
        out[p, total] = stop - start
        for code in range(total):
            out[p, code] = counts[code, 0]
            out[p, total] -= out[p, code]


@compiled
def codes_in_tables(one: Any, columns: Any, total: int, pieces: Any, room: Any, out: Any) -> None:
    """As `codes_in_planes` for any total; room: a plane, counts."""
    valid, counts = room
    sides, missing = np.uint64(counts.shape[0] - 1), np.uint64(total)
    for p in range(pieces.shape[0]):
        column, start, stop = columns[pieces[p, 0]], pieces[p, 1], pieces[p, 2]
        counts[:] = 0
        for row in range(start, stop, ROWS):
            rows = min(ROWS, stop - row)
            present(column[KIND], column[VALID], column[FIRST] + row, rows, valid)
            at = column[ADDRESS] + row * one.itemsize
            for i in range(rows):
                code: Any = np.uint64(number_at(one[0], at + i * one.itemsize))
                bit = (valid[np.uint64(i >> 6)] >> np.uint64(i & 63)) & np.uint64(1)
                counts[np.uint64(i) & sides, code if bit and code < missing else missing] += 1
        for code in range(total + 1):
            out[p, code] = counts[:, code].sum()


@compiled
def bits_in_planes(address: int, first: int, column: Any, span: Any, room: Any, out: Any) -> None:
    """Count bits among the rows of a span: 0, 1, rows without a value. Of the column only its validity is read."""
    bits, counts = room
    counts[:] = 0
    for row in range(span[0], span[1], ROWS):
        rows = min(ROWS, span[1] - row)
        present(BITS, address, first + row, rows, bits[0])
        present(column[KIND], column[VALID], column[FIRST] + row, rows, bits[-1])
        groups = -(-rows // GROUP)
        planes.count_patterns((0,), bits.ctypes.data, bits[-1].ctypes.data, groups, 2, counts.ctypes.data)
    _tell_apart(counts)
    out[0], out[1] = counts[0, 0], counts[1, 0]
    out[2] = span[1] - span[0] - out[0] - out[1]
