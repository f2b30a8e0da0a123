"""What is made once for one reference and handed to every batch that is compared with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

_ROOM = 8
"""Things kept at a time: a few detectors' matrices and sums of one reference, not those of every option ever tried."""


class Kept:
    """Things by name, the oldest dropped when there are too many. Held beside the reference, never by the process.

    Safe between threads without a lock, which a forked child could find taken: two threads may make the same thing at
    once, and then both get one of them. What is kept does not travel to another process; it is made anew there.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._things: dict[Hashable, Any] = {}

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """The thing of that name, made if it is not there. The same name must always mean the same thing."""
        found = self._things.get(name, self)
        if found is not self:
            return cast("T", found)
        made: T = self._things.setdefault(name, make())
        for old in list(self._things)[: -self._room]:
            self._things.pop(old, None)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Kept, (self._room,)
