"""A profile or a plan on disk: see `accel_drift.arrow_files`; rows or counts are the record batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend, get_backend
from accel_drift.data.schema import Schema
from accel_drift.data.table import Table
from accel_drift.errors import AccelDriftError, ProfileError

if TYPE_CHECKING:
    from accel_drift.profiles.profile import Profile

FORMAT = 2
"""Number of the form; a reader refuses a later one."""

_FORM = Form("profile", "make one with Profile.fit(...).save(path)", FORMAT, ProfileError)
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
    # Rows are read back as they lie; counts are nearly all 0 or small.
    _FORM.write(header, batch, path, packed=header["content"] != "sample")


def is_profile(path: Path) -> bool:
    """Whether a file calls itself a profile, without reading its rows."""
    return _FORM.is_one(path)


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
    header, batch = _FORM.read(path)
    whole = {"content": "sample", "name": "", **header}
    _FORM.require(path, whole, _PARTS.get(whole["content"], ("a known content",)))
    return whole, batch
