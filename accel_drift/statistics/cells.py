"""Cells: where numeric columns are cut, and how fine cells become quantile bins.

Two kinds of cut points serve two ends. *Bins* are cut at the reference's quantiles, as the field defines PSI; the
cuts depend on which rows are reference, so a null must find them again in every relabelling. *Fine cells* are cut on
the pooled rows, which no relabelling moves; relabelled counts on them say where the reference's quantiles would be.

A bin is open on the left and closed on the right, its upper end a value of the reference: quantile i of k is the
smallest value v with k * #{x <= v} >= i * n. On fine cells with C reference rows before a cell, that puts the cell
into bin floor(k * C / n), exactly, ties included. A bin without rows on either side is no bin.

A value on which two or more of the quantiles 0 ... k fall (the least and the greatest value among them) is an atom,
and a bin of its own. Merging repeated cuts alone would leave it in one bin with all that lies below it as far as the
last cut: a flag that is 1 in 98 % of the reference could turn 0 everywhere, or zeros become -1, and nothing would move.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws

Counts = npt.NDArray[np.int64]

FINE = 128
"""Fine cells at most; columns with fewer distinct values get a cell for each."""


def ranks(n: npt.NDArray[Any], bins: int) -> Counts:
    """How many of n sorted values lie at or below each of the bins - 1 cut points. Shape n.shape + (bins - 1,)."""
    i = np.arange(1, bins, dtype=np.int64)
    return np.asarray(-((-i * np.asarray(n, dtype=np.int64)[..., None]) // bins))


def bin_sizes(n: npt.NDArray[Any], bins: int) -> Counts:
    """Reference rows in each bin when no two values tie. Shape n.shape + (bins,)."""
    n = np.asarray(n, dtype=np.int64)
    ends = np.concatenate([np.zeros((*n.shape, 1), np.int64), ranks(n, bins), n[..., None]], axis=-1)
    return np.diff(ends, axis=-1)


def rebin(reference: Counts, batch: Counts, bins: int) -> tuple[Counts, Counts]:
    """Fine counts to counts in the reference's quantile bins and atoms; the last cell (missing) stays the last.

    Shapes: (..., F + 1) twice -> (..., 2 bins + 1) twice. Each row is its own reference.
    """
    lanes = (side.reshape(-1, side.shape[-1]) for side in (reference, batch))
    made = draws.host_kernels().quantile_bins(*lanes, bins)
    a, b = (side.reshape(*reference.shape[:-1], 2 * bins + 1) for side in made)
    return a, b


def quantile_places(n: npt.NDArray[Any], bins: int) -> Counts:
    """Places of the quantiles 0 ... bins among n sorted values: the first, the cut points, the last.

    Shape n.shape + (bins + 1,); 0 where there is no value.
    """
    n = np.asarray(n, dtype=np.int64)[..., None]
    return np.asarray(np.maximum(np.concatenate([np.ones_like(n), ranks(n[..., 0], bins), n], axis=-1) - 1, 0))


def bin_cuts(quantiles: npt.NDArray[Any], places: Counts) -> npt.NDArray[Any]:
    """Cut points of the bins: the inner quantiles, and one just below each that is an atom.

    Args:
        quantiles: (d, bins + 1) values of the quantiles 0 ... bins.
        places: (d, bins + 1) their places; one row that two quantiles meet is no atom.

    Returns:
        (d, 2 (bins - 1)) ascending; where there is no atom a cut stands twice, with nothing between.
    """
    same = (quantiles[:, 1:] == quantiles[:, :-1]) & (places[:, 1:] != places[:, :-1])
    inner = quantiles[:, 1:-1]
    # A pair of equal quantiles marks all that equal it, one quantile being perhaps the first of the pair or a third.
    heavy = (same[:, None, :] & (inner[:, :, None] == quantiles[:, None, :-1])).any(axis=2)
    return np.sort(np.concatenate([inner, np.where(heavy, just_below(inner), inner)], axis=1), axis=1)


def just_below(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The next smaller number of the same dtype, where there is one: the cut that makes a value an atom."""
    if values.dtype.kind != "f":
        return np.asarray(values - (values > np.iinfo(values.dtype).min).astype(values.dtype))
    return np.asarray(np.nextafter(values, values.dtype.type(-np.inf)))
