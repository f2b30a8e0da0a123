"""Many bins: a law leads a value to a bucket, a table from there to the first cut that may be below it.

A law never falls: a cut that it sends to a lower bucket than a value is below that value. So only cuts of the value's
own bucket are compared with it, for most columns one; and the law's rounding is harmless. Laws are a straight line over
the cuts (floats), leading bits (integers), or a tree in registers, which parts any cuts evenly.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from accel_drift_kernels.numba_cpu import lanes, planes
from accel_drift_kernels.numba_cpu.lanes import BYTES, INT, intrinsic

DEPTH = 5
"""Levels of a tree that is a law."""


def _on_line(b: Any, x: Any, law: Any) -> Any:
    """Buckets by a line: `law` holds its first value, its slope or shift, its last bucket. NaN is in bucket 0."""
    kind, size = x.type, BYTES // x.type.count
    first, slope, most = (lanes.number(b, b.add(law, INT(i * size)), kind) for i in range(3))
    narrow = ir.VectorType(ir.IntType(32), kind.count)
    if isinstance(kind.element, ir.IntType):
        least = b.select(planes.above(b, x, first), x, first)
        bucket = b.lshr(b.sub(least, first), slope)
        bucket = b.select(b.icmp_unsigned("<", bucket, most), bucket, most)
        return bucket if kind == narrow else b.trunc(bucket, narrow)
    place, zero = b.fmul(b.fsub(x, first), slope), ir.Constant(kind, None)
    place = b.select(b.fcmp_ordered(">", place, zero), place, zero)
    return b.fptosi(b.select(b.fcmp_ordered("<", place, most), place, most), narrow)


def _in_tree(b: Any, x: Any, law: Any) -> Any:
    """Buckets by the numbers at which values leave the tree at `law`."""
    (number,) = planes.descend(b, [x], planes.tree_at(b, x.type, law, DEPTH))
    narrow = ir.VectorType(ir.IntType(32), x.type.count)
    return number if number.type == narrow else b.trunc(number, narrow)


@intrinsic
def buckets(
    _typing: Any, like: Any, by_tree: Any, at: Any, vectors: Any, law: Any, rows: Any, special: Any, out: Any
) -> Any:
    """Bucket numbers, int32, of values.

    Args:
        like: a number of the values' type.
        by_tree: a tuple of two for a tree, of one for a line.
        at: where the values lie.
        vectors: how many lane vectors of them.
        law: where the law lies.
        rows: plane of the rows that have a value.
        special: the bucket of NaN; the next one is that of rows without a value.
        out: where the numbers go.
    """
    kind = lanes.lanes_of(like)
    narrow = ir.VectorType(ir.IntType(32), kind.count)

    def made(context: Any, b: Any, _signature: Any, args: Any) -> Any:
        _, _, at, vectors, law, rows, special, out = args
        nan = lanes.spread(b, narrow, b.trunc(special, narrow.element))
        null = b.add(nan, ir.Constant(narrow, [1] * kind.count))

        def step(i: Any, _: list[Any]) -> list[Any]:
            x = lanes.load(b, b.add(at, b.mul(i, INT(BYTES))), kind, BYTES // kind.count)
            found = (_in_tree if by_tree.count == 2 else _on_line)(b, x, law)
            if not isinstance(kind.element, ir.IntType):
                found = b.select(b.fcmp_unordered("uno", x, x), nan, found)
            bits = lanes.load(b, b.add(rows, b.mul(i, INT(kind.count // 8))), ir.IntType(kind.count), 1)
            found = b.select(b.bitcast(bits, ir.VectorType(ir.IntType(1), kind.count)), found, null)
            lanes.store(b, found, b.add(out, b.mul(i, INT(4 * kind.count))), 4)
            return []

        lanes.loop(b, vectors, [], step)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(like, by_tree, whole, types.int64, whole, whole, types.int64, whole), made
