"""Tables of counts drawn for one comparison, kept for the next detector that asks for the same ones.

Detectors of one column relabel it on the same stream, so the second of them would draw the very tables of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import intervals, nulls
from accel_drift.statistics.pairs import Counts, Table

Floats = npt.NDArray[np.float64]
Stream = npt.NDArray[np.uint32]
Key = tuple[Hashable, ...]

ROOM = 1 << 26
"""Bytes kept for one comparison; what comes after is drawn anew."""


class Drawn:
    """Draws of relabelled and of resampled counts; the same arguments give the same tables, kept or not."""

    def __init__(self, room: int = ROOM) -> None:
        self._kept: dict[Key, tuple[npt.NDArray[np.int32], ...]] = {}
        self._room = room

    def scores(
        self,
        score: Callable[[Counts, Counts], Floats],
        column: Table,
        blocked: bool,
        stream: Stream,
        first: int,
        count: int,
    ) -> Floats:
        """Scores of relabellings first ... first + count of a column's cells, (count,). See `nulls.relabel`."""
        return nulls.relabelled(score, column, blocked, stream, first, count, self.relabel)

    def relabel(self, column: Table, blocked: bool, stream: Stream, first: int, count: int) -> tuple[Counts, Counts]:
        """`nulls.relabel`: (count, k) twice."""
        key = ("relabel", *_content(column), blocked, stream.tobytes(), first, count)
        # What is not on the one side is on the other: only the reference is kept.
        (a,) = self._recall(key, lambda: nulls.relabel(column, blocked, stream, first, count)[:1])
        reference, batch = column.sides
        return a, reference + batch - a

    def relabel_bins(
        self, fine: Table, bins: int, blocked: bool, stream: Stream, first: int, count: int
    ) -> tuple[Counts, Counts]:
        """`nulls.relabel_bins`: (count, 2 bins + 1) twice."""
        key = ("bins", *_content(fine), bins, blocked, stream.tobytes(), first, count)
        a, b = self._recall(key, lambda: nulls.relabel_bins(fine, bins, blocked, stream, first, count, self.relabel))
        return a, b

    def untied_bins(
        self, rows: tuple[int, int], missing: int, bins: int, stream: Stream, first: int, count: int
    ) -> tuple[Counts, Counts]:
        """`nulls.untied_bins`: (count, bins + 1) twice."""
        key = ("untied", rows, missing, bins, stream.tobytes(), first, count)
        a, b = self._recall(key, lambda: nulls.untied_bins(rows, missing, bins, stream, first, count))
        return a, b

    def resamples(self, column: Table, blocked: bool, stream: Stream, count: int) -> tuple[Counts, Counts]:
        """`intervals.resamples`: (count, k) twice."""
        key = ("resamples", *_content(column), blocked, stream.tobytes(), count)
        a, b = self._recall(key, lambda: intervals.resamples(column, blocked, stream, count))
        return a, b

    def _recall(self, key: Key, make: Callable[[], tuple[Counts, ...]]) -> tuple[Counts, ...]:
        kept = self._kept.get(key)
        if kept is not None:
            return tuple(table.astype(np.int64) for table in kept)
        made = make()
        room = sum(table.size for table in made) * np.dtype(np.int32).itemsize
        if room <= self._room and all(int(table.max(initial=0)) <= np.iinfo(np.int32).max for table in made):
            self._kept[key] = tuple(table.astype(np.int32) for table in made)
            self._room -= room
        return made


def _content(column: Table) -> Key:
    return tuple((side.shape, blake2b(np.ascontiguousarray(side).tobytes()).digest()) for side in column)
