"""Old windows leave with the alerts that ended by then, in portions, so that nobody else waits for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, select

from accel_drift.errors import ConfigError
from accel_drift.history import queries
from accel_drift.history.alert_tables import alerts, messages, silences
from accel_drift.history.store import Store
from accel_drift.history.tables import runs
from accel_drift.history.window import moment
from accel_drift.options import at_least, is_finite

_PORTION = 200
"""Windows, or alerts, removed in one transaction."""
_NEVER, _EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def prune(store: Store, older_than: Any, keep: Any, name: Any) -> int:
    """Remove old windows with all that belongs to them, and alerts that ended by then; how many windows there were.

    What is open, unsent or silenced stays, as do how columns and jobs stand, a row each, and requests to learn again:
    models outlive the windows that asked for them.

    Raises:
        ConfigError: neither age nor number is given, or one is wrong, or there is no such monitor.
    """
    if older_than is None and keep is None:
        raise ConfigError("say which windows leave: prune(older_than=90) in days, prune(keep=1000), or both")
    if keep is not None:
        at_least(keep, 0, "keep", "the last windows of each monitor, which stay whatever their age")
    age = _age(older_than)
    monitors = store.read(queries.names)
    if name is not None:
        store.read(lambda connection: queries.within(connection, name, queries.Span()))
        monitors = [name]
    removed = 0
    for monitor in monitors:
        while portion := store.write(partial(_remove, name=monitor, age=age, keep=int(keep or 0))):
            removed += portion
        while store.write(partial(_remove_alerts, name=monitor, age=age, keep=int(keep or 0))):
            pass
    return removed


def _remove(connection: Connection, name: str, age: datetime | timedelta | None, keep: int) -> int:
    old = _newest(name).offset(keep).subquery()
    asked = select(old.c.id).order_by(old.c.window_end, old.c.id).limit(_PORTION)
    if age is not None:
        asked = asked.where(old.c.window_end < _cut(connection, name, age))
    ids = list(connection.execute(asked).scalars())
    if ids:
        connection.execute(delete(runs).where(runs.c.id.in_(ids)))
    return len(ids)


def _remove_alerts(connection: Connection, name: str, age: datetime | timedelta | None, keep: int) -> int:
    """Alerts that ended before all windows that stay, and of which nothing is left to send, with their messages."""
    bounds = [_EVER] if age is None else [_cut(connection, name, age)]
    if keep:
        last = connection.execute(_newest(name).offset(keep - 1).limit(1)).first()
        bounds.append(_NEVER if last is None else last.window_end)
    until = min(bounds)
    over = silences.c.ends_at < min(until, datetime.now(UTC))
    connection.execute(delete(silences).where(silences.c.name == name, over))
    unsent = exists().where(
        messages.c.alert_id == alerts.c.id, messages.c.sent_at.is_(None), messages.c.dropped_at.is_(None)
    )
    ended = (alerts.c.state == "resolved", alerts.c.opened_at < until, alerts.c.resolved_at < until)
    asked = select(alerts.c.id).where(alerts.c.name == name, *ended, ~unsent).order_by(alerts.c.opened_at)
    ids = list(connection.execute(asked.limit(_PORTION)).scalars())
    if ids:
        connection.execute(delete(alerts).where(alerts.c.id.in_(ids)))
    return len(ids)


def _newest(name: str) -> Select[*tuple[Any, ...]]:
    asked = select(runs.c.id, runs.c.window_end).where(runs.c.name == name)
    return asked.order_by(runs.c.window_end.desc(), runs.c.id.desc())


def _cut(connection: Connection, name: str, age: datetime | timedelta) -> datetime:
    """What ended before is old."""
    if isinstance(age, datetime):
        return age
    last = connection.execute(_newest(name).limit(1)).first()
    return _NEVER if last is None else _earlier(last.window_end, age)


def _age(older_than: Any) -> datetime | timedelta | None:
    if older_than is None:
        return None
    if isinstance(older_than, datetime):
        return moment(older_than, "older_than")
    days = older_than / timedelta(days=1) if isinstance(older_than, timedelta) else older_than
    if not is_finite(days) or not 0 <= days < 100_000:
        raise ConfigError(
            f"older_than is {older_than!r}; it is days before the end of a monitor's last window, as a number or a "
            "timedelta, or a datetime with a time zone"
        )
    return timedelta(days=float(days))


def _earlier(end: datetime, age: timedelta) -> datetime:
    try:
        return end - age
    except OverflowError:
        return _NEVER
