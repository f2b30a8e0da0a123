"""Windows of so many rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from accel_drift.monitor.cutting import Cut, Cutter, Piece, put
from accel_drift.monitor.rows import joined, some, times_of


@dataclass(slots=True)
class RowCutter(Cutter):
    """Windows of so many rows.

    Attributes:
        pieces: batches with rows that are needed, in their order.
        seen: rows taken in so far.
        start: where the next window begins.
        batches: number of each, and the places of its first row and after its last, as long as its rows are needed.
        breaks: places at which a window ends though it is not full.
    """

    pieces: deque[Piece] = field(default_factory=deque)
    seen: int = 0
    start: int = 0
    breaks: list[int] = field(default_factory=list)
    batches: deque[tuple[int, int, int]] = field(default_factory=deque)
    _at: int = 0

    def add(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        if self.windows.on is not None:
            times_of(batch.rows, self.windows.on)  # a batch that cannot be dated is refused as a whole
        self._put(batch, self.seen)
        self.seen += batch.rows.num_rows

    def again(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        self._put(batch, self._at)
        self._at += batch.rows.num_rows

    def _put(self, batch: Piece, first: int) -> None:
        put(self.pieces, replace(batch, first=first))
        self.batches.append((batch.batch, first, first + batch.rows.num_rows))

    def lost(self, rows: int) -> None:
        """Windows begin anew after them, and windows before that had some of them are not there any more."""
        self._at += rows
        self.pieces.clear()
        self.batches.clear()
        self.start = max(self.start, self._at)
        self.past = deque(cut for cut in self.past if cut.place[0] >= self._at)

    def pop(self) -> Cut | None:
        size = int(self.windows.rows or 0)
        end, short = self.start + size, False
        self.breaks = [place for place in self.breaks if place > self.start]
        if self.breaks and self.breaks[0] < end:
            end, short = self.breaks[0], True
        if end > self.seen:
            self._forget()
            return None
        rows, notes = self._between(self.start, end)
        if short:
            notes.append(f"the window was ended with {rows.num_rows:,} of {size:,} rows")
        key = f"rows {self.start}-{end - 1}"
        cut = Cut(key, self._next(), rows, *self._dated(rows), tuple(notes), (self.start, end))
        self.start = end if short else self.start + self.windows.row_step
        return cut

    def end(self, until: datetime | None) -> None:  # noqa: ARG002
        if self.seen > self.start:
            self.breaks.append(self.seen)

    @property
    def needed(self) -> int | None:
        held = self._held
        return None if held is None else held[0]

    def settled(self) -> None:
        self.past = deque(replace(cut, rows=self._between(*cut.place)[0]) for cut in self.past)

    @property
    def _first(self) -> int:
        """The first row that a window needs."""
        return min(self.start, self.past[0].place[0]) if self.past else self.start

    def _between(self, first: int, end: int) -> tuple[pa.Table, list[str]]:
        held = [piece for piece in self.pieces if piece.first < end and piece.end > first]
        return joined([p.rows.slice(max(first - p.first, 0), min(end, p.end) - max(first, p.first)) for p in held])

    def _forget(self) -> None:
        """Let go of rows that no window needs; what is left of a batch is copied, so that the rest can go."""
        first = self._first
        while self.batches and self.batches[0][2] <= first:
            self.batches.popleft()
        while self.pieces and self.pieces[0].end <= first:
            self.pieces.popleft()
        if self.pieces and first - self.pieces[0].first > self.pieces[0].rows.num_rows // 2:
            piece = self.pieces[0]
            left = np.arange(first - piece.first, piece.rows.num_rows)
            self.pieces[0] = replace(piece, rows=some(piece.rows, left), first=first)

    def _own(self) -> dict[str, Any]:
        held = self._held
        first = self.seen if held is None else held[1]
        return {"seen": self.seen, "start": self.start, "breaks": self.breaks, "from": first}

    @property
    def _held(self) -> tuple[int, int, int] | None:
        """The first batch with rows that a window needs."""
        first = self._first
        return next((batch for batch in self.batches if batch[2] > first), None)

    def _stand(self, state: Mapping[str, Any]) -> None:
        self.seen, self.start, self.breaks = state["seen"], state["start"], list(state["breaks"])
        self._at = state["from"]
