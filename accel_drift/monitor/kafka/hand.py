"""What was read from topics and not yet handed over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accel_drift.data.schema import Column
from accel_drift.errors import DataError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.kafka.columns import Columns
from accel_drift.monitor.kafka.messages import Message, table_of

Place = tuple[str, int]
"""Topic and partition."""


def name_of(place: Place) -> str:
    """How a place is called where positions are written, and in reports."""
    return f"kafka:{place[0]}/{place[1]}"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message that cannot be read, and why."""

    place: Place
    offset: int
    why: str


@dataclass(slots=True)
class Lot:
    """Messages that are handed over together.

    Attributes:
        messages: those with rows, in the order in which they came.
        stands: where each partition goes on after them.
        damaged: those that could not be read.
        lost: texts about others that were not there any more.
    """

    messages: list[Message] = field(default_factory=list)
    stands: dict[Place, int] = field(default_factory=dict)
    damaged: list[Damaged] = field(default_factory=list)
    lost: list[tuple[Place, str]] = field(default_factory=list)

    def batch(self, columns: Columns, expected: Mapping[str, Column | None] | None) -> Batch:
        """As it is handed over. Messages whose values do not go with their columns are passed over."""
        rows: Any = None
        told: list[str] = []
        schema = columns.schema
        if self.messages:
            odd, schema = columns.sieve(self.messages, expected)
            self.damaged += [Damaged(one.place, one.offset, odd[n]) for n, one in enumerate(self.messages) if n in odd]
            self.messages = [one for n, one in enumerate(self.messages) if n not in odd]
        if self.messages:
            rows, told = table_of(self.messages, schema)
        position = {name_of(place): offset for place, offset in self.stands.items()}
        passed_over = (*(text for _, text in self.lost), *summed_up(self.damaged))
        return Batch(rows, "", position, passed_over, tuple(told))

    def halves(self, error: DataError) -> list[Lot]:
        """What it is handed over as when it was refused: two parts; one message alone is passed over."""
        if len(self.messages) <= 1:
            spoiled = [Damaged(one.place, one.offset, str(error)) for one in self.messages]
            return [Lot([], self.stands, [*self.damaged, *spoiled], self.lost)]
        middle = len(self.messages) // 2
        first, second = self.messages[:middle], self.messages[middle:]
        return [
            Lot(first, {one.place: one.offset + 1 for one in first}),
            Lot(second, self.stands, self.damaged, self.lost),
        ]


class Hand:
    """A lot that grows.

    Attributes:
        rows: how many it has.
        since: when its first message came; None while there is none.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.since: float | None = None
        self._lot = Lot()

    def add(self, message: Message, at: float) -> None:
        """A message came; one without rows only moves its place on."""
        if message.size:
            self._lot.messages.append(message)
            self.rows += message.size
        self.stand(message.place, message.offset + 1, at)

    def damaged(self, one: Damaged, at: float) -> None:
        """One came that cannot be read."""
        self._lot.damaged.append(one)
        self.stand(one.place, one.offset + 1, at)

    def lost(self, place: Place, text: str, to: int, at: float) -> None:
        """Some never came; it goes on at an offset."""
        self._lot.lost.append((place, text))
        self.stand(place, to, at)

    def stand(self, place: Place, offset: int, at: float) -> None:
        """A place goes on there."""
        self._lot.stands[place] = offset
        if self.since is None:
            self.since = at

    def drop(self, places: Collection[Place]) -> None:
        """Forget what came from places that somebody else reads now."""
        lot = self._lot
        lot.messages = [one for one in lot.messages if one.place not in places]
        lot.damaged = [one for one in lot.damaged if one.place not in places]
        lot.lost = [one for one in lot.lost if one[0] not in places]
        lot.stands = {place: offset for place, offset in lot.stands.items() if place not in places}
        self.rows = sum(one.size for one in lot.messages)
        if not lot.stands:
            self.since = None

    def cut(self) -> Lot:
        """All that there is; the hand is empty then."""
        lot, self._lot, self.rows, self.since = self._lot, Lot(), 0, None
        return lot


def summed_up(damaged: Sequence[Damaged]) -> list[str]:
    """A text for each place, with the number, the first and the last of its messages."""
    texts = []
    for place in dict.fromkeys(one.place for one in damaged):
        here = [one for one in damaged if one.place == place]
        first, last = here[0], here[-1]
        which = (
            f"offset {first.offset}"
            if len(here) == 1
            else f"offsets {first.offset} to {last.offset}, {len(here):,} messages"
        )
        texts.append(f"{name_of(place)}, {which}, passed over: {first.why}")
    return texts
