"""Old windows leave, in portions, so that nobody else waits for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, select

from accel_drift.errors import ConfigError
from accel_drift.history import queries
from accel_drift.history.store import Store
from accel_drift.history.tables import runs
from accel_drift.history.window import moment
from accel_drift.options import at_least, is_finite

_PORTION = 200
"""Windows removed in one transaction."""


def prune(store: Store, older_than: Any, keep: Any, name: Any) -> int:
    """Remove old windows with all that belongs to them; how many there were.

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
    return removed


def _remove(connection: Connection, name: str, age: datetime | timedelta | None, keep: int) -> int:
    newest = select(runs.c.id, runs.c.window_end).where(runs.c.name == name)
    newest = newest.order_by(runs.c.window_end.desc(), runs.c.id.desc())
    old = newest.offset(keep).subquery()
    asked = select(old.c.id).order_by(old.c.window_end, old.c.id).limit(_PORTION)
    if age is not None:
        cut = age
        if isinstance(cut, timedelta):
            last = connection.execute(newest.limit(1)).first()
            if last is None:
                return 0
            cut = _earlier(last.window_end, cut)
        asked = asked.where(old.c.window_end < cut)
    ids = list(connection.execute(asked).scalars())
    if ids:
        connection.execute(delete(runs).where(runs.c.id.in_(ids)))
    return len(ids)


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
        return datetime.min.replace(tzinfo=UTC)
