"""A profile or a plan on disk: one Arrow IPC file, a JSON header in its metadata, rows or counts as its record batch.

Nothing in it is code. A digest over header and rows tells an altered or truncated file from a whole one; it guards
against accidents, not against a forger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from accel_drift.backends import Backend, get_backend
from accel_drift.data.schema import Schema
from accel_drift.data.table import Table
from accel_drift.errors import AccelDriftError, ProfileError, SourceError
from accel_drift.files import write_bytes_atomically

if TYPE_CHECKING:
    from accel_drift.profiles.profile import Profile

FORMAT = 2
"""Number of the form; a reader refuses a later one."""

_KEY = b"accel-drift-profile"
_PARTS = {
    "sample": ("options", "detectors", "totals", "provenance", "schema", "excluded"),
    "aggregates": ("plan", "rows"),
    "plan": ("plan",),
}


def write(header: Mapping[str, Any], batch: Any, path: Path) -> None:
    """Write a header and a `pyarrow.RecordBatch`, all or nothing.

    Raises:
        SourceError: the folder does not exist or cannot be written to.
    """
    import pyarrow as pa

    whole = {**header, "format": FORMAT}
    whole["digest"] = _digest(whole, batch)
    metadata = {**(batch.schema.metadata or {}), _KEY: json.dumps(whole, allow_nan=False).encode()}
    batch = batch.replace_schema_metadata(metadata)

    # Rows are read back as they lie; counts are nearly all 0 or small.
    packed = None if whole["content"] == "sample" else "zstd"

    def fill(sink: BinaryIO) -> None:
        with pa.ipc.new_file(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=packed)) as out:
            out.write_batch(batch)

    write_bytes_atomically(path, fill)


def is_profile(path: Path) -> bool:
    """Whether a file calls itself a profile, without reading its rows."""
    import pyarrow as pa

    try:
        with pa.OSFile(str(path), "rb") as source:
            return _KEY in (pa.ipc.open_file(source).schema.metadata or {})
    except (OSError, pa.ArrowException):
        return False


def open_profile(path: Path, backend: str | Backend) -> Profile:
    """The profile in a file.

    Raises:
        SourceError: there is no such file.
        ProfileError: it is damaged, foreign, altered, of a later format, or holds a plan only.
    """
    header, batch = read(path)
    if header["content"] == "plan":
        raise ProfileError(
            f"{str(path)!r} is a plan, and no row was counted by it yet; open it with Plan.load and give it to "
            f"Profile.fit, or on the command line: accel-drift fit REFERENCE --plan {path} --out PROFILE"
        )
    if header["content"] == "aggregates":
        get_backend(backend)  # counts are compared on the host, but a backend that is not there is an error
        from accel_drift.profiles.counted import CountedProfile

        return CountedProfile.of_file(header, batch)
    from accel_drift.profiles.sampled import SampledProfile

    try:
        rows = Table.from_arrow(batch, Schema.from_list(header["schema"]))
    except AccelDriftError as error:
        raise ProfileError(f"{str(path)!r} does not hold the rows that it names: {error}") from error
    return SampledProfile.of_file(header, replace(rows, excluded=header["excluded"], name=header["name"]), backend)


def read(path: Path) -> tuple[dict[str, Any], Any]:
    """Read a header and its `pyarrow.RecordBatch`.

    Raises:
        SourceError: there is no such file.
        ProfileError: it is damaged, foreign, altered, or of a later format.
    """
    import pyarrow as pa

    if not path.is_file():
        raise SourceError(f"there is no profile {str(path)!r}; make one with Profile.fit(...).save(path)")
    try:
        with pa.OSFile(str(path), "rb") as source:
            file = pa.ipc.open_file(source)
            batches = [file.get_batch(i) for i in range(file.num_record_batches)]
    except (OSError, pa.ArrowException) as error:
        raise ProfileError(f"{str(path)!r} is not a whole profile: {_first_line(error)}; save it again") from error
    header = _header(path, file.schema.metadata or {})
    if len(batches) != 1:
        raise ProfileError(f"{str(path)!r} holds {len(batches)} record batches, and a profile holds one; save it again")
    if header["digest"] != _digest({k: v for k, v in header.items() if k != "digest"}, batches[0]):
        raise ProfileError(f"{str(path)!r} was altered or damaged after it was saved; save it again")
    return {"content": "sample", "name": "", **header}, batches[0]


def _header(path: Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    if _KEY not in metadata:
        raise ProfileError(f"{str(path)!r} is an Arrow file, but no profile; make one with Profile.fit(...).save(path)")
    try:
        header: dict[str, Any] = json.loads(metadata[_KEY])
        later = int(header["format"]) > FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise ProfileError(f"{str(path)!r} has a header that cannot be read; save it again") from error
    if later:
        raise ProfileError(
            f"{str(path)!r} has format {header['format']}, and this version reads up to {FORMAT}; "
            "upgrade with pip install -U accel-drift"
        )
    parts = _PARTS.get(header.get("content", "sample"), ("content",))
    lacking = [part for part in (*parts, "digest") if part not in header]
    if lacking:
        raise ProfileError(f"{str(path)!r} lacks {', '.join(lacking)} in its header; save it again")
    return header


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
