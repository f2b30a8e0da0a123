"""A reference and a batch of which only counts in fixed cells are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from accel_drift.backends import get_backend
from accel_drift.data.schema import Schema
from accel_drift.data.table import Table
from accel_drift.statistics.cell_pairs import CellPair, category_pair, number_pairs
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.feature_map import FeatureMap
from accel_drift.statistics.feature_moments import FeatureMoments
from accel_drift.statistics.fixed_cells import TextCells
from accel_drift.statistics.pairs import CategoryPair
from accel_drift.statistics.pairs import Table as CountTable
from accel_drift.statistics.tally import Tally


@dataclass(frozen=True)
class TalliedComparison(Comparison):
    """What `Comparison` is for rows, for counts: its two tables have columns and no rows.

    Attributes:
        tallies: counts of reference and batch, in the same cells.
        blind: numeric columns whose cells do not tell values apart; only whether there is one is compared.
    """

    tallies: tuple[Tally, Tally] = None  # type: ignore[assignment]  # given by `of`
    blind: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        reference: Tally,
        batch: Tally,
        schemas: tuple[Schema, Schema],
        names: tuple[str, ...],
        blind: frozenset[str] = frozenset(),
    ) -> TalliedComparison:
        """Put two tallies side by side; the schemas say what their columns hold."""
        bare, other = (Table(0, {}, schema) for schema in schemas)
        return cls(bare, other, names, get_backend("numpy"), tallies=(reference, batch), blind=blind)

    @cached_property
    def numeric(self) -> tuple[CellPair, ...]:  # type: ignore[override]
        """Numeric columns, one pair for each dtype."""
        return number_pairs(*self.tallies, [n for n in self.names if n not in self.blind])

    def one_sided(self) -> tuple[str, ...]:
        """Compared columns that hold values on one side only, of a kind that cannot be told on the other."""
        return tuple(n for n in super().one_sided() if n not in self.blind)

    @cached_property
    def categorical(self) -> tuple[CategoryPair, ...]:
        """Columns of categories with the counts of both sides."""
        cells = self.tallies[0].cells.columns
        return tuple(category_pair(*self.tallies, n) for n in self.names if isinstance(cells[n], TextCells))

    @cached_property
    def missing(self) -> Mapping[str, CountTable]:
        """Rows with and without a value of every column: shapes (1, 2), missing last."""
        return {n: CountTable(*(_presence(t, n) for t in self.tallies)) for n in self.names}

    def hidden(self, name: str) -> float:
        """Share of new categories of a column that fall into a bucket of the reference's."""
        cells = self.tallies[0].cells.columns[name]
        return cells.taken(self.tallies[0].of(name)) if isinstance(cells, TextCells) else 0.0

    @property
    def features(self) -> FeatureMap | None:
        """How rows of both sides became random features, where those were summed."""
        return self.tallies[0].features

    @property
    def moments(self) -> tuple[FeatureMoments, FeatureMoments] | None:
        """Sums of the features of both sides; None where a side has none."""
        mine, theirs = (tally.moments for tally in self.tallies)
        return None if mine is None or theirs is None else (mine, theirs)

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of the reference and of the batch."""
        return self.tallies[0].rows, self.tallies[1].rows

    @property
    def n_reference(self) -> int:
        """Rows of the whole reference."""
        return self.tallies[0].rows


def _presence(tally: Tally, name: str) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    absent = tally.missing(name)
    return np.array([[tally.rows - absent, absent]], dtype=np.int64)
