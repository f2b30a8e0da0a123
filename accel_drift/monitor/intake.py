"""How batches enter a monitor: known ones are passed over, others are read, and cut into windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from accel_drift.data.device import is_tensor
from accel_drift.data.schema import Column
from accel_drift.errors import ConfigError, DataError, HistoryError
from accel_drift.history import History
from accel_drift.monitor.batches import Batch, Given, named, unread
from accel_drift.monitor.cutting import Cutter, Piece
from accel_drift.monitor.journal import LOG, Journal
from accel_drift.monitor.parts import Part, prepared
from accel_drift.monitor.references import Reference
from accel_drift.monitor.rows import as_rows, in_parts, is_path, times_of
from accel_drift.monitor.windows import Windows
from accel_drift.profiles.counted import CountedProfile

_MOST = 1_000
"""Warnings that are held for who asks."""


class Intake:
    """The door of one monitor.

    Attributes:
        said: what the next report is to say of batches.
        held: batches that were given, and not looked at since the database failed.
        passed: how many were passed over.
    """

    def __init__(
        self,
        name: str,
        windows: Windows,
        reference: Reference,
        parts: Sequence[Part],
        journal: Journal,
        cutter: Cutter,
    ) -> None:
        self.said: list[str] = []
        self.held: deque[Batch] = deque()
        self.passed = 0
        self._late: deque[str] = deque(maxlen=_MOST)
        self._name, self._windows, self._reference, self._parts = name, windows, reference, parts
        self._journal, self._cutter = journal, cutter

    def take(self, batch: Batch) -> None:
        """Take a batch in, all of it or nothing.

        Raises:
            DataError: it cannot be read, or cannot be dated.
            HistoryError: the database failed; the batch is held.
        """
        try:
            self._journal.flush()
            given = self._new(named(batch, contents=True))
        except HistoryError:
            self.held.append(batch)
            raise
        if given is None:
            return
        if batch.rows is None and batch.position is not None:
            self._journal.take(given, None, 0)
        else:
            self._read(given)
        self.said += [*batch.passed_over, *batch.told]
        self.passed += len(batch.passed_over)
        for text in batch.passed_over:
            LOG.warning("%s: %s", self._name, text)

    def _read(self, given: Given) -> None:
        if self.whole and self._as_it_is(given.rows):
            self._enter(given, given.rows, -1)
            return
        rows = prepared(self._parts, as_rows(given.rows, self._reference.schema))
        if self._windows.on is not None:
            times_of(rows, self._windows.on)  # all of it can be dated, or nothing is taken
        parts = in_parts(rows) if self._windows.by is None else [rows]
        unnamed = given._replace(key="", digest="", position=None)
        for part in parts:
            # The key goes with the last part.
            self._enter(given if part is parts[-1] else unnamed, part, part.num_rows)

    def skip(self, batch: str | PathLike[str] | Batch, why: str) -> bool:
        """Pass a batch over; whether it was not taken before.

        Raises:
            DataError: it has no key, or the reason is no text.
        """
        told: Any = why
        given = unread(batch)
        if not given.key or not isinstance(told, str):
            raise DataError(
                f"cannot pass over {batch!r:.100} for the reason {why!r:.100}; give a file or a key, and a reason as "
                "text"
            )
        new = self._journal.renamed(given)
        if new is not None:
            self._pass_over(new, why)
        return new is not None

    def again(self) -> None:
        """Take in again what was taken and is still needed, as far as it can be had."""
        for taken in self._journal.needed():
            rows = self._journal.rows(taken, self._reference.schema, whole=self.whole)
            if rows is not None:
                self._cutter.again(Piece(taken.number, rows, taken.key), taken.at)
            elif taken.rows:
                self._cutter.lost(max(taken.rows, 0))
                what = f"{taken.rows:,} rows" if taken.rows > 0 else "a batch"
                self.said.append(f"{what} of an unfinished window were not kept, and are lost with the last process")
        self._cutter.settled()

    def warn(self, texts: Sequence[str]) -> None:
        """Tell at once what concerns windows that are finished."""
        self._late += texts
        for text in texts:
            LOG.warning("%s: %s", self._name, text)

    def warned(self) -> list[str]:
        """What `warn` was given since this was asked last, the latest of it."""
        told = [*self._late]
        self._late.clear()
        return told

    @property
    def expected(self) -> dict[str, Column | None] | None:
        """Columns that the reference, parts or windows look at -> the reference's; None where it is not known."""
        schema = self._reference.schema
        if schema is None:
            return None
        others = [*(name for part in self._parts for name in part.columns), self._windows.on]
        made = {c.source: None for c in schema.columns if c.derived}
        return {**dict.fromkeys(n for n in others if n), **made, **{c.name: c for c in schema.columns if not c.derived}}

    @property
    def whole(self) -> bool:
        """Whether a batch goes to the reference alone, and is looked at by nothing else."""
        by_itself = self._windows.by is not None and self._windows.on is None
        return by_itself and not self._parts and self._reference.most == 0

    def _as_it_is(self, rows: Any) -> bool:
        """Whether a batch is not to be read here: on its device, or in a file that may be larger than memory."""
        if is_path(rows):
            return isinstance(self._reference.profile(()), CountedProfile)
        return is_tensor(rows) or (isinstance(rows, Mapping) and any(map(is_tensor, rows.values())))

    def _enter(self, given: Given, rows: Any, count: int) -> None:
        taken = self._journal.take(given, rows, count)
        try:
            self._cutter.add(Piece(taken.number, rows, given.key), taken.at)
        except BaseException:
            self._journal.give_back()
            raise

    def _new(self, given: Given) -> Given | None:
        """The batch, under another key where one of its key had other content; None where it was taken before."""
        found = self._journal.renamed(given)
        twin = None if found is None or not found.key else self._journal.twin(found.digest)
        if found is not None and twin is not None:
            self._pass_over(found, f"it has the content of {twin.key}")
            return None
        if found is not None and found.key != given.key:
            self.said.append(f"{given.key} has other content than when it came before: it counts as a new batch")
        return found

    def _pass_over(self, given: Given, why: str) -> None:
        self.said.append(f"{given.key} was passed over: {why}")
        LOG.warning("%s: %s was passed over: %s", self._name, given.key, why)
        self._journal.take(given, None, 0)
        self.passed += 1


def opened(history: History | str | None, wait: float) -> History | None:
    """The history of a monitor.

    Raises:
        ConfigError: it is neither a history nor the URL of one.
        HistoryError: the database cannot be opened.
    """
    given: Any = history
    if given is not None and not isinstance(given, History | str):
        raise ConfigError(
            f'history is {history!r:.100}; it is a History, or the URL of one such as "sqlite:///drift.db"'
        )
    return History(history, wait=wait) if isinstance(history, str) else history
