"""Page-Hinkley: the mean has moved away from what it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, between
from accel_drift.streams.events import CHANGE
from accel_drift.streams.rules import RuleDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHinkley(RuleDetector):
    """Sums of what values lie above and below their running mean; a change where one has moved far from its extreme.

    `before` is the mean of all values, `after` about that of the values since the sum's extreme, where the change is
    likely to have begun: the mean, and how far the sum has moved a value since then.

    Attributes:
        min_instances: values before a change is looked for.
        delta: half the change of the mean that is put up with, in units of the values.
        threshold: how far the sum must move (lambda).
        alpha: share of the sums that is kept from value to value; None for 1 as published, 0.9999 as in river.
        mode: "up", "down" or "both": which way the mean may move.
    """

    name: ClassVar[str] = "page_hinkley"
    source: ClassVar[str] = "Page 1954, doi:10.1093/biomet/41.1-2.100; Hinkley 1971, doi:10.1093/biomet/58.3.509"
    strictness: ClassVar[tuple[str, ...]] = ("threshold",)

    min_instances: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    alpha: float | None = None
    mode: Literal["up", "down", "both"] = "both"

    def __post_init__(self) -> None:
        super(PageHinkley, self).__post_init__()
        if self.mode not in ("up", "down", "both"):
            raise ConfigError(f"mode is {self.mode!r}; there are 'up', 'down' and 'both'")
        at_least(self.min_instances, 0, "min_instances", "values before a change is looked for")
        if self.delta != 0:
            between(self.delta, 0, inf, "delta", "half the change that is put up with, or 0")
        between(self.threshold, 0, inf, "threshold", "how far a sum must move")
        if self.alpha is not None and self.alpha != 1:
            between(self.alpha, 0, 1, "alpha", "the share of the sums that is kept, or 1")

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The sums with one more value."""

        def step(
            x: Any, n: Any, mean: Any, up: Any, low: Any, down: Any, high: Any, up_for: Any, down_for: Any, options: Any
        ) -> tuple[Any, ...]:
            forget, delta, threshold, least, rises, falls, first_low, first_high = options
            n = n + 1.0
            mean = mean + (1.0 / n) * (x - mean)
            up = forget * up + (x - mean) - delta
            down = forget * down + (x - mean) + delta
            up_for, down_for = xp.where(up < low, 0.0, up_for + 1.0), xp.where(down > high, 0.0, down_for + 1.0)
            low = xp.where(up < low, up, low)
            high = xp.where(down > high, down, high)
            rise, fall = rises * (up - low), falls * (high - down)
            rose = rise > threshold
            change = (n >= least) & (rose | (fall > threshold))
            steps = xp.where(rose, up_for, xp.where(down_for > 0.0, -down_for, 1.0))
            moved = xp.where(rose, delta, -delta) + xp.where(rose, rise, fall) / steps
            return (
                xp.where(change, CHANGE, 0),
                mean,
                mean + moved,
                xp.where(change, 0.0, n),
                xp.where(change, 0.0, mean),
                xp.where(change, 0.0, up),
                xp.where(change, first_low, low),
                xp.where(change, 0.0, down),
                xp.where(change, first_high, high),
                xp.where(change, 0.0, up_for),
                xp.where(change, 0.0, down_for),
            )

        return step

    def empty(self) -> tuple[float, ...]:
        """Nothing summed; river's extremes stand where the first sum replaces the one and may replace the other."""
        return 0.0, 0.0, 0.0, *self._extremes[:1], 0.0, *self._extremes[1:]

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them."""
        forget = self.alpha if self.alpha is not None else 1.0 if self.variant == "paper" else 1 - 0.0001
        sides = float(self.mode != "down"), float(self.mode != "up")
        return forget, self.delta, self.threshold, self.min_instances, *sides, *self._extremes

    @property
    def _extremes(self) -> tuple[float, float]:
        """The sums' least and greatest before the first value."""
        return (0.0, 0.0) if self.variant == "paper" else (inf, -1.0)


DETECTOR = PageHinkley
