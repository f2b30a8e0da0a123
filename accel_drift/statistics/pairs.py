"""Reference and batch side by side: the counts that all detectors of a kind share, each made once.

Numeric columns of one dtype are sorted, each side once and the reference once for all batches; all else is found in
the sorted columns. Columns of categories are counts from the start. Where whole blocks of rows are permuted, counts are
kept by block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.block import Columns
from accel_drift.errors import DataError
from accel_drift.statistics.cells import FINE
from accel_drift.statistics.cut_types import coarser
from accel_drift.statistics.reference_columns import ReferenceColumns, counted
from accel_drift.statistics.totals import Totals

Counts = npt.NDArray[np.int64]

_MOST_PAIRS = (1 << 63) - 1
"""Reference rows times batch rows at most."""


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

    def columns(self, places: npt.NDArray[np.intp]) -> Table:
        """The counts of some columns, shapes (g, c, k)."""
        return Table(self.reference[:, places, :], self.batch[:, places, :])

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
    reference: ReferenceColumns
    batch: Columns
    groups: Groups | None = None
    totals: Totals | None = None

    @property
    def backend(self) -> Backend:
        """Where the columns are sorted and counted."""
        return self.batch.backend

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

    @property
    def distinct(self) -> npt.NDArray[np.int64]:
        """Distinct values in the pooled rows, (d,)."""
        return np.asarray(self._distances[3], dtype=np.int64)

    @cached_property
    def _distances(self) -> tuple[npt.NDArray[Any], ...]:
        n, m = self.present
        if int(n.max(initial=0)) * int(m.max(initial=0)) > _MOST_PAIRS:
            raise DataError(
                f"a column has {n.max():,} reference and {m.max():,} batch rows, and gaps between distribution "
                "functions are counted in whole numbers up to 2**63; give a sample of the rows"
            )
        with self.backend.scope():
            made = self.backend.kernels.cdf_distances(*self._sides)
            return tuple(self.backend.to_numpy(one) for one in made)

    @property
    def _sides(self) -> tuple[Any, ...]:
        """Sorted rows of both sides, each with how many they are."""
        return *self.reference.columns.ordered, *self.batch.ordered

    @property
    def present(self) -> tuple[Counts, Counts]:
        """Rows with a value on each side, (d,) twice."""
        return self.reference.columns.present, self.batch.present

    @cached_property
    def tied(self) -> npt.NDArray[np.bool_]:
        """Whether any two pooled rows have the same value, (d,)."""
        tied = np.asarray(self.distinct < sum(self.present))
        if self.totals is None:
            return tied
        return tied | np.array([name in self.totals.tied for name in self.names], dtype=np.bool_)

    @cached_property
    def _cells(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        x, n, y, m = self._sides
        with self.backend.scope():
            distinct = self.backend.asarray(self.distinct)
            cuts, middles = self.backend.kernels.pooled_cells(x, n, y, m, distinct, FINE)
            return self.backend.to_numpy(cuts), self.backend.to_numpy(middles)

    @cached_property
    def fine(self) -> Table:
        """Counts on the fine pooled cells, missing last: shapes (g, d, FINE + 1)."""
        return self.counted(self.fine_edges)

    @property
    def fine_edges(self) -> npt.NDArray[Any]:
        """Cut points of the fine cells, (d, FINE - 1): quantiles of the pooled rows, or each value of few."""
        return self._cells[0]

    def one_value(self, j: int, _: int) -> bool:
        """Whether a fine cell of a column holds one value only."""
        return bool(self.distinct[j] <= FINE)

    @property
    def fine_middles(self) -> npt.NDArray[Any]:
        """A value inside each fine cell, the cell's own where it has only one, (d, FINE)."""
        return self._cells[1]

    @property
    def half_spread(self) -> npt.NDArray[np.float64]:
        """Half of the spread of the reference's finite values, (d,); see `accel_drift.statistics.spread`."""
        return self.reference.half_spread

    def binned(self, bins: int) -> Table:
        """Counts in the reference's quantile bins and atoms, missing last: shapes (g, d, 2 bins).

        Of a sampled reference the bins and their counts are those of all its rows.
        """
        cuts = self.bin_cuts(bins)
        if self.groups is not None:
            return self.counted(cuts)
        if self.totals is None:
            counts = self.reference.bins(bins).counts
        else:
            counts = np.array([self.totals.bins[name][bins].counts for name in self.names], dtype=np.int64)
        return Table(counts[None], counted(self.batch, cuts)[None])

    def bin_cuts(self, bins: int) -> npt.NDArray[Any]:
        """Cut points of those bins, (d, 2 bins - 2): see `cells.bin_cuts`."""
        if self.totals is None:
            return self.reference.bins(bins).cuts
        width = 2 * (bins - 1)
        known = [self.totals.bins[name][bins].cuts or (0,) * width for name in self.names]
        dtype = self.batch.dtype
        if dtype == np.float32:  # which the whole reference need not have been
            return np.array([coarser(np.array(cuts, np.float64), dtype) for cuts in known]).reshape(-1, width)
        return np.array(known, dtype=dtype).reshape(-1, width)

    def counted(self, cuts: npt.NDArray[Any]) -> Table:
        """Counts of the rows at hand between any cut points (d, c), missing last: shapes (g, d, c + 2)."""
        g = self.groups
        if g is None:
            return Table(counted(self.reference.columns, cuts)[None], counted(self.batch, cuts)[None])
        return Table(
            _by_group(self.reference.columns, cuts, g.reference, g.n_reference),
            _by_group(self.batch, cuts, g.batch, g.n_batch),
        )

    @cached_property
    def known(self) -> Counts:
        """Rows of the whole reference that have a value, (d,)."""
        if self.totals is None:
            return self.present[0]
        return np.array([self.totals.rows - self.totals.missing[name] for name in self.names], dtype=np.int64)


def _by_group(columns: Columns, cuts: npt.NDArray[Any], ids: npt.NDArray[np.int64], groups: int) -> Counts:
    """Rows of each block between cut points (d, c), missing last: (groups, d, c + 2)."""
    backend, (values, mask) = columns.backend, columns.block
    kernels, xp = backend.kernels, backend.xp
    d, width = len(cuts), cuts.shape[1] + 2
    with backend.scope():
        column = xp.arange(d, dtype=xp.int64)[None, :]
        code = xp.astype(kernels.bin_index(values, backend.asarray(cuts), mask), xp.int64)
        code = (backend.asarray(ids)[:, None] * d + column) * width + code
        counts = kernels.count_codes(xp.reshape(code, (-1,)), groups * d * width)
        return backend.to_numpy(counts).reshape(groups, d, width)


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

    @property
    def table(self) -> Table:
        """The counts as a table of one column, shapes (g, 1, k + 1)."""
        return Table(self.counts.reference[:, None], self.counts.batch[:, None])


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
