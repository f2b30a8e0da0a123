"""Sources that end: files read piece by piece, and a stream of Arrow batches from another program."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from accel_drift.data.folders import Part, find_files
from accel_drift.data.formats import errors_of, format_of
from accel_drift.errors import DataError, SourceError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.sources import Source, key_of

STREAM_ID = b"accel_drift.stream"
"""Key of a stream's schema metadata under which it says which stream it is."""


class Dataset(Source):
    """Files that are all there: one, a folder, a pattern or a list, in the order of their paths.

    A Parquet file is read one row group at a time, so that it may be larger than memory. The key of a batch is the
    file's path with what tells its content and the number of the row group: a monitor goes on in the middle of a file.
    Other files, and those whose folders make columns (`country=no`), are one batch each.

    Args:
        files: a path, a pattern, or a list of these.
        whole: read every file whole, for windows by file.

    Raises:
        SourceError: there is no such file.
    """

    def __init__(
        self, files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], *, whole: bool = False
    ) -> None:
        found = find_files(files)
        self._parts, self._above, self._whole = found.parts, bool(found.above), whole
        common = os.path.commonpath([part.path.absolute().parent for part in found.parts])
        self._root = Path(common)

    def batches(self, monitor: Monitor) -> Iterator[Batch]:
        """The pieces that were not taken; see `Source.batches`."""
        for part in self._parts:
            key = key_of(part.path.absolute().relative_to(self._root))
            pieces = not (self._whole or part.keys or self._above) and format_of(part.path).family == "Parquet"
            yield from _row_groups(part, key, monitor) if pieces else [Batch(part.path, key)]

    def refused(self, batch: Batch, error: DataError) -> bool:  # noqa: ARG002
        """A data set with a file that cannot be read is the caller's to mend: the error goes on."""
        raise error


def _row_groups(part: Part, key: str, monitor: Monitor) -> Iterator[Batch]:
    import pyarrow.parquet as pq

    path = part.path
    if not path.is_file() or path.stat().st_size == 0:
        raise SourceError(f"there is no file {path}, or it is empty (0 bytes)")
    with errors_of(path), pq.ParquetFile(path) as file:
        groups = [f"{key}#{_footer(path)}[{i}]" for i in range(file.num_row_groups)]
        taken = monitor.taken(groups)
        for number, name in enumerate(groups):
            if name not in taken:
                yield Batch(file.read_row_group(number), name)


def _footer(path: Path) -> str:
    """What tells the content of a Parquet file: places, sizes and statistics of all its parts stand at its end."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        size = int.from_bytes(file.read(4), "little")
        file.seek(-8 - size, os.SEEK_END)
        return hashlib.blake2b(file.read(size), digest_size=8).hexdigest()


class ArrowStream(Source):
    """Record batches in Arrow's IPC format from a pipe, each a batch. Several streams may follow one another.

    A stream whose schema has metadata `accel_drift.stream` is known by it, and its batches by their numbers: when both
    ends were killed, send it again from its beginning, and the monitor goes on where it stood. Of a stream without, the
    batch that is being taken in and what lies in the pipe are lost then.

    Args:
        file: what is read: an open binary file, such as sys.stdin.buffer.
    """

    def __init__(self, file: Any) -> None:
        self._file = pa.PythonFile(file, "r")
        self._reader: Any = None
        self._id, self._number, self._streams = "", 0, 0

    def batches(self, monitor: Monitor) -> Iterator[Batch]:  # noqa: ARG002  (it passes over what it took itself)
        """Batches as they are sent; see `Source.batches`."""
        while (rows := self._next()) is not None:
            self._number += 1
            yield Batch(rows, f"{self._id}[{self._number - 1}]" if self._id else "")

    def refused(self, batch: Batch, error: DataError) -> bool:
        """It is passed over if it can be named; otherwise the error goes on."""
        if not batch.key:
            raise error
        return True

    def _next(self) -> pa.RecordBatch | None:
        """The next batch of this stream, or of the one that follows; None at the end of all."""
        while (reader := self._reader or self._opened()) is not None:
            try:
                return reader.read_next_batch()
            except StopIteration:
                self._reader = None
            except (pa.ArrowException, OSError) as error:
                raise SourceError(
                    f"the stream broke off in batch {self._number + 1}: {error}; what came before is in the windows"
                ) from error
        return None

    def _opened(self) -> Any:
        """A reader of the stream that begins here; None at the end of all."""
        try:
            self._reader = pa.ipc.open_stream(self._file)
        except pa.ArrowInvalid as error:
            if self._streams and "null or length 0" in str(error):
                return None
            raise SourceError(
                f"what comes in is no stream in Arrow's IPC format: {error}; write it with pyarrow.ipc.new_stream"
            ) from error
        named = (self._reader.schema.metadata or {}).get(STREAM_ID, b"")
        self._id, self._number = named.decode("utf-8", "backslashreplace"), 0
        self._streams += 1
        return self._reader
