"""What windows are compared with: a profile that stays, the windows before, or those of a period."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from json import dumps
from typing import Any

import numpy as np
import pyarrow as pa

from accel_drift.data import Schema
from accel_drift.errors import ConfigError, DataError
from accel_drift.files import path_of
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.rows import as_rows, is_path, joined, packed
from accel_drift.monitor.windows import Windows, as_datetime, moment_us
from accel_drift.options import at_least
from accel_drift.profiles import Profile
from accel_drift.profiles.counted import CountedProfile
from accel_drift.profiles.learning import Asked, checked
from accel_drift.profiles.sampled import SampledProfile


class Reference(ABC):
    """What a window is compared with, as windows go by."""

    @abstractmethod
    def profile(self, past: Sequence[Cut], cut: Cut | None = None) -> Profile:
        """What a window is compared with.

        Args:
            past: windows whose rows were kept, the oldest first.
            cut: the window; None for rows that are none.

        Raises:
            NoReferenceError: there are too few of them.
            DataError: a reference cannot be learned from them.
        """

    def wants(self, cut: Cut) -> bool:  # noqa: ARG002
        """Whether a window's rows are to be kept."""
        return False

    def there(self, past: Sequence[Cut]) -> bool:
        """Whether there is something to compare with."""
        try:
            self.profile(past)
        except DataError:
            return False
        return True

    def keep(self, cut: Cut, past: deque[Cut]) -> None:
        """Put a window to those that are kept, if it is wanted, and let the oldest go where there are too many."""
        if self.wants(cut):
            past.append(cut)
            while self.most is not None and len(past) > self.most:
                past.popleft()

    @property
    def most(self) -> int | None:
        """So many windows are kept at most; None for any number."""
        return 0

    def check(self, windows: Windows) -> None:  # noqa: B027  (most take any)
        """Refuse windows that this cannot be a reference for.

        Raises:
            ConfigError: they are such.
        """

    def to_dict(self) -> dict[str, Any]:
        """What may not change while a monitor goes on, as plain values."""
        return {}

    @property
    def schema(self) -> Schema | None:
        """The columns, where they are known."""
        return None


class NoReferenceError(DataError):
    """There is no reference yet; the text says when there will be."""


class Fixed(Reference):
    """One profile, for good.

    Args:
        profile: it, or the path of a saved one.
    """

    def __init__(self, profile: Profile | Any) -> None:
        self._profile = profile if isinstance(profile, Profile) else Profile.load(path_of(profile))

    def profile(self, past: Sequence[Cut], cut: Cut | None = None) -> Profile:  # noqa: ARG002
        """The profile."""
        return self._profile

    @property
    def schema(self) -> Schema:
        """The columns that are compared."""
        return self._profile.schema


@dataclass(eq=False)
class _Learned(Reference):
    """A reference that is learned from windows.

    Attributes:
        options: of `Profile.fit`.
    """

    options: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    _made: tuple[tuple[int, ...], Profile] | None = field(default=None, init=False, repr=False)
    _on: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        taken = {"reference", "plan", "progress"} & set(self.options)
        unknown = set(self.options) - set(Profile.fit.__annotations__)
        if taken or unknown:
            raise ConfigError(
                f"{', '.join(sorted(taken | unknown))} is no option of a reference that is learned from windows; it "
                "takes those of Profile.fit, without reference, plan and progress"
            )
        checked(Asked(**{name: value for name, value in self.options.items() if name in Asked.__slots__}))

    def _dropped(self, rows: pa.Table) -> list[str]:
        """What is not compared: among it the column that dates rows, unless it is asked for or makes blocks."""
        dropped, block = list(self.options.get("drop", ())), str(self.options.get("block") or "")
        asked = {*(self.options.get("columns") or ()), *(self.options.get("kinds") or ()), *dropped}
        own = self._on in rows.column_names and self._on not in asked and self._on != block.rpartition(":")[0]
        return [*dropped, str(self._on)] if own and self._on != block else dropped

    def check(self, windows: Windows) -> None:
        """Windows that overlap would have rows on both sides of a test.

        Raises:
            ConfigError: they do.
        """
        self._on = windows.on
        if windows.overlap:
            raise ConfigError(
                f"{type(self).__name__} learns from windows, and these overlap: a row would be on both sides of a "
                "test; leave every= out, or compare with a profile"
            )

    def _learn(self, past: Sequence[Cut], name: str) -> Profile:
        numbers = tuple(cut.number for cut in past)
        if self._made is None or self._made[0] != numbers:
            rows, _ = joined([as_rows(cut.rows, self.schema) for cut in past])
            self._made = numbers, Profile.fit(rows, **{"name": name, **self.options, "drop": self._dropped(rows)})
        return self._made[1]

    @property
    def schema(self) -> Schema | None:
        """The columns of the last reference that was learned."""
        return None if self._made is None else self._made[1].schema


class Trailing(_Learned):
    """The windows just before, as many as are given.

    A reference that goes along finds what changes from one time to the next, and gets used to what came to stay: a
    drift that is slow enough never shows. `History.slow_drift` is for that. Rows of all these windows are kept.

    Args:
        windows: how many.
        least: from so many on there is a reference; by default as soon as all are there.
        first: a profile, or the path of one, until then. Without one the first windows are compared with nothing, and
            their reports say so.
        options: those of `Profile.fit`, such as detectors=["psi"], block="time:day", alpha=0.01.

    Raises:
        ConfigError: an option cannot work.
    """

    def __init__(
        self, windows: int, *, least: int | None = None, first: Profile | Any | None = None, **options: Any
    ) -> None:
        at_least(windows, 1, "windows", "windows before the one that is compared")
        self.windows, self.least = int(windows), int(windows) if least is None else least
        at_least(self.least, 1, "least", "windows from which on there is a reference")
        if self.least > self.windows:
            raise ConfigError(f"least is {least}, and only {windows} windows are kept; it is at most as many")
        self._first = None if first is None else Fixed(first)
        super().__init__(options=options)

    def profile(self, past: Sequence[Cut], cut: Cut | None = None) -> Profile:  # noqa: ARG002
        """Of the windows just before."""
        if len(past) >= self.least:
            return self._learn(past, f"the {len(past)} windows before")
        if self._first is not None:
            return self._first.profile(past)
        raise NoReferenceError(f"there is no reference yet: {len(past)} of {self.least} windows are there")

    def wants(self, cut: Cut) -> bool:  # noqa: ARG002
        """All are kept for a while."""
        return True

    @property
    def most(self) -> int:
        """As many as are compared with."""
        return self.windows

    def to_dict(self) -> dict[str, Any]:
        """How many there are."""
        return {"trailing": self.windows}

    @property
    def schema(self) -> Schema | None:
        """The columns of the last reference, or of the first."""
        return super().schema or (None if self._first is None else self._first.schema)


class Period(_Learned):
    """The windows of a period of the stream itself, such as its first week.

    Windows that begin in the period are compared with nothing, and their reports say so; all others with them.

    Args:
        start: when it begins: "2024-01-01", or a datetime.
        end: before when it ends.
        options: those of `Profile.fit`.

    Raises:
        ConfigError: it is no period, or an option cannot work.
    """

    def __init__(self, start: str | date, end: str | date, **options: Any) -> None:
        self.start, self.end = (as_datetime(moment_us(at, which)) for at, which in ((start, "start"), (end, "end")))
        if self.start >= self.end:
            raise ConfigError(f"the period starts at {self.start} and ends before or then, at {self.end}")
        super().__init__(options=options)

    def profile(self, past: Sequence[Cut], cut: Cut | None = None) -> Profile:
        """Of the windows of the period."""
        if cut is not None and self.wants(cut):
            raise NoReferenceError(f"the window is one of the reference, {self._said}")
        if not past:
            raise NoReferenceError(f"there is no reference yet: no window of {self._said} came")
        return self._learn(past, self._said)

    def check(self, windows: Windows) -> None:
        """Windows without times lie in no period.

        Raises:
            ConfigError: they have none, or overlap.
        """
        super().check(windows)
        if windows.on is None:
            raise ConfigError("a Period is one of time, and these windows have none; give them on= the column of times")

    def wants(self, cut: Cut) -> bool:
        """Those of the period."""
        return cut.start is not None and self.start <= cut.start < self.end

    @property
    def most(self) -> None:
        """All of them."""

    def to_dict(self) -> dict[str, Any]:
        """The period."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @property
    def _said(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


def reference_of(given: Any) -> Reference:
    """What a caller wants to compare with.

    Raises:
        ConfigError: it is no such thing.
        SourceError: there is no such file.
    """
    if isinstance(given, Reference):
        return given
    if isinstance(given, Profile) or is_path(given):
        return Fixed(given)
    raise ConfigError(
        f"a monitor compares with a Profile, the path of a saved one, Trailing(windows=...) or Period(start, end), not "
        f"with a {type(given).__name__}; a data set becomes a profile by Profile.fit"
    )


def digest_of(profile: Profile) -> str:
    """What tells a profile from others, whenever it was made."""
    about = {name: value for name, value in profile.summary().items() if name != "created_at"}
    made = blake2b(dumps(about, sort_keys=True, default=str).encode(), digest_size=8)
    if isinstance(profile, SampledProfile):
        made.update(packed(pa.Table.from_batches([profile.rows.to_arrow()])))
    elif isinstance(profile, CountedProfile):
        made.update(np.ascontiguousarray(profile.tally.counts).tobytes())
    return made.hexdigest()
