"""Whether a model does worse than it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, TypeAlias, cast, get_args

from scipy.special import ndtr

from accel_drift.calibration import Correction, adjust
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import between, is_finite
from accel_drift.predictions.counted import Z
from accel_drift.predictions.estimates import Estimate, plain

if TYPE_CHECKING:
    from accel_drift.predictions.performance import Performance

METRICS: tuple[str, ...] = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "auc",
    "log_loss",
    "brier",
    "ece",
)
"""What is known of predictions, by the names of `Performance`."""

LOSSES = ("log_loss", "brier", "ece")
"""Of these a higher number is worse."""

USUAL = ("accuracy", "f1", "auc", "log_loss")

_OF_CLASSES = ("balanced_accuracy", "f1", "precision", "recall", "auc")
"""Means over the classes that have labels."""

Tolerance: TypeAlias = float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Change:
    """One number of a model, before and now, on rows that have nothing to do with one another.

    Attributes:
        name: which number.
        before: what it was in the baseline; None where it is not known.
        now: what it is; None where it is not known.
        worse: how much worse it is: what it fell by, of a loss what it rose by. The interval at 95 % is made of those
            of both (Zou & Donner 2008, doi:10.1002/sim.3095).
        p_value: chance of being that much worse or more where the true change is `tolerance`, one-sided, from the same
            limits: at most 0.025 where the lower end of `worse` is above `tolerance`. None where it cannot be told.
        adjusted: the same, corrected for all numbers that were compared.
        tolerance: how much worse it may be.
        degraded: whether `adjusted` is at most alpha.
        reason: why there is no p-value.
    """

    name: str
    before: Estimate | None
    now: Estimate | None
    worse: Estimate | None
    p_value: float | None
    adjusted: float | None
    tolerance: float
    degraded: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PerformanceChange:
    """How a model does beside a baseline.

    Attributes:
        changes: of each number that was asked for.
        degraded: whether any of them is worse by more than what is put up with.
        alpha: chance of saying so where the model is as good as it was.
        correction: for looking at several numbers.
    """

    changes: tuple[Change, ...]
    degraded: bool
    alpha: float
    correction: str

    def __getitem__(self, name: str) -> Change:
        for one in self.changes:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        made: dict[str, Any] = plain(self)
        return made


@dataclass(frozen=True, slots=True)
class Limits:
    """What is put up with.

    Attributes:
        metrics: what to compare; None for the usual ones that both have.
        tolerance: how much worse each may be.
        alpha: chance of calling a model degraded that is not.
        correction: for looking at several numbers.
    """

    metrics: tuple[str, ...] | None
    tolerance: Tolerance
    alpha: float
    correction: str

    def __post_init__(self) -> None:
        between(self.alpha, 0, 1, "alpha", "the chance of calling a model degraded that is not")
        if self.correction not in get_args(Correction):
            raise ConfigError(
                f"correction is {self.correction!r}; it is one of {', '.join(map(repr, get_args(Correction)))}"
            )
        given: Any = self.tolerance
        parts = dict(given) if isinstance(given, Mapping) else {"accuracy": given}
        strange = [name for name in (*(self.metrics or ()), *parts) if name not in METRICS]
        if strange or self.metrics == ():
            raise ConfigError(f"there is no metric {(*strange, '')[0]!r}; there are {', '.join(METRICS)}")
        for name, value in parts.items():
            if not (is_finite(value) and value >= 0):
                where = f" of {name}" if isinstance(given, Mapping) else ""
                raise ConfigError(f"tolerance{where} is {value!r}; it is a number from 0 up: how much worse it may be")

    def of(self, name: str) -> float:
        """How much worse a number may be."""
        return float(self.tolerance.get(name, 0.0) if isinstance(self.tolerance, Mapping) else self.tolerance)


def limits(metrics: Sequence[str] | None, tolerance: Tolerance, alpha: float, correction: str) -> Limits:
    """Options of a comparison, looked at.

    Raises:
        ConfigError: one cannot work.
    """
    if isinstance(metrics, str):
        raise ConfigError(f"metrics is {metrics!r}; give a list of names, such as [{metrics!r}]")
    return Limits(None if metrics is None else tuple(dict.fromkeys(metrics)), tolerance, alpha, correction)


def changed(
    now: Performance,
    baseline: Any,
    metrics: Sequence[str] | None,
    tolerance: Tolerance,
    alpha: float,
    correction: str,
) -> PerformanceChange:
    """See `Performance.change`.

    Raises:
        ConfigError: there is no such metric, or an option cannot work.
        DataError: the baseline is of other classes, of another positive one, or none.
    """
    wanted = limits(metrics, tolerance, alpha, correction)
    parts = ("classes", "positive")
    if not hasattr(baseline, "averaged"):
        raise DataError(f"baseline is {type(baseline).__name__}; give what `performance` made of other rows")
    if any(getattr(now, part) != getattr(baseline, part) for part in parts):
        raise DataError(
            f"the baseline has the classes {', '.join(baseline.classes)} (positive: {baseline.positive}), and these "
            f"rows {', '.join(now.classes)} (positive: {now.positive}); compare rows of one model"
        )
    names = wanted.metrics or tuple(m for m in USUAL if getattr(now, m) and getattr(baseline, m))
    found = [_compared(name, baseline, now, wanted.of(name)) for name in names]
    tested = [i for i, one in enumerate(found) if one.p_value is not None]
    p_values = [one for one in (found[i].p_value for i in tested) if one is not None]
    judged = dict(zip(tested, adjust(p_values, cast("Correction", correction)).tolist(), strict=True))
    made = tuple(_judged(one, judged.get(i), alpha) for i, one in enumerate(found))
    return PerformanceChange(made, any(one.degraded for one in made), float(alpha), correction)


def _judged(one: Change, adjusted: float | None, alpha: float) -> Change:
    degraded = adjusted is not None and adjusted <= alpha
    return Change(one.name, one.before, one.now, one.worse, one.p_value, adjusted, one.tolerance, degraded, one.reason)


def _compared(name: str, baseline: Performance, now: Performance, tolerance: float) -> Change:
    """A number before and now, not yet corrected."""
    before: Estimate | None = getattr(baseline, name)
    after: Estimate | None = getattr(now, name)
    reason = ""
    if before is None or after is None:
        which, record = ("in the baseline", baseline) if before is None else ("now", now)
        reason = f"{which} {record.remarks.get(name, 'it is not known')}"
    elif now.positive is None and name in _OF_CLASSES and now.averaged != baseline.averaged:
        other = sorted(set(now.averaged) ^ set(baseline.averaged))
        reason = f"classes with labels are not the same: {', '.join(other)}"
    elif name == "ece" and now.bin_count != baseline.bin_count:
        reason = f"it is over {now.bin_count} bins, and over {baseline.bin_count} in the baseline"
    elif before.low is None or after.low is None:
        reason = f"{'the baseline has' if before.low is None else 'there are'} too few rows for an interval"
    if reason or before is None or after is None:
        return Change(name, before, after, None, None, None, tolerance, degraded=False, reason=reason)
    first, second = (after, before) if name in LOSSES else (before, after)
    value = first.value - second.value
    down, up = _apart(first, second), _apart(second, first)
    worse = Estimate(value, value - down, value + up)
    p_value = _chance(value - tolerance, down)
    return Change(name, before, after, worse, p_value, None, tolerance, degraded=False)


def _apart(first: Estimate, second: Estimate) -> float:
    """How far below the difference first - second its lower limit lies."""
    low, high = first.low or 0.0, second.high or 0.0
    return sqrt((first.value - low) ** 2 + (high - second.value) ** 2)


def _chance(gap: float, down: float) -> float:
    """Of a number so far above its tolerance, or farther; a limit `down` below it is the one of 95 %."""
    if down == 0.0:
        return 0.0 if gap > 0 else 1.0
    return float(ndtr(-Z * gap / down))
