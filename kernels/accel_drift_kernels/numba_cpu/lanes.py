"""Vector instructions that a plain loop does not get: powers of two, sums over rows, sums of looked-up vectors.

Numba as installed from PyPI has no vector mathematics library, so `math.exp` in a loop is one call a number; and two
arrays of a loop may overlap for all that LLVM knows, so short loops over them are not made into vector instructions.
A lane vector is 64 bytes: 16 float32 or 8 float64, one register with AVX-512, two or four elsewhere. Where an address
is asked for, the vectors there begin at a multiple of 64 bytes. `like` is always a number of the lanes' type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import extending, types
from numba.core import config
from numba.core.codegen import get_host_cpu_features

intrinsic: Any = extending.intrinsic
"""Its functions are called without the first argument of their definition, which no type checker knows."""

BYTES = 64

_ASKED: str | None = getattr(config, "CPU_FEATURES", None)
FEATURES: str = get_host_cpu_features() if _ASKED is None else _ASKED
"""What the processor that code is made for can do, as LLVM names it."""

SPLIT = ((0, 6), (6, 5), (11, 5))
"""A word of 16 bits as three table numbers: (first bit, bits). Two tables of 8 bits would not fit the nearest cache."""

ENTRIES = sum(1 << bits for _, bits in SPLIT)
"""Lane vectors of the tables that 16 rows need."""

SIDE = 3
"""Lane vectors beside each other that are summed at once: fewer would wait for their own last sum."""

INT = ir.IntType(64)
_CONTRACT = ("contract",)

# (2^f - 1) / f on [-1/2, 1/2], fitted at Chebyshev nodes: within 4e-9 and 7e-18, the highest power first; then 1.
_NARROW = (
    0.00015453162945120690177,
    0.0013390863364671234381,
    0.0096180825572778514913,
    0.055503571142190778186,
    0.24022650760568126945,
    0.69314718802622878106,
    1.0,
)
_WIDE = (
    4.4549605981865183938e-10,
    7.0725859492692236999e-9,
    1.0178062445845773521e-7,
    1.3215442587921689653e-6,
    0.000015252733829836118394,
    0.00015403530441736050155,
    0.001333355814641693531,
    0.0096181291076068885273,
    0.055504108664821594339,
    0.2402265069591009822,
    0.69314718055994530942,
    1.0,
)
_POWERS = {"float": (_NARROW, 23, -127.0), "double": (_WIDE, 52, -1023.0)}
"""Coefficients, bits of the mantissa, and the power that is exactly zero by the bits that it is made of."""


def aligned(count: int, dtype: Any) -> npt.NDArray[Any]:
    """Zeros that begin at a multiple of 64 bytes: a vector that straddles two cache lines costs two loads."""
    size = np.dtype(dtype).itemsize
    made = np.zeros(count + BYTES // size, dtype=dtype)
    first = (-made.ctypes.data % BYTES) // size
    return made[first : first + count]


def lanes_of(kind: Any) -> ir.VectorType:
    """The lane vector of a Numba number type."""
    floats = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
    return ir.VectorType(floats.get(kind) or ir.IntType(kind.bitwidth), BYTES * 8 // kind.bitwidth)


def everywhere(kind: ir.VectorType, value: float) -> ir.Constant:
    """One number in all lanes."""
    rounded = np.float32(value) if isinstance(kind.element, ir.FloatType) else value
    return ir.Constant(kind, [float(rounded)] * kind.count)


def spread(b: Any, kind: ir.VectorType, value: Any) -> Any:
    """A number known at run time in all lanes."""
    none = ir.Constant(kind, ir.Undefined)
    one = b.insert_element(none, value, ir.IntType(32)(0))
    return b.shuffle_vector(one, none, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None))


def load(b: Any, address: Any, kind: Any, align: int = BYTES) -> Any:
    """The lane vector, or whatever is asked for, at an address that is a multiple of `align`."""
    made = b.load(b.inttoptr(address, kind.as_pointer()))
    made.align = align
    return made


def store(b: Any, value: Any, address: Any, align: int = BYTES) -> None:
    """Put a lane vector, or whatever it is, at an address that is a multiple of `align`."""
    b.store(value, b.inttoptr(address, value.type.as_pointer())).align = align


def number(b: Any, address: Any, kind: ir.VectorType) -> Any:
    """A single number at an address, in all lanes."""
    return spread(b, kind, load(b, address, kind.element, BYTES // kind.count))


def plus_product(b: Any, total: Any, one: Any, other: Any) -> Any:
    """Make total + one * other in one step where the processor has it."""
    return b.fadd(total, b.fmul(one, other, flags=_CONTRACT), flags=_CONTRACT)


def loop(b: Any, count: Any, start: Sequence[Any], step: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """Values after step(i, values) for i from 0 to count: they stay in registers."""
    before, head, body, done = b.basic_block, *(b.append_basic_block(name) for name in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    i, held = b.phi(INT), [b.phi(value.type) for value in start]
    b.cbranch(b.icmp_signed("<", i, count), body, done)
    b.position_at_end(body)
    made, after = step(i, held), b.add(i, INT(1))
    for phi, first, later in zip([i, *held], [INT(0), *start], [after, *made], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, b.basic_block)
    b.branch(head)
    b.position_at_end(done)
    return held


def exp2(b: Any, x: Any) -> Any:
    """2 to the powers x <= 0, right to two roundings; below the smallest normal number less than that number, or 0."""
    kind = x.type
    powers, mantissa, least = _POWERS[str(kind.element)]
    word = ir.VectorType(ir.IntType(32 if mantissa == 23 else 64), kind.count)
    bottom, shift = everywhere(kind, least), everywhere(kind, 1.5 * 2.0**mantissa)
    y = b.select(b.fcmp_ordered(">", x, bottom), x, bottom)
    # Adding and taking off 1.5 * 2^mantissa rounds to a whole number, which then stands in the low bits.
    shifted = b.fadd(y, shift)
    f = b.fsub(y, b.fsub(shifted, shift))
    p = everywhere(kind, powers[0])
    for c in powers[1:]:
        p = plus_product(b, everywhere(kind, c), p, f)
    place = ir.Constant(word, [mantissa] * kind.count)
    return b.bitcast(b.add(b.bitcast(p, word), b.shl(b.bitcast(shifted, word), place)), kind)


@intrinsic
def power_lanes(_typing: Any, like: Any, out: Any, at: Any) -> Any:
    """Make 2 to the powers at an address, see `exp2`."""
    kind = lanes_of(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        store(b, exp2(b, load(b, args[2], kind)), args[1])
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp), made


@intrinsic
def add_lanes(_typing: Any, like: Any, out: Any, one: Any, other: Any) -> Any:
    """Make out = one + other for the lane vectors at three addresses."""
    kind = lanes_of(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        store(b, b.fadd(load(b, args[2], kind), load(b, args[3], kind)), args[1])
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, types.intp), made


@intrinsic
def add_rows(_typing: Any, like: Any, out: Any, at: Any, stride: Any, weights: Any, rows: Any) -> Any:
    """Add to the `SIDE` lane vectors at `out` those of all rows, each times its weight; `stride` is in bytes."""
    kind, size = lanes_of(like), like.bitwidth // 8

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, out, at, stride, weights, rows = args

        def step(i: Any, sums: list[Any]) -> list[Any]:
            row, weight = b.add(at, b.mul(i, stride)), number(b, b.add(weights, b.mul(i, INT(size))), kind)
            return [
                plus_product(b, total, load(b, b.add(row, INT(v * BYTES)), kind), weight)
                for v, total in enumerate(sums)
            ]

        places = [b.add(out, INT(v * BYTES)) for v in range(SIDE)]
        for place, total in zip(places, loop(b, rows, [load(b, p, kind) for p in places], step), strict=True):
            store(b, total, place)
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, types.intp, types.intp, types.int64), made


@intrinsic
def dot_lanes(_typing: Any, like: Any, one: Any, other: Any, count: Any) -> Any:
    """The sum of products of the numbers in `count` lane vectors at two addresses, in one order always."""
    kind = lanes_of(like)

    def made(_context: Any, b: Any, _signature: Any, args: Any) -> Any:
        def step(i: Any, sums: list[Any]) -> list[Any]:
            place = b.mul(i, INT(BYTES))
            pair = (load(b, b.add(at, place), kind) for at in args[1:3])
            return [plus_product(b, sums[0], *pair)]

        return _across(b, loop(b, args[3], [ir.Constant(kind, None)], step)[0])

    return like(like, types.intp, types.intp, types.int64), made


@intrinsic
def add_looked_up(_typing: Any, like: Any, out: Any, tables: Any, first: Any, second: Any) -> Any:
    """Add to out the sums that two words of 16 bits choose from two sets of `SPLIT` tables, one after the other."""
    kind = lanes_of(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        total, offset = None, 0
        for chosen in args[3:]:
            for first_bit, bits in SPLIT:
                entry = b.and_(b.lshr(chosen, INT(first_bit)), INT((1 << bits) - 1))
                found = load(b, b.add(b.add(args[2], INT(offset)), b.shl(entry, INT(6))), kind)
                total = found if total is None else b.fadd(total, found)
                offset += BYTES << bits
        store(b, b.fadd(load(b, args[1], kind), total), args[1])
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, types.int64, types.int64), made


@intrinsic
def masked_sum(_typing: Any, like: Any, address: Any, mask: Any) -> Any:
    """The sum over the lanes whose bit is set in `mask`, in one order always."""
    kind = lanes_of(like)

    def made(_context: Any, b: Any, _signature: Any, args: Any) -> Any:
        chosen = b.bitcast(b.trunc(args[2], ir.IntType(kind.count)), ir.VectorType(ir.IntType(1), kind.count))
        return _across(b, b.select(chosen, load(b, args[1], kind), ir.Constant(kind, None)))

    return like(like, types.intp, types.int64), made


def _across(b: Any, value: Any) -> Any:
    """The sum over the lanes, by halves."""
    lanes = value.type.count
    while lanes > 1:
        lanes //= 2
        none = ir.Constant(value.type, ir.Undefined)
        value = b.fadd(*(b.shuffle_vector(value, none, _numbers(start, lanes)) for start in (0, lanes)))
    return b.extract_element(value, ir.IntType(32)(0))


def _numbers(start: int, count: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(start, start + count)))
