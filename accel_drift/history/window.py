"""What a history is told beside a report: which window it was, and numbers that no finding holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from math import isnan
from numbers import Real
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.options import at_least

NAME_LENGTH = 200
"""Characters of the name of a monitor or a metric, at most: a database's index holds them."""
KEY_LENGTH = 400
"""Characters of the key of a window, at most."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a monitor: the rows that one report is about.

    Attributes:
        key: what tells it from every other window of its monitor, such as "2026-11-23T10" or a file's name. A window
            that is written again under the same key changes nothing.
        start: when its first row is from, with a time zone; None where rows have no time.
        end: when it ends, with a time zone. Without one, start and end are the time at which the report was made.
    """

    key: str
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        text(self.key, KEY_LENGTH, "the key of a window", "2026-11-23T10")
        for which in ("start", "end"):
            value = getattr(self, which)
            if value is not None:
                object.__setattr__(self, which, moment(value, f"the {which} of window {self.key!r}"))
        if (self.start is None) != (self.end is None):
            raise ConfigError(f"window {self.key!r} has a start or an end alone; give both, or neither")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ConfigError(f"window {self.key!r} starts at {self.start} and ends before, at {self.end}")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a window that is no finding: what labels say of a model, or its mean confidence.

    Attributes:
        name: what it is, such as "accuracy".
        value: the number; NaN or None where there is none.
        low: lower end of its interval, or None.
        high: upper end, or None.
        rows: rows that it was taken from, or None.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        text(self.name, NAME_LENGTH, "the name of a metric", "accuracy")
        for which in ("value", "low", "high"):
            object.__setattr__(self, which, known(getattr(self, which), f"{which} of metric {self.name!r}"))
        if self.rows is not None:
            at_least(self.rows, 0, f"rows of metric {self.name!r}", "the rows it was taken from")
            object.__setattr__(self, "rows", int(self.rows))


def text(value: Any, longest: int, what: str, such_as: str) -> None:
    """Refuse what cannot name something in a database.

    Raises:
        ConfigError: it is no text, is empty or too long, or has characters that a database does not hold.
    """
    if not isinstance(value, str) or not 0 < len(value) <= longest or "\0" in value or not _writable(value):
        raise ConfigError(
            f"{what} is {value!r:.200}; it is a text of 1 to {longest} characters, none of them NUL or half of a "
            f"surrogate pair, such as {such_as!r}"
        )


def fitting(key: str) -> str:
    """A text of any length and any characters as the key of a window; one that is too long is told by its digest."""
    told = key.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    if len(told) <= KEY_LENGTH:
        return told
    digest = blake2b(told.encode(), digest_size=8).hexdigest()
    half = (KEY_LENGTH - len(digest) - 6) // 2
    return f"{told[:half]}...{digest}...{told[-half:]}"


def moment(value: Any, what: str) -> datetime:
    """A time in UTC, to the microsecond.

    Raises:
        ConfigError: it is no datetime, or has no time zone.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigError(
            f"{what} is {value!r}; it is a datetime with a time zone, such as datetime(2026, 11, 23, 10, tzinfo=UTC)"
        )
    plain = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    return plain.replace(tzinfo=value.tzinfo, fold=value.fold).astimezone(UTC)


def known(value: Any, what: str) -> float | None:
    """A number as a database keeps it: NaN is no number and becomes None, -0.0 is 0.0; infinities stay.

    Raises:
        ConfigError: it is no number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{what} is {value!r}; it is a number, or None where there is none")
    number = float(value)
    return None if isnan(number) else number + 0.0


def _writable(value: str) -> bool:
    """Whether a text has a form in UTF-8: half of a surrogate pair has none."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
