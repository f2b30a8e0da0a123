"""Batches in, windows out. What a cutter knows beside the rows is a few plain values, so that it can be kept.

A cutter that is given its state again, and then the batches from the first that it needs on, is where it was: the same
windows come out, whatever happened in between. Nothing here knows of reports, files or databases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping, MutableSequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from accel_drift.monitor.rows import times_of
from accel_drift.monitor.windows import Windows, as_datetime, as_us


@dataclass(frozen=True, slots=True)
class Cut:
    """A window that is finished.

    Attributes:
        key: what tells it from all others of its monitor.
        number: from 1, in the order in which windows are finished.
        rows: its rows: a table, or by file what was given.
        start: when it begins, or its first row happened; None where rows have no time.
        end: when it ends, or its last row happened.
        notes: what a reader of its report should know of how it was cut.
        place: how the cutter that made it finds its rows again: first and last batch or row, plain numbers.
    """

    key: str
    number: int
    rows: Any
    start: datetime | None = None
    end: datetime | None = None
    notes: tuple[str, ...] = ()
    place: tuple[int, ...] = ()


@dataclass(slots=True)
class Piece:
    """Rows of one batch.

    Attributes:
        batch: its number.
        rows: the rows.
        key: the batch's key.
        first: by rows, the place of its first row in the stream.
    """

    batch: int
    rows: Any
    key: str = ""
    first: int = 0

    @property
    def end(self) -> int:
        """By rows, the place after its last row."""
        return self.first + int(self.rows.num_rows)


def put(pieces: MutableSequence[Piece], piece: Piece) -> None:
    """Add a piece after others. Small ones are made one, of the first one's batch: single rows come cheap."""
    pieces.append(piece)
    while len(pieces) > 1 and _as_one(pieces[-2], pieces[-1]):
        last, before = pieces.pop(), pieces.pop()
        rows = pa.concat_tables([before.rows, last.rows]).combine_chunks()
        pieces.append(replace(before, rows=rows))


def _as_one(before: Piece, last: Piece) -> bool:
    a, b = before.rows, last.rows
    return bool(a.num_rows <= b.num_rows < _SMALL and a.schema.equals(b.schema))


_SMALL = 10_000
"""Rows from which on a piece is left as it is."""


@dataclass(slots=True)
class Cutter(ABC):
    """Cuts windows from batches.

    Attributes:
        windows: how.
        number: windows finished so far.
        past: finished windows whose rows are still wanted, the oldest first.
        counts: rows that entered no window, by the reason, since they were last told.
    """

    windows: Windows
    number: int = 0
    past: deque[Cut] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)

    @abstractmethod
    def add(self, batch: Piece, now: datetime) -> None:
        """Take the next batch in. Where it raises, nothing has changed."""

    @abstractmethod
    def pop(self) -> Cut | None:
        """The next window that is finished."""

    @abstractmethod
    def end(self, until: datetime | None) -> None:
        """Let windows be finished that are not full: all, or those that end by a time."""

    @property
    @abstractmethod
    def needed(self) -> int | None:
        """The first batch with rows that a window still needs; None where there is none."""

    @abstractmethod
    def again(self, batch: Piece, now: datetime) -> None:
        """Take in again a batch that is needed, after `load`."""

    def state(self) -> dict[str, Any]:
        """What it knows beside rows, as plain values."""
        past = [
            {**_times(cut), "key": cut.key, "number": cut.number, "notes": cut.notes, "place": cut.place}
            for cut in self.past
        ]
        return {"number": self.number, "past": past, "counts": dict(self.counts), **self._own()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Stand where a cutter stood. Batches from the first that is needed on follow, and then `settled`."""
        self.number, self.counts = state["number"], Counter(state["counts"])
        self.past = deque(
            Cut(p["key"], p["number"], None, _time(p["start"]), _time(p["end"]), tuple(p["notes"]), tuple(p["place"]))
            for p in state["past"]
        )
        self._stand(state)

    @abstractmethod
    def lost(self, rows: int) -> None:
        """In place of `again`, of a batch whose rows cannot be had any more."""

    @abstractmethod
    def settled(self) -> None:
        """All batches that were needed are here again: finished windows whose rows are wanted get theirs."""

    @abstractmethod
    def _own(self) -> dict[str, Any]: ...

    @abstractmethod
    def _stand(self, state: Mapping[str, Any]) -> None: ...

    def _dated(self, rows: Any) -> tuple[datetime | None, datetime | None]:
        """When rows happened, where windows are dated."""
        if self.windows.on is None or not isinstance(rows, pa.Table):
            return None, None
        times, there = times_of(rows, self.windows.on)
        if self.windows.ahead_us is not None:
            there = there & (times <= as_us(datetime.now(UTC)) + self.windows.ahead_us)
        if not there.any():
            return None, None
        return as_datetime(int(times[there].min())), as_datetime(int(times[there].max()))

    def _next(self) -> int:
        self.number += 1
        return self.number


def _times(cut: Cut) -> dict[str, Any]:
    return {which: None if at is None else as_us(at) for which, at in (("start", cut.start), ("end", cut.end))}


def _time(at: int | None) -> datetime | None:
    return None if at is None else as_datetime(at)
