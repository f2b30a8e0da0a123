"""Estimators of performance on disk: see `accel_drift.arrow_files`; its rows are those of the reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend
from accel_drift.errors import SourceError
from accel_drift.predictions.performance import Performance

if TYPE_CHECKING:
    from accel_drift.predictions.estimated import PerformanceEstimator

FORMAT = 1
"""Number of the form of a file; a reader refuses a later one."""

_FORM = Form("performance estimator", "make one with PerformanceEstimator.save(path)", FORMAT, SourceError)
_PARTS = ("options", "classes", "positive", "reference", "calibration", "errors", "bounds")


def write(estimator: PerformanceEstimator, path: Path) -> None:
    """Write an estimator, all or nothing.

    Raises:
        SourceError: the folder does not exist or cannot be written to.
    """
    import pyarrow as pa

    header = {
        "options": estimator._options,
        "classes": estimator._classes,
        "positive": estimator._positive,
        "reference": estimator.reference.to_dict(),
        "calibration": estimator.calibration,
        "errors": estimator.errors,
        "bounds": estimator._bounds.tolist(),
    }
    chances, truth = estimator._rows
    flat = pa.array(chances.ravel(), pa.float64())
    columns = [pa.array(truth, pa.int32()), pa.FixedSizeListArray.from_arrays(flat, chances.shape[1])]
    _FORM.write(header, pa.RecordBatch.from_arrays(columns, names=["truth", "chances"]), path)


def read(path: Path, backend: str | Backend) -> PerformanceEstimator:
    """Read what `write` wrote.

    Raises:
        SourceError: there is no such file; or it is damaged, foreign, altered, or of a later format.
    """
    from accel_drift.predictions.estimated import PerformanceEstimator

    header, batch = _FORM.read(path)
    _FORM.require(path, header, _PARTS)
    made = PerformanceEstimator.__new__(PerformanceEstimator)
    made._options, made._backend = header["options"], backend
    made._classes, made._positive = tuple(header["classes"]), header["positive"]
    made.reference = Performance.from_dict(header["reference"])
    made.calibration, made.errors = header["calibration"], header["errors"]
    made._bounds = np.array(header["bounds"])
    chances = batch["chances"].flatten().to_numpy().reshape(-1, len(made._classes))
    made._fit(chances, batch["truth"].to_numpy().astype(np.int64))
    return made
