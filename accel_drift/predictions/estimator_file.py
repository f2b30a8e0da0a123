"""Estimators of performance on disk: see `accel_drift.arrow_files`; a row of the record batch is a cell of a class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend
from accel_drift.errors import SourceError
from accel_drift.predictions.calibrating import Cells
from accel_drift.predictions.performance import Performance

if TYPE_CHECKING:
    from accel_drift.predictions.estimated import PerformanceEstimator

FORMAT = 1
"""Number of the form of a file; a reader refuses a later one."""

_FORM = Form("performance estimator", "make one with PerformanceEstimator.save(path)", FORMAT, SourceError)
_PARTS = ("options", "classes", "positive", "reference", "calibration", "errors", "bounds", "cells")
_COLUMNS = ("score", "rows", "hits")


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
        "cells": [len(one.score) for one in estimator._cells],
    }
    columns = [np.concatenate([getattr(one, name) for one in estimator._cells]) for name in _COLUMNS]
    _FORM.write(header, pa.record_batch(columns, names=list(_COLUMNS)), path)


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
    ends = np.cumsum(header["cells"])[:-1]
    parts = [np.split(batch[name].to_numpy(), ends) for name in _COLUMNS]
    made._cells = [Cells(*one) for one in zip(*parts, strict=True)]
    made._fit()
    return made
