"""Rows counted by bits: vector instructions that give every row a few bits, and count the rows of each pattern.

A plane holds one bit of each of `ROWS` rows. A value's planes are the answers of a search tree whose cut points stay in
registers: depth comparisons find one of 2^depth bins, where comparing with every cut would take as many as there are
cuts. A code's planes are its own bits, once it is a byte; a row's validity is one more. The rows that have the bits of
a pattern, and maybe more bits, are then counted 512 at a time, by three instructions a pattern: nothing is scattered,
and nothing waits for the count before it. Rows with those bits alone are told from these counts at the end.

Values are float32, float64, int32 or int64 and may lie at any address; planes begin at multiples of 64 bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from accel_drift_kernels.numba_cpu import lanes
from accel_drift_kernels.numba_cpu.lanes import BYTES, INT, intrinsic

ROWS = 2048
"""Rows of a block. Many, for bits are read again in larger pieces than they were written in, and such loads wait; but
with blocks of float64 as large as the nearest cache columns came from memory a third slower."""

PLANE = ROWS // 8
"""Bytes of a plane."""

GROUP = BYTES * 8
"""Rows that are counted at once."""

ABREAST = 4
"""Lane vectors that go down a tree together: one alone waits for each of its answers."""

ONCE = 8
"""Patterns that are counted at once, so that their counts stay in registers."""

TREES = "+avx512f" in lanes.FEATURES
"""Whether the lanes of a register can be looked up by number: a tree stands in registers then."""

_LOOKED_UP = {(8, 1): "permvar.df", (16, 1): "permvar.sf", (8, 2): "vpermi2var.pd", (16, 2): "vpermi2var.ps"}
"""LLVM's names, by lanes and registers of the table."""


def above(b: Any, one: Any, other: Any) -> Any:
    """Whether one > other in each lane; NaN is above all."""
    whole = isinstance(one.type.element, ir.IntType)
    return (b.icmp_signed if whole else b.fcmp_unordered)(">", one, other)


def words_of(kind: ir.VectorType) -> ir.VectorType:
    """Integers as wide as these lanes."""
    return ir.VectorType(ir.IntType(BYTES * 8 // kind.count), kind.count)


def _entry(b: Any, table: list[Any], number: Any) -> Any:
    """The entries of these numbers in a table of lane vectors; one of more than two is chosen from by halves."""
    word, count = number.type, number.type.count
    if len(table) > 2:
        half = len(table) // 2
        bit = b.and_(number, ir.Constant(word, [half * count] * count))
        low, high = (_entry(b, part, number) for part in (table[:half], table[half:]))
        return b.select(b.icmp_unsigned("!=", bit, ir.Constant(word, None)), high, low)
    # Lanes are looked up as floats, whatever they are.
    kind = lanes.lanes_of(types.float64 if count == 8 else types.float32)
    arguments = [b.bitcast(table[0], kind), number, *(b.bitcast(other, kind) for other in table[1:])]
    name = f"llvm.x86.avx512.{_LOOKED_UP[count, len(table)]}.512"
    function = get_or_insert_function(b.module, ir.FunctionType(kind, [a.type for a in arguments]), name)
    return b.bitcast(b.call(function, arguments), table[0].type)


def tree_at(b: Any, kind: ir.VectorType, address: Any, depth: int) -> list[list[Any]]:
    """The levels of a tree, see `tallies.plant`, in registers."""
    made, place = [], 0
    for level in range(depth):
        vectors = max(1, (1 << level) // kind.count)
        made.append([lanes.load(b, b.add(address, INT(BYTES * (place + v))), kind) for v in range(vectors)])
        place += vectors
    return made


def descend(
    b: Any, xs: list[Any], tree: list[list[Any]], keep: Callable[[int, int, Any], object] = lambda *_: None
) -> list[Any]:
    """Where values leave a tree: bit l of the number is the answer at level l.

    Args:
        b: the builder.
        xs: lane vectors of values, which go down together.
        tree: see `tree_at`.
        keep: is told each answer: which of the vectors, level, bits.
    """
    word = words_of(xs[0].type)
    numbers = [ir.Constant(word, None)] * len(xs)
    for level, table in enumerate(tree):
        bit = ir.Constant(word, [1 << level] * word.count)
        for v, (x, number) in enumerate(zip(xs, numbers, strict=True)):
            right = above(b, x, _entry(b, table, number) if level else table[0])
            keep(v, level, right)
            numbers[v] = b.select(right, b.or_(number, bit), number)
    return numbers


def _keep(b: Any, bits: Any, plane: int, planes: Any, i: Any) -> None:
    """Store the i-th bits of a plane."""
    place = b.add(b.add(planes, INT(plane * PLANE)), b.mul(i, INT(bits.type.count // 8)))
    lanes.store(b, b.bitcast(bits, ir.IntType(bits.type.count)), place, 1)


@intrinsic
def value_planes(_typing: Any, like: Any, depth: Any, at: Any, groups: Any, tree: Any, planes: Any) -> Any:
    """Planes of values: answers of a tree as deep as the tuple `depth` is long, the first level's first.

    Looked at are `groups` of `ABREAST` lane vectors.
    """
    kind = lanes.lanes_of(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, _, at, groups, tree, planes = args
        levels = tree_at(b, kind, tree, depth.count)

        def step(i: Any, _: list[Any]) -> list[Any]:
            places = [b.add(b.mul(i, INT(ABREAST)), INT(v)) for v in range(ABREAST)]
            xs = [lanes.load(b, b.add(at, b.mul(p, INT(BYTES))), kind, BYTES // kind.count) for p in places]
            descend(b, xs, levels, lambda v, level, right: _keep(b, right, level, planes, places[v]))
            return []

        lanes.loop(b, groups, [], step)
        return context.get_dummy_value()

    return types.void(like, depth, types.intp, types.int64, types.intp, types.intp), made


def _bytes(b: Any, kind: ir.VectorType, at: Any) -> Any:
    """The 64 unsigned codes at an address as bytes; larger ones become 255."""
    most, narrow = ir.Constant(kind, [255] * kind.count), ir.VectorType(ir.IntType(8), kind.count)
    parts = [lanes.load(b, b.add(at, INT(v * BYTES)), kind, BYTES // kind.count) for v in range(BYTES // kind.count)]
    if kind != narrow:
        parts = [b.trunc(b.select(b.icmp_unsigned("<", code, most), code, most), narrow) for code in parts]
    while len(parts) > 1:
        both = ir.Constant(ir.VectorType(ir.IntType(32), 2 * parts[0].type.count), list(range(2 * parts[0].type.count)))
        parts = [b.shuffle_vector(one, other, both) for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


@intrinsic
def code_planes(_typing: Any, like: Any, depth: Any, at: Any, words: Any, most: Any, planes: Any) -> Any:
    """Planes of unsigned codes: as many last bits as `depth` is long, the highest first; whether it is above `most`.

    Looked at are 64 codes for each of `words`; `most` is below 255.
    """
    kind, byte = lanes.lanes_of(like), ir.VectorType(ir.IntType(8), BYTES)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, _, at, words, most, planes = args
        limit = lanes.spread(b, byte, b.trunc(most, byte.element))
        # A one that LLVM cannot tell: it would test the last bit of every code before it is a byte, four times as dear.
        one = b.trunc(b.lshr(b.add(most, INT(256)), INT(8)), byte.element)
        tests = [lanes.spread(b, byte, b.shl(one, byte.element(bit))) for bit in range(depth.count)]

        def step(i: Any, _: list[Any]) -> list[Any]:
            code = _bytes(b, kind, b.add(at, b.mul(i, INT(BYTES * BYTES // kind.count))))
            for bit, test in enumerate(tests):
                found = b.icmp_unsigned("!=", b.and_(code, test), ir.Constant(byte, None))
                _keep(b, found, depth.count - 1 - bit, planes, i)
            _keep(b, b.icmp_unsigned(">", code, limit), depth.count, planes, i)
            return []

        lanes.loop(b, words, [], step)
        return context.get_dummy_value()

    return types.void(like, depth, types.intp, types.int64, types.int64, types.intp), made


@intrinsic
def count_patterns(_typing: Any, depth: Any, planes: Any, rows: Any, groups: Any, some: Any, counts: Any) -> Any:
    """Add to lane vectors of counts how many of the rows in the plane `rows` have at least the bits of each pattern.

    Bit depth - 1 - l of a pattern's number is that of plane l. Counted are `groups` of `GROUP` rows, and the patterns
    below `some`, in whole `ONCE`.
    """
    word = ir.VectorType(INT, BYTES // 8)
    low = min(depth.count, ONCE.bit_length() - 1)
    high = depth.count - low

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, planes, rows, groups, some, counts = args
        ones = get_or_insert_function(b.module, ir.FunctionType(word, [word]), f"llvm.ctpop.v{word.count}i64")

        def outer(part: Any, _: list[Any]) -> list[Any]:
            # A higher plane is asked only where the part's patterns have its bit: elsewhere all rows do.
            free = [b.and_(b.lshr(part, INT(high - 1 - plane)), INT(1)) for plane in range(high)]
            free = [lanes.spread(b, word, b.sub(bit, INT(1))) for bit in free]

            def step(i: Any, held: list[Any]) -> list[Any]:
                place = b.mul(i, INT(BYTES))
                found = [lanes.load(b, b.add(rows, place), word)]
                for plane in range(depth.count):
                    bits = lanes.load(b, b.add(b.add(planes, INT(plane * PLANE)), place), word)
                    if plane < high:
                        found = [b.and_(found[0], b.or_(bits, free[plane]))]
                    else:
                        found = [one for own in found for one in (own, b.and_(own, bits))]
                return [b.add(total, b.call(ones, [own])) for total, own in zip(held, found, strict=True)]

            first = b.add(counts, b.mul(part, INT(BYTES << low)))
            places = [b.add(first, INT(p * BYTES)) for p in range(1 << low)]
            start = [lanes.load(b, place, word) for place in places]
            for place, total in zip(places, lanes.loop(b, groups, start, step), strict=True):
                lanes.store(b, total, place)
            return []

        parts = b.lshr(b.add(some, INT((1 << low) - 1)), INT(low))
        lanes.loop(b, parts, [], outer)
        return context.get_dummy_value()

    return types.void(depth, types.intp, types.intp, types.int64, types.int64, types.intp), made


@intrinsic
def bools_at(_typing: Any, address: Any) -> Any:
    """The 64 bytes at an address as bits, 1 where the byte is not 0."""
    kind = ir.VectorType(ir.IntType(8), BYTES)

    def made(_context: Any, b: Any, _signature: Any, args: Any) -> Any:
        return b.bitcast(b.icmp_unsigned("!=", lanes.load(b, args[0], kind, 1), ir.Constant(kind, None)), INT)

    return types.uint64(types.intp), made


@intrinsic
def number_at(_typing: Any, like: Any, address: Any) -> Any:
    """The number of this type at any address."""

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        return lanes.load(b, args[1], context.get_value_type(like), 1)

    return like(like, types.intp), made
