"""HDDM-W: the weighted mean has left its best earlier one, by McDiarmid's bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any, ClassVar

from accel_drift.options import between
from accel_drift.streams.confidences import Confidences
from accel_drift.streams.events import CHANGE, WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class HDDM_W(Confidences):  # noqa: N801 - the method's name
    """As HDDM-A with exponentially weighted means, so that it sees a gradual change sooner.

    The cut is where the weighted mean and its bound were least, for a fall where the mean less its bound was greatest.
    The weighted mean of the values after the cut is a change where it differs from that of the values up to the cut by
    more than McDiarmid's bound. Reads numbers in [0, 1]. `before` and `after` are these two weighted means.

    Each value is one more comparison: the chance of a false alarm anywhere in a long stream is larger, and where half
    of the values are errors there is one in every stream of 10,000.

    In the variant "paper" the first value's weight is 1 in the bound as it is in the mean, as in the authors' program,
    and with `two_sided_test` each side has half of the confidence, so that both together keep to it, which is ours.
    river begins the bound as if a value had come before, so that short stretches alarm sooner, and gives each side the
    whole confidence, as the authors' program does.

    Defaults are those of the authors' program, MOA.

    Attributes:
        drift_confidence: chance that one comparison says change where nothing changed.
        warning_confidence: the same for a warning.
        two_sided_test: look for a fall of the mean as well as for a rise.
        lambda_val: weight of the newest value, above 0 and below 1.
    """

    name: ClassVar[str] = "hddm_w"

    lambda_val: float = 0.05

    def __post_init__(self) -> None:
        super(HDDM_W, self).__post_init__()
        between(self.lambda_val, 0, 1, "lambda_val", "the weight of the newest value")

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The weighted means, and the sums of squared weights w, with one more value."""

        def step(
            x: Any, mean: Any, w: Any, least: Any, low: Any, w_low: Any, rise: Any, w_rise: Any, most: Any,
            high: Any, w_high: Any, fall: Any, w_fall: Any, warned: Any, o: Any, p: Any, q: Any, options: Any,
        ) -> tuple[Any, ...]:  # fmt: skip
            new, old, new2, old2, blank, cut, drift, warning, two = options
            added = new * x
            mean, w = xp.where(w == blank, x, added + old * mean), new2 + old2 * w
            bound = xp.sqrt(w * cut)
            lower, higher = mean + bound < least, mean - bound > most
            rise, w_rise = (
                xp.where(w_rise == blank, x, added + old * rise),
                xp.where(lower, blank, new2 + old2 * w_rise),
            )
            fall, w_fall = (
                xp.where(w_fall == blank, x, added + old * fall),
                xp.where(higher, blank, new2 + old2 * w_fall),
            )
            low, w_low = xp.where(lower, mean, low), xp.where(lower, w, w_low)
            high, w_high = xp.where(higher, mean, high), xp.where(higher, w, w_high)
            up, down = w_low + w_rise, w_high + w_fall
            rises, falls = w_rise < blank, (w_fall < blank) & (two > 0.0)
            sinks = falls & (high - fall > xp.sqrt(down * warning))
            change = (rises & (rise - low > xp.sqrt(up * drift))) | (falls & (high - fall > xp.sqrt(down * drift)))
            warns = sinks | (rises & (rise - low > xp.sqrt(up * warning)))
            return (
                xp.where(change, CHANGE, xp.where(warns & (warned == 0.0), WARNING, 0)),
                xp.where(sinks, high, low),
                xp.where(sinks, fall, rise),
                mean,
                xp.where(change, blank, w),
                xp.where(change, inf, xp.where(lower, mean + bound, least)),
                low,
                w_low,
                rise,
                xp.where(change, blank, w_rise),
                xp.where(change, -inf, xp.where(higher, mean - bound, most)),
                high,
                w_high,
                fall,
                xp.where(change, blank, w_fall),
                xp.where(change, 0.0, xp.where(warns, 1.0, 0.0)),
                o,
                p,
                q,
            )

        return step

    def empty(self) -> tuple[float, ...]:
        """No mean, whose sum of squared weights is greater than that of any; the first value is a cut of both sides."""
        blank = self._blank
        return 0.0, blank, inf, 0.0, 0.0, 0.0, blank, -inf, 0.0, 0.0, 0.0, blank, 0.0

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them; the bounds take half of the logarithms."""
        new, old = self.lambda_val, 1 - self.lambda_val
        drift, warning = self.logarithms(1 if self.variant == "river" else self.sides)
        bounds = log(1.0 / self.drift_confidence) / 2, drift / 2, warning / 2
        return new, old, new * new, old**2, self._blank, *bounds, float(self.two_sided_test)

    @property
    def _blank(self) -> float:
        """A sum of squared weights from which the first value makes 1, or what it is in river after one value."""
        new = self.lambda_val
        return 1.0 if self.variant == "river" else (1 - new**2) / (1 - new) ** 2


DETECTOR = HDDM_W
