"""What a detector saw in streams: where they changed, and where a change may be near."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

WARNING, CHANGE = 1, 2
"""Numbers of the events that a detector reports."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Events of S streams by time, then by stream.

    Attributes:
        index: (E,) number of the value after which it was seen, from 0 on, counted from the stream's first.
        stream: (E,) number of the stream, from 0 on.
        kind: (E,) `WARNING`, a stream entered the state in which a change may be near, or `CHANGE`.
        before: (E,) the detector's estimate of what the stream was like until then, most often its mean.
        after: (E,) its estimate of what the stream is like now.
        single: whether one stream was given as one row of values, so that its number goes without saying.
        names: of the streams, where they were columns of a table; else None.
    """

    index: Indices
    stream: Indices
    kind: Indices
    before: npt.NDArray[np.float64]
    after: npt.NDArray[np.float64]
    single: bool = False
    names: tuple[str, ...] | None = None

    @property
    def change_points(self) -> Indices:
        """Where a stream changed: (C,) indices of a single stream, else (C, 2) pairs of index and stream."""
        return self._of(CHANGE)

    @property
    def warnings(self) -> Indices:
        """Where a stream entered the state of warning, like `change_points`."""
        return self._of(WARNING)

    def changes(self) -> Events:
        """The change points alone."""
        return self._where(self.kind == CHANGE)

    def of_stream(self, stream: int) -> Events:
        """The events of one stream."""
        return replace(self._where(self.stream == stream), single=True)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`, one row an event, with "change" or "warning" as its kind, and the stream's name if any."""
        import pyarrow as pa

        kinds = np.where(self.kind == CHANGE, "change", "warning").tolist()
        columns = {"index": self.index, "stream": self.stream, "before": self.before, "after": self.after}
        table = pa.table(columns).add_column(2, "kind", [kinds])
        if self.names is None:
            return table
        names = pa.array(self.names, pa.string()).take(pa.array(self.stream))
        return table.add_column(2, "name", [names])

    def _where(self, which: npt.NDArray[np.bool_]) -> Events:
        columns = ("index", "stream", "kind", "before", "after")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})

    def _of(self, kind: int) -> Indices:
        which = self.kind == kind
        return self.index[which] if self.single else np.stack([self.index[which], self.stream[which]], axis=1)

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        changes = int((self.kind == CHANGE).sum())
        streams = len(np.unique(self.stream[self.kind == CHANGE]))
        where = "" if self.single else f" in {streams:,} streams"
        return f"<Events: {changes:,} change points{where}, {len(self) - changes:,} warnings>"
