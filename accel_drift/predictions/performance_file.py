"""Performance tracks on disk: see `accel_drift.arrow_files`; a row of the record batch is a row or a waiting label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend
from accel_drift.errors import SourceError
from accel_drift.predictions.errors_watched import Errors
from accel_drift.predictions.joining import Counts, Joining, Rows
from accel_drift.predictions.performance import Performance

if TYPE_CHECKING:
    from accel_drift.predictions.performance_track import PerformanceTrack

FORMAT = 1
"""Number of the form of a file; a reader refuses a later one."""

_FORM = Form("performance track", "make one with PerformanceTrack.save(path)", FORMAT, SourceError)
_PARTS = ("options", "baseline", "errors", "classes", "sort", "seen", "counts", "windows")


def write(track: PerformanceTrack, path: Path) -> None:
    """Write a track, all or nothing.

    Raises:
        SourceError: the folder does not exist or cannot be written to.
        ConfigError: the detector could not be found again by its name.
    """
    windows = list(track._joining.windows.values())
    _FORM.write(_header(track, windows), _batch(windows, track._joining.waiting, len(track._classes or ())), path)


def read(path: Path, backend: str | Backend) -> PerformanceTrack:
    """Read what `write` wrote.

    Raises:
        SourceError: there is no such file; or it is damaged, foreign, altered, or of a later format.
    """
    header, batch = _FORM.read(path)
    _FORM.require(path, header, _PARTS)
    return _track(header, _windows(header["windows"], batch), batch, repr(str(path)), backend)


def pack(track: PerformanceTrack) -> bytes:
    """All of a track but its windows."""
    return _FORM.pack(_header(track, []), _batch([], track._joining.waiting, len(track._classes or ())))


def pack_window(track: PerformanceTrack, key: str) -> bytes:
    """One window of a track."""
    rows = track._find(key)
    return _FORM.pack({"window": _about(rows)}, _batch([rows], {}, len(track._classes or ())))


def unpack(body: bytes, windows: Sequence[bytes], backend: str | Backend) -> PerformanceTrack:
    """A track from what `pack` and `pack_window` gave, the windows in the order they came.

    Raises:
        SourceError: something is damaged, foreign, altered, or of a later format.
    """
    origin = "performance track in memory"
    header, batch = _FORM.unpack(body, origin)
    _FORM.require(Path(origin), header, _PARTS)
    found = []
    for window in windows:
        about, rows = _FORM.unpack(window, origin)
        found += _windows([about["window"]], rows)
    return _track(header, found, batch, origin, backend)


def _header(track: PerformanceTrack, windows: Sequence[Rows]) -> dict[str, Any]:
    return {
        "options": track._options,
        "baseline": None if track._baseline is None else track._baseline.to_dict(),
        "errors": track._errors.to_plain(),
        "classes": track._classes,
        "sort": track._sort,
        "seen": track._seen,
        "counts": asdict(track._counts),
        "windows": [_about(rows) for rows in windows],
    }


def _about(rows: Rows) -> dict[str, Any]:
    return {"key": rows.key, "at": rows.at, "rows": len(rows.said), "chances": rows.chances is not None}


def _track(
    header: dict[str, Any], windows: Sequence[Rows], batch: Any, origin: str, backend: str | Backend
) -> PerformanceTrack:
    """A track from its header, its windows, and the rows after theirs: labels that wait."""
    from accel_drift.predictions.performance_track import PerformanceTrack

    baseline = None if header["baseline"] is None else Performance.from_dict(header["baseline"])
    made = PerformanceTrack(baseline, **header["options"], detector=None, backend=backend)
    made._errors = Errors.of_plain(header["errors"], origin, backend)
    made._classes = None if header["classes"] is None else tuple(header["classes"])
    made._sort, made._seen, made._counts = header["sort"], header["seen"], Counts(**header["counts"])
    first = sum(one["rows"] for one in header["windows"])
    waiting = zip(batch["id"].to_pylist()[first:], batch["truth"].to_pylist()[first:], strict=True)
    made._joining = Joining(header["options"]["conflict"], header["options"]["keep_labels"])
    made._joining.restore(windows, dict(waiting))
    return made


def _batch(windows: list[Rows], waiting: dict[str, int], classes: int) -> Any:
    """Rows of windows one after another, then labels that wait, which have no window."""
    import pyarrow as pa

    n, least = len(waiting), max(classes, 1)
    sizes = [len(rows.said) for rows in windows]
    chances = [
        np.full((size, least), np.nan) if rows.chances is None else rows.chances
        for rows, size in zip(windows, sizes, strict=True)
    ]
    flat = np.concatenate([*chances, np.full((n, least), np.nan)]).ravel()
    truth = np.concatenate([*(rows.truth for rows in windows), np.fromiter(waiting.values(), np.int64, n)])
    columns = {
        "id": pa.array([one for rows in windows for one in rows.ids] + list(waiting), pa.string()),
        "said": pa.array(np.concatenate([*(rows.said for rows in windows), np.full(n, -1)]), pa.int32()),
        "truth": pa.array(truth, pa.int32()),
        "chances": pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float64()), least),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _windows(told: Sequence[dict[str, Any]], batch: Any) -> list[Rows]:
    """The windows whose rows stand one after another."""
    ids = batch["id"].to_pylist()
    said, truth = (batch[name].to_numpy().astype(np.int64) for name in ("said", "truth"))
    chances = batch["chances"].flatten().to_numpy().reshape(len(ids), batch["chances"].type.list_size)
    windows, first = [], 0
    for one in told:
        part = slice(first, first + one["rows"])
        of_rows = chances[part].copy() if one["chances"] else None
        windows.append(Rows(one["key"], one["at"], ids[part], said[part].copy(), of_rows, truth[part].copy()))
        first = part.stop
    return windows
