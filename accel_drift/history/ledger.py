"""Where a monitor stands: written in the transaction of the window that it follows from, so that both hold or neither.

A monitor takes in batches and cuts windows from them. The ledger holds which batches it took, the rows of those that no
finished window has used up, and a state that is plain text. Whoever writes says which revision it goes on from: of two
processes that run one monitor the second is told so, and nothing of its window is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from accel_drift.errors import SecondMonitorError
from accel_drift.history import writing
from accel_drift.history.steps import Recorded, Saved, Step, Taken
from accel_drift.history.store import Store
from accel_drift.history.tables import batches, parts, runs, states
from accel_drift.history.window import Metric, Window


class Ledger:
    """The ledger of one monitor. Every method may raise a `HistoryError`."""

    def __init__(self, store: Store, name: str, met: dict[Any, int]) -> None:
        writing.named(name)
        self._store, self._name, self._met = store, name, met

    def saved(self) -> Saved | None:
        """Where the monitor stands; None where it never began."""
        asked = select(states.c.revision, states.c.token, states.c.state)
        asked = asked.where(states.c.name == self._name)
        row = self._store.read(lambda connection: connection.execute(asked).first())
        return None if row is None else Saved(*row)

    def parts(self) -> dict[str, bytes]:
        """What its parts know: name of a piece -> its bytes."""
        asked = select(parts.c.part, parts.c.body).where(parts.c.name == self._name)
        rows = self._store.read(lambda connection: connection.execute(asked).all())
        return {row.part: bytes(row.body) for row in rows}

    def taken(self, first: int) -> list[Taken]:
        """The batches from a number on."""
        asked = select(*_TAKEN).where(batches.c.name == self._name, batches.c.number >= first)
        rows = self._store.read(lambda connection: connection.execute(asked.order_by(batches.c.number)).all())
        return [Taken(*row) for row in rows]

    def found(self, key: str = "", digest: str = "") -> Taken | None:
        """The latest batch of a key, or of a content with rows, without its rows."""
        by = [batches.c.batch_key == writing.sound(key)] if key else [batches.c.digest == digest, batches.c.rows != 0]
        asked = select(*_TAKEN[:-1]).where(batches.c.name == self._name, *by)
        asked = asked.order_by(batches.c.number.desc()).limit(1)
        row = self._store.read(lambda connection: connection.execute(asked).first())
        return None if row is None else Taken(row.number, row.batch_key, row.digest, row.rows, row.taken_at, None)

    def known(self, keys: Sequence[str]) -> dict[str, datetime]:
        """Which of these keys there are, and when the first batch of each was taken."""
        spelled = {writing.sound(key): key for key in keys if key}

        def work(connection: Connection) -> dict[str, datetime]:
            found: dict[str, datetime] = {}
            for first in range(0, len(spelled), _AT_ONCE):
                some = list(spelled)[first : first + _AT_ONCE]
                asked = select(batches.c.batch_key, func.min(batches.c.taken_at)).group_by(batches.c.batch_key)
                asked = asked.where(batches.c.name == self._name, batches.c.batch_key.in_(some))
                found |= {spelled[key]: at for key, at in connection.execute(asked)}
            return found

        return self._store.read(work)

    def windows(self, keys: Sequence[str]) -> dict[str, Window]:
        """The windows of these keys that there are, the earliest first."""
        spelled = {writing.sound(key): key for key in keys}

        def work(connection: Connection) -> list[Any]:
            found: list[Any] = []
            for first in range(0, len(spelled), _AT_ONCE):
                some = list(spelled)[first : first + _AT_ONCE]
                asked = select(runs.c.window_end, runs.c.id, runs.c.window_start, runs.c.window_key)
                asked = asked.where(runs.c.name == self._name, runs.c.window_key.in_(some))
                found += [tuple(row) for row in connection.execute(asked)]
            return sorted(found)

        found = self._store.read(work)
        return {spelled[key]: Window(spelled[key], start, end) for end, _, start, key in found}

    def write(
        self,
        step: Step,
        recorded: Recorded | None = None,
        measured: Mapping[str, Iterable[Metric]] | None = None,
    ) -> bool:
        """Go on by a step, together with a window and with numbers of earlier windows.

        Returns:
            Whether the window was written: False where the history had one of its key.

        Raises:
            HistoryError: the database failed, or another process runs this monitor; nothing was written.
        """
        now = datetime.now(UTC)
        window = None if recorded is None else writing.entry(self._name, *recorded)
        late = {key: writing.metric_rows(metrics, now) for key, metrics in (measured or {}).items()}

        def work(connection: Connection) -> tuple[bool, dict[Any, int]]:
            if not self._moved(connection, step, now):
                return True, {}  # an earlier try of this very step came through, and only its answer was lost
            self._changed(connection, step)
            numbers = None if window is None else writing.write(connection, window, self._met)
            for key, rows in late.items():
                writing.measure_known(connection, self._name, key, rows)
            for other in step.also:
                other(connection)
            return window is None or numbers is not None, numbers or {}

        written, numbers = self._store.write(work)
        self._met.update(numbers)
        return written

    def _moved(self, connection: Connection, step: Step, now: datetime) -> bool:
        """Put the monitor where the step leads; False where this step was made already."""
        to = step.to
        row = {"revision": to.revision, "token": to.token, "state": to.state, "updated_at": now}
        there = connection.execute(
            select(states.c.revision, states.c.token).where(states.c.name == self._name).with_for_update()
        ).first()
        if there is None and to.revision == 1:
            put = writing.upsert(connection)(states).values(name=self._name, **row)
            made = connection.execute(put.on_conflict_do_nothing(index_elements=["name"]).returning(states.c.name))
            if made.first() is not None:
                return True
        elif there is not None and there.revision == to.revision - 1:
            connection.execute(update(states).where(states.c.name == self._name).values(row))
            return True
        elif there is not None and (there.revision, there.token) == (to.revision, to.token):
            return False
        raise SecondMonitorError(
            f"another process runs the monitor {self._name!r}, or ran it since this one began: nothing of this window "
            "was written. Run it once, or give each its own name; to go on from where the other stands make a new "
            "Monitor of this name"
        )

    def _changed(self, connection: Connection, step: Step) -> None:
        """Write new batches, and let go of rows that are used up."""
        if step.taken:
            rows = [
                {
                    "name": self._name,
                    "number": one.number,
                    "batch_key": writing.sound(one.key),
                    "digest": one.digest,
                    "rows": one.rows,
                    "taken_at": one.at,
                    "body": one.body,
                }
                for one in step.taken
            ]
            connection.execute(insert(batches), rows)
        first, end = step.used
        if first < end:
            done = [batches.c.name == self._name, batches.c.number >= first, batches.c.number < end]
            connection.execute(delete(batches).where(*done, batches.c.batch_key == ""))
            connection.execute(update(batches).where(*done, batches.c.body.is_not(None)).values(body=None))
        for part, body in step.parts.items():
            own = parts.c.name == self._name, parts.c.part == part
            if body is None:
                connection.execute(delete(parts).where(*own))
                continue
            put = writing.upsert(connection)(parts).values(name=self._name, part=part, body=body)
            put = put.on_conflict_do_update(index_elements=["name", "part"], set_={"body": put.excluded.body})
            connection.execute(put)


_TAKEN = [batches.c[name] for name in ("number", "batch_key", "digest", "rows", "taken_at", "body")]

_AT_ONCE = 500
"""Keys of one question: databases have limits."""
