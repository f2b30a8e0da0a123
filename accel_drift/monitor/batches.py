"""What is handed to a monitor: batches, with what tells one from another."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from accel_drift.errors import DataError, SourceError
from accel_drift.monitor.rows import digest_of, is_path


class Batch(NamedTuple):
    """Rows with a name.

    Attributes:
        rows: a data set, in any form that `Profile.score` takes.
        key: what tells it from all other batches, such as a message's number: a batch whose key was taken before is
            passed over. A file needs none: its path is its key, and its content tells it from a later one of that name.
        position: where a source stands after this batch, as plain values: name of a place, such as a partition ->
            where it goes on. It is written in the transaction that takes the batch in; see `Monitor.positions`.
        passed_over: what the source had to pass over before it, in words: the next report says so, and each counts in
            `Monitor.passed_over`. Where that is all there is, rows are None.
        told: what else the next report is to say.
    """

    rows: Any
    key: str = ""
    position: Mapping[str, Any] | None = None
    passed_over: Sequence[str] = ()
    told: Sequence[str] = ()


class Given(NamedTuple):
    """A batch as it is looked up.

    Attributes:
        rows: as they were given.
        key: see `Batch`.
        digest: of a file's content, else "".
        position: see `Batch`.
    """

    rows: Any
    key: str
    digest: str
    position: Mapping[str, Any] | None = None


def each(given: Any, held: deque[Batch]) -> Iterator[Batch]:
    """The batches of what was given: one, or any number of them; before them those that were given and not looked at.

    Raises:
        DataError: it is neither.
    """
    with suppress(IndexError):
        while True:
            yield held.popleft()
    if isinstance(given, Batch):
        yield given
    elif _is_one(given):
        yield Batch(given)
    elif isinstance(given, Iterable) and not isinstance(given, bytes | bytearray):
        for one in given:
            yield one if isinstance(one, Batch) else Batch(one)
    else:
        raise DataError(
            f"cannot take batches from a {type(given).__name__}; give an iterable of tables, files or dicts of "
            "columns, or one of them"
        )


def _is_one(given: Any) -> bool:
    """Whether it is rows, and no collection of batches, though both can be iterated over."""
    if is_path(given) or isinstance(given, (Mapping, np.ndarray)):
        return True
    tabular = hasattr(given, "columns") or hasattr(given, "column_names") or hasattr(given, "num_columns")
    return tabular or hasattr(given, "__dlpack__")


def unread(batch: str | os.PathLike[str] | Batch) -> Given:
    """A batch that is not to be read: of a file, what tells its content where that can be had.

    Raises:
        DataError: the key is no text.
    """
    if not isinstance(batch, Batch):
        key: Any = os.fspath(batch) if is_path(batch) else batch
        batch = Batch(key) if key and is_path(key) and Path(key).exists() else Batch(None, key)
    try:
        return named(batch, contents=True)
    except SourceError:
        return named(batch, contents=False)


def named(batch: Batch, *, contents: bool) -> Given:
    """A batch with its key; of a file also what tells its content, where `contents` are asked for.

    Raises:
        DataError: the key is no text.
        SourceError: the file cannot be read.
    """
    if not isinstance(batch.key, str):
        raise DataError(f"the key of a batch is {batch.key!r}; it is a text, such as a message's number")
    if not is_path(batch.rows):
        return Given(batch.rows, batch.key, "", batch.position)
    path = os.fspath(batch.rows)
    # A pattern or a list of files has no content of its own.
    known = contents and Path(path).exists()
    return Given(batch.rows, batch.key or str(path), digest_of(Path(path)) if known else "", batch.position)
