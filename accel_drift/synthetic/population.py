"""A law that fresh rows are drawn from, so that batches without drift are no copies of the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, is_finite, plain, truth
from accel_drift.synthetic.columns import LABEL, Columns, Floats
from accel_drift.synthetic.normal import distribution
from accel_drift.synthetic.seeds import Purpose, checked_seed, generator

_SLOPE = 3.0
"""Of the label's chance in its score: the best of all models is right in about six rows of seven."""


class _Margin(NamedTuple):
    """How a standard normal becomes a column, and that column's mean and deviation, roughly."""

    make: Callable[[Floats], Floats]
    mean: float
    deviation: float


_NORMAL = _Margin(lambda z: z, 0.0, 1.0)
_MIXED = (
    _NORMAL,
    _Margin(lambda z: np.exp(z / 2), exp(1 / 8), exp(1 / 8) * sqrt(exp(1 / 4) - 1)),
    _Margin(distribution, 0.5, 1 / sqrt(12)),
    _Margin(np.sinh, 0.0, sqrt((exp(2) - 1) / 2)),
    _Margin(lambda z: np.floor(np.exp(z / 2 + 1.5)), 4.6, 2.7),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A law to draw rows from: columns of numbers x0, x1, ..., of categories c0, c1, ..., and a label.

    Numbers are normal with mean 0 and deviation 1, each pair with the same correlation; with `margins="mixed"` they are
    normal, lognormal, uniform, with heavy tails, and whole, by turns. A category's share is half that of the one before
    it. The label is true with a chance that grows with a weighted sum of the numbers, so that a model can learn it.

    >>> rows = Population(numbers=2, categories=1, label=True).draw(1000, seed=0)
    >>> {name: str(values.dtype) for name, values in rows.items()}
    {'x0': 'float64', 'x1': 'float64', 'c0': 'object', 'label': 'bool'}

    Attributes:
        numbers: columns of numbers.
        categories: columns of categories, which depend on nothing.
        levels: categories of each, "v0" the most frequent.
        correlation: of each pair of numbers as normal values, above -1 / (numbers - 1) and below 1.
        margins: "normal" or "mixed".
        label: whether there is a column "label" of truth values.
    """

    numbers: int = 5
    categories: int = 0
    levels: int = 5
    correlation: float = 0.0
    margins: Literal["normal", "mixed"] = "normal"
    label: bool = False

    def __post_init__(self) -> None:
        at_least(self.numbers, 0, "numbers", "columns of numbers")
        at_least(self.categories, 0, "categories", "columns of categories")
        at_least(self.levels, 2, "levels", "categories of a column")
        truth(self.label, "label")
        if self.numbers + self.categories == 0:
            raise ConfigError("numbers and categories are both 0; give at least one column")
        if self.label and not self.numbers:
            raise ConfigError("label is True and numbers is 0; a label hangs on numbers: give at least one")
        if self.margins not in ("normal", "mixed"):
            raise ConfigError(f"margins is {self.margins!r}; there are 'normal' and 'mixed'")
        least = -1.0 / max(self.numbers - 1, 1)
        if not (is_finite(self.correlation) and least < self.correlation < 1):
            raise ConfigError(
                f"correlation is {self.correlation!r}; of every pair of {self.numbers} columns it can be above "
                f"{least:.3g} and below 1"
            )

    def draw(self, rows: int, *, seed: int = 0) -> Columns:
        """Fresh rows.

        Args:
            rows: how many.
            seed: decides them.

        Raises:
            ConfigError: rows or seed are no whole numbers of at least 0.
        """
        at_least(rows, 0, "rows", "rows to draw")
        seed = checked_seed(seed)
        made = self.features(rows, generator(seed, Purpose.ROWS))
        return self.labelled(made, generator(seed, Purpose.LABELS))

    def features(self, rows: int, rng: np.random.Generator) -> Columns:
        """Rows without their label."""
        made: Columns = {}
        z = rng.standard_normal((self.numbers, rows))
        if self.correlation:
            # The root of a matrix with 1 on its diagonal and the correlation beside it, without a product of matrices,
            # whose last bits hang on the library.
            apart = sqrt(1 - self.correlation)
            together = (sqrt(1 + (self.numbers - 1) * self.correlation) - apart) / self.numbers
            z = apart * z + together * z.sum(axis=0)
        for j in range(self.numbers):
            made[f"x{j}"] = self._margin(j).make(z[j])
        names = np.array([f"v{i}" for i in range(self.levels)], dtype=object)
        steps = np.cumsum(0.5 ** np.arange(self.levels))
        for j in range(self.categories):
            made[f"c{j}"] = names[np.searchsorted(steps[:-1] / steps[-1], rng.random(rows), side="right")]
        return made

    def labelled(self, rows: Columns, rng: np.random.Generator) -> Columns:
        """Rows with their label, drawn by what the numbers are, where the population has one."""
        if not self.label:
            return rows
        count = len(rows["x0"])
        return {**rows, LABEL: rng.random(count) < self.chances(rows)}

    def chances(self, rows: Columns) -> Floats:
        """(n,) the chance that a row's label is true, given its numbers: what the best model would say.

        Raises:
            ConfigError: the population has no label.
        """
        if not self.label:
            raise ConfigError("this population has no label; make it with label=True")
        weights = np.arange(self.numbers, 0, -1) / self.numbers
        score = np.zeros(len(rows["x0"]))
        for j, weight in enumerate(weights.tolist()):
            margin = self._margin(j)
            score += weight * (rows[f"x{j}"] - margin.mean) / margin.deviation
        spread = sqrt(float((1 - self.correlation) * (weights**2).sum() + self.correlation * weights.sum() ** 2))
        chances: Floats = 0.5 + 0.5 * np.tanh(_SLOPE / 2 * score / spread)
        return chances

    def related(self, name: str) -> tuple[str, ...]:
        """The columns that hang on one, itself among them: a category on nothing, the label on all numbers."""
        numbers = tuple(f"x{j}" for j in range(self.numbers))
        label = (LABEL,) if self.label else ()
        if name == LABEL:
            return (*numbers, *label)
        if name in numbers:
            return (*(numbers if self.correlation else (name,)), *label)
        return (name,)

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return plain(self)

    def _margin(self, place: int) -> _Margin:
        return _MIXED[place % len(_MIXED)] if self.margins == "mixed" else _NORMAL
