"""Sends what stands in the outbox: at least once, each sink for itself, whatever the others do."""

from __future__ import annotations

import math
import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, Self, TypeVar
from uuid import uuid4

from accel_drift.alerts import claims, outbox
from accel_drift.alerts.attempts import Attempt, told
from accel_drift.alerts.secrets import guard_logs
from accel_drift.alerts.sinks import Message, Sink
from accel_drift.alerts.sinks.local import LOG
from accel_drift.errors import ConfigError, HistoryError
from accel_drift.history import History
from accel_drift.options import is_finite

T = TypeVar("T")

_FIRST_S, _LONGEST_S = 1.0, 3600.0
_PAUSE_S = 60.0
_HANGING = 4
"""So many attempts without an answer at a time; a sink that has them is left alone until one ends."""
_IN_A_ROW = 3


class Delivery:
    """Sends a monitor's messages, one thread a sink; any number of processes may do so at the same time.

    A message is claimed, sent and then written as sent. A process that is killed in between leaves its claim, which
    runs out, and the message is sent again, with the same key: at least once, and more often only then, or where a
    sink did not answer in time. Messages of one alert come in their order. What fails is tried again after 1 s, 2 s, 4
    s ... 1 h, and given up when it fails `patience_days` after it was written, which the log says as an error. What was
    never tried since its sink lacks a secret is a dry run: it waits, is sent once the secret is set while its alert is
    open, and dropped when it is as old.

    Args:
        history: where the messages are.
        name: the monitor's name.
        sinks: the sinks by their names. Messages to others wait for a process that knows them.
        limit: seconds that a sink has for a message.
        patience_days: days until a message that cannot be sent is given up.
        poll: seconds between looks at the database, for messages that other processes wrote.
        clock: tells the time, with its zone.
        seed: of the jitter; None for another every time.

    Raises:
        ConfigError: an option cannot work.
    """

    def __init__(
        self,
        history: History,
        name: str,
        sinks: Mapping[str, Sink],
        *,
        limit: float = 30.0,
        patience_days: float = 7.0,
        poll: float = 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seed: int | None = None,
    ) -> None:
        if not isinstance(history, History):
            raise ConfigError(f"history is {history!r:.100}; messages stand in an accel_drift.History(url)")
        for option, value in (("limit", limit), ("patience_days", patience_days), ("poll", poll)):
            if not is_finite(value) or value <= 0:
                raise ConfigError(f"{option} is {value!r}; it is a number above 0")
        for sink, made in sinks.items():
            if not isinstance(made, Sink):
                raise ConfigError(f"the sink {sink!r} is no accel_drift.alerts.sinks.Sink")
        self.history, self.name, self.poll = history, name, poll
        self._stopping = Event()
        me = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"
        self._channels = [
            _Channel(
                history, made, clock, limit, random.Random(seed), self._stopping,  # noqa: S311
                claims.Sender(name, sink, me, timedelta(seconds=2 * limit + 1), timedelta(days=patience_days)),
            )
            for sink, made in sinks.items()
        ]  # fmt: skip
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to send, in threads of its own."""
        if self._threads:
            return
        self._stopping.clear()
        for channel in self._channels:
            thread = Thread(target=channel.run, args=(self.poll,), name=f"sink {channel.sender.sink}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End, at once where nothing is being sent; what is not sent waits for the next process.

        Args:
            timeout: seconds that a message on its way is waited for.
        """
        self._stopping.set()
        self.wake()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads = []

    def wake(self) -> None:
        """Look at the database now: something was written."""
        for channel in self._channels:
            channel.woken.set()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is left to send but what is silenced, or is a dry run.

        Args:
            timeout: seconds at most.

        Returns:
            Whether nothing is left.

        Raises:
            HistoryError: the database failed.
        """
        self.wake()
        deadline = time.monotonic() + timeout
        while self.waiting():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True

    def once(self) -> int:
        """Send what is due, here and now; how many messages are left.

        A sink that fails three times in a row is left alone.

        Raises:
            HistoryError: the database failed.
        """
        for channel in self._channels:
            channel.once()
        return self.waiting()

    def waiting(self) -> int:
        """How many messages to these sinks are not sent yet; those that are silenced or a dry run do not count.

        Raises:
            HistoryError: the database failed.
        """
        return sum(channel.waiting() for channel in self._channels)


class _Channel:
    """The way to one sink.

    Attributes:
        sender: who sends what.
        woken: set when there may be something to send.
    """

    def __init__(
        self,
        history: History,
        sink: Sink,
        clock: Callable[[], datetime],
        limit: float,
        jitter: random.Random,
        stopping: Event,
        sender: claims.Sender,
    ) -> None:
        self.sender, self.woken = sender, Event()
        self._store, self._sink, self._clock, self._limit = history._store, sink, clock, limit
        self._jitter, self._stopping = jitter, stopping
        self._late: dict[int, Attempt] = {}
        self._failures = 0
        self._said = ""

    def run(self, poll: float) -> None:
        """Send until it is told to end, whatever happens."""
        while not self._stopping.is_set():
            self.woken.clear()
            pause = poll
            try:
                while not self._stopping.is_set() and self._next():
                    if self._failures:
                        # Another message may go where this one does not, but nobody is hammered.
                        pause = self._after(min(self._failures, 7), _PAUSE_S)
                        break
            except HistoryError as error:
                self._say(f"{error}. It is tried again; nothing is lost")
            except Exception as error:  # noqa: BLE001  (a thread that ends would send nothing any more)
                self._say(f"messages to {self.sender.sink} are not sent: {told(error)}. It is tried again")
            if self._failures:
                self._stopping.wait(pause)
            else:
                self.woken.wait(pause)

    def once(self) -> None:
        """Send what is due."""
        self._failures = 0
        while self._failures < _IN_A_ROW and self._next():
            pass

    def waiting(self) -> int:
        """How many messages are left."""
        dry = self._lacking()[0] is not None
        return self._store.read(lambda c: claims.waiting(c, self.sender, self._clock(), dry=dry))

    def _next(self) -> bool:
        """Send one message; whether there was one."""
        if sum(not attempt.ended for attempt in self._late.values()) >= _HANGING:
            return False
        missing, error = self._lacking()
        dry = missing is not None
        if missing is not None:
            self._hold(missing)
        now = self._clock()
        if not self._store.read(lambda c: claims.is_due(c, self.sender, now, tried=dry)):
            return False
        claimed = self._store.write(lambda c: claims.claim(c, self.sender, now, tried=dry))
        if claimed is None:
            return False
        self._said = ""
        error = missing or error
        if error is None:
            try:
                error = self._send(claimed)
            except Exception as wrong:  # noqa: BLE001  (a body that nobody can read)
                error = told(wrong)
        if error is None:
            self._settled(lambda c: claims.sent(c, claimed.number, self._clock()))
            self._failures = 0
            LOG.info("%s: sent to %s: %s", self.sender.name, self.sender.sink, claimed.key)
        else:
            self._failed(claimed, error)
        return True

    def _send(self, claimed: claims.Claimed) -> str | None:
        """Why it failed; None where it went."""
        earlier = self._late.get(claimed.number)
        if earlier is not None and earlier.ended:
            del self._late[claimed.number]
            if earlier.error is None:
                return None
        if earlier is None or earlier.ended:
            guard_logs({type(self._sink).__module__.partition(".")[0]} - {"accel_drift"})
            earlier = Attempt(self._sink, Message.of(claimed.body))
        if earlier.wait(self._limit):
            self._late.pop(claimed.number, None)
            return earlier.error
        self._late[claimed.number] = earlier
        return f"no answer within {self._limit:g} s"

    def _failed(self, claimed: claims.Claimed, error: str) -> None:
        now = self._clock()
        self._failures += 1
        if now - claimed.created_at >= self.sender.patience:
            self._settled(lambda c: outbox.drop(c, [claimed.number], outbox.GIVEN_UP, error, now))
            words = "%s: given up, was never sent to %s: %s: %s"
            LOG.error(words, self.sender.name, self.sender.sink, claimed.key, error)
            return
        due = now + timedelta(seconds=self._after(claimed.attempts, _LONGEST_S))
        self._settled(lambda c: claims.failed(c, claimed.number, self.sender.me, error, due))
        say = LOG.warning if claimed.attempts == 1 else LOG.info
        say("%s: %s did not take %s: %s. It is tried again", self.sender.name, self.sender.sink, claimed.key, error)

    def _lacking(self) -> tuple[str | None, str | None]:
        """What the sink lacks, and why it cannot say; None each."""
        try:
            return self._sink.missing(), None
        except Exception as wrong:  # noqa: BLE001  (of a sink of somebody else's)
            return None, told(wrong)

    def _hold(self, missing: str) -> None:
        """Hold what was never tried until nothing is missing; the log names each message once."""
        now = self._clock()
        while self._store.read(lambda c: claims.is_dry(c, self.sender, now)):
            held = self._store.write(lambda c: claims.hold(c, self.sender, missing, now))
            for one in held:
                ends = "it is never sent" if one.dropped else "it waits"
                say = LOG.warning if one.new else LOG.info
                say(
                    "%s: dry run, not sent to %s: %s, %s. %s",
                    self.sender.name, self.sender.sink, one.key, ends, missing,
                )  # fmt: skip
            if not held:
                return

    def _settled(self, work: Callable[[Any], T]) -> None:
        """Write how it went, for as long as it takes: a message that went must not be sent again."""
        while True:
            try:
                self._store.write(work)
            except HistoryError as error:
                self._say(f"{error}. It is tried again; nothing is lost")
                if self._stopping.wait(_FIRST_S):
                    return
            else:
                return

    def _after(self, attempts: int, longest: float) -> float:
        """Seconds of a pause: twice as many each time, and a little more, so that not all come back at once."""
        doubled = _FIRST_S * 2.0 ** min(attempts - 1, math.ceil(math.log2(longest)))
        return min(longest, doubled * (1.0 + self._jitter.random() / 2))

    def _say(self, text: str) -> None:
        """Log what goes wrong, once as long as it does."""
        if text != self._said:
            with suppress(Exception):
                LOG.warning("%s: %s", self.sender.name, text)
        self._said = text
