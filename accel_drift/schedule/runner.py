"""Runs one job by its schedule, one process at a time, and goes on whatever becomes of a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from accel_drift.errors import AccelDriftError, HistoryError
from accel_drift.history.hidden import hidden
from accel_drift.history.leases import Lease
from accel_drift.schedule import jobs
from accel_drift.schedule.jobs import Job, Standing

LOG = logging.getLogger("accel_drift.schedule")
INTERRUPTED = "interrupted; it is done again"
_LONGEST_S = 30.0
"""Clocks are set and schedules are run by others, so we look this often."""


def _now() -> datetime:
    return datetime.now(UTC)


class Runner:
    """Runs a job when it is due.

    Any number of processes may have one for the same job: a lease in the history lets one run it at a time, and each
    time that it is due is used by one of them. What came due while a run lasted is one run right after it. A run that
    was killed is done again, unless missed runs are skipped.

    Args:
        job: what is run.
        lease: seconds after which another process may take over from one that died.
        clock: the time, with a zone.
        moved: called at every look, as a sign of life.
    """

    def __init__(
        self,
        job: Job,
        *,
        lease: float = 60.0,
        clock: Callable[[], datetime] = _now,
        moved: Callable[[], object] = lambda: None,
    ) -> None:
        self.job, self._moved = job, moved
        self._clock, self._began = clock, clock()
        self._lease = Lease(job.history, jobs.lease_of(job.name), lease)
        self._waited = False

    def loop(self, stop: threading.Event) -> None:
        """Look, wait and look again, until somebody wants it to stop, or the run itself is interrupted."""
        said = ""
        while not stop.is_set():
            self._moved()
            try:
                wait, said = self.look(), ""
            except HistoryError as error:
                wait = _LONGEST_S
                if said != str(error):
                    LOG.warning("%s: %s. It is tried again every %g s", self.job.name, error, wait)
                said = str(error)
            except KeyboardInterrupt:
                return
            stop.wait(wait)

    def look(self) -> float:
        """Run the job if it is due; how many seconds to wait before the next look.

        Raises:
            HistoryError: the database failed. A run that it kept from being written down is done again.
            KeyboardInterrupt: the run was interrupted; it is done again.
        """
        if self._due(self._standing()) is not None:
            if not self._lease.acquire():
                if not self._waited:
                    LOG.warning("%s: another process runs it; this one waits for its turn", self.job.name)
                self._waited = True
                return _LONGEST_S / 2
            with self._lease.kept() as lost:
                # Another process may have run it while we came to hold the lease.
                due = self._due(self._standing())
                if due is not None:
                    self._use(due)
                if lost.is_set():
                    LOG.warning(
                        "%s: its lease ran out while it was run; another process may have run it", self.job.name
                    )
        now = self._clock()
        return min(max((self.job.schedule.after(now) - now).total_seconds(), 0.0), _LONGEST_S)

    def _standing(self) -> Standing:
        """How the job stands; a new one, or one whose schedule changed, is due from now on."""
        job = self.job
        found, told = jobs.standing(job.history, job.name), str(job.schedule)
        if found is None or found.schedule != told:
            now = self._clock()
            jobs.put(job.history, job.name, schedule=told, due_at=now)
            return Standing(told, now, *(found[2:] if found is not None else (None, None, None, None)))
        return found

    def _due(self, standing: Standing) -> datetime | None:
        return self.job.schedule.latest(standing.due_at, self._clock())

    def _use(self, due: datetime) -> None:
        """Run it, or pass it over where it was missed and those are skipped."""
        job = self.job
        if job.schedule.missed == "skip" and due <= self._began:
            LOG.info("%s: what was due at %s was missed, and is skipped", job.name, due.isoformat())
            jobs.put(job.history, job.name, due_at=due)
            return
        jobs.put(job.history, job.name, started_at=self._clock(), ended_at=None, failed=None, outcome=None)
        failed, outcome = False, ""
        try:
            outcome = job.run()
        except KeyboardInterrupt:
            with suppress(HistoryError):
                self._ended(failed=False, outcome=INTERRUPTED)
            raise
        except AccelDriftError as error:
            failed, outcome = True, str(error)
        except Exception as error:
            failed, outcome = True, f"{type(error).__name__}: {error}"
            LOG.debug("%s failed", job.name, exc_info=True)
        outcome = hidden(outcome)
        if failed:
            LOG.warning("%s: the run failed: %s", job.name, outcome)
        self._ended(due_at=due, failed=failed, outcome=outcome)

    def _ended(self, **values: Any) -> None:
        """Write how the run went, unless another process took over while this one was stopped: its word counts."""
        if self._lease.renew():
            jobs.put(self.job.history, self.job.name, ended_at=self._clock(), **values)
