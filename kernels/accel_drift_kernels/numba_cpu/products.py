"""Small products of rows, and kernel values made of them, by vector instructions of our own.

The product of a tile has as few columns of the rows as the data: 5 to 100. A general matrix product spends most of
its time there in packing both sides; here all rows are packed once, and the tile's sums stay in registers for the whole
product. `TALL` rows times `WIDE` lane vectors fill the registers that a processor has (Goto & van de Geijn 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from accel_drift_kernels.numba_cpu import lanes
from accel_drift_kernels.numba_cpu.lanes import BYTES, INT, intrinsic

TALL, WIDE = (8, 3) if "+avx512f" in lanes.FEATURES else (4, 1)
"""Rows and lane vectors of a tile in registers: 32 of 64 bytes with AVX-512, else 16 of 32 or 32 of 16."""


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


def _of_lanes(value: Callable[..., Any]) -> Any:
    """An intrinsic that makes kernel values of `SIDE` lane vectors of products.

    Args:
        value: makes the values of one lane vector: (builder, products, half the squared norms on both sides, factor,
            share), all lane vectors.
    """

    def values(_typing: Any, like: Any, out: Any, at: Any, mine: Any, theirs: Any, factor: Any, share: Any) -> Any:
        """Products at an address become kernel values: mine and theirs are half the squared norms of the rows."""
        kind = lanes.lanes_of(like)

        def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
            _, out, at, mine, theirs, factor, share = args
            mine, factor, share = (lanes.spread(b, kind, x) for x in (mine, factor, share))
            for v in range(lanes.SIDE):
                x, norms, place = (b.add(start, INT(v * BYTES)) for start in (at, theirs, out))
                found = value(b, lanes.load(b, x, kind), mine, lanes.load(b, norms, kind), factor, share)
                lanes.store(b, found, place)
            return context.get_dummy_value()

        return types.void(like, types.intp, types.intp, like, types.intp, like, like), made

    return intrinsic(values)


def _gaussian(b: Any, product: Any, mine: Any, theirs: Any, factor: Any, _share: Any) -> Any:
    less, zero = b.fmul(b.fsub(b.fsub(product, mine), theirs), factor), ir.Constant(product.type, None)
    return lanes.exp2(b, b.select(b.fcmp_ordered("<", less, zero), less, zero))


def _less_root(b: Any, product: Any, mine: Any, theirs: Any, factor: Any, share: Any) -> Any:
    """The distance times -factor; half its square is 0 if it is at most `share` of the norms."""
    kind = product.type
    norms = b.fadd(mine, theirs)
    half = b.fsub(norms, product)
    half = b.select(b.fcmp_ordered("<=", half, b.fmul(norms, share)), ir.Constant(kind, None), half)
    name = f"llvm.sqrt.v{kind.count}f{BYTES * 8 // kind.count}"
    root = b.call(get_or_insert_function(b.module, ir.FunctionType(kind, [kind]), name), [half])
    return b.fneg(b.fmul(root, factor))


def _laplace(b: Any, *args: Any) -> Any:
    return lanes.exp2(b, _less_root(b, *args))


gaussian, laplace, distance = _of_lanes(_gaussian), _of_lanes(_laplace), _of_lanes(_less_root)
