"""What only one process does at a time: a lease in the database, which runs out when its holder dies."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from accel_drift.errors import ConfigError, HistoryError
from accel_drift.history.alert_tables import leases
from accel_drift.history.history import History
from accel_drift.history.tables import Moment
from accel_drift.options import is_finite


class Lease:
    """The right to do something, until a time; whoever holds it puts that off, and gives it back at the end.

    When it ends is told by the database's clock, so that clocks of machines which differ do no harm: with PostgreSQL
    that of the server; with SQLite, whose file is on one machine, that machine's. Where that clock is set forward, a
    lease ends early by as much, and another may begin while the holder is at it; set back, it ends later.

    A holder that was stopped for longer than its lease (a suspended machine) cannot know before it looks: what must
    never be done twice at once is refused by its own tables, as a monitor's second writer is. If it was stopped in a
    transaction, others wait: with PostgreSQL for a minute, when the server ends that; with SQLite until it goes on.

    Args:
        history: where it stands.
        name: of what is done; one holder a name.
        seconds: how long it holds without being renewed.
        holder: what tells this holder from all others; by default made of the machine, the process and chance.
        clock: the time, with a zone; None for the database's.

    Raises:
        ConfigError: it has no name, or no length.
    """

    def __init__(
        self,
        history: History,
        name: str,
        seconds: float = 60.0,
        *,
        holder: str | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        given: object = name
        if not isinstance(given, str) or not given:
            raise ConfigError(f"the name of a lease is {name!r}; it is a text such as 'schedule/churn'")
        if not is_finite(seconds) or seconds <= 0:
            raise ConfigError(f"seconds is {seconds!r}; it is how long a lease holds, such as 60")
        self.name, self.seconds = name, float(seconds)
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._history, self._clock = history, clock

    def acquire(self) -> bool:
        """Take it, where nobody holds it, or its holder let it run out; whether it is ours now.

        Raises:
            HistoryError: the database failed.
        """
        return self._history._store.write(self._acquired)

    def renew(self) -> bool:
        """Hold it for `seconds` from now; False where it ran out and somebody else took it, or it was given back.

        Raises:
            HistoryError: the database failed.
        """
        return self._history._store.write(self._renewed)

    def release(self) -> None:
        """Give it back; nothing happens where it is not ours any more.

        Raises:
            HistoryError: the database failed. It runs out by itself.
        """
        ours = and_(leases.c.lease == self.name, leases.c.holder == self.holder)
        self._history._store.write(lambda connection: connection.execute(delete(leases).where(ours)))

    @contextmanager
    def kept(self) -> Iterator[threading.Event]:
        """Renew it in a thread of its own, three times as often as it would run out, and give it back in the end.

        Yields:
            what is set when it was lost.
        """
        lost, done = threading.Event(), threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(done, lost), name=f"lease {self.name}", daemon=True)
        renewing.start()
        try:
            yield lost
        finally:
            done.set()
            renewing.join()
            self._given_back()

    def _renew_until(self, done: threading.Event, lost: threading.Event) -> None:
        while not done.wait(self.seconds / 3):
            try:
                if not self.renew():
                    lost.set()
                    return
            except HistoryError:
                continue  # it still holds for a while; the next try may come in time

    def _given_back(self) -> None:
        try:
            self.release()
        except HistoryError:
            return  # it runs out by itself

    def _acquired(self, connection: Any) -> bool:
        now = self._now(connection)
        free = or_(leases.c.holder == self.holder, leases.c.ends_at <= now)
        change = update(leases).where(leases.c.lease == self.name, free).values(self._values(now))
        if connection.execute(change).rowcount:
            return True
        new = insertion(connection, leases).values(lease=self.name, **self._values(now)).on_conflict_do_nothing()
        # A driver need not know how many rows an insertion made.
        return connection.execute(new.returning(leases.c.lease)).first() is not None

    def _renewed(self, connection: Any) -> bool:
        ours = and_(leases.c.lease == self.name, leases.c.holder == self.holder)
        change = update(leases).where(ours).values(self._values(self._now(connection)))
        return bool(connection.execute(change).rowcount)

    def _values(self, now: datetime) -> dict[str, Any]:
        return {"holder": self.holder, "ends_at": now + timedelta(seconds=self.seconds)}

    def _now(self, connection: Any) -> datetime:
        return database_time(connection) if self._clock is None else self._clock()


def is_held(history: History, name: str) -> bool:
    """Whether anybody holds the lease of this name, by the database's clock.

    Raises:
        HistoryError: the database failed.
    """

    def work(connection: Any) -> bool:
        held = select(leases.c.lease).where(leases.c.lease == name, leases.c.ends_at > database_time(connection))
        return connection.execute(held).first() is not None

    return history._store.read(work)


def insertion(connection: Any, table: Table) -> Any:
    """The database's own INSERT, which may say what is done where the row is there."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def database_time(connection: Any) -> datetime:
    """The time by the database's clock: a server's, or for a file that of this machine."""
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    told: datetime = connection.execute(select(func.clock_timestamp(type_=Moment))).scalar_one()
    return told
