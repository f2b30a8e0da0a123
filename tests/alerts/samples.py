"""Alerts and events for the tests, without a monitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

import accel_drift as ad
from accel_drift.alerts.events import Event, Kind
from accel_drift.alerts.outbox import post
from accel_drift.finding import Severity
from accel_drift.history.alert_tables import alerts, messages

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


def event(key: str = "a", kind: Kind = Kind.OPENED, sinks: tuple[str, ...] = ("team",), **more: Any) -> Event:
    """Something that happened to the alert of this key."""
    given: dict[str, Any] = {
        "rule": "income moved", "subject": "income", "severity": Severity.WARNING, "window": "w7", "at": NOW,
        "details": {"psi": 0.3125},
    }  # fmt: skip
    return Event(key=key, kind=kind, sinks=sinks, **(given | more))


def posted(history: ad.History, *events: Event, name: str = "churn", now: datetime = NOW, **more: Any) -> None:
    """What a follower would write of these events."""

    def work(connection: Any) -> None:
        ids = {one.key: _alert(connection, name, one) for one in events}
        post(connection, name, events, ids, now, **more)

    history._store.write(work)


def rows(history: ad.History) -> list[dict[str, Any]]:
    """All messages."""
    with history.engine.begin() as connection:
        return [dict(row) for row in connection.execute(select(messages).order_by(messages.c.id)).mappings()]


def acknowledge(history: ad.History, key: str) -> None:
    with history.engine.begin() as connection:
        connection.execute(update(alerts).where(alerts.c.alert_key == key).values(acknowledged_at=NOW))


def _alert(connection: Any, name: str, one: Event) -> int:
    found = connection.scalar(select(alerts.c.id).where(alerts.c.alert_key == one.key))
    if one.kind is Kind.RESOLVED:
        resolved = {"resolved_at": one.at, "resolved_window": one.window, "state": "resolved"}
        connection.execute(update(alerts).where(alerts.c.alert_key == one.key).values(resolved))
    if found is not None:
        return int(found)
    values = {
        "name": name, "alert_key": one.key, "rule": one.rule, "subject": one.subject, "severity": str(one.severity),
        "state": "open", "opened_window": one.window, "opened_at": one.at, "details": "{}", "updated_at": NOW,
    }  # fmt: skip
    return int(connection.execute(insert(alerts).values(values).returning(alerts.c.id)).scalar_one())
