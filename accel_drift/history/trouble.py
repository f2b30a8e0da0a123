"""What a database says when it fails, in words that tell what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from accel_drift.errors import HistoryError

DRIVER = (SQLAlchemyError, sqlite3.Error)
"""What a failing database raises; SQLAlchemy does not wrap what happens before a connection is its own."""

_SQLITE = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_PROTOCOL: "busy",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CANTOPEN: "not opened",
    sqlite3.SQLITE_NOTADB: "foreign",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_IOERR: "disk",
}
_POSTGRES = {
    "40001": "busy",  # serialization failure
    "40P01": "busy",  # deadlock
    "55P03": "busy",  # lock not available
    "25P03": "no answer",  # ended by the server, since it was idle in a transaction
    "25006": "read-only",
    "42501": "read-only",  # insufficient privilege
    "53100": "full",
}
_ADVICE = {
    "busy": "another process held its lock for {wait:g} s; try again, or wait longer: History(url, wait=120)",
    "read-only": "it can be read and not written; give this process the right to write it, and to its folder",
    "full": "the disk is full; free space there, or remove old windows with prune(...), then try again",
    "not opened": "the file cannot be opened; its folder must exist and this process must be allowed to write there",
    "foreign": "the file is not a SQLite database; give the name of a new file, or of a history",
    "damaged": "the file is damaged; restore a copy, or start a new file and restore(...) what was exported",
    "disk": "the disk or its file system failed; SQLite needs a local disk, not a network folder",
    "no answer": "is the server running, and is the URL right: postgresql://user:password@host:5432/database?",
    "other": "this is not expected of a history; are its tables as accel-drift made them?",
}


def kind(error: BaseException) -> str:
    """What happened, as a key of the advice."""
    found = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(found, "sqlite_errorcode", None)
    if code is not None:
        # The lowest byte says what it is, the others how it came about.
        return _SQLITE.get(code & 0xFF, "other")
    if isinstance(found, sqlite3.Error):
        return "other"
    state = getattr(found, "sqlstate", None)
    if state is not None:
        return "no answer" if state[:2] in {"08", "57"} else _POSTGRES.get(state, "other")
    if isinstance(error, DBAPIError) and (error.connection_invalidated or type(found).__name__ == "OperationalError"):
        return "no answer"
    return "other"


def passes(error: BaseException, opened: bool) -> bool:
    """Whether the same may work a moment later. What was under way did not happen, or happens once: keys are unique.

    A server that answered before may be starting anew; one that never did has more likely another address.
    """
    return kind(error) in ({"busy", "no answer"} if opened else {"busy"})


def told(error: BaseException, place: str, wait: float, doing: str) -> HistoryError:
    """The error that a caller sees."""
    what = kind(error)
    first = next(iter(str(getattr(error, "orig", None) or error).strip().splitlines()), type(error).__name__)
    ended = "; nothing of it was written" if doing == "written" else ""
    return HistoryError(f"history {place} could not be {doing} ({first}){ended}: {_ADVICE[what].format(wait=wait)}")
