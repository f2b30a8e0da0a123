"""One attempt to send a message, in a thread of its own, so that a sink that hangs keeps nobody waiting for ever."""

from __future__ import annotations

from threading import Event, Thread

from accel_drift.alerts.secrets import scrubbed
from accel_drift.alerts.sinks import Message, Sink
from accel_drift.errors import AccelDriftError

_LONGEST = 500


class Attempt:
    """A message on its way.

    Attributes:
        error: why it failed, without secrets; None while it is under way, and where it went.
    """

    def __init__(self, sink: Sink, message: Message) -> None:
        self.error: str | None = None
        self._done = Event()
        self._thread = Thread(target=self._run, args=(sink, message), name="send", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        return self._done.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether it did."""
        return self._done.is_set()

    def _run(self, sink: Sink, message: Message) -> None:
        try:
            sink.send(message)
        except BaseException as error:  # noqa: BLE001  (whatever a sink raises, the message stays and is tried again)
            self.error = told(error)
        finally:
            self._done.set()


def told(error: BaseException) -> str:
    """An error in a line, without secrets."""
    text = " ".join(str(error).split())
    kind = "" if isinstance(error, AccelDriftError) and text else f"{type(error).__name__}: "
    return scrubbed(f"{kind}{text}".removesuffix(": "))[:_LONGEST]
