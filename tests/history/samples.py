"""Made-up reports of windows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Window
from accel_drift.report import Report

FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def finding(column: str = "income", effect: float | None = 0.04, **changes: Any) -> Finding:
    """A finding; it drifted where its effect is at least 0.1."""
    drifted = effect is not None and effect >= 0.1
    values: dict[str, Any] = {
        "column": column,
        "columns": (column,),
        "detector": "psi",
        "status": Status.DRIFTED if drifted else Status.STABLE,
        "severity": Severity.WARNING if drifted else Severity.NONE,
        "statistic": effect,
        "p_value": 0.001 if drifted else 0.4,
        "p_method": "permutation",
        "adjusted_p_value": 0.003 if drifted else 0.6,
        "effect": effect,
        "interval": None if effect is None else (effect / 2, effect * 2),
        "unit": "PSI",
        "n_reference": 1000,
        "n_batch": 500,
    }
    return Finding(**(values | changes))


def report(findings: Sequence[Finding] = (), **changes: Any) -> Report:
    """A report of these findings."""
    given = tuple(findings) or (finding(),)
    drifted = any(f.status is Status.DRIFTED for f in given)
    values: dict[str, Any] = {
        "reference": "january",
        "batch": "a day",
        "n_reference": 1000,
        "n_batch": 500,
        "drifted": drifted,
        "severity": max((f.severity for f in given), key=lambda s: s.rank),
        "findings": given,
        "settings": {"alpha": 0.05},
        "created_at": "2026-03-09T10:11:12+00:00",
        "version": "0.1.0",
    }
    return Report(**(values | changes))


def day(number: int, hours: float = 24) -> Window:
    """The window of a day, counted from 0."""
    start = FIRST + timedelta(hours=hours * number)
    return Window(f"day {number}", start, start + timedelta(hours=hours))
