"""A monitor in a thread of its own, for services: rows are handed over, and nobody waits for their score."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from threading import Condition, Event, Thread
from typing import Any, NamedTuple

from accel_drift.errors import ConfigError, DataError, HistoryError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.journal import LOG
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.rows import as_rows, is_path, joined
from accel_drift.options import at_least
from accel_drift.report import Report

_AT_ONCE = 200
"""Requests at most that are taken in as one batch: putting more together would hold up other threads for longer."""


class _Job(NamedTuple):
    """Rows, or labels, that wait."""

    size: int
    rows: Any = None
    labels: tuple[Any, Any] | None = None

    @property
    def plain(self) -> bool:
        """Whether it can be one batch together with others: rows without a key."""
        return self.labels is None and not isinstance(self.rows, Batch)


class Background:
    """Gives rows and labels to a monitor in one thread, in the order in which they come.

    Where more rows wait than there is room for, further ones are dropped and counted: the next window's report warns
    of them, and the history has their number as the metric dropped_rows. Rows that cannot be read are dropped, too,
    and the log says why. Where the database fails, the thread tries again until it works; meanwhile rows wait.

    Rows that wait are in memory: `close` sees to them, but a process that is killed loses them; what the monitor took
    in is safe. Any number of threads may use it, and score beside it: the engine does not use Numba's own threads,
    which only one caller at a time may, so that no lock is needed.

    Args:
        monitor: what is to see the rows. It goes on by itself where the last process stood.
        room: rows at most that wait.
        warm_up: rows that are compared before anything else, so that what has to be compiled is; then `ready` is set.
        on_report: called in the thread with the report of each window.
        retry: seconds until a database that failed is tried again.

    Attributes:
        ready: an event that is set once the monitor is warm.
        last: the report of the last window; None before there was one.
        trouble: why nothing can be written now; "" while all is well.
    """

    def __init__(
        self,
        monitor: Monitor,
        *,
        room: int = 10_000,
        warm_up: Any = None,
        on_report: Callable[[Report], Any] | None = None,
        retry: float = 1.0,
    ) -> None:
        if not isinstance(monitor, Monitor):
            raise ConfigError(f"monitor is {monitor!r:.100}; it is an accel_drift.Monitor(...)")
        at_least(room, 1, "room", "rows at most that wait")
        self.monitor, self.ready, self.trouble = monitor, Event(), ""
        self.last: Report | None = None
        self._room, self._on_report, self._retry = room, on_report, retry
        self._jobs: deque[_Job] = deque()
        self._changed = Condition()
        self._waiting = self._dropped = self._told = 0
        self._closing = self._ended = False
        self._failed: BaseException | None = None
        self._thread = Thread(target=self._run, args=(warm_up,), name=f"monitor {monitor.name}", daemon=True)
        self._thread.start()

    # Any thread.

    def offer(self, rows: Any) -> bool:
        """Rows that the monitor should see; whether there was room for them. It does not wait.

        Args:
            rows: a data set in memory, in any form that `Profile.score` takes, or a `Batch`. Do not change it later.

        Raises:
            DataError: it does not say how many rows it has, as a file does not.
        """
        if isinstance(rows, Batch) and not rows.key:
            rows = rows.rows
        job = _Job(_count(rows), rows)
        with self._changed:
            if self._put(job):
                return True
            self._dropped += job.size
        return False

    def label(self, ids: Sequence[Any], labels: Sequence[Any]) -> bool:
        """Labels came; whether there was room for them: if not, give them again later. It does not wait.

        Args:
            ids: (n,) of rows.
            labels: (n,) the truth.
        """
        with self._changed:
            return self._put(_Job(len(ids), labels=(ids, labels)))

    @property
    def waiting(self) -> int:
        """Rows and labels that the monitor did not take in yet."""
        return self._waiting

    @property
    def dropped(self) -> int:
        """Rows that were dropped since the start."""
        return self._dropped

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until the monitor took in all that waits; whether it did, within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._waiting, timeout)
            return not (self._waiting or self._failed)

    def close(self) -> None:
        """Take no more rows, see to those that wait, and end the thread. The monitor stays open.

        Raises:
            HistoryError: the database fails, and rows that waited are lost; the log says how many.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _put(self, job: _Job) -> bool:
        if self._closing or self._ended or self._waiting + job.size > self._room:
            return False
        self._jobs.append(job)
        self._waiting += job.size
        self._changed.notify_all()
        return True

    # The one thread.

    def _run(self, warm_up: Any) -> None:
        try:
            if warm_up is not None:
                self._warm(warm_up)
            self.ready.set()
            for jobs in self._gathered():
                self._do(jobs)
        except BaseException as error:  # noqa: BLE001  (whoever closes is told)
            self._failed, self.trouble = error, str(error)
            LOG.exception("%s: stopped; %d rows that waited are lost", self.monitor.name, self._waiting)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _warm(self, rows: Any) -> None:
        try:
            self.monitor.check(rows)
        except DataError as error:
            LOG.warning("%s: nothing was compared to warm up: %s", self.monitor.name, error)

    def _gathered(self) -> Iterator[list[_Job]]:
        """What is to be done next, until there is nothing more."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closing)
                new, self._told = self._dropped - self._told, self._dropped
            # Only this thread takes away, so it needs no lock, and nobody who offers waits for it.
            jobs = [self._jobs.popleft()] if self._jobs else []
            together = bool(jobs) and jobs[0].plain and self.monitor.windows.by is None
            while together and self._jobs and self._jobs[0].plain and len(jobs) < _AT_ONCE:
                jobs.append(self._jobs.popleft())
            if new:
                self._until_done(partial(self.monitor.dropped, new), partial(self.monitor.dropped, 0))
            if not jobs:
                return
            yield jobs
            with self._changed:
                self._waiting -= sum(job.size for job in jobs)
                self._changed.notify_all()

    def _do(self, jobs: Sequence[_Job]) -> None:
        first = jobs[0]
        try:
            if first.labels is not None:
                self._until_done(partial(self.monitor.label, *first.labels))
            else:
                # An iterator: a batch that the monitor took before the database failed is not given to it again.
                self._until_done(partial(self._observe, iter([_together(jobs)])))
        except (DataError, ConfigError) as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._do([job])
                return
            what = "labels" if first.labels is not None else "rows"
            LOG.warning("%s: %d %s were refused: %s", self.monitor.name, first.size, what, error)
            if first.labels is None:
                with self._changed:
                    self._dropped += first.size

    def _observe(self, batches: Iterator[Any]) -> None:
        for report in self.monitor.observe(batches):
            self.last = report
            if self._on_report is not None:
                try:
                    self._on_report(report)
                except Exception:  # noqa: BLE001  (a window must not stop the next)
                    LOG.exception("%s: on_report failed on window %s", self.monitor.name, report.batch)

    def _until_done(self, work: Callable[[], Any], again: Callable[[], Any] | None = None) -> None:
        """Do it, and while the database fails, do it again.

        Raises:
            HistoryError: it fails, and whoever closes waits.
        """
        while True:
            leaving = self._closing
            try:
                work()
            except HistoryError as error:
                if leaving:
                    raise
                self.trouble, work = str(error), again or work
                LOG.warning("%s: trying again in %g s: %s", self.monitor.name, self._retry, error)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, self._retry)
            else:
                self.trouble = ""
                return


def _together(jobs: Sequence[_Job]) -> Any:
    """Rows of jobs as one batch.

    Raises:
        DataError: some cannot be read, or they are not alike.
    """
    if len(jobs) == 1:
        return jobs[0].rows
    rows, notes = joined([as_rows(job.rows, None) for job in jobs])
    if notes:
        raise DataError("; ".join(notes))
    return rows


def _count(rows: Any) -> int:
    """How many rows there are.

    Raises:
        DataError: it does not say.
    """
    given = rows.rows if isinstance(rows, Batch) else rows
    if isinstance(given, Mapping):
        given = next(iter(given.values()), ())
    for name in ("num_rows", "shape"):
        if (size := getattr(given, name, None)) is not None:
            return int(size if name == "num_rows" else size[0])
    if is_path(given) or not hasattr(given, "__len__"):
        raise DataError(
            f"cannot tell how many rows a {type(given).__name__} has; offer a table, a dict of columns or an array, "
            "and give files to Monitor.observe"
        )
    return len(given)
