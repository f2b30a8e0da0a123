"""One trial: a contender learns the reference of a scenario for a seed and is asked about each of its batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from accel_drift.errors import AccelDriftError, DataError
from accel_drift.evaluation.identity import digest
from accel_drift.evaluation.judged import Judged, judged
from accel_drift.evaluation.remembered import remembered
from accel_drift.evaluation.scenarios import Batch, Laid

FORMAT = 3
"""Number of the form of a trial's rows; a part of another form is made anew."""

TIMES = ("fit_seconds", "batch_seconds")
"""Columns that are not the same each time a trial runs; all others are."""

OK, REFUSED, ERROR = "ok", "refused", "error"
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Task:
    """What a trial is made of.

    Attributes:
        name: of the contender.
        contender: an object with fit and detect.
        scene: name of the scenario.
        scenario: what it is made of.
        seed: decides the data, and what the contender draws.
        key: what its part is kept under.
        data: digest of the scenario; "" where its batches are not to be remembered for the next trial.
    """

    name: str
    contender: Any
    scene: str
    scenario: Any
    seed: int
    key: str
    data: str = ""


def key_of(contender: str, scenario: str, seed: int) -> str:
    """What the part of a trial is kept under: it differs where options, code, data, seed or the version do.

    Args:
        contender: its digest.
        scenario: its digest.
        seed: of the trial.
    """
    from accel_drift._version import version

    return digest(contender, scenario, seed, FORMAT, version())


def schema() -> Any:
    """The columns of a trial's rows, one a batch."""
    import pyarrow as pa

    kinds = {
        "contender": pa.string(),
        "scenario": pa.string(),
        "seed": pa.int64(),
        "batch": pa.int32(),
        "first_row": pa.int64(),
        "rows": pa.int64(),
        "drifted": pa.bool_(),
        "magnitude": pa.float64(),
        "onset_row": pa.int64(),
        "score": pa.float64(),
        "alarm": pa.bool_(),
        "alarm_row": pa.int64(),
        "status": pa.string(),
        "message": pa.string(),
        **dict.fromkeys(TIMES, pa.float64()),
    }
    nullable = {"magnitude", "onset_row", "score", "alarm", "alarm_row", *TIMES}
    return pa.schema([pa.field(name, kind, nullable=name in nullable) for name, kind in kinds.items()])


def run_trial(task: Task, *, alone: bool = True) -> Any:
    """The trial's rows as a `pyarrow.Table`; what the contender raises is kept in them.

    Args:
        task: what to run.
        alone: whether no other trial runs in this process, so that the generators that NumPy and Python share with
            everyone can be set to the seed; other libraries draw from them. They are given back as they were.

    Raises:
        DataError: the scenario has no batch, or cannot be made.
    """
    import pyarrow as pa
    from threadpoolctl import threadpool_limits

    scenario = _laid(task)
    own = int(np.random.SeedSequence([task.seed % 2**64, 1]).generate_state(1)[0]) >> 1
    # Sums of matrices differ in their last bits with the number of threads.
    with threadpool_limits(1), _generators(own if alone else None):
        rows = list(_rows(task, scenario, own))
    if not rows:
        raise DataError(f"scenario {task.scene!r} has no batch for seed {task.seed}")
    return pa.Table.from_pylist(rows, schema=schema())


def _rows(task: Task, scenario: Laid, seed: int) -> Iterator[dict[str, Any]]:
    fitted, refused, fit_seconds = _fit(task.contender, scenario.reference, seed)
    onset = scenario.onset_row
    for number, batch in enumerate(_batches(task, scenario), start=1):
        if onset is None and batch.drifted:
            onset = batch.first_row
        began = perf_counter()
        answer, status, message = (None, REFUSED, refused) if refused else _ask(fitted, batch)
        batch_seconds = perf_counter() - began
        known = answer is not None and not np.isnan(answer.score)
        yield {
            "contender": task.name,
            "scenario": task.scene,
            "seed": task.seed,
            "batch": number,
            "first_row": batch.first_row,
            "rows": batch.size,
            "drifted": batch.drifted,
            "magnitude": None if np.isnan(batch.magnitude) else batch.magnitude,
            "onset_row": onset,
            "score": answer.score if answer and known else None,
            "alarm": None if answer is None else answer.alarm,
            "alarm_row": _alarm_row(answer, batch),
            "status": status,
            "message": message,
            "fit_seconds": fit_seconds,
            "batch_seconds": None if answer is None else batch_seconds,
        }


def _laid(task: Task) -> Laid:
    try:
        return remembered(task.scenario, task.seed, task.data)
    except AccelDriftError:
        raise
    except Exception as error:
        raise DataError(f"scenario {task.scene!r} cannot be made for seed {task.seed}: {_told(error)}") from error


def _batches(task: Task, scenario: Laid) -> Iterator[Batch]:
    """The batches; what goes wrong in making them is no contender's fault, and ends the study."""
    try:
        yield from scenario.batches
    except Exception as error:
        raise DataError(f"scenario {task.scene!r} cannot be made for seed {task.seed}: {_told(error)}") from error


def _fit(contender: Any, reference: Any, seed: int) -> tuple[Any, str, float | None]:
    """The fitted contender, or why there is none; and the seconds that fit took."""
    try:
        # A fit may change the contender, and that must not reach the next trial.
        mine = deepcopy(contender)
        mine = mine.seeded(seed) if callable(getattr(mine, "seeded", None)) else mine
        began = perf_counter()
        fitted = mine.fit(reference)
        seconds = perf_counter() - began
        fitted = mine if fitted is None else fitted
        if not callable(getattr(fitted, "detect", None)):
            return (
                None,
                f"{type(fitted).__name__} has no detect(batch) once it is fitted; see evaluation.adapters",
                None,
            )
    except Exception as error:  # noqa: BLE001  whatever a contender raises is a result
        return None, _told(error), None
    return fitted, "", seconds


def _ask(fitted: Any, batch: Batch) -> tuple[Judged | None, str, str]:
    try:
        answer = judged(fitted.detect(batch.rows))
        if answer.row is not None and answer.row > batch.size:
            raise DataError(f"detect gave an alarm at row {answer.row:,} of a batch of {batch.size:,}")
        return answer, OK, ""
    except Exception as error:  # noqa: BLE001  whatever a contender raises is a result
        return None, ERROR, _told(error)


def _alarm_row(answer: Judged | None, batch: Batch) -> int | None:
    """Rows of the whole stream that had come when it alarmed."""
    if answer is None or not answer.alarm:
        return None
    return batch.first_row + (batch.size if answer.row is None else answer.row)


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return told if len(told) <= _LONGEST else told[: _LONGEST - 3] + "..."


@contextmanager
def _generators(seed: int | None) -> Iterator[None]:
    """Set the generators that a process shares, and give them back."""
    if seed is None:
        yield
        return
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
