"""Distances between two sets of counts. Cells lie along the last axis; a cell without any row is no cell.

p is the reference's share of a cell, q the batch's. Each function takes counts of any leading shape, so the observed
tables and a thousand relabelled ones go through the same code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def psi(reference: npt.NDArray[Any], batch: npt.NDArray[Any], pseudo_count: float) -> Floats:
    """Population stability index, sum (q - p) ln(q / p), with `pseudo_count` rows added to every cell of both.

    The symmetrised Kullback-Leibler divergence, in nats. Source: Kullback & Leibler 1951, eq. 2.5.
    """
    there = (reference + batch) > 0
    k = there.sum(axis=-1, keepdims=True)
    p = (reference + pseudo_count) / (reference.sum(axis=-1, keepdims=True) + pseudo_count * k)
    q = (batch + pseudo_count) / (batch.sum(axis=-1, keepdims=True) + pseudo_count * k)
    return _finite_sum(there, lambda a, b: (b - a) * np.log(b / a), p, q)


def chi_square(reference: npt.NDArray[Any], batch: npt.NDArray[Any]) -> Floats:
    """Pearson's statistic of the 2 x k table of counts. Source: Pearson 1900."""
    pooled = (reference + batch).astype(np.float64)
    n = reference.sum(axis=-1, keepdims=True).astype(np.float64)
    m = batch.sum(axis=-1, keepdims=True).astype(np.float64)
    there = pooled > 0
    safe = np.where(there, pooled, 1.0)
    # With only two rows both expected tables differ by the same amount, so one difference serves both.
    gap = reference - pooled * (n / np.maximum(n + m, 1.0))
    scale = (n + m) ** 2 / np.maximum(n * m, 1.0)
    return np.asarray(np.where(there, gap * gap / safe, 0.0).sum(axis=-1) * scale[..., 0])


def phi_square(reference: npt.NDArray[Any], batch: npt.NDArray[Any]) -> Floats:
    """chi-square per row, the mean-square contingency."""
    rows = reference.sum(axis=-1) + batch.sum(axis=-1)
    return np.asarray(chi_square(reference, batch) / np.maximum(rows, 1))


def cramers_v(phi2: Floats, cells: npt.NDArray[Any], rows: npt.NDArray[Any]) -> Floats:
    """Bias-corrected Cramer's V of a 2 x k table.

    Source: Bergsma 2013, doi:10.1016/j.jkss.2012.10.002, eqs. 4-6, with r = 2.
    """
    n1 = np.maximum(rows - 1.0, 1.0)
    k = cells - (cells - 1.0) ** 2 / n1
    r = 2.0 - 1.0 / n1
    corrected = np.maximum(0.0, phi2 - (cells - 1.0) / n1)
    return np.asarray(np.sqrt(np.minimum(1.0, corrected / np.maximum(np.minimum(k, r) - 1.0, 1e-12))))


def cdf_gap(reference: npt.NDArray[Any], batch: npt.NDArray[Any]) -> Floats:
    """Largest gap between the two distribution functions at the upper ends of the cells."""
    f = np.cumsum(reference, axis=-1) / np.maximum(reference.sum(axis=-1, keepdims=True), 1)
    g = np.cumsum(batch, axis=-1) / np.maximum(batch.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.abs(f - g).max(axis=-1, initial=0.0))


def _finite_sum(there: npt.NDArray[np.bool_], term: Any, p: Floats, q: Floats) -> Floats:
    """Sum of term(p, q) over the cells that exist; a share of 0 (pseudo_count 0) makes the sum infinite, never NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(there, term(np.where(there, p, 1.0), np.where(there, q, 1.0)), 0.0)
    return np.asarray(np.where(np.isnan(terms), 0.0, terms).sum(axis=-1))
