"""Where batches come from, and what becomes of one that cannot be read: the folder that files arrive in, first of all.

A source says what is there now. Which of it was taken before the monitor knows, so that a source remembers nothing that
must outlive the process.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeAlias

from accel_drift.data.folders import local_path
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.journal import LOG
from accel_drift.monitor.monitor import Monitor
from accel_drift.options import is_finite

UNFINISHED = (".part", ".tmp")
"""How names of files end that somebody still writes."""

MOST = 10_000
"""Files that are waited for at a time; the others of a folder come after them."""
_AT_ONCE = 500
"""Files that the monitor is asked for at a time."""


Entry: TypeAlias = tuple[str, os.stat_result]
"""A file: its path, its size and times."""


class Source(ABC):
    """Where batches come from.

    Attributes:
        ends: nothing comes after what one look finds.
    """

    ends = True

    @abstractmethod
    def batches(self, monitor: Monitor) -> Iterator[Batch]:
        """What is there now and was not taken, in its order.

        Raises:
            SourceError: the source itself cannot be read.
            HistoryError: the monitor cannot say what it took.
        """

    def taken(self, batch: Batch) -> None:  # noqa: B027  (most have nothing to do)
        """A batch was taken, or passed over."""

    def refused(self, batch: Batch, error: DataError) -> bool:  # noqa: ARG002
        """A batch could not be read. Whether it is passed over now; otherwise it may come again."""
        return True

    @property
    def due(self) -> float | None:
        """In so many seconds another look may find what lies there already; None where nothing is waited for."""
        return None

    def ended(self) -> None:  # noqa: B027
        """Nothing came for as long as anything was waited for.

        Raises:
            SourceError: that does not mean that all was taken.
        """

    def close(self) -> None:  # noqa: B027
        """Give back what it holds, such as connections."""


@dataclass(slots=True)
class _Waiting:
    """A file that was not taken yet.

    Attributes:
        path: where it is.
        mark: its size and times.
        order: its place among others.
        since: from when on it was like this.
        again: it changed while it was waited for.
        refused: when it could first not be read.
    """

    path: Path
    mark: int
    order: tuple[Any, ...]
    since: float
    again: bool = False
    refused: float | None = None

    @property
    def hopeful(self) -> bool:
        """Whether it seems to be there as a whole."""
        return self.refused is None and not self.again

    def changed(self, about: os.stat_result, at: float) -> bool:
        """Whether it is another file now; then it is waited for anew."""
        mark = _mark(self.path, about)
        if mark == self.mark:
            return False
        self.mark, self.since, self.again, self.refused = mark, at, True, None
        return True


class Folder(Source):
    """Files as they arrive in a folder, and in folders below it. Each is a batch; its key is its path below the folder.

    A file has arrived when its size and times have stayed the same for `settle` seconds. A file that cannot be read is
    tried at every look, and passed over when it has been like that for `patience` seconds; the next report says so.
    When it changes afterwards it is a new batch. Names that begin with "." or "_" or end in ".part" or ".tmp" are not
    looked at, nor is what lies in folders of such names. A file that goes away before it was read is no error.

    It remembers 150 bytes or so for each file that lies in the folder, and nothing of files that were moved away.

    Attributes:
        prefix: what keys begin with.

    Args:
        root: the folder.
        patterns: only files whose path below the folder, or name, matches one of these: ["*.parquet"].
        order: of files that are there at one look: "name", or "time" for that of their last change.
        settle: see above. With 0 a file is taken at first sight: right where files appear whole, by a rename.
        patience: see above.
        clock: seconds that only go forward.
        now: seconds since 1970, as the times of files.

    Raises:
        ConfigError: an option cannot work.
        SourceError: there is no such folder.
    """

    ends = False
    prefix = ""

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        patterns: Sequence[str] = (),
        order: str = "name",
        settle: float = 2.0,
        patience: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.root = local_path(root)
        if order not in ("name", "time"):
            raise ConfigError(f'order is {order!r}; files are taken by "name", or by "time" of their last change')
        for name, value in (("settle", settle), ("patience", patience)):
            if not is_finite(value) or value < 0:
                raise ConfigError(f"{name} is {value!r}; it is a number of seconds of at least 0")
        if not self.root.is_dir():
            raise SourceError(f"there is no folder {self.root}; make it, or check the name ({Path.cwd()})")
        self._patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        self._by_time, self._settle, self._patience = order == "time", settle, patience
        self._clock, self._now = clock, now
        self._known: set[int] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._more = False

    def batches(self, monitor: Monitor) -> Iterator[Batch]:
        """The files that have arrived; see `Source.batches`."""
        self._look(monitor)
        at = self._clock()
        ready = [(one.order, key) for key, one in self._waiting.items() if at - one.since >= self._settle]
        for _, key in sorted(ready):
            yield Batch(self._waiting[key].path, key)

    def taken(self, batch: Batch) -> None:
        """It is not looked at again before it changes."""
        waiting = self._waiting[batch.key]
        try:
            if waiting.changed(waiting.path.stat(), self._clock()):
                return  # while it was read
        except OSError:
            pass  # it was moved away
        self._known.add(self._waiting.pop(batch.key).mark)

    def refused(self, batch: Batch, error: DataError) -> bool:
        """Whether it has been like that for long enough, by what was seen of it or by its own times."""
        waiting, at = self._waiting[batch.key], self._clock()
        try:
            about = waiting.path.stat()
        except FileNotFoundError:
            del self._waiting[batch.key]
            return False
        except OSError:
            about = None
        if about is not None and waiting.changed(about, at):
            return False
        if waiting.refused is None:
            waiting.refused = at
            LOG.warning("%s cannot be read yet: %s", batch.key, error)
        old = 0.0 if about is None else self._now() - max(about.st_mtime, about.st_ctime)
        return max(at - waiting.refused, old) >= self._patience

    @property
    def due(self) -> float | None:
        """When the first of the files that seem to be there as a whole has settled, or there are more than that."""
        if self._more:
            return 0.0
        whole = [one.since for one in self._waiting.values() if one.hopeful]
        return max(0.0, min(whole) + self._settle - self._clock()) if whole else None

    def entries(self) -> Iterator[Entry]:
        """The files that are looked at.

        Raises:
            SourceError: a folder cannot be read.
        """
        return _files(self.root)

    def _look(self, monitor: Monitor) -> None:
        """See what is there: what was known stays known, what changed is waited for anew."""
        at = self._clock()
        known: set[int] = set()
        there: dict[str, _Waiting] = {}
        new: list[tuple[tuple[Any, ...], str, Path, os.stat_result]] = []
        for path, about in self.entries():
            mark = _mark(path, about)
            if mark in self._known:
                known.add(mark)
                continue
            below = key_of(Path(path).relative_to(self.root))
            if self._patterns and not any(fnmatch(below, p) or fnmatch(Path(path).name, p) for p in self._patterns):
                continue
            key = self.prefix + below
            if key in self._waiting:
                there[key] = self._waiting[key]
                there[key].changed(about, at)
            else:
                new.append(((about.st_mtime_ns, key) if self._by_time else (key,), key, Path(path), about))
        self._known, self._waiting, self._more = known, there, False
        new.sort(key=lambda one: one[0])
        self._add(monitor, new, at)

    def _add(
        self, monitor: Monitor, new: Sequence[tuple[tuple[Any, ...], str, Path, os.stat_result]], at: float
    ) -> None:
        """Wait for the first of the files that the monitor did not take, or that changed since it took them."""
        for first in range(0, len(new), _AT_ONCE):
            some = new[first : first + _AT_ONCE]
            if sum(one.hopeful for one in self._waiting.values()) >= MOST:
                self._more = True
                return
            taken = monitor.taken([key for _, key, _, _ in some])
            for order, key, path, about in some:
                if key in taken and max(about.st_mtime, about.st_ctime) < taken[key].timestamp():
                    self._known.add(_mark(path, about))
                else:
                    self._waiting[key] = _Waiting(path, _mark(path, about), order, at)


def _files(root: Path) -> Iterator[Entry]:
    """The files below a folder that are looked at; links are followed, into each folder once.

    Raises:
        SourceError: a folder cannot be read.
    """
    folders, met = [str(root)], set()
    while folders:
        folder = folders.pop()
        try:
            about = Path(folder).stat()
            if (about.st_dev, about.st_ino) in met:
                continue
            met.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith((".", "_")) or entry.name.endswith(UNFINISHED):
                        continue
                    if entry.is_dir():
                        folders.append(entry.path)
                    elif (found := stat_of(entry)) is not None:
                        yield entry.path, found
        except FileNotFoundError:
            if folder == str(root):
                raise SourceError(f"the folder {root} is not there any more; nothing that was taken is lost") from None
        except OSError as error:
            raise SourceError(
                f"the folder {folder} cannot be read: {error.strerror}; ask for the right to, or move it"
            ) from error


def stat_of(entry: os.DirEntry[str] | Path) -> os.stat_result | None:
    """None where it went away, or is a link to nothing."""
    try:
        return entry.stat() if entry.is_file() else None
    except FileNotFoundError:
        return None


def _mark(path: str | Path, about: os.stat_result) -> int:
    """What is another number when a file has changed."""
    return hash((str(path), about.st_size, about.st_mtime_ns, about.st_ctime_ns))


def key_of(path: Path) -> str:
    """The path as a text that every database can hold."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
