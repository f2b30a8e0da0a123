"""EWMA: the weighted mean of the newest values has left the mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from accel_drift.options import between
from accel_drift.streams.charts import ControlChart
from accel_drift.streams.events import CHANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class EWMA(ControlChart):
    """An exponentially weighted mean that begins at the mean in control, a change where it is `limit` deviations off.

    The deviations are its own, which grow with the values that it is made of: those of the stream times the square root
    of w / (2 - w) (1 - (1 - w)^(2 t)) after t values. With mean and deviation known, normal values that do not change
    alarm once in 486 values on average at the defaults. `before` is the mean in control, `after` the weighted mean.

    river has no such detector; both variants are the same.

    Attributes:
        mean: mean of each stream in control; None to learn it.
        deviation: standard deviation of each stream in control, above 0; None to learn it.
        warm_start: values to learn from, at least 2, where mean and deviation are not given.
        weight: weight of the newest value (lambda; Lucas & Saccucci 1990: 0.05 to 0.25 for small changes).
        limit: how far the weighted mean may be off, in its deviations (L; Lucas & Saccucci 1990: 2.814 for an average
            run length of 500 at a weight of 0.1).
    """

    name: ClassVar[str] = "ewma"
    source: ClassVar[str] = (
        "Roberts 1959, doi:10.1080/00401706.1959.10489860; Lucas & Saccucci 1990, doi:10.1080/00401706.1990.10484583"
    )
    strictness: ClassVar[tuple[str, ...]] = ("limit",)

    weight: float = 0.1
    limit: float = 2.814

    def __post_init__(self) -> None:
        super(EWMA, self).__post_init__()
        between(self.weight, 0, 1, "weight", "the weight of the newest value")
        between(self.limit, 0, inf, "limit", "how far the weighted mean may be off, in its deviations")

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The weighted mean with one more value; while it learns, `mean` is the first, `variance` a sum of squares."""

        def step(
            x: Any, n: Any, mean: Any, variance: Any, off: Any, grown: Any, total: Any, g: Any, h: Any, options: Any
        ) -> tuple[Any, ...]:
            start, each, share, first_mean, first_variance, new, old, old2, limit = options
            n = n + 1.0
            learns = n <= start
            mean = xp.where(learns & (n == 1.0), x, mean)
            gap = x - mean
            off = xp.where(learns, 0.0, new * gap + old * off)
            grown = xp.where(learns, 0.0, old2 * grown + (1.0 - old2))
            change = off * off > limit * variance * grown
            total, squares = total + gap, variance + gap * gap
            learned = n == start
            center = xp.where(learned, mean + total * each, mean)
            squares = xp.where(learned, (squares - total * total * each) * share, squares)
            return (
                xp.where(change, CHANGE, 0),
                mean,
                mean + off,
                xp.where(change, 0.0, n),
                xp.where(change, first_mean, center),
                xp.where(change, first_variance, xp.where(learns, squares, variance)),
                xp.where(change, 0.0, off),
                xp.where(change, 0.0, grown),
                xp.where(change, 0.0, total),
                g,
                h,
            )

        return step

    def given(self) -> tuple[float, float]:
        """The mean and the square of the deviation, for no root is taken of the learned one."""
        mean, deviation = super(EWMA, self).given()
        return mean, deviation**2

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them; the limit is the square of that which the growing one comes to."""
        old = 1.0 - self.weight
        return *self.learning(), self.weight, old, old**2, self.limit**2 * self.weight / (2.0 - self.weight)


DETECTOR = EWMA
