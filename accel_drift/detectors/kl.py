"""Kullback-Leibler divergence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from accel_drift.detectors.base import SmoothedDetector
from accel_drift.statistics import scores
from accel_drift.statistics.binned_scores import BinnedScore
from accel_drift.statistics.outcome import Bands


@dataclass(frozen=True, slots=True, kw_only=True)
class KL(SmoothedDetector):
    """Divergence of the batch from the reference over bins or categories, in nats; it is not symmetric.

    What is common in the batch and rare in the reference weighs most. The effect is the divergence less what chance
    alone makes of it, about (k - 1)(1/n + 1/m) / 2 at k cells.

    >>> KL().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abbb")}).round(3)
    array([0.082])
    """

    name: ClassVar[str] = "kl"
    unit: ClassVar[str] = "nats"
    source: ClassVar[str] = "Kullback & Leibler 1951, eq. 2.4"
    bands: ClassVar[Bands] = (0.05, 0.1, 0.25)

    @property
    def how(self) -> BinnedScore:
        return BinnedScore(partial(scores.kl_terms, pseudo_count=self.pseudo_count))


DETECTOR = KL
