"""A watch on disk: see `accel_drift.arrow_files`; the record batch holds the reference rows that are still needed.

They are in the file, and not a digest of a reference that would have to be given again: a watch goes on wherever the
file is, and rows that were used, which nothing needs, are gone from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.arrow_files import Form
from accel_drift.data.schema import Schema
from accel_drift.data.table import Table
from accel_drift.errors import AccelDriftError, ConfigError, SourceError

FORMAT = 1
"""Number of the form; a reader refuses a later one."""

_FORM = Form("watch", "make one with Watch.save(path)", FORMAT, SourceError)


class Kept(NamedTuple):
    """What is known of a watch.

    Attributes:
        facts: plain values.
        arrays: what was learned.
        rows: reference rows: those set aside first, then those that no look has used, in their order.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    rows: Table


def write(kept: Kept, path: Path) -> None:
    """Write a watch, all or nothing.

    Raises:
        ConfigError: an option is no plain value.
        SourceError: the folder does not exist or cannot be written to.
    """
    try:
        json.dumps(kept.facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"an option of {kept.facts['test']} cannot be kept in a file: {error}") from error
    arrays = {
        name: {"dtype": a.dtype.str, "shape": a.shape, "bytes": base64.b64encode(a.tobytes()).decode()}
        for name, a in kept.arrays.items()
    }
    header = {"facts": dict(kept.facts), "schema": kept.rows.schema.to_list(), "arrays": arrays}
    _FORM.write(header, kept.rows.to_arrow(), path)


def read(path: Path) -> Kept:
    """Read what `write` wrote.

    Raises:
        SourceError: there is no such file, or it is damaged, foreign, altered, or of a later format.
    """
    header, batch = _FORM.read(path)
    _FORM.require(path, header, ("facts", "schema", "arrays"))
    try:
        rows = Table.from_arrow(batch, Schema.from_list(header["schema"]))
    except AccelDriftError as error:
        raise SourceError(f"{str(path)!r} does not hold the rows that it names: {error}") from error
    return Kept(header["facts"], {name: _array(**form) for name, form in header["arrays"].items()}, rows)


def _array(dtype: str, shape: list[int], bytes: str) -> npt.NDArray[Any]:  # noqa: A002  (its name in the file)
    return np.frombuffer(base64.b64decode(bytes), dtype).reshape(shape).copy()
