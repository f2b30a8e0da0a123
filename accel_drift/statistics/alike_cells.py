"""Very many cells of one column: those that hold equally many pooled rows are alike, and are relabelled together.

What a relabelling adds to a score depends on how many cells of a size have how many rows on either side, not on which
ones. Where few rows make many cells of few sizes, counting the cells in each state takes far fewer numbers than one for
every cell, and the law is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws, scores
from accel_drift.statistics.binned_scores import Floats, Terms
from accel_drift.statistics.pairs import Counts


@dataclass(frozen=True, slots=True)
class Dealt:
    """How reference rows lie in the cells, B times.

    Shapes: alone (B, k) of the cells that are dealt one by one; states (B, s, t + 1), how many cells of each of s sizes
    have 0 ... t rows, t being the largest size.
    """

    alone: Counts
    states: Counts


@dataclass(frozen=True, slots=True)
class AlikeCells:
    """The cells of one column.

    Attributes:
        alone: pooled rows of the cells that are dealt one by one, (k,).
        sizes: pooled rows of those that are dealt together, (s,), ascending.
        many: how many cells have each of these sizes, (s,).
        observed: the reference's rows as they are, once.
        whole: totals of the table.
    """

    alone: Counts
    sizes: Counts
    many: Counts
    observed: Dealt
    whole: scores.Whole

    @classmethod
    def of(cls, reference: Counts, batch: Counts) -> AlikeCells:
        """Counts of both sides, (k,) twice.

        Cells of t rows are in one of t + 1 states and take about t^2 / 2 numbers to deal together, one each alone.
        """
        pooled = reference + batch
        sizes, which, many = np.unique(pooled, return_inverse=True, return_counts=True)
        together = (sizes > 0) & (sizes * (sizes + 1.0) < 2.0 * many)
        place = np.cumsum(together) - 1
        grouped, alone = together[which], (sizes > 0)[which] & ~together[which]
        sizes, many = sizes[together], many[together].astype(np.int64)
        width = int(sizes.max(initial=0)) + 1
        at = place[which[grouped]] * width + reference[grouped]
        states = np.bincount(at, minlength=len(sizes) * width).reshape(1, len(sizes), width)
        whole = scores.Whole(int(reference.sum()), int(batch.sum()), int((pooled > 0).sum()))
        return cls(pooled[alone], sizes, many, Dealt(reference[alone][None], states), whole)

    @property
    def width(self) -> int:
        """Numbers behind one draw, about."""
        return len(self.alone) + int((self.sizes * (self.sizes + 1) // 2).sum()) + 1

    def relabelled(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Dealt:
        """Relabellings first ... first + count: exact.

        The cells of one size are dealt a row of each at a time. Of those with x reference rows so far the number whose
        next row is one, too, is hypergeometric given what was dealt before, for all rows not yet looked at are
        exchangeable.
        """
        together = int((self.sizes * self.many).sum())
        pooled = np.append(self.alone, together)[None]
        dealt = draws.hypergeometric(stream[None], first, count, pooled, np.array([self.whole.reference]))[0]
        free, left = dealt[:, -1], np.full(count, together)  # of the rows not looked at, those of the reference; all
        states: Counts = np.zeros((count, *self.observed.states.shape[1:]), np.int64)
        states[:, :, 0] = self.many
        for row in range(1, states.shape[2]):
            start = int(np.searchsorted(self.sizes, row))
            before = states[:, start:, :row]
            left = left - before.sum(axis=(1, 2))
            table = np.concatenate([before.reshape(count, -1), left[:, None]], axis=1)
            fell = draws.hypergeometric_rows(stream ^ np.array([0, row], np.uint32), first, table, free)[:, :-1]
            free = free - fell.sum(axis=1)
            moved = fell.reshape(before.shape)
            states[:, start:, :row] -= moved
            states[:, start:, 1 : row + 1] += moved
        return Dealt(dealt[:, :-1], states)

    def score(self, terms: Terms, dealt: Dealt) -> Floats:
        """Scores of relabelled cells, (B,): the observed ones by the same code as the others, so that ties are ties."""
        alone = scores.total(terms(dealt.alone, self.alone - dealt.alone, whole=self.whole))
        x = np.arange(dealt.states.shape[2])
        size = self.sizes[:, None]
        of_state = terms(np.minimum(x, size), np.maximum(size - x, 0), whole=self.whole)
        # Without a pseudo-count a state may have an infinite term, and be empty in most relabellings.
        finite = np.isfinite(of_state)
        made = alone + (dealt.states * np.where(finite, of_state, 0.0)).sum(axis=(1, 2))
        return np.where((dealt.states * ~finite).any(axis=(1, 2)), np.inf, made)
