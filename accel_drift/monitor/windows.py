"""Which rows make a window: so many, those of a stretch of time, or those of a file."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError
from accel_drift.options import at_least

Times = npt.NDArray[np.int64]
"""Microseconds since 1970, UTC."""

_UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 7 * 86_400_000_000,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = 4 * _UNITS["d"]
"""1970 began on a Thursday, weeks begin on Mondays."""
EARLIEST, LATEST = (int(np.datetime64(year, "us").astype(np.int64)) for year in ("1000", "9000"))
"""Times before and after are those of clocks that went wrong, or were read in another unit."""
LONGEST = 100 * 366 * _UNITS["d"]


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: months, which differ, or microseconds, which do not."""

    months: int = 0
    us: int = 0


def length(given: Any, name: str, *, zero: bool = False) -> Length:
    """A length of time from a text such as "15min" or from a timedelta.

    Raises:
        ConfigError: it is none.
    """
    found = None
    if isinstance(given, timedelta):
        found = Length(us=given // timedelta(microseconds=1))
    elif isinstance(given, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", given)):
        number, unit = match.groups()
        if unit == "mo" and number.isdigit():
            found = Length(months=int(number))
        elif unit in _UNITS:
            found = Length(us=round(float(number) * _UNITS[unit]))
    if found is None or not (found.us or found.months or zero) or not 0 <= found.us <= LONGEST or found.months > 1200:
        raise ConfigError(
            f'{name} is {given!r}; it is a length of time: "30s", "15min", "1h", "1d", "1w", "1mo" (a month), or a '
            "timedelta"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a stream of batches is cut into windows, each of which gets one report. Give one of rows, time and by.

    By rows, windows have so many rows in the order in which they come. By time, a window has the rows whose time lies
    in it, in whatever order they come; it is finished once a row is `lateness` or more past its end. Rows that come
    when all windows of their time are finished are late: they are counted, and compared with nothing. A stretch of time
    without a row makes no window. By file, every batch is a window: a file, a partition, a table.

    Attributes:
        rows: rows of a window.
        time: length of a window: "30s", "15min", "1h", "1d", "1w" (from Monday on), "1mo" (of the calendar), in UTC.
        by: "file", or "batch", which is the same.
        on: the column that says when a row happened. By rows or by file it only dates the windows.
        every: step from one window to the next, in rows or as a length: shorter than a window for windows that
            overlap. By default as long as a window. A window of time must be a whole number of steps. A step of more
            rows than a window leaves those in between out.
        lateness: how much later than its window's end rows may come.
        ahead: a row from further in the future than this, by the clock of this machine, enters no window of time and is
            counted, as a clock that went wrong would finish all windows before it; windows by rows or by file are not
            dated by it. None to believe every row.
        origin: a time at which a window begins; by default midnights, and Mondays for weeks. Not for months.
    """

    rows: int | None = None
    time: str | timedelta | None = None
    by: str | None = None
    on: str | None = None
    every: int | str | timedelta | None = None
    lateness: str | timedelta = "0s"
    ahead: str | timedelta | None = "1d"
    origin: str | date | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("rows", "time", "by") if getattr(self, name) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none of them"
            raise ConfigError(
                f'Windows takes one of rows=10_000, time="1h" with on="event_time", and by="file"; {told} is given'
            )
        named: Any = self.on
        if named is not None and not (isinstance(named, str) and named):
            raise ConfigError(f"on is {self.on!r}; it is the name of the column that says when a row happened")
        if self.rows is not None:
            at_least(self.rows, 1, "rows", "rows of a window")
            if self.every is not None:
                at_least(self.every, 1, "every", "rows from the start of a window to that of the next")
        elif self.by is not None:
            if self.by not in ("file", "batch"):
                raise ConfigError(f'by is {self.by!r}; it is "file": every file, or batch of rows, is a window')
            if self.every is not None:
                raise ConfigError("every is the step of windows by rows or by time; by file each file is one")
        else:
            self._check_time()
        _refuse_beside(self, () if self.time is not None else ("lateness", "origin"))
        if self.ahead_us == -1:
            raise ConfigError(f"ahead is {self.ahead!r}; months differ, so give days")

    def _check_time(self) -> None:
        if self.on is None:
            raise ConfigError('windows of time need on="event_time": the column that says when a row happened')
        long, step = length(self.time, "time"), self.step
        if self.every is not None and (long.months or step.months or long.us % step.us):
            raise ConfigError(
                f"every is {self.every!r} and time {self.time!r}; a window is a whole number of steps, and months "
                "have no other step than a month's"
            )
        if length(self.lateness, "lateness", zero=True).months:
            raise ConfigError(f"lateness is {self.lateness!r}; months differ, so give days")
        if self.origin is not None and long.months:
            raise ConfigError("origin is for windows of one length; months begin with the calendar's")
        self.origin_us  # noqa: B018  (raises where it is no time)

    @property
    def step(self) -> Length:
        """From the start of a window of time to that of the next."""
        return length(self.time, "time") if self.every is None else length(self.every, "every")

    @property
    def overlap(self) -> bool:
        """Whether a row can be in several windows."""
        if self.every is None:
            return False
        return self.row_step < self.rows if self.rows is not None else self.step != length(self.time, "time")

    @property
    def row_step(self) -> int:
        """From the start of a window of rows to that of the next."""
        return int(self.rows or 0) if self.every is None else int(self.every)  # type: ignore[arg-type]

    @property
    def lateness_us(self) -> int:
        """Microseconds."""
        return length(self.lateness, "lateness", zero=True).us

    @property
    def ahead_us(self) -> int | None:
        """Microseconds; -1 where months were given, which have no length."""
        if self.ahead is None:
            return None
        found = length(self.ahead, "ahead", zero=True)
        return -1 if found.months else found.us

    @property
    def origin_us(self) -> int:
        """When some window begins.

        Raises:
            ConfigError: `origin` is no time.
        """
        if self.origin is None:
            week = length(self.time, "time").us % _UNITS["w"] == 0
            return _MONDAY if week else 0
        return moment_us(self.origin, "origin")

    def to_dict(self) -> dict[str, Any]:
        """What decides how rows are cut, as plain values: the same for "60min" and "1h"."""
        if self.rows is not None:
            return {"rows": int(self.rows), "every": self.row_step}
        if self.by is not None:
            return {"by": "file"}
        long, step = length(self.time, "time"), self.step
        about = {"on": self.on, "lateness_us": self.lateness_us, "ahead_us": self.ahead_us}
        if long.months:
            return {"months": long.months, **about}
        return {"time_us": long.us, "every_us": step.us, "origin_us": self.origin_us % step.us, **about}


class Grid:
    """Stretches of time side by side, numbered, 0 the one that begins with 1970 or with `origin`."""

    def __init__(self, step: Length, origin_us: int) -> None:
        self._step, self._origin = step, origin_us

    def place(self, times: Times) -> npt.NDArray[np.int64]:
        """In which stretch each time (n,) lies."""
        if self._step.months:
            months = times.astype("M8[us]").astype("M8[M]").astype(np.int64)
            return np.asarray(months // self._step.months, np.int64)
        return np.asarray((times - self._origin) // self._step.us, np.int64)

    def start(self, place: int) -> int:
        """When a stretch begins."""
        if self._step.months:
            return int(np.datetime64(place * self._step.months, "M").astype("M8[us]").astype(np.int64))
        return self._origin + place * self._step.us


def moment_us(given: Any, name: str) -> int:
    """A time that a caller gave, in microseconds since 1970.

    Raises:
        ConfigError: it is none.
    """
    found: Any = np.datetime64("NaT")
    if isinstance(given, datetime) and given.utcoffset() is not None:
        given = given.astimezone(UTC).replace(tzinfo=None)
    if isinstance(given, str | date | np.datetime64):
        with suppress(ValueError, OverflowError):
            found = np.array(given, "M8[us]")[()]
    us = int(found.astype(np.int64))
    if np.isnat(found) or not EARLIEST <= us < LATEST:
        raise ConfigError(f'{name} is {given!r}; it is a time such as "2024-01-31" or a datetime')
    return us


def as_datetime(us: int) -> datetime:
    """A time with its time zone."""
    return _EPOCH + timedelta(microseconds=us)


def spelled(us: int) -> str:
    """A time as text, to the second where it is a whole one."""
    part = us % _UNITS["s"]
    return f"{as_datetime(us - part):%Y-%m-%dT%H:%M:%S}" + (f".{part:06d}" if part else "") + "Z"


def as_us(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _refuse_beside(windows: Windows, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(windows, name) != Windows.__dataclass_fields__[name].default:
            raise ConfigError(f"{name} is for windows of time; leave it out of windows by rows or by file")
