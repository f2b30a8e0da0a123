"""The sections of a configuration that say when and how it runs, beside what it watches."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from accel_drift.config.sections import Duration, Section
from accel_drift.schedule.times import Schedule as Times


class Schedule(Section):
    """When `accel-drift schedule` looks at what is there: one of `cron` and `every`."""

    cron: str | None = None
    """Five fields: minute, hour, day of the month, month, weekday (0 is Sunday), such as "0 6 * * mon"."""
    every: Duration | None = None
    """An interval, counted from Monday, 0:00 UTC: 1h is on the hour."""
    zone: str = "UTC"
    """The time zone of `cron`, such as Europe/Berlin."""
    missed: Literal["run", "skip"] = "run"
    """What came due while nothing ran is done once, late (run), or not at all (skip)."""

    @model_validator(mode="after")
    def _it_can_be_made(self) -> Self:
        if self.changed():
            self.made()
        return self

    def made(self) -> Times | None:
        """The schedule; None where none is given.

        Raises:
            ConfigError: it cannot work.
        """
        return Times(**self.changed()) if self.changed() else None
