"""Objects that hand over Arrow data: pyarrow, polars, pandas, duckdb, whatever has its C interface."""

from __future__ import annotations

import re
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from accel_drift.data.arrow import decode
from accel_drift.data.decoded import Outcome, Rows, Source
from accel_drift.data.schema import Schema
from accel_drift.errors import DataError

MOST_VALUES, FEWEST_ROWS = 1 << 22, 1 << 12
"""Values of a piece at most, as long as it has so many rows."""

_INDEX = re.compile(r"__index_level_\d+__")


def open_stream(source: Any) -> Source:
    """The columns of an object that exports Arrow data.

    Raises:
        DataError: it is a single column, its stream was read before, or its names repeat.
    """
    if type(source).__module__.startswith("polars") and hasattr(source, "clone"):
        # To export a frame of several chunks polars joins them in place: in a second frame, not the caller's.
        source = source.clone()
    try:
        reader = _reader(source)
    except DataError:
        names = _column_names(source)
        if names is None:
            raise
        return Source(names, lambda wanted, _: _load_part(source, wanted))
    return from_batches(reader.schema, lambda: _read(reader, source))


def _column_names(source: Any) -> tuple[str, ...] | None:
    """Columns of a pandas frame that exports as a whole or not at all: one odd column must not spoil it."""
    if not type(source).__module__.startswith("pandas"):
        return None
    columns: Any = getattr(source, "columns", ())
    names = tuple(columns)
    usable = names and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return names if usable else None


def _load_part(frame: Any, wanted: Sequence[str]) -> Rows:
    reader = _reader(frame[list(wanted)])
    return decode_batches(reader.schema, list(_read(reader, frame)), wanted)


def from_batches(schema: Any, read: Callable[[], Iterable[Any]]) -> Source:
    """Columns of record batches; `read` gives them one after the other."""
    names = unique(schema.names)

    def load(wanted: Sequence[str], _: Schema | None) -> Rows:
        return decode_batches(schema, list(read()), wanted)

    def pieces(wanted: Sequence[str], _: Schema | None) -> Iterator[Rows]:
        return decode_pieces(schema, read(), wanted)

    return Source(names, load, index=index_columns(names), pieces=pieces)


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names of columns, each of which must occur once.

    Raises:
        DataError: two columns have the same name.
    """
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"columns have the same name: {', '.join(map(repr, twice))}; rename them")
    return tuple(names)


def decode_batches(schema: Any, batches: Sequence[Any], wanted: Sequence[str]) -> Rows:
    """The columns wanted, from record batches; those that the batches lack are refused by their type alone."""
    columns = {}
    for name in wanted:
        chunks = [batch.column(name) for batch in batches if name in batch.schema.names]
        columns[name] = decode(name, schema.field(name).type, chunks)
    return sum(batch.num_rows for batch in batches), columns


def decode_pieces(schema: Any, batches: Iterable[Any], wanted: Sequence[str]) -> Iterator[Rows]:
    """The same in pieces of a bounded size; one without rows where there are none."""
    step, some = piece_rows(len(wanted)), False
    for batch in batches:
        for first in range(0, batch.num_rows, step):
            some = True
            yield decode_batches(schema, [batch.slice(first, step)], wanted)
    if not some:
        yield decode_batches(schema, [], wanted)


def piece_rows(columns: int) -> int:
    """Rows of a piece at most."""
    return max(MOST_VALUES // max(columns, 1), FEWEST_ROWS)


def exported(name: str, values: Any) -> Any:
    """One column that exports itself, as a `pyarrow.ChunkedArray`: a series of polars or pandas, an array of pyarrow.

    Raises:
        DataError: its export fails.
    """
    try:
        return pa.chunked_array(values)
    except Exception as error:
        raise DataError(f"column {name!r}: {_export_error(values, error)}") from error


def decode_single(name: str, values: Any) -> Outcome:
    """What `exported` gives, decoded.

    Raises:
        DataError: its export fails.
    """
    whole = exported(name, values)
    return decode(name, whole.type, whole.chunks)


def index_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Columns that pandas adds for an index that has no name: row labels, not data."""
    return tuple(name for name in names if _INDEX.fullmatch(name))


def _reader(source: Any) -> Any:
    one_shot = _is_one_shot(source)
    if one_shot and _SEEN.holds(source):
        raise DataError(
            "this stream was read before; a stream gives its rows once: read it into a table first "
            "(reader.read_all()), or make a new one"
        )
    try:
        if hasattr(source, "__arrow_c_stream__"):
            reader = pa.RecordBatchReader.from_stream(source)
        else:
            batch = pa.record_batch(source)
            reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
    except Exception as error:  # duckdb, pandas, ...: each has exceptions of its own
        raise DataError(_export_error(source, error)) from error
    if one_shot:
        _SEEN.add(source)
    return reader


def _read(reader: Any, source: Any) -> Iterator[Any]:
    try:
        yield from reader
    except Exception as error:  # whatever the library behind the stream raises
        what = type(source).__name__
        raise DataError(f"reading the {what} failed midway: {one_line(error)}") from error


def _export_error(source: Any, error: Exception) -> str:
    said, what = one_line(error), type(source).__name__
    if "non-struct" in said:
        return f"this {what} is a single column; give a table: a dict {{'name': column}} will do"
    if "released" in said:
        return f"this {what} was read before; a stream gives its rows once: make a new one"
    if isinstance(error, (pa.ArrowInvalid, pa.ArrowTypeError)) and len(error.args) > 1:
        said = "; ".join(str(part) for part in error.args)
        return f"the {what} cannot be read: {said}; make the column one type, or leave it out with drop="
    return f"the {what} cannot be read as Arrow data: {said}"


def one_line(error: Exception) -> str:
    """What an error says, without the traceback that Arrow adds to what Python raised."""
    said = " ".join(str(error).partition("Detail: Python exception")[0].split()).removesuffix(".")
    return said.removeprefix("Invalid: ") or type(error).__name__


def _is_one_shot(source: Any) -> bool:
    """Readers and iterators are spent after one reading; tables are not."""
    return isinstance(source, pa.RecordBatchReader) or hasattr(source, "__next__") or hasattr(source, "get_next")


class _Seen:
    """Streams that were read.

    A spent stream does not say so: it is silently empty the second time. Weak references, so that a stream
    that is gone does not lend its address to the next one; what cannot be referenced weakly is held, the
    last few of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._weak: dict[int, weakref.ref[Any]] = {}
        self._held: deque[Any] = deque(maxlen=16)

    def holds(self, stream: Any) -> bool:
        with self._lock:
            known = self._weak.get(id(stream))
            return (known is not None and known() is stream) or any(held is stream for held in self._held)

    def add(self, stream: Any) -> None:
        with self._lock:
            self._weak = {key: ref for key, ref in self._weak.items() if ref() is not None}
            try:
                self._weak[id(stream)] = weakref.ref(stream)
            except TypeError:
                self._held.append(stream)


_SEEN = _Seen()
