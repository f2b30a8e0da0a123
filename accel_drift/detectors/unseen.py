"""Whether categories appear that the reference does not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.finding import Status
from accel_drift.statistics import draws, intervals, new_categories, nulls, parts, tail
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import CategoryPair, Counts, Table

_NAMED, _LISTED = 5, 20
"""Categories of a kind that a note names, and that stand in the details."""

_LENGTH = 60
"""Characters of a name that are shown."""


_TOLD, _HIDDEN = 0.01, 0.5
"""Share of new categories that look like known ones where only counts in buckets are at hand: told from the first on;
above the second there is no test, for it would overlook most of what it is to find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen(Detector):
    """Share of batch rows in categories without a single reference row.

    Rare categories make some such rows by chance, so each relabelling looks for its own unseen categories, and the
    effect is the share that is left beside those of which the reference just met none: its categories of one row say
    how many they are (not with whole blocks). With a `tolerance` the p-value is of the hypothesis that at most that
    share of what the batch is drawn from lies outside the categories of this reference: exact (binomial), or a
    bootstrap of whole blocks of the batch.

    >>> Unseen().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abzz")}).round(3)
    array([0.5])
    """

    name: ClassVar[str] = "unseen"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.CATEGORICAL, Kind.BOOLEAN)
    unit: ClassVar[str] = "share of rows"
    source: ClassVar[str] = "permutation test; interval: Newcombe 1998"
    bands: ClassVar[Bands] = (0.01, 0.05, 0.2)
    alone: ClassVar[bool] = True
    of_columns: ClassVar[bool] = True

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {c.name: float(_share(*(s[None] for s in c.counts.sides))[0]) for c in comparison.categorical}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        found = [self._column(pair, comparison, plan) for pair in comparison.categorical]
        return self.unpaired(comparison) + found

    def _column(self, pair: CategoryPair, comparison: Comparison, plan: Plan) -> Outcome:
        a, b = pair.counts.sides
        n, m = int(a[:-1].sum()), int(b[:-1].sum())
        distinct = int(((a + b)[:-1] > 0).sum())
        details, note = _news(pair)
        hidden = comparison.hidden(pair.name)
        if hidden > _TOLD:
            details["hidden"] = hidden
            told = f"{hidden:.0%} of new categories would share a bucket with those of the reference, and not look new"
            advice = 'plan again on more rows, or fit a profile with content="sample", which counts each'
            note = "; ".join(filter(None, (told, advice) if hidden > _HIDDEN else (note, told)))
        blank = self.blank(
            column=pair.name,
            columns=(pair.name,),
            n_reference=n,
            n_batch=m,
            untested=Status.NOT_COMPARABLE
            if hidden > _HIDDEN
            else comparison.why_untested(n, m, distinct, plan, self.min_rows),
            details=details,
            note=note,
        )
        if blank.untested is not None:
            return blank
        share, rows = float(_share(a[None], b[None])[0]), int(b.sum())
        fresh = np.where(a[:-1] == 0, b[:-1], 0)
        # Rows of a block come and go together: what is alone in one block says little of the next.
        chance = new_categories.mass_not_met(a[:-1], int(a.sum())) if comparison.groups is None else 0.0
        effect, low, high = (
            max(0.0, (end - chance) / (1.0 - chance) if chance < 1.0 else 0.0)
            for end in (share, *intervals.share_difference((0, n), (int(fresh.sum()), rows)))
        )
        ready = replace(blank, statistic=share, effect=effect, interval=(low, high))
        if plan.intervals and fresh.any():
            sides = np.zeros(len(a), np.int64), np.append(fresh, 0)
            ready = replace(ready, parts=parts.of_categories(np.append(fresh / rows, 0.0), sides, pair, (n, rows)))
        if self.tolerance is not None:
            return self._beyond(ready, pair, self.tolerance, comparison, plan)
        return self._permuted(ready, pair, comparison, plan)

    def _permuted(self, ready: Outcome, pair: CategoryPair, comparison: Comparison, plan: Plan) -> Outcome:
        stream, (a, b) = draws.key(plan.seed, "null", pair.name), pair.counts.sides
        rows, table = (int(a.sum()), int(b.sum())), pair.table
        alike = new_categories.sizes((a + b)[:-1], rows)

        def drawn(_: npt.NDArray[np.intp], first: int, count: int) -> npt.NDArray[np.float64]:
            if comparison.groups is not None:
                return _share(*comparison.drawn.relabel(table, plan.seed, [pair.name], first, count))
            return new_categories.relabelled(alike, rows, stream, first, count)[None] / rows[1]

        width = len(alike[0]) + 1 if comparison.groups is None else len(a)
        found = tail.sequential(np.array([ready.statistic]), drawn, self.permutations, comparison.needed(plan), width)
        return replace(
            ready,
            p_value=float(found.p_value[0]),
            p_method="approximate" if found.fitted[0] else "permutation",
            details={**ready.details, "permutations": int(found.draws[0])},
            null=found.first[0],
        )

    @staticmethod
    def _beyond(ready: Outcome, pair: CategoryPair, tolerance: float, comparison: Comparison, plan: Plan) -> Outcome:
        """Given the reference, a row of the batch lies outside its categories or it does not."""
        a, b = pair.counts.sides
        details = {**ready.details, "tolerance": tolerance}
        if comparison.groups is None:
            p = nulls.share_above((int(b[:-1][a[:-1] == 0].sum()), int(b.sum())), tolerance)
            return replace(ready, p_value=p, p_method="exact", details=details)
        fresh = pair.counts.batch[:, :-1][:, a[:-1] == 0].sum(axis=1)
        blocks = np.stack([pair.counts.batch.sum(axis=1) - fresh, fresh], axis=1)[:, None]
        table = Table(blocks, blocks)
        again = comparison.drawn.resample(table, plan.seed, [pair.name], intervals.RESAMPLES)
        p = float(intervals.around(table, _second, again).p_beyond(tolerance)[0])
        return replace(ready, p_value=p, p_method="approximate", details=details)


def _news(pair: CategoryPair) -> tuple[dict[str, Any], str]:
    """Which categories only one side has, in numbers and in words, and how many chance would make so.

    Of very many rare categories a part is always absent. Those that are gone are told where they are more than chance
    leaves out; else only those among them that are too large for it.
    """
    a, b = (side[:-1] for side in pair.counts.sides)
    sizes = int(pair.counts.reference.sum()), int(pair.counts.batch.sum())
    new, gone = (a == 0) & (b > 0), (b == 0) & (a > 0)
    details: dict[str, Any] = {}
    said = []
    for what, cells, side, of in (("unseen", new, b, 0), ("vanished", gone, a, 1)):
        details[f"{what}_categories"] = int(cells.sum())
        details[f"{what}_rows"] = int(side[cells].sum())
        details[f"most_frequent_{what}"] = _most_frequent(pair, cells, side, _LISTED)
        if not cells.any():
            continue
        told, chance = cells, None
        # Rows of a block come and go together: nobody knows how many categories that would take.
        if len(pair.counts.reference) == 1:
            chance = new_categories.by_chance(a + b, sizes, of)
            details[f"{what}_by_chance"] = round(chance[0], 2)
        if what == "vanished" and (chance is None or not new_categories.too_many(int(cells.sum()), chance)):
            told, chance = cells & new_categories.beyond_chance(a + b, sizes), None
        if told.any():
            said.append(_told(pair, told, side, ("reference", "batch")[of], chance))
    return details, "; ".join(said)


def _told(
    pair: CategoryPair,
    cells: npt.NDArray[np.bool_],
    side: npt.NDArray[np.int64],
    absent: str,
    chance: tuple[float, float] | None,
) -> str:
    """Categories that one side lacks, the most frequent by name."""
    named, count, rows = _most_frequent(pair, cells, side, _NAMED), int(cells.sum()), int(side[cells].sum())
    shown = ", ".join(text if len(text) <= _LENGTH else text[: _LENGTH - 3] + "..." for text in named)
    more = f" and {count - len(named):,} more" if len(named) < count else ""
    here = "batch" if absent == "reference" else "reference"
    size = f"{rows:,} {'row' if rows == 1 else 'rows'}, {rows / side.sum():.2g} of the {here}"
    usual = f"; chance alone: about {chance[0]:,.0f} categories" if chance is not None and chance[0] >= 0.5 else ""
    return f"not in the {absent}: {shown}{more} ({size}{usual})"


def _most_frequent(
    pair: CategoryPair, cells: npt.NDArray[np.bool_], side: npt.NDArray[np.int64], most: int
) -> list[str]:
    found = np.flatnonzero(cells)
    return [pair.categories[i] for i in found[np.argsort(-side[found], kind="stable")[:most]]]


def _second(_reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
    """Share of the batch's second cell: (..., 2) -> (...)."""
    return np.asarray(batch[..., 1] / np.maximum(batch.sum(axis=-1), 1))


def _share(reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
    """Share of the batch's rows, missing ones included, in cells where the reference has none: (..., k) -> (...)."""
    new = np.where(reference[..., :-1] == 0, batch[..., :-1], 0).sum(axis=-1)
    return np.asarray(new / np.maximum(batch.sum(axis=-1), 1))


DETECTOR = Unseen
