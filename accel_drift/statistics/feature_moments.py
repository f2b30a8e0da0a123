"""Sums of random features of rows and of their products: what a test of mean embeddings needs of any number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from accel_drift.statistics.feature_map import STEPS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureMoments:
    """First and second moments of the features of rows, in whole numbers.

    A summary: `zero`, then `update` with rows, `merge` with another. The order does not matter, to the bit. It holds no
    rows, and its size does not grow with them: 64 frequencies take 67 kB on disk. 2^49 rows fit.

    Attributes:
        products: (2 R + 1, 2 R + 1) sums of the products of features; the last feature is 1 in every row, so that the
            last row holds the sums of the others, and the corner the number of rows.
    """

    products: Ints = field(repr=False)

    @classmethod
    def zero(cls, count: int) -> FeatureMoments:
        """Of no rows, with so many frequencies."""
        return cls(np.zeros((2 * count + 1, 2 * count + 1), np.int64))

    @classmethod
    def of_packed(cls, count: int, packed: Ints) -> FeatureMoments:
        """What `packed` gave."""
        made = cls.zero(count)
        above = np.triu_indices(2 * count + 1)
        made.products[above] = packed
        made.products.T[above] = packed
        return made

    @staticmethod
    def width(count: int) -> int:
        """Length of `packed` with so many frequencies."""
        return (2 * count + 1) * (count + 1)

    @property
    def packed(self) -> Ints:
        """The upper triangle, row after row."""
        return self.products[np.triu_indices(len(self.products))]

    @property
    def rows(self) -> int:
        """Rows that were summed."""
        return int(self.products[-1, -1])

    @property
    def vary(self) -> bool:
        """Whether any two rows have other features; told exactly, by Cauchy's inequality."""
        return any(square * self.rows != total**2 for square, total in zip(*self._whole(), strict=True))

    @property
    def mean(self) -> Floats:
        """Mean of the features, of length 1 a row, (2 R,)."""
        return np.asarray(self.products[-1, :-1] / self._unit / max(self.rows, 1))

    @property
    def squares(self) -> Floats:
        """Mean of the products of features, of length 1 a row, (2 R, 2 R)."""
        return np.asarray(self.products[:-1, :-1] / self._unit**2 / max(self.rows, 1))

    @property
    def covariance(self) -> Floats:
        """Unbiased covariance of the features, (2 R, 2 R); of two rows or more."""
        mean = self.mean
        return np.asarray((self.squares - np.outer(mean, mean)) * (self.rows / (self.rows - 1)))

    def update(self, products: Ints) -> FeatureMoments:
        """With more rows, by what `FeatureMap.products` says of them."""
        return replace(self, products=self.products + products)

    def merge(self, other: FeatureMoments) -> FeatureMoments:
        """With the rows of another, made by an equal map: whoever merges has made sure of that."""
        return replace(self, products=self.products + other.products)

    def _whole(self) -> tuple[list[int], list[int]]:
        """Sums of squares and of features, as numbers without an end."""
        return self.products.diagonal()[:-1].tolist(), self.products[-1, :-1].tolist()

    @property
    def _unit(self) -> float:
        """Steps of features of length 1."""
        return float(STEPS * np.sqrt((len(self.products) - 1) / 2))
