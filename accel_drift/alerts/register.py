"""What people ask about alerts, and what they say of them: acknowledged, be silent for a while."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, insert, select, union, update

from accel_drift.alerts import outbox
from accel_drift.errors import ConfigError
from accel_drift.history import History
from accel_drift.history.alert_tables import alerts, messages, silences
from accel_drift.history.tables import runs
from accel_drift.report.words import visible

_SHORTEST_KEY = 4
_SOME = 10


class Register:
    """The alerts of a monitor, for people.

    Args:
        history: where they are.
        name: the monitor's name.
    """

    def __init__(self, history: History, name: str) -> None:
        self.history, self.name = history, name

    def alerts(self, *, ended: bool = False) -> list[dict[str, Any]]:
        """Alerts, the latest first, each with how many of its messages were sent, wait, wait as a dry run, or never go.

        Args:
            ended: those that ended, too.
        """
        # A row without a message has no id.
        outcome, dropped = messages.c.outcome, messages.c.dropped_at.is_not(None)
        unsent = and_(messages.c.id.is_not(None), messages.c.sent_at.is_(None), ~dropped)
        dry = and_(unsent, outcome.is_not(None), outcome == outbox.DRY_RUN)
        counted = [
            func.count(messages.c.sent_at).label("sent"),
            func.sum(case((dry, 0), (unsent, 1), else_=0)).label("waiting"),
            func.sum(case((dry, 1), else_=0)).label("dry_run"),
            func.sum(case((dropped, 1), else_=0)).label("not_sent"),
        ]
        query = select(*_told(), *counted).select_from(alerts.outerjoin(messages, messages.c.alert_id == alerts.c.id))
        query = query.where(alerts.c.name == self.name).group_by(alerts.c.id)
        if not ended:
            query = query.where(alerts.c.resolved_at.is_(None))
        query = query.order_by(alerts.c.opened_at.desc(), alerts.c.id.desc())
        return self._rows(query)

    def alert(self, key: str) -> dict[str, Any]:
        """One alert with its messages.

        Args:
            key: its key, or so much of its beginning that no other begins so.

        Raises:
            ConfigError: there is none, or more than one.
        """

        def _work(connection: Connection) -> dict[str, Any]:
            number = self._number(connection, key)
            found = dict(
                connection.execute(select(*_told(), alerts.c.details).where(alerts.c.id == number)).mappings().one()
            )
            found["details"] = json.loads(found["details"])
            wanted = ("message_key", "sink", "kind", "created_at", "due_at", "attempts", "sent_at", "outcome", "error")
            query = select(*(messages.c[name] for name in wanted)).where(messages.c.alert_id == number)
            sent = connection.execute(query.order_by(messages.c.id)).mappings()
            return {**found, "messages": [{**row, "outcome": row["outcome"] or "waits"} for row in sent]}

        return self.history._store.read(_work)

    def acknowledge(self, key: str, by: str, now: datetime) -> str:
        """Somebody looks after an alert: no reminders and escalations of it are sent any more.

        Args:
            key: as of `alert`.
            by: who.
            now: when.

        Returns:
            The alert's whole key.

        Raises:
            ConfigError: there is no such alert, or it ended.
        """

        def _work(connection: Connection) -> str:
            this = alerts.c.id == self._number(connection, key)
            found = connection.execute(select(alerts.c.alert_key, alerts.c.resolved_at).where(this)).one()
            if found.resolved_at is not None:
                raise ConfigError(f"the alert {found.alert_key} ended at {found.resolved_at}; nothing is left to do")
            values = {"acknowledged_at": now, "acknowledged_by": by, "updated_at": now}
            connection.execute(update(alerts).where(this).values(values))
            return str(found.alert_key)

        return self.history._store.write(_work)

    def silence(
        self, rule: str, subject: str, now: datetime, until: datetime, *, reason: str = "", author: str = ""
    ) -> int:
        """Send nothing of some alerts for a while; what is still open then is told then.

        Args:
            rule: names of rules; "*" stands for any text.
            subject: columns, likewise.
            now: when it begins.
            until: when it ends.
            reason: why.
            author: who says so.

        Returns:
            Its number.

        Raises:
            ConfigError: it ends before it begins.
        """
        if until <= now:
            raise ConfigError(f"a silence until {until} is over; give a time to come")
        values = {
            "name": self.name, "rule": rule, "subject": subject, "starts_at": now, "ends_at": until, "reason": reason,
            "author": author, "created_at": now,
        }  # fmt: skip
        query = insert(silences).values(values).returning(silences.c.id)
        return self.history._store.write(lambda c: int(c.execute(query).scalar_one()))

    def silences(self, now: datetime) -> list[dict[str, Any]]:
        """The silences that are not over."""
        wanted = ("id", "rule", "subject", "starts_at", "ends_at", "reason", "author")
        query = select(*(silences.c[name] for name in wanted)).where(silences.c.name == self.name)
        query = query.where(silences.c.ends_at > now).order_by(silences.c.id)
        return self._rows(query)

    def unsilence(self, now: datetime, numbers: Sequence[int] = ()) -> int:
        """End silences now; what they held back is sent.

        Args:
            now: the time.
            numbers: which ones; all without any.

        Returns:
            How many.

        Raises:
            ConfigError: there is none of such a number.
        """

        def _work(connection: Connection) -> int:
            mine = (silences.c.name == self.name, silences.c.ends_at > now)
            there = set(connection.scalars(select(silences.c.id).where(*mine)))
            if unknown := [number for number in numbers if number not in there]:
                known = ", ".join(map(str, sorted(there))) or "none"
                raise ConfigError(f"there is no silence {unknown[0]}; there are {known}")
            ended = [*numbers] or [*there]
            connection.execute(update(silences).where(silences.c.id.in_(ended)).values(ends_at=now))
            # One that another silence holds is put off again when its turn comes.
            held = (messages.c.name == self.name, messages.c.silenced_until > now, messages.c.outcome.is_(None))
            connection.execute(update(messages).where(*held).values(due_at=now, silenced_until=now))
            return len(ended)

        return self.history._store.write(_work)

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        return self.history._store.read(lambda c: [dict(row) for row in c.execute(query).mappings()])

    def check(self) -> None:
        """See that the history knows the monitor.

        Raises:
            ConfigError: it has windows or alerts of others alone.
        """
        self.history._store.read(self._known)

    def _known(self, connection: Connection) -> None:
        named = [*connection.scalars(union(select(runs.c.name), select(alerts.c.name)))]
        if named and self.name not in named:
            there = ", ".join(visible(name) for name in sorted(named)[:_SOME])
            raise ConfigError(f"the history knows no monitor {self.name!r}; it has {there}: give --name")

    def _number(self, connection: Connection, key: str) -> int:
        mine = (alerts.c.name == self.name, func.substr(alerts.c.alert_key, 1, len(key)) == key)
        found = connection.execute(select(alerts.c.id, alerts.c.alert_key).where(*mine).limit(_SOME + 1)).all()
        exact = [row.id for row in found if row.alert_key == key]
        if len(key) < _SHORTEST_KEY and not exact:
            shortest = f"give {_SHORTEST_KEY} letters of its key at least"
            raise ConfigError(
                f"{self.name} has no alert {key!r}; {shortest}: accel-drift alerts list --all tells the keys"
            )
        if not found:
            raise ConfigError(f"{self.name} has no alert {key!r}; accel-drift alerts list --all tells the keys")
        if len(found) > 1 and not exact:
            some = ", ".join(row.alert_key for row in found[:_SOME])
            more = "" if len(found) <= _SOME else " and more"
            raise ConfigError(f"several alerts begin with {key!r}: {some}{more}; give more of the key")
        return int(exact[0] if exact else found[0].id)


def _told() -> list[Any]:
    wanted = (
        "alert_key", "rule", "subject", "severity", "state", "opened_window", "opened_at", "resolved_window",
        "resolved_at", "acknowledged_at", "acknowledged_by",
    )  # fmt: skip
    return [alerts.c[name] for name in wanted]
