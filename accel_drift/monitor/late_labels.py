"""Labels that come later than their rows, in files as they arrive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from accel_drift.data.folders import local_path
from accel_drift.data.schema import listed
from accel_drift.errors import SchemaError, SourceError
from accel_drift.monitor.batches import Batch, named
from accel_drift.monitor.parts import column_name
from accel_drift.monitor.rows import as_rows
from accel_drift.monitor.sources import Entry, Folder, stat_of


class Labelled(NamedTuple):
    """Labels of one file, as `Monitor.label` takes them.

    Attributes:
        ids: (n,) of rows.
        labels: (n,) the truth.
        digest: of the file they stand in.
    """

    ids: Any
    labels: Any
    digest: str


class LabelFolder(Folder):
    """Files of labels as they arrive in a folder, or one file that is written anew: see `watch`.

    Each has a column of ids and one of labels, and may hold labels of any rows: of some, of rows to come, and again
    those that came before. A file whose content changed is read again. When it has arrived, how long one that cannot be
    read is tried, and which names are not looked at, is as of `Folder`. Ids in files of text are numbers where they
    are made of digits, as they are in such files of rows.

    Args:
        path: the folder, or a file.
        id: the column of ids.
        label: the column of labels.
        options: those of `Folder`.

    Raises:
        ConfigError: an option cannot work.
        SourceError: there is nothing at that path.
    """

    prefix = "labels: "

    def __init__(self, path: str | os.PathLike[str], *, id: str, label: str, **options: Any) -> None:  # noqa: A002
        column_name(id, "id")
        column_name(label, "label")
        place = local_path(path)
        if not place.exists():
            raise SourceError(
                f"there is no folder or file of labels {place}; make it, or check the name ({Path.cwd()})"
            )
        self._file = None if place.is_dir() else place
        self._id, self._label = id, label
        super().__init__(place if self._file is None else place.parent, **options)

    def read(self, batch: Batch) -> Labelled:
        """The labels of a file.

        Raises:
            SchemaError: a column is not there.
            DataError: it cannot be read.
        """
        digest = named(batch, contents=True).digest  # before its rows: if it is written meanwhile, it comes again
        rows = as_rows(batch.rows, None)
        gone = [name for name in (self._id, self._label) if name not in rows.column_names]
        if gone:
            raise SchemaError(
                f"it has no column {listed(gone)}; there are {listed(rows.column_names)}. A file of labels has the ids "
                f"in {self._id!r} and the labels in {self._label!r}: rename its columns, or name them as they are in "
                "label_column and id_column"
            )
        return Labelled(rows.column(self._id), rows.column(self._label), digest)

    def passed(self, batch: Batch) -> Batch:
        """A file that is passed over, under a key by which it is not taken: it is tried again when this begins anew."""
        return batch._replace(key=f"{batch.key} (ids in {self._id!r}, labels in {self._label!r})")

    def entries(self) -> Iterator[Entry]:
        """The files that are looked at."""
        if self._file is None:
            yield from super().entries()
        elif (found := stat_of(self._file)) is not None:
            yield str(self._file), found
