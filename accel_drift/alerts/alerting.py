"""Alerts of a monitor: rules that follow its windows, and what they bring about, written with the window."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from accel_drift.alerts.absent import Absent
from accel_drift.alerts.events import Event, Kind
from accel_drift.alerts.machine import Machine
from accel_drift.alerts.standing import Standing
from accel_drift.errors import ConfigError
from accel_drift.history import History, Metric, Window
from accel_drift.history.steps import Recorded
from accel_drift.monitor.followers import Follower, Work
from accel_drift.rules import DEFAULT, Rule

if TYPE_CHECKING:
    from sqlalchemy import Connection

RESOLVED, OPEN = "resolved", "open"


class Alerts(Follower):
    """Looks at every window of a monitor by rules, and keeps alerts: they open, get worse, are told again, and end.

    All of it is written in the transaction of the window that brought it about: the alert, how columns stand, and a
    message to every sink, which `Delivery` sends. The same reports give the same alerts, whatever the process did.

    Args:
        rules: when somebody is to be told; by default about every column from warning on, and about critical windows.
        sinks: names of the sinks that are told, where a rule names none.
        base_url: where pages of alerts are, for links in messages.
        name: what tells it from other followers of the monitor.
        clock: says what time it is.

    Raises:
        ConfigError: something given is no rule, or two have one name.

    >>> Alerts([Rule(name="income", when="income psi > 0.2 for 6 hours", cooldown="1d")], sinks=["team"])
    <Alerts: 1 rule>
    """

    def __init__(
        self,
        rules: Iterable[Rule] = DEFAULT,
        sinks: Sequence[str] = (),
        base_url: str | None = None,
        name: str = "alerts",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.rules = _checked(rules)
        given: Any = sinks
        if isinstance(given, str) or not all(isinstance(one, str) and one for one in given):
            raise ConfigError(f"sinks is {sinks!r:.100}; it is a list of names, such as ['team']")
        if base_url is not None and not str(base_url).startswith(("http://", "https://")):
            raise ConfigError(f"base_url is {base_url!r:.100}; it begins with https:// or http://")
        self.name, self.sinks, self._base_url, self._clock = name, tuple(sinks), base_url, clock
        self._monitor = ""
        self._machine: Machine | None = None
        self._standing = Standing()
        self._absent = Absent("", ())

    @property
    def open(self) -> int:
        """Alerts that are open."""
        return 0 if self._machine is None else self._machine.open

    def begin(self, monitor: str, history: History | None) -> None:
        """It follows this monitor from now on.

        Raises:
            ConfigError: the monitor has no history, which alerts are written to.
        """
        if history is None:
            raise ConfigError("alerts are written to the history; give the monitor one: history='sqlite:///drift.db'")
        if self._machine is None or monitor != self._monitor:
            self._machine = Machine(monitor, self.rules, self.sinks)
            self._absent = Absent(monitor, self.rules)
        self._monitor = monitor

    def follow(self, window: Recorded) -> Work | None:
        """A window is finished: what happened to alerts, and how columns stand."""
        report, of = window.report, window.window
        made = datetime.fromisoformat(report.created_at).astimezone(UTC) if report.created_at else self._clock()
        start, end = of.start or made, of.end or made
        machine = self._its()
        events = machine.step(report, window.metrics, of.key, start, end, self._clock())
        self._absent.look(machine.facts)
        changed = self._standing.look(machine.facts, of.key, end)
        return self._work(events, changed)

    def measured(self, found: Mapping[str, tuple[Metric, ...]], windows: Mapping[str, Window]) -> Work | None:
        """Labels came late: rules about these numbers are looked at again."""
        return self._work(self._its().measured(found, windows), ())

    def tick(self, now: datetime) -> Work | None:
        """Time passed: whether a window should have come. Since when one is waited for is written, too."""
        machine = self._its()
        events = machine.tick(now)
        return self._work(events, ()) or (_nothing if machine.unwritten else None)

    def changes(self) -> Mapping[str, bytes | None]:
        """What became other since the last call, of how rules and columns stand."""
        return {**self._its().changes(), **self._standing.changes()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Go on from what was written."""
        self._its().restore(pieces)
        self._standing.restore(pieces)

    def __repr__(self) -> str:
        return f"<Alerts: {len(self.rules):,} rule{'s' * (len(self.rules) != 1)}>"

    def _its(self) -> Machine:
        if self._machine is None:
            raise ConfigError("these alerts follow no monitor; give them to one: Monitor(..., followers=[Alerts(...)])")
        return self._machine

    def _work(self, events: Sequence[Event], changed: Sequence[Mapping[str, Any]]) -> Work | None:
        if not events and not changed:
            return None
        now = self._clock()

        def work(connection: Connection) -> None:
            write(connection, self._monitor, events, changed, now, self._base_url)

        return work


def _nothing(connection: Connection) -> None:
    """Only the state is written."""


def write(
    connection: Connection,
    name: str,
    events: Sequence[Event],
    changed: Sequence[Mapping[str, Any]],
    now: datetime,
    base_url: str | None,
) -> None:
    """Write what happened to alerts with the messages about it, and how columns stand.

    Args:
        connection: of the history's database, in a transaction.
        name: the monitor's.
        events: what happened.
        changed: column, severity, since_window and since of columns that stand otherwise than before.
        now: the time.
        base_url: see `Alerts`.
    """
    from sqlalchemy import bindparam, select, update

    from accel_drift.alerts.outbox import post
    from accel_drift.history.alert_tables import alerts, column_states
    from accel_drift.history.writing import upsert

    if changed:
        put = upsert(connection)(column_states)
        told = {column: put.excluded[column] for column in ("severity", "since_window", "since")}
        put = put.on_conflict_do_update(index_elements=["name", "column"], set_=told)
        connection.execute(put, [{"name": name, **row} for row in changed])
    if not events:
        return
    opened = [_row(name, event, now) for event in events if event.kind is Kind.OPENED]
    if opened:
        connection.execute(upsert(connection)(alerts).on_conflict_do_nothing(index_elements=["alert_key"]), opened)
    for kind, columns in _CHANGED.items():
        rows = [_row(name, event, now) for event in events if event.kind is kind]
        if rows:
            values: dict[str, Any] = {
                column: bindparam(f"new_{column}") for column in (*columns, "details", "updated_at")
            }
            given = [{f"new_{column}": value for column, value in row.items()} for row in rows]
            put = update(alerts).where(alerts.c.alert_key == bindparam("new_alert_key")).values(values)
            connection.execute(put, given)
    ids: dict[str, int] = {}
    keys = list(dict.fromkeys(event.key for event in events))
    for at in range(0, len(keys), 500):
        wanted = select(alerts.c.alert_key, alerts.c.id).where(alerts.c.alert_key.in_(keys[at : at + 500]))
        ids |= {row.alert_key: row.id for row in connection.execute(wanted)}
    # Whoever removed an alert from the table wants to hear no more of it.
    post(connection, name, [event for event in events if event.key in ids], ids, now, base_url=base_url)


_CHANGED = {Kind.RAISED: ("severity",), Kind.RESOLVED: ("state", "resolved_window", "resolved_at")}
"""What an event changes in the row of its alert."""


def _row(name: str, event: Event, now: datetime) -> dict[str, Any]:
    """An alert as its event leaves it."""
    ended = event.kind is Kind.RESOLVED
    return {
        "name": name,
        "alert_key": event.key,
        "rule": event.rule,
        "subject": event.subject,
        "severity": str(event.severity),
        "state": RESOLVED if ended else OPEN,
        "opened_window": event.window,
        "opened_at": event.at,
        "resolved_window": event.window if ended else None,
        "resolved_at": event.at if ended else None,
        "details": json.dumps(event.details),
        "updated_at": now,
    }


def _checked(rules: Any) -> tuple[Rule, ...]:
    """Rules, each of a name of its own.

    Raises:
        ConfigError: they are not.
    """
    given = tuple(rules) if isinstance(rules, Iterable) else (rules,)
    names: set[str] = set()
    for one in given:
        if not isinstance(one, Rule):
            raise ConfigError(f"{one!r:.100} is no rule; give Rule(name='income', when='income psi > 0.2')")
        if one.name in names:
            raise ConfigError(f"two rules are called {one.name!r}; give each a name of its own")
        names.add(one.name)
    return given
