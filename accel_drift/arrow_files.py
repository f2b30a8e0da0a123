"""What is kept on disk: one Arrow IPC file, a JSON header in its metadata, one record batch, a digest over both.

Nothing in it is code. The digest tells an altered or truncated file from a whole one; it guards against accidents, not
against a forger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from accel_drift.errors import AccelDriftError, SourceError
from accel_drift.files import write_bytes_atomically


@dataclass(frozen=True, slots=True)
class Form:
    """A sort of file.

    Attributes:
        what: what such a file is called.
        how: how one is made, for whoever has none.
        format: number of the form; a reader refuses a later one.
        error: what is raised where a file cannot be read as one.
    """

    what: str
    how: str
    format: int
    error: type[AccelDriftError]

    def write(self, header: Mapping[str, Any], batch: Any, path: Path, *, packed: bool = False) -> None:
        """Write a header and a `pyarrow.RecordBatch`, all or nothing.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        write_bytes_atomically(path, self._filler(header, batch, packed=packed))

    def pack(self, header: Mapping[str, Any], batch: Any) -> bytes:
        """The same as bytes, for what is kept elsewhere than in a file."""
        sink = BytesIO()
        self._filler(header, batch, packed=True)(sink)
        return sink.getvalue()

    def unpack(self, body: bytes, origin: str) -> tuple[dict[str, Any], Any]:
        """A header and its `pyarrow.RecordBatch`, from what `pack` gave; `origin` is for messages.

        Raises:
            AccelDriftError: `error`: it is damaged, foreign, altered, or of a later format.
        """
        import pyarrow as pa

        return self._opened(lambda: pa.BufferReader(body), Path(origin))

    def _filler(self, header: Mapping[str, Any], batch: Any, *, packed: bool) -> Callable[[BinaryIO], None]:
        import pyarrow as pa

        whole = {**header, "format": self.format}
        whole["digest"] = _digest(whole, batch)
        metadata = {**(batch.schema.metadata or {}), self._key: json.dumps(whole, allow_nan=False).encode()}
        batch = batch.replace_schema_metadata(metadata)
        options = pa.ipc.IpcWriteOptions(compression="zstd" if packed else None)

        def fill(sink: BinaryIO) -> None:
            with pa.ipc.new_file(sink, batch.schema, options=options) as out:
                out.write_batch(batch)

        return fill

    def is_one(self, path: Path) -> bool:
        """Whether a file calls itself one, without reading its rows."""
        import pyarrow as pa

        try:
            with pa.OSFile(str(path), "rb") as source:
                return self._key in (pa.ipc.open_file(source).schema.metadata or {})
        except (OSError, pa.ArrowException):
            return False

    def read(self, path: Path) -> tuple[dict[str, Any], Any]:
        """Read a header and its `pyarrow.RecordBatch`.

        Raises:
            SourceError: there is no such file.
            AccelDriftError: `error`: it is damaged, foreign, altered, or of a later format.
        """
        import pyarrow as pa

        if not path.is_file():
            raise SourceError(f"there is no {self.what} {str(path)!r}; {self.how}")
        return self._opened(lambda: pa.OSFile(str(path), "rb"), path)

    def _opened(self, opened: Callable[[], Any], path: Path) -> tuple[dict[str, Any], Any]:
        import pyarrow as pa

        try:
            with opened() as source:
                file = pa.ipc.open_file(source)
                batches = [file.get_batch(i) for i in range(file.num_record_batches)]
        except (OSError, pa.ArrowException) as error:
            raise self.error(
                f"{str(path)!r} is not a whole {self.what}: {_first_line(error)}; save it again"
            ) from error
        header = self._header(path, file.schema.metadata or {})
        if len(batches) != 1:
            raise self.error(
                f"{str(path)!r} holds {len(batches)} record batches, and a {self.what} holds one; save it again"
            )
        try:
            digest = _digest({k: v for k, v in header.items() if k != "digest"}, batches[0])
        except ValueError:  # a number that no header has, such as 1e999
            digest = ""
        if header["digest"] != digest:
            raise self.error(f"{str(path)!r} was altered or damaged after it was saved; save it again")
        return header, batches[0]

    def require(self, path: Path, header: Mapping[str, Any], parts: tuple[str, ...]) -> None:
        """Refuse a header that lacks a part.

        Raises:
            AccelDriftError: `error`: it does.
        """
        lacking = [part for part in parts if part not in header]
        if lacking:
            raise self.error(f"{str(path)!r} lacks {', '.join(lacking)} in its header; save it again")

    def _header(self, path: Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
        if self._key not in metadata:
            raise self.error(f"{str(path)!r} is an Arrow file, but no {self.what}; {self.how}")
        try:
            header: dict[str, Any] = json.loads(metadata[self._key])
            later = int(header["format"]) > self.format
        except (ValueError, KeyError, TypeError) as error:
            raise self.error(f"{str(path)!r} has a header that cannot be read; save it again") from error
        if later:
            raise self.error(
                f"{str(path)!r} has format {header['format']}, and this version reads up to {self.format}; "
                "upgrade with pip install -U accel-drift"
            )
        self.require(path, header, ("digest",))
        return header

    @property
    def _key(self) -> bytes:
        """What the header stands under in the file's metadata."""
        return f"accel-drift-{self.what}".encode()


def _digest(header: Mapping[str, Any], batch: Any) -> str:
    """Of the header's values and of every buffer of the rows, whatever the metadata around them."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema.remove_metadata()) as out:
        out.write_batch(batch.replace_schema_metadata(None))
    made = hashlib.blake2b(json.dumps(header, sort_keys=True, allow_nan=False).encode(), digest_size=16)
    made.update(memoryview(sink.getvalue()))
    return made.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
