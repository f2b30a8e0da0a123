"""What detectors by bounds of probability have in common: two confidences, one side or both."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

from accel_drift.errors import ConfigError
from accel_drift.options import between, truth
from accel_drift.streams.rules import RuleDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidences(RuleDetector):
    """A rule that watches numbers in [0, 1] by a bound on the chance of what it sees.

    Attributes:
        drift_confidence: chance that one comparison says change where nothing changed.
        warning_confidence: the same for a warning.
        two_sided_test: look for a fall of the mean as well as for a rise.
    """

    source: ClassVar[str] = "Frias-Blanco et al. 2014, doi:10.1109/TKDE.2014.2345382"
    reads: ClassVar[str] = "shares"
    strictness: ClassVar[tuple[str, ...]] = ("drift_confidence", "warning_confidence")
    falls: ClassVar[bool] = True

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    two_sided_test: bool = False

    def __post_init__(self) -> None:
        super(Confidences, self).__post_init__()
        between(self.drift_confidence, 0, 1, "drift_confidence", "the chance of a change where there is none")
        between(self.warning_confidence, 0, 1, "warning_confidence", "the chance of a warning where nothing changes")
        if self.drift_confidence > self.warning_confidence:
            raise ConfigError(
                f"drift_confidence is {self.drift_confidence:g} and warning_confidence {self.warning_confidence:g}: a "
                "warning comes before a change, give it the larger one"
            )
        truth(self.two_sided_test, "two_sided_test")

    def logarithms(self, sides: int) -> tuple[float, float]:
        """Of `sides` over the confidences, as the bounds have them: of a change, of a warning."""
        return log(sides / self.drift_confidence), log(sides / self.warning_confidence)

    @property
    def sides(self) -> int:
        """Among how many sides a confidence is shared."""
        return 2 if self.two_sided_test else 1
