"""Kinds of drift that move numbers, measured by their spread in the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import ClassVar

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.synthetic.anchor import Anchor
from accel_drift.synthetic.base import SpreadDrift, Stage, above, share
from accel_drift.synthetic.columns import Floats
from accel_drift.synthetic.seeds import Purpose, checked_seed, generator


@dataclass(frozen=True, slots=True)
class CovariateShift(SpreadDrift):
    """Values move up by so many deviations of the reference, or down; their spread and shape stay.

    >>> reference = {"x": np.array([0.0, 2.0])}
    >>> CovariateShift(0.5).apply({"x": np.array([7.0, np.nan])}, reference)["x"]
    array([7.5, nan])
    """

    unit: ClassVar[str] = "deviations of the reference; below 0 downwards"
    stage: ClassVar[Stage] = Stage.WORLD

    def _moved(
        self,
        values: Floats,
        amount: Floats,
        anchor: Anchor,
        name: str,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Floats:
        return values + amount * anchor.spread(name).deviation


@dataclass(frozen=True, slots=True)
class VarianceChange(SpreadDrift):
    """Values move away from the reference's mean, or towards it: the deviation is 1 + magnitude times as large."""

    unit: ClassVar[str] = "deviations of the reference that the deviation grows by; above -1"
    stage: ClassVar[Stage] = Stage.WORLD

    def __post_init__(self) -> None:
        super(VarianceChange, self).__post_init__()
        above(self.magnitude, -1, "at -1 no spread would be left")

    def _moved(
        self,
        values: Floats,
        amount: Floats,
        anchor: Anchor,
        name: str,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Floats:
        # The difference is added, so that no digit of the value is lost where little changes.
        return values + amount * (values - anchor.spread(name).mean)


@dataclass(frozen=True, slots=True)
class TailChange(SpreadDrift):
    """Values beyond the reference's quartiles move 1 + magnitude times as far from them; the middle half stays."""

    unit: ClassVar[str] = "times that the tails grow by; above -1"
    stage: ClassVar[Stage] = Stage.WORLD

    def __post_init__(self) -> None:
        super(TailChange, self).__post_init__()
        above(self.magnitude, -1, "at -1 no tail would be left")

    def _moved(
        self,
        values: Floats,
        amount: Floats,
        anchor: Anchor,
        name: str,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Floats:
        low, high = anchor.spread(name).quartiles
        return values + amount * (values - np.clip(values, low, high))


@dataclass(frozen=True, slots=True)
class Noise(SpreadDrift):
    """Gaussian noise with mean 0 on every column of numbers: the spread grows, and columns hang together less."""

    unit: ClassVar[str] = "deviations of the reference, as the noise's own; at least 0"

    def __post_init__(self) -> None:
        super(Noise, self).__post_init__()
        if self.magnitude < 0:
            raise ConfigError(f"magnitude is {self.magnitude!r}; it is a number of at least 0: the noise's deviation")

    def _moved(self, values: Floats, amount: Floats, anchor: Anchor, name: str, rng: np.random.Generator) -> Floats:
        return values + amount * anchor.spread(name).deviation * rng.standard_normal(len(values))


@dataclass(frozen=True, slots=True)
class Perturbation(Noise):
    """Gaussian noise with mean 0 on some columns of numbers: those named, or a share of them drawn by `seed`.

    Attributes:
        share: of the columns that can change, where none are named; at least one does.
        seed: decides which. It is the kind's own, so that the columns are the same in every batch.
    """

    share: float = field(default=0.5, kw_only=True)
    seed: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super(Perturbation, self).__post_init__()
        share(self.share, "share", "of the columns that can change")
        checked_seed(self.seed)

    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """See `Drift.affected`."""
        fit = super(Perturbation, self).affected(anchor)
        if self.columns is not None:
            return fit
        lots = generator(int(self.seed), Purpose.COLUMNS).permutation(len(fit))
        chosen = set(lots[: max(1, ceil(self.share * len(fit)))].tolist())
        return tuple(name for place, name in enumerate(fit) if place in chosen)
