"""Every column by itself: rows fall into cells, and a bet is on a set of cells that batches seem to prefer.

Cells come from rows that are set aside. A number is in a cell between two of their quantiles, or in that of a quantile
itself, so that values that repeat are told apart from their neighbours; what is missing lies above all numbers. A
category of the rows set aside has a cell of its own; others share 64 by their hash, and missing has one.

The set is learned from looks that are over. Of numbers it is all below or all above the cut at which the distribution
functions of past batches and past reference rows are furthest apart (the witness of KS); of categories it is those that
were more frequent in past batches, and those that were never seen: a category that the reference lacks is in the set
before any batch has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.statistics import draws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]

_QUANTILES = 33
"""Quantiles of the rows set aside that are edges: a shift loses 2 % of the gap it makes at most."""

_NAMED, _BUCKETS = 1000, 64
"""Categories that have a cell of their own at most, the frequent ones; and cells that all others share."""


MEMORY = 10_000
"""Rows after which a batch row counts 1/e in what is learned: a bet turns to a new drift soon, however long all was
well before, and still finds gaps of 0.02 between distribution functions."""


def faded(rows: int) -> float:
    """What is left of the weight of batch rows when so many more have come."""
    return exp(-rows / MEMORY)


class _Group:
    """Columns of one sort: counts of past rows by column and cell, (C, K), and what is learned from them.

    Attributes:
        names: the columns, C of them.
        reference: rows of the reference in each cell, those set aside among them.
        batch: rows of past batches, those of long ago counted for less.
    """

    def __init__(self, names: Sequence[str], cells: int) -> None:
        self.names, self.cells = tuple(names), cells
        self.reference: Ints = np.zeros((len(self.names), cells), np.int64)
        self.batch: Floats = np.zeros((len(self.names), cells))

    def codes(self, table: Table) -> Codes:
        """The cell of each row in each column, (n, C)."""
        made = np.zeros((table.rows, len(self.names)), np.int16)
        for place in range(len(self.names)):
            made[:, place] = self._code(place, table)
        return made

    def chosen(self) -> npt.NDArray[np.bool_]:
        """The cells that are bet on, (C, K)."""
        raise NotImplementedError

    def payoffs(self, batch: Codes, reference: Codes) -> tuple[Ints, Ints]:
        """Pairs of rows of which only the batch's is in the set, and those of which only the reference's is: (C,)."""
        chosen, at = self.chosen(), np.arange(len(self.names))
        theirs, mine = chosen[at, batch], chosen[at, reference]
        return (theirs & ~mine).sum(axis=0), (mine & ~theirs).sum(axis=0)

    def counted(self, codes: Codes) -> Ints:
        """Rows in each cell, (C, K)."""
        flat = codes + np.arange(len(self.names)) * self.cells
        return np.bincount(flat.ravel(), minlength=self.reference.size).reshape(self.reference.shape)

    def _shares(self) -> tuple[Floats, Floats]:
        """Of past batches and of past reference rows, (C, K); 0 before there is any."""
        sides = (self.batch, self.reference)
        batch, reference = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) for counts in sides)
        return batch, reference

    def _worth(self, batch: Floats, reference: Floats) -> Floats:
        """How fast bets on sets with these shares of both sides grow, (C, K): mean payoff squared over mean square.

        A row more in the mean square keeps sets that hardly a row was in from looking sure.
        """
        square = batch * (1.0 - reference) + reference * (1.0 - batch)
        rows = np.maximum(self.batch.sum(axis=1, keepdims=True), 1)
        return np.where(self.batch.any(), (batch - reference) ** 2 / (square + 1.0 / rows), 0.0)

    def _code(self, place: int, table: Table) -> Ints:
        raise NotImplementedError


class NumberCells(_Group):
    """Columns of numbers."""

    def __init__(self, aside: Table, names: Sequence[str]) -> None:
        self.edges = [_edges(aside.numeric(name).on_host()) for name in names]
        super().__init__(names, 2 * max(map(len, self.edges), default=0) + 2)
        self.reference += self.counted(self.codes(aside))

    def chosen(self) -> npt.NDArray[np.bool_]:
        """All cells below the best cut where batches have more of them, else all above."""
        batch, reference = (np.cumsum(side, axis=1) for side in self._shares())
        worth = self._worth(batch, reference)
        at = worth.argmax(axis=1)[:, None]
        more = np.take_along_axis(batch > reference, at, axis=1)
        return np.asarray(((np.arange(self.cells) <= at) == more) & (np.take_along_axis(worth, at, axis=1) > 0))

    def _code(self, place: int, table: Table) -> Ints:
        column, edges = table.columns[self.names[place]], self.edges[place]
        missing = self.cells - 1
        if not isinstance(column, NumericColumn):
            # Rows set aside had no value, so nobody knew that it holds no numbers: a value that is there is news.
            return np.where(column.mask(), 0, missing)
        held = column.on_host()
        if held.values.dtype == np.float32:
            # Rows were rounded to the coarser type of the two sides: see `accel_drift.sequential.rows.rounded`.
            edges = edges.astype(np.float32)
        below = np.searchsorted(edges, held.values)
        equal = edges[np.minimum(below, len(edges) - 1)] == held.values if len(edges) else np.zeros(table.rows, bool)
        return np.where(held.mask(), 2 * below + equal, missing)


class CategoryCells(_Group):
    """Columns of categories."""

    def __init__(self, aside: Table, names: Sequence[str], seed: int) -> None:
        self.seed = seed
        self.places = [_named(aside.categorical(name)) for name in names]
        self.known = max(map(len, self.places), default=0)
        super().__init__(names, self.known + _BUCKETS + 1)
        self.reference += self.counted(self.codes(aside))

    def chosen(self) -> npt.NDArray[np.bool_]:
        """The best of the sets of cells that batches have most of beside the reference, and what it has never had."""
        # A half row in each cell, so that what nobody has had is ordered, too.
        ratio = (self.batch + 0.5) / (self.reference + 0.5)
        falling = np.argsort(-ratio, axis=1, kind="stable")
        batch, reference = (np.cumsum(np.take_along_axis(s, falling, axis=1), axis=1) for s in self._shares())
        worth = np.where(batch > reference, self._worth(batch, reference), 0.0)
        at = worth.argmax(axis=1)[:, None]
        found = (np.arange(self.cells) <= at) & (np.take_along_axis(worth, at, axis=1) > 0)
        chosen = np.asarray(self.reference == 0)
        np.put_along_axis(chosen, falling, np.take_along_axis(chosen, falling, axis=1) | found, axis=1)
        return chosen

    def _code(self, place: int, table: Table) -> Ints:
        column, places = table.columns[self.names[place]], self.places[place]
        if not isinstance(column, CategoricalColumn):
            return np.where(column.mask(), self.known, self.cells - 1)
        held = column.trimmed()
        cells = [
            places[text] if text in places else self.known + draws.hashed(text, self.seed, _BUCKETS)
            for text in held.categories
        ]
        return np.array([*cells, self.cells - 1], np.int64)[held.codes]  # code -1 reads the last entry


class Columns:
    """All columns that are compared one by one, numbers first.

    Attributes:
        groups: those of numbers, and those of categories.
    """

    def __init__(self, aside: Table, seed: int) -> None:
        of = aside.schema.of
        self.groups: tuple[_Group, ...] = (
            NumberCells(aside, of(Kind.NUMERIC)),
            CategoryCells(aside, of(Kind.CATEGORICAL, Kind.BOOLEAN), seed),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of their bets."""
        return tuple(name for group in self.groups for name in group.names)

    def codes(self, table: Table) -> list[Codes]:
        """Cells of the rows, of each group."""
        return [group.codes(table) for group in self.groups]

    def bet(self, batch: Sequence[Codes], reference: Sequence[Codes], stakes: Floats) -> Floats:
        """Log e-values of pairs of rows by what was learned before them, (G, C); then learn from them."""
        won, lost = (
            np.concatenate(counts)
            for counts in zip(
                *(g.payoffs(y, x) for g, y, x in zip(self.groups, batch, reference, strict=True)), strict=True
            )
        )
        for group, y, x in zip(self.groups, batch, reference, strict=True):
            group.batch = group.batch * faded(len(y)) + group.counted(y)
            group.reference += group.counted(x)
        return np.asarray(np.log1p(stakes)[:, None] * won + np.log1p(-stakes)[:, None] * lost)

    def forget(self) -> None:
        """Begin anew: what batches were like is not known; what the reference is like is."""
        for group in self.groups:
            group.batch[:] = 0

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What was counted, to be kept."""
        sides = ("reference", "batch")
        return {f"{side}{i}": getattr(group, side) for i, group in enumerate(self.groups) for side in sides}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from what `state` gave."""
        for i, group in enumerate(self.groups):
            group.reference, group.batch = state[f"reference{i}"], state[f"batch{i}"]


def _edges(column: NumericColumn) -> npt.NDArray[np.generic]:
    """Some of the values that are there, ascending, each once: quantiles, the least and the greatest among them."""
    values = np.sort(column.present_values())
    at = np.linspace(0, max(len(values) - 1, 0), min(_QUANTILES, max(len(values), 1))).round().astype(np.int64)
    return np.unique(values[at]) if len(values) else values


def _named(column: CategoricalColumn) -> dict[str, int]:
    """The categories that have a cell of their own, and which."""
    counts = dict(zip(column.categories, column.counts().tolist(), strict=True))
    frequent = Counter({text: rows for text, rows in sorted(counts.items()) if rows}).most_common(_NAMED)
    return {text: i for i, (text, _) in enumerate(frequent)}
