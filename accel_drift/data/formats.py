"""Files: Parquet, CSV, Arrow IPC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from accel_drift.data.csv_text import open_csv
from accel_drift.data.decoded import Rows, Source
from accel_drift.data.schema import Schema
from accel_drift.data.streams import decode_batches, from_batches, index_columns, one_line
from accel_drift.errors import DataError, SourceError


def open_file(path: Path) -> Source:
    """The columns of a file, told by its extension.

    Raises:
        SourceError: there is no such file, or it is not what its extension says.
    """
    read = _reader_of(path)
    _check(path)
    with errors_of(path):
        return read(path)


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """What goes wrong while a file is read, as one line that names the file."""
    try:
        yield
    except SourceError:
        raise
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, EOFError, ValueError, KeyError) as error:
        said = one_line(error)
        raise SourceError(f"{path} cannot be read as {_FORMATS_SAID[_extension(path)]}: {said}") from error


def _check(path: Path) -> None:
    if path.is_dir():
        raise SourceError(f"{path} is a folder; give one file of it ({', '.join(_READERS)})")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob(f"{path.stem}.*")) if path.parent.is_dir() else []
        hint = f"; there is {', '.join(near[:3])}" if near else ""
        raise SourceError(f"there is no file {path}{hint}")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); write it again")


def _extension(path: Path) -> str:
    name = path.name.lower()
    return next((ending for ending in _READERS if name.endswith(ending)), path.suffix)


def _reader_of(path: Path) -> Callable[[Path], Source]:
    reader = _READERS.get(_extension(path))
    if reader is None and not path.is_dir():
        given = f"{path.suffix!r}" if path.suffix else "no extension"
        missing = "" if path.exists() else " (and there is no such file)"
        raise SourceError(f"{path} has {given}{missing}; there are {', '.join(_READERS)}")
    return reader or _open_parquet


def _open_parquet(path: Path) -> Source:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    names = tuple(schema.names)

    def load(wanted: Sequence[str], _: Schema | None) -> Rows:
        with errors_of(path), pq.ParquetFile(path) as file:
            # iter_batches, not read_table: the latter imports pandas, and holds every column twice.
            read = [name for name in wanted if not pa.types.is_nested(schema.field(name).type)]
            batches = list(file.iter_batches(batch_size=1 << 20, columns=read)) if read else []
            rows, columns = decode_batches(schema, batches, read)
            nested = decode_batches(schema, [], [name for name in wanted if name not in read])[1]
            columns |= nested
            return (rows if read else file.metadata.num_rows), {name: columns[name] for name in wanted}

    return Source(names, load, index=index_columns(names))


def _open_ipc(path: Path) -> Source:
    """Arrow's file format by memory map, or its stream format."""
    import pyarrow.ipc as ipc

    mapped = pa.memory_map(str(path))
    try:
        file = ipc.open_file(mapped)
    except pa.ArrowInvalid:
        mapped.seek(0)
        stream = ipc.open_stream(mapped)
        return from_batches(stream.schema, lambda: _checked(path, stream))
    return from_batches(
        file.schema, lambda: _checked(path, (file.get_batch(i) for i in range(file.num_record_batches)))
    )


def _checked(path: Path, batches: Iterable[Any]) -> list[Any]:
    """The record batches, looked through: a damaged file must not become a read beyond its memory."""
    with errors_of(path):
        read = list(batches)
        for batch in read:
            batch.validate(full=True)
        return read


_READERS: dict[str, Callable[[Path], Source]] = {
    ".parquet": _open_parquet,
    ".csv": open_csv,
    ".csv.gz": open_csv,
    ".arrow": _open_ipc,
    ".feather": _open_ipc,
    ".ipc": _open_ipc,
}
_FORMATS_SAID = {
    ".parquet": "Parquet",
    ".csv": "CSV",
    ".csv.gz": "gzipped CSV",
    ".arrow": "Arrow IPC",
    ".feather": "Feather (Arrow IPC)",
    ".ipc": "Arrow IPC",
}
