"""Batches drawn from the counts of a column, each beside the rows that are left: statistics where nothing drifts.

A batch of rows drawn without replacement takes a multivariate hypergeometric number of rows from each cell. So what
drawing rows gives, counts give exactly; but only of one column at a time, for counts do not tell which row holds what
in two columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accel_drift.backends import get_backend
from accel_drift.data.schema import Kind, Schema
from accel_drift.data.table import Table
from accel_drift.statistics import draws
from accel_drift.statistics.cell_pairs import CellPair
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.fixed_cells import ColumnCells, NumberCells, TextCells
from accel_drift.statistics.pairs import CategoryPair, Counts
from accel_drift.statistics.pairs import Table as CountTable
from accel_drift.statistics.tally import Tally

_BARE = Table(0, {}, Schema(()))


@dataclass(frozen=True)
class DrawnColumn(Comparison):
    """Batches drawn from one column, each as a column of its own, named by its number.

    Attributes:
        cells: the column's cells; None where its values are not compared.
        what: what the column holds.
        total: (w,) rows of the reference in each cell.
        drawn: (R, w) rows of each batch.
        absent: cells at the end that stand for no value.
    """

    cells: ColumnCells | None = None
    what: Kind = Kind.NUMERIC
    total: Counts = None  # type: ignore[assignment]  # given by `of`
    drawn: Counts = None  # type: ignore[assignment]
    absent: int = 1

    @classmethod
    def of(
        cls, tally: Tally, name: str, what: Kind, size: int, which: range, stream: npt.NDArray[np.uint32], blind: bool
    ) -> Self:
        """Draw batches of `size` rows.

        Args:
            tally: counts of the reference.
            name: the column.
            what: what it holds.
            size: rows of a batch.
            which: numbers of the batches.
            stream: words that decide the draws.
            blind: whether only the presence of values is compared.
        """
        cells, total = tally.cells.columns[name], tally.of(name)
        filled = np.flatnonzero(total)
        chosen = draws.hypergeometric(stream[None], which.start, len(which), total[filled][None], np.array([size]))[0]
        drawn = np.zeros((len(which), len(total)), np.int64)
        drawn[:, filled] = chosen
        absent = 2 if isinstance(cells, NumberCells) else 1
        labels, known = tuple(map(str, which)), None if blind else cells
        return cls(_BARE, _BARE, labels, get_backend("numpy"), cells=known, what=what, total=total, drawn=drawn,
                   absent=absent)  # fmt: skip

    def kind(self, name: str) -> Kind:  # noqa: ARG002  (all are drawn from one)
        """What the column holds."""
        return self.what

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """All names, or none."""
        return self.names if self.what in kinds else ()

    @property
    def rows(self) -> tuple[int, int]:
        """Rows beside a batch and in it."""
        inside = int(self.drawn[0].sum())
        return int(self.total.sum()) - inside, inside

    @property
    def n_reference(self) -> int:
        """Rows beside a batch."""
        return self.rows[0]

    def one_sided(self) -> tuple[str, ...]:
        """A column is of one kind on both sides."""
        return ()

    @cached_property
    def numeric(self) -> tuple[CellPair, ...]:  # type: ignore[override]
        """The batches of a column of numbers, in one pair."""
        if not isinstance(self.cells, NumberCells):
            return ()
        sides = self.total - self.drawn, self.drawn
        return (_DrawnPair(self.names, (self.cells,), (), both=sides),)

    @cached_property
    def categorical(self) -> tuple[CategoryPair, ...]:
        """The batches of a column of categories."""
        if not isinstance(self.cells, TextCells):
            return ()
        filled = np.flatnonzero(self.total[:-1])
        at, names = np.append(filled, len(self.total) - 1), tuple(map(self.cells.label, filled.tolist()))
        rest, batch = (self.total - self.drawn)[:, at], self.drawn[:, at]
        return tuple(
            CategoryPair(name, names, CountTable(a[None], b[None]))
            for name, a, b in zip(self.names, rest, batch, strict=True)
        )

    @cached_property
    def missing(self) -> Mapping[str, CountTable]:
        """Rows with and without a value of every batch: shapes (1, 2), missing last."""
        batch = np.stack([side.sum(axis=1) for side in np.split(self.drawn, [-self.absent], axis=1)], axis=1)
        rest = np.array([side.sum() for side in np.split(self.total, [-self.absent])]) - batch
        return {n: CountTable(a[None], b[None]) for n, a, b in zip(self.names, rest, batch, strict=True)}


@dataclass(frozen=True)
class _DrawnPair(CellPair):
    """Columns of the same cells, all at once: `cells` holds these once, and `counts` nothing.

    Attributes:
        both: counts beside the batches and in them, (R, w) twice.
    """

    both: tuple[Counts, Counts] = None  # type: ignore[assignment]  # given by `DrawnColumn.numeric`

    @cached_property
    def fine(self) -> CountTable:
        """See `CellPair.fine`."""
        return CountTable(*(_missing_last(counts[:, :-2], counts)[None] for counts in self.both))

    @cached_property
    def fine_edges(self) -> npt.NDArray[Any]:
        """See `CellPair.fine_edges`."""
        return np.tile(super().fine_edges, (len(self.names), 1))

    @cached_property
    def fine_middles(self) -> npt.NDArray[Any]:
        """See `CellPair.fine_middles`."""
        return np.tile(super().fine_middles, (len(self.names), 1))

    def binned(self, bins: int) -> CountTable:
        """See `CellPair.binned`."""
        (c,) = self.cells
        ends, tables = [*(place + 1 for place in c.bins[bins]), len(c.cuts) + 1], []
        for counts in self.both:
            upto = np.pad(np.cumsum(counts[:, :-2], axis=1), ((0, 0), (1, 0)))
            made = np.zeros((len(counts), 2 * bins - 1), np.int64)
            made[:, : len(ends)] = np.diff(upto[:, ends], axis=1, prepend=0)
            tables.append(_missing_last(made, counts)[None])
        return CountTable(*tables)


def _missing_last(cells: Counts, counts: Counts) -> Counts:
    """Cells with the rows without a value, the last two of `counts`, in one cell behind them."""
    return np.concatenate([cells, counts[:, -2:].sum(axis=1, keepdims=True)], axis=1)
