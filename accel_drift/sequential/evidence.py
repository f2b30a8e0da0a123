"""The arithmetic of evidence: what a look adds, what all looks say together, and when that is an alarm.

A look's e-value has mean 1 or less where nothing drifts, whatever was seen before it. The product of e-values from any
look on is then a fair game, and nobody knows with which look a drift begins: evidence bets on all of them.

Under "ever" one unit is put in bit by bit, 1/sqrt(t) of it is left before look t, and what was put in is multiplied by
the look's e-value and all later ones. Nothing is added to the unit, so that evidence, with what is left of it, ever
reaches 1/alpha with probability alpha at most (Ville 1939). The plain product would have lost all it had before a late
drift. Under "run_length" every look has a unit of its own: M = e (M + 1), which reaches 1/alpha after 1/alpha looks on
average or later. Source: Shin, Ramdas & Rinaldo, E-detectors, arXiv:2203.03532, the Shiryaev-Roberts form.

Which stake is best nobody knows either: every stake of a fixed grid has evidence of its own, and the mean over the grid
keeps both promises, since a mean of e-processes is one, and a mean of e-detectors is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, floor, inf, log, log10, sqrt
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError

Floats = npt.NDArray[np.float64]

Guarantee: TypeAlias = Literal["ever", "run_length"]

STAKES: Floats = np.array([0.9, *(0.5**k for k in range(1, 10))])
"""Shares of the wealth that are bet on a payoff between -1 and 1. The best is about the mean payoff over its mean
square; one that is off by the root of 2 grows at five sixths of the best rate."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of processes that are watched side by side: columns, or whatever there is. All in natural logarithms.

    Attributes:
        guarantee: the contract that it keeps.
        looks: how many there were.
        wealth: what the bets that were made have become, (G, S): stakes by processes.
    """

    guarantee: Guarantee
    looks: int
    wealth: Floats

    @classmethod
    def start(cls, guarantee: Guarantee, stakes: int, processes: int) -> Evidence:
        """Before the first look."""
        return cls(guarantee, 0, np.full((stakes, processes), -inf))

    def add(self, log_e: Floats) -> Evidence:
        """With one more look, of which these are the log e-values, (G, S); NaN where nothing was tested.

        A process that was not tested has no unit of its own under "run_length": looks that saw nothing would be
        evidence in the end.
        """
        t, none = self.looks + 1, np.isnan(log_e)
        unit = 1.0 if self.guarantee == "run_length" else 1.0 / sqrt(t) - 1.0 / sqrt(t + 1)
        paid = np.logaddexp(self.wealth, log(unit))
        if self.guarantee == "run_length":
            paid = np.where(none, self.wealth, paid)
        return replace(self, looks=t, wealth=paid + np.where(none, 0.0, log_e))

    def anew(self) -> Evidence:
        """As before the first look."""
        return self.start(self.guarantee, *self.wealth.shape)

    @property
    def processes(self) -> Floats:
        """Log evidence of every process, (S,)."""
        mean = np.logaddexp.reduce(self.wealth, axis=0) - log(self.wealth.shape[0])
        return np.asarray(np.logaddexp(mean, self._not_bet))

    @property
    def total(self) -> float:
        """Log evidence of all processes together: of their mean, however they depend on one another."""
        each = self.processes
        return float(np.logaddexp.reduce(each) - log(len(each)))

    def added(self, before: Evidence, tested: int) -> float:
        """Log e-value of the look that made this of `before`; so many processes were tested, at least one."""
        if self.guarantee == "ever":
            return self.total - before.total
        return self.total - float(np.logaddexp(before.total, log(tested / self.wealth.shape[1])))

    def reaches(self, alpha: float) -> bool:
        """Whether the evidence of all is 1/alpha or more."""
        return self.total >= needed(alpha)

    @property
    def _not_bet(self) -> float:
        """Logarithm of what is left for looks to come."""
        return -inf if self.guarantee == "run_length" else -0.5 * log(self.looks + 1)


def check_guarantee(guarantee: Any) -> None:
    """Refuse what is no contract.

    Raises:
        ConfigError: it is none.
    """
    if guarantee not in ("ever", "run_length"):
        raise ConfigError(
            f'guarantee is {guarantee!r}; it is "ever", the probability of any false alarm at all is at most alpha, or '
            '"run_length", there are at least 1/alpha looks to a false alarm on average'
        )


def needed(alpha: float) -> float:
    """Log evidence that is an alarm: of 1/alpha, which a float need not hold."""
    return -log(alpha)


def in_words(log_value: float) -> str:
    """What has this logarithm, to three digits."""
    if -700.0 < log_value < 700.0:
        return f"{exp(log_value):.3g}"
    return "0" if log_value == -inf else f"1e{floor(log_value / log(10.0)):.0f}"


def said(alpha: float) -> str:
    """1/alpha in words."""
    power = -log10(alpha)
    if power < 7:
        return f"{1 / alpha:,.0f}" if power >= 3 else f"{1 / alpha:.4g}"
    return f"{10 ** (power - floor(power)):.3g}e{floor(power)}"


def promise(guarantee: Guarantee, alpha: float) -> str:
    """The contract in words."""
    alpha = float(alpha)
    if guarantee == "ever":
        return f"the probability that there is ever a false alarm, at however many looks, is at most {alpha:g}"
    return f"there are at least {said(alpha)} looks to a false alarm on average, and it begins anew after an alarm"
