"""A database, opened: one transaction a piece of work, tried again while another process is in the way."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from accel_drift.errors import ConfigError, ExtraMissingError, HistoryError
from accel_drift.history import migrations, trouble
from accel_drift.history.hidden import hidden
from accel_drift.options import is_finite

T = TypeVar("T")

_SCHEMES = "sqlite:///drift.db (a file beside the program), sqlite:////var/lib/drift.db, or postgresql://user@host/name"
_BUSY_S = 5.0
"""Seconds that SQLite itself waits for a lock before we are asked whether to try again."""
IDLE_MS = 60_000
"""A server ends a writing transaction in which nothing was asked for so long."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0
_WRITES = {"accel_drift_writes": True}


class Store:
    """The engine and how work is done with it.

    Args:
        url, wait, create: see `History`.

    Attributes:
        place: the URL, without a password.
        engine: SQLAlchemy's.
    """

    def __init__(self, url: str, wait: float, *, create: bool = True) -> None:
        if not is_finite(wait) or wait < 0:
            raise ConfigError(f"wait is {wait!r}; it is seconds that a call waits for other writers, such as 30")
        parsed = parsed_url(url)
        self.place = hidden(parsed.render_as_string(hide_password=True))
        self._wait = float(wait)
        self.engine = _engine(parsed, self._wait)
        self._process = os.getpid()
        self._file = _file(parsed)
        self._opened: tuple[int, int] | None = None
        try:
            self._open(create=create)
            self._opened = None if self._file is None else _identity(self._file)
        except BaseException:
            self.close()
            raise

    def read(self, work: Callable[[Connection], T], snapshot: bool = False) -> T:
        """Do what changes nothing, in one transaction.

        Args:
            work: what is done.
            snapshot: every statement sees the state at the first.

        Raises:
            HistoryError: the database failed.
        """
        options: dict[str, Any] = {}
        if snapshot and self.engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ"}
        return self._tried(work, options, "read")

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do all of `work` or, where it fails, nothing of it.

        Raises:
            HistoryError: the database failed.
        """
        return self._tried(work, _WRITES, "written")

    def close(self) -> None:
        """Give the connections back; the next call opens new ones."""
        self.engine.dispose()

    def _open(self, *, create: bool) -> None:
        """Make the tables where there are none, if that is wanted, and bring older ones up to date."""
        # SQLite makes the file that it is to open.
        gone = not create and self._file is not None and not self._file.exists()
        if not gone and self._tried(migrations.checked, {}, "opened"):
            return
        if gone or not (create or self._tried(migrations.version_of, {}, "opened")):
            raise HistoryError(f"there is no history at {self.place}; give the one that a monitor writes")
        if self.engine.dialect.name == "sqlite":
            self._retried(self._write_ahead, "opened")
        self._tried(migrations.migrate, _WRITES, "opened")

    def _write_ahead(self) -> None:
        """Readers see the last whole state while a writer writes; the file remembers that it is kept this way."""
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    def _tried(self, work: Callable[[Connection], T], options: dict[str, Any], doing: str) -> T:
        def once() -> T:
            self._still_there()
            with self.engine.execution_options(**options).begin() as connection:
                return work(connection)

        return self._retried(once, doing)

    def _still_there(self) -> None:
        """Refuse to write into a file that was removed or replaced while it was open: nobody would find it.

        Raises:
            HistoryError: it was.
        """
        if self._file is None:
            return
        now = _identity(self._file)
        if self._opened is not None and now != self._opened:
            self.engine.dispose()
            raise HistoryError(
                f"the history {self.place} was removed or replaced while it was in use; put the file back, or begin "
                "again with a new History"
            )

    def _retried(self, once: Callable[[], T], doing: str) -> T:
        if os.getpid() != self._process:
            # A forked child: its parent's connections are left to the parent.
            self.engine.dispose(close=False)
            self._process = os.getpid()
        deadline, pause = time.monotonic() + self._wait, _FIRST_PAUSE_S
        while True:
            try:
                return once()
            except trouble.DRIVER as error:
                if not trouble.passes(error, doing != "opened") or time.monotonic() + pause > deadline:
                    raise trouble.told(error, self.place, self._wait, doing) from error
            # Not all who wait come back at the same moment.
            time.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def parsed_url(url: Any) -> URL:
    """What a URL says, with the driver that is used for it; nothing is opened.

    Raises:
        ConfigError: it is not the URL of a history.
    """
    if not isinstance(url, str):
        raise ConfigError(f"the URL of a history is {url!r}; it is a text: {_SCHEMES}")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{hidden(url)!r} is not the URL of a database; it is {_SCHEMES}") from None
    if "@" in (parsed.host or ""):
        raise ConfigError(
            f"{hidden(url)!r} cannot be told apart: in a user's name or password @ is written %40, # %23, / %2F, ? %3F"
        )
    backend = parsed.get_backend_name()
    if backend == "postgres" or parsed.drivername == "postgresql":
        parsed, backend = parsed.set(drivername="postgresql+psycopg"), "postgresql"
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigError(f"a history stands in SQLite or PostgreSQL, not in {backend!r}; its URL is {_SCHEMES}")
    if backend == "sqlite" and (parsed.database or ":memory:") in {":memory:", "file::memory:"}:
        raise ConfigError(f"a history in memory is gone when the program ends; give a file: {_SCHEMES}")
    return parsed


def _file(url: URL) -> Path | None:
    """The file of a SQLite database; None of another, or where the name is no plain path."""
    plain = url.get_backend_name() == "sqlite" and not str(url.database).startswith("file:")
    return Path(str(url.database)).absolute() if plain else None


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _engine(url: URL, wait: float) -> Engine:
    postgres = url.get_backend_name() == "postgresql"
    given: dict[str, Any] = {"timeout": min(wait, _BUSY_S)}
    if postgres:
        given = {} if "connect_timeout" in url.query else {"connect_timeout": max(2, math.ceil(wait))}
    try:
        engine = create_engine(url, connect_args=given)
    except ImportError as error:
        place = hidden(url.render_as_string(hide_password=True))
        raise ExtraMissingError(
            f"a history at {place} needs a driver that is not here ({error}): pip install 'accel-drift[monitor]'"
        ) from error
    except ArgumentError as error:
        raise ConfigError(f"{hidden(url.render_as_string(hide_password=True))} cannot be used: {error}") from None
    if postgres:
        event.listen(engine, "begin", partial(_limit, max(1, math.ceil(1000 * wait))))
    else:
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _limit(wait_ms: int, connection: Connection) -> None:
    """A writer waits for locks so long; one that was stopped with locks in its hands is ended by the server.

    Said in every transaction, since poolers of connections refuse it where a connection begins.
    """
    if connection.get_execution_options().get("accel_drift_writes"):
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{wait_ms}', true), "
            f"set_config('idle_in_transaction_session_timeout', '{IDLE_MS}', true)"
        )


def _prepare(connection: Any, record: Any) -> None:  # noqa: ARG001
    """Transactions begin where we say so: the driver's own begin late, and cannot wait for a lock then."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("accel_drift_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
