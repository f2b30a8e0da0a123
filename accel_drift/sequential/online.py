"""Detectors that look at every row of a stream, all columns together, against a fixed reference."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from math import inf
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from accel_drift.backends import Backend
from accel_drift.data.table import Table
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least, between, is_finite, plain
from accel_drift.sequential.held_out import LONGEST, TIE, HeldOut
from accel_drift.sequential.kernel_windows import Floats, Summed
from accel_drift.sequential.over_reference import OverReference
from accel_drift.sequential.points import Points
from accel_drift.statistics import draws

if TYPE_CHECKING:
    from accel_drift.sequential.row_watch import RowWatch

_HELD = 2000
"""Rows held out at most: more would say little more of streams, and memory grows with their square."""

_FAR = 1e150
"""Lengths in bandwidths up to which squares cannot overflow."""

_OFF = 2.0
"""An average run length so many times as long as asked for is worth a warning."""

_WINDOWS = 4
"""Windows that the rows of a reference must fill: two of rows to compare with, two of rows to draw from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineDetector(OverReference["RowWatch"]):
    """Options that mean the same for every detector that looks at every row.

    Half of the reference, drawn by the seed, is what rows are compared with; it also decides scales and bandwidth as
    for `accel_drift.MMD`. From the other half streams without drift are drawn, which decide the threshold.

    Rows must be independent of one another. In a series in which a row is like the one before, windows go far from the
    reference by chance more often than in the streams drawn, and there are more false alarms than promised: asked for
    2,000 rows, alarms came every 400 where a row and the next correlate by 0.2, and every 80 by 0.5.

    Attributes:
        arl: average run length, in rows, to a false alarm; where no threshold has just that, the next longer one is
            taken. A reference is one sample, and the rare values that decide long runs are rare in it, too. Asked for
            10,000 it was 13,000 on average over normal references of 1,000 rows, from 7,000 to 20,000 in eight of ten,
            and 11,000 over references of 5,000.
        window: rows of the longest window; the first look is when that many rows have come.
        bandwidth: of the Gaussian kernel: "median" (of the distances between rows of the reference) or a length.
        max_rows: reference rows at most that rows are compared with.
        seed: decides every random choice.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    guarantee: ClassVar[str] = "run_length"

    arl: float = 10_000
    window: int = 50
    bandwidth: float | Literal["median"] = "median"
    max_rows: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self.window, 2, "window", "rows, such as 50")
        if 2 * self.window >= LONGEST:
            raise ConfigError(f"window is {self.window:,}; it is below {LONGEST // 2:,}, half of the longest arl")
        between(self.arl, 2 * self.window, inf, "arl", f"rows to a false alarm on average, at most {LONGEST:,}")
        if self.arl > LONGEST:
            raise ConfigError(f"arl is {self.arl:,.0f}; the longest average run that is simulated is {LONGEST:,} rows")
        named = isinstance(self.bandwidth, str) and self.bandwidth == "median"
        if not named and not (is_finite(self.bandwidth) and float(self.bandwidth) > 0):
            raise ConfigError(f'bandwidth is {self.bandwidth!r}; it is "median" or a length above 0')
        at_least(self.max_rows, 2, "max_rows", "reference rows that rows are compared with")
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral) or self.seed < 0:
            raise ConfigError(f"seed is {self.seed!r}; it is a whole number of 0 or more")

    def on(self, reference: Table, backend: Backend) -> RowWatch:
        """See `OverReference.on`.

        Raises:
            ConfigError: the bandwidth does not suit the rows, or no threshold has so long an average run length.
            DataError: there are too few rows for the window, or those held out are all equal.
        """
        if reference.rows < _WINDOWS * self.window:
            raise DataError(
                f"the reference has {reference.rows:,} rows, too few for windows of {self.window}: give at least "
                f"{_WINDOWS * self.window}, better a thousand, or ask for a shorter window"
            )
        from accel_drift.sequential.row_watch import Learned, RowWatch

        mine, others = self._dealt(reference.rows)
        length = None if self.bandwidth == "median" else float(self.bandwidth)
        summed, held = reference.take(mine), reference.take(others)
        points = Points.of(summed, reference.schema.names, length, self.seed)
        rows = points(held)
        if not (rows != rows[0]).any():
            raise DataError(
                "the rows of the reference from which streams without drift are drawn are all equal, so nothing says "
                "what chance alone does; give more rows, or other columns"
            )
        if points.bound / points.bandwidth > _FAR:
            raise self._unsuited(summed)
        known = Summed.of(points(summed), backend)
        law = HeldOut.of(rows, known.means(rows, 0), known.within)
        deviations = law.deviations(self.window)
        if deviations[-1] <= TIE:
            raise self._unsuited(summed)
        threshold, run_length = law.threshold(self.arl, self.units(deviations), self.seed)
        if run_length.mean > _OFF * self.arl:
            warnings.warn(
                f"no threshold has an average run length of {self.arl:,.0f} rows on this reference, as the statistic "
                f"takes few values there: the next longer one, {run_length.mean:,.0f}, is taken",
                stacklevel=3,
            )
        schema, excluded = reference.schema.select(points.names), {**reference.excluded, **points.dropped}
        return RowWatch(Learned(self, schema, excluded, points, known, deviations, threshold, run_length))

    def _unsuited(self, rows: Table) -> ConfigError:
        """What to raise where all rows, or no two of them, are alike at the bandwidth."""
        typical = Points.of(rows, rows.schema.names, None, self.seed).bandwidth
        return ConfigError(
            f"bandwidth is {self.bandwidth!r}, at which rows of this reference cannot be told apart, or none is like "
            f'another: their median distance is {typical:.3g}; give a length near that, or "median"'
        )

    def _dealt(self, rows: int) -> tuple[Any, Any]:
        """The rows to compare with, and those to draw from; no row is both."""
        mine = draws.subset(draws.key(self.seed, "online", "compared"), rows, min(rows - rows // 2, self.max_rows))
        rest = np.setdiff1d(np.arange(rows), mine)
        return mine, rest[draws.subset(draws.key(self.seed, "online", "held out"), len(rest), _HELD)]

    @abstractmethod
    def units(self, deviations: Floats) -> Floats:
        """What the statistic of windows of 2, 3, ... rows is divided by; infinite where that length is not looked at.

        Args:
            deviations: (window - 1,) its standard deviation without drift.
        """

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"detector": self.name, **plain(self)}
