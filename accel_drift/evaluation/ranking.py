"""One number from several, with its weights named: a summary of a summary, for those who must have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.evaluation.summary import Line
from accel_drift.options import is_finite

WEIGHTS: Mapping[str, float] = {"quiet": 1.0, "detection": 1.0, "speed": 1.0, "order": 1.0}
"""Weights of the composite where none are given: all alike, since no user's costs are known."""

MEANING = {
    "quiet": "1 - false_alarm_rate; where clean batches come after the onset, too, 1 - the mean of it and "
    "false_alarm_rate_after",
    "detection": "detection_rate",
    "speed": "1 - delay_batches / batches watched from the onset on",
    "order": "2 auc - 1, or 0 where that is negative",
}
"""What each part of the composite is; all are between 0 and 1, and 1 is best."""


def checked(weights: Any) -> dict[str, float]:
    """The weights, which need not add up to anything.

    Raises:
        ConfigError: one is of no part, negative or no number, or all are 0.
    """
    if weights is None:
        return dict(WEIGHTS)
    if not isinstance(weights, Mapping) or set(weights) - set(WEIGHTS):
        raise ConfigError(f"weights is {weights!r}; it is a dict with weights of {', '.join(WEIGHTS)}")
    if any(not is_finite(w) or w < 0 for w in weights.values()) or not any(weights.values()):
        raise ConfigError(f"weights is {dict(weights)!r}; weights are numbers of 0 or more, and one is above 0")
    return {name: float(weight) for name, weight in weights.items() if weight}


def composites(lines: Sequence[Line], weights: Mapping[str, float]) -> list[float | None]:
    """The weighted mean of the parts of each line; parts that no line of its scenario has are left out for all."""
    made: list[float | None] = []
    for line in lines:
        known = {
            name
            for other in lines
            if other.scenario == line.scenario
            for name, value in parts(other).items()
            if value is not None and name in weights
        }
        mine = {name: value for name, value in parts(line).items() if name in known}
        total = sum(weights[name] for name in known)
        values = [value for value in mine.values() if value is not None]
        whole = bool(known) and len(values) == len(known) and total > 0
        made.append(sum(weights[n] * (v or 0.0) for n, v in mine.items()) / total if whole else None)
    return made


def ranks(lines: Sequence[Line], values: Sequence[float | None]) -> list[int | None]:
    """Places within each scenario, 1 the best, equal ones sharing the better place; dummies take part."""
    made: list[int | None] = []
    for line, value in zip(lines, values, strict=True):
        others = [v for o, v in zip(lines, values, strict=True) if o.scenario == line.scenario and v is not None]
        made.append(None if value is None else 1 + sum(other > value for other in others))
    return made


def parts(line: Line) -> dict[str, float | None]:
    """The parts of one line's composite, None where there is nothing to make one of."""
    of = {name: estimate.value for name, estimate in line.measures.items()}
    wait, area = of.get("delay_batches"), of.get("auc")
    rates = [rate for name in ("false_alarm_rate", "false_alarm_rate_after") if (rate := of.get(name)) is not None]
    return {
        "quiet": 1.0 - sum(rates) / len(rates) if rates else None,
        "detection": of.get("detection_rate"),
        "speed": None if wait is None or line.horizon <= 0 else max(0.0, 1.0 - wait / line.horizon),
        "order": None if area is None else max(0.0, 2.0 * area - 1.0),
    }
