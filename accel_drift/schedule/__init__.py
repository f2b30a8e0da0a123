"""What is done by the clock: cron or an interval, one process at a time, with what became of it in the history."""

from __future__ import annotations

from accel_drift.schedule.jobs import Job, Standing
from accel_drift.schedule.runner import Runner
from accel_drift.schedule.times import Schedule

__all__ = ["Job", "Runner", "Schedule", "Standing"]
