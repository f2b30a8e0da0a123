"""Small products of rows, and kernel values made of them, by vector instructions of our own.

The product of a tile has as few columns of the rows as the data: 5 to 100. A general matrix product spends most of
its time there in packing both sides; here all rows are packed once, and the tile's sums stay in registers for the whole
product. `TALL` rows times `WIDE` lane vectors fill the registers that a processor has (Goto & van de Geijn 2008).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import config
from numba.core.cgutils import get_or_insert_function
from numba.core.codegen import get_host_cpu_features

from accel_drift_kernels.numba_cpu import lanes
from accel_drift_kernels.numba_cpu.lanes import BYTES, INT, intrinsic


def _registers() -> tuple[int, int]:
    """Rows and lane vectors of a tile in registers: 32 of 64 bytes with AVX-512, else 16 of 32 or 32 of 16."""
    asked: str | None = getattr(config, "CPU_FEATURES", None)
    features: str = get_host_cpu_features() if asked is None else asked
    return (8, 3) if "+avx512f" in features else (4, 1)


TALL, WIDE = _registers()


@intrinsic
def make_products(_typing: Any, like: Any, x: Any, y: Any, block: Any, d: Any, out: Any, stride: Any) -> Any:
    """Products of `TALL` rows with the rows in `WIDE` lane vectors, to rows of `out` that lie `stride` bytes apart.

    Feature k of the first row stands k lane vectors after x, those of the next rows behind it; y is the first of WIDE
    blocks, `block` bytes apart, of d lane vectors each.
    """
    kind, size = lanes.lanes_of(like), like.bitwidth // 8

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, x, y, block, d, out, stride = args
        sides = [b.add(y, b.mul(block, INT(v))) for v in range(WIDE)]

        def step(k: Any, sums: list[Any]) -> list[Any]:
            place = b.mul(k, INT(BYTES))
            theirs, mine = [lanes.load(b, b.add(side, place), kind) for side in sides], b.add(x, place)
            rows = [lanes.number(b, b.add(mine, INT(r * size)), kind) for r in range(TALL)]
            return [lanes.plus_product(b, total, rows[at // WIDE], theirs[at % WIDE]) for at, total in enumerate(sums)]

        sums = lanes.loop(b, d, [ir.Constant(kind, None)] * (TALL * WIDE), step)
        for at, total in enumerate(sums):
            lanes.store(b, total, b.add(out, b.add(b.mul(stride, INT(at // WIDE)), INT(at % WIDE * BYTES))))
        return context.get_dummy_value()

    whole = types.intp
    return types.void(like, whole, whole, whole, types.int64, whole, whole), made


@intrinsic
def gaussian(_typing: Any, like: Any, out: Any, at: Any, mine: Any, theirs: Any, factor: Any) -> Any:
    """Products at an address become kernel values: mine and theirs are half the squared norms of the rows."""
    kind = lanes.lanes_of(like)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, out, at, mine, theirs, factor = args
        less = b.fsub(lanes.load(b, at, kind), lanes.spread(b, kind, mine))
        less = b.fmul(b.fsub(less, lanes.load(b, theirs, kind)), lanes.spread(b, kind, factor))
        zero = ir.Constant(kind, None)
        lanes.store(b, lanes.exp2(b, b.select(b.fcmp_ordered("<", less, zero), less, zero)), out)
        return context.get_dummy_value()

    return types.void(like, types.intp, types.intp, like, types.intp, like), made


def _of_root(power: bool) -> Any:
    """The kernels made of the distance: times -factor, and 2 to that power if asked for."""

    def values(_typing: Any, like: Any, out: Any, at: Any, mine: Any, theirs: Any, factor: Any, share: Any) -> Any:
        """As `gaussian`; half a squared distance of at most `share` of both norms is 0."""
        kind = lanes.lanes_of(like)

        def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
            _, out, at, mine, theirs, factor, share = args
            norms = b.fadd(lanes.spread(b, kind, mine), lanes.load(b, theirs, kind))
            half = b.fsub(norms, lanes.load(b, at, kind))
            near = b.fcmp_ordered("<=", half, b.fmul(norms, lanes.spread(b, kind, share)))
            half = b.select(near, ir.Constant(kind, None), half)
            name = f"llvm.sqrt.v{kind.count}f{like.bitwidth}"
            root = b.call(get_or_insert_function(b.module, ir.FunctionType(kind, [kind]), name), [half])
            less = b.fneg(b.fmul(root, lanes.spread(b, kind, factor)))
            lanes.store(b, lanes.exp2(b, less) if power else less, out)
            return context.get_dummy_value()

        return types.void(like, types.intp, types.intp, like, types.intp, like, like), made

    return intrinsic(values)


laplace, distance = _of_root(power=True), _of_root(power=False)
