"""A message that says it is a test: sent to a sink at once, beside the outbox."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from accel_drift.alerts.attempts import Attempt
from accel_drift.alerts.secrets import guard_logs
from accel_drift.alerts.sinks import Message, Sink

LIMIT_S = 30.0


def test_message(name: str, sink: str, now: datetime) -> Message:
    """What is sent.

    Args:
        name: the monitor's name.
        sink: the sink's name.
        now: the time, with its zone.
    """
    key = f"test/{uuid4().hex[:12]}/{sink}"
    return Message(
        key=key, alert=key, monitor=name, rule="test", subject="", kind="test", severity="none", window="",
        at=now.isoformat(), text=f"{name}: this is a test; nothing happened.", details={}, link=None,
    )  # fmt: skip


def tried(sink: Sink, message: Message, limit: float = LIMIT_S) -> str | None:
    """Send a message once, whatever failed before; nothing of it is written down or tried again.

    Args:
        sink: where it goes.
        message: what is sent.
        limit: seconds that the sink has.

    Returns:
        Why it did not go, without secrets; None where it did.
    """
    guard_logs({type(sink).__module__.partition(".")[0]} - {"accel_drift"})
    attempt = Attempt(sink, message)
    return attempt.error if attempt.wait(limit) else f"no answer within {limit:g} s"
