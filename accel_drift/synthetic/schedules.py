"""When a drift comes, row by row: at once, more and more often, more and more, or again and again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, is_finite, plain
from accel_drift.synthetic.base import share
from accel_drift.synthetic.columns import Floats


class Schedule(ABC):
    """How strong a drift is in each row of a stream.

    Where a schedule takes a place, a whole number is a row, the first being 0, and a fraction from 0 to 1 a share of
    the stream; 1 is row 1, and 1.0 the end.
    """

    __slots__ = ()

    @abstractmethod
    def strength(self, first: int, rows: int, total: int, rng: np.random.Generator) -> Floats:
        """The strength (rows,) of a part of the stream, from 0 to 1.

        Args:
            first: the part's first row.
            rows: how many it has.
            total: rows of the stream.
            rng: the part's own, for schedules that draw.
        """

    @abstractmethod
    def onset(self, total: int) -> int:
        """The first row of a stream of `total` rows that may be drifted; `total` or more where none is."""

    def summary(self) -> dict[str, Any]:
        """The schedule and its options as plain values."""
        return {"schedule": type(self).__name__, **plain(self)}


@dataclass(frozen=True, slots=True)
class Sudden(Schedule):
    """All rows from one on are drifted.

    >>> Sudden(at=0.5, until=8).strength(0, 10, 10, np.random.default_rng())
    array([0., 0., 0., 0., 0., 1., 1., 1., 0., 0.])

    Attributes:
        at: the first drifted row, or a share of the stream.
        until: the row at which it is over, or a share of the stream; None for never.
    """

    at: float = 0.5
    until: float | None = None

    def __post_init__(self) -> None:
        _place(self.at, "at")
        if self.until is not None:
            _place(self.until, "until")
            _in_order(self.at, self.until)

    def strength(self, first: int, rows: int, total: int, rng: np.random.Generator) -> Floats:  # noqa: ARG002
        """See `Schedule.strength`."""
        at = np.arange(first, first + rows)
        return ((at >= row(self.at, total)) & (at < self._end(total))).astype(np.float64)

    def onset(self, total: int) -> int:
        """See `Schedule.onset`."""
        return row(self.at, total) if self._end(total) > row(self.at, total) else total

    def _end(self, total: int) -> int:
        return total if self.until is None else row(self.until, total)


@dataclass(frozen=True, slots=True)
class Gradual(Schedule):
    """The share of drifted rows grows, each row being drifted wholly or not at all; from `end` on all are.

    Attributes:
        start: the first row that may be drifted, or a share of the stream.
        end: the row from which on all are, or a share of the stream.
    """

    start: float = 0.25
    end: float = 0.75

    def __post_init__(self) -> None:
        _place(self.start, "start")
        _place(self.end, "end")
        _in_order(self.start, self.end)

    def strength(self, first: int, rows: int, total: int, rng: np.random.Generator) -> Floats:
        """See `Schedule.strength`."""
        risen = _risen(first, rows, row(self.start, total), row(self.end, total))
        return (rng.random(rows) < risen).astype(np.float64)

    def onset(self, total: int) -> int:
        """See `Schedule.onset`."""
        return row(self.start, total)


@dataclass(frozen=True, slots=True)
class Incremental(Schedule):
    """The magnitude grows from row to row, or in steps; from `end` on it is whole.

    Attributes:
        start: the first drifted row, or a share of the stream.
        end: the row from which on the drift is whole, or a share of the stream.
        steps: into how many equal steps the way is cut; None to grow with every row.
    """

    start: float = 0.25
    end: float = 0.75
    steps: int | None = None

    def __post_init__(self) -> None:
        _place(self.start, "start")
        _place(self.end, "end")
        _in_order(self.start, self.end)
        if self.steps is not None:
            at_least(self.steps, 1, "steps", "equal steps between start and end")

    def strength(self, first: int, rows: int, total: int, rng: np.random.Generator) -> Floats:  # noqa: ARG002
        """See `Schedule.strength`."""
        risen = _risen(first, rows, row(self.start, total), row(self.end, total))
        return risen if self.steps is None else np.ceil(risen * self.steps - 1e-9) / self.steps

    def onset(self, total: int) -> int:
        """See `Schedule.onset`."""
        return row(self.start, total)


@dataclass(frozen=True, slots=True)
class Recurring(Schedule):
    """The drift comes and goes: each period ends with a stretch of drifted rows.

    Attributes:
        period: rows from one return to the next, or a share of the stream.
        share: of a period that is drifted, at its end.
        start: where the first period begins, a row or a share of the stream.
    """

    period: float = 0.2
    share: float = 0.5
    start: float = 0

    def __post_init__(self) -> None:
        _place(self.period, "period")
        _place(self.start, "start")
        share(self.share, "share", "of a period that is drifted")
        if not (self.period > 0 and self.share > 0):
            raise ConfigError(f"period is {self.period!r} and share {self.share!r}; both are above 0")

    def strength(self, first: int, rows: int, total: int, rng: np.random.Generator) -> Floats:  # noqa: ARG002
        """See `Schedule.strength`."""
        period = max(row(self.period, total), 1)
        since = np.arange(first, first + rows) - row(self.start, total)
        return ((since >= 0) & (since % period >= self._clean(period))).astype(np.float64)

    def onset(self, total: int) -> int:
        """See `Schedule.onset`."""
        return row(self.start, total) + self._clean(max(row(self.period, total), 1))

    def _clean(self, period: int) -> int:
        """Rows of a period before its drift; one row at least is drifted."""
        return min(round((1 - self.share) * period), period - 1)


def row(place: float, total: int) -> int:
    """The row that a place means in a stream of `total` rows."""
    return int(place) if isinstance(place, int | np.integer) else round(float(place) * total)


def _place(value: Any, name: str) -> None:
    """Refuse what is neither a row nor a share of the stream."""
    whole = isinstance(value, int | np.integer)
    if not (is_finite(value) and value >= 0 and (whole or value <= 1)):
        raise ConfigError(
            f"{name} is {value!r}; it is a row, a whole number of at least 0, or a share of the stream from 0.0 to 1.0"
        )


def _in_order(start: float, end: float) -> None:
    """Refuse an end before the start, where both are rows or both are shares."""
    if isinstance(start, int | np.integer) == isinstance(end, int | np.integer) and end < start:
        raise ConfigError(f"the end is {end!r}, and that is before the start, {start!r}; give the earlier place first")


def _risen(first: int, rows: int, start: int, end: int) -> Floats:
    """How far (rows,) a rise has come: above 0 from the row `start`, 1 from the row before `end`."""
    at = np.arange(first, first + rows)
    return np.clip((at - start + 1) / max(end - start, 1), 0.0, 1.0)
