"""Windows as a monitor would finish them, each said in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import accel_drift as ad
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history.steps import Recorded
from accel_drift.report import Report

START = datetime(2024, 1, 1, tzinfo=UTC)
BEFORE = 0.8
"""F1 of the baseline."""


def finding(column: str, detector: str, status: Status, **given: Any) -> Finding:
    drifted = status is Status.DRIFTED
    standard: dict[str, Any] = {
        "severity": Severity.WARNING if drifted else Severity.NONE,
        "statistic": 1.0,
        "p_value": 0.001 if drifted else 0.5,
        "p_method": "asymptotic",
        "adjusted_p_value": None,
        "effect": 0.3,
        "interval": None,
        "unit": "",
        "n_reference": 100,
        "n_batch": 100,
    }
    return Finding(column=column, columns=(column,), detector=detector, status=status, **{**standard, **given})


def findings_of(
    data: bool | None, degraded: bool | None, errors: str | None, drop: tuple[float, float, float] | None
) -> Iterable[Finding]:
    status = {True: Status.DRIFTED, False: Status.STABLE, None: Status.TOO_FEW_ROWS}
    yield finding("x", "psi", status[data])
    if degraded is not None or drop is not None:
        fall = drop or ((0.2, 0.1, 0.3) if degraded else (0.0, -0.05, 0.05))
        given = {"statistic": BEFORE - fall[0], "effect": fall[0], "interval": fall[1:]}
        yield finding("f1", "performance", status[bool(degraded)], **given)
    if errors is not None:
        known = errors in {"more", "fewer"}
        given = {"effect": {"more": 0.1, "fewer": -0.1}.get(errors), "p_value": None, "p_method": "", "n_reference": 0}
        yield finding("error", "bounded_mean", Status.DRIFTED if known else Status.STABLE, **given)


def window(
    day: int,
    data: bool | None = None,
    *,
    degraded: bool | None = None,
    errors: str | None = None,
    drop: tuple[float, float, float] | None = None,
) -> Recorded:
    """The window of a day.

    Args:
        day: from 0.
        data: columns drifted; None where nothing was tested.
        degraded: the performance is; None where it was not tested.
        errors: became "more", "fewer", or "same"; None where they are not watched.
        drop: of F1: value, low, high.
    """
    start = START + timedelta(days=day)
    found = tuple(findings_of(data, degraded, errors, drop))
    worst = any(f.status is Status.DRIFTED for f in found)
    report = Report(
        reference="reference",
        batch=f"day {day}",
        n_reference=100,
        n_batch=100,
        drifted=worst,
        severity=Severity.WARNING if worst else Severity.NONE,
        findings=found,
        created_at=start.isoformat(),
    )
    return Recorded(report, ad.history.Window(f"day {day}", start, start + timedelta(days=1)), "digest", ())
