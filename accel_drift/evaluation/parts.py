"""Trials on disk: a folder with one Parquet file a trial, each written whole, and the list of a study's trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accel_drift.errors import SourceError
from accel_drift.evaluation.trial import FORMAT, schema
from accel_drift.files import write_bytes_atomically, write_text_atomically

_LIST, _PARTS = "study.json", "parts"
_KEY = b"accel_drift.trial"


class Folder:
    """Where a study is kept.

    Raises:
        SourceError: the path is a file, or the folder cannot be made.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            (self.path / _PARTS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"cannot keep a study in {self.path}: {error.strerror or error}") from error

    def read(self, key: str) -> Any | None:
        """The rows of a trial; None where they are not there, not whole, or those of another."""
        return _read(self._part(key), key)

    def write(self, key: str, table: Any) -> None:
        """Keep the rows of a trial, whole or not at all.

        Raises:
            SourceError: the folder cannot be written to.
        """
        import pyarrow.parquet as pq

        named = table.replace_schema_metadata({_KEY: key.encode()})
        write_bytes_atomically(self._part(key), lambda out: pq.write_table(named, out, compression="zstd"))

    def write_list(self, about: Mapping[str, Any]) -> None:
        """Keep which trials make up the study.

        Raises:
            SourceError: the folder cannot be written to.
        """
        write_text_atomically(self.path / _LIST, json.dumps({"format": FORMAT, **about}, indent=1) + "\n")

    def _part(self, key: str) -> Path:
        return self.path / _PARTS / f"{key}.parquet"


def read_study(path: str | Path) -> tuple[dict[str, Any], list[Any]]:
    """What a folder says of its study, and the rows of the trials that are done.

    Raises:
        SourceError: there is no study, or it is of another format.
    """
    listed = Path(path) / _LIST
    try:
        about: dict[str, Any] = json.loads(listed.read_text(encoding="utf-8"))
        number = int(about["format"])
        trials = [(str(one["key"]), str(one["contender"]), str(one["scenario"])) for one in about["trials"]]
    except FileNotFoundError as error:
        raise SourceError(f"there is no study in {str(path)!r}; run one with run(out=...)") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{str(listed)!r} cannot be read as the list of a study; run the study again") from error
    if number > FORMAT:
        raise SourceError(
            f"{str(listed)!r} has format {number}, and this version reads up to {FORMAT}; upgrade with "
            "pip install -U accel-drift"
        )
    if number < FORMAT:
        raise SourceError(
            f"{str(listed)!r} has format {number}, of an earlier version; run the study again, which makes it anew"
        )
    found = [(_read(Path(path) / _PARTS / f"{key}.parquet", key), name, scene) for key, name, scene in trials]
    return about, [renamed(table, name, scene) for table, name, scene in found if table is not None]


def renamed(table: Any, name: str, scene: str) -> Any:
    """The rows under the names that this study has for contender and scenario: a part knows only what it is made of."""
    import pyarrow as pa

    for place, text in ((0, name), (1, scene)):
        column = pa.array([text] * table.num_rows, pa.string())
        table = table.set_column(place, table.schema.field(place), column)
    return table


def joined(tables: Sequence[Any]) -> Any:
    """All rows as one table."""
    import pyarrow as pa

    return pa.concat_tables(tables).combine_chunks() if tables else schema().empty_table()


def _read(path: Path, key: str) -> Any | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=False)
    except (OSError, pa.ArrowException):
        return None
    its_own = (table.schema.metadata or {}).get(_KEY) == key.encode()
    whole = its_own and table.schema.equals(schema()) and table.num_rows
    return table.replace_schema_metadata(None) if whole else None
