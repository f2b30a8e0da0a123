"""Population stability index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector, at_least, is_finite
from accel_drift.errors import ConfigError
from accel_drift.statistics import binned, intervals, scores
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import Counts, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class PSI(Detector):
    """How far the shares of a column's bins or categories moved, both ways, in nats.

    The effect is the PSI less what chance alone makes of it, about (k - 1)(1/n + 1/m) at k cells.

    Attributes:
        bins: quantile bins of a numeric column, cut at the reference's quantiles; repeated ones are merged.
        pseudo_count: rows added to every cell of both sides, so that an empty one has a logarithm.
    """

    name: ClassVar[str] = "psi"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
    unit: ClassVar[str] = "PSI"
    source: ClassVar[str] = "Kullback & Leibler 1951, eq. 2.5; null: Yurdakul & Naranjo 2020"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.25)

    bins: int = 10
    pseudo_count: float = 0.5

    def __post_init__(self) -> None:
        super(PSI, self).__post_init__()
        at_least(self.bins, 2, "bins", "quantile bins of a numeric column, such as 10")
        if not (is_finite(self.pseudo_count) and self.pseudo_count >= 0):
            raise ConfigError(f"pseudo_count is {self.pseudo_count!r}; it is a number of rows, such as 0.5")

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return binned.statistics(comparison, self._how.score, self.bins)

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return self.unpaired(comparison) + binned.outcomes(
            comparison,
            plan,
            self._how,
            self.blank(details={"pseudo_count": self.pseudo_count}),
            bins=self.bins,
            permutations=self.permutations,
            min_rows=self.min_rows,
        )

    @property
    def _how(self) -> binned.BinnedScore:
        return binned.BinnedScore(self._score, lambda t, chance, *_: t - chance, self._interval)

    def _score(self, reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
        return scores.psi(reference, batch, self.pseudo_count)

    def _interval(self, counts: Table, blocked: bool, stream: npt.NDArray[np.uint32]) -> intervals.Interval:
        return intervals.clip(intervals.basic(counts, blocked, self._score, stream), 0.0)


DETECTOR = PSI
