"""Streams on disk: see `accel_drift.arrow_files`; a row of the record batch is a stream, a column an array."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.arrow_files import Form
from accel_drift.errors import ConfigError, SourceError
from accel_drift.streams import get_class
from accel_drift.streams.base import StreamDetector

FORMAT = 1
"""Number of the form; a reader refuses a later one."""

_FORM = Form("stream", "make one with Stream.save(path)", FORMAT, SourceError)


class Kept(NamedTuple):
    """What is known of streams: see `accel_drift.streams.stream.Stream`; arrays have the streams as last axis."""

    detector: StreamDetector
    streams: int
    seen: int
    names: tuple[str, ...] | None
    arrays: Mapping[str, npt.NDArray[Any]]


def write(kept: Kept, path: Path) -> None:
    """Write streams, all or nothing.

    Raises:
        ConfigError: the detector could not be found again by its name, or an option is no plain value.
        SourceError: the folder does not exist or cannot be written to.
    """
    header, rows = _parts(kept)
    _FORM.write(header, rows, path)


def to_plain(kept: Kept) -> dict[str, Any]:
    """Streams as plain JSON values, for the file of something that has streams among other things.

    Raises:
        ConfigError: as `write`.
    """
    import pyarrow as pa

    header, rows = _parts(kept)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as out:
        out.write_batch(rows)
    return {**header, "rows": base64.b64encode(memoryview(sink.getvalue())).decode()}


def of_plain(given: Mapping[str, Any], origin: str) -> Kept:
    """Streams from what `to_plain` made.

    Args:
        given: the plain values.
        origin: where they are from, for messages.

    Raises:
        SourceError: they are of a detector that is not there, or a part is missing.
    """
    import pyarrow as pa

    try:
        rows = pa.ipc.open_stream(base64.b64decode(given["rows"])).read_next_batch()
        return _kept(given, rows, origin)
    except KeyError as error:
        raise SourceError(f"{origin} lacks {error} of its streams; save it again") from error


def _parts(kept: Kept) -> tuple[dict[str, Any], Any]:
    """The header of streams and their `pyarrow.RecordBatch`."""
    import pyarrow as pa

    detector, arrays = kept.detector, kept.arrays
    kind = type(detector)
    try:
        known = get_class(detector.name) is kind
    except ConfigError:
        known = False
    if not known:
        raise ConfigError(
            f"{kind.__name__} could not be loaded again: no detector of streams {detector.name!r} is this class; offer "
            'it under the entry points "accel_drift.streams"'
        )
    options = {k: v for k, v in detector.summary().items() if k != "detector"}
    try:
        json.dumps(options, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"an option of {detector} cannot be kept in a file: {error}") from error
    header = {
        "detector": detector.name,
        "options": options,
        "streams": kept.streams,
        "seen": kept.seen,
        "names": kept.names,
        "arrays": {name: {"dtype": a.dtype.str, "shape": a.shape[:-1]} for name, a in arrays.items()},
    }
    columns = [_bytes(np.moveaxis(a, -1, 0)) for a in arrays.values()]
    return header, pa.record_batch(columns, names=list(arrays))


def read(path: Path) -> Kept:
    """Read what `write` wrote.

    Raises:
        SourceError: there is no such file; or it is damaged, foreign, altered, of a later format, or of a detector
            that is not there.
    """
    header, batch = _FORM.read(path)
    _FORM.require(path, header, ("detector", "options", "streams", "seen", "names", "arrays"))
    return _kept(header, batch, repr(str(path)))


def _kept(header: Mapping[str, Any], batch: Any, origin: str) -> Kept:
    try:
        detector = get_class(header["detector"])(**header["options"])
    except (ConfigError, TypeError) as error:
        raise SourceError(
            f"{origin} was saved by a detector that is not here: {error}; install the version, or the package, "
            "that saved it"
        ) from error
    arrays = {name: _array(batch[name], **form) for name, form in header["arrays"].items()}
    names = header["names"]
    return Kept(detector, header["streams"], header["seen"], names if names is None else tuple(names), arrays)


def _bytes(rows: npt.NDArray[Any]) -> Any:
    """(S, ...) numbers as S pieces of bytes, a `pyarrow.FixedSizeBinaryArray`."""
    import pyarrow as pa

    width = rows.dtype.itemsize * prod(rows.shape[1:])
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows))]
    )


def _array(column: Any, dtype: str, shape: list[int]) -> npt.NDArray[Any]:
    """What `_bytes` made, with the streams last again."""
    rows = np.frombuffer(column.buffers()[1], dtype, count=len(column) * prod(shape))
    return np.ascontiguousarray(np.moveaxis(rows.reshape(len(column), *shape), 0, -1))
