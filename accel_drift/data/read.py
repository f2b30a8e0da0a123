"""The door: whatever holds rows becomes a Table."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift.data.convert import convert, held_to
from accel_drift.data.decoded import Decoded, Source
from accel_drift.data.kinds import find_kind
from accel_drift.data.schema import NULL_TYPE, Column, Kind, Schema, listed
from accel_drift.data.table import Table
from accel_drift.errors import DataError, SchemaError

ACCEPTED = (
    "a path to a .parquet, .csv, .csv.gz, .arrow, .feather or .ipc file; a pyarrow, polars, pandas or duckdb "
    "table (anything with __arrow_c_stream__ or __arrow_c_array__); a dict of columns; a NumPy array"
)


def read_table(
    source: Any,
    *,
    columns: Iterable[str] | None = None,
    drop: Iterable[str] = (),
    label: str | None = None,
    kinds: Mapping[str, str | Kind] | None = None,
    schema: Schema | None = None,
    name: str = "",
) -> Table:
    """Read rows from wherever they are.

    Args:
        source: a file, an Arrow object, a dict of columns, a NumPy array, or a Table.
        columns: the columns to compare; all without it. A column named here is never taken for an identifier.
        drop: columns to leave out.
        label: the column of labels: left out of the comparison, and said to be so.
        kinds: kinds that the caller knows better: `{"zip": "categorical"}`.
        schema: the reference's columns; the kinds are then held to and not found again.
        name: what to call the data set; by default the file's name.

    Returns:
        The table; with 0 rows or without columns where the source has none.

    Raises:
        DataError: the source is nothing that can be read, or was read before.
        SourceError: the file cannot be read.
        SchemaError: a column that is named does not exist, or does not hold what it should.
        ConfigError: there is no kind of that name.
    """
    if isinstance(source, Table):
        opened = _open_table(source)
    else:
        opened = _open(source)
    wanted, excluded = _chosen(opened, columns, drop, label)
    said = _known_kinds(opened, kinds)
    named = frozenset(columns or ()) | said.keys()
    rows, found = opened.load(wanted, _steering(schema, said))
    fields, kept = [], {}
    for column_name in wanted:
        outcome = found[column_name]
        if not isinstance(outcome, Decoded):
            excluded[column_name] = outcome.reason
            continue
        was = schema.get(column_name) if schema else None
        field, column = _settle(outcome, was, said.get(column_name), column_name in named or opened.measured)
        fields.append(field)
        kept[column_name] = column
    return Table(rows, kept, Schema(tuple(fields)), excluded, name or opened.default_name)


def _settle(outcome: Decoded, was: Column | None, said: Kind | None, named: bool) -> tuple[Column, Any]:
    """The column with its kind: the caller's word first, then the reference's, then what is found."""
    column = outcome.column
    if said is not None:
        return Column(column.name, said, outcome.type, "set by the caller"), convert(column, said)
    if was is not None:
        held = held_to(column, outcome.type, was)
        if held is not None:
            return Column(column.name, held.kind, outcome.type, was.reason), held
    if named:
        return Column(column.name, column.kind, outcome.type), column
    kind, reason = find_kind(column)
    if outcome.type == NULL_TYPE:
        reason = "no value at all"
    return Column(column.name, kind, outcome.type, reason), convert(column, kind)


def _open(source: Any) -> Source:
    if isinstance(source, (str, os.PathLike)):
        from accel_drift.data.formats import open_file

        path = Path(source).expanduser()
        opened = open_file(path)
        return Source(opened.names, opened.load, opened.index, opened.measured, path.name)
    if isinstance(source, np.ndarray):
        from accel_drift.data.memory import open_array

        return open_array(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        from accel_drift.data.streams import open_stream

        return open_stream(source)
    if isinstance(source, Mapping):
        from accel_drift.data.memory import open_mapping

        return open_mapping(source)
    hint = "; call .collect() first" if hasattr(source, "collect") else ""
    raise DataError(f"cannot read rows from a {type(source).__name__}{hint}; give {ACCEPTED}")


def _open_table(table: Table) -> Source:
    types = {column.name: column.type for column in table.schema.columns}
    decoded = {name: Decoded(column, types[name]) for name, column in table.columns.items()}
    return Source(
        tuple(table.columns),
        lambda names, _: (table.rows, {name: decoded[name] for name in names}),
        measured=True,
        default_name=table.name,
    )


def _chosen(
    opened: Source, columns: Iterable[str] | None, drop: Iterable[str], label: str | None
) -> tuple[list[str], dict[str, str]]:
    """The columns to read, and why others are left out."""
    _no_text(columns, "columns")
    _no_text(drop, "drop")
    asked, dropped = None if columns is None else list(dict.fromkeys(columns)), list(drop)
    _must_exist(opened.names, asked or (), "columns")
    _must_exist(opened.names, dropped, "drop")
    _must_exist(opened.names, () if label is None else (label,), "label")
    excluded = dict.fromkeys(dropped, "dropped by the caller")
    if label is not None:
        excluded[label] = "label"
    names = opened.names if asked is None else asked
    for name in opened.index:
        if asked is None or name not in asked:
            excluded.setdefault(name, "the index of a pandas frame")
    return [name for name in names if name not in excluded], excluded


def _no_text(names: Iterable[str] | None, option: str) -> None:
    if isinstance(names, str):
        raise SchemaError(f"{option}= takes a list of names, not one text; write {option}=[{names!r}]")


def _must_exist(there: tuple[str, ...], asked: Iterable[str], option: str) -> None:
    for name in asked:
        if name not in there:
            near = difflib.get_close_matches(str(name), there, n=3, cutoff=0.6)
            hint = f"did you mean {listed(near)}?" if near else f"there are {listed(there)}"
            raise SchemaError(f"{option}= names {name!r}, but there is no such column; {hint}")


def _known_kinds(opened: Source, kinds: Mapping[str, str | Kind] | None) -> dict[str, Kind]:
    said = {name: Kind.named(kind) for name, kind in (kinds or {}).items()}
    _must_exist(opened.names, said, "kinds")
    return said


def _steering(schema: Schema | None, said: Mapping[str, Kind]) -> Schema | None:
    """What a text file is held to; the caller's word goes before the reference's types."""
    if schema is None:
        return None
    return Schema(tuple(column for column in schema.columns if column.name not in said))
