"""The batches of the published benchmark, draw by draw, so that its seeds give its own figures.

Source: `benchmark_rigorous.py` and `empirical_validation.py` of the public repository "production-drift-detection".
Two generators start from one seed: one draws the reference and the shifted batches, the other picks rows and noise.
What it calls clean are rows of the reference, drawn with replacement. What it calls a shift of some magnitude draws
new means and deviations for every batch: they have nothing to do with the reference's, and magnitude 0 drifts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

SEEDS = tuple(range(42, 42 + 20 * 7, 7))
FEATURES, REFERENCE, ROWS = 5, 2_000, 100
CLEAN, STILL, DRIFTED = 50, 5, 50
"""Clean batches, and how many of the 50 "drifted" ones are clean as well."""

RAMP, MAGNITUDE, NOISE = 10, 2.0, 1.5


@dataclass(frozen=True, slots=True)
class Batches:
    """What one seed draws.

    Attributes:
        reference: (2000, 5).
        clean: (55, 100, 5) rows of the reference.
        shifted: (45, 100, 5): 10 of growing, 35 of full magnitude.
        noise_clean: (50, 100, 5) rows of the reference.
        noisy: (50, 100, 5) rows of the reference with normal noise on every column.
    """

    reference: Floats
    clean: Floats
    shifted: Floats
    noise_clean: Floats
    noisy: Floats


class Source:
    """The draws of one seed, in whatever order they are asked for."""

    def __init__(self, seed: int) -> None:
        self._laws, self.rng = np.random.default_rng(seed), np.random.default_rng(seed)
        self.reference = self._columns(REFERENCE, None)

    def shifted(self, magnitude: float) -> Floats:
        """Rows of a new law, (100, 5)."""
        return self._columns(ROWS, magnitude)

    def picked(self) -> Floats:
        """Rows of the reference, with replacement, (100, 5)."""
        return self.reference[self.pick()]

    def pick(self) -> npt.NDArray[np.int64]:
        """Their places, (100,)."""
        return self.rng.choice(REFERENCE, ROWS)

    def _columns(self, rows: int, magnitude: float | None) -> Floats:
        made = np.empty((rows, FEATURES))
        for column in range(FEATURES):
            mean = self._laws.uniform(-2, 2)
            if magnitude is not None:
                mean += magnitude * self._laws.choice([-1, 1])
            made[:, column] = self._laws.normal(mean, self._laws.uniform(0.5, 1.5), rows)
        return made


def magnitude(number: int, *, capped: bool = True) -> float:
    """Of a batch of the drifted phase; its search for thresholds lets the ramp go on to 9."""
    grown = MAGNITUDE * (number - STILL + 1) / RAMP
    return min(grown, MAGNITUDE) if capped else grown


def batches(seed: int) -> Batches:
    """Everything that the published benchmark draws with a seed."""
    source = Source(seed)
    clean = [source.picked() for _ in range(CLEAN)]
    clean += [source.picked() for _ in range(STILL)]
    shifted = [source.shifted(magnitude(i)) for i in range(STILL, DRIFTED)]
    noise_clean = [source.picked() for _ in range(CLEAN)]
    noisy = []
    for _ in range(DRIFTED):
        rows = source.picked()
        noisy.append(rows + source.rng.normal(0, NOISE, rows.shape))
    return Batches(source.reference, *(np.stack(some) for some in (clean, shifted, noise_clean, noisy)))


def steeper(seed: int) -> tuple[Floats, Floats, Floats]:
    """Reference, clean and shifted batches of its search for thresholds, where the ramp never ends."""
    source = Source(seed)
    clean = np.stack([source.picked() for _ in range(CLEAN + STILL)])
    return (
        source.reference,
        clean,
        np.stack([source.shifted(magnitude(i, capped=False)) for i in range(STILL, DRIFTED)]),
    )
