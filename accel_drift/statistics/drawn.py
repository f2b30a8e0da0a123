"""Tables of counts drawn for one comparison, kept for the next detector that asks for the same ones.

Detectors of one column relabel it on the same stream, so the second of them would draw the very tables of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import cells, draws, nulls
from accel_drift.statistics.pairs import Counts, Table

Key = tuple[Hashable, ...]

ROOM = 1 << 26
"""Bytes kept for one comparison; what comes after is drawn anew."""


class Drawn:
    """Draws of relabelled and of resampled counts; the same arguments give the same tables, kept or not.

    Each column's stream depends on the seed and its name alone; whole blocks are dealt once for all columns, as rows
    of a table are.
    """

    def __init__(self, blocked: bool, room: int = ROOM) -> None:
        self._blocked = blocked
        self._kept: dict[Key, tuple[npt.NDArray[np.int32], ...]] = {}
        self._room = room

    def relabel(self, table: Table, seed: int, names: Sequence[str], first: int, count: int) -> tuple[Counts, Counts]:
        """`nulls.relabel` of the columns of these names: (C, count, k) twice."""
        streams = self._streams(seed, "null", names)
        key = ("relabel", *_content(table), streams.tobytes(), first, count)
        # What is not on the one side is on the other: only the reference is kept.
        (a,) = self._recall(key, lambda: nulls.relabel(table, self._blocked, streams, first, count)[:1])
        reference, batch = table.sides
        return a, (reference + batch)[:, None] - a

    def relabel_bins(
        self, fine: Table, bins: int, seed: int, names: Sequence[str], first: int, count: int
    ) -> tuple[Counts, Counts]:
        """Relabelled counts in quantile bins, cut anew in every relabelling: (C, count, 2 bins + 1) twice."""
        return cells.rebin(*self.relabel(fine, seed, names, first, count), bins)

    def resample(self, table: Table, seed: int, names: Sequence[str], count: int) -> tuple[Counts, Counts]:
        """`nulls.resample` of the columns of these names: (C, count, k) twice."""
        streams = self._streams(seed, "interval", names)
        key = ("resample", *_content(table), streams.tobytes(), count)
        a, b = self._recall(key, lambda: nulls.resample(table, self._blocked, streams, count))
        return a, b

    def _streams(self, seed: int, purpose: str, names: Sequence[str]) -> npt.NDArray[np.uint32]:
        return draws.keys(seed, purpose, ("\x1eblocks",) if self._blocked else names)

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


def _content(table: Table) -> Key:
    return tuple((side.shape, blake2b(np.ascontiguousarray(side).tobytes()).digest()) for side in table)
