"""What control charts have in common: the mean and the deviation of a stream in control."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, between, is_finite
from accel_drift.streams.rules import RuleDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChart(RuleDetector):
    """A rule that measures how far values lie from the mean of the stream in control, in its deviations.

    Both are given, or learned from the first values (the deviation with n - 1) and kept until a change; then they are
    learned anew. Where the values to learn from are all the same, every other value is a change.

    Attributes:
        mean: mean of each stream in control; None to learn it.
        deviation: standard deviation of each stream in control, above 0; None to learn it.
        warm_start: values to learn from, at least 2; with fewer than some hundred, false alarms come sooner than the
            bounds promise. Without meaning where mean and deviation are given.
    """

    mean: float | None = None
    deviation: float | None = None
    warm_start: int = 100

    def __post_init__(self) -> None:
        super(ControlChart, self).__post_init__()
        at_least(self.warm_start, 2, "warm_start", "values from which mean and deviation are learned")
        if (self.mean is None) != (self.deviation is None):
            raise ConfigError(
                f"mean is {self.mean!r} and deviation {self.deviation!r}: give both, or neither to learn them"
            )
        if self.mean is not None and not is_finite(self.mean):
            raise ConfigError(f"mean is {self.mean!r}; it is the mean of a stream in control, a finite number")
        if self.deviation is not None:
            between(self.deviation, 0, inf, "deviation", "the standard deviation of a stream in control")

    def empty(self) -> tuple[float, ...]:
        """Nothing counted, and the mean and deviation where they are given."""
        return 0.0, *self.given()

    def learning(self) -> tuple[float, float, float, float, float]:
        """What a rule begins with and learns.

        Values to learn from, the reciprocals of their number and of the same less one, mean and deviation. Distances
        from the first value are summed, and their squares: it is one of them, so that no more than a factor of their
        number is lost to rounding.
        """
        start = 0 if self.mean is not None else self.warm_start
        return start, 1.0 / max(start, 1), 1.0 / max(start - 1, 1), *self.given()

    @property
    def in_control(self) -> tuple[float, float]:
        """See `StreamDetector.in_control`."""
        return (0.0, 1.0) if self.mean is None or self.deviation is None else (self.mean, self.deviation)

    def given(self) -> tuple[float, float]:
        """The mean and the deviation where they are given."""
        return (0.0, 0.0) if self.mean is None or self.deviation is None else (self.mean, self.deviation)
