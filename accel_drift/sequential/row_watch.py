"""A stream of rows that is watched row by row, given in batches of any length, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from accel_drift.backends import Backend, open_backend
from accel_drift.data.schema import Schema
from accel_drift.errors import SchemaError
from accel_drift.files import path_of, write_text_atomically
from accel_drift.report.words import plural
from accel_drift.sequential.held_out import RunLength
from accel_drift.sequential.kernel_windows import Floats, Ints, Summed, kept_rows, latest, scan
from accel_drift.sequential.online import OnlineDetector
from accel_drift.sequential.points import Points
from accel_drift.sequential.rows import like
from accel_drift.turns import Turn

_AT_ONCE = 1 << 18
"""Kernel values of rows with those before them that are in memory at a time."""


class Learned(NamedTuple):
    """What a detector learned of a reference.

    `deviations` (window - 1,) are those of the statistic of 2, 3, ... rows without drift.
    """

    detector: OnlineDetector
    schema: Schema
    excluded: Mapping[str, str]
    points: Points
    reference: Summed
    deviations: Floats
    threshold: float
    run_length: RunLength


class State(NamedTuple):
    """Where a stream stands.

    Attributes:
        seen: rows so far.
        start: number of the first row after the last alarm.
        rows: (K, p) the newest rows as points, 0 before the first.
        means: (window - 1,) mean kernel values of the newest rows with the reference.
    """

    seen: int
    start: int
    rows: Floats
    means: Floats


class _Found(NamedTuple):
    """Alarms among a few rows: see `RowAlarms`."""

    row: Ints
    start: Ints
    statistic: Floats
    path: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RowAlarms:
    """Alarms among some rows of a stream, and the statistic at each row.

    Attributes:
        row: (E,) number of the row at which there was an alarm, counted from the stream's first, 0.
        start: (E,) number of the row with which the change likely began: within the window, the newest rows that are
            the furthest from the reference in standard deviations of as many rows without drift.
        statistic: (E,) what the statistic was.
        threshold: what it had to reach.
        first: number of the first of the T rows.
        path: (T,) the statistic at every row; NaN until the window is full, at the beginning and after an alarm.
    """

    row: Ints
    start: Ints
    statistic: Floats
    threshold: float
    first: int
    path: Floats

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`, one row an alarm."""
        import pyarrow as pa

        threshold = np.full(len(self), self.threshold)
        return pa.table({"row": self.row, "start": self.start, "statistic": self.statistic, "threshold": threshold})

    def to_svg(self, path: str | Path | None = None) -> str:
        """The statistic at every row, threshold and alarms as an SVG image; written to `path` where one is given.

        Of many rows each point shows the largest statistic of a few, so that no alarm is hidden.

        Raises:
            SourceError: the folder does not exist or cannot be written to, or the path is none.
        """
        from accel_drift.sequential.picture import Curve, draw

        made = draw(
            Curve(
                values=self.path,
                threshold=self.threshold,
                alarms=(self.row - self.first).tolist(),
                first=self.first,
                across="row",
                up="statistic",
                said=f"alarm at {self.threshold:.3g}",
            )
        )
        if path is not None:
            write_text_atomically(path, made)
        return made

    def __len__(self) -> int:
        return len(self.row)

    def __repr__(self) -> str:
        many = len(self.path)
        where = f"{many:,} rows" if not many else f"rows {self.first:,} to {self.first + many - 1:,}"
        return f"<RowAlarms: {len(self):,} in {where}>"


class RowWatch:
    """A reference, and a stream of rows in its midst. How the stream is cut into batches makes no difference to a bit.

    Attributes:
        detector: the options.
        threshold: what the statistic has to reach.
        run_length: how many rows without drift go by until an alarm, on average.
        seen: rows so far.
    """

    def __init__(self, learned: Learned, state: State | None = None) -> None:
        self._learned = learned
        window, width = learned.detector.window, learned.reference.points.shape[1]
        self._state = state or State(0, 0, np.zeros((kept_rows(window), width)), np.zeros(window - 1))
        self.detector, self.threshold, self.run_length = learned.detector, learned.threshold, learned.run_length
        self._turn = Turn()

    def __repr__(self) -> str:
        out = f", {len(self.excluded):,} excluded" if self.excluded else ""
        return (
            f"<RowWatch by {self.detector.name}: {plural(self.seen, 'row')}, threshold {self.threshold:.4g}, "
            f"{_rounded(self.run_length.mean)} rows to a false alarm, {plural(len(self.columns), 'column')}{out}>"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return self._learned.points.names

    @property
    def seen(self) -> int:
        """Rows so far."""
        return self._state.seen

    @property
    def excluded(self) -> Mapping[str, str]:
        """Column of the reference -> why it is not compared."""
        return MappingProxyType(dict(self._learned.excluded))

    @property
    def guarantee(self) -> str:
        """What an alarm promises, as a sentence."""
        n = len(self._learned.reference.points)
        return (
            f"if rows are independent of one another, about {_rounded(self.run_length.mean)} without drift to an alarm "
            f"on average over references; this one is a single sample, of which {n:,} rows are compared with"
        )

    def update(self, rows: Any) -> RowAlarms:
        """Look at the next rows, each in turn. Where it raises, nothing has changed. Threads that call it take turns.

        Args:
            rows: a data set, in any form that the reference may have; columns that it did not have are passed over.

        Raises:
            DataError: the rows cannot be read.
            SchemaError: a column of the reference is not there, or holds another sort of thing.
        """
        points = self._points(rows)
        with self._turn:
            return self._look(points)

    def save(self, path: str | Path) -> None:
        """Write what was learned and where the stream stands to one Arrow file, whole or not at all; never a pickle.

        It holds the reference rows that rows are compared with, scaled.

        Raises:
            ConfigError: the detector is not one of this package, so that it could not be loaded again.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.sequential.row_file import write

        write(self._learned, self._state, path_of(path))

    @classmethod
    def load(cls, path: str | Path, backend: str | Backend = "auto") -> RowWatch:
        """A stream as it stood when it was saved: what it says from here on is what it would have said.

        Args:
            path: of a file that `save` wrote, on whatever backend.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, of a later format, or of a
                detector that is not there.
        """
        from accel_drift.sequential.row_file import read

        opened, _ = open_backend(backend)
        return cls(*read(path_of(path), opened))

    def _points(self, rows: Any) -> Floats:
        known = self._learned
        try:
            return known.points(like(rows, known.schema, "batch", known.reference.backend))
        except SchemaError as error:
            if getattr(rows, "ndim", 2) != 1:
                raise
            raise SchemaError(f"{error}; an array of one dimension is one column: give one row as x[None]") from None

    def _look(self, points: Floats) -> RowAlarms:
        state, first = self._state, self.seen
        step = max(_AT_ONCE // self.detector.window, 1)
        none = np.zeros(0, np.int64)
        found = [_Found(none, none, np.zeros(0), np.zeros(0))]
        for lo in range(0, len(points), step):
            state, more = self._advance(state, points[lo : lo + step])
            found.append(more)
        self._state = state
        row, start, statistic, path = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return RowAlarms(row, start, statistic, self.threshold, first, path)

    def _advance(self, state: State, points: Floats) -> tuple[State, _Found]:
        """The state after some rows, and what was found in them."""
        known, window = self._learned, self.detector.window
        rows = np.concatenate([state.rows, points])
        means = np.concatenate([state.means, known.reference.means(points, state.seen)])
        lagged, within = latest(rows, state.seen, window), known.reference.within
        path = scan(lagged, means, within, self.detector.units(known.deviations)).statistic
        reached, alarms = np.flatnonzero(path >= self.threshold), [state.start - state.seen - 1]
        path[: max(alarms[0] + window, 0)] = np.nan
        while (at := np.searchsorted(reached, alarms[-1] + window)) < len(reached):
            alarms.append(int(reached[at]))
            path[alarms[-1] + 1 : alarms[-1] + window] = np.nan
        at_alarm = np.array(alarms[1:], np.int64)
        span = at_alarm[:, None] + np.arange(window)  # the window's rows: window - 1 are there before the first
        length = scan(lagged[:, span], means[span], within, known.deviations).length[:, 0]
        row = at_alarm + state.seen
        found = _Found(row, row + 1 - length, path[at_alarm], path)
        start = state.seen + alarms[-1] + 1
        now = State(state.seen + len(points), start, rows[-len(state.rows) :], means[len(points) :])
        return now, found


def _rounded(rows: float) -> str:
    """A number of rows to two digits: no more of it is known."""
    return f"{float(f'{rows:.2g}'):,.0f}"
