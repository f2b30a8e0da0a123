"""What a monitor has taken in and not yet written, and how it is written: the window, the state and rows as one."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

from accel_drift.data import Schema
from accel_drift.errors import ConfigError, SourceError
from accel_drift.history import History, Metric, Window
from accel_drift.history.steps import Recorded, Saved, Step, Taken
from accel_drift.monitor.batches import Given
from accel_drift.monitor.followers import Work
from accel_drift.monitor.memory import Memory
from accel_drift.monitor.rows import as_rows, digest_of, packed, unpacked
from accel_drift.report import Report

LOG = logging.getLogger("accel_drift.monitor")

FORMAT = 1
"""Number of the form of a monitor's state; a reader refuses a later one."""

Measured = Mapping[str, tuple[Metric, ...]]

_POSITION = "/position/"
"""How the names of pieces begin that say where sources stand; no part has a slash in its name."""


class _Fresh(NamedTuple):
    """A batch that was taken in and is not yet written, with its rows, and where its source goes on."""

    taken: Taken
    rows: Any
    position: Mapping[str, Any]


class _Open(NamedTuple):
    """What is to be written, and was not yet."""

    step: Step
    recorded: Recorded | None
    measured: Measured


class Journal:
    """The writing hand of one monitor.

    Attributes:
        last: number of the batch that was taken in last.
        ready: reports that are written, and not handed out yet.
    """

    def __init__(self, name: str, history: History | None, *, keep_rows: bool) -> None:
        self.last = 0
        self.ready: deque[Report] = deque()
        self._name, self._keep_rows = name, keep_rows and history is not None
        self._ledger = Memory() if history is None else history.ledger(name)
        self._revision, self._used = 0, 1
        self._fresh: list[_Fresh] = []
        self._open: _Open | None = None

    @property
    def waits(self) -> bool:
        """Whether a batch was taken in since it was last written."""
        return bool(self._fresh)

    def take(self, given: Given, rows: Any, count: int) -> Taken:
        """Take a batch in. Its rows are packed where it is written, and then only as far as they are needed."""
        self.last += 1
        taken = Taken(self.last, given.key, given.digest, count, datetime.now(UTC), None)
        self._fresh.append(_Fresh(taken, rows, given.position or {}))
        return taken

    def give_back(self) -> None:
        """The last batch was not taken after all."""
        self._fresh.pop()
        self.last -= 1

    def find(self, key: str) -> Taken | None:
        """The batch of a key, if one was taken."""
        fresh = next((one.taken for one in self._fresh if one.taken.key == key), None)
        return fresh or self._ledger.found(key=key)

    def renamed(self, given: Given) -> Given | None:
        """The batch, under another key where one of its key had other content; None where it was taken before."""
        same = self.find(given.key) if given.key else None
        if same is None:
            return given
        if not given.digest or same.digest == given.digest or (same.rows and not same.digest):
            return None
        other = f"{given.key}#{given.digest[:8]}"
        return None if self.find(other) is not None else given._replace(key=other)

    def known(self, keys: Sequence[str]) -> dict[str, datetime]:
        """Which of these keys belong to batches that were taken, and when that was first."""
        fresh = {one.taken.key: one.taken.at for one in self._fresh}
        return {key: fresh[key] for key in keys if key in fresh} | self._ledger.known(keys)

    def windows(self, keys: Sequence[str]) -> dict[str, Window]:
        """The windows of these keys, as far as they are known, the earliest first."""
        return self._ledger.windows(keys)

    def twin(self, digest: str) -> Taken | None:
        """A batch of some rows with the same content."""
        return self._ledger.found(digest=digest) if digest else None

    def write(
        self,
        state: Mapping[str, Any],
        parts: Mapping[str, bytes | None],
        needed: int | None,
        schema: Schema | None,
        judged: Recorded | None = None,
        measured: Measured = MappingProxyType({}),
        also: Sequence[Work] = (),
    ) -> None:
        """Put down where the monitor stands.

        Args:
            state: the monitor's own, plain values.
            parts: what its parts know, as far as that is new.
            needed: the first batch whose rows a window still needs.
            schema: the reference's columns, to read rows by.
            judged: a window that is finished.
            measured: key of an earlier window -> numbers that it has anew.
            also: what followers have to write.

        Raises:
            HistoryError: the database failed; the next call of `flush` tries again.
        """
        first = self.last + 1 if needed is None else needed
        told = json.dumps({**state, "format": FORMAT, "last": self.last, "needed": first})
        taken = [self._kept(one, first, schema) for one in self._fresh if one.taken.key or one.taken.number >= first]
        stands = {place: at for one in self._fresh for place, at in one.position.items()}
        pieces = {**parts, **{_POSITION + place: json.dumps(at).encode() for place, at in stands.items()}}
        step = Step(Saved(self._revision + 1, uuid4().hex, told), taken, (self._used, first), pieces, also)
        self._open = _Open(step, judged, measured)
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before.

        Raises:
            HistoryError: the database failed again.
        """
        if self._open is None:
            return
        step, recorded, measured = self._open
        new = self._ledger.write(step, recorded, measured)
        self._open, self._fresh = None, []
        self._revision, self._used = step.to.revision, step.used[1]
        if recorded is not None and new:
            LOG.info("%s: window %s: %r", self._name, recorded.window.key, recorded.report)
            self.ready.append(recorded.report)

    def saved(self) -> dict[str, Any] | None:
        """The state that was written last; None where there is none."""
        saved = self._ledger.saved()
        if saved is None:
            return None
        state: dict[str, Any] = json.loads(saved.state)
        self._revision = saved.revision
        self.last, self._used = state["last"], state["needed"]
        return state

    def parts(self) -> dict[str, bytes]:
        """What the parts of the monitor knew when it was last written."""
        return self._ledger.parts()

    def positions(self) -> dict[str, Any]:
        """Where sources stand: what the batches that are written said of it."""
        known = self._ledger.parts()
        return {
            name.removeprefix(_POSITION): json.loads(body) for name, body in known.items() if name.startswith(_POSITION)
        }

    def needed(self) -> list[Taken]:
        """The batches whose rows are needed again."""
        return self._ledger.taken(self._used)

    def rows(self, taken: Taken, schema: Schema | None, *, whole: bool) -> Any:
        """Their rows; None where they cannot be had.

        Args:
            taken: the batch.
            schema: the reference's columns.
            whole: whether a file will do, instead of its rows.

        Raises:
            SourceError: they are in a file, and it is not there any more or was changed.
        """
        if taken.body is not None:
            return unpacked(taken.body)
        if not taken.digest or not taken.rows:
            return None  # of a batch that was passed over nothing is needed, whatever its file holds by now
        path = Path(taken.key.removesuffix(f"#{taken.digest[:8]}"))
        if not path.exists() or digest_of(path) != taken.digest:
            if self._keep_rows:
                return None
            raise SourceError(
                f"monitor {self._name!r} cannot go on: {path}, whose rows an unfinished window needs, is not there any "
                "more or was changed; put it back as it was, or go on without its rows with keep_rows=True: the next "
                "report then says how many they are"
            )
        return path if whole else as_rows(path, schema)

    def _kept(self, fresh: _Fresh, first: int, schema: Schema | None) -> Taken:
        """A batch as it is written: with its rows, where a window still needs them."""
        if fresh.taken.number < first or fresh.rows is None or not self._keep_rows:
            return fresh.taken
        return replace(fresh.taken, body=packed(as_rows(fresh.rows, schema)))


def must_fit(name: str, state: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Whether a monitor can go on from a state.

    Args:
        name: its own.
        state: where it stood.
        now: what may not change in between.

    Raises:
        ConfigError: it cannot.
    """
    if state["format"] > FORMAT:
        raise ConfigError(
            f"monitor {name!r} was written by a later accel-drift; update with pip install -U accel-drift"
        )
    for what, value in now.items():
        was = state[what]
        if was != value:
            other = [key for key in {**was, **value} if was.get(key) != value.get(key)]
            before, given = (", ".join(f"{key}={side[key]!r}" for key in other if key in side) for side in (was, value))
            raise ConfigError(
                f"monitor {name!r} was begun with other {what}: {before or 'none of these'}, and is given "
                f"{given or 'none of these'}; give that again, or another name"
            )
