"""Hellinger distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accel_drift.detectors.base import BinnedDetector
from accel_drift.statistics import scores
from accel_drift.statistics.binned_scores import BinnedScore, RootScore
from accel_drift.statistics.outcome import Bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Hellinger(BinnedDetector):
    """Distance of the roots of the shares of a column's bins or categories, from 0 to 1.

    The effect is the root of the squared distance less what chance alone makes of that, 0 where nothing is left. The
    parts of a finding are terms of the square.

    >>> Hellinger().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abbb")}).round(3)
    array([0.185])
    """

    name: ClassVar[str] = "hellinger"
    unit: ClassVar[str] = "Hellinger distance"
    source: ClassVar[str] = "Hellinger 1909"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.3)

    @property
    def how(self) -> BinnedScore:
        return RootScore(scores.hellinger_terms)


DETECTOR = Hellinger
