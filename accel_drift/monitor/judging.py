"""What is said of one window: the reference's report, what parts say beside it, and all numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from accel_drift.errors import ConfigError, DataError
from accel_drift.history import Window
from accel_drift.history.steps import Recorded
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.parts import Part, Told, without_own
from accel_drift.monitor.references import Fixed, Reference, digest_of
from accel_drift.monitor.reports import left_out, numbers, untested, with_window
from accel_drift.profiles import Profile


class Judge:
    """Compares windows with a reference, and asks parts about them.

    Attributes:
        before: what tells the profile of the last window from others.
    """

    def __init__(
        self, reference: Reference, parts: Sequence[Part], on: str | None, weights: Mapping[str, float]
    ) -> None:
        self.before = ""
        self._reference, self._parts, self._on, self._weights = reference, parts, on, weights
        self._which: tuple[Profile, str] | None = None

    def judged(self, cut: Cut, past: Sequence[Cut], said: Sequence[str], counts: Counter[str]) -> Recorded:
        """What is said of a window.

        Args:
            cut: it.
            past: the windows before, as far as the reference is made of them.
            said: of batches that came.
            counts: of rows that entered no window.
        """
        which = ""
        try:
            profile = self._reference.profile(tuple(past), cut)
            which = self._digest(profile)
            report = profile.score(self.bare(cut.rows, profile), name=cut.key)
        except (DataError, ConfigError) as error:
            rows = cut.rows.num_rows if isinstance(cut.rows, pa.Table) else 0
            report = untested(cut.key, rows, str(error))
        told = [_asked(part, cut) for part in self._parts]
        report = with_window(report, cut, told, [*said, *self._news(which), *left_out(counts)], self._weights)
        metrics = numbers(report, counts, self._parts, told)
        return Recorded(report, Window(cut.key, cut.start, cut.end), which, metrics)

    def bare(self, rows: Any, profile: Profile) -> Any:
        """Rows without the columns that only the monitor reads."""
        return without_own(self._parts, self._on, rows, profile.schema)

    def _digest(self, profile: Profile) -> str:
        """What tells the profile from others, found once."""
        if self._which is None or self._which[0] is not profile:
            self._which = profile, digest_of(profile)
        return self._which[1]

    def _news(self, which: str) -> list[str]:
        """Whether a reference that stays is another one than that of the window before."""
        before, self.before = self.before, which or self.before
        changed = isinstance(self._reference, Fixed) and before and which and which != before
        return ["compared with another reference, or by other settings, than the window before"] if changed else []


def _asked(part: Part, cut: Cut) -> Told:
    try:
        return part.look(cut, cut.rows)
    except (DataError, ConfigError) as error:
        return Told(warnings=(f"{part.name} says nothing of this window: {error}",), silent=part.name)
