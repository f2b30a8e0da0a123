"""When something is due: a line of cron in a time zone, or an interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal
from zoneinfo import ZoneInfo

from accel_drift.errors import ConfigError, ExtraMissingError
from accel_drift.monitor.windows import length
from accel_drift.schedule import weekdays

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_NEAR = timedelta(hours=3)
"""Clocks are put forward and back by less."""
_INSTANT = timedelta(microseconds=1)
_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=367), timedelta(days=3_700))
_CRON = '"0 6 * * mon": minute, hour, day of the month, month, weekday'


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When something is due; one of `cron` and `every`.

    On the days when clocks change, what is due at times of the day (`30 2 * * *`) is done once: a time that does not
    come is as much later as the clock was put forward, and of two that come the first counts. What is due in every
    hour (`0 * * * *`) is done in every hour that passes. Intervals are counted from Monday, 1970-01-05, 0:00 UTC, so
    that `1h` is on the hour and a process that begins again changes nothing.

    Args:
        cron: five fields as cron has them: minute, hour, day of the month, month, weekday (0 and 7 are Sunday).
        every: an interval such as "15min", "1h", "1d".
        zone: the time zone of `cron`, such as "Europe/Berlin".
        missed: what was due while nothing ran is done once, late ("run"), or not at all ("skip").

    Raises:
        ConfigError: something in it cannot work.
        ExtraMissingError: APScheduler is not there, which reads cron.
    """

    cron: str | None = None
    every: str | None = None
    zone: str = "UTC"
    missed: Literal["run", "skip"] = "run"
    _trigger: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.cron is None) == (self.every is None):
            raise ConfigError('give cron, such as "0 6 * * mon", or every, such as "1h", and not both')
        if self.missed not in ("run", "skip"):
            raise ConfigError(f"missed is {self.missed!r}; there are run and skip")
        if self.cron is not None:
            object.__setattr__(self, "_trigger", _read(self.cron))
            self._zone  # noqa: B018  (raises where there is none)
            return
        if self.zone != "UTC":
            raise ConfigError(f"zone is {self.zone!r}; intervals are counted in UTC: leave it out, or give cron")
        found = length(self.every, "every")
        if found.months or found.us < 1_000_000:
            raise ConfigError(f'every is {self.every!r}; it is 1s or more, and of months: cron: "0 6 1 * *"')

    def after(self, moment: datetime) -> datetime:
        """The first time after this one at which it is due, in UTC.

        Args:
            moment: with a time zone.
        """
        if self.every is not None:
            step = timedelta(microseconds=length(self.every, "every").us)
            return _MONDAY + ((moment - _MONDAY) // step + 1) * step
        # Hours that the clock shows twice or never: every one that passes, or each time of the day once.
        hourly = str(self.cron).split()[1].startswith("*")
        return self._by_hours(moment) if hourly else self._by_the_day(moment)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last time in (after, until] at which it is due; None where there is none."""
        for back in _BACK:
            begin = max(after, until - back)
            due = self.after(begin)
            if due <= until:
                while (later := self.after(due)) <= until:
                    due = later
                return due
            if begin == after:
                return None
        due = self.after(after)
        return due if due <= until else None

    def __str__(self) -> str:
        if self.every is not None:
            return f"every {self.every}"
        return f"{self.cron} ({self.zone})"

    @property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ValueError, TypeError, OSError, LookupError):
            raise ConfigError(f"zone is {self.zone!r}; it is a name such as Europe/Berlin, or UTC") from None

    def _by_hours(self, moment: datetime) -> datetime:
        offset = _offset(moment, self._zone)
        due = self._shown(moment.astimezone(timezone(offset))) - offset
        if _offset(due, self._zone) == offset:
            return due
        # The clock changes before: from then on it shows other hours.
        low, high = moment, due
        while high - low > _INSTANT:
            middle = low + (high - low) / 2
            low, high = (middle, high) if _offset(middle, self._zone) == offset else (low, middle)
        offset = _offset(high, self._zone)
        return self._shown((high - _INSTANT).astimezone(timezone(offset))) - offset

    def _by_the_day(self, moment: datetime) -> datetime:
        zone = self._zone
        shown = self._shown(moment.astimezone(zone))
        due = _instant(shown, zone)
        if len({_offset(at, zone) for at in (moment - _NEAR, moment, due, due + _NEAR)}) == 1:
            return due
        # Near a change times of the day do not come in their order.
        shown = self._shown(moment.astimezone(zone) - 2 * _NEAR)
        while (due := _instant(shown, zone)) <= moment:
            shown = self._shown(shown)
        last = shown + _NEAR
        while (shown := self._shown(shown)) <= last:
            at = _instant(shown, zone)
            due = min(due, at) if at > moment else due
        return due

    def _shown(self, moment: datetime) -> datetime:
        """The next time that a clock shows after one that it shows, both as if it were never changed (in UTC)."""
        bare = moment.replace(tzinfo=UTC, fold=0)
        return next_of(self._trigger, bare)


def next_of(trigger: Any, moment: datetime) -> datetime:
    """The first time of an APScheduler trigger after this one.

    Raises:
        ConfigError: there is none.
    """
    found: datetime | None = trigger.get_next_fire_time(None, moment + _INSTANT)
    if found is None:
        raise ConfigError("cron names a day that never comes, such as the 30th of February")
    return found


def _read(line: Any) -> Any:
    """The trigger of a line of cron, in UTC."""
    try:
        from apscheduler.triggers.cron import CronTrigger
    except ImportError as error:
        raise ExtraMissingError(f"cron needs APScheduler 3 ({error}): pip install 'accel-drift[monitor]'") from error
    fields = line.split() if isinstance(line, str) else []
    if len(fields) != 5:
        raise ConfigError(f"cron is {line!r}; it has five fields, as in {_CRON}")
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ConfigError(
            f"cron is {line!r}; it names days of the month and weekdays, of which crons make different things: leave "
            "one as *"
        )
    days = weekdays.spelled(weekday)
    try:
        made = CronTrigger(
            minute=minute, hour=hour, day=day, month=month.lower(), day_of_week=days, second=0, timezone=UTC
        )
    except ValueError as error:
        raise ConfigError(f"cron is {line!r}: {error}; it is five fields, as in {_CRON}") from None
    next_of(made, _MONDAY)
    return made


def _instant(shown: datetime, zone: ZoneInfo) -> datetime:
    """When a clock shows this for the first time; where it never does, as much later as it was put forward."""
    return shown.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
