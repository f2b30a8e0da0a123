"""Messages of alerts are sent while a monitor watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from accel_drift.errors import HistoryError

if TYPE_CHECKING:
    from accel_drift.config import Config
    from accel_drift.history import History

_LAST_S = 20.0
"""Seconds that what is left is waited for when a monitor ends by itself; the rest waits for the next process."""


@contextmanager
def delivering(config: Config | None, history: History | None) -> Iterator[None]:
    """Send what stands in the outbox, in threads, while something else is done.

    Args:
        config: whose sinks.
        history: where the messages are.

    Raises:
        ConfigError: a sink cannot be made.
    """
    if config is None or history is None or not config.alerts.sinks:
        yield
        return
    from accel_drift.alerts.delivery import Delivery
    from accel_drift.alerts.sinks.making import sinks_of

    sinks = sinks_of(config.alerts.sinks)
    with Delivery(history, config.name, sinks, patience_days=config.alerts.give_up_days) as delivery:
        yield
        with suppress(HistoryError):
            delivery.flush(_LAST_S)
