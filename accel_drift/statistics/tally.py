"""Counts of rows in fixed cells: a summary that merges.

`zero`, then `update` with rows, `merge` with another. All is in whole numbers, so neither the order nor the way in
which rows were dealt to parts matters, to the bit. It holds no rows, and its size does not grow with them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.statistics.draws import host_kernels
from accel_drift.statistics.feature_map import FeatureMap
from accel_drift.statistics.feature_moments import FeatureMoments
from accel_drift.statistics.fixed_cells import ColumnCells, Counts, FixedCells, NumberCells, TextCells


@dataclass(frozen=True)
class Tally:
    """How many rows fall into each cell.

    Attributes:
        cells: the cells.
        rows: rows counted.
        counts: (cells.width,) int64, column after column in the order of the cells.
        features: how rows become random features, where those are summed, too.
        moments: their sums; None where none are made, or some rows lack a column that they take.
        met: column -> bucket of categories -> one that was met; only of rows that are counted for one report.
    """

    cells: FixedCells
    rows: int
    counts: Counts = field(repr=False)
    features: FeatureMap | None = None
    moments: FeatureMoments | None = field(default=None, repr=False)
    met: Mapping[str, dict[int, str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def zero(cls, cells: FixedCells, features: FeatureMap | None = None, *, names: bool = False) -> Tally:
        """Of no rows; `names` to remember a category of each bucket."""
        texts = [n for n, c in cells.columns.items() if isinstance(c, TextCells)] if names else []
        moments = None if features is None else FeatureMoments.zero(features.count)
        return cls(cells, 0, np.zeros(cells.width, np.int64), features, moments, {n: {} for n in texts})

    def update(self, table: Table, names: Collection[str]) -> Tally:
        """With more rows; only the columns of these names are counted, which both must have."""
        counts = self.counts.copy()
        for name, made in _counted(self, table, [n for n in self.cells.columns if n in names]):
            first, last = self.cells.ends[name]
            counts[first:last] += made
        return replace(self, rows=self.rows + table.rows, counts=counts, moments=self._summed(table, names))

    def merge(self, other: Tally) -> Tally:
        """With the rows of another, counted in equal cells: whoever merges has made sure of that."""
        moments = self.moments.merge(other.moments) if self.moments and other.moments else None
        return replace(self, rows=self.rows + other.rows, counts=self.counts + other.counts, moments=moments)

    def same(self, other: Tally) -> bool:
        """Whether another, of equal cells, has counted the same."""
        mine, theirs = (None if t.moments is None else t.moments.packed.tolist() for t in (self, other))
        return self.rows == other.rows and np.array_equal(self.counts, other.counts) and mine == theirs

    def _summed(self, table: Table, names: Collection[str]) -> FeatureMoments | None:
        """The sums of features with these rows', too."""
        if self.features is None or self.moments is None or not set(self.features.names) <= set(names):
            return None
        return self.moments.update(self.features.products(table))

    def of(self, name: str) -> Counts:
        """The counts of one column."""
        first, last = self.cells.ends[name]
        return self.counts[first:last]

    def missing(self, name: str) -> int:
        """Rows in which the column has no value."""
        counts = self.of(name)
        return int(counts[-2:].sum() if isinstance(self.cells.columns[name], NumberCells) else counts[-1])


def fits(cells: ColumnCells, column: object) -> bool:
    """Whether a column holds what the cells are of."""
    if isinstance(cells, NumberCells):
        return isinstance(column, NumericColumn)
    return isinstance(column, CategoricalColumn) or not isinstance(cells, TextCells)


def _counted(tally: Tally, table: Table, names: Sequence[str]) -> list[tuple[str, Counts]]:
    kernels, cells = host_kernels(), tally.cells
    made: list[tuple[str, Counts]] = []
    numbers: list[tuple[str, NumericColumn, npt.NDArray[np.generic], int]] = []
    texts: list[tuple[str, TextCells, CategoricalColumn]] = []
    for name in names:
        how, column = cells.columns[name], table.columns[name]
        if isinstance(how, NumberCells) and isinstance(column, NumericColumn):
            numbers.append((name, column.on_host(), *how.request(column)))
        elif isinstance(how, TextCells) and isinstance(column, CategoricalColumn):
            texts.append((name, how, column))
        else:
            made.append((name, np.array([table.rows - column.missing, column.missing], np.int64)))
    codes = [(column.codes, None) for _, _, column in texts]
    by_code = kernels.code_counts(codes, [len(column.categories) for _, _, column in texts])
    for (name, how, column), counts in zip(texts, by_code, strict=True):
        made.append((name, how.count(column, counts, tally.met.get(name))))
    columns = [(column.values, column.present) for _, column, _, _ in numbers]
    found = kernels.column_counts(columns, [cuts for _, _, cuts, _ in numbers])
    for (name, column, _, below), counts in zip(numbers, found, strict=True):
        values = np.concatenate([np.zeros(below, np.int64), counts[:-2]])
        made.append((name, np.concatenate([values, np.array([column.nans, column.nulls], np.int64)])))
    return made
