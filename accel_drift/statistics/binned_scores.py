"""What distinguishes one binned detector from another: its terms, and how a score becomes a statistic and an effect."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import intervals, scores
from accel_drift.statistics.pairs import Counts, Table

Floats = npt.NDArray[np.float64]


class Terms(Protocol):
    """Counts (..., k) of reference and batch -> (..., k) terms, 0 in a cell without rows."""

    def __call__(self, reference: Counts, batch: Counts, /, *, whole: scores.Whole | None = None) -> Floats:
        """With the totals of the table where these are not all of its cells."""
        ...


@dataclass(frozen=True)
class BinnedScore:
    """A sum of terms over cells whose effect is the sum less what chance alone makes of it.

    That difference is right for quadratic scores, whose upward bias is the same with and without a drift.

    Attributes:
        terms: what each cell adds.
        highest: largest value that a score can have.
        every: whether every category has a cell, however many there are; else the rarest share cells. What goes on
            among rare ones is seen only by the former. It needs a score from which chance can be taken off, and of
            very many cells chance makes most of a score.
    """

    terms: Terms
    highest: float = inf
    every: bool = True

    def score(self, reference: Counts, batch: Counts) -> Floats:
        """Counts (..., k) of both sides -> (...)."""
        return scores.total(self.terms(reference, batch))

    def statistic(self, score: Floats) -> Floats:
        """The score on the scale on which it is shown."""
        return score

    def effect(self, score: Floats, chance: Floats, _pooled: Counts, /) -> Floats:
        """The effects of scores whose means without drift are `chance`; pooled counts (C, k)."""
        return score - chance

    def unit(self, pooled: Counts, /) -> Floats:
        """What one of the score is on the scale of `bootstrap`, `shown` and `truth`, (C,)."""
        return np.ones(len(pooled))

    def bootstrap(self, table: Table, again: tuple[Counts, Counts]) -> intervals.Bootstrap:
        """How far the scores of a table may lie from the truth, by resamples of both sides."""
        return intervals.around(table, self.score, again)

    def shown(self, truth: Floats, _pooled: Counts, /) -> Floats:
        """The effects of scores without error, as the ends of a bootstrap's intervals are."""
        return np.clip(truth, 0.0, self.highest)

    def truth(self, effect: float, pooled: Counts, /) -> Floats:
        """The scores without error of an effect: the other way round."""
        return np.full(len(pooled), effect)


@dataclass(frozen=True)
class RootScore(BinnedScore):
    """A distance whose square is the sum of terms: what is quadratic is the square, so chance is taken off there."""

    highest: float = 1.0

    def statistic(self, score: Floats) -> Floats:
        """The distance."""
        return np.sqrt(np.clip(score, 0.0, self.highest))

    def effect(self, score: Floats, chance: Floats, pooled: Counts, /) -> Floats:
        """Root of the square less what chance makes of it."""
        return self.shown(score - chance, pooled)

    def shown(self, truth: Floats, _pooled: Counts, /) -> Floats:
        """Root of a square without error."""
        return self.statistic(truth)

    def truth(self, effect: float, pooled: Counts, /) -> Floats:
        """The square."""
        return np.full(len(pooled), effect * effect)
