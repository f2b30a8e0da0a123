"""Requests to train a model again, in a history: asked once, claimed by one runner at a time, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from accel_drift.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection

    from accel_drift.history import History

ASKED, RUNNING, DONE, FAILED, TIMED_OUT = "asked", "running", "done", "failed", "timed out"
REFUSED, CANCELLED = "not worth it", "cancelled"
STATES = (ASKED, RUNNING, DONE, FAILED, TIMED_OUT, REFUSED, CANCELLED)

_LOCK = 0x61636472 + 1
"""The number of PostgreSQL's advisory lock: one runner at a time chooses a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to train a model again.

    Attributes:
        key: the same whenever the same is asked for: a hook that is run twice for one key need do its work once.
        monitor: name of the monitor.
        policy: name of the policy.
        window: key of the window that asked.
        asked_at: its end.
        reason: why, in words.
        data: strategy, the windows and their span, and measures of the model.
        state: asked, running, done, failed, timed out, not worth it or cancelled.
        attempts: how many times it was tried.
        due_at: not to be tried before.
        started_at: when it was tried last.
        ended_at: when that ended.
        seconds: how long it took.
        outcome: {"attempts": [...]}, what came of each.
    """

    key: str
    monitor: str
    policy: str
    window: str
    asked_at: datetime
    reason: str
    data: Mapping[str, Any]
    state: str = ASKED
    attempts: int = 0
    due_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    outcome: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        told = asdict(self)
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """See `to_dict`."""
        times = {name: datetime.fromisoformat(told[name]) for name in told if name.endswith("_at") and told[name]}
        return cls(**{**told, **times})


def key_of(*parts: str) -> str:
    """A digest of texts: 24 characters."""
    return blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()


def put(connection: Connection, request: Request) -> None:
    """Write a request; one of its key that is there stays as it is."""
    from accel_drift.history.alert_tables import requests
    from accel_drift.history.writing import upsert

    row = {
        "request_key": request.key,
        "name": request.monitor,
        "policy": request.policy,
        "window_key": request.window,
        "asked_at": request.asked_at,
        "reason": request.reason,
        "data": json.dumps(request.data),
        "state": request.state,
        "attempts": 0,
        "due_at": request.asked_at if request.due_at is None else request.due_at,
    }
    connection.execute(upsert(connection)(requests).values(row).on_conflict_do_nothing(index_elements=["request_key"]))


def requests(history: History, monitor: str | None = None, *, state: str | None = None) -> pa.Table:
    """What was asked, the oldest first: a row a request, `data` and `outcome` as JSON.

    Args:
        history: where it stands.
        monitor: only of this monitor.
        state: only in this state.

    Raises:
        ConfigError: there is no such state.
        HistoryError: the database failed.
    """
    import pyarrow as pa

    if state is not None and state not in STATES:
        raise ConfigError(f"state is {state!r}; there are {', '.join(STATES)}")
    found = [one for one in _all(history, monitor) if state in (None, one.state)]
    time = pa.timestamp("us", tz="UTC")
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("key", "monitor", "policy", "window")),
            ("asked_at", time),
            *((name, pa.string()) for name in ("reason", "data", "state")),
            ("attempts", pa.int64()),
            *((name, time) for name in ("due_at", "started_at", "ended_at")),
            ("seconds", pa.float64()),
            ("outcome", pa.string()),
        ]
    )
    rows = []
    for one in found:
        outcome = None if one.outcome is None else json.dumps(one.outcome)
        rows.append({**asdict(one), "data": json.dumps(one.data), "outcome": outcome})
    return pa.Table.from_pylist(rows, schema=schema)


def find(history: History, key: str) -> Request:
    """A request by its key, or by how its key begins.

    Raises:
        ConfigError: there is none, or more than one.
        HistoryError: the database failed.
    """
    found = [one for one in _all(history, None) if one.key.startswith(key)] if key else []
    if len(found) != 1:
        told = "more than one request" if found else "no request"
        raise ConfigError(f"{told} has a key that begins with {key!r}; accel-drift retrain list tells which there are")
    return found[0]


def cancel(history: History, key: str, now: datetime) -> bool:
    """Call a request off; one that runs is ended where its runner can. Whether it was still open.

    Raises:
        HistoryError: the database failed.
    """
    from sqlalchemy import update

    from accel_drift.history.alert_tables import requests as table

    change = update(table).where(table.c.request_key == key, table.c.state.in_((ASKED, RUNNING)))
    change = change.values(state=CANCELLED, claimed_by=None, claimed_until=None, ended_at=now)
    return bool(history._store.write(lambda connection: connection.execute(change).rowcount))


class Claims:
    """One runner's hold on requests.

    Args:
        history: where they stand.
        holder: what tells this runner from others.
        monitor: only requests of this monitor; None for any.
        attempts: so many times a request is tried.
    """

    def __init__(self, history: History, holder: str, monitor: str | None, attempts: int) -> None:
        self._store, self._holder, self._monitor, self._attempts = history._store, holder, monitor, attempts

    def take(self, now: datetime, until: datetime) -> Request | None:
        """Claim the oldest request that is due; None where there is none.

        One that another runner claimed and did not hold on to is due again, or failed where it was tried often enough.
        Of one policy of a monitor, one request runs at a time.

        Raises:
            HistoryError: the database failed.
        """
        return self._store.write(lambda connection: self._take(connection, now, until))

    def _take(self, connection: Connection, now: datetime, until: datetime) -> Request | None:
        from sqlalchemy import and_, exists, or_, select, text, update

        from accel_drift.history.alert_tables import requests as table

        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        other = table.alias()
        same = (other.c.name == table.c.name, other.c.policy == table.c.policy, other.c.id != table.c.id)
        busy = exists().where(*same, other.c.state == RUNNING, other.c.claimed_until >= now)
        due = and_(table.c.state == ASKED, table.c.due_at <= now)
        left = and_(table.c.state == RUNNING, table.c.claimed_until < now)
        asked = select(table).where(or_(due, left), ~busy.correlate(table)).order_by(table.c.id)
        if self._monitor is not None:
            asked = asked.where(table.c.name == self._monitor)
        for row in connection.execute(asked).mappings().all():
            found = _request(row)
            here = update(table).where(table.c.id == row["id"])
            if found.state == RUNNING:
                found = replace(found, outcome=_with(found, _lost(found, now)))
                here = here.values(outcome=json.dumps(found.outcome))
                if found.attempts >= self._attempts:
                    ended = {"state": FAILED, "claimed_by": None, "claimed_until": None, "ended_at": now}
                    connection.execute(here.values(ended))
                    continue
            started: dict[str, Any] = {
                "state": RUNNING,
                "attempts": found.attempts + 1,
                "started_at": now,
                "ended_at": None,
            }
            connection.execute(here.values(**started, claimed_by=self._holder, claimed_until=until))
            return replace(found, **started)
        return None

    def hold(self, request: Request, until: datetime) -> bool:
        """Hold on to a claim; False where it is ours no more.

        Raises:
            HistoryError: the database failed.
        """
        return self._change(request, {"claimed_until": until})

    def give_back(self, request: Request, now: datetime) -> bool:
        """It was not tried to the end: it is due again, and that try does not count.

        Raises:
            HistoryError: the database failed.
        """
        return self._end(request, {"state": ASKED, "attempts": request.attempts - 1, "due_at": now})

    def end(
        self, request: Request, state: str, attempt: Mapping[str, Any], now: datetime, due: datetime, seconds: float
    ) -> bool:
        """Write what came of a try; False where the claim is ours no more, and nothing was written.

        Args:
            request: as it was claimed.
            state: in which it stands now; `ASKED` to have it tried again.
            attempt: what is to be told of the try.
            now: when it ended.
            due: not to be tried again before.
            seconds: that it took.

        Raises:
            HistoryError: the database failed.
        """
        outcome = json.dumps(_with(request, attempt))
        return self._end(
            request, {"state": state, "ended_at": now, "due_at": due, "seconds": seconds, "outcome": outcome}
        )

    def _end(self, request: Request, values: Mapping[str, Any]) -> bool:
        return self._change(request, {**values, "claimed_by": None, "claimed_until": None})

    def _change(self, request: Request, values: Mapping[str, Any]) -> bool:
        from sqlalchemy import update

        from accel_drift.history.alert_tables import requests as table

        own = (table.c.request_key == request.key, table.c.state == RUNNING, table.c.claimed_by == self._holder)
        change = update(table).where(*own, table.c.attempts == request.attempts).values(dict(values))
        return bool(self._store.write(lambda connection: connection.execute(change).rowcount))


def _with(request: Request, attempt: Mapping[str, Any]) -> dict[str, Any]:
    before = list((request.outcome or {}).get("attempts", ()))
    return {"attempts": [*before, dict(attempt)]}


def _lost(request: Request, now: datetime) -> dict[str, Any]:
    started = None if request.started_at is None else request.started_at.isoformat()
    told = "its runner ended before it did"
    return {
        "attempt": request.attempts,
        "state": "lost",
        "started_at": started,
        "seen_at": now.isoformat(),
        "error": told,
    }


def _all(history: History, monitor: str | None) -> list[Request]:
    from sqlalchemy import select

    from accel_drift.history.alert_tables import requests as table

    asked = select(table).order_by(table.c.id)
    if monitor is not None:
        asked = asked.where(table.c.name == monitor)
    rows = history._store.read(lambda connection: connection.execute(asked).mappings().all())
    return [_request(row) for row in rows]


def _request(row: Any) -> Request:
    outcome = row["outcome"]
    return Request(
        key=row["request_key"],
        monitor=row["name"],
        policy=row["policy"],
        window=row["window_key"],
        asked_at=row["asked_at"],
        reason=row["reason"],
        data=json.loads(row["data"]),
        state=row["state"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=row["seconds"],
        outcome=None if outcome is None else json.loads(outcome),
    )
