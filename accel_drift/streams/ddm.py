"""DDM: the share of errors has risen above its lowest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, between
from accel_drift.streams.events import CHANGE, WARNING
from accel_drift.streams.rules import RuleDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class DDM(RuleDetector):
    """The share p of errors among all values and its standard deviation s = sqrt(p (1 - p) / n).

    Both are kept where p + s was least. A warning begins where p + s lies more than `warning_threshold` of that s above
    that p, a change is where it lies more than `drift_threshold` of them above it. Reads 0 (no error) and 1 (an error).
    A warning's and a change's `before` is p where p + s was least, `after` is p now.

    river follows the paper, so that both variants find the same. A stream without errors never changes: p + s has to
    lie above a threshold, not on it.

    Attributes:
        warm_start: values after which the least is looked for; the paper's 30, from where on the share of errors is
            nearly normal.
        warning_threshold: standard deviations at which a warning begins (paper: 2).
        drift_threshold: standard deviations at which the stream has changed (paper: 3).
    """

    name: ClassVar[str] = "ddm"
    source: ClassVar[str] = "Gama et al. 2004, doi:10.1007/978-3-540-28645-5_29"
    reads: ClassVar[str] = "errors"
    strictness: ClassVar[tuple[str, ...]] = ("drift_threshold", "warning_threshold")

    warm_start: int = 30
    warning_threshold: float = 2.0
    drift_threshold: float = 3.0

    def __post_init__(self) -> None:
        super(DDM, self).__post_init__()
        at_least(self.warm_start, 0, "warm_start", "values after which a change is looked for")
        between(self.warning_threshold, 0, inf, "warning_threshold", "standard deviations at which a warning begins")
        between(self.drift_threshold, 0, inf, "drift_threshold", "standard deviations at which there is a change")
        if self.warning_threshold > self.drift_threshold:
            raise ConfigError(
                f"warning_threshold is {self.warning_threshold:g} and drift_threshold {self.drift_threshold:g}: a "
                "warning comes before a change, give it the smaller one"
            )

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The share of errors with one more value."""

        def step(
            x: Any, n: Any, p: Any, least: Any, spread: Any, warned: Any, f: Any, g: Any, h: Any, options: Any
        ) -> tuple[Any, ...]:
            start, warning, drift = options
            n = n + 1.0
            p = p + (1.0 / n) * (x - p)
            s = xp.sqrt(p * (1.0 - p) / n)
            watched = n > start
            lower = watched & (p + s <= least + spread)
            least, spread = xp.where(lower, p, least), xp.where(lower, s, spread)
            change = watched & (p + s > least + drift * spread)
            warns = watched & (p + s > least + warning * spread)
            return (
                xp.where(change, CHANGE, xp.where(warns & (warned == 0.0), WARNING, 0)),
                least,
                p,
                xp.where(change, 0.0, n),
                xp.where(change, 0.0, p),
                xp.where(change, 2.0, least),
                xp.where(change, 0.0, spread),
                xp.where(change, 0.0, xp.where(warns, 1.0, 0.0)),
                f,
                g,
                h,
            )

        return step

    def empty(self) -> tuple[float, ...]:
        """Nothing counted; the least share is above any."""
        return 0.0, 0.0, 2.0

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them."""
        return self.warm_start, self.warning_threshold, self.drift_threshold


DETECTOR = DDM
