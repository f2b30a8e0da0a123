"""How sure a model is, window by window, and columns of its predictions that a reference can compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.backends import Backend
from accel_drift.data.schema import listed
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.parts import Part, Told, column_name, column_names, only, stays
from accel_drift.monitor.rows import as_rows
from accel_drift.predictions import ConfidenceTrack, Estimate, predicted
from accel_drift.predictions.degradation import Reference
from accel_drift.predictions.track import ESTIMATES

WINDOWS = 60
"""So many of the latest windows are looked at for a trend: of as many its law is exact."""


class Confidences(Part):
    """How sure a model is of its predictions, in numbers for the history, and whether it became less sure.

    Adds columns to the rows: confidence, entropy, margin and predicted, the class, so that a reference that has them,
    too, shows prediction drift: fit it on `part.prepare(rows)`. Where there are probabilities of a reference, each
    window is tested for a fall of the mean confidence, at the level alpha, by itself; a fall is a finding of the report
    under the detector "confidence", and the data set drifted. A trend over the last windows is told in the notes.

    Args:
        probabilities: columns with a probability for each class, or one column of lists of them.
        score: instead of these, the column with the chance of the second of two classes.
        classes: names of the classes; by default those of the columns, else 0 to k - 1.
        reference: a data set with these columns, to compare confidence with.
        name: what tells this part from others.
        prefix: what the names of added columns begin with.
        options: further ones of `predictions.ConfidenceTrack`: alpha, tolerance, bounds, bins, rounding, backend.

    Raises:
        ConfigError: an option cannot work.
        DataError: the reference has no such columns.
    """

    def __init__(
        self,
        probabilities: Sequence[str] | str | None = None,
        *,
        score: str | None = None,
        classes: Sequence[str] | None = None,
        reference: Any = None,
        name: str = "confidence",
        prefix: str = "",
        **options: Any,
    ) -> None:
        only(options, _OPTIONS, "Confidences")
        self.source, self.score = sources(probabilities, score)
        self.name, self._prefix = name, prefix
        self._classes = tuple(classes) if classes else (self.source if len(self.source) > 1 else None)
        self._options = {"classes": self._classes, "keep": WINDOWS, **options}
        self.columns = tuple(dict.fromkeys([*self.source, *(f"{prefix}{name}" for name in ADDED)]))
        self._track, self._new = ConfidenceTrack(**self._options), True
        self._other: tuple[str, ...] = ()
        self._reference = None if reference is None else self._learned(as_rows(reference, None))

    def prepare(self, rows: Any) -> pa.Table:
        """The rows with columns of what the model says.

        Args:
            rows: a data set, in any form that `Profile.score` takes.

        Raises:
            DataError: there are no such columns, the probabilities are none, or a column of an added name is there.
        """
        backend: str | Backend = self._options.get("backend", "auto")
        rounding = self._options.get("rounding")
        rows = as_rows(rows, None)
        made = predicted(chances(rows, self.source), classes=self._classes, rounding=rounding, backend=backend)
        for name in made.column_names:
            if f"{self._prefix}{name}" in rows.column_names:
                raise DataError(f"there is a column {self._prefix + name!r} already; give a prefix")
            rows = rows.append_column(f"{self._prefix}{name}", made[name].cast(_plain(made[name].type)))
        return rows

    def look(self, cut: Cut, rows: pa.Table) -> Told:
        """Sum the window up.

        Raises:
            DataError: there are no such columns, or they are no probabilities.
        """
        if rows.num_rows == 0:
            raise DataError("the window has no rows")
        found = self._track.update(chances(rows, self.source), at=cut.number).confidence
        self._new = True
        metrics = []
        for which in _TOLD:
            estimate = getattr(found, which)
            if isinstance(estimate, Estimate):
                metrics.append(Metric(f"mean_{which}" if which in _MEANS else which, *estimate, found.rows))
        findings = () if self._reference is None else (self._finding(self._reference, self._sure(rows)),)
        other, self._other = self._other, ()
        return Told(findings, tuple(metrics), self._trend(), other)

    def changes(self) -> Mapping[str, bytes | None]:
        """The track of the last windows."""
        if not self._new:
            return {}
        self._new = False
        return {"track": self._track.to_bytes()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Go on from the track that was written."""
        self._new = not pieces
        backend = self._options.get("backend", "auto")
        given, self._other = ConfidenceTrack(**self._options), ()
        self._track = ConfidenceTrack.of_bytes(pieces["track"], backend) if pieces else given
        # Windows are judged with alpha and tolerance as they are given now.
        begun = {name: value for name, value in self._track._options.items() if name not in ("alpha", "tolerance")}
        self._other = stays(self.name, given._options, begun)

    def _learned(self, rows: pa.Table) -> Reference:
        """What windows are compared with."""
        values = self._sure(self.prepare(rows))
        alpha, tolerance = float(self._options.get("alpha", 0.01)), float(self._options.get("tolerance", 0.0))
        return Reference(values, alpha, tolerance, self._options.get("backend", "auto"))

    def _sure(self, rows: pa.Table) -> npt.NDArray[np.float64]:
        """The confidences that are there."""
        return np.asarray(rows.column(f"{self._prefix}confidence").drop_null().to_numpy(), np.float64)

    def _trend(self) -> tuple[str, ...]:
        if len(self._track) < _FEWEST:
            return ()
        found = self._track.trend(alternative="falling")
        alpha = float(self._options.get("alpha", 0.01))
        if found.slope is None or found.p_value > alpha:
            return ()
        told = f"confidence falls by {-found.slope:.2g} a window over the last {found.points} windows"
        return (f"{told} (Mann-Kendall p = {found.p_value:.2g})",)

    def _finding(self, reference: Reference, values: npt.NDArray[np.float64]) -> Finding:
        column, found = f"{self._prefix}confidence", reference.against(values)
        fall = found.fall
        ends = None if fall.low is None or fall.high is None else (fall.low, fall.high)
        tested = Status.DRIFTED if found.degraded else Status.STABLE
        return Finding(
            column=column,
            columns=(column,),
            detector="confidence",
            status=Status.TOO_FEW_ROWS if found.p_value is None else tested,
            severity=Severity.WARNING if found.degraded else Severity.NONE,
            statistic=fall.value,
            p_value=found.p_value,
            p_method="" if found.p_value is None else "asymptotic",
            adjusted_p_value=found.p_value,
            effect=fall.value,
            interval=ends,
            unit="fall of the mean confidence",
            n_reference=len(reference.values),
            n_batch=len(values),
        )


ADDED = ("confidence", "entropy", "margin", "predicted")
_MEANS = ("confidence", "entropy", "margin", "mutual_information")
_TOLD = tuple(name for name in ESTIMATES if name not in ("relative_entropy", "accuracy", "gap", "fall"))
_FEWEST = 8
_OPTIONS = ("alpha", "tolerance", "bounds", "bins", "rounding", "keep", "backend")


def sources(probabilities: Sequence[str] | str | None, score: str | None) -> tuple[tuple[str, ...], bool]:
    """Columns that hold what a model says, and whether they are one of scores.

    Raises:
        ConfigError: none is given, both are, or they are no names.
    """
    if (probabilities is None) == (score is None):
        raise ConfigError(
            "give probabilities=[a column for each class], or score= the column of the second class's chance"
        )
    if score is not None:
        column_name(score, "score")
        return (score,), True
    return (probabilities,) if isinstance(probabilities, str) else column_names(probabilities, "probabilities"), False


def chances(rows: pa.Table, columns: Sequence[str]) -> Any:
    """What a model says, as `predictions` reads it.

    Raises:
        DataError: there are no such columns.
    """
    if gone := [name for name in columns if name not in rows.column_names]:
        raise DataError(f"there is no column {listed(gone)} of probabilities; there are {listed(rows.column_names)}")
    return rows.column(columns[0]) if len(columns) == 1 else rows.select(list(columns))


def _plain(type_: Any) -> Any:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
