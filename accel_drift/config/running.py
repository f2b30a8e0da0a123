"""The sections of a configuration that say when and how it runs, beside what it watches."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

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


class Metrics(Section):
    """What Prometheus and others can ask of `accel-drift watch` and `accel-drift schedule`: /metrics, /live, /ready."""

    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Where it listens; 0 for any free port; null: it does not."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """The address that it listens at; whoever can reach it may read. 0.0.0.0 is all of the machine's."""
    columns: Annotated[int, Field(ge=0, le=10_000)] = 50
    """So many columns of a monitor at most have a number of their own; the worst of the others is column other."""
    stalled_after: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 300.0
    """Seconds without a sign of life after which /live says no."""
