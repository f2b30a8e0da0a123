"""CUSUM: values add up above or below the mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from accel_drift.options import between
from accel_drift.streams.charts import ControlChart
from accel_drift.streams.events import CHANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class CUSUM(ControlChart):
    """Two sums that begin at 0 and never fall below it: of what values lie above the mean, and of what below.

    Each value adds its distance from the mean less `slack`; a change is where a sum passes `threshold`. With mean and
    deviation known, normal values that do not change alarm once in 465 values on average at the defaults. `before` is
    the mean in control, `after` the mean that the sum's values had since it was last 0 (Montgomery 2009, section 9.1).

    river has no such detector; both variants are the same.

    Attributes:
        mean: mean of each stream in control; None to learn it.
        deviation: standard deviation of each stream in control, above 0; None to learn it.
        warm_start: values to learn from, at least 2, where mean and deviation are not given.
        slack: half the change of the mean that is looked for, in deviations (k; Montgomery 2009: 0.5).
        threshold: how far a sum may rise, in deviations (h; Montgomery 2009: 5).
    """

    name: ClassVar[str] = "cusum"
    source: ClassVar[str] = "Page 1954, doi:10.1093/biomet/41.1-2.100; Montgomery 2009, Statistical Quality Control"
    strictness: ClassVar[tuple[str, ...]] = ("threshold",)

    slack: float = 0.5
    threshold: float = 5.0

    def __post_init__(self) -> None:
        super(CUSUM, self).__post_init__()
        if self.slack != 0:
            between(self.slack, 0, inf, "slack", "half the change that is looked for, in deviations, or 0")
        between(self.threshold, 0, inf, "threshold", "how far a sum may rise, in deviations")

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The sums with one more value; while it learns, `mean` is the first value, `spread` a sum of squares."""

        def step(
            x: Any, n: Any, mean: Any, spread: Any, up: Any, rises: Any, down: Any, falls: Any, total: Any, options: Any
        ) -> tuple[Any, ...]:
            start, each, share, first_mean, first_spread, slack, threshold = options
            n = n + 1.0
            learns = n <= start
            mean = xp.where(learns & (n == 1.0), x, mean)
            gap = x - mean
            up = xp.where(learns, 0.0, up + gap - slack * spread)
            down = xp.where(learns, 0.0, down - gap - slack * spread)
            rises, falls = xp.where(up > 0.0, rises + 1.0, 0.0), xp.where(down > 0.0, falls + 1.0, 0.0)
            up, down = xp.where(up > 0.0, up, 0.0), xp.where(down > 0.0, down, 0.0)
            rise, fall = up > threshold * spread, down > threshold * spread
            change = rise | fall
            steps = xp.where(rise, rises, xp.where(fall, -falls, 1.0))
            moved = xp.where(rise, slack, -slack) * spread + xp.where(rise, up, down) / steps
            total, squares = total + gap, spread + gap * gap
            learned = n == start
            center = xp.where(learned, mean + total * each, mean)
            variance = xp.where(learned, (squares - total * total * each) * share, 0.0)
            squares = xp.where(learned, xp.sqrt(variance), squares)
            return (
                xp.where(change, CHANGE, 0),
                mean,
                mean + moved,
                xp.where(change, 0.0, n),
                xp.where(change, first_mean, center),
                xp.where(change, first_spread, xp.where(learns, squares, spread)),
                xp.where(change, 0.0, up),
                xp.where(change, 0.0, rises),
                xp.where(change, 0.0, down),
                xp.where(change, 0.0, falls),
                xp.where(change, 0.0, total),
            )

        return step

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them."""
        return *self.learning(), self.slack, self.threshold


DETECTOR = CUSUM
