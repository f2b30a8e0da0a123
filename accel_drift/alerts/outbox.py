"""The outbox: messages that are written with what they tell of, and wait there until they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from accel_drift.alerts.events import Event, Kind
from accel_drift.history.alert_tables import alerts, messages, silences

SENT, DRY_RUN, SILENCED, ACKNOWLEDGED, GIVEN_UP = "sent", "dry run", "silenced", "acknowledged", "given up"
"""What becomes of a message."""
NAGGING = (Kind.REMINDER, Kind.ESCALATED)
"""What nobody needs to hear who acknowledged the alert."""
_TOLD = {
    Kind.OPENED: "{rule}{subject} is {severity}",
    Kind.RAISED: "{rule}{subject} got worse: it is {severity}",
    Kind.REMINDER: "{rule}{subject} is still {severity}",
    Kind.ESCALATED: "{rule}{subject} is still {severity}, and nobody acknowledged it",
    Kind.RESOLVED: "{rule}{subject} is resolved",
}
_AT_ONCE = 1000
"""SQLite takes only so many values in a statement."""
_DETAILS = 6
"""So many details at most stand in the text; `details` has all."""


class Silence(NamedTuple):
    """A time in which nothing is sent of some alerts."""

    rule: str
    subject: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, rule: str, subject: str, now: datetime) -> bool:
        """Whether it holds back an alert now."""
        return (
            self.starts_at <= now < self.ends_at and fnmatchcase(rule, self.rule) and fnmatchcase(subject, self.subject)
        )


def post(
    connection: Connection,
    name: str,
    events: Iterable[Event],
    alert_ids: Mapping[str, int],
    now: datetime,
    *,
    base_url: str | None = None,
) -> int:
    """Write a message for every event and each of its sinks, in the caller's transaction, with one statement.

    A message that is there already, by its key `ALERT/KIND/NUMBER/SINK`, stays as it is: to post again changes
    nothing. What is silenced now is held back until the silence ends, reminders of it are not sent at all; reminders
    and escalations of an alert that was acknowledged are not written.

    Args:
        connection: of the history's database.
        name: the monitor's name.
        events: what happened, in order; of one without sinks nothing is written.
        alert_ids: the key of each event's alert -> its `id` in `drift_alerts`.
        now: the time by the clock, with its zone; not that of the data.
        base_url: where pages of alerts are; None for no link in messages.

    Returns:
        How many messages were given; those that were there already are among them.
    """
    told = [event for event in events if event.sinks]
    if not told:
        return 0
    known = silences_of(connection, name, now)
    quiet = _acknowledged(connection, [alert_ids[event.key] for event in told if event.kind in NAGGING])
    rows: list[dict[str, Any]] = []
    for event in told:
        alert = alert_ids[event.key]
        if event.kind in NAGGING and alert in quiet:
            continue
        until = silenced_until(known, event.rule, event.subject, now)
        shared = body_of(name, event, base_url)
        rows += [_row(name, event, alert, sink, shared, now, until) for sink in dict.fromkeys(event.sinks)]
    if rows:
        kind = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(kind(messages).on_conflict_do_nothing(index_elements=["message_key"]), rows)
    return len(rows)


def body_of(name: str, event: Event, base_url: str | None) -> dict[str, Any]:
    """What a message says, but for its key, which each sink has its own of."""
    link = None if base_url is None else f"{base_url.rstrip('/')}/alerts/{quote(event.key, safe='')}"
    return {
        "alert": event.key,
        "monitor": name,
        "rule": event.rule,
        "subject": event.subject,
        "kind": str(event.kind),
        "severity": str(event.severity),
        "window": event.window,
        "at": event.at.isoformat(),
        "text": text_of(name, event),
        "details": dict(event.details),
        "link": link,
    }


def text_of(name: str, event: Event) -> str:
    """A sentence or two for people.

    >>> from datetime import UTC
    >>> from accel_drift.finding import Severity
    >>> at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> seen = {"psi": 0.3125}
    >>> text_of("churn", Event("k", "income moved", "income", Kind.OPENED, Severity.WARNING, "w7", at, details=seen))
    'churn: income moved (income) is warning at 2026-03-01 12:00 UTC. psi: 0.3125.'
    """
    subject = f" ({event.subject})" if event.subject else ""
    first = _TOLD[event.kind].format(rule=event.rule, subject=subject, severity=event.severity)
    when = f"{event.at:%Y-%m-%d %H:%M} {event.at.tzname() or ''}".rstrip()
    plain = [(key, value) for key, value in event.details.items() if isinstance(value, str | int | float)]
    seen = ", ".join(f"{key}: {_short(key, value)}" for key, value in plain[:_DETAILS] if key != "opened_at")
    return f"{name}: {first} at {when}." + (f" {seen}." if seen else "")


def silences_of(connection: Connection, name: str, now: datetime) -> list[Silence]:
    """The silences of a monitor that hold now."""
    query = select(silences.c.rule, silences.c.subject, silences.c.starts_at, silences.c.ends_at)
    query = query.where(silences.c.name == name, silences.c.starts_at <= now, silences.c.ends_at > now)
    return [Silence(*row) for row in connection.execute(query)]


def silenced_until(known: Sequence[Silence], rule: str, subject: str, now: datetime) -> datetime | None:
    """When the last of the silences of an alert ends; None where there is none."""
    return max((one.ends_at for one in known if one.covers(rule, subject, now)), default=None)


def drop(connection: Connection, numbers: Sequence[int], outcome: str, error: str | None, now: datetime) -> None:
    """Never send these messages, by their `id`."""
    values = {"dropped_at": now, "outcome": outcome, "error": error, "claimed_by": None, "claimed_until": None}
    connection.execute(update(messages).where(messages.c.id.in_(numbers), messages.c.sent_at.is_(None)).values(values))


def _row(
    name: str,
    event: Event,
    alert: int,
    sink: str,
    shared: Mapping[str, Any],
    now: datetime,
    until: datetime | None,
) -> dict[str, Any]:
    key = f"{event.key}/{event.kind}/{event.number}/{sink}"
    never = until is not None and event.kind is Kind.REMINDER
    return {
        "message_key": key,
        "name": name,
        "alert_id": alert,
        "sink": sink,
        "kind": str(event.kind),
        "body": json.dumps({"key": key, **shared}),
        "created_at": now,
        "due_at": until or now,
        "attempts": 0,
        "silenced_until": until,
        "dropped_at": now if never else None,
        "outcome": SILENCED if never else None,
    }


def _acknowledged(connection: Connection, numbers: Sequence[int]) -> set[int]:
    """Those of some alerts that somebody acknowledged."""
    found: set[int] = set()
    for first in range(0, len(numbers), _AT_ONCE):
        some = alerts.c.id.in_(numbers[first : first + _AT_ONCE])
        found.update(connection.scalars(select(alerts.c.id).where(some, alerts.c.acknowledged_at.is_not(None))))
    return found


def _short(key: str, value: Any) -> str:
    if key == "since":
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:100]
