"""pyarrow's own readers of files: ParquetFile and Dataset. They are asked, never imported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from accel_drift.data.decoded import Rows, Source
from accel_drift.data.formats import parquet_pieces, parquet_rows
from accel_drift.data.schema import Schema
from accel_drift.data.streams import decode_batches, decode_pieces, index_columns, one_line, piece_rows, unique
from accel_drift.errors import DataError, SourceError


def open_reader(source: Any) -> Source | None:
    """The columns of a `pyarrow.parquet.ParquetFile` or a `pyarrow.dataset.Dataset`; None for anything else.

    Raises:
        DataError: two columns have the same name.
        SourceError: it is closed, or its files cannot be read.
    """
    is_file = type(source).__name__ == "ParquetFile"
    if not is_file and not (hasattr(source, "scanner") and hasattr(source, "count_rows")):
        return None
    with _errors_of(source):
        names = unique((source.schema_arrow if is_file else source.schema).names)
        # Of a Dataset they would be read from the end of every file, which may lie far away.
        rows = source.metadata.num_rows if is_file else None

    def load(wanted: Sequence[str], _: Schema | None) -> Rows:
        with _errors_of(source):
            return parquet_rows(source, wanted) if is_file else _from_dataset(source, wanted)

    def pieces(wanted: Sequence[str], _: Schema | None) -> Iterator[Rows]:
        with _errors_of(source):
            yield from parquet_pieces(source, wanted) if is_file else _pieces_of_dataset(source, wanted)

    return Source(names, load, index=index_columns(names), pieces=pieces, rows=rows)


@contextmanager
def _errors_of(source: Any) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(f"the {type(source).__name__} cannot be read: {one_line(error)}") from error


def _from_dataset(dataset: Any, wanted: Sequence[str]) -> Rows:
    """The columns wanted; without any, the rows are counted."""
    if not wanted:
        return int(dataset.count_rows()), {}
    reader = dataset.scanner(columns=list(wanted)).to_reader()
    return decode_batches(reader.schema, list(reader), wanted)


def _pieces_of_dataset(dataset: Any, wanted: Sequence[str]) -> Iterator[Rows]:
    if not wanted:
        yield _from_dataset(dataset, wanted)
        return
    # Fewer batches ahead than by default: they are counted as fast as they are read.
    scanner = dataset.scanner(columns=list(wanted), batch_size=piece_rows(len(wanted)), batch_readahead=2)
    reader = scanner.to_reader()
    yield from decode_pieces(reader.schema, reader, wanted)
