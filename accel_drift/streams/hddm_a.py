"""HDDM-A: the mean has left its best earlier one, by Hoeffding's bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar

from accel_drift.streams.confidences import Confidences
from accel_drift.streams.events import CHANGE, WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class HDDM_A(Confidences):  # noqa: N801 - the method's name
    """The mean of all values against the mean up to a cut, the moment at which the mean was surely lowest.

    The cut is where the mean and its bound were least, for a fall where the mean less its bound was greatest. Values
    after the cut are a change where their mean differs from that of the values before it by more than chance makes with
    probability `drift_confidence`, whatever their law. Reads numbers in [0, 1]. `before` and `after` are the means
    before and after the cut.

    Each value is one more comparison: the chance of a false alarm anywhere in a long stream is larger.

    In the variant "paper" chance is Hoeffding's bound of one side, log(1 / confidence); with `two_sided_test` each side
    has half of the confidence. river, as the authors' program in MOA, takes log(2 / confidence) for one side and for
    two. Defaults are MOA's, but that it looks for both sides.

    Attributes:
        drift_confidence: chance that one comparison says change where nothing changed.
        warning_confidence: the same for a warning.
        two_sided_test: look for a fall of the mean as well as for a rise.
    """

    name: ClassVar[str] = "hddm_a"

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The means with one more value."""

        def step(
            x: Any, n: Any, mean: Any, n_low: Any, low: Any, n_high: Any, high: Any, warned: Any, h: Any, options: Any
        ) -> tuple[Any, ...]:
            cut, drift, warning, two = options
            n = n + 1.0
            mean = mean + (1.0 / n) * (x - mean)
            bound = xp.sqrt(1.0 / (2.0 * n) * cut)
            lower = low + xp.sqrt(1.0 / (2.0 * n_low) * cut) >= mean + bound
            higher = high - xp.sqrt(1.0 / (2.0 * n_high) * cut) <= mean - bound
            n_low, low = xp.where(lower, n, n_low), xp.where(lower, mean, low)
            n_high, high = xp.where(higher, n, n_high), xp.where(higher, mean, high)
            up, down = (n - n_low) / n_low * (1.0 / n) / 2.0, (n - n_high) / n_high * (1.0 / n) / 2.0
            rises, falls = n_low < n, (n_high < n) & (two > 0.0)
            sinks = falls & (high - mean >= xp.sqrt(down * warning))
            change = (rises & (mean - low >= xp.sqrt(up * drift))) | (falls & (high - mean >= xp.sqrt(down * drift)))
            warns = sinks | (rises & (mean - low >= xp.sqrt(up * warning)))
            n_before, before = xp.where(sinks, n_high, n_low), xp.where(sinks, high, low)
            return (
                xp.where(change, CHANGE, xp.where(warns & (warned == 0.0), WARNING, 0)),
                before,
                mean + (mean - before) * (n_before / xp.where(n_before < n, n - n_before, 1.0)),
                xp.where(change, 0.0, n),
                xp.where(change, 0.0, mean),
                xp.where(change, 1.0, n_low),
                xp.where(change, 2.0, low),
                xp.where(change, 1.0, n_high),
                xp.where(change, -1.0, high),
                xp.where(change, 0.0, xp.where(warns, 1.0, 0.0)),
                h,
            )

        return step

    def empty(self) -> tuple[float, ...]:
        """Means of one value that the first one's replaces, since none is as low as that or as high."""
        return 0.0, 0.0, 1.0, 2.0, 1.0, -1.0

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them."""
        sides = 2 if self.variant == "river" else self.sides
        cut, drift, warning = log(1.0 / self.drift_confidence), *self.logarithms(sides)
        return cut, drift, warning, float(self.two_sided_test)


DETECTOR = HDDM_A
