"""The kernel two-sample statistic from some of the pairs of rows: those within tiles that the seed deals.

An incomplete U-statistic: the mean of the statistics of disjoint tiles, each of which has its share of both sides.
Labels are permuted inside each tile, so that no tile's make-up varies and each statistic stays free of what the
kernel's row means would add. Under no drift pairs are uncorrelated, and it does not matter which of them are taken, but
only how many: the spread of the statistic is larger than that of all pairs by the root of N over the rows of a tile.
Source: Schrab, Kim, Guedj & Gretton, Efficient aggregated kernel tests using incomplete U-statistics, NeurIPS 2022;
disjoint tiles: Zaremba, Gretton & Blaschko, B-tests, NIPS 2013.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np

from accel_drift.statistics import draws
from accel_drift.statistics.kernel_sums import Estimator, Floats, Ints
from accel_drift.statistics.kernel_test import KernelSums, OfKernel
from accel_drift.statistics.matrix_rows import dense

LEAST = 8
"""Rows, or groups, that a tile has of either side at least: two tiles can be dealt in 10^8 ways then."""


class Tile(NamedTuple):
    """One tile: its rows, ascending, their kernel, and what the tile's statistic counts for."""

    rows: Ints
    kernel: KernelSums
    weight: float


@dataclass(frozen=True)
class TileSums(OfKernel):
    """What `KernelSums` says of the same rows, from the pairs within tiles.

    Attributes:
        kernel: the rows.
        size: rows of a tile, about.
    """

    size: int

    @property
    def work(self) -> float:
        """Multiplications of one labelling of single rows."""
        return sum(tile.kernel.work for tile in self.tiles)

    @property
    def pairs(self) -> int:
        """Pairs of rows that are looked at."""
        return sum(len(tile.rows) * (len(tile.rows) - 1) // 2 for tile in self.tiles)

    def mmd2(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, float]:
        """The statistic of labellings first ... first + count, (count,), and the mean kernel.

        Labelling 0 is the observed one; each tile has labellings of its own.
        """
        value, mean = np.zeros(count), 0.0
        for tile in self.tiles:
            made, size = tile.kernel.mmd2(first, count, estimator)
            value += tile.weight * made
            mean += tile.weight * size
        return value, mean

    @cached_property
    def witness(self) -> Floats:
        """As of `KernelSums`, (N,), each row's within its tile."""
        values = np.empty(self.kernel.rows)
        for tile in self.tiles:
            values[tile.rows] = tile.kernel.witness
        return values

    def standard_error(self) -> float:
        """Standard error of the statistic: tiles have no row in common."""
        return sqrt(sum((tile.weight * tile.kernel.standard_error()) ** 2 for tile in self.tiles))

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles, made of whole groups; their weights add up to 1."""
        kernel, n = self.kernel, self.kernel.n
        # What is dealt: single rows are groups of one.
        ids = np.arange(kernel.rows) if kernel.groups is None else kernel.groups
        mine, units = (n, kernel.rows) if kernel.groups is None else kernel.n_groups
        count = max(1, min(kernel.rows // self.size, mine // LEAST, (units - mine) // LEAST))
        if count == 1:
            return (Tile(np.arange(kernel.rows), kernel, 1.0),)
        home = np.concatenate([self._dealt(place, many, count) for place, many in enumerate((mine, units - mine))])[ids]
        held = [np.flatnonzero(home == tile) for tile in range(count)]
        # By what no labelling changes. Where tiles have like shares of both sides it is the best weight, too.
        weights = np.array([float(len(rows)) ** 2 for rows in held])
        weights /= weights.sum()
        return tuple(Tile(rows, self._within(rows, i), float(weights[i])) for i, rows in enumerate(held))

    def _dealt(self, side: int, units: int, count: int) -> Ints:
        """The tile of each row, or group, of a side, by the seed: as many in each, or one more."""
        w = draws.words(draws.key(self.kernel.seed, "mmd", "tiles", side), 0, 1, units)[0, 0]
        order = np.argsort(w, kind="stable")
        home = np.empty(units, dtype=np.int64)
        home[order] = np.arange(units) % count
        return home

    def _within(self, rows: Ints, tile: int) -> KernelSums:
        kernel, n = self.kernel, int(np.searchsorted(rows, self.kernel.n))
        groups, n_groups = None, (0, 0)
        if kernel.groups is not None:
            groups, total = dense(kernel.groups[rows])
            n_groups = int(groups[n]), total
        with kernel.backend.scope():
            z = kernel.backend.xp.take(kernel.z, kernel.backend.asarray(rows), axis=0)
        seed = int.from_bytes(draws.key(kernel.seed, "mmd", "tile", tile).tobytes(), "little")
        return replace(kernel, z=z, n=n, groups=groups, n_groups=n_groups, seed=seed, reference=None)
