"""What is run by the clock, and how its last run went: rows of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, update

from accel_drift.history import History
from accel_drift.history.alert_tables import jobs
from accel_drift.history.leases import insertion, is_held
from accel_drift.schedule.times import Schedule

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is run by the clock.

    Attributes:
        name: one of a kind in its history; a monitor's jobs are called as the monitor.
        schedule: when it is due.
        history: where it is written how it went.
        run: does it, and says in a sentence how it went. What it raises is written down, and stops nothing else.
    """

    name: str
    schedule: Schedule
    history: History
    run: Callable[[], str]


class Standing(NamedTuple):
    """How a job stands.

    Attributes:
        schedule: its schedule, as text.
        due_at: the last time at which it was due and was run, or passed over.
        started_at: when its last run began.
        ended_at: when that ended; None while it runs, and where it was killed.
        failed: whether it failed.
        outcome: what it said, or what went wrong.
    """

    schedule: str
    due_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    failed: bool | None
    outcome: str | None


def standing(history: History, name: str) -> Standing | None:
    """How a job stands; None where it was never looked at.

    Raises:
        HistoryError: the database failed.
    """
    wanted = [jobs.c[field] for field in Standing._fields]
    row = history._store.read(lambda connection: connection.execute(select(*wanted).where(jobs.c.job == name)).first())
    return None if row is None else Standing(*row)


def runs(history: History, name: str) -> bool:
    """Whether a process is at a job, or was at it when it was killed, less than a lease ago.

    Raises:
        HistoryError: the database failed.
    """
    return is_held(history, lease_of(name))


def lease_of(name: str) -> str:
    """The name of a job's lease."""
    return f"schedule/{name}"


def put(history: History, name: str, **values: Any) -> None:
    """Write how a job stands, in a row that is made where there is none.

    Raises:
        HistoryError: the database failed.
    """
    if values.get("outcome") is not None:
        values["outcome"] = values["outcome"][:LONGEST]

    def work(connection: Any) -> None:
        if not connection.execute(update(jobs).where(jobs.c.job == name).values(values)).rowcount:
            # Another process may make the row at the same moment.
            new = insertion(connection, jobs).values(job=name, **values)
            connection.execute(new.on_conflict_do_update(index_elements=["job"], set_=values))

    history._store.write(work)
