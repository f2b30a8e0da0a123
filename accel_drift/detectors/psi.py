"""Population stability index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from accel_drift.detectors.base import SmoothedDetector
from accel_drift.statistics import scores
from accel_drift.statistics.binned_scores import BinnedScore
from accel_drift.statistics.outcome import Bands


@dataclass(frozen=True, slots=True, kw_only=True)
class PSI(SmoothedDetector):
    """How far the shares of a column's bins or categories moved, both ways, in nats.

    The effect is the PSI less what chance alone makes of it, about (k - 1)(1/n + 1/m) at k cells.

    >>> PSI().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abbb")}).round(3)
    array([0.169])
    """

    name: ClassVar[str] = "psi"
    unit: ClassVar[str] = "PSI"
    source: ClassVar[str] = "Kullback & Leibler 1951, eq. 2.5; null: Yurdakul & Naranjo 2020"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.25)

    @property
    def how(self) -> BinnedScore:
        return BinnedScore(partial(scores.psi_terms, pseudo_count=self.pseudo_count))


DETECTOR = PSI
