"""Kernel sums of 16-bit rows in one kernel on tensor cores: what `cuda/fused.cu` needs around it."""

from __future__ import annotations

from math import e, frexp, log2, sqrt

from accel_drift_kernels.cupy_cuda.device import Device
from accel_drift_kernels.cupy_cuda.tiles import KINDS, blocks, prepared
from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array, slack

_ROWS, _COLS, _LABELS, _THREADS = 128, 64, 128, 128
"""As in fused.cu."""

_LEAST_RUN, _MOST_RUNS = 64, 1024
"""Mean rows of a run from which blocks of 128 rows are mostly full; runs up to which a sum for each block and run is
little memory."""

_EPS = 2.0**-23
"""Products of 16-bit numbers are exact in float32, their sum is not."""


def takes(dev: Device, z: Array) -> bool:
    """Whether the rows are of 8 or 16 bits, the device has the instructions, and a block's rows fit in its memory."""
    return dev.tensor_cores and z.dtype.itemsize <= 2 and _shared(_width(z, dev.hopper), dev.hopper) <= dev.shared_bytes


def takes_runs(dev: Device, z: Array, runs: int) -> bool:
    """Whether, besides, the runs are few and long."""
    return takes(dev, z) and 0 < runs <= min(_MOST_RUNS, z.shape[0] // _LEAST_RUN)


def _width(z: Array, hopper: bool) -> int:
    """Columns with those of zeros: a product takes 16, the swizzle of wgmma 64."""
    multiple = 64 if hopper else 16
    return blocks(max(z.shape[1], 1), multiple) * multiple


def _shared(width: int, hopper: bool) -> int:
    """Bytes of a block: its rows, two tiles with their labels and norms, and room for the sums of its warps."""
    if hopper:
        return 2 * (_ROWS + 2 * _COLS) * width + 2 * 2 * _LABELS * 64 + 4 * (2 * _COLS + _ROWS + 2 * _LABELS * 8)
    return 2 * (_ROWS + 2 * _COLS) * (width + 8) + 4 * (4 * _LABELS + 2 * _COLS + _ROWS + 2 * _LABELS * 4)


def _law(kernel: str, scale: float, furthest: float) -> tuple[float, float]:
    """The scale that the kernels want, and the unit of their result.

    Distances go into 16 bits: in units of a power of two, at most 2^15, for rows whose half squared norms are up to
    `furthest`.
    """
    if kernel == "distance":
        unit = 2.0 ** (frexp(sqrt(8.0 * scale * furthest))[1] - 15)
        return 2.0 * scale / unit**2, unit
    return (scale * log2(e) if kernel == "gaussian" else 2.0 * scale * log2(e) ** 2), 1.0


def label_sums(
    dev: Device, z: Array, labels: Array, count: int, kernel: str, scales: list[float]
) -> tuple[Array, Array, Array]:
    """`spec.OPS["pair_label_sums"]` of rows that `takes` accepts."""
    xp, n = namespace(z), z.shape[0]
    high, sets = blocks(n, _ROWS), blocks(max(count, 1), _LABELS - 1)
    tiles, width = 2 * high, _width(z, dev.hopper)
    rows = prepared(dev, z, multiple=64 if dev.hopper else 16, spare=(high + 1) * _ROWS - n)
    defined = (f"KIND={KINDS.index(kernel)}", *(("WGMMA",) if dev.hopper else ()))
    name, threads = ("label_sums_wgmma", 256) if dev.hopper else ("label_sums_mma", _THREADS)
    bits = xp.empty((sets, tiles, _LABELS, 2), dtype=xp.uint32)
    given = xp.ascontiguousarray(labels)
    packing = (given, bits, given.shape[1], n, count, tiles)
    dev.launch("pack_labels", (tiles, sets), 2 * _LABELS, packing, file="fused", defined=defined)
    parts = xp.zeros((high, sets, _LABELS, 2), dtype=xp.float64)
    furthest, share = float(xp.max(rows.half)), slack(rows.columns, _EPS)
    made = []
    for given_scale in scales:
        scale, unit = _law(kernel, given_scale, furthest)
        args = (rows.values, rows.half, bits, parts, n, width, tiles, scale, share)
        shared = _shared(width, dev.hopper)
        dev.launch(name, (sets, high), threads, args, file="fused", defined=defined, shared=shared)
        # A mark is 2 in the kernel.
        made.append(xp.sum(parts, axis=0) * (unit / 2.0))
    sums = xp.stack(made)
    quad, linear = (sums[:, :, : _LABELS - 1, i].reshape(len(scales), -1)[:, :count] for i in (0, 1))
    return quad, linear, sums[:, 0, _LABELS - 1, 0]


def group_sums(dev: Device, z: Array, ends: list[int], kernel: str, scales: list[float]) -> Array:
    """`spec.OPS["pair_group_sums"]` of rows and runs that `takes_runs` accepts."""
    xp, groups = namespace(z), len(ends)
    rows = prepared(dev, z, multiple=16, spare=2 * _ROWS)
    width = _width(z, hopper=False)
    pieces = [
        (start, min(start + _ROWS, stop), run)
        for run, (low, stop) in enumerate(zip([0, *ends], ends, strict=False))
        for start in range(low, stop, _ROWS)
    ]
    where, stops = xp.asarray(pieces, dtype=xp.int64), xp.asarray(ends, dtype=xp.int64)
    owner = xp.astype(where[:, 2] == xp.arange(groups)[:, None], xp.float64)
    furthest, share = float(xp.max(rows.half)), slack(rows.columns, _EPS)
    made = []
    for given_scale in scales:
        scale, unit = _law(kernel, given_scale, furthest)
        parts = xp.zeros((len(pieces), groups), dtype=xp.float64)
        args = (rows.values, rows.half, where, stops, parts, groups, width, scale, share)
        defined = (f"KIND={KINDS.index(kernel)}",)
        shared = _shared(width, hopper=False)
        dev.launch("group_sums_mma", (len(pieces), 1), _THREADS, args, file="fused", defined=defined, shared=shared)
        upper = (owner @ parts) * unit
        # Runs below the diagonal are those above it, mirrored.
        made.append(upper + upper.T - xp.diag(xp.diag(upper)))
    return xp.stack(made)
