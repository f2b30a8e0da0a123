"""Reference and batch side by side where only counts in fixed cells are at hand: what `pairs` makes of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import ordered_cells
from accel_drift.statistics.fixed_cells import NumberCells, TextCells
from accel_drift.statistics.pairs import CategoryPair, Counts, Table
from accel_drift.statistics.tally import Tally

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellPair:
    """Numeric columns of one dtype, each counted in its fixed cells.

    What `NumericPair` finds in rows is found in cells: distances of distribution functions at the ends of cells, the
    spread of the reference in the middles of cells.

    Attributes:
        names: the columns.
        cells: the cells of each.
        counts: of reference and batch, of each column its cells, NaN, null.
    """

    fixed: ClassVar[bool] = True

    names: tuple[str, ...]
    cells: tuple[NumberCells, ...]
    counts: tuple[tuple[Counts, Counts], ...]

    @cached_property
    def most(self) -> int:
        """Cells of the column that has most."""
        return max(len(c.cuts) + 1 for c in self.cells)

    @cached_property
    def fine(self) -> Table:
        """Counts in the cells, missing last: shapes (1, d, most + 1). Fewer cells are followed by empty ones."""
        out = np.zeros((2, len(self.names), self.most + 1), np.int64)
        for j, (c, sides) in enumerate(zip(self.cells, self.counts, strict=True)):
            for side, counts in zip(out, sides, strict=True):
                k = len(c.cuts)
                side[j, :k] = counts[:k]
                # Cuts are padded with the last one, and what is above that is above them all.
                side[j, -2] = counts[k]
                side[j, -1] = counts[k + 1 :].sum()
        return Table(out[0][None], out[1][None])

    @cached_property
    def fine_edges(self) -> npt.NDArray[Any]:
        """Cut points of the cells, (d, most - 1), padded with the last one."""
        return np.stack([_padded(c.cuts, self.most - 1) for c in self.cells])

    @cached_property
    def fine_middles(self) -> npt.NDArray[Any]:
        """A value in each cell, (d, most)."""
        return np.stack([np.append(_padded(c.middles[:-1], self.most - 1, c.cuts), c.middles[-1]) for c in self.cells])

    def one_value(self, j: int, cell: int) -> bool:
        """Whether a cell of a column can hold one value only."""
        return bool(cell < len(self.cells[j].cuts) and self.cells[j].single[cell])

    @property
    def present(self) -> tuple[Counts, Counts]:
        """Rows with a value on each side, (d,) twice."""
        n, m = (side[0, :, :-1].sum(axis=1) for side in self.fine)
        return n, m

    @property
    def known(self) -> Counts:
        """Rows of the reference that have a value, (d,)."""
        return self.present[0]

    @cached_property
    def distinct(self) -> Counts:
        """At least so many values differ in the pooled rows, (d,); those in a cell of several count as two."""
        out = []
        for c, (a, b) in zip(self.cells, self.counts, strict=True):
            filled = (a + b)[:-2] > 0
            out.append(int(filled.sum() + (filled & ~c.single).sum()))
        return np.array(out, np.int64)

    @property
    def tied(self) -> npt.NDArray[np.bool_]:
        """All rows of a cell count as equal, (d,)."""
        return np.ones(len(self.names), np.bool_)

    @cached_property
    def rank_error(self) -> Floats:
        """Mass of the fullest cell of several values on either side, (d,).

        Ranks are known up to that, and so is a distribution function between the ends of cells.
        """
        both = zip(self.cells, self.counts, strict=True)
        return np.array([max(c.fullest(side) for side in sides) for c, sides in both], np.float64)

    @cached_property
    def half_spread(self) -> Floats:
        """Half of the spread of the reference's finite values, (d,), to a cell."""
        rows = self.fine.reference[0, :, :-1]
        return ordered_cells.half_steps(self.fine_middles, rows)[1]

    @property
    def gap(self) -> Floats:
        """Kolmogorov-Smirnov distance at the ends of the cells, (d,); whole numbers but for one division."""
        a, b = (np.cumsum(side[:, :-1], axis=1) for side in self._sides)
        n, m = a[:, -1:], b[:, -1:]
        return np.asarray(np.abs(a * m - b * n).max(axis=1) / np.maximum(n[:, 0] * m[:, 0], 1))

    @cached_property
    def area(self) -> Floats:
        """Wasserstein distance if all rows of a cell had its middle, (d,)."""
        from accel_drift.statistics import spread

        apart = np.abs(ordered_cells.difference(*self._sides))[:, :-1]
        steps = np.stack([spread.half_steps(m) for m in self.fine_middles])
        halves = np.where(apart > 0.0, apart, 1.0) * np.where(apart > 0.0, steps, 0.0)
        most = np.finfo(np.float64).max / 2
        total = halves.sum(axis=1)
        return np.asarray(np.where(np.isinf(total), total, np.minimum(total, most) * 2.0))

    @property
    def square(self) -> Floats:
        """Mean of the squared difference of the distribution functions over the pooled rows, (d,)."""
        return ordered_cells.square(*self._sides)

    def binned(self, bins: int) -> Table:
        """Counts in quantile bins of the rows that the cells were made from, missing last: (1, d, 2 bins) twice."""
        out = np.zeros((2, len(self.names), 2 * bins), np.int64)
        for j, (c, sides) in enumerate(zip(self.cells, self.counts, strict=True)):
            for side, counts in zip(out, sides, strict=True):
                upto = np.concatenate([[0], np.cumsum(counts[:-2])])
                ends = upto[[*(place + 1 for place in c.bins[bins]), len(c.cuts) + 1]]
                side[j, : len(ends)] = np.diff(ends, prepend=0)
                side[j, -1] = counts[-2:].sum()
        return Table(out[0][None], out[1][None])

    def bin_cuts(self, bins: int) -> npt.NDArray[Any]:
        """Cut points of those bins, (d, 2 bins - 2): see `cells.bin_cuts`."""
        return np.stack([_padded(c.cuts[list(c.bins[bins])], 2 * bins - 2) for c in self.cells])

    def near(self, cuts: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """For each of some cut points (d, c) the nearest end of a cell, in the same order."""
        out = np.empty_like(cuts)
        for j, (c, wanted) in enumerate(zip(self.cells, cuts, strict=True)):
            if len(c.cuts) == 0:
                out[j] = c.middles[0]
                continue
            at = np.clip(np.searchsorted(c.cuts, wanted), 1, max(len(c.cuts) - 1, 1))
            low, high = c.cuts[at - 1], c.cuts[np.minimum(at, len(c.cuts) - 1)]
            with np.errstate(over="ignore", invalid="ignore"):
                nearer = wanted.astype(np.float64) - low <= high.astype(np.float64) - wanted
            out[j] = np.where(nearer, low, high)
        return out

    def counted(self, cuts: npt.NDArray[Any]) -> Table:
        """Counts between ends of cells (d, c), missing last: shapes (1, d, c + 2)."""
        width = cuts.shape[1]
        out = np.zeros((2, len(self.names), width + 2), np.int64)
        for j, (c, sides) in enumerate(zip(self.cells, self.counts, strict=True)):
            # So many cells lie below a cut; a value that stands for none of the cuts lies above all cells.
            places = np.searchsorted(c.cuts, cuts[j], side="right") + (len(c.cuts) == 0)
            for side, counts in zip(out, sides, strict=True):
                upto = np.concatenate([[0], np.cumsum(counts[:-2])])
                side[j, :-1] = np.diff(upto[[*places, len(c.cuts) + 1]], prepend=0)
                side[j, -1] = counts[-2:].sum()
        return Table(out[0][None], out[1][None])

    @property
    def _sides(self) -> tuple[Counts, Counts]:
        return self.fine.reference[0], self.fine.batch[0]


def number_pairs(reference: Tally, batch: Tally, names: Sequence[str]) -> tuple[CellPair, ...]:
    """The numeric columns of these names, one pair for each dtype."""
    by_type: dict[np.dtype[Any], dict[str, NumberCells]] = {}
    for name in names:
        cells = reference.cells.columns[name]
        if isinstance(cells, NumberCells):
            by_type.setdefault(cells.cuts.dtype, {})[name] = cells
    return tuple(
        CellPair(tuple(held), tuple(held.values()), tuple((reference.of(n), batch.of(n)) for n in held))
        for held in by_type.values()
    )


def category_pair(reference: Tally, batch: Tally, name: str) -> CategoryPair:
    """One column of categories; cells without rows on either side are left out."""
    cells = reference.cells.columns[name]
    assert isinstance(cells, TextCells)  # noqa: S101
    sides = reference.of(name), batch.of(name)
    filled = np.flatnonzero((sides[0] + sides[1])[:-1])
    at, met = np.append(filled, cells.width - 1), batch.met.get(name, {})
    return CategoryPair(
        name,
        # A bucket that only the batch has rows in holds what was met there, and nothing else.
        tuple(met[i] if i in met and not sides[0][i] else cells.label(i) for i in filled.tolist()),
        Table(sides[0][at][None], sides[1][at][None]),
    )


def rank_errors(tally: Tally) -> dict[str, float]:
    """Of the numeric columns: mass of the fullest cell of several values."""
    numbers = {n: c for n, c in tally.cells.columns.items() if isinstance(c, NumberCells)}
    return {n: c.fullest(tally.of(n)) for n, c in numbers.items()}


def _padded(values: npt.NDArray[Any], length: int, cuts: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
    """Values up to a length, the last cut (of `values` where no cuts are given) repeated."""
    ends = values if cuts is None else cuts
    last = ends[-1] if len(ends) else values.dtype.type(0)
    return np.concatenate([values, np.full(length - len(values), last, values.dtype)])
