"""A watched stream of rows on disk: see `accel_drift.arrow_files`; the record batch is one row, an array a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend
from accel_drift.data.schema import Schema
from accel_drift.errors import AccelDriftError, ConfigError, SourceError
from accel_drift.sequential.held_out import RunLength
from accel_drift.sequential.kernel_windows import Summed
from accel_drift.sequential.online import OnlineDetector
from accel_drift.sequential.points import Points
from accel_drift.sequential.row_watch import Learned, State

FORMAT = 1
"""Number of the form; a reader refuses a later one."""

_FORM = Form("row-watch", "make one with OnlineMMD().open(reference).save(path)", FORMAT, SourceError)
_PARTS = (
    "detector",
    "options",
    "schema",
    "excluded",
    "points",
    "within",
    "threshold",
    "run_length",
    "seen",
    "start",
    "arrays",
)


def write(learned: Learned, state: State, path: Path) -> None:
    """Write a stream, all or nothing.

    Raises:
        ConfigError: the detector could not be found again by its name.
        SourceError: the folder does not exist or cannot be written to.
    """
    import pyarrow as pa

    detector = learned.detector
    if type(detector) not in _detectors():
        raise ConfigError(f"{type(detector).__name__} could not be loaded again: no online detector of this package")
    arrays = {
        "reference": learned.reference.points,
        "deviations": learned.deviations,
        "rows": state.rows,
        "means": state.means,
    }
    header = {
        "detector": detector.name,
        "options": {k: v for k, v in detector.summary().items() if k != "detector"},
        "schema": learned.schema.to_list(),
        "excluded": dict(learned.excluded),
        "points": learned.points.to_dict(),
        "within": learned.reference.within,
        "threshold": learned.threshold,
        "run_length": [repr(learned.run_length.mean), *map(repr, learned.run_length.interval), learned.run_length.rows],
        "seen": state.seen,
        "start": state.start,
        "arrays": {name: array.shape for name, array in arrays.items()},
    }
    columns = [pa.array([np.ascontiguousarray(array).tobytes()], pa.large_binary()) for array in arrays.values()]
    _FORM.write(header, pa.record_batch(columns, names=list(arrays)), path)


def read(path: Path, backend: Backend) -> tuple[Learned, State]:
    """Read what `write` wrote.

    Raises:
        SourceError: there is no such file; or it is damaged, foreign, altered, of a later format, or of a detector
            that is not there.
    """
    header, batch = _FORM.read(path)
    _FORM.require(path, header, _PARTS)
    try:
        detector = _named(header["detector"])(**header["options"])
        schema = Schema.from_list(header["schema"])
    except (AccelDriftError, TypeError) as error:
        raise SourceError(
            f"{str(path)!r} was saved by a detector that is not here: {error}; install the version that saved it"
        ) from error
    arrays = {name: _array(batch[name], shape) for name, shape in header["arrays"].items()}
    mean, low, high, rows = header["run_length"]
    learned = Learned(
        detector,
        schema,
        header["excluded"],
        Points.from_dict(header["points"]),
        Summed(arrays["reference"], header["within"], backend),
        arrays["deviations"],
        header["threshold"],
        RunLength(float(mean), (float(low), float(high)), rows),
    )
    return learned, State(header["seen"], header["start"], arrays["rows"], arrays["means"])


def _detectors() -> tuple[type[OnlineDetector], ...]:
    from accel_drift.sequential.kernel_cusum import KernelCUSUM
    from accel_drift.sequential.online_mmd import OnlineMMD

    return KernelCUSUM, OnlineMMD


def _named(name: str) -> type[OnlineDetector]:
    for kind in _detectors():
        if kind.name == name:
            return kind
    raise ConfigError(f"there is no online detector {name!r}")


def _array(column: Any, shape: list[int]) -> npt.NDArray[np.float64]:
    return np.frombuffer(column[0].as_py(), np.float64).reshape(shape)
