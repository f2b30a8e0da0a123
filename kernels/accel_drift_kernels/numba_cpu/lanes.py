"""Vector instructions that a plain loop does not get: powers of two, and sums of looked-up vectors.

Numba as installed from PyPI has no vector mathematics library, so `math.exp` in a loop is one call a number; and two
arrays of a loop may overlap for all that LLVM knows, so short loops over them are not made into vector instructions.
A lane vector is 64 bytes: 16 float32 or 8 float64, one register with AVX-512, two or four elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import extending, types

intrinsic: Any = extending.intrinsic
"""Its functions are called without the first argument of their definition, which no type checker knows."""

BYTES = 64

SPLIT = ((0, 6), (6, 5), (11, 5))
"""A word of 16 bits as three table numbers: (first bit, bits). Two tables of 8 bits would not fit the nearest cache."""

ENTRIES = sum(1 << bits for _, bits in SPLIT)
"""Lane vectors of the tables that 16 rows need."""


@intrinsic
def _bits(_typing: Any, x: Any) -> Any:
    """The bits of a float as an integer of its width."""
    whole = types.int32 if x == types.float32 else types.int64
    return whole(x), lambda _c, b, _s, args: b.bitcast(args[0], ir.IntType(x.bitwidth))


@intrinsic
def _float(_typing: Any, x: Any) -> Any:
    """The float whose bits these are."""
    made, kind = (types.float32, ir.FloatType()) if x == types.int32 else (types.float64, ir.DoubleType())
    return made(x), lambda _c, b, _s, args: b.bitcast(args[0], kind)


def exp2(x: float) -> float:
    """2 to the power of x <= 0 inside compiled loops; 0 below the smallest normal number."""
    return float(2.0**x)


# (2^f - 1) / f on [-1/2, 1/2], fitted at Chebyshev nodes: within 4e-9 and 7e-18, the highest power first.
_NARROW = tuple(
    np.float32(c)
    for c in (
        0.00015453162945120690177,
        0.0013390863364671234381,
        0.0096180825572778514913,
        0.055503571142190778186,
        0.24022650760568126945,
        0.69314718802622878106,
    )
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
)
_ROUND_NARROW, _LEAST_NARROW, _ZERO, _ONE = np.float32(12582912.0), np.float32(-126.0), np.float32(0.0), np.float32(1.0)
_ROUND_WIDE, _LEAST_WIDE = 6755399441055744.0, -1022.0


def _exp2_narrow(x: Any) -> Any:
    y = max(x, _LEAST_NARROW)
    # Adding and taking off 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    shifted = y + _ROUND_NARROW
    f = y - (shifted - _ROUND_NARROW)
    p = _NARROW[0]
    p = p * f + _NARROW[1]
    p = p * f + _NARROW[2]
    p = p * f + _NARROW[3]
    p = p * f + _NARROW[4]
    p = p * f + _NARROW[5]
    p = p * f + _ONE
    # Every step is cast: Numba widens sums and shifts of 32 bits to 64.
    made = _float(np.int32(_bits(p) + np.int32(_bits(shifted) << np.int32(23))))
    return made if x >= _LEAST_NARROW else _ZERO


def _exp2_wide(x: Any) -> Any:
    y = max(x, _LEAST_WIDE)
    shifted = y + _ROUND_WIDE
    f = y - (shifted - _ROUND_WIDE)
    p = _WIDE[0]
    p = p * f + _WIDE[1]
    p = p * f + _WIDE[2]
    p = p * f + _WIDE[3]
    p = p * f + _WIDE[4]
    p = p * f + _WIDE[5]
    p = p * f + _WIDE[6]
    p = p * f + _WIDE[7]
    p = p * f + _WIDE[8]
    p = p * f + _WIDE[9]
    p = p * f + _WIDE[10]
    p = p * f + 1.0
    made = _float(_bits(p) + (_bits(shifted) << np.int64(52)))
    return made if x >= _LEAST_WIDE else 0.0


@extending.overload(exp2, jit_options={"fastmath": {"contract", "nnan", "ninf", "nsz"}})
def _exp2(x: Any) -> Any:
    return _exp2_narrow if x == types.float32 else _exp2_wide


def aligned(count: int, dtype: Any) -> npt.NDArray[Any]:
    """Zeros that begin at a multiple of 64 bytes: a vector that straddles two cache lines costs two loads."""
    size = np.dtype(dtype).itemsize
    made = np.zeros(count + BYTES // size, dtype=dtype)
    first = (-made.ctypes.data % BYTES) // size
    return made[first : first + count]


def _vector(kind: Any) -> ir.VectorType:
    return ir.VectorType(ir.FloatType() if kind == types.float32 else ir.DoubleType(), BYTES * 8 // kind.bitwidth)


def _load(b: Any, address: Any, kind: ir.VectorType) -> Any:
    made = b.load(b.inttoptr(address, kind.as_pointer()))
    made.align = 4
    return made


def _store(b: Any, value: Any, address: Any) -> None:
    b.store(value, b.inttoptr(address, value.type.as_pointer())).align = 4


@intrinsic
def add_lanes(_typing: Any, like: Any, out: Any, one: Any, other: Any) -> Any:
    """Make out = one + other for the lane vectors at three addresses; `like` is a number of their type."""
    kind = _vector(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _store(b, b.fadd(_load(b, args[2], kind), _load(b, args[3], kind)), args[1])
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, types.intp), made


@intrinsic
def add_looked_up(_typing: Any, like: Any, out: Any, tables: Any, first: Any, second: Any) -> Any:
    """Add to out the sums that two words of 16 bits choose from two sets of `SPLIT` tables, one after the other."""
    kind, word = _vector(like), ir.IntType(64)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        total, offset = None, 0
        for chosen in args[3:]:
            for first_bit, bits in SPLIT:
                entry = b.and_(b.lshr(chosen, word(first_bit)), word((1 << bits) - 1))
                found = _load(b, b.add(b.add(args[2], word(offset)), b.shl(entry, word(6))), kind)
                total = found if total is None else b.fadd(total, found)
                offset += BYTES << bits
        _store(b, b.fadd(_load(b, args[1], kind), total), args[1])
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, types.int64, types.int64), made


@intrinsic
def masked_sum(_typing: Any, like: Any, address: Any, mask: Any) -> Any:
    """The sum over the lanes whose bit is set in `mask`, in one order always."""
    kind = _vector(like)

    def made(_context: Any, b: Any, _signature: Any, args: Any) -> Any:
        lanes = kind.count
        chosen = b.bitcast(b.trunc(args[2], ir.IntType(lanes)), ir.VectorType(ir.IntType(1), lanes))
        value = b.select(chosen, _load(b, args[1], kind), ir.Constant(kind, None))
        while lanes > 1:
            lanes //= 2
            halves = (
                b.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), _numbers(start, lanes))
                for start in (0, lanes)
            )
            value = b.fadd(*halves)
        return b.extract_element(value, ir.IntType(32)(0))

    return like(like, types.intp, types.int64), made


def _numbers(start: int, count: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(start, start + count)))
