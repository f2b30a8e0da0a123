"""Reports of windows, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from accel_drift.alerts.events import Event
from accel_drift.alerts.machine import Machine
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.report import ColumnChanges, Report

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
_BANDS = (0.1, 0.2, 0.5)


def finding(column: str, value: float | None, detector: str = "psi", **other: Any) -> Finding:
    """One of a column; severe by its number, from 0.1, 0.2 and 0.5 on, and untested without one."""
    severity = [*Severity][sum(value is not None and value >= band for band in _BANDS)]
    status = Status.DRIFTED if severity is not Severity.NONE else Status.STABLE
    given = {
        "columns": (column,),
        "status": Status.TOO_FEW_ROWS if value is None else status,
        "severity": severity,
        "statistic": value,
        "p_value": value,
        "p_method": "exact",
        "adjusted_p_value": value,
        "effect": value,
        "interval": None,
        "unit": "",
        "n_reference": 100,
        "n_batch": 100,
        **other,
    }
    return Finding(column=column, detector=detector, **given)


def report(values: Mapping[str, float | None], *also: Finding, removed: tuple[str, ...] = ()) -> Report:
    """Of a window with PSI of some columns."""
    findings = (*(finding(column, value) for column, value in values.items()), *also)
    worst = max((one.severity for one in findings), key=lambda one: one.rank, default=Severity.NONE)
    return Report(
        reference="reference",
        batch="batch",
        n_reference=100,
        n_batch=100,
        drifted=worst is not Severity.NONE,
        severity=worst,
        findings=findings,
        schema_diff=ColumnChanges(removed=removed),
        created_at=START.isoformat(),
    )


def step(
    machine: Machine, hour: int, values: Mapping[str, float | None], *also: Finding, **numbers: Any
) -> list[Event]:
    """A window of an hour, which ends at hour + 1."""
    removed = numbers.pop("removed", ())
    metrics = [Metric(name, value) for name, value in numbers.items()]
    begin = START + hour * HOUR
    return machine.step(report(values, *also, removed=removed), metrics, f"window {hour}", begin, begin + HOUR)


def told(events: list[Event]) -> list[str]:
    """Events in short."""
    return [f"{one.kind} {one.rule}{one.subject and ' ' + one.subject}" for one in events]
