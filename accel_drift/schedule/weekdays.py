"""Weekdays as cron counts them, in the words that APScheduler shares with it: its own numbers begin on Monday."""

from __future__ import annotations

from accel_drift.errors import ConfigError

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def spelled(field: str) -> str:
    """The last field of a cron line, with names of weekdays for numbers.

    >>> spelled("1-5"), spelled("0,7"), spelled("*/3"), spelled("Fri")
    ('mon,tue,wed,thu,fri', 'sun', 'sun,wed,sat', 'fri')

    Raises:
        ConfigError: it names no weekdays.
    """
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.lower().split(","):
        found |= _of(part, field)
    return ",".join(_DAYS[day] for day in sorted(found))


def _of(part: str, field: str) -> set[int]:
    """The weekdays of one part, Sunday as 0."""
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        low, high = 0, 6
    else:
        low = _number(first, field)
        high = _number(last, field) if dash else 6 if slash else low
    if high < low and last == "sun":
        high = 7
    if high < low or (slash and not (step.isdigit() and int(step))):
        raise _wrong(field)
    return {day % 7 for day in range(low, high + 1, int(step) if slash else 1)}


def _number(word: str, field: str) -> int:
    if word in _DAYS:
        return _DAYS.index(word)
    if len(word) != 1 or word not in "01234567":
        raise _wrong(field)
    return int(word)


def _wrong(field: str) -> ConfigError:
    return ConfigError(
        f"cron has the weekdays {field!r}; they are sun, mon, ... sat, or 0 to 7 with 0 and 7 for Sunday, such as "
        "mon-fri or 1,3"
    )
