"""Tiles of kernel matrices: a product of cuBLAS, one pass of our own over it, all in memory that is used again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any, NamedTuple

from accel_drift_kernels.cupy_cuda.device import Device
from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array, slack

KINDS = ("gaussian", "laplace", "distance")
"""Kernels by their number in the CUDA files."""

NO_DIAGONAL = 1 << 40
_LARGEST, _SMALLEST = 4096, 256
_PIECE = 64
"""Rows of one run that one thread adds up."""

SHORT = {"float64": "f64", "float32": "f32", "float16": "f16"}


class Rows(NamedTuple):
    """Rows as the products take them: values (n, columns), half their squared norms (n,), columns that are data."""

    values: Array
    half: Array
    columns: int


def blocks(n: int, size: int) -> int:
    """How many blocks of a size hold n."""
    return -(-n // size)


def prepared(dev: Device, z: Array, *, widen: bool = False, multiple: int = 8, spare: int = 0) -> Rows:
    """The rows as they are, or those of 8 or 16 bits as float16 (`widen`: as float32), and their norms.

    A whole number of 8 bits is exact in 16. Rows of 16 bits get columns of zeros up to a multiple of 8, for cuBLAS
    wants them to start at multiples of 16 bytes, or up to the `multiple` given; `spare` rows of zeros follow.
    """
    xp = namespace(z)
    n, d = z.shape
    dtype = z.dtype if z.dtype in (xp.float32, xp.float64) else xp.float32 if widen else xp.float16
    width = blocks(max(d, 1), multiple) * multiple if dtype == xp.float16 else max(d, 1)
    values = xp.zeros((n + spare, width), dtype=dtype)
    values[:n, :d] = z
    half = xp.empty((n + spare,), dtype=xp.float64 if dtype == xp.float64 else xp.float32)
    args = (values, half, n + spare, width)
    dev.launch(f"half_norms_{SHORT[str(values.dtype)]}", (blocks(n + spare, 128), 1), 128, args)
    return Rows(values, half, d)


def spans(n: int, size: int) -> list[slice]:
    """0 ... n in slices of a size."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


class Tiles:
    """Makes one tile at a time; each call overwrites what the last one made.

    Args:
        dev: the device.
        x: rows of the tiles.
        y: their columns.
        narrow: whether the kernel is rounded to 16 bits where the rows are.
    """

    def __init__(self, dev: Device, x: Rows, y: Rows, *, narrow: bool = False) -> None:
        xp = namespace(x.values)
        self._dev, self._x, self._y = dev, x, y
        self.sums: Any = x.half.dtype
        self.dtype = x.values.dtype if narrow else self.sums
        self.size = tile_size(dev, self.sums.itemsize, max(x.values.shape[0], y.values.shape[0]))
        self._product = xp.empty((self.size**2,), dtype=self.sums)
        self._kernel = xp.empty((self.size**2,), dtype=self.dtype)

    def product(self, a: slice, b: slice) -> Array:
        """The products of rows a of x with rows b of y."""
        out = self._product[: (a.stop - a.start) * (b.stop - b.start)].reshape(a.stop - a.start, b.stop - b.start)
        self._dev.product(self._x.values[a], self._y.values[b], out, turned="b")
        return out

    def kernel(self, product: Array, a: slice, b: slice, kernel: str, scale: float, *, paired: bool) -> Array:
        """The kernel of those rows from their products; 0 where `paired` and both are one row."""
        out = self._kernel[: product.size].reshape(product.shape)
        shift = a.start - b.start if paired else NO_DIAGONAL
        shape = (*product.shape, product.shape[0], shift)
        fill(self._dev, product, (self._x.half[a], self._y.half[b]), out, shape, (kernel, scale, self._x.columns))
        return out


def tile_size(dev: Device, itemsize: int, n: int = _LARGEST) -> int:
    """Rows of a tile: products, kernel and columns of three tiles stay in the level-2 cache."""
    size = _LARGEST
    while size > _SMALLEST and (3 * itemsize * size**2 > dev.l2_bytes or size // 2 >= n):
        size //= 2
    return size


def fill(
    dev: Device,
    product: Array,
    halves: tuple[Array, Array],
    out: Array,
    shape: tuple[int, int, int, int],
    law: tuple[str, float, int],
) -> None:
    """Launch `kernel_tile`: `shape` is rows, columns, rows of a set, shift; `law` kernel, scale, columns of data."""
    kernel, scale, d = law
    xp = namespace(product)
    share = slack(d, float(xp.finfo(product.dtype).eps))
    rows, cols, batch, shift = shape
    dev.launch(
        f"kernel_tile_{SHORT[str(out.dtype)]}",
        (blocks(cols, 256), min(rows, 1024)),
        256,
        (product, *halves, out, rows, cols, batch, shift, KINDS.index(kernel), share, scale),
    )


class Runs:
    """The runs of consecutive rows that a slice of the rows meets, cut into pieces that one thread adds up.

    Args:
        ends: where the runs end, on the host.
        part: the slice.
        like: an array on the device.
    """

    def __init__(self, ends: list[int], part: slice, like: Array) -> None:
        xp = namespace(like)
        self.first = bisect_right(ends, part.start)
        met = ends[self.first : bisect_left(ends, part.stop) + 1]
        edges = [0, *(min(end, part.stop) - part.start for end in met)]
        pieces, counts = [], [0]
        for low, high in pairwise(edges):
            pieces += [(start, min(start + _PIECE, high)) for start in range(low, high, _PIECE)]
            counts.append(len(pieces))
        self.count, self.pieces = len(met), xp.asarray(pieces, dtype=xp.int64)
        self.edges, self.counts = (xp.asarray(x, dtype=xp.int64) for x in (edges, counts))


def add_runs(dev: Device, k: Array, rows: Runs, columns: Runs, out: Array) -> None:
    """Add the sums of a tile over runs of rows and of columns to out (G, H) float64."""
    xp = namespace(k)
    many = rows.pieces.shape[0]
    sums = xp.empty((many, k.shape[1]), dtype=xp.float64)
    name = f"piece_sums_{SHORT[str(k.dtype)]}"
    dev.launch(name, (blocks(k.shape[1], 128), many), 128, (k, rows.pieces, sums, k.shape[1]))
    args = (sums, rows.counts, columns.edges, out, k.shape[1], out.shape[1], rows.first, columns.first)
    dev.launch("run_sums", (columns.count, rows.count), 128, args)
