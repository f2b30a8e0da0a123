"""Detectors that do not look at the data: what a score is worth is seen beside theirs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from accel_drift.evaluation.judged import Judged


@dataclass(frozen=True, slots=True)
class Never:
    """Never alarms."""

    def fit(self, _reference: Any) -> Never:
        """Learn nothing."""
        return self

    def detect(self, _batch: Any) -> Judged:
        """No alarm."""
        return Judged(0.0, False)


@dataclass(frozen=True, slots=True)
class Always:
    """Alarms at every batch."""

    def fit(self, _reference: Any) -> Always:
        """Learn nothing."""
        return self

    def detect(self, _batch: Any) -> Judged:
        """An alarm."""
        return Judged(1.0, True)


@dataclass(slots=True)
class Every:
    """Alarms at every k-th batch.

    Attributes:
        k: of so many batches the last.
    """

    k: int = 10
    seen: int = field(default=0, repr=False)

    def fit(self, _reference: Any) -> Every:
        """Begin to count."""
        return Every(self.k)

    def detect(self, _batch: Any) -> Judged:
        """An alarm if it is the turn."""
        self.seen += 1
        alarm = self.seen % self.k == 0
        return Judged(float(alarm), alarm)


@dataclass(slots=True)
class AtRandom:
    """Alarms at each batch with a chance, whatever the batch holds.

    Attributes:
        rate: the chance.
        seed: decides at which.
    """

    stateful: ClassVar[bool] = False

    rate: float = 0.01
    seed: int = 0
    chance: Any = field(default=None, repr=False, compare=False)

    def seeded(self, seed: int) -> AtRandom:
        """The same with another seed."""
        return replace(self, seed=seed, chance=None)

    def fit(self, _reference: Any) -> AtRandom:
        """Begin to draw."""
        return AtRandom(self.rate, self.seed, np.random.default_rng(self.seed))

    def detect(self, _batch: Any) -> Judged:
        """A score between 0 and 1; an alarm above 1 - rate."""
        score = float(self.chance.random())
        return Judged(score, score > 1 - self.rate)


def dummies(rate: float) -> dict[str, Any]:
    """The four that stand beside every result."""
    return {"never": Never(), "always": Always(), "every 10th": Every(), f"random {rate:.3g}": AtRandom(rate)}
