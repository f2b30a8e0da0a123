"""Numbers of a process for Prometheus, in a registry of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accel_drift.errors import ExtraMissingError
from accel_drift.finding import Severity
from accel_drift.options import at_least
from accel_drift.report import Report, words

OTHER = "other"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_LONGEST = 200


class Metrics:
    """Counts windows as they are handed out, which is when they stand in the history.

    However many columns there are, a monitor has at most `columns` of them, and one more: `other`, the worst of the
    rest. Columns get a place as they come, those that drift first, and keep it while the process lives.

    Args:
        columns: places for columns, of each monitor.

    Attributes:
        registry: of prometheus_client; others may be added to it.

    Raises:
        ConfigError: `columns` is no number of columns.
        ExtraMissingError: prometheus-client is not there.
    """

    def __init__(self, columns: int = 50) -> None:
        at_least(columns, 0, "columns", "places for columns")
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError as error:
            raise ExtraMissingError(
                f"metrics need prometheus-client ({error}): pip install 'accel-drift[monitor]'"
            ) from error
        self.registry = CollectorRegistry()
        self._most = columns
        self._places: dict[str, set[str]] = {}
        self._with_rest: set[str] = set()
        self._passed: dict[str, int] = {}
        one: Any = {"labelnames": ["monitor"], "registry": self.registry, "namespace": "accel_drift"}
        self._windows = Counter("windows", "Windows that were compared, or could not be.", **one)
        self._drifted = Counter("drifted_windows", "Windows that drifted.", **one)
        self._rows = Counter("rows", "Rows of windows.", **one)
        self._passed_over = Counter("batches_passed_over", "Batches that could not be taken in.", **one)
        self._seconds = Histogram("score_seconds", "Seconds that a window was compared.", buckets=_SECONDS, **one)
        self._health = Gauge("health", "Health of the last window, 0 to 100.", **one)
        self._severity = Gauge(
            "severity", "Severity of the last window: 0 none, 1 watch, 2 warning, 3 critical.", **one
        )
        self._end = Gauge("last_window_end_timestamp_seconds", "When the last window ended.", **one)
        self._columns = Gauge(
            "column_severity",
            "Severity of a column in the last window, as of `severity`; other: the worst of those without a place.",
            **{**one, "labelnames": ["monitor", "column"]},
        )

    def window(self, monitor: str, report: Report) -> None:
        """A window is finished.

        Args:
            monitor: the monitor's name.
            report: the window's report.
        """
        name = _label(monitor)
        self._windows.labels(name).inc()
        self._drifted.labels(name).inc(int(report.drifted))
        self._rows.labels(name).inc(report.n_batch)
        if report.elapsed_s > 0:
            self._seconds.labels(name).observe(report.elapsed_s)
        health = (report.settings.get("health") or {}).get("value")
        self._health.labels(name).set(float("nan") if health is None else health)
        self._severity.labels(name).set(report.severity.rank)
        self._end.labels(name).set(_end(report))
        self._of_columns(name, report)

    def passed_over(self, monitor: str, total: int) -> None:
        """Batches were passed over: so many since the monitor's object was made."""
        name = _label(monitor)
        before = self._passed.get(name, 0)
        # A monitor that is made again counts from nought.
        self._passed_over.labels(name).inc(total - before if total >= before else total)
        self._passed[name] = total

    def _of_columns(self, name: str, report: Report) -> None:
        found: dict[str, int] = {}
        for finding in report.findings:
            for column in finding.columns:
                alone = len(finding.columns) == 1
                rank = finding.severity.rank if alone else Severity.NONE.rank
                found[_label(column)] = max(rank, found.get(_label(column), 0))
        places = self._places.setdefault(name, set())
        for column in sorted(found, key=lambda column: -found[column]):
            if len(places) < self._most and column != OTHER:
                places.add(column)
        for column in places:
            self._columns.labels(name, column).set(found.get(column, 0))
        rest = [rank for column, rank in found.items() if column not in places]
        if rest or name in self._with_rest:
            self._with_rest.add(name)
            self._columns.labels(name, OTHER).set(max(rest, default=0))


def _end(report: Report) -> float:
    """When the window ended, or else when it was compared, in seconds since 1970."""
    told = (report.settings.get("window") or {}).get("end") or report.created_at
    return datetime.fromisoformat(told).timestamp() if told else float("nan")


def _label(text: str) -> str:
    """A name as the value of a label, which any reader of UTF-8 can read."""
    return words.visible(text)[:_LONGEST]
