"""What a contender said of a batch, in whatever form it says it, as a score and an alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan, log10, nan
from numbers import Integral, Real
from typing import Any

import numpy as np

from accel_drift.errors import DataError

_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged of an answer.

    Attributes:
        score: larger where drift is more likely; NaN where there is none.
        alarm: whether the detector alarmed.
        row: rows of the batch that had come when it alarmed, from 1 to all of them, which None stands for.
    """

    score: float
    alarm: bool
    row: int | None = None


def judged(answer: Any) -> Judged:
    """The score and the alarm of an answer.

    Args:
        answer: a `Judged`; True or False (the score is then 1 or 0); what our own detectors give (`Detection`,
            `Report`, `Look`, `Events`, `RowAlarms`); or alibi-detect's dict with "data". A number alone is refused: it
            does not say whether it is an alarm.

    Raises:
        DataError: it is nothing of these.
    """
    if isinstance(answer, Judged):
        return _checked(answer)
    if isinstance(answer, bool | np.bool_):
        return Judged(float(answer), bool(answer))
    if isinstance(answer, Mapping) and isinstance(answer.get("data"), Mapping) and "is_drift" in answer["data"]:
        return of_alibi(answer)
    for kind, read in _FORMS.items():
        if any(base.__name__ == kind and base.__module__.startswith("accel_drift.") for base in type(answer).__mro__):
            return read(answer)
    raise DataError(
        f"detect gave {_told(answer)}, which does not say whether it is an alarm; give evaluation.Judged(score, "
        "alarm), or True or False"
    )


def of_alibi(answer: Mapping[str, Any]) -> Judged:
    """The dict that detectors of alibi-detect give: the largest distance, and whether it is drift.

    Raises:
        DataError: it holds no "is_drift".
    """
    data = answer.get("data", {})
    if "is_drift" not in data:
        raise DataError("the answer has no data with 'is_drift'; give what a detector's predict gives")
    alarm = bool(np.any(data["is_drift"]))
    distance, p_value = data.get("distance"), data.get("p_val")
    if distance is not None:
        return Judged(float(np.nanmax(np.asarray(distance, dtype=np.float64))), alarm)
    if p_value is not None:
        return Judged(surprise(float(np.nanmin(np.asarray(p_value, dtype=np.float64)))), alarm)
    return Judged(float(alarm), alarm)


def surprise(p_value: float) -> float:
    """A p-value as a score: its negative logarithm to base 10."""
    return nan if isnan(p_value) else -log10(max(p_value, _SMALLEST))


def of_detection(answer: Any, score: str = "statistic") -> Judged:
    """What one of our detectors of batches says.

    Args:
        answer: a `Detection`.
        score: "statistic", the largest of the columns (of `Wasserstein`, whose statistic has each column's own unit,
            the largest effect); or "p_value", the negative logarithm of the smallest, for columns of several kinds.
    """
    values = np.asarray(answer.p_value if score == "p_value" else answer.statistic, dtype=np.float64)
    if score == "p_value":
        return Judged(surprise(_best(values, smallest=True)), bool(answer.drifted))
    if answer.findings and answer.findings[0].detector == "wasserstein":
        values = np.array([nan if f.effect is None else f.effect for f in answer.findings])
    return Judged(_best(values), bool(answer.drifted))


def _of_report(report: Any) -> Judged:
    known = [f.adjusted_p_value for f in report.findings if f.adjusted_p_value is not None]
    return Judged(surprise(min(known)) if known else nan, bool(report.drifted))


def _of_look(look: Any) -> Judged:
    return Judged(float(look.log_evidence), bool(look.alarm))


def _of_events(events: Any) -> Judged:
    changes = events.changes()
    first = int(changes.index.min()) + 1 if len(changes) else None
    return Judged(float(len(changes)), len(changes) > 0, first)


def _of_rows(alarms: Any) -> Judged:
    first = int(alarms.row[0]) - int(alarms.first) + 1 if len(alarms) else None
    # An alarm is at the row where the path reaches the threshold, whatever the path is afterwards.
    return Judged(_best(np.asarray(alarms.path, dtype=np.float64)), len(alarms) > 0, first)


_FORMS: dict[str, Callable[[Any], Judged]] = {
    "Detection": of_detection,
    "Report": _of_report,
    "Look": _of_look,
    "Events": _of_events,
    "RowAlarms": _of_rows,
}


def _best(values: np.ndarray[Any, np.dtype[np.float64]], *, smallest: bool = False) -> float:
    known = values[~np.isnan(values)]
    return nan if not known.size else float(known.min() if smallest else known.max())


def _checked(answer: Judged) -> Judged:
    if not isinstance(answer.score, Real) or not isinstance(answer.alarm, bool | np.bool_):
        raise DataError(f"detect gave {answer!r}; score is a number and alarm is True or False")
    row = answer.row
    if row is not None and (not isinstance(row, Integral) or isinstance(row, bool) or row < 1):
        raise DataError(f"detect gave an alarm at row {row!r}; it is how many rows of the batch had come, 1 or more")
    return Judged(float(answer.score), bool(answer.alarm), None if row is None else int(row))


def _told(answer: Any) -> str:
    text = repr(answer)
    return f"{type(answer).__name__} {text if len(text) < 60 else text[:57] + '...'}"
