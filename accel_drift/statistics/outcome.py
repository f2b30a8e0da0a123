"""What a detector found on one column before anything is corrected or judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part, Status

Bands = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One detector on one column (or on several together).

    Attributes:
        untested: why no test was made, or None where there is a p-value.
        judged: what is held against the bands: the effect; its size, where a fall counts, too; its finite part.
        bands: effects from which the severity is watch, warning, critical; () where the scale has no convention.
        min_effect: effect that a drift must reach; None for the first band (0 without bands).
        alone: whether the outcome is a member of the correction of its own, not one of its column's value tests.
        null: draws of the statistic without drift, for pictures.
        parts: what the statistic is made of, the largest contribution first.
    """

    column: str
    columns: tuple[str, ...]
    detector: str
    unit: str
    n_reference: int
    n_batch: int
    untested: Status | None = None
    statistic: float | None = None
    p_value: float | None = None
    p_method: str = ""
    effect: float | None = None
    judged: float | None = None
    interval: tuple[float, float] | None = None
    bands: Bands | tuple[()] = ()
    min_effect: float | None = None
    alone: bool = False
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    null: npt.NDArray[np.float64] | None = None
    parts: tuple[Part, ...] = ()

    @property
    def member(self) -> tuple[str, str]:
        """What the correction counts once: a column's value tests together, or an outcome that stands alone."""
        return self.column, self.detector if self.alone else ""

    @property
    def least(self) -> float:
        """Effect that a drift must reach."""
        return self.min_effect if self.min_effect is not None else (self.bands[0] if self.bands else 0.0)
