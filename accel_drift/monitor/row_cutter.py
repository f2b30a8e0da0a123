"""Windows of so many rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from accel_drift.monitor.cutting import Cut, Cutter, Piece
from accel_drift.monitor.rows import joined, some, times_of


@dataclass(slots=True)
class RowCutter(Cutter):
    """Windows of so many rows.

    Attributes:
        pieces: batches with rows that are needed, in their order.
        seen: rows taken in so far.
        start: where the next window begins.
        breaks: places at which a window ends though it is not full.
    """

    pieces: deque[Piece] = field(default_factory=deque)
    seen: int = 0
    start: int = 0
    breaks: list[int] = field(default_factory=list)
    _at: int = 0

    def add(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        if self.windows.on is not None:
            times_of(batch.rows, self.windows.on)  # a batch that cannot be dated is refused as a whole
        self.pieces.append(replace(batch, first=self.seen, origin=self.seen))
        self.seen += batch.rows.num_rows

    def again(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        self.pieces.append(replace(batch, first=self._at, origin=self._at))
        self._at = self.pieces[-1].end

    def lost(self, rows: int) -> None:
        """Windows begin anew after them, and windows before that had some of them are not there any more."""
        self._at += rows
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
        first = self._first
        return next((piece.batch for piece in self.pieces if piece.end > first), None)

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
        while self.pieces and self.pieces[0].end <= first:
            self.pieces.popleft()
        if self.pieces and first - self.pieces[0].first > self.pieces[0].rows.num_rows // 2:
            piece = self.pieces[0]
            left = np.arange(first - piece.first, piece.rows.num_rows)
            self.pieces[0] = replace(piece, rows=some(piece.rows, left), first=first)

    def _own(self) -> dict[str, Any]:
        first = next((piece.origin for piece in self.pieces if piece.batch == self.needed), self.seen)
        return {"seen": self.seen, "start": self.start, "breaks": self.breaks, "from": first}

    def _stand(self, state: Mapping[str, Any]) -> None:
        self.seen, self.start, self.breaks = state["seen"], state["start"], list(state["breaks"])
        self._at = state["from"]
