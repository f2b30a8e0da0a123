"""What an event tells of a window: the numbers that its condition asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite, isnan
from typing import Any

from accel_drift.alerts.facts import Facts
from accel_drift.finding import Severity
from accel_drift.rules import Compare, Rule, Series

_MOST = 10
"""So many columns at most are named one by one."""


def details(rule: Rule, compares: Sequence[Compare], facts: Facts, opened: datetime, since: datetime) -> dict[str, Any]:
    """What was seen, as plain JSON values: the number of each comparison, and of the worst columns.

    Args:
        rule: the rule.
        compares: its comparisons, of the alert's own column.
        facts: the numbers of the window.
        opened: when the alert opened.
        since: since when its condition holds.
    """
    made: dict[str, Any] = {}
    for one in compares:
        made[_label(one.series, one.text)] = _value(one.series, facts.known(one.series))
    columns: dict[str, Any] = {}
    for one in compares:
        if one.series.over == "columns":
            found = sorted(facts.among(one.series).items(), key=lambda pair: (pair[1], pair[0]))
            worst = [*reversed(found)] if one.series.largest else found
            over = [(name, value) for name, value in worst if _holds(one, value)][:_MOST]
            columns |= {name: _value(one.series, value) for name, value in over}
    if columns:
        made["columns"] = columns
    return {**made, "condition": rule.when, "since": since.isoformat(), "opened_at": opened.isoformat()}


def _label(series: Series, text: str) -> str:
    if series.over == "columns":
        return text
    what = "" if series.aspect in ("value", "share") else series.aspect
    return " ".join(word for word in (series.name, series.detector, what) if word)


def _value(series: Series, value: float) -> Any:
    if isnan(value):
        return None
    if series.aspect == "severity":
        return str([*Severity][int(value)])
    if series.aspect == "drifted":
        return bool(value)
    return value if isfinite(value) else str(value)


def _holds(one: Compare, value: float) -> bool:
    if one.operator.startswith(">"):
        return value > one.level or (one.operator == ">=" and value == one.level)
    return value < one.level or (one.operator == "<=" and value == one.level)
