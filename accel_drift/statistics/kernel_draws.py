"""The kernel statistic of batches drawn from one set of rows: a batch drawn is a labelling of them.

The kernel of all rows is the same for every batch, so it is summed once for all, and the pairs within the batches are
what each adds. Scale and bandwidth are those of all rows, as they are where a batch and its reference are pooled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from accel_drift.data.table import Table
from accel_drift.statistics.comparison import pair_tables
from accel_drift.statistics.kernel_sums import (
    GATHERED,
    LABELLINGS,
    Floats,
    Ints,
    Sums,
    group_sums,
    mmd2,
    multiplied,
    row_sums,
    without_diagonal,
)
from accel_drift.statistics.kernel_test import KernelSums, small_side_pays
from accel_drift.statistics.matrix_kernel import made_of
from accel_drift.statistics.matrix_options import Options
from accel_drift.statistics.matrix_rows import Rows
from accel_drift.statistics.resampled import Resamples


def applies(options: Options, resamples: Resamples) -> bool:
    """Whether the statistic of every batch is one of labellings of the same rows.

    It is where all pairs count under one kernel, all rows decide the scale, and no side is cut down.
    """
    single = resamples.rule is not None or options.mode == "rows"
    plain = options.shape.form == "quadratic" and options.scale == "pooled" and single
    most = options.most_rows
    whole = most is None or resamples.pool.rows - resamples.fewest <= most
    return plain and options.length not in ("fuse", "agg") and whole


def statistics(resamples: Resamples, options: Options, seed: int) -> Floats:
    """The statistic of every batch, (R,); 0 where all rows are equal.

    Raises:
        ConfigError: the bandwidth is too small for the rows.
    """
    pool, blocks = resamples.pool, resamples.blocks
    if blocks is not None:
        order = np.argsort(blocks, kind="stable")
        pool, blocks = pool.take(order), blocks[order]
    kernel = _kernel(pool, resamples, options, seed)
    if kernel is None:
        return np.zeros(resamples.count)
    if blocks is not None:
        # A single block has no pairs but its own, and then they count.
        apart = resamples.rule is not None and options.estimator == "unbiased" and resamples.size > 1
        made = _of_blocks(kernel, blocks, resamples.chosen(LABELLINGS), apart=apart)
    elif small_side_pays(resamples.size, kernel.rows, int(kernel.z.shape[1])):
        made = _of_subsets(kernel, resamples.chosen(max(1, min(LABELLINGS, GATHERED // resamples.size))))
    else:
        made = (_of_labels(kernel, chosen) for chosen in resamples.chosen(LABELLINGS))
    return np.concatenate([mmd2(sums, kernel.rows, options.estimator, kernel.diagonal)[0] for sums in made])


def _kernel(pool: Table, resamples: Resamples, options: Options, seed: int) -> KernelSums | None:
    """The kernel of all rows; None where all are equal."""
    half = pool.rows // 2
    sides = pool.take(np.arange(half)), pool.take(np.arange(half, pool.rows))
    comparison = pair_tables(*sides, resamples.names, resamples.backend, None)
    rows = Rows(comparison.reference, comparison.batch, None, (0, 0), 0, False, None, "")
    kernel = made_of(rows, comparison, options, seed).kernel
    return kernel if isinstance(kernel, KernelSums) else None


def _of_subsets(kernel: KernelSums, some: Iterable[Ints]) -> Iterator[Sums]:
    """By the pairs within each batch, and the sums of each row with all, made once."""
    b, ones = kernel.backend, np.ones((kernel.rows, 1))
    sums = row_sums(b, kernel.z, ones, kernel.kernel, kernel.factors)[..., 0]
    for chosen in some:
        with b.scope():
            scales = b.asarray(np.array(kernel.factors))
            quad = b.to_numpy(b.kernels.subset_pair_sums(kernel.z, b.asarray(chosen), kernel.kernel, scales))
        marked = np.full(len(chosen), float(chosen.shape[1]))
        yield Sums(quad, sums[:, chosen].sum(axis=2), sums.sum(axis=1), marked, marked, float(kernel.rows))


def _of_labels(kernel: KernelSums, chosen: Ints) -> Sums:
    """By a product of the kernel with all labellings."""
    b, labels = kernel.backend, np.zeros((len(chosen), kernel.rows), np.bool_)
    np.put_along_axis(labels, chosen, True, axis=1)
    with b.scope():
        bits = b.asarray(np.packbits(labels.T, axis=1, bitorder="little"))
        scales = b.asarray(np.array(kernel.factors))
        made = b.kernels.pair_label_sums(kernel.z, bits, len(chosen), kernel.kernel, scales)
        quad, linear, total = (b.to_numpy(sums) for sums in made)
    marked = np.full(len(chosen), float(chosen.shape[1]))
    return Sums(quad, linear, total, marked, marked, float(kernel.rows))


def _of_blocks(kernel: KernelSums, blocks: Ints, some: Iterable[Ints], *, apart: bool) -> Iterator[Sums]:
    """By the sums between blocks; `apart` leaves out the pairs within one."""
    sizes = np.bincount(blocks).astype(np.float64)
    ends = np.cumsum(sizes).astype(np.int64)
    between, alike = group_sums(kernel.backend, kernel.z, ends, kernel.kernel, kernel.factors), sizes
    if apart:
        between, alike = without_diagonal(between), sizes**2
    total = between.sum(axis=(1, 2))
    for chosen in some:
        e = np.zeros((len(chosen), len(sizes)))
        np.put_along_axis(e, chosen, 1.0, axis=1)
        yield Sums(*multiplied(between, e), total, e @ sizes, e @ alike, float(alike.sum()))
