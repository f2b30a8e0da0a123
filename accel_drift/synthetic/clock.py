"""When the rows of a stream happen."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError
from accel_drift.options import between

Times: TypeAlias = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Times of rows: each batch is a stretch of time, in which its rows fall evenly by chance, in order.

    The reference fills the time before the first batch, with as many rows a second as the batches have on average.

    Attributes:
        start: when the first batch begins, as NumPy reads it: "2024-01-01" or "2024-01-01T06:00".
        seconds: that a batch lasts.
        column: what the column is called.
    """

    start: str = "2024-01-01"
    seconds: float = 86_400.0
    column: str = "event_time"

    def __post_init__(self) -> None:
        between(self.seconds, 0, inf, "seconds", "how long a batch lasts")
        try:
            moment = np.datetime64(self.start, "us")
        except (TypeError, ValueError) as error:
            raise ConfigError(f"start is {self.start!r}; it is a moment such as '2024-01-01T06:00'") from error
        if np.isnat(moment) or not isinstance(self.column, str):
            raise ConfigError(f"start is {self.start!r} and column {self.column!r}; give a moment and a name")

    def during(self, number: int, rows: int, rng: np.random.Generator) -> Times:
        """Times (rows,) of the batch of a number, from 1."""
        return self._times((number - 1) * self.seconds, self.seconds, rows, rng)

    def before(self, rows: int, seconds: float, rng: np.random.Generator) -> Times:
        """Times (rows,) in so many seconds before the start."""
        return self._times(-seconds, seconds, rows, rng)

    def _times(self, begin: float, length: float, rows: int, rng: np.random.Generator) -> Times:
        passed = begin + length * np.sort(rng.random(rows))
        return np.datetime64(self.start, "us") + np.floor(passed * 1e6).astype("timedelta64[us]")
