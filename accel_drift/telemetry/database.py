"""What histories say when Prometheus asks: whether they answer, alerts that are open, messages, jobs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, select

from accel_drift.errors import HistoryError
from accel_drift.history import History
from accel_drift.history.alert_tables import alerts, jobs, messages
from accel_drift.report import words

_WAIT_S = 2.0
"""Who asks gives up after some seconds, so a database that does not answer is told as such before."""


class Databases:
    """The histories of monitors, asked by connections of their own.

    Args:
        urls: monitor's name -> its history.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._histories: dict[str, History] = {}
        self._turn = threading.Lock()

    def silent(self) -> list[str]:
        """The monitors whose history does not answer."""
        return [name for name in self._urls if not self._asked(name, lambda connection: connection.execute(select(1)))]

    def collect(self) -> Iterator[Any]:
        """The numbers, as prometheus_client takes them from a collector."""
        from prometheus_client.core import GaugeMetricFamily as Family

        up = Family("accel_drift_database_up", "Whether the history answers.", labels=["monitor"])
        opened = Family("accel_drift_alerts_open", "Alerts that are open.", labels=["monitor", "severity"])
        told = Family(
            "accel_drift_messages", "Messages of alerts, by what became of them.", labels=["monitor", "state"]
        )
        failed = Family("accel_drift_job_failed", "Whether the last run by the clock failed.", labels=["monitor"])
        for name in self._urls:
            label, found = (
                words.visible(name),
                self._asked(name, lambda connection, own=name: _numbers(connection, own)),
            )
            up.add_metric([label], float(found is not None))
            for severity, count in (found or ({}, {}, None))[0].items():
                opened.add_metric([label, severity], count)
            for state, count in (found or ({}, {}, None))[1].items():
                told.add_metric([label, state], count)
            if found is not None and found[2] is not None:
                failed.add_metric([label], float(found[2]))
        yield from (up, opened, told, failed)

    def close(self) -> None:
        """Give the connections back."""
        with self._turn:
            for history in self._histories.values():
                history.close()

    def _asked(self, name: str, work: Any) -> Any:
        """What a history says; None where it does not answer."""
        try:
            with self._turn:
                if name not in self._histories:
                    self._histories[name] = History(self._urls[name], wait=_WAIT_S)
                history = self._histories[name]
            return history._store.read(work)
        except HistoryError:
            return None


def _numbers(connection: Any, name: str) -> tuple[dict[str, int], dict[str, int], bool | None]:
    """Open alerts by severity, messages by state, and whether the last run failed."""
    opened = select(alerts.c.severity, func.count()).where(alerts.c.name == name, alerts.c.resolved_at.is_(None))
    found = {"watch": 0, "warning": 0, "critical": 0}
    found |= {str(severity): count for severity, count in connection.execute(opened.group_by(alerts.c.severity))}
    sent, dropped, tried = (
        messages.c.sent_at.is_not(None),
        messages.c.dropped_at.is_not(None),
        messages.c.attempts > 0,
    )
    kinds = select(sent, dropped, tried, func.count()).where(messages.c.name == name).group_by(sent, dropped, tried)
    states = Counter({"waiting": 0, "failing": 0, "sent": 0, "dropped": 0})
    for is_sent, is_dropped, is_tried, count in connection.execute(kinds):
        states["sent" if is_sent else "dropped" if is_dropped else "failing" if is_tried else "waiting"] += count
    return found, dict(states), connection.execute(select(jobs.c.failed).where(jobs.c.job == name)).scalar()
