"""What histories say when Prometheus asks: whether they answer, alerts that are open, messages, jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import case, func, select

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
                    self._histories[name] = History(self._urls[name], wait=_WAIT_S, create=False)
                history = self._histories[name]
            return history._store.read(work)
        except HistoryError:
            return None


def _numbers(connection: Any, name: str) -> tuple[dict[str, int], dict[str, int], bool | None]:
    """Open alerts by severity, messages by what became of them, and whether the last run failed."""
    opened = select(alerts.c.severity, func.count()).where(alerts.c.name == name, alerts.c.resolved_at.is_(None))
    found = {"watch": 0, "warning": 0, "critical": 0}
    found |= {str(severity): count for severity, count in connection.execute(opened.group_by(alerts.c.severity))}
    return found, _told(connection, name), connection.execute(select(jobs.c.failed).where(jobs.c.job == name)).scalar()


def _told(connection: Any, name: str) -> dict[str, int]:
    """Messages by what became of them, read from two indexes alone: messages are many, and this is asked for often."""
    by_outcome = select(messages.c.outcome, func.count()).where(messages.c.name == name).group_by(messages.c.outcome)
    outcomes: dict[str | None, int] = {row[0]: row[1] for row in connection.execute(by_outcome)}
    unsettled = (messages.c.name == name, messages.c.sent_at.is_(None), messages.c.dropped_at.is_(None))
    dry, tried = messages.c.outcome == "dry run", messages.c.attempts > 0
    state = case((dry, "held"), (tried, "failing"), else_="waiting")
    by_state = select(state, func.count()).where(*unsettled).group_by(state)
    counted: dict[str, int] = {row[0]: row[1] for row in connection.execute(by_state)}
    return {
        "waiting": 0,
        "failing": 0,
        "held": 0,
        **counted,
        "sent": outcomes.pop("sent", 0),
        "given up": outcomes.pop("given up", 0),
        "dropped": sum(count for outcome, count in outcomes.items() if outcome is not None) - counted.get("held", 0),
    }
