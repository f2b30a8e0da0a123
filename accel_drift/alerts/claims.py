"""Which message a sender may send now, and what is written of how it went. All in transactions of the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from accel_drift.alerts import outbox
from accel_drift.alerts.events import Kind
from accel_drift.history.alert_tables import alerts, messages

_AT_ONCE = 500
"""So many messages a transaction."""


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
        patience: a message that fails at this age is given up, and so is one that nobody had a secret for.
    """

    name: str
    sink: str
    me: str
    claim: timedelta
    patience: timedelta


class Held(NamedTuple):
    """What a dry run did with a message.

    Attributes:
        key: its key.
        new: nobody held it before.
        dropped: it will never be sent.
    """

    key: str
    new: bool
    dropped: bool


def is_due(connection: Connection, sender: Sender, now: datetime, *, tried: bool = False) -> bool:
    """Whether there is anything to do; it only reads. `tried` as of `claim`."""
    return connection.execute(_candidates(sender, now, tried=tried)).first() is not None


def waiting(connection: Connection, sender: Sender, now: datetime, *, dry: bool) -> int:
    """How many messages are not sent, those left out that are silenced now and, in a dry run, what it holds."""
    silenced = and_(messages.c.silenced_until.is_not(None), messages.c.silenced_until > now)
    counted = [*_waiting(sender), ~silenced, *([messages.c.outcome.is_(None)] if dry else [])]
    return int(connection.scalar(select(func.count()).where(*counted)) or 0)


def is_dry(connection: Connection, sender: Sender, now: datetime) -> bool:
    """Whether `hold` has anything to do; it only reads."""
    return connection.execute(_for_dry_run(sender, now)).first() is not None


def hold(connection: Connection, sender: Sender, missing: str, now: datetime) -> list[Held]:
    """Hold messages that were never tried, since the sink lacks something; they are sent once it does not.

    Their `due_at` stays, so that a process that lacks nothing sends them at once. Reminders are dropped, and so is
    what is too old, and all of an alert that ended and was never told of.

    Args:
        connection: of the history's database.
        sender: who would send them.
        missing: what the sink lacks, and what to do.
        now: the time.

    Returns:
        What was done, of some messages; nothing is left to do where it is empty.
    """
    done = []
    for row in connection.execute(_for_dry_run(sender, now)).all():
        ended = row.resolved_at is not None and (row.kind != Kind.RESOLVED or row.untold)
        gone = ended or row.kind == Kind.REMINDER or row.created_at <= now - sender.patience
        values = {"outcome": outbox.DRY_RUN, "error": missing, **({"dropped_at": now} if gone else {})}
        this = (messages.c.id == row.id, messages.c.attempts == 0, *_free(now))
        # Another sender, which lacks nothing, may have claimed it since it was read.
        if connection.execute(update(messages).where(*this).values(values)).rowcount == 1:
            done.append(Held(row.message_key, row.outcome is None, gone))
    return done


def claim(connection: Connection, sender: Sender, now: datetime, *, tried: bool = False) -> Claimed | None:
    """Claim the first message that is due; what need not be sent any more is dropped on the way.

    A message waits for earlier ones of its alert, so that no end overtakes its beginning.

    Args:
        connection: of the history's database.
        sender: who sends.
        now: the time.
        tried: only messages that were tried before; the others are a dry run.
    """
    known = outbox.silences_of(connection, sender.name, now)
    while (row := connection.execute(_candidates(sender, now, tried=tried)).first()) is not None:
        until = None if row.rule is None else outbox.silenced_until(known, row.rule, row.subject, now)
        this = messages.c.id == row.id
        if until is not None:
            held = {"silenced_until": until, "due_at": until, "outcome": None}
            if row.kind == Kind.REMINDER:
                outbox.drop(connection, [row.id], outbox.SILENCED, None, now)
            else:
                connection.execute(update(messages).where(this).values(held))
        elif (outcome := _needless(connection, sender, row, now)) is not None:
            outbox.drop(connection, [row.id], outcome, row.error, now)
        else:
            values = {"claimed_by": sender.me, "claimed_until": now + sender.claim, "attempts": row.attempts + 1}
            values["outcome"] = None
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


def _for_dry_run(sender: Sender, now: datetime) -> Any:
    """Some messages that were never tried and are not held yet, or are to be dropped."""
    told = messages.alias("told")
    untold = ~exists().where(
        told.c.alert_id == messages.c.alert_id, told.c.sink == messages.c.sink, told.c.attempts > 0
    )
    ended = and_(alerts.c.resolved_at.is_not(None), or_(messages.c.kind != Kind.RESOLVED, untold))
    new = or_(messages.c.outcome.is_(None), ended, messages.c.created_at <= now - sender.patience)
    wanted = [messages.c[name] for name in ("id", "message_key", "kind", "outcome", "created_at")]
    return (
        select(*wanted, alerts.c.resolved_at, untold.label("untold"))
        .select_from(messages.outerjoin(alerts, alerts.c.id == messages.c.alert_id))
        .where(*_waiting(sender), *_free(now), messages.c.due_at <= now, messages.c.attempts == 0, new)
        .order_by(messages.c.id)
        .limit(_AT_ONCE)
    )


def _candidates(sender: Sender, now: datetime, *, tried: bool) -> Any:
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
    wanted += [messages.c.created_at, messages.c.silenced_until, messages.c.outcome]
    wanted += [alerts.c.rule, alerts.c.subject, alerts.c.resolved_at, alerts.c.acknowledged_at]
    return (
        select(*wanted)
        .select_from(messages.outerjoin(alerts, alerts.c.id == messages.c.alert_id))
        .where(*_waiting(sender), *_free(now), messages.c.due_at <= now, messages.c.attempts >= int(tried), ~before)
        .order_by(messages.c.id)
        .limit(1)
    )


def _needless(connection: Connection, sender: Sender, row: Row[Any], now: datetime) -> str | None:
    """Why a message is not to be sent any more; None where it is."""
    dry = row.outcome == outbox.DRY_RUN
    if row.kind in outbox.NAGGING and row.acknowledged_at is not None:
        return outbox.ACKNOWLEDGED
    if dry and row.created_at <= now - sender.patience:
        return outbox.DRY_RUN
    if row.kind == Kind.RESOLVED:
        return _untold(connection, sender, row.alert_id)
    if row.resolved_at is None:
        return None
    return outbox.DRY_RUN if dry else outbox.SILENCED if row.silenced_until is not None else None


def _untold(connection: Connection, sender: Sender, alert: int) -> str | None:
    """Why an alert's end is not to be told: its beginning was not; None where it is."""
    mine = (messages.c.alert_id == alert, messages.c.sink == sender.sink)
    opening = select(messages.c.outcome).where(*mine, messages.c.kind == Kind.OPENED)
    became = connection.scalar(opening)
    if became == outbox.SILENCED:
        return outbox.SILENCED
    if became == outbox.DRY_RUN:
        tried = connection.execute(select(messages.c.id).where(*mine, messages.c.attempts > 0)).first()
        return outbox.DRY_RUN if tried is None else None
    return None
