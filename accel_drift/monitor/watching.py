"""A monitor and a source, brought together: what is there is taken, what cannot be read waits, and so for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from accel_drift.errors import ConfigError, DataError, HistoryError, SchemaError, SecondMonitorError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.journal import LOG
from accel_drift.monitor.late_labels import LabelFolder
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.sources import Source
from accel_drift.options import is_finite
from accel_drift.report import Report


def watch(
    monitor: Monitor,
    source: Source,
    *,
    labels: LabelFolder | None = None,
    poll: float = 5.0,
    until_idle: float | None = None,
    wait: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    tell: Callable[[str], object] = lambda _what: None,
    late: Callable[[str], object] = lambda _text: None,
    held: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Report]:
    """Take batches from a source as they come, and hand out a report of each window as it is finished.

    When a report comes out, it is in the history. Where the history's database fails, that is logged and tried again
    until it answers; nothing is lost meanwhile, as nothing more is taken in.

    Args:
        monitor: what looks at the batches.
        source: where they come from.
        labels: where labels come from that are later than their rows, such as `LabelFolder("labels", id="id",
            label="y")`. They are looked for after the batches of a look, and every `poll` seconds among these.
        poll: seconds from one look at the source to the next.
        until_idle: ends when nothing came for so many seconds, and raises what a database says that failed for so
            long. With 0 what is there is taken, and no more. None to end only with the source.
        wait: what waits for so many seconds.
        clock: seconds that only go forward.
        tell: told what is done.
        late: told of windows that labels showed to be degraded after their reports, each once; it is logged, too.
        held: a context in which a batch is looked at and its reports are handed out: a bad time to interrupt.

    Raises:
        ConfigError: an option is no number of seconds, or labels come and no part of the monitor takes them.
        SourceError: the source itself cannot be read, or was silent to the end without saying that nothing more is
            there. What cannot be read of it is passed over; see `Source`.
        SecondMonitorError: another process runs the monitor.
        HistoryError: see `until_idle`.
    """
    for name, value in (("poll", poll), ("until_idle", until_idle or 0.0)):
        if not is_finite(value) or value < 0:
            raise ConfigError(f"{name} is {value!r}; it is a number of seconds of at least 0")
    if labels is not None and not monitor.takes_labels:
        raise ConfigError("labels= is given, and no part of the monitor takes labels: give Performance(..., id=...)")
    return _Watch(monitor, source, labels, poll, until_idle, wait, clock, tell, late, held).run()


@dataclass(slots=True)
class _Watch:
    """What `watch` was given, and how it goes.

    Attributes:
        last: when something was taken last.
        looked: when labels were looked for last.
        said: what the database said last, while it fails.
        caught_up: the source had nothing more, once; only then is a lack of data one of the data.
    """

    monitor: Monitor
    source: Source
    labels: LabelFolder | None
    poll: float
    until_idle: float | None
    wait: Callable[[float], object]
    clock: Callable[[], float]
    tell: Callable[[str], object]
    late: Callable[[str], object]
    held: Callable[[], AbstractContextManager[object]]
    last: float = 0.0
    looked: float = 0.0
    said: str = ""
    caught_up: bool = False

    def run(self) -> Iterator[Report]:
        try:
            yield from self._run()
        except KeyboardInterrupt:
            self.source.close()  # so that others of a group do not wait for who was told to end
            raise

    def _run(self) -> Iterator[Report]:
        self.last = self.looked = self.clock()
        yield from self._take(None)
        ended = False
        while True:
            try:
                for batch in () if ended else self.source.batches(self.monitor):
                    yield from self._take(batch)
                    if self.clock() - self.looked >= self.poll:
                        self._take_labels()
                ended = self.source.ends
                self._take_labels()
                self.caught_up = self.caught_up or self.source.due is None
                if self.caught_up:
                    with self.held():
                        self.monitor.tick()
            except HistoryError as error:
                self._failed(error)
                continue
            due = min((one.due for one in self._places() if one.due is not None), default=None)
            idle = self.until_idle is not None and due is None and self.clock() - self.last >= self.until_idle
            if idle or (ended and due is None):
                self.source.ended()
                return
            self.tell("waiting for batches")
            self.wait(self.poll if due is None else min(due, self.poll))

    def _take(self, batch: Batch | None) -> Iterator[Report]:
        """Hand a batch to the monitor, until it went; None for what the process before left."""
        handing = _Handing(batch)
        while True:
            try:
                with self.held():
                    if handing.refused:
                        self.monitor.skip(handing.refused[0], handing.refused[1])
                    else:
                        self.tell(handing.told)
                        yield from self.monitor.observe(handing)
                    if batch is not None:
                        self.source.taken(batch)
                        self.last = self.clock()
                self.said = ""
                return
            except HistoryError as error:
                self._failed(error)
            except DataError as error:
                # Where no batch ever went, a column that lacks is a mistake of whoever named it, and of no file.
                if batch is None or (isinstance(error, SchemaError) and not self.monitor.began):
                    raise
                if not self.source.refused(batch, error):
                    return
                handing.refused = batch, str(error)

    def _places(self) -> list[Source]:
        return [self.source] if self.labels is None else [self.source, self.labels]

    def _take_labels(self) -> None:
        """Hand the files of labels that are there to the monitor.

        Raises:
            HistoryError: the database failed; the file comes again at the next look.
        """
        if self.labels is None:
            return
        self.looked = self.clock()
        for batch in self.labels.batches(self.monitor):
            self.tell(f"reading {batch.key}")
            with self.held():
                self._label(self.labels, batch)

    def _label(self, folder: LabelFolder, batch: Batch) -> None:
        try:
            came = folder.read(batch)
            changed = self.monitor.label(came.ids, came.labels, key=batch.key, digest=came.digest)
            for text in self.monitor.worsened():
                self.late(text)
            LOG.info("%s: %s: %d windows have other numbers", self.monitor.name, batch.key, changed)
        except ConfigError as error:
            folder.refused(batch, DataError(str(error)))  # what classes there are is not known before rows come
            return
        except DataError as error:
            if not folder.refused(batch, error):
                return
            self.monitor.skip(folder.passed(batch), str(error))
        folder.taken(batch)
        self.last = self.clock()

    def _failed(self, error: HistoryError) -> None:
        """Wait until a database may answer again; raise what it said where that took too long."""
        idle = self.until_idle is not None and self.clock() - self.last >= self.until_idle
        if idle or isinstance(error, SecondMonitorError):
            raise error
        if str(error) != self.said:
            LOG.warning("%s: %s. It is tried again every %g s; nothing is lost", self.monitor.name, error, self.poll)
        self.said = str(error)
        self.tell("waiting for the history")
        self.wait(self.poll)


@dataclass(slots=True)
class _Handing:
    """One batch, handed to a monitor once or again: one with a key is never taken twice, one without went at once.

    Attributes:
        batch: it, or None for none.
        refused: batch and reason, where it is to be passed over.
        went: it was handed over.
    """

    batch: Batch | None
    refused: tuple[Batch, str] | None = None
    went: bool = False

    @property
    def told(self) -> str:
        """What is done, in words."""
        return f"reading {self.batch.key}".rstrip() if self.batch is not None else "going on"

    def __iter__(self) -> Iterator[Batch]:
        if self.batch is not None and (self.batch.key or not self.went):
            self.went = True
            yield self.batch
