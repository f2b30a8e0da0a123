"""The door: whatever holds rows becomes a Table."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.arrays import as_array
from accel_drift.data.concatenate import picked
from accel_drift.data.convert import convert, held_to, without_identity
from accel_drift.data.decoded import Decoded, Outcome, Rows, Source
from accel_drift.data.derive import derive
from accel_drift.data.device import is_tensor
from accel_drift.data.kinds import find_kind, tells_time
from accel_drift.data.schema import DERIVED, NULL_TYPE, Column, Kind, Schema, derived_name, listed, nothing_common
from accel_drift.data.table import Table, TableColumn
from accel_drift.data.words import set_aside
from accel_drift.errors import ConfigError, DataError, SchemaError

ACCEPTED = (
    "a path to a .parquet, .csv, .tsv, .arrow, .feather or .ipc file, to a folder of them, a pattern or a list of "
    "paths; a pyarrow, polars, pandas or duckdb table (anything with __arrow_c_stream__ or __arrow_c_array__); "
    "a dict of columns; a NumPy array; a tensor (anything with __dlpack__)"
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
    backend: Backend | None = None,
    pick: Pick | None = None,
    progress: Progress | None = None,
) -> Table:
    """Read rows from wherever they are.

    Args:
        source: a file, a folder, a pattern or a list of files; an Arrow object, a dict of columns, a NumPy array,
            a tensor of torch, JAX, CuPy or another library with DLPack, or a Table. In a dict an array of two
            dimensions is a column of embeddings.
        columns: the columns to compare; all without it. A column named here is never taken for an identifier.
        drop: columns to leave out.
        label: the column of labels: left out of the comparison, and said to be so.
        kinds: kinds that the caller knows better: `{"zip": "categorical"}`; `"length"` compares a text by its length,
            `"text"` also by its words that the reference lacks, `"gaps"` adds the seconds between the times of a column
            (see `derive`).
        schema: the reference's columns: their kinds are held to and not found again, and a column that only
            the reference has may be named.
        name: what to call the data set; by default the name of the file or folder.
        backend: what will compute on the rows: tensors on its device stay there. Without it they must be on the host.
        pick: which rows to read, of a source that comes in pieces and says how many it has; others are read whole.
        progress: called with (rows read, rows in all, "reading") after each piece of such a source.

    Returns:
        The table; with 0 rows or without columns where the source has none.

    Raises:
        DataError: the source is nothing that can be read, or was read before.
        SourceError: the file cannot be read.
        SchemaError: a column that is named does not exist or does not hold what it should, or none that is named and
            that the schema has is there.
        ConfigError: there is no kind of that name, or one name stands where a list belongs.
    """
    asked = _Asked.of(source, columns, drop, label, kinds, schema, backend)
    opened = asked.opened
    if schema and asked.by_name and not asked.by_name & {*opened.names, *opened.excluded}:
        raise nothing_common(schema, (*opened.names, *opened.excluded))
    if pick is not None and opened.pieces is not None and opened.rows is not None:
        pieces = opened.in_pieces(asked.wanted, asked.steering)
        rows = picked(_told(pieces, opened.rows, progress), pick(opened.rows))
    else:
        rows = opened.load(asked.wanted, asked.steering)
    return asked.table(*rows, name)


def read_arrays(source: Any) -> dict[str, npt.NDArray[Any]]:
    """Read rows from wherever they are, as columns (n,) of plain values: no kind is found, no column left out.

    Args:
        source: as in `read_table`.

    Raises:
        DataError: the source is nothing that can be read, or a column has more than one value a row.
        SourceError: the file cannot be read.
    """
    asked = _Asked.of(source, None, (), None, None, None, None)
    _, found = asked.opened.load(asked.wanted, asked.steering)
    return {name: as_array(name, found[name]) for name in asked.wanted}


Pick: TypeAlias = Callable[[int], npt.NDArray[np.int64]]
"""Number of rows -> places of those wanted, ascending."""

Progress: TypeAlias = Callable[[int, int, str], None]
"""Is told (how much is done, of how much in all or 0, what)."""


def _told(pieces: Iterator[Rows], rows: int, progress: Progress | None) -> Iterator[Rows]:
    done = 0
    for piece in pieces:
        done += piece[0]
        yield piece
        if progress is not None:
            progress(done, rows, "reading")


@dataclass(frozen=True, slots=True)
class Pieces:
    """A data set that is read some rows at a time, once.

    Attributes:
        tables: the rows in their order; at least one table, perhaps without rows.
        rows: how many there are, where that is known before they are read.
        name: what to call the data set.
        columns: names of all its columns, read or not.
    """

    tables: Iterator[Table]
    rows: int | None
    name: str
    columns: tuple[str, ...]


def read_pieces(
    source: Any, *, schema: Schema, columns: Iterable[str] | None = None, drop: Iterable[str] = (), name: str = ""
) -> Pieces:
    """Read rows from wherever they are, in pieces of a bounded size where the source allows.

    Parquet, Arrow files and streams of Arrow batches come in pieces; all else comes as one. Every piece is held to the
    schema by itself, so a row means the same in any piece.

    Args:
        source: as in `read_table`.
        schema: as in `read_table`.
        columns: as in `read_table`.
        drop: as in `read_table`.
        name: as in `read_table`.

    Raises:
        DataError, SourceError, SchemaError: as in `read_table`, some of them only while pieces are read.
    """
    asked = _Asked.of(source, columns, drop, None, None, schema, None)
    whole = asked.opened.in_pieces(asked.wanted, asked.steering)
    called = name or asked.opened.default_name
    there = (*asked.opened.names, *asked.opened.excluded)
    return Pieces((asked.table(*piece, called) for piece in whole), asked.opened.rows, called, there)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted of an open data set: how what it hands over becomes a table."""

    opened: Source
    wanted: list[str]
    excluded: dict[str, str]
    by_name: frozenset[str]
    said: dict[str, Kind]
    derived: dict[str, tuple[str, ...]]
    schema: Schema | None

    @classmethod
    def of(
        cls,
        source: Any,
        columns: Iterable[str] | None,
        drop: Iterable[str],
        label: str | None,
        kinds: Mapping[str, str | Kind] | None,
        schema: Schema | None,
        backend: Backend | None,
    ) -> _Asked:
        _no_text(columns, "columns")
        _no_text(drop, "drop")
        asked = None if columns is None else list(dict.fromkeys(columns))
        expected = {*(asked or ()), *(c.source for c in (schema.columns if schema else ()))}
        opened = _open_table(source) if isinstance(source, Table) else _open(source, backend, expected)
        wanted, excluded = _chosen(opened, asked, list(drop), label, schema)
        return cls(opened, wanted, excluded, frozenset(asked or ()), *_known_kinds(opened, kinds, schema), schema)

    @property
    def steering(self) -> Schema:
        return _steering(self.schema, self.said, self.derived)

    def table(self, rows: int, found: Mapping[str, Outcome], name: str) -> Table:
        """What was read, with the kinds that it is held to or that are found."""
        fields: list[Column] = []
        kept: dict[str, TableColumn] = {}
        excluded = dict(self.excluded)
        known = {c.name: c.vocabulary for c in self.schema.columns if c.vocabulary} if self.schema else {}
        for outcome in _with_derived([(n, found[n]) for n in self.wanted], self.derived, known, excluded):
            column_name = outcome.column.name
            was = self.schema.get(column_name) if self.schema else None
            named = column_name in self.by_name or bool(outcome.derived)
            field, kept[column_name] = _settle(outcome, was, self.said.get(column_name), named, self.opened.settled)
            fields.append(replace(field, derived=outcome.derived, vocabulary=outcome.vocabulary))
        table = Table(rows, kept, Schema(tuple(fields)), excluded, name or self.opened.default_name)
        if all(not c.vocabulary or c.name in (*known, *found) for c in fields):
            return table
        return table.take(np.setdiff1d(np.arange(rows), set_aside(rows)))


def _with_derived(
    read: Sequence[tuple[str, Outcome]],
    derived: Mapping[str, tuple[str, ...]],
    known: Mapping[str, str],
    excluded: dict[str, str],
) -> Iterator[Decoded]:
    """The columns, and those made from them, to which a text gives way; `known` holds vocabularies.

    Raises:
        SchemaError: a column cannot be derived from, or its derived one has the name of another.
    """
    there = dict(read)
    for name, outcome in read:
        if not isinstance(outcome, Decoded):
            excluded[name] = outcome.reason
            continue
        hows = derived.get(name, ())
        if hows in ((), ("gaps",)):
            yield outcome
        for how in hows:
            made = derived_name(how, name)
            if made not in there:
                yield derive(how, outcome, known.get(made, ""))
            elif getattr(there[made], "derived", "") != how:
                raise SchemaError(f"kinds= makes a column {made!r} of {name!r}, and there is one; rename it")


def _settle(
    outcome: Decoded, was: Column | None, said: Kind | None, named: bool, settled: bool
) -> tuple[Column, TableColumn]:
    """The column with its kind: the caller's word first, then the reference's, then what is found."""
    column = outcome.column
    if said is not None:
        return Column(column.name, said, outcome.type, "set by the caller"), convert(column, said)
    if was is not None:
        held = held_to(column, outcome.type, was)
        if held is not None:
            return Column(column.name, held.kind, outcome.type, was.reason), held
    if outcome.type == NULL_TYPE:
        return Column(column.name, column.kind, outcome.type, "no value at all"), column
    if named:
        plain = without_identity(column)
        kind = Kind.TIMESTAMP if not settled and tells_time(plain) else plain.kind
        return Column(column.name, kind, outcome.type, outcome.reason), convert(plain, kind)
    if settled:
        return Column(column.name, column.kind, outcome.type, outcome.reason), column
    kind, reason = find_kind(column)
    return Column(column.name, kind, outcome.type, reason), convert(column, kind)


def _open(source: Any, backend: Backend | None, expected: Collection[str]) -> Source:
    if _is_path(source) or (isinstance(source, (list, tuple)) and source and all(map(_is_path, source))):
        from accel_drift.data.folders import find_files
        from accel_drift.data.joined import open_files

        return open_files(find_files(source), expected)
    if isinstance(source, np.ndarray):
        from accel_drift.data.memory import open_array

        return open_array(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        from accel_drift.data.streams import open_stream

        return open_stream(source)
    if isinstance(source, Mapping):
        from accel_drift.data.memory import open_mapping

        return open_mapping(source, backend)
    if is_tensor(source):
        from accel_drift.data.memory import open_matrix

        return open_matrix(source, backend)
    if type(source).__module__.startswith("pyarrow."):
        from accel_drift.data.readers import open_reader

        if (opened := open_reader(source)) is not None:
            return opened
    raise DataError(f"cannot read rows from a {type(source).__name__}{_hint(source)}; give {ACCEPTED}")


def _is_path(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike))


def _hint(source: Any) -> str:
    """What to do with a thing that cannot be read as it is."""
    if isinstance(source, (list, tuple)) and source:
        odd = next(item for item in source if not _is_path(item))
        return f" that holds a {type(odd).__name__}: a list must hold the paths of files"
    if hasattr(source, "read") and hasattr(source, "close"):
        return ": it is an open file; give its path"
    ways = (".collect()", ".to_arrow()", ".arrow()", ".to_table()", ".read()")
    return next((f"; call {way} first" for way in ways if hasattr(source, way[1:-2])), "")


def _open_table(table: Table) -> Source:
    decoded = {
        c.name: Decoded(table.columns[c.name], c.type, c.reason, c.derived, c.vocabulary) for c in table.schema.columns
    }
    return Source(
        tuple(table.columns),
        lambda names, _: (table.rows, {name: decoded[name] for name in names}),
        settled=True,
        excluded=table.excluded,
        default_name=table.name,
    )


def _chosen(
    opened: Source, asked: list[str] | None, drop: list[str], label: str | None, schema: Schema | None
) -> tuple[list[str], dict[str, str]]:
    """The columns to read, and why others are left out.

    A batch may lack a column that the reference has: that is for the schema diff to say, and labels come
    late. So with the reference's schema only a column that neither of the two has is a mistake.
    """
    there = (*opened.names, *opened.excluded)
    if schema is None:
        _must_exist(there, drop, "drop")
        _must_exist(there, () if label is None else (label,), "label")
    known = [name for column in schema.columns for name in (column.name, column.source)] if schema else []
    _must_exist((*there, *known), asked or (), "columns")
    excluded = dict(opened.excluded)
    excluded |= {name: "dropped by the caller" for name in drop if name in opened.names}
    if label is not None and label in opened.names:
        excluded[label] = "label"
    excluded |= {name: "the index of a pandas frame" for name in opened.index if name not in (asked or excluded)}
    held = frozenset(opened.names)
    names = opened.names if asked is None else [name for name in asked if name in held]
    return [name for name in names if name not in excluded], excluded


def _no_text(names: Iterable[str] | None, option: str) -> None:
    if isinstance(names, str):
        raise ConfigError(f"{option}= takes a list of names, not one text; write {option}=[{names!r}]")
    if names is not None and not isinstance(names, Iterable):
        raise ConfigError(f"{option}= takes a list of names, and {names!r} is none")


def _must_exist(there: tuple[str, ...], asked: Iterable[str], option: str) -> None:
    known = frozenset(there)
    for name in asked:
        if name not in known:
            near = difflib.get_close_matches(str(name), there, n=3, cutoff=0.6)
            hint = f"did you mean {listed(near)}?" if near else f"there are {listed(there)}"
            raise SchemaError(f"{option}= names {name!r}, but there is no such column; {hint}")


def _known_kinds(
    opened: Source, kinds: Mapping[str, str | Kind] | None, schema: Schema | None
) -> tuple[dict[str, Kind], dict[str, tuple[str, ...]]]:
    """The kinds that the caller set, and how columns are derived: on the caller's word, or as in the reference."""
    if kinds is not None and not isinstance(kinds, Mapping):
        raise ConfigError(f"kinds= maps columns to kinds; {kinds!r} does not: write kinds={{'zip': 'categorical'}}")
    words = {name: str(kind).lower() for name, kind in (kinds or {}).items()}
    said = {name: Kind.named(word) for name, word in words.items() if word not in DERIVED}
    if schema is None:
        _must_exist((*opened.names, *opened.excluded), words, "kinds")
    derived: dict[str, tuple[str, ...]] = {}
    for column in schema.columns if schema else ():
        if column.derived and column.source not in said:
            derived[column.source] = (*derived.get(column.source, ()), column.derived)
    return said, derived | {name: DERIVED[word] for name, word in words.items() if word in DERIVED}


def _steering(schema: Schema | None, said: Mapping[str, Kind], derived: Mapping[str, tuple[str, ...]]) -> Schema:
    """What a text file is held to: the caller's word before the reference's types.

    Categories are read as the text that stands there: a post code keeps its leading zero.
    """
    texts = (Kind.CATEGORICAL, Kind.IDENTIFIER)
    as_text = {name: Column(name, kind, "string") for name, kind in said.items() if kind in texts}
    as_text |= {name: Column(name, Kind.CATEGORICAL, "string") for name, how in derived.items() if how != ("gaps",)}
    known = schema.columns if schema else ()
    return Schema((*as_text.values(), *(c for c in known if c.name not in said and c.name not in as_text)))
