"""Windows that are whole batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from accel_drift.history.window import fitting
from accel_drift.monitor.cutting import Cut, Cutter, Piece


@dataclass(slots=True)
class BatchCutter(Cutter):
    """Every batch is a window.

    Attributes:
        pieces: batches that are not handed out yet.
        next: the first that is not.
    """

    pieces: deque[Piece] = field(default_factory=deque)
    next: int = 1
    _back: dict[int, Any] = field(default_factory=dict)

    def add(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        self._dated(batch.rows)  # a batch that cannot be dated is refused
        self.pieces.append(batch)

    def again(self, batch: Piece, now: datetime) -> None:  # noqa: ARG002
        if batch.batch >= self.next:
            self.pieces.append(batch)
        self._back[batch.batch] = batch.rows

    def lost(self, rows: int) -> None:
        """Its window is lost with it."""

    def pop(self) -> Cut | None:
        if not self.pieces:
            return None
        batch = self.pieces.popleft()
        self.next = batch.batch + 1
        key = fitting(batch.key) if batch.key else f"batch {batch.batch}"
        return Cut(key, self._next(), batch.rows, *self._dated(batch.rows), (), (batch.batch,))

    def end(self, until: datetime | None) -> None:
        """Every window is full."""

    @property
    def needed(self) -> int | None:
        return min([*(p.batch for p in self.pieces), *(cut.place[0] for cut in self.past)], default=None)

    def settled(self) -> None:
        self.past = deque(
            replace(cut, rows=self._back[cut.place[0]]) for cut in self.past if cut.place[0] in self._back
        )
        self._back = {}

    def _own(self) -> dict[str, Any]:
        return {"next": self.next}

    def _stand(self, state: Mapping[str, Any]) -> None:
        self.next = state["next"]
