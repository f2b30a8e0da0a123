"""Rows in categories that only one side has, and what chance makes of them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws

Counts = npt.NDArray[np.int64]

_NEGLIGIBLE = 1e-12
"""Chance below which a category that falls to one side by chance need not be drawn."""

_NOTED = 0.01
"""A category that is gone is worth a word where chance would take any category of its size with less than this."""

_LANES = 1 << 20
"""Numbers drawn at a time: bounds the memory of a round."""


def sizes(pooled: Counts, rows: tuple[int, int]) -> tuple[Counts, Counts]:
    """The sizes that a category can have and still fall wholly to the batch by chance: sizes and how many have each.

    Args:
        pooled: (k,) rows of each category on both sides.
        rows: rows of the reference and of the batch.
    """
    found, how_many = np.unique(pooled[pooled > 0], return_counts=True)
    chance = how_many * (rows[1] / sum(rows)) ** found.astype(np.float64)
    return found[chance > _NEGLIGIBLE], how_many[chance > _NEGLIGIBLE].astype(np.int64)


def relabelled(
    alike: tuple[Counts, Counts], rows: tuple[int, int], stream: npt.NDArray[np.uint32], first: int, count: int
) -> Counts:
    """Batch rows in categories that fall wholly to the batch, in relabellings first ... first + count: (count,).

    Categories of one size are alike, so they are drawn together, a row of each at a time: of K categories the number
    whose first row falls to the batch is hypergeometric; of those the number whose second row does, given what was
    dealt before; and so on. All rows not yet looked at are exchangeable, so the law is exact, and a relabelling takes
    a few numbers for each size, not one for each category.

    Args:
        alike: what `sizes` gave.
        rows: rows of the reference and of the batch, missing ones included.
        stream: words that decide the draws.
        first: number of the first relabelling.
        count: how many.
    """
    step = max(1, _LANES // (len(alike[0]) + 1))
    parts = (_dealt(alike, rows, stream, first + lo, min(step, count - lo)) for lo in range(0, count, step))
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _dealt(
    alike: tuple[Counts, Counts], rows: tuple[int, int], stream: npt.NDArray[np.uint32], first: int, count: int
) -> Counts:
    size, how_many = alike
    whole = np.tile(how_many, (count, 1))  # categories all of whose rows looked at so far fell to the batch
    unseen, free = np.full(count, sum(rows)), np.full(count, rows[1])  # rows not looked at; those of the batch
    for row in range(1, int(size.max(initial=0)) + 1):
        start = int(np.searchsorted(size, row))
        dealt = whole[:, start:]
        if not dealt.any():
            break
        unseen = unseen - dealt.sum(axis=1)
        words = stream ^ np.array([0, row], np.uint32)
        fell = draws.hypergeometric_rows(words, first, np.concatenate([dealt, unseen[:, None]], axis=1), free)[:, :-1]
        free = free - fell.sum(axis=1)
        whole[:, start:] = fell
    return np.asarray(whole @ size)


def by_chance(pooled: Counts, rows: tuple[int, int], side: int) -> tuple[float, float]:
    """How many categories have no row on one side when chance deals the rows: the mean, and at most the variance.

    Exact but for the variance: that one category is absent makes it less likely of others, which is left out.

    Args:
        pooled: (k,) rows of each category on both sides.
        rows: rows of the reference and of the batch, missing ones included.
        side: 0 for the reference, 1 for the batch.
    """
    from scipy.special import gammaln

    found, how_many = np.unique(pooled[pooled > 0], return_counts=True)
    other, total = rows[1 - side], sum(rows)
    # All rows of the category are among those of the other side.
    log_p = gammaln(other + 1) - gammaln(np.maximum(other - found, 0) + 1)
    log_p += gammaln(total - found + 1) - gammaln(total + 1)
    p = np.where(found > other, 0.0, np.exp(log_p))
    return float(how_many @ p), float(how_many @ (p * (1 - p)))


def mass_not_met(reference: Counts, rows: int) -> float:
    """Share of further rows of the reference's law that would be in categories without a row so far.

    It is about the share of the rows that are alone in their category. Source: Good 1953, "The population frequencies
    of species and the estimation of population parameters", eq. 9.

    Args:
        reference: (k,) rows of each category.
        rows: all rows, missing ones included.
    """
    return int(np.count_nonzero(reference == 1)) / max(rows, 1)


def too_many(count: int, expected: tuple[float, float]) -> bool:
    """Whether so many absent categories are more than chance makes: by three deviations and one category."""
    mean, variance = expected
    return bool(count > mean + 3.0 * sqrt(variance) + 1.0)


def beyond_chance(pooled: Counts, rows: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which categories are too large to be absent from the batch by chance, (k,).

    Those for which chance would leave out any category as large with less than 1 in 100.

    Args:
        pooled: (k,) rows of each category on both sides.
        rows: rows of the reference and of the batch.
    """
    chance = (rows[0] / sum(rows)) ** pooled.astype(np.float64)
    return np.asarray(chance * max(1, int((pooled > 0).sum())) < _NOTED)
