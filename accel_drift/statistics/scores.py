"""Distances between two sets of counts. Cells lie along the last axis; a cell without any row is no cell.

p is the reference's share of a cell, q the batch's. Each function takes counts of any leading shape, so the observed
tables and a thousand relabelled ones go through the same code. A score is the sum of its terms, one a cell, so that
what a report says of the cells cannot disagree with the score. Terms of some cells of a table take its totals besides.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]


class Whole(NamedTuple):
    """A table of which some cells are looked at: rows of both sides and cells with rows, that broadcast with cells."""

    reference: Any
    batch: Any
    cells: Any

    @classmethod
    def of(cls, reference: Array, batch: Array) -> Self:
        """Of counts (..., k) of all cells: (..., 1) each."""
        there = (reference + batch) > 0
        return cls(*(x.sum(axis=-1, keepdims=True) for x in (reference, batch, there)))


def psi(reference: Array, batch: Array, pseudo_count: float) -> Floats:
    """Population stability index, the sum of `psi_terms`."""
    return total(psi_terms(reference, batch, pseudo_count))


def psi_terms(reference: Array, batch: Array, pseudo_count: float, whole: Whole | None = None) -> Floats:
    """Terms (q - p) ln(q / p) of the cells, in nats, with `pseudo_count` rows added to every cell of both sides.

    Their sum is the symmetrised Kullback-Leibler divergence. Source: Kullback & Leibler 1951, eq. 2.5.
    """
    p, q = shares(reference, batch, pseudo_count, whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _known((q - p) * np.log(q / p))


def kl_terms(reference: Array, batch: Array, pseudo_count: float, whole: Whole | None = None) -> Floats:
    """Terms q ln(q / p) of the cells, in nats, with `pseudo_count` rows added to every cell of both sides.

    Their sum is the divergence of the batch from the reference; single terms may be negative. Source: Kullback &
    Leibler 1951, eq. 2.4.
    """
    p, q = shares(reference, batch, pseudo_count, whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _known(q * np.log(q / p))


def jensen_shannon_terms(reference: Array, batch: Array, whole: Whole | None = None) -> Floats:
    """Terms of the Jensen-Shannon divergence in bits: (p log2(p / r) + q log2(q / r)) / 2 with r = (p + q) / 2.

    The sum lies in 0 ... 1. Source: Lin 1991, eq. 4.1.
    """
    p, q = shares(reference, batch, whole=whole)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (_known(p * np.log2(p / middle)) + _known(q * np.log2(q / middle))) / 2


def hellinger_terms(reference: Array, batch: Array, whole: Whole | None = None) -> Floats:
    """Terms (sqrt(p) - sqrt(q))^2 / 2 of the cells; their sum is the squared Hellinger distance, in 0 ... 1.

    Source: Hellinger 1909.
    """
    p, q = shares(reference, batch, whole=whole)
    return np.asarray((np.sqrt(p) - np.sqrt(q)) ** 2 / 2)


def total_variation_terms(reference: Array, batch: Array, whole: Whole | None = None) -> Floats:
    """Terms |p - q| / 2 of the cells; their sum is the total variation distance, in 0 ... 1."""
    p, q = shares(reference, batch, whole=whole)
    return np.asarray(np.abs(q - p) / 2)


def chi_square(reference: Array, batch: Array) -> Floats:
    """Pearson's statistic of the 2 x k table of counts, the sum of `chi_square_terms`."""
    return total(chi_square_terms(reference, batch))


def chi_square_terms(reference: Array, batch: Array, whole: Whole | None = None) -> Floats:
    """Squared differences from the expected counts over these, both sides of a cell together. Source: Pearson 1900."""
    pooled = (reference + batch).astype(np.float64)
    n, m = (np.asarray(rows, np.float64) for rows in (whole or Whole.of(reference, batch))[:2])
    there = pooled > 0
    safe = np.where(there, pooled, 1.0)
    # With only two rows both expected tables differ by the same amount, so one difference serves both.
    gap = reference - pooled * (n / np.maximum(n + m, 1.0))
    scale = (n + m) ** 2 / np.maximum(n * m, 1.0)
    return np.asarray(np.where(there, gap * gap / safe, 0.0) * scale)


def phi_square(reference: Array, batch: Array) -> Floats:
    """chi-square per row, the mean-square contingency."""
    rows = reference.sum(axis=-1) + batch.sum(axis=-1)
    return np.asarray(chi_square(reference, batch) / np.maximum(rows, 1))


def cramers_v(phi2: Floats, cells: Floats, rows: Floats) -> Floats:
    """Bias-corrected Cramer's V of 2 x k tables.

    Source: Bergsma 2013, doi:10.1016/j.jkss.2012.10.002, eqs. 4-6, with r = 2.
    """
    corrected = np.maximum(0.0, phi2 - (cells - 1.0) / np.maximum(rows - 1.0, 1.0))
    return np.asarray(np.sqrt(np.minimum(1.0, corrected / cramers_v_scale(cells, rows))))


def cramers_v_scale(cells: Floats, rows: Floats) -> Floats:
    """What V squared is a share of: the largest mean-square contingency of a 2 x k table, bias-corrected."""
    n1 = np.maximum(rows - 1.0, 1.0)
    k = cells - (cells - 1.0) ** 2 / n1
    r = 2.0 - 1.0 / n1
    return np.asarray(np.maximum(np.minimum(k, r) - 1.0, 1e-12))


def shares(
    reference: Array, batch: Array, pseudo_count: float = 0.0, whole: Whole | None = None
) -> tuple[Floats, Floats]:
    """Shares p and q of the cells; both are 1 where a cell has no row, which makes every term there 0."""
    there = (reference + batch) > 0
    *totals, k = whole or Whole.of(reference, batch)
    sides = []
    for side, total_rows in zip((reference, batch), totals, strict=True):
        rows = total_rows + pseudo_count * k
        sides.append(np.where(there, (side + pseudo_count) / np.where(rows > 0, rows, 1.0), 1.0))
    return sides[0], sides[1]


def total(terms: Floats) -> Floats:
    """The score that the terms of its cells make: their sum over the last axis."""
    return np.asarray(terms.sum(axis=-1))


def _known(terms: Floats) -> Floats:
    """0 for 0 ln 0. A share of 0 on one side alone may make a term infinite, never NaN."""
    return np.where(np.isnan(terms), 0.0, terms)
