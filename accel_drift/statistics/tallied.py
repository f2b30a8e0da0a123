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
from accel_drift.statistics.fixed_cells import TextCells
from accel_drift.statistics.pairs import CategoryPair
from accel_drift.statistics.pairs import Table as CountTable
from accel_drift.statistics.tally import Tally


@dataclass(frozen=True)
class TalliedComparison(Comparison):
    """What `Comparison` is for rows, for counts: its two tables have columns and no rows.

    Attributes:
        tallies: counts of reference and batch, in the same cells.
    """

    tallies: tuple[Tally, Tally] = None  # type: ignore[assignment]  # given by `of`

    @classmethod
    def of(
        cls, reference: Tally, batch: Tally, schemas: tuple[Schema, Schema], names: tuple[str, ...]
    ) -> TalliedComparison:
        """Put two tallies side by side; the schemas say what their columns hold."""
        bare, other = (Table(0, {}, schema) for schema in schemas)
        return cls(bare, other, names, get_backend("numpy"), tallies=(reference, batch))

    @cached_property
    def numeric(self) -> tuple[CellPair, ...]:  # type: ignore[override]
        """Numeric columns, one pair for each dtype."""
        return number_pairs(*self.tallies, self.names)

    @cached_property
    def categorical(self) -> tuple[CategoryPair, ...]:
        """Columns of categories with the counts of both sides."""
        cells = self.tallies[0].cells.columns
        return tuple(category_pair(*self.tallies, n) for n in self.names if isinstance(cells[n], TextCells))

    @cached_property
    def missing(self) -> Mapping[str, CountTable]:
        """Rows with and without a value of every column: shapes (1, 2), missing last."""
        return {n: CountTable(*(_presence(t, n) for t in self.tallies)) for n in self.names}

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
