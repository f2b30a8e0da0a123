"""Counts of device-resident columns in either order: our own kernel, one pass over the rows for every 16 cuts."""

from __future__ import annotations

from accel_drift_kernels import portable
from accel_drift_kernels.cupy_cuda import device
from accel_drift_kernels.cupy_cuda.tiles import blocks
from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array

_KERNELS = {"float32": "histogram_f32", "float64": "histogram_f64", "int64": "histogram_i64"}
_THREADS = 128
_PIECE = 16_384
"""Rows of a piece, at least."""

_BLOCKS = 4096
"""Blocks that fill any device."""


def _laid(x: Array) -> tuple[Array, int, int]:
    """The array as its memory lies, and the steps from row to row and from column to column."""
    rows, columns = x.shape
    if x.flags.f_contiguous:
        return x.T, 1, rows
    return namespace(x).ascontiguousarray(x), columns, 1


def histogram(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["histogram"]`."""
    (n, d), c = x.shape, cuts.shape[1]
    name = _KERNELS.get(str(x.dtype))
    if name is None or n == 0 or d == 0:
        return portable.histogram(x, cuts, mask)
    xp = namespace(x)
    values, row, column = _laid(x)
    # In row order, the threads of a warp read neighbouring columns.
    side = 1 if row == 1 else min(32, 1 << (d - 1).bit_length())
    groups = blocks(d, side)
    pieces = max(1, min(blocks(n, _PIECE), _BLOCKS // groups))
    out = xp.empty((pieces, d, c + 1), dtype=xp.int64)
    args = (values, row, column, *_laid(mask), xp.ascontiguousarray(cuts), out, n, d, c, side, pieces)
    device.current().launch(name, (pieces * groups, 1), _THREADS, args, file="histogram")
    above = xp.sum(out, axis=0)
    reached = xp.concatenate([above, xp.zeros((d, 1), dtype=xp.int64)], axis=1)
    return xp.concatenate([reached[:, :-1] - reached[:, 1:], n - above[:, :1]], axis=1)
