"""A history as Parquet files, and back: three of windows, three of what alerts wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Select

from accel_drift.errors import SourceError
from accel_drift.files import path_of, write_bytes_atomically
from accel_drift.history import alert_files, queries
from accel_drift.history.store import Store
from accel_drift.history.tables import findings, metrics, runs
from accel_drift.history.writing import Entry, Subject, write

FILES = {"runs": queries.RUNS, "findings": queries.FINDINGS, "metrics": queries.METRICS}
_ORDER = {
    "runs": (runs.c.id,),
    "findings": (findings.c.run_id, findings.c.place),
    "metrics": (metrics.c.run_id, metrics.c.metric),
}
_ROWS = 20_000
"""Rows in memory at once when files are written."""
_PORTION = 100
"""Windows written in one transaction when files are read."""
_TOLD = 500
"""Alerts, or messages, or requests."""
_OF_WINDOW = ("name", "window", "window_start", "window_end")


def export(store: Store, folder: str | Path) -> Path:
    """Write all there is, as it was at one moment.

    Raises:
        SourceError: the folder cannot be made, or a file cannot be written.
    """
    home = path_of(folder)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"cannot write to the folder {home}: {error.strerror or error}") from error

    def work(connection: Connection) -> None:
        asked = {name: queries.picked(schema).order_by(*_ORDER[name]) for name, schema in FILES.items()}
        asked |= {name: alert_files.asked(name) for name in alert_files.FILES}
        for name, schema in (FILES | alert_files.FILES).items():
            write_bytes_atomically(home / f"{name}.parquet", partial(_written, connection, asked[name], schema))

    store.read(work, snapshot=True)
    return home


def restore(store: Store, folder: str | Path) -> int:
    """Add the windows of exported files that are not there yet; how many there were. What alerts wrote comes, too.

    Raises:
        SourceError: files are missing, are not those of an export, or not all of one.
    """
    home = path_of(folder)
    added = 0
    entries = _entries(home)
    while portion := list(islice(entries, _PORTION)):
        added += store.write(partial(_added, portion=portion))
    for name in alert_files.FILES:
        # Earlier versions exported windows alone.
        if (home / f"{name}.parquet").exists():
            told = (row for row in _rows(home, name) if alert_files.over(name, row))
            while some := list(islice(told, _TOLD)):
                store.write(partial(alert_files.add, name=name, rows=some))
    return added


def _added(connection: Connection, portion: Sequence[Entry]) -> int:
    return sum(write(connection, entry, {}) is not None for entry in portion)


def _written(connection: Connection, asked: Select[*tuple[Any, ...]], schema: pa.Schema, out: BinaryIO) -> None:
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in connection.execute(asked, execution_options={"yield_per": _ROWS}).partitions():
            writer.write_table(queries.table(rows, schema))


def _entries(home: Path) -> Iterator[Entry]:
    """Every window of the files with what belongs to it, in the order in which they were recorded."""
    told = _rows(home, "findings")
    measured: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _rows(home, "metrics"):
        measured.setdefault((row["name"], row["window"]), []).append(_without_window(row))
    for run in _rows(home, "runs"):
        key = (run["name"], run["window"])
        own = list(islice(told, run["findings"]))
        if len(own) != run["findings"] or any((row["name"], row["window"]) != key for row in own):
            raise SourceError(
                f"the files in {home} do not belong together: window {key[1]!r} of {key[0]!r} has {run['findings']} "
                "findings in runs.parquet and others in findings.parquet; export again"
            )
        run["window_key"] = run.pop("window")
        yield Entry(run, [_finding(row) for row in own], measured.get(key, []))


def _rows(home: Path, name: str) -> Iterator[dict[str, Any]]:
    file, schema = home / f"{name}.parquet", (FILES | alert_files.FILES)[name]
    try:
        with pq.ParquetFile(file) as held:
            if not held.schema_arrow.equals(schema):
                raise SourceError(f"{file} is not what a history exports; its columns are other ones")
            for batch in held.iter_batches(_ROWS):
                yield from batch.to_pylist()
    except FileNotFoundError:
        raise SourceError(f"there is no {file}; restore takes the folder that export wrote") from None
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"cannot read {file}: {error}") from error


def _finding(row: dict[str, Any]) -> tuple[Subject, dict[str, Any]]:
    columns: Sequence[str] = row.pop("columns")
    subject = Subject(row.pop("detector"), row.pop("column"), tuple(columns), row.pop("unit"))
    return subject, _without_window(row)


def _without_window(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OF_WINDOW}
