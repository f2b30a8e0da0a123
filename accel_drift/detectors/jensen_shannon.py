"""Jensen-Shannon distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accel_drift.detectors.base import BinnedDetector
from accel_drift.statistics import scores
from accel_drift.statistics.binned_scores import BinnedScore, RootScore
from accel_drift.statistics.outcome import Bands


@dataclass(frozen=True, slots=True, kw_only=True)
class JensenShannon(BinnedDetector):
    """Root of the mean divergence of both sides from their mean, base 2: from 0 to 1, symmetric, always finite.

    The effect is the root of the squared distance less what chance alone makes of that, 0 where nothing is left. The
    parts of a finding are terms of the square.

    >>> JensenShannon().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abbb")}).round(3)
    array([0.221])
    """

    name: ClassVar[str] = "jensen_shannon"
    unit: ClassVar[str] = "Jensen-Shannon distance"
    source: ClassVar[str] = "Lin 1991, doi:10.1109/18.61115; distance: Endres & Schindelin 2003"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.3)

    @property
    def how(self) -> BinnedScore:
        return RootScore(scores.jensen_shannon_terms)


DETECTOR = JensenShannon
