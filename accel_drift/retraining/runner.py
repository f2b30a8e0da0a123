"""Runs hooks for requests that stand in a history: one runner at a time has one, and what came of it is written."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from accel_drift.errors import ConfigError, HistoryError
from accel_drift.history import History
from accel_drift.options import at_least, is_finite
from accel_drift.retraining.asked import ASKED, DONE, FAILED, TIMED_OUT, Claims, Request, find
from accel_drift.retraining.hooks import STOPPED, Ended, Hook, hook_of

LOG = logging.getLogger("accel_drift.monitor")
LONGEST_PAUSE_S = 3600.0
_LOOK_S = 0.2


def _now() -> datetime:
    return datetime.now(UTC)


class Runner:
    """Runs a hook for every request, outside of the monitor's transactions.

    A request is claimed before its hook runs, and held on to while it runs: of any number of runners one has it. When
    a runner is killed, its claim runs out and another runs the request again, under the same key: a hook is run at
    least once, so that one that did its work for a key need not do it twice. Times are those of `clock`: machines that
    share a history have clocks that agree to well within `lease`.

    Args:
        history: where requests stand.
        hook: the words of a command, "package.module:function", a function, or a `Hook`.
        monitor: only requests of this monitor; None for those of all.
        folder: where a hook runs that has a process of its own.
        timeout: seconds that a hook may take; a function then runs in a process of its own.
        attempts: so many times a request is tried, where its hook fails or runs past its limit.
        pause: seconds until the second attempt; each further pause is twice as long, up to an hour.
        lease: seconds that a claim lasts without being renewed.
        poll: seconds between looks for requests, of `start`.
        clock: the time, with a zone.

    Attributes:
        holder: what tells this runner from all others.
        failed: so many requests failed for good, or ran past their limit, in its hands.

    Raises:
        ConfigError: an option cannot work.
    """

    def __init__(
        self,
        history: History,
        hook: Any,
        *,
        monitor: str | None = None,
        folder: str | None = None,
        timeout: float | None = None,
        attempts: int = 3,
        pause: float = 60.0,
        lease: float = 60.0,
        poll: float = 5.0,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        if not isinstance(history, History):
            raise ConfigError(f"history is {history!r:.100}; it is a History: requests stand in one")
        at_least(attempts, 1, "attempts", "how many times a request is tried")
        for name, value in (("pause", pause), ("lease", lease), ("poll", poll)):
            if not is_finite(value) or value <= 0:
                raise ConfigError(f"{name} is {value!r}; it is a number of seconds above 0")
        self._hook: Hook = hook_of(hook, folder=folder, timeout=timeout)
        self._history, self._attempts, self._pause, self._lease, self._poll = history, attempts, pause, lease, poll
        self._clock = clock
        self.holder = f"{socket.gethostname()} {os.getpid()} {uuid4().hex[:8]}"
        self._claims = Claims(history, self.holder, monitor, attempts)
        self._ending, self._awake = threading.Event(), threading.Event()
        self.failed, self._finishing = 0, False
        self._thread: threading.Thread | None = None

    def run_one(self) -> Request | None:
        """Run the oldest request that is due; as it stands then, or None where none was due.

        Raises:
            HistoryError: the database failed.
        """
        now = self._clock()
        request = self._claims.take(now, now + timedelta(seconds=self._lease))
        if request is None:
            return None
        LOG.info("%s: retraining %s, attempt %d: %s", request.monitor, request.key, request.attempts, request.reason)
        held = _Held(self._claims, request, self._clock, timedelta(seconds=self._lease), self._ending)
        began = time.monotonic()
        try:
            ended = self._hook.run(request, held.wanted, self._lease / 3)
        except BaseException:
            with suppress(HistoryError):
                self._claims.give_back(request, self._clock())
            raise
        seconds = time.monotonic() - began
        while not held.lost:
            try:
                self._written(request, ended, seconds)
                break
            except HistoryError:
                # What took hours is not thrown away for a database that is gone for a moment.
                if self._ending.wait(self._poll) or self._clock() >= held.until:
                    raise
        found = find(self._history, request.key)
        self.failed += not held.lost and found.state in (FAILED, TIMED_OUT)
        told = LOG.info if found.state == DONE else LOG.warning
        why = f": {ended.told['error']}" if ended.told.get("error") else ""
        told("%s: retraining %s: %s after %.3g s%s", request.monitor, request.key, ended.state, seconds, why)
        return found

    def run(self) -> list[Request]:
        """Run all requests that are due; those that ran, as they stand then.

        Raises:
            HistoryError: the database failed.
        """
        ran: list[Request] = []
        while not self._ending.is_set() and (one := self.run_one()) is not None:
            ran.append(one)
        return ran

    def start(self) -> Runner:
        """Look for requests in a thread, until `close`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_on, name="retraining", daemon=True)
            self._thread.start()
        return self

    def finish(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Wait until the thread of `start` has run all that is due.

        Args:
            wanted: asked again and again whether to go on waiting.
        """
        self._finishing = True
        self._awake.set()
        while self._thread is not None and self._thread.is_alive() and wanted():
            self._thread.join(_LOOK_S)

    def rest(self, seconds: float) -> None:
        """Wait, or until somebody closes it."""
        self._awake.wait(seconds)

    def close(self) -> None:
        """End: a hook in a process of its own is ended, and its request is due again; a function is waited for."""
        self._ending.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Runner:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _keep_on(self) -> None:
        said = ""
        while not self._ending.is_set():
            last = self._finishing
            try:
                self.run()
                said = ""
            except HistoryError as error:
                if str(error) != said:
                    LOG.warning("retraining waits for the history: %s", error)
                said = str(error)
            if last:
                return
            self.rest(0.0 if self._finishing else self._poll)

    def _written(self, request: Request, ended: Ended, seconds: float) -> None:
        now = self._clock()
        if ended.state == STOPPED:
            self._claims.give_back(request, now)
            return
        again = ended.state != DONE and request.attempts < self._attempts
        pause = min(self._pause * 2.0 ** (request.attempts - 1), LONGEST_PAUSE_S) if again else 0.0
        started = None if request.started_at is None else request.started_at.isoformat()
        attempt: Mapping[str, Any] = {
            "attempt": request.attempts,
            "state": ended.state,
            "started_at": started,
            "ended_at": now.isoformat(),
            "seconds": seconds,
            "runner": self.holder,
            **ended.told,
        }
        due = now + timedelta(seconds=pause)
        self._claims.end(request, ASKED if again else ended.state, attempt, now, due, seconds)


class _Held:
    """A claim that is renewed while its hook runs.

    Attributes:
        lost: it is ours no more, or the database did not answer before it ran out.
        until: when it runs out.
    """

    def __init__(
        self,
        claims: Claims,
        request: Request,
        clock: Callable[[], datetime],
        lease: timedelta,
        ending: threading.Event,
    ) -> None:
        self.lost = False
        self._claims, self._request, self._clock, self._lease, self._ending = claims, request, clock, lease, ending
        self.until = clock() + lease

    def wanted(self) -> bool:
        """Hold on; whether the hook is to go on."""
        now = self._clock()
        with suppress(HistoryError):
            if self._claims.hold(self._request, now + self._lease):
                self.until = now + self._lease
                return not self._ending.is_set()
            self.lost = True
        self.lost = self.lost or self._clock() >= self.until
        return not (self.lost or self._ending.is_set())
