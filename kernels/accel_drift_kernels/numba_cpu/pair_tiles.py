"""Tiles of a kernel matrix: a product in registers, then the kernel's values, without leaving the nearest cache.

A tile holds a panel of rows J below each other and a strip of rows I beside each other: rows of one strip lie in the
lanes of a vector. Runs of strips are the pieces of work of a thread; what a piece sums up is its own, and is added in
the order of the pieces, so no result depends on the number of threads.
"""

from __future__ import annotations

from math import e, log2, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.lanes import BYTES, SIDE, add_rows, aligned
from accel_drift_kernels.numba_cpu.products import TALL, WIDE, distance, gaussian, laplace, make_products
from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads
from accel_drift_kernels.spec import slack

STRIP = 96
"""Rows of a strip, the columns of a tile: whole lane vectors, `WIDE` at a time, of either float type."""

LARGE = 1024
"""Rows from which threads pay."""

_PIECES = 128
"""Pieces of work at most: enough to share out evenly."""

_PAIRS = 1 << 19
"""Kernel values that a piece of work makes at least: to hand it to a thread then costs next to nothing."""

Floats = npt.NDArray[Any]
GAUSSIAN, LAPLACE, DISTANCE = 0, 1, 2
_KINDS = {"gaussian": GAUSSIAN, "laplace": LAPLACE, "distance": DISTANCE}


class Values(NamedTuple):
    """A kernel at several scales, as compiled loops take it.

    `factors` multiply half the squared distance, or its root; `share` is the slack of `spec`, 0 for the Gaussian.
    """

    kind: int
    factors: Floats
    share: Any


class Packed(NamedTuple):
    """Rows ready for tiles: (blocks, d, rows of a lane vector), with half their squared norms.

    Rows of zeros fill the last strip up; `size` is the number of rows before them. Panels and strips begin at blocks.
    """

    rows: Floats
    half: Floats
    size: int


def packed(z: Any) -> Packed:
    """The rows side by side in lane vectors; the norms are those of the rows as rounded: the diagonal is then zero."""
    dtype = np.dtype(z.dtype if z.dtype in (np.float32, np.float64) else np.float32)
    rows, lanes = frozen(np.asarray(z, dtype=dtype)), BYTES // dtype.itemsize
    count, d = rows.shape
    blocks = -(-count // STRIP) * (STRIP // lanes)
    made, half = aligned(blocks * d * lanes, dtype).reshape(blocks, d, lanes), aligned(blocks * lanes, dtype)
    at_once = 256 * lanes
    on_threads(lambda first: _pack(rows, first, min(first + at_once, count), made, half), range(0, count, at_once),
               large=rows.size > 200_000)  # fmt: skip
    return Packed(made, half, count)


@compiled
def _pack(rows: Any, first: int, last: int, made: Any, half: Any) -> None:
    lanes = made.shape[2]
    for i in range(first, last):
        block, lane, norm = i // lanes, i % lanes, 0.0
        for k in range(rows.shape[1]):
            made[block, k, lane] = rows[i, k]
            norm += float(rows[i, k]) * float(rows[i, k])
        half[i] = 0.5 * norm


def values(kernel: str, scales: Any, like: Packed) -> Values:
    """The kernel at every scale."""
    kind, dtype = _KINDS[kernel], like.rows.dtype
    share = 0.0 if kind == GAUSSIAN else slack(like.rows.shape[1], float(np.finfo(dtype).eps))
    factors = {
        GAUSSIAN: [float(s) * log2(e) for s in scales],
        LAPLACE: [sqrt(2.0 * float(s)) * log2(e) for s in scales],
        DISTANCE: [sqrt(2.0 * float(s)) for s in scales],
    }
    return Values(kind, np.array(factors[kind], dtype=dtype), dtype.type(share))


def pieces(rows: int, pairs: int) -> list[tuple[int, int]]:
    """First row and end of each run of strips, where the work is that of so many kernel values.

    In a triangle the first meet the most rows: longest first keeps threads busy.
    """
    step = max(1, -(-rows // (STRIP * max(1, min(_PIECES, pairs // _PAIRS))))) * STRIP
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]


def room(rows: int, dtype: Any) -> Floats:
    """Memory of a tile of up to so many rows."""
    return aligned((rows + TALL) * STRIP, dtype).reshape(rows + TALL, STRIP)


@compiled
def panel_end(first: int, strip: int, rows: int, tall: int) -> int:
    """Where the panel from `first` on ends: that on the diagonal holds the rows of its strip, others up to `tall`."""
    return min(strip + STRIP if first == strip else first + tall, rows)


@compiled
def products(x: Any, first: int, last: int, y: Any, strip: int, k: Any) -> None:
    """Products of rows first ... last of packed x, the panel, with a strip of packed y."""
    like, lanes, size = k[0, 0], x.shape[2], k.itemsize
    block, stride = y.strides[0], k.strides[0]
    theirs, out = y.ctypes.data + strip // lanes * block, k.ctypes.data
    for row in range(first, last, TALL):
        mine = x.ctypes.data + row // lanes * x.strides[0] + row % lanes * size
        for v in range(0, STRIP // lanes, WIDE):
            make_products(like, mine, theirs + v * block, block, x.shape[1], out + v * BYTES, stride)
        out += TALL * stride


@compiled
def kernel_values(
    made: Any, k: Any, mine: Any, first: int, last: int, theirs: Any, strip: int, how: Values, s: int, diagonal: bool
) -> None:
    """Products of a tile become kernel values at scale s; mine and theirs are half the squared norms of all rows."""
    kind, factor, share = how.kind, how.factors[s], how.share
    like, row, out = k[0, 0], made.ctypes.data, k.ctypes.data
    norms = theirs.ctypes.data + strip * k.itemsize
    for j in range(first, last):
        for v in range(0, STRIP * k.itemsize, SIDE * BYTES):
            if kind == GAUSSIAN:
                gaussian(like, out + v, row + v, mine[j], norms + v, factor, share)
            elif kind == LAPLACE:
                laplace(like, out + v, row + v, mine[j], norms + v, factor, share)
            else:
                distance(like, out + v, row + v, mine[j], norms + v, factor, share)
        if diagonal:
            k[j - first, j - first] = 0
        row += k.strides[0]
        out += k.strides[0]


@compiled
def add_columns(k: Any, rows: int, weights: Any, first: int, sums: Any) -> None:
    """Add to sums those of the columns of a tile's first rows, each row times its weight from `first` on."""
    like, stride = k[0, 0], k.strides[0]
    at = weights.ctypes.data + first * k.itemsize
    for v in range(0, STRIP * k.itemsize, SIDE * BYTES):
        add_rows(like, sums.ctypes.data + v, k.ctypes.data + v, stride, at, rows)
