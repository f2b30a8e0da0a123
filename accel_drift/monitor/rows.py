"""Rows from wherever they are, as Arrow tables that can be put together, cut, kept and dated."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from accel_drift.data import CategoricalColumn, NumericColumn, Schema, Table, read_table
from accel_drift.data.schema import Column, Kind, listed
from accel_drift.errors import DataError, SchemaError, SourceError
from accel_drift.monitor.windows import EARLIEST, LATEST, Times

_AT_ONCE = 128 << 20
"""Bytes of a batch at most that are kept as one: databases have limits."""

_SMALL = 1_000
"""Rows of a table below which reading it costs more than copying it."""

_TO_US = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def is_path(given: Any) -> bool:
    """Whether rows lie in a file, and can be read again."""
    return isinstance(given, (str, os.PathLike))


def as_rows(given: Any, schema: Schema | None) -> pa.Table:
    """Rows as an Arrow table, in types as they came; of a file of text in those of the reference.

    Args:
        given: a data set, in any form that `Profile.score` takes.
        schema: the reference's columns, where they are known.

    Raises:
        DataError: it cannot be read.
    """
    if isinstance(given, pa.Table):
        found = given
    elif isinstance(given, pa.RecordBatch):
        found = pa.Table.from_batches([given])
    elif hasattr(given, "__arrow_c_stream__") and not is_path(given):
        found = _exported(given)
    else:
        found = _read(given, schema)
    if len(set(found.column_names)) < found.num_columns:
        raise DataError(f"columns have the same name: {listed(found.column_names)}; rename them")
    return _without_codes(found)


def _exported(given: Any) -> pa.Table:
    try:
        return pa.RecordBatchReader.from_stream(given).read_all()
    except (pa.ArrowException, TypeError, ValueError) as error:
        # One odd column of a frame must not spoil it: what cannot be had is left out there, with the reason.
        try:
            return _arrow_of(read_table(given))
        except DataError:
            raise DataError(f"cannot read rows from a {type(given).__name__}: {error}") from error


def _read(given: Any, schema: Schema | None) -> pa.Table:
    if is_path(given):
        from accel_drift.data.folders import find_files
        from accel_drift.data.formats import errors_of, format_of

        found = find_files(given)
        if found.lone and not found.above and format_of(found.parts[0].path).family == "Parquet":
            import pyarrow.parquet as pq

            path = found.parts[0].path
            if not path.is_file() or path.stat().st_size == 0:
                raise SourceError(f"there is no file {path}, or it is empty (0 bytes)")
            with errors_of(path), pq.ParquetFile(path) as file:
                return pa.Table.from_batches(list(file.iter_batches(1 << 20)), schema=file.schema_arrow)
    return _arrow_of(read_table(given, schema=_steering(given, schema)))


def _steering(given: Any, schema: Schema | None) -> Schema | None:
    """What a file of text is read by. Columns made from others are made when the window is compared, not now."""
    if schema is None or not is_path(given):
        return None
    made = [Column(c.source, Kind.CATEGORICAL, "string") for c in schema.columns if c.derived and c.derived != "gaps"]
    return Schema((*(c for c in schema.columns if not c.derived), *made))


def _arrow_of(table: Table) -> pa.Table:
    """A table that was read, in the types that Arrow has for its kinds."""
    batch = table.to_arrow()
    arrays = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        column = table.columns[name]
        if isinstance(column, CategoricalColumn) and column.kind is Kind.BOOLEAN:
            texts = array.dictionary_decode()
            arrays.append(
                pc.call_function("equal", [texts, pa.scalar("true")])
                if set(column.categories) <= {"true", "false"}
                else texts
            )
        elif isinstance(column, NumericColumn) and column.unit in ("D", "s", "ms", "us", "ns"):
            arrays.append(_dated(array, column.kind, column.unit))
        else:
            arrays.append(array)
    return pa.table(arrays, names=batch.schema.names)


def _dated(array: Any, kind: Kind, unit: str) -> Any:
    if kind is not Kind.TIMESTAMP:
        return array if unit == "D" else array.cast(pa.int64()).cast(pa.duration(unit))
    if unit == "D":
        return array.cast(pa.int32()).cast(pa.date32())
    return array.cast(pa.int64()).cast(pa.timestamp(unit))


def _without_codes(table: pa.Table) -> pa.Table:
    """Categories as the texts they stand for: their codes differ from batch to batch. A schema's remarks go."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    index = [name for name in table.column_names if name.startswith("__index_level_")]
    return table.drop_columns(index).replace_schema_metadata(None)


def joined(tables: Sequence[pa.Table]) -> tuple[pa.Table, list[str]]:
    """Tables one after the other, and what had to be done to columns for it.

    A column that is not in all of them is null where it is not. One whose types do not go together is text.
    """
    if len(tables) == 1:
        return tables[0], []
    try:
        found = pa.concat_tables(tables, promote_options="permissive")
        # Of many small ones a table in as many chunks would be read as slowly as they are.
        return found.combine_chunks() if found.num_rows < _SMALL * len(tables) else found, []
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        pass
    told, mended = [], list(tables)
    for name in dict.fromkeys(name for table in tables for name in table.column_names):
        held = [table.schema.field(name) for table in mended if name in table.column_names]
        try:
            pa.unify_schemas([pa.schema([pa.field(name, field.type)]) for field in held], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            types = " and ".join(dict.fromkeys(str(field.type) for field in held))
            mended = [_as_text(table, name) for table in mended]
            left = any(name in table.column_names for table in mended)
            what = "it is compared as text" if left else "it is left out, since it has no text"
            told.append(f"column {name!r} is of types {types} within this window; {what}")
    return pa.concat_tables(mended, promote_options="permissive"), told


def _as_text(table: pa.Table, name: str) -> pa.Table:
    if name not in table.column_names:
        return table
    place = table.column_names.index(name)
    try:
        return table.set_column(place, name, table.column(place).cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return table.remove_column(place)


def in_parts(table: pa.Table) -> list[pa.Table]:
    """A table in parts that a database can keep."""
    parts = max(1, -(-table.nbytes // _AT_ONCE))
    step = max(1, -(-table.num_rows // parts))
    return [table.slice(first, step) for first in range(0, max(table.num_rows, 1), step)] if parts > 1 else [table]


def some(table: pa.Table, rows: npt.NDArray[Any]) -> pa.Table:
    """Some rows, copied: what is left of the table can go."""
    return table.take(pa.array(rows))


_WORTH_PACKING = 1 << 16
"""Bytes from which on compression takes less time than it saves: of every buffer it takes some microseconds."""


def packed(table: pa.Table) -> bytes:
    """Rows as bytes."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4" if table.nbytes > _WORTH_PACKING else None)
    with pa.ipc.new_stream(sink, table.schema, options=options) as out:
        out.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unpacked(body: bytes) -> pa.Table:
    """The rows that `packed` wrote."""
    with pa.ipc.open_stream(body) as stream:
        return stream.read_all()


def digest_of(path: Path) -> str:
    """Of what a file holds; of a folder, of its files' names, sizes and times.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        made = hashlib.blake2b(digest_size=16)
        for part in sorted(path.rglob("*")):
            about = part.stat()
            made.update(f"{part.relative_to(path)} {about.st_size} {about.st_mtime_ns}\n".encode())
        return made.hexdigest()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error


def times_of(rows: pa.Table, on: str) -> tuple[Times, npt.NDArray[np.bool_]]:
    """When each row happened (n,), and which rows say so (n,): a time before the year 1000 or after 9000 is none.

    Raises:
        SchemaError: there is no such column, or it holds no times.
    """
    if on not in rows.column_names:
        raise SchemaError(f"there is no column {on!r} to date rows by; there are {listed(rows.column_names)}")
    if pa.types.is_null(rows.schema.field(on).type):
        return np.zeros(rows.num_rows, np.int64), np.zeros(rows.num_rows, bool)
    column = read_table(rows.select([on]), columns=[on], kinds={on: "timestamp"}).columns.get(on)
    if not isinstance(column, NumericColumn) or column.kind is not Kind.TIMESTAMP:
        raise SchemaError(f"column {on!r} is {rows.schema.field(on).type}, and rows are dated by times or dates")
    values, there = column.on_host().values.astype(np.int64), column.mask()
    if column.unit == "ns":
        values = values // 1_000
    factor = _TO_US.get(column.unit, 1)
    there = there & (values >= EARLIEST // factor) & (values < LATEST // factor)
    return np.where(there, values, 0) * factor, there
