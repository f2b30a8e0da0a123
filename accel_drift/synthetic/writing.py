"""A scenario as files: the reference, a file for each batch in the order of their arrival, and the truth."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from accel_drift.errors import ConfigError, SourceError
from accel_drift.files import write_bytes_atomically, write_text_atomically
from accel_drift.options import is_finite
from accel_drift.synthetic.columns import as_columns, some_of
from accel_drift.synthetic.stream import Scenario

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("parquet", "csv", "arrow")
_OURS = re.compile(r"(reference|batches/\d{4,})\.(parquet|csv|arrow)")


def write(
    scenario: Scenario,
    folder: str | Path,
    *,
    format: str = "parquet",  # noqa: A002  (the word that everyone looks for)
    interval: float = 0.0,
    force: bool = False,
    tell: Callable[[int, int, str], None] = lambda _done, _of, _what: None,
    wait: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """Write `reference`, `batches/0001` and so on, and `truth.json` with the file of each batch.

    Each file appears whole: it is written under another name, which begins with a dot, and then renamed. Missing values
    are null in Parquet and Arrow files, and nothing in CSV files. The reference and the truth come first, then the
    batches as they arrive.

    Args:
        scenario: what is written.
        folder: where to; made where it is not there.
        format: "parquet", "csv" or "arrow".
        interval: seconds between two batches.
        force: replace an earlier simulation in the folder: the files that its truth.json lists are removed first. Other
            files are never removed or written over, and stay where they are.
        tell: told (done, of, what) before each batch.
        wait: what waits.

    Returns:
        What stands in `truth.json`.

    Raises:
        ConfigError: there is no such format, or the interval is no time.
        SourceError: there are such files already, others stand in the way, or they cannot be written.
    """
    if format not in FORMATS:
        raise ConfigError(f"format is {format!r}; there are {', '.join(FORMATS)}")
    if not (is_finite(interval) and interval >= 0):
        raise ConfigError(f"interval is {interval!r}; it is a number of seconds of at least 0")
    root = Path(folder)
    names = {number: f"batches/{number:04d}.{format}" for number in scenario.arrivals}
    _make_room(root, [f"reference.{format}", "truth.json", *names.values()], force=force)
    truth = {**scenario.truth.to_dict(), "reference_file": f"reference.{format}", "arrivals": list(names.values())}
    for batch in truth["batches"]:
        batch["file"] = names[batch["number"]]
    reference = _table(scenario.reference, None)
    # The truth first: what is there when this ends early is known to be its own.
    write_text_atomically(root / "truth.json", json.dumps(truth, indent=1, default=_plain) + "\n")
    _write(reference, root / f"reference.{format}")
    for place, (number, name) in enumerate(names.items()):
        tell(place, len(names), name)
        if place and interval:
            wait(interval)
        _write(_table(scenario[number - 1].rows, reference.schema), root / name)
    return truth


def _make_room(root: Path, wanted: list[str], *, force: bool) -> None:
    """Make the folders, and remove an earlier simulation from them where that is asked for."""
    batches = root / "batches"
    try:
        batches.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"cannot make the folder {batches}: {error.strerror or error}; give another") from error
    old = _earlier(root)
    foreign = [name for name in wanted if name not in old and (root / name).exists()]
    if foreign:
        raise SourceError(
            f"{root} holds {some_of(foreign)} already, and not of a simulation whose truth.json lists it; give another "
            "folder, or move that away"
        )
    if old and not force:
        raise SourceError(f"{root} holds {some_of(old)} already; give another folder, or force=True to replace them")
    for name in reversed(old):
        (root / name).unlink()


def _earlier(root: Path) -> list[str]:
    """The files of an earlier simulation: those that its truth lists and that are there, the truth first."""
    try:
        truth = json.loads((root / "truth.json").read_text(encoding="utf-8"))
        listed = [truth["reference_file"], *truth["arrivals"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    names = ["truth.json", *(name for name in listed if isinstance(name, str) and _OURS.fullmatch(name))]
    return [name for name in names if (root / name).is_file()]


def _table(rows: Any, schema: pa.Schema | None) -> pa.Table:
    """Rows as a table; in the types of the reference, since a column without a value has none of its own."""
    import pyarrow as pa

    columns = as_columns(rows, "the rows")
    types = {} if schema is None else {field.name: field.type for field in schema}
    arrays = {}
    for name, values in columns.items():
        plain = values.astype(object) if values.dtype.kind in "UT" else values
        arrays[name] = pa.array(np.ascontiguousarray(plain), types.get(name), from_pandas=True)
    return pa.table(arrays)


def _write(table: pa.Table, path: Path) -> None:
    def fill(out: BinaryIO) -> None:
        import pyarrow as pa

        if path.suffix == ".parquet":
            import pyarrow.parquet

            pyarrow.parquet.write_table(table, out)
        elif path.suffix == ".csv":
            import pyarrow.csv

            pyarrow.csv.write_csv(table, out)
        else:
            with pa.ipc.new_file(out, table.schema) as file:
                file.write_table(table)

    write_bytes_atomically(path, fill)


def _plain(value: Any) -> Any:
    """A number of NumPy as one of Python; what has no place in JSON as a text."""
    return value.item() if hasattr(value, "item") else str(value)
