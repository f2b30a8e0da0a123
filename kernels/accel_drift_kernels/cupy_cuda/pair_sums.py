"""Sums of kernel matrices over tiles; nothing of size N x N is ever made.

Rows of 16 bits go to the tensor cores, in one kernel where `fused` has it. Elsewhere a tile is a product of cuBLAS, one
pass over it, and a second product or a sum. A tile's sums are float32 (float64 for float64 rows), those across tiles
float64 and in a fixed order.
"""

from __future__ import annotations

from accel_drift_kernels.cupy_cuda import device, fused
from accel_drift_kernels.cupy_cuda.device import Device
from accel_drift_kernels.cupy_cuda.tiles import (
    SHORT,
    Rows,
    Runs,
    Tiles,
    add_runs,
    blocks,
    fill,
    prepared,
    spans,
    tile_size,
)
from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array

_PARTS = 64
"""Parts of a tile's rows whose label sums are added up side by side."""


def pair_label_sums(z: Array, labels: Array, count: int, kernel: str, scales: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["pair_label_sums"]`."""
    dev = device.current()
    make = fused.label_sums if fused.takes(dev, z) else _label_sums
    return make(dev, z, labels, count, kernel, scales.tolist())


def _label_sums(
    dev: Device, z: Array, labels: Array, count: int, kernel: str, scales: list[float]
) -> tuple[Array, Array, Array]:
    xp, n = namespace(z), z.shape[0]
    rows, bits = prepared(dev, z), xp.ascontiguousarray(labels)
    # A distance may be beyond what 16 bits hold.
    tiles = Tiles(dev, rows, rows, narrow=kernel != "distance")
    # The column after the labels is all ones: the kernel's row sums, and the total.
    width = blocks(count + 1, 8) * 8
    ones = xp.empty((tiles.size, width), dtype=tiles.dtype)
    made = xp.empty((tiles.size, width), dtype=tiles.sums)
    quad, linear = (xp.zeros((len(scales), _PARTS, count + 1), dtype=xp.float64) for _ in range(2))
    fill_columns, add_sums = f"label_columns_{SHORT[str(ones.dtype)]}", f"label_sums_{SHORT[str(made.dtype)]}"
    for b in spans(n, tiles.size):
        wide, high = b.stop - b.start, min(b.stop - b.start, 1024)
        args = (bits[b], ones, bits.shape[1], wide, count, width)
        dev.launch(fill_columns, (blocks(width, 128), high), 128, args)
        for a in spans(b.stop, tiles.size):
            tall, product = a.stop - a.start, tiles.product(a, b)
            for s, scale in enumerate(scales):
                k = tiles.kernel(product, a, b, kernel, scale, paired=True)
                dev.product(k, ones[:wide], made[:tall])
                sums = (made, bits[a], quad[s], linear[s], bits.shape[1], tall, count, width, 1 if a == b else 2)
                dev.launch(add_sums, (blocks(count + 1, 128), _PARTS), 128, sums)
    whole, across = xp.sum(quad, axis=1), xp.sum(linear, axis=1)
    return whole[:, :count], across[:, :count], whole[:, count]


def pair_row_sums(z: Array, w: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_row_sums"]`."""
    xp, dev = namespace(z), device.current()
    rows = prepared(dev, z)
    tiles = Tiles(dev, rows, rows)
    weights = xp.ascontiguousarray(w.astype(tiles.sums))
    out = xp.zeros((scales.shape[0], *w.shape), dtype=xp.float64)
    made = xp.empty((tiles.size, w.shape[1]), dtype=tiles.sums)
    for b in spans(z.shape[0], tiles.size):
        for a in spans(b.stop, tiles.size):
            product = tiles.product(a, b)
            for s, scale in enumerate(scales.tolist()):
                k = tiles.kernel(product, a, b, kernel, scale, paired=True)
                part = made[: k.shape[0]]
                dev.product(k, weights[b], part)
                out[s, a] += part
                if a != b:
                    # The mirror tile below the diagonal.
                    part = made[: k.shape[1]]
                    dev.product(k, weights[a], part, turned="a")
                    out[s, b] += part
    return out


def pair_group_sums(z: Array, ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_group_sums"]`."""
    xp, dev, stops = namespace(z), device.current(), ends.tolist()
    if fused.takes_runs(dev, z, len(stops)):
        return fused.group_sums(dev, z, stops, kernel, scales.tolist())
    rows = prepared(dev, z)
    tiles = Tiles(dev, rows, rows)
    parts = [(span, Runs(stops, span, z)) for span in spans(z.shape[0], tiles.size)]
    above, square = (xp.zeros((scales.shape[0], len(stops), len(stops)), dtype=xp.float64) for _ in range(2))
    for j, (b, columns) in enumerate(parts):
        for a, runs in parts[: j + 1]:
            product = tiles.product(a, b)
            for s, scale in enumerate(scales.tolist()):
                k = tiles.kernel(product, a, b, kernel, scale, paired=True)
                add_runs(dev, k, runs, columns, (square if a == b else above)[s])
    # What lies above the diagonal stands for its mirror below.
    return above + above.swapaxes(1, 2) + (square + square.swapaxes(1, 2)) / 2.0


def _cross(x: Array, y: Array) -> tuple[Device, Tiles]:
    dev = device.current()
    return dev, Tiles(dev, prepared(dev, x), prepared(dev, y))


def cross_row_sums(x: Array, y: Array, w: Array, v: Array, kernel: str, scales: Array, /) -> tuple[Array, Array]:
    """See `spec.OPS["cross_row_sums"]`."""
    xp = namespace(x)
    dev, tiles = _cross(x, y)
    across, along = (xp.ascontiguousarray(m.astype(tiles.sums)) for m in (w, v))
    rows = xp.zeros((scales.shape[0], x.shape[0], w.shape[1]), dtype=xp.float64)
    columns = xp.zeros((scales.shape[0], y.shape[0], v.shape[1]), dtype=xp.float64)
    made, turned = (xp.empty((tiles.size, m.shape[1]), dtype=tiles.sums) for m in (w, v))
    for a in spans(x.shape[0], tiles.size):
        for b in spans(y.shape[0], tiles.size):
            product = tiles.product(a, b)
            for s, scale in enumerate(scales.tolist()):
                k = tiles.kernel(product, a, b, kernel, scale, paired=False)
                if w.shape[1]:
                    dev.product(k, across[b], made[: k.shape[0]])
                    rows[s, a] += made[: k.shape[0]]
                if v.shape[1]:
                    dev.product(k, along[a], turned[: k.shape[1]], turned="a")
                    columns[s, b] += turned[: k.shape[1]]
    return rows, columns


def cross_group_sums(x: Array, x_ends: Array, y: Array, y_ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["cross_group_sums"]`."""
    xp = namespace(x)
    dev, tiles = _cross(x, y)
    mine, theirs = x_ends.tolist(), y_ends.tolist()
    columns = [(span, Runs(theirs, span, y)) for span in spans(y.shape[0], tiles.size)]
    out = xp.zeros((scales.shape[0], len(mine), len(theirs)), dtype=xp.float64)
    for a in spans(x.shape[0], tiles.size):
        runs = Runs(mine, a, x)
        for b, theirs_here in columns:
            product = tiles.product(a, b)
            for s, scale in enumerate(scales.tolist()):
                add_runs(dev, tiles.kernel(product, a, b, kernel, scale, paired=False), runs, theirs_here, out[s])
    return out


def subset_pair_sums(z: Array, subsets: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["subset_pair_sums"]`."""
    xp, dev, numbers = namespace(z), device.current(), scales.tolist()
    many, m = subsets.shape
    out = xp.zeros((len(numbers), many), dtype=xp.float64)
    # As many subsets at a time as a tile of the largest size has room for.
    room = tile_size(dev, 8 if z.dtype == xp.float64 else 4) ** 2
    if m * m > room:
        for p in range(many):
            found = xp.take(z, subsets[p], axis=0)
            out[:, p] = _label_sums(dev, found, xp.zeros((m, 0), dtype=xp.uint8), 0, kernel, numbers)[2]
        return out
    rows = prepared(dev, z, widen=True)
    for part in spans(many, max(room // max(m * m, 1), 1)):
        _add_subsets(dev, rows, xp.ascontiguousarray(subsets[part]), kernel, numbers, out[:, part])
    return out


def _add_subsets(dev: Device, rows: Rows, subsets: Array, kernel: str, scales: list[float], out: Array) -> None:
    """The sums of a few subsets, as one batch of small products."""
    xp = namespace(subsets)
    many, m = subsets.shape
    values, half = rows.values[subsets], rows.half[subsets]
    product = xp.matmul(values, values.swapaxes(1, 2))
    k = xp.empty_like(product)
    for s, scale in enumerate(scales):
        fill(dev, product, (half, half), k, (many * m, m, m, 0), (kernel, scale, rows.columns))
        out[s] = xp.sum(k.reshape(many, m * m), axis=1, dtype=xp.float64)
