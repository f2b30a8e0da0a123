"""Reference and batch side by side: the counts that all detectors of a kind share, each made once.

Numeric columns of one dtype are one pair of (n, d) blocks on a device; what comes back from there are counts. Columns
of categories are counts from the start. Where whole blocks of rows are permuted, counts are kept by block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.block import Block
from accel_drift.statistics import cells, spread
from accel_drift.statistics.totals import Totals

Counts = npt.NDArray[np.int64]


class Groups(NamedTuple):
    """Which permutable block each row belongs to, numbered from 0 on each side."""

    reference: npt.NDArray[np.int64]
    batch: npt.NDArray[np.int64]
    n_reference: int
    n_batch: int


class Table(NamedTuple):
    """Counts of one or more columns: by block where there are groups, else one row a side.

    Shapes: reference (g_r, d, k), batch (g_b, d, k); the last cell is missing.
    """

    reference: Counts
    batch: Counts

    def column(self, j: int) -> Table:
        """The counts of one column, shapes (g, k)."""
        return Table(self.reference[:, j, :], self.batch[:, j, :])

    @property
    def sides(self) -> tuple[Counts, Counts]:
        """Counts with the blocks added up: (d, k) twice, or (k,) twice of a column."""
        return self.reference.sum(axis=0), self.batch.sum(axis=0)


@dataclass(frozen=True)
class NumericPair:
    """Numeric columns of one dtype.

    Attributes:
        fixed: whether the cells were cut on rows that take no part in the test, so that rows may change sides in them.
    """

    fixed: ClassVar[bool] = False

    names: tuple[str, ...]
    reference: Block
    batch: Block
    backend: Backend
    groups: Groups | None = None
    totals: Totals | None = None
    # Bins by their number: several detectors ask for the same ones.
    _made: dict[int, tuple[npt.NDArray[Any], Table]] = field(default_factory=dict, init=False, repr=False)

    @property
    def gap(self) -> npt.NDArray[np.float64]:
        """Kolmogorov-Smirnov distance of each column, (d,)."""
        return self._distances[0]

    @property
    def area(self) -> npt.NDArray[np.float64]:
        """Integral of |F - G| dx of each column, its Wasserstein distance, (d,); never NaN, but infinite it may be."""
        return self._distances[1]

    @property
    def square(self) -> npt.NDArray[np.float64]:
        """Integral of (F - G)^2 dH of each column, H being the pooled distribution function, (d,)."""
        return self._distances[2]

    @cached_property
    def _distances(self) -> tuple[npt.NDArray[np.float64], ...]:
        with self.backend.scope():
            x, y = self.reference, self.batch
            made = self.backend.kernels.cdf_distances(x.values, x.mask, y.values, y.mask)
            return tuple(self.backend.to_numpy(one) for one in made)

    @cached_property
    def present(self) -> tuple[Counts, Counts]:
        """Rows with a value on each side, (d,) twice."""
        xp = self.backend.xp
        with self.backend.scope():
            n, m = (
                self.backend.to_numpy(xp.sum(xp.astype(side.mask, xp.int64), axis=0))
                for side in (self.reference, self.batch)
            )
        return n, m

    @cached_property
    def _shape(self) -> tuple[Any, Any, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        xp, both = self.backend.xp, (self.reference, self.batch)
        with self.backend.scope():
            values = xp.concat([_absent_last(xp, side) for side in both], axis=0)
            present = self.backend.asarray(self.present[0] + self.present[1])
            cuts, middles, distinct, tied = cells.fine_cuts(xp, xp.sort(values, axis=0), present, cells.FINE)
            return cuts, middles, self.backend.to_numpy(distinct), self.backend.to_numpy(tied)

    @property
    def distinct(self) -> npt.NDArray[np.int64]:
        """Distinct values in the pooled rows, (d,)."""
        return self._shape[2]

    @cached_property
    def tied(self) -> npt.NDArray[np.bool_]:
        """Whether any two pooled rows have the same value, (d,)."""
        if self.totals is None:
            return self._shape[3]
        return self._shape[3] | np.array([name in self.totals.tied for name in self.names], dtype=np.bool_)

    @cached_property
    def fine(self) -> Table:
        """Counts on the fine pooled cells, missing last: shapes (g, d, FINE + 1)."""
        with self.backend.scope():
            return self._count(self._shape[0])

    @cached_property
    def fine_edges(self) -> npt.NDArray[Any]:
        """Cut points of the fine cells, (d, FINE - 1)."""
        with self.backend.scope():
            return self.backend.to_numpy(self._shape[0])

    def one_value(self, j: int, _: int) -> bool:
        """Whether a fine cell of a column holds one value only."""
        return bool(self.distinct[j] <= cells.FINE)

    @cached_property
    def fine_middles(self) -> npt.NDArray[Any]:
        """A value inside each fine cell, the cell's own where it has only one, (d, FINE)."""
        with self.backend.scope():
            return self.backend.to_numpy(self._shape[1])

    @cached_property
    def half_spread(self) -> npt.NDArray[np.float64]:
        """Half of the spread of the reference's finite values, (d,); see `accel_drift.statistics.spread`."""
        xp = self.backend.xp
        with self.backend.scope():
            ordered = xp.sort(_absent_last(xp, self.reference), axis=0)
            floats = xp.isdtype(ordered.dtype, "real floating")
            lowest = ordered == (-xp.inf if floats else xp.iinfo(ordered.dtype).min)
            highest = self.reference.mask & (self.reference.values == (xp.inf if floats else 0))
            below, above = (
                self.backend.to_numpy(xp.sum(xp.astype(flags & floats, xp.int64), axis=0))
                for flags in (lowest, highest)
            )
            finite = self.present[0] - below - above
            places = below[:, None] + spread.places(finite)
            at = self.backend.asarray(np.clip(places.T, 0, max(ordered.shape[0] - 1, 0)))
            taken = self.backend.to_numpy(xp.take_along_axis(ordered, at, axis=0)).T
        return spread.of_order_statistics(taken, finite, self._finite_reference)

    def _finite_reference(self, j: int) -> npt.NDArray[Any]:
        """The finite reference values of one column on the host."""
        with self.backend.scope():
            values, mask = (self.backend.to_numpy(part[:, j]) for part in self.reference)
        return np.asarray(values[mask & np.isfinite(values)])

    def binned(self, bins: int) -> Table:
        """Counts in the reference's quantile bins and atoms, missing last: shapes (g, d, 2 bins).

        Of a sampled reference the bins and their counts are those of all its rows.
        """
        if bins not in self._made:
            self._made[bins] = self._binned(bins)
        return self._made[bins][1]

    def bin_cuts(self, bins: int) -> npt.NDArray[Any]:
        """Cut points of those bins, (d, 2 bins - 2): see `cells.bin_cuts`."""
        self.binned(bins)
        return self._made[bins][0]

    def _binned(self, bins: int) -> tuple[npt.NDArray[Any], Table]:
        if self.totals is not None:
            known = [self.totals.bins[name][bins] for name in self.names]
            width = 2 * (bins - 1)
            cuts = np.array([b.cuts or (0,) * width for b in known], dtype=self.fine_edges.dtype).reshape(-1, width)
            return cuts, Table(np.array([b.counts for b in known], dtype=np.int64)[None], self.counted(cuts).batch)
        with self.backend.scope():
            cuts = self._cuts(bins)
            return cuts, self._count(self.backend.asarray(cuts))

    def counted(self, cuts: npt.NDArray[Any]) -> Table:
        """Counts of the rows at hand between any cut points (d, c), missing last: shapes (g, d, c + 2)."""
        with self.backend.scope():
            return self._count(self.backend.asarray(cuts))

    @cached_property
    def known(self) -> Counts:
        """Rows of the whole reference that have a value, (d,)."""
        if self.totals is None:
            return self.present[0]
        return np.array([self.totals.rows - self.totals.missing[name] for name in self.names], dtype=np.int64)

    def _cuts(self, bins: int) -> npt.NDArray[Any]:
        xp = self.backend.xp
        ordered = xp.sort(_absent_last(xp, self.reference), axis=0)
        places = cells.quantile_places(self.present[0], bins)
        at = self.backend.asarray(np.minimum(places.T, max(ordered.shape[0] - 1, 0)))
        return cells.bin_cuts(self.backend.to_numpy(xp.take_along_axis(ordered, at, axis=0)).T, places)

    def _count(self, cuts: Any) -> Table:
        g = self.groups
        return Table(
            self._count_side(self.reference, cuts, None if g is None else (g.reference, g.n_reference)),
            self._count_side(self.batch, cuts, None if g is None else (g.batch, g.n_batch)),
        )

    def _count_side(self, side: Block, cuts: Any, groups: tuple[npt.NDArray[np.int64], int] | None) -> Counts:
        kernels, xp = self.backend.kernels, self.backend.xp
        d, width = len(self.names), cuts.shape[1] + 2
        if groups is None:
            return self.backend.to_numpy(kernels.histogram(side.values, cuts, side.mask))[None]
        ids, g = self.backend.asarray(groups[0]), groups[1]
        column = xp.arange(d, dtype=xp.int64)[None, :]
        code = xp.astype(kernels.bin_index(side.values, cuts, side.mask), xp.int64)
        code = (ids[:, None] * d + column) * width + code
        counts = kernels.count_codes(xp.reshape(code, (-1,)), g * d * width)
        return self.backend.to_numpy(counts).reshape(g, d, width)


@dataclass(frozen=True)
class CategoryPair:
    """One column of categories.

    Attributes:
        name: the column.
        categories: every category of either side, in value order; of merged ones only those that have their own cell.
        counts: shapes (g, k + 1), missing last; k counts the two cells of every run of merged categories.
        merged: how many of the rarest pooled categories were counted together.
        runs: what each run of merged categories is called, by its first and its last one.
    """

    name: str
    categories: tuple[str, ...]
    counts: Table
    merged: int = 0
    runs: tuple[str, ...] = ()


def merge_rare(pair: CategoryPair, limit: int) -> CategoryPair:
    """At most `limit` cells: one for each of the most frequent *pooled* categories, the others in runs.

    Frequency is judged on both sides together, ties by value: a rule that looked at the reference alone would reject
    the null all by itself. Half of the cells are for single categories. The others are cut, in value order, into runs
    of about equally many pooled rows, and each run is dealt to two cells by turns. One cell for them all would be blind
    to whatever goes on among them, and with 100,000 categories that is a third of the rows and more. Runs see that a
    family moves (names that begin alike stand together), turns see that rows move from a name to the next one.
    """
    k = len(pair.categories)
    if k <= limit:
        return pair
    a, b = pair.counts.sides
    pooled, runs = (a + b)[:k], limit // 4
    rare = np.ones(k, np.bool_)
    rare[np.argsort(-pooled, kind="stable")[: limit - 2 * runs]] = False
    rest, keep = np.flatnonzero(rare), np.flatnonzero(~rare)
    before = np.cumsum(pooled[rest]) - pooled[rest]
    run = before * runs // max(1, int(pooled[rest].sum()))
    cell = 2 * run + rest % 2
    shrunk = (
        np.concatenate([side[:, keep], _summed(side[:, rest], cell, 2 * runs), side[:, k:]], axis=1)
        for side in pair.counts
    )
    first, last = (np.searchsorted(run, np.arange(runs), side) for side in ("left", "right"))
    names = tuple(
        f"{pair.categories[rest[i]]} ... {pair.categories[rest[j - 1]]}" if j > i else ""
        for i, j in zip(first, last, strict=True)
    )
    return CategoryPair(pair.name, tuple(pair.categories[i] for i in keep), Table(*shrunk), len(rest), names)


def _summed(counts: Counts, cell: npt.NDArray[np.int64], cells: int) -> Counts:
    """Columns of (g, k) added up by the cell of each, (g, cells). Exact: counts are far below 2**53."""
    return np.array([np.bincount(cell, row, cells) for row in counts]).astype(np.int64).reshape(len(counts), cells)


def _absent_last(xp: Any, side: Block) -> Any:
    """Values with the absent ones replaced by the dtype's largest, so that sorting puts them last."""
    dtype = side.values.dtype
    top = xp.inf if xp.isdtype(dtype, "real floating") else xp.iinfo(dtype).max
    return xp.where(side.mask, side.values, xp.asarray(top, dtype=dtype))
