"""Which message a sender may send now, and what is written of how it went. All in transactions of the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from accel_drift.alerts import outbox
from accel_drift.alerts.events import Kind
from accel_drift.history.alert_tables import alerts, messages


class Claimed(NamedTuple):
    """A message that is this sender's until its claim runs out.

    Attributes:
        number: its `id`.
        key: its key.
        body: JSON.
        attempts: how often it was tried, this time included.
        created_at: when it was written.
    """

    number: int
    key: str
    body: str
    attempts: int
    created_at: datetime


class Sender(NamedTuple):
    """Who sends what.

    Attributes:
        name: the monitor.
        sink: the sink.
        me: what tells this sender from any other.
        claim: how long a message is claimed for.
        patience: a message that fails at this age is given up.
    """

    name: str
    sink: str
    me: str
    claim: timedelta
    patience: timedelta


def is_due(connection: Connection, sender: Sender, now: datetime) -> bool:
    """Whether there is anything to do; it only reads."""
    return connection.execute(_candidates(sender, now)).first() is not None


def waiting(connection: Connection, sender: Sender, now: datetime) -> int:
    """How many messages are not sent, those left out that are silenced now."""
    silenced = and_(messages.c.silenced_until.is_not(None), messages.c.silenced_until > now)
    return int(connection.scalar(select(func.count()).where(*_waiting(sender), ~silenced)) or 0)


def claim(connection: Connection, sender: Sender, now: datetime) -> Claimed | None:
    """Claim the first message that is due; what need not be sent any more is dropped on the way.

    A message waits for earlier ones of its alert, so that no end overtakes its beginning.
    """
    known = outbox.silences_of(connection, sender.name, now)
    while (row := connection.execute(_candidates(sender, now)).first()) is not None:
        until = None if row.rule is None else outbox.silenced_until(known, row.rule, row.subject, now)
        this = messages.c.id == row.id
        if until is not None:
            held = {"silenced_until": until, "due_at": until}
            if row.kind == Kind.REMINDER:
                outbox.drop(connection, [row.id], outbox.SILENCED, None, now)
            else:
                connection.execute(update(messages).where(this).values(held))
        elif (outcome := _needless(connection, sender, row)) is not None:
            outbox.drop(connection, [row.id], outcome, row.error, now)
        else:
            values = {"claimed_by": sender.me, "claimed_until": now + sender.claim, "attempts": row.attempts + 1}
            # Another sender may have claimed it since it was read.
            done = connection.execute(update(messages).where(this, *_free(now)).values(values))
            if done.rowcount == 1:
                return Claimed(row.id, row.message_key, row.body, row.attempts + 1, row.created_at)
    return None


def sent(connection: Connection, number: int, now: datetime) -> None:
    """It was delivered."""
    values = {"sent_at": now, "outcome": outbox.SENT, "error": None, "claimed_by": None, "claimed_until": None}
    connection.execute(update(messages).where(messages.c.id == number, messages.c.sent_at.is_(None)).values(values))


def failed(connection: Connection, number: int, me: str, error: str, due: datetime) -> None:
    """It was not delivered, and why; it is due again later."""
    values = {"due_at": due, "error": error, "claimed_by": None, "claimed_until": None}
    connection.execute(update(messages).where(messages.c.id == number, messages.c.claimed_by == me).values(values))


def _unsettled() -> tuple[ColumnElement[bool], ...]:
    return messages.c.sent_at.is_(None), messages.c.dropped_at.is_(None)


def _waiting(sender: Sender) -> tuple[ColumnElement[bool], ...]:
    return messages.c.name == sender.name, messages.c.sink == sender.sink, *_unsettled()


def _free(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return *_unsettled(), or_(messages.c.claimed_until.is_(None), messages.c.claimed_until <= now)


def _candidates(sender: Sender, now: datetime) -> Any:
    """The first message that is due, with its alert."""
    earlier = messages.alias("earlier")
    before = exists().where(
        earlier.c.alert_id == messages.c.alert_id,
        earlier.c.sink == messages.c.sink,
        earlier.c.id < messages.c.id,
        earlier.c.sent_at.is_(None),
        earlier.c.dropped_at.is_(None),
    )
    wanted = [messages.c[name] for name in ("id", "message_key", "alert_id", "kind", "body", "attempts", "error")]
    wanted += [messages.c.created_at, messages.c.silenced_until]
    wanted += [alerts.c.rule, alerts.c.subject, alerts.c.resolved_at, alerts.c.acknowledged_at]
    return (
        select(*wanted)
        .select_from(messages.outerjoin(alerts, alerts.c.id == messages.c.alert_id))
        .where(*_waiting(sender), *_free(now), messages.c.due_at <= now, ~before)
        .order_by(messages.c.id)
        .limit(1)
    )


def _needless(connection: Connection, sender: Sender, row: Row[Any]) -> str | None:
    """Why a message is not to be sent any more; None where it is."""
    if row.kind in outbox.NAGGING and row.acknowledged_at is not None:
        return outbox.ACKNOWLEDGED
    if row.kind == Kind.RESOLVED:
        opening = and_(messages.c.alert_id == row.alert_id, messages.c.sink == sender.sink)
        opening = and_(opening, messages.c.kind == Kind.OPENED, messages.c.outcome == outbox.SILENCED)
        if connection.execute(select(messages.c.id).where(opening)).first() is not None:
            return outbox.SILENCED
    elif row.silenced_until is not None and row.resolved_at is not None:
        return outbox.SILENCED
    return None
