"""How far a fall of confidence may be trusted to come before drift: 0 to 100, of parts whose chance is known."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import at_least
from accel_drift.predictions.cross_correlation import Draws, Sign, drawn, p_value
from accel_drift.predictions.estimates import plain
from accel_drift.predictions.lead import check, paired
from accel_drift.predictions.prewhitening import Floats

MAXIMA = {"lead": 40.0, "asymmetry": 40.0, "notice": 20.0}
"""What each part is at most."""

FULL = 0.001
"""The p-value at which a part has its maximum."""

FORMULA = (
    f"the sum of {', '.join(f'{most:g} g({name})' for name, most in MAXIMA.items())}, where g of a part's p-value p is "
    f"log10(1 / p) / {-log10(FULL):g}, at most 1"
)


@dataclass(frozen=True, slots=True)
class WarningPart:
    """One part of an early-warning score.

    Attributes:
        name: lead: falls of confidence are followed by more drift; asymmetry: more so than drift by falls of
            confidence; notice: that also at lags of at least `notice` steps.
        value: from 0 to its maximum.
        maximum: what it is at most.
        p_value: chance of such evidence where the two are unconnected.
    """

    name: str
    value: float
    maximum: float
    p_value: float


@dataclass(frozen=True, slots=True)
class EarlyWarning:
    """Whether falls of confidence warn of drift.

    Attributes:
        value: 0 to 100; None where nothing was tested.
        expected: mean of such a score where neither series leads the other; None where nothing was tested.
        p_value: chance of a score this high then; None where nothing was tested.
        parts: what the value is the sum of.
        notice: steps from which on a lead counts as notice.
        points: times at which something was left of both series.
        missing: times without a value of one of them.
        reason: why nothing was tested, or "".
        formula: how the value follows from the p-values of `parts`.
    """

    value: float | None
    expected: float | None
    p_value: float | None
    parts: tuple[WarningPart, ...]
    notice: int
    points: int
    missing: int
    reason: str = ""
    formula: str = FORMULA

    @property
    def text(self) -> str:
        """The answer in a line."""
        if self.value is None or self.expected is None or self.p_value is None:
            return f"not tested: {self.reason}"
        without = f"where confidence leads nothing the mean is {self.expected:.0f}, and the p-value of this"
        return f"{self.value:.0f} of 100 ({without} {self.p_value:.2g})"

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        return {**plain(self), "text": self.text}


def early_warning(
    confidence: Any,
    drift: Any,
    *,
    notice: int = 2,
    most: int = 10,
    permutations: int = 999,
    seed: int = 0,
    alternative: Sign = "negative",
    period: int | None = None,
) -> EarlyWarning:
    """Score from 0 to 100 how surely falls of confidence come before drift.

    Each part is its maximum times g(p) = log10(1 / p) / 3, at most 1: nothing at p = 1, a third at 0.1, all from 0.001.
    The p-values are those of `lead_lag`'s permutations, which are every number from 1 / (1 + permutations) to 1 equally
    often where neither series leads: so the score has a mean that is known, 14.4 at 999 permutations, in `expected`.
    Drift that grows, or confidence that falls, earns nothing by itself, nor do both that follow one trend. One step or
    pulse that both share lifts the mean to 21 (250 pairs of 100 points; 25 of 365): to a degree each then
    foretells the other.

    Args:
        confidence: (n,) mean confidence at evenly spaced times, as in `lead_lag`.
        drift: (n,) a drift score, or a fall of accuracy, at the same times.
        notice: steps from which on a lead counts as notice.
        most: as in `lead_lag`, as all below.
        permutations: of the times.
        seed: of the permutations.
        alternative: "negative": that falls of confidence are followed by rises of drift.
        period: steps after which a season comes again.

    Raises:
        DataError: as in `lead_lag`.
        ConfigError: an option cannot work.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> confidence = rng.normal(size=103)
    >>> drift = rng.normal(size=100) - confidence[:-3]
    >>> found = early_warning(confidence[3:], drift)
    >>> {part.name: part.value for part in found.parts}
    {'lead': 40.0, 'asymmetry': 40.0, 'notice': 20.0}
    >>> round(found.expected, 1), found.p_value
    (14.4, 0.001)
    """
    check(most, permutations, seed, alternative, period)
    at_least(notice, 1, "notice", "steps from which on a lead counts as notice")
    if notice > most:
        raise ConfigError(f"notice is {notice!r}, and lags up to most={most!r} are looked at; it is at most that")
    x, y, missing = paired(confidence, drift)
    made = drawn(x, y, most, permutations, seed, period)
    if isinstance(made, str):
        return EarlyWarning(None, None, None, (), notice, len(x) - missing, missing, made)
    if made.steps.max() < notice:
        reason = f"lags from {notice} steps on have too few points that meet"
        return EarlyWarning(None, None, None, (), notice, made.points, missing, reason)
    draws = _evidence(made, alternative, notice)
    chances = {name: _chances(values) for name, values in draws.items()}
    total = np.sum([most_ * _share(chances[name]) for name, most_ in MAXIMA.items()], axis=0)
    parts = tuple(
        WarningPart(name, float(most_ * _share(chances[name])[0]), most_, p_value(draws[name]))
        for name, most_ in MAXIMA.items()
    )
    # All p-values that there can be, each as often.
    mean = float(_share(np.arange(1, permutations + 2) / (permutations + 1)).mean()) * sum(MAXIMA.values())
    return EarlyWarning(float(total[0]), mean, p_value(total), parts, notice, made.points, missing)


def _evidence(made: Draws, sign: Sign, notice: int) -> dict[str, Floats]:
    """(1 + permutations,) of each part; the larger, the more it says of a lead."""
    return {
        "lead": made.largest(sign, 1, int(made.steps.max())),
        "asymmetry": made.largest_difference(sign, 1, 1),
        "notice": made.largest_difference(sign, 1, notice),
    }


def _chances(values: Floats) -> Floats:
    """The p-value that each draw would have, had it been observed."""
    ascending = np.sort(values)
    least: Floats = np.searchsorted(ascending, values - 1e-12).astype(np.float64)
    return (len(values) - least) / len(values)


def _share(p_values: Floats) -> Floats:
    """Of the maximum."""
    out: Floats = np.minimum(1.0, np.log10(p_values) / log10(FULL))
    return out
