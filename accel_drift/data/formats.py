"""Files: Parquet, delimited text, Arrow IPC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from accel_drift.data.arrow import is_vector
from accel_drift.data.csv_text import open_csv, open_tsv
from accel_drift.data.decoded import Rows, Source
from accel_drift.data.schema import Schema
from accel_drift.data.streams import decode_batches, decode_pieces, index_columns, one_line, piece_rows, unique
from accel_drift.errors import DataError, SourceError

_READ_AT_ONCE = 1 << 20
"""Bytes of a column that are read from a Parquet file at a time where it is read in pieces."""


class Format(NamedTuple):
    """What an extension stands for.

    Attributes:
        said: its name in a message.
        family: files of one family can be parts of one data set.
        read: opens a file of it.
    """

    said: str
    family: str
    read: Callable[[Path], Source]


def open_file(path: Path) -> Source:
    """The columns of a file, told by its extension.

    Raises:
        SourceError: there is no such file, or it is not what its extension says.
    """
    found = format_of(path)
    _check(path)
    with errors_of(path):
        return found.read(path)


def format_of(path: Path) -> Format:
    """What the file's extension says that it is.

    Raises:
        SourceError: the extension is not known.
    """
    found = FORMATS.get(_extension(path))
    if found is None:
        given = f"{path.suffix!r}" if path.suffix else "no extension"
        missing = "" if path.exists() else " (and there is no such file)"
        raise SourceError(f"{path} has {given}{missing}; there are {', '.join(FORMATS)}")
    return found


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """What goes wrong while a file is read, as one line that names the file: `SourceError`, or the error of ours."""
    try:
        yield
    except SourceError:
        raise
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, EOFError, ValueError, KeyError) as error:
        said = one_line(error)
        raise SourceError(f"{path} cannot be read as {format_of(path).said}: {said}") from error


def _check(path: Path) -> None:
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob(f"{path.stem}.*")) if path.parent.is_dir() else []
        hint = f"; there is {', '.join(near[:3])}" if near else ""
        raise SourceError(f"there is no file {path}{hint}")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); write it again")


def _extension(path: Path) -> str:
    name = path.name.lower()
    return next((ending for ending in FORMATS if name.endswith(ending)), path.suffix)


def _open_parquet(path: Path) -> Source:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    names = unique(schema.names)

    def load(wanted: Sequence[str], _: Schema | None) -> Rows:
        with errors_of(path), pq.ParquetFile(path) as file:
            return parquet_rows(file, wanted)

    def pieces(wanted: Sequence[str], _: Schema | None) -> Iterator[Rows]:
        # By default pyarrow reads ahead to the end of the file, and holds all of it.
        with errors_of(path), pq.ParquetFile(path, pre_buffer=False, buffer_size=_READ_AT_ONCE) as file:
            yield from parquet_pieces(file, wanted)

    return Source(names, load, index=index_columns(names), pieces=pieces, rows=rows)


def parquet_rows(file: Any, wanted: Sequence[str]) -> Rows:
    """The columns wanted of an open `pyarrow.parquet.ParquetFile`."""
    schema, read = file.schema_arrow, _readable(file, wanted)
    # iter_batches, not read_table: the latter imports pandas, and holds every column twice.
    batches = list(file.iter_batches(batch_size=1 << 20, columns=read)) if read else []
    rows, columns = decode_batches(schema, batches, wanted)
    return (rows if read else file.metadata.num_rows), columns


def parquet_pieces(file: Any, wanted: Sequence[str]) -> Iterator[Rows]:
    """The same, some rows at a time."""
    read = _readable(file, wanted)
    if not read:
        yield parquet_rows(file, wanted)
        return
    batches = file.iter_batches(batch_size=piece_rows(len(read)), columns=read)
    yield from decode_pieces(file.schema_arrow, _ahead(batches), wanted)


def _ahead(batches: Iterator[Any]) -> Iterator[Any]:
    """The same batches, each read while the one before it is used."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _readable(file: Any, wanted: Sequence[str]) -> list[str]:
    """Without the columns that are refused by their type alone: their rows need not be read."""
    types = ((name, file.schema_arrow.field(name).type) for name in wanted)
    return [name for name, dtype in types if is_vector(dtype) or not pa.types.is_nested(dtype)]


def _open_ipc(path: Path) -> Source:
    """Arrow's file format, or its stream format, by memory map.

    Uncompressed columns of one record batch stay views of the file; the map lives as long as they do. Without
    the map's whole batches Arrow would copy: its option to read some fields only is not used.
    """
    with pa.memory_map(str(path)) as mapped:
        names = unique(_ipc_batches(mapped)[0].names)

    def load(wanted: Sequence[str], _: Schema | None) -> Rows:
        with errors_of(path), pa.memory_map(str(path)) as mapped:
            schema, batches = _ipc_batches(mapped)
            return decode_batches(schema, list(_checked(batches, wanted)), wanted)

    def pieces(wanted: Sequence[str], _: Schema | None) -> Iterator[Rows]:
        with errors_of(path), pa.memory_map(str(path)) as mapped:
            schema, batches = _ipc_batches(mapped)
            yield from decode_pieces(schema, _checked(batches, wanted), wanted)

    return Source(names, load, index=index_columns(names), pieces=pieces)


def _checked(batches: Iterable[Any], wanted: Sequence[str]) -> Iterator[Any]:
    """A damaged file must not become a read beyond its memory."""
    for batch in batches:
        for name in wanted:
            batch.column(name).validate(full=True)
        yield batch


def _ipc_batches(mapped: Any) -> tuple[Any, Iterable[Any]]:
    """(schema, record batches) of a file that is mapped."""
    import pyarrow.ipc as ipc

    try:
        file = ipc.open_file(mapped)
    except pa.ArrowInvalid:
        mapped.seek(0)
        stream = ipc.open_stream(mapped)
        return stream.schema, stream
    return file.schema, (file.get_batch(i) for i in range(file.num_record_batches))


_TEXT = "delimited text"
FORMATS: dict[str, Format] = {
    ".parquet": Format("Parquet", "Parquet", _open_parquet),
    ".csv": Format("CSV", _TEXT, open_csv),
    ".csv.gz": Format("gzipped CSV", _TEXT, open_csv),
    ".csv.zst": Format("CSV under zstd", _TEXT, open_csv),
    ".tsv": Format("TSV", _TEXT, open_tsv),
    ".tsv.gz": Format("gzipped TSV", _TEXT, open_tsv),
    ".txt": Format("TSV", _TEXT, open_tsv),
    ".arrow": Format("Arrow IPC", "Arrow", _open_ipc),
    ".feather": Format("Feather (Arrow IPC)", "Arrow", _open_ipc),
    ".ipc": Format("Arrow IPC", "Arrow", _open_ipc),
}
