"""Stream detectors in a monitor: they go down the rows of all windows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.backends import Backend
from accel_drift.data import CategoricalColumn, EmbeddingColumn, Kind, NumericColumn, read_table
from accel_drift.data.schema import listed
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.parts import Part, Told, column_names
from accel_drift.streams import get_class
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE
from accel_drift.streams.file import of_plain, to_plain
from accel_drift.streams.stream import Stream

_COLUMNS = "columns"


class Streams(Part):
    """Columns under a detector of streams, value after value in the order of the rows, from window to window.

    Where a column changed in a window, the report has a finding of it with the status "drifted", and the data set
    drifted. How often that happens where nothing changes is the detector's own promise, and is not corrected for the
    other tests; `StreamDetector.calibrate` sets it. A window that lacks a column, or in which it has no values, is
    passed over by it.

    Args:
        detector: a detector of streams such as `ad.ADWIN()`, or its name.
        columns: columns of numbers or of truth values.
        name: what tells this part from others; by default the detector's name.
        backend: where to compute: "numpy", "jax", "cupy" or "auto".

    Raises:
        ConfigError: there is no such detector, no column, or one twice.
    """

    def __init__(
        self,
        detector: StreamDetector | str,
        columns: Sequence[str],
        *,
        name: str = "",
        backend: str | Backend = "auto",
    ) -> None:
        made: Any = get_class(detector)() if isinstance(detector, str) else detector
        if not isinstance(made, StreamDetector):
            raise ConfigError(f"detector is {detector!r:.100}; it is a detector of streams such as ad.ADWIN()")
        self.detector, self.columns, self.name = made, column_names(columns, "columns"), name or made.name
        self._backend = backend
        self._stream = Stream(made, len(self.columns), backend=backend)
        self._new = True

    @property
    def once(self) -> bool:
        """A value is seen once."""
        return True

    def look(self, cut: Cut, rows: pa.Table) -> Told:  # noqa: ARG002
        """Go on with the window's rows.

        Raises:
            DataError: no column is there, or one holds what the detector does not read.
        """
        seen = self._stream.seen
        values, there = self._values(rows)
        found = self._stream.update(values)
        self._new = True
        changes = found.kind == CHANGE
        findings = []
        for place, column in enumerate(self.columns):
            own = np.flatnonzero(changes & (found.stream == place))
            n = int(np.count_nonzero(np.isfinite(values[:, place])))
            events = [(int(found.index[i]) - seen, float(found.before[i]), float(found.after[i])) for i in own.tolist()]
            findings.append(self._finding(column, events, seen, n))
        gone = [column for column, held in zip(self.columns, there, strict=True) if not held]
        warnings = (f"{self.name} passed this window over in {listed(gone)}: no such column",) if gone else ()
        count = Metric(f"{self.name}_changes", int(changes.sum()))
        return Told(tuple(findings), (count,), (), warnings)

    def changes(self) -> Mapping[str, bytes | None]:
        """The detector and where its streams stand."""
        if not self._new:
            return {}
        self._new = False
        return {"streams": json.dumps({**to_plain(self._stream.kept()), _COLUMNS: self.columns}).encode()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Go on from there, as long as it is the same detector of the same columns.

        Raises:
            ConfigError: it is another one.
        """
        self._new = not pieces
        if not pieces:
            self._stream = Stream(self.detector, len(self.columns), backend=self._backend)
            return
        given = json.loads(pieces["streams"])
        columns = tuple(given.pop(_COLUMNS, self.columns))
        kept = of_plain(given, f"the part {self.name!r}")
        if kept.detector != self.detector or kept.streams != len(self.columns) or columns != self.columns:
            raise ConfigError(
                f"the part {self.name!r} was begun with {kept.detector} on {listed(columns)}, and is given "
                f"{self.detector} on {listed(self.columns)}; give that again, or this part another name"
            )
        self._stream = Stream.resumed(kept, f"the part {self.name!r}", self._backend)

    def _values(self, rows: pa.Table) -> tuple[npt.NDArray[np.float64], list[bool]]:
        """(T, S) values, NaN where there is none, and which columns are there."""
        there = [name for name in self.columns if name in rows.column_names]
        if not there:
            raise DataError(f"there is no column {listed(self.columns)}; there are {listed(rows.column_names)}")
        table = read_table(rows.select(there), columns=there)
        out = np.full((rows.num_rows, len(self.columns)), np.nan)
        for place, name in enumerate(self.columns):
            if name in there:
                out[:, place] = _numbers(name, table.columns.get(name), table.excluded.get(name, ""))
        return out, [name in there for name in self.columns]

    def _finding(self, column: str, events: Sequence[tuple[int, float, float]], seen: int, n: int) -> Finding:
        note = ""
        if events:
            row, before, after = events[-1]
            told = f"{len(events)} times, the last time " if len(events) > 1 else ""
            note = f"changed {told}at row {row:,} of the window: {before:.4g} before, {after:.4g} after"
        status = Status.DRIFTED if events else Status.STABLE
        return Finding(
            column=column,
            columns=(column,),
            detector=self.detector.name,
            status=status if n else Status.ALL_MISSING,
            severity=Severity.WARNING if events else Severity.NONE,
            statistic=float(len(events)) if n else None,
            p_value=None,
            p_method="",
            adjusted_p_value=None,
            effect=events[-1][2] - events[-1][1] if events else None,
            interval=None,
            unit="change of the mean" if events else "",
            n_reference=seen,
            n_batch=n,
            note=note,
        )


def _numbers(name: str, column: Any, reason: str) -> npt.NDArray[np.float64]:
    if isinstance(column, NumericColumn):
        host = column.on_host()
        return np.where(host.mask(), host.values.astype(np.float64), np.nan)
    if isinstance(column, CategoricalColumn) and column.kind is Kind.BOOLEAN:
        return np.where(column.codes >= 0, np.array([c == "true" for c in column.categories])[column.codes], np.nan)
    held = "embeddings" if isinstance(column, EmbeddingColumn) else reason or "texts"
    raise DataError(f"column {name!r} holds {held}; a stream is of numbers or of truth values")
