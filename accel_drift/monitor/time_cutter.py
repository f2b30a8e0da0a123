"""Windows of a stretch of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from accel_drift.monitor.cutting import Cut, Cutter, Piece, put
from accel_drift.monitor.rows import joined, some, times_of
from accel_drift.monitor.windows import Grid, as_datetime, as_us, length, spelled

_UNTIMED, _TIMED, _AHEAD = 0, 1, 2


@dataclass(slots=True)
class TimeCutter(Cutter):
    """Windows of a stretch of time.

    Attributes:
        panes: rows by the step in which they lie, each with its batch; a window is one or several steps.
        next: the first window that is not finished, called by its first step; None before any was.
        watermark: the latest time of a row.
        until: windows that end by this time are finished, whatever comes.
        last: the batch that was taken in last.
    """

    panes: dict[int, list[Piece]] = field(default_factory=dict)
    next: int | None = None
    watermark: int | None = None
    until: int | None = None
    last: int = 0
    _back: dict[tuple[int, int], list[Piece]] = field(default_factory=dict)

    def add(self, batch: Piece, now: datetime) -> None:
        times, there, panes = self._placed(batch, now)
        self.counts["untimed_rows"] += int(np.count_nonzero(there == _UNTIMED))
        self.counts["ahead_rows"] += int(np.count_nonzero(there == _AHEAD))
        good = there == _TIMED
        if self.next is not None:
            late = good & (panes < self.next)
            self.counts["late_rows"] += int(np.count_nonzero(late))
            good &= ~late
            some = good & (panes < self.next + self._size - 1)
            self.counts["partly_late_rows"] += int(np.count_nonzero(some))
        if good.any():
            latest = int(times[good].max())
            self.watermark = latest if self.watermark is None else max(self.watermark, latest)
        for pane, rows in _by(panes, good, batch.rows):
            put(self.panes.setdefault(pane, []), Piece(batch.batch, rows))
        self.last = batch.batch

    def again(self, batch: Piece, now: datetime) -> None:
        _, there, panes = self._placed(batch, now)
        good = there == _TIMED
        for pane, rows in _by(panes, good, batch.rows):
            if self.next is None or pane >= self.next:
                put(self.panes.setdefault(pane, []), Piece(batch.batch, rows))
            for cut in self.past:
                first, last, _ = cut.place
                if first <= pane < first + self._size and batch.batch <= last:
                    put(self._back.setdefault((cut.number, pane), []), Piece(batch.batch, rows))

    def lost(self, rows: int) -> None:
        """Their windows lack them."""

    def pop(self) -> Cut | None:
        open_panes = [pane for pane in self.panes if self.next is None or pane >= self.next]
        if not open_panes:
            return None
        place = min(open_panes)
        if self.next is not None:
            place = max(self.next, place - self._size + 1)
        start, end = self._grid.start(place), self._grid.start(place + self._size)
        in_time = self.watermark is not None and self.watermark - self.windows.lateness_us >= end
        if not in_time and (self.until is None or end > self.until):
            return None
        held = [piece for pane in range(place, place + self._size) for piece in self.panes.get(pane, ())]
        rows, notes = joined([piece.rows for piece in held])
        if self.next is not None and place > self.next:
            notes.append(f"no row is from {spelled(self._grid.start(self.next))} to {spelled(start)}")
        self.next = place + 1
        for pane in [pane for pane in self.panes if pane < self.next]:
            del self.panes[pane]
        about = (place, self.last, min(piece.batch for piece in held))
        return Cut(spelled(start), self._next(), rows, as_datetime(start), as_datetime(end), tuple(notes), about)

    def end(self, until: datetime | None) -> None:
        if until is None:
            ends = [self._grid.start(pane + self._size) for pane in self.panes]
            if not ends:
                return
            wanted = max(ends)
        else:
            wanted = as_us(until)
        self.until = wanted if self.until is None else max(self.until, wanted)

    @property
    def needed(self) -> int | None:
        held = [pieces[0].batch for pieces in self.panes.values()]
        return min([*held, *(cut.place[2] for cut in self.past)], default=None)

    def settled(self) -> None:
        made = []
        for cut in self.past:
            held = [p.rows for place in sorted(self._back) if place[0] == cut.number for p in self._back[place]]
            if held:
                made.append(replace(cut, rows=joined(held)[0]))
        self.past, self._back = deque(made), {}

    def _placed(self, batch: Piece, now: datetime) -> tuple[Any, Any, Any]:
        """Times (n,), whether rows can be believed (n,), and in which steps they lie (n,)."""
        times, there = times_of(batch.rows, str(self.windows.on))
        state = np.where(there, _TIMED, _UNTIMED)
        ahead = self.windows.ahead_us
        if ahead is not None:
            state = np.where(there & (times > as_us(now) + ahead), _AHEAD, state)
        return times, state, self._grid.place(times)

    @property
    def _grid(self) -> Grid:
        return Grid(self.windows.step, self.windows.origin_us)

    @property
    def _size(self) -> int:
        """Steps of a window."""
        step = self.windows.step
        return 1 if step.months else length(self.windows.time, "time").us // step.us

    def _own(self) -> dict[str, Any]:
        return {"next": self.next, "watermark": self.watermark, "until": self.until, "last": self.last}

    def _stand(self, state: Mapping[str, Any]) -> None:
        self.next, self.watermark = state["next"], state["watermark"]
        self.until, self.last = state["until"], state["last"]


def _by(panes: Any, good: Any, rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Rows by the step in which they lie, in the order in which they came."""
    places = np.flatnonzero(good)
    if not places.size:
        return
    own = panes[places]
    if places.size == rows.num_rows and own.min() == own.max():
        yield int(own[0]), rows
        return
    order = np.argsort(own, kind="stable")
    bounds = np.flatnonzero(np.diff(own[order])) + 1
    for group in np.split(order, bounds):
        yield int(own[group[0]]), some(rows, places[group])
