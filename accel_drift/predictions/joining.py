"""Rows that wait for their labels, and labels that wait for their rows, joined by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.data.kinds import text_of
from accel_drift.errors import DataError
from accel_drift.predictions.labels import Places

Conflict: TypeAlias = Literal["last", "first"]
Ids: TypeAlias = list[str | None]

_BITS = 32
_ROW = (1 << _BITS) - 1


@dataclass(eq=False, slots=True)
class Rows:
    """The rows of a window.

    Attributes:
        key: its name.
        at: its time or number, as `accel_drift.predictions.track.placed` makes it.
        ids: of the n rows; None of a row without.
        said: (n,) place of the predicted class; -1 where there is none.
        chances: (n, k) probabilities, or None.
        truth: (n,) place of the true class; -1 where it is not known.
    """

    key: str
    at: float
    ids: Ids
    said: Places
    chances: npt.NDArray[np.float64] | None
    truth: Places


@dataclass(slots=True)
class Counts:
    """What became of labels.

    Attributes:
        joined: labels of rows that had none.
        repeated: labels that a row had already.
        contradicting: labels of rows that had another one.
        unknown: labels whose id no row has: they wait.
        missing: ids without a label, or labels without an id.
        dropped: labels that had waited longest, and gave way to others.
        shared: rows whose id a later row has: that one gets the label.
        forgotten: rows of forgotten windows that had an id and no label.
    """

    joined: int = 0
    repeated: int = 0
    contradicting: int = 0
    unknown: int = 0
    missing: int = 0
    dropped: int = 0
    shared: int = 0
    forgotten: int = 0


class Joining:
    """Windows of rows by id, and labels without a row.

    Attributes:
        windows: by their serial numbers, in the order they came.
        waiting: id -> place of the class, in the order they came.
    """

    def __init__(self, conflict: Conflict, most_waiting: int) -> None:
        self.windows: dict[int, Rows] = {}
        self.waiting: dict[str, int] = {}
        self._conflict, self._most = conflict, most_waiting
        self._slots: dict[str, int] = {}
        self._next = 0

    def add(self, rows: Rows, counts: Counts) -> Iterator[tuple[Rows, int]]:
        """Take a window in; the rows that a label was waiting for, as (window, row)."""
        serial = self._next
        self._next += 1
        self.windows[serial] = rows
        for place, one in enumerate(rows.ids):
            if one is None:
                continue
            counts.shared += one in self._slots
            self._slots[one] = serial << _BITS | place
        for place, one in enumerate(rows.ids):
            if one is not None and one in self.waiting and self._slots[one] == serial << _BITS | place:
                rows.truth[place] = self.waiting.pop(one)
                counts.joined += 1
                yield rows, place

    def label(self, ids: Ids, truth: Sequence[int], counts: Counts, changed: dict[str, None]) -> list[tuple[Rows, int]]:
        """Take labels in; the rows that had none before, as (window, row), in the order of the labels."""
        fresh = []
        for one, place in zip(ids, truth, strict=True):
            if one is None or place < 0:
                counts.missing += 1
                continue
            slot = self._slots.get(one)
            if slot is None:
                self._wait(one, place, counts)
                continue
            rows, row = self.windows[slot >> _BITS], slot & _ROW
            old = int(rows.truth[row])
            if old == place:
                counts.repeated += 1
                continue
            if old < 0:
                counts.joined += 1
                fresh.append((rows, row))
            else:
                counts.contradicting += 1
                if self._conflict == "first":
                    continue
            rows.truth[row] = place
            changed[rows.key] = None
        return fresh

    def remove(self, serial: int, counts: Counts) -> Rows:
        """Forget a window; rows before it that have one of its ids get the labels of that again."""
        rows = self.windows.pop(serial)
        unlabelled = (rows.truth < 0).tolist()
        counts.forgotten += sum(bare and one is not None for one, bare in zip(rows.ids, unlabelled, strict=True))
        free = {one for one in rows.ids if one is not None and self._slots[one] >> _BITS == serial}
        for one in free:
            del self._slots[one]
        for earlier in (other for other in self.windows if other < serial):
            for place, each in enumerate(self.windows[earlier].ids):
                if each in free:
                    self._slots[each] = earlier << _BITS | place
        return rows

    def restore(self, windows: Sequence[Rows], waiting: dict[str, int]) -> None:
        """Begin with what was kept, in the order it came."""
        for rows in windows:
            for _ in self.add(rows, Counts()):
                pass
        self.waiting = waiting

    def _wait(self, one: str, place: int, counts: Counts) -> None:
        old = self.waiting.get(one)
        if old is not None:
            counts.repeated += old == place
            counts.contradicting += old != place
            if self._conflict == "first":
                return
        else:
            counts.unknown += 1
        self.waiting[one] = place
        if len(self.waiting) > self._most:
            del self.waiting[next(iter(self.waiting))]
            counts.dropped += 1


def read_ids(given: Any) -> Ids:
    """Ids as texts, 7 and 7.0 as "7"; None where there is none.

    Raises:
        DataError: they are neither texts nor numbers, or no column at all.
    """
    import pyarrow as pa

    from accel_drift.data.streams import exported

    if hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__"):
        column = exported("ids", given)
    else:
        try:
            column = pa.array(given, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"ids cannot be read: {error}; give one text or number for each row, (n,)") from error
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    type_ = column.type
    if pa.types.is_integer(type_):
        column = column.cast(pa.string())
    elif pa.types.is_floating(type_):
        return [None if one is None or one != one else text_of(one) for one in column.to_pylist()]
    elif not (pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)):
        if column.null_count < len(column):
            raise DataError(f"ids hold {type_}; give one text or whole number for each row, (n,)")
        return [None] * len(column)
    found: Ids = column.to_pylist()
    return found
