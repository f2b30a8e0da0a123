"""Batches drawn from a reference, each compared with the rows that are left: statistics where nothing drifts.

A batch is drawn without replacement and leaves the reference while it is compared, so no row is on both sides. All
resamples of a column hold the same values: they are sorted once, and each resample is a column of one comparison, so
that a statistic of columns is made of many resamples in one call, by the code that makes it of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import HOST, Backend, get_backend
from accel_drift.data.block import Columns, Sorted, dtype_class
from accel_drift.data.schema import Kind, Schema
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table, TableColumn
from accel_drift.statistics.comparison import Comparison, pair_tables
from accel_drift.statistics.pairs import CategoryPair, NumericPair
from accel_drift.statistics.pairs import Table as CountTable
from accel_drift.statistics.reference_columns import ReferenceColumns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

_AT_ONCE = 1 << 20
"""Values of resamples in memory at a time."""

_BARE = Table(0, {}, Schema(()))


@dataclass(frozen=True)
class Resamples:
    """Which rows each batch is made of.

    Attributes:
        pool: c rows that batches are drawn from.
        names: columns that are compared.
        backend: what computes joint statistics.
        count: how many batches are drawn, R.
        size: rows of each, or whole blocks of rows.
        draw: (first, count) -> (count, size) what these batches take, ascending: numbers of rows or of blocks.
        blocks: (c,) block of each row, from 0, where whole blocks are drawn; else None.
        rule: the rule of the blocks that comparisons permute, which some statistics heed; None for single rows.
    """

    pool: Table
    names: tuple[str, ...]
    backend: Backend
    count: int
    size: int
    draw: Callable[[int, int], Ints]
    blocks: Ints | None = None
    rule: str | int | None = None

    @cached_property
    def fewest(self) -> int:
        """Rows that every batch has at least."""
        return self.size if self.blocks is None else int(np.sort(np.bincount(self.blocks))[: self.size].sum())

    def chosen(self, step: int) -> Iterator[Ints]:
        """What the batches take, `step` of them at a time: (step, size)."""
        for first in range(0, self.count, step):
            yield self.draw(first, min(step, self.count - first))

    def pairs(self) -> Iterator[Comparison]:
        """Every batch beside the rows that are left, as two tables."""
        for chosen in self.chosen(1):
            inside = self.marks(chosen)[0]
            rest, batch = (self.pool.take(np.flatnonzero(side)) for side in (~inside, inside))
            yield pair_tables(rest, batch, self.names, self.backend, self.rule)

    def columns(self) -> Iterator[tuple[str, slice, ResampledColumn]]:
        """Every column: its name, which batches, and these as columns of one comparison; some batches at a time."""
        step, host, first = max(1, _AT_ONCE // max(self.pool.rows, 1)), get_backend(HOST), 0
        ready = {name: _Values.of(self.pool[name]) for name in self.names}
        for chosen in self.chosen(step):
            marks, which = self.marks(chosen), slice(first, first + len(chosen))
            labels = tuple(map(str, range(which.start, which.stop)))
            for name, values in ready.items():
                kind = Kind.NUMERIC if (known := self.pool.schema.get(name)) is None else known.kind
                yield name, which, ResampledColumn(_BARE, _BARE, labels, host, values=values, marks=marks, what=kind)
            first = which.stop

    def marks(self, chosen: Ints) -> Marks:
        """The rows of batches, (some, c): True in the batch."""
        out = np.zeros((len(chosen), self.pool.rows if self.blocks is None else int(self.blocks.max()) + 1), np.bool_)
        np.put_along_axis(out, chosen, True, axis=1)
        return out if self.blocks is None else out[:, self.blocks]


class _Values(NamedTuple):
    """A column's rows, those with a value first.

    Attributes:
        order: (c,) their numbers: of numbers in ascending order, of all else as they were.
        present: how many have a value.
        numbers: (present,) the numbers, ascending; None of anything else.
        codes: (present,) the categories' codes; None of anything else.
        categories: what the codes stand for.
    """

    order: npt.NDArray[np.intp]
    present: int
    numbers: npt.NDArray[Any] | None = None
    codes: Ints | None = None
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, column: TableColumn) -> _Values:
        there = column.mask()
        rows, rest = np.flatnonzero(there), np.flatnonzero(~there)
        if isinstance(column, NumericColumn):
            host = column.on_host()
            values = host.values[rows].astype(dtype_class(host.dtype, host.dtype))
            at = np.argsort(values, kind="stable")
            return cls(np.concatenate([rows[at], rest]), len(rows), numbers=values[at])
        order = np.concatenate([rows, rest])
        if isinstance(column, CategoricalColumn):
            held = column.trimmed()
            return cls(order, len(rows), codes=held.codes[rows].astype(np.int64), categories=held.categories)
        return cls(order, len(rows))


@dataclass(frozen=True)
class ResampledColumn(Comparison):
    """Resamples of one column, each as a column of its own, named by its number: what `Comparison` is for columns.

    Attributes:
        values: the column.
        marks: (R, c) which rows are in each batch.
        what: what the column holds.
    """

    values: _Values = None  # type: ignore[assignment]  # given by `Resamples.columns`
    marks: Marks = None  # type: ignore[assignment]
    what: Kind = Kind.NUMERIC

    def kind(self, name: str) -> Kind:  # noqa: ARG002  (all are resamples of one)
        """What the column holds."""
        return self.what

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """All names, or none."""
        return self.names if self.what in kinds else ()

    @property
    def rows(self) -> tuple[int, int]:
        """Rows beside a batch and in it; of whole blocks in the mean."""
        inside = round(float(self._sizes.mean()))
        return self.marks.shape[1] - inside, inside

    @property
    def n_reference(self) -> int:
        """Rows beside a batch."""
        return self.rows[0]

    def one_sided(self) -> tuple[str, ...]:
        """A column is of one kind on both sides."""
        return ()

    @cached_property
    def numeric(self) -> tuple[NumericPair, ...]:
        """The resamples of numbers, in one pair."""
        if self.values.numbers is None:
            return ()
        absent = self.marks.shape[1] - self.values.present
        there = self._there
        sides = (_SortedColumns.of(self.values.numbers, there ^ inside, self.backend) for inside in (True, False))
        rest, batch = sides
        lacking = self._sizes - batch.present
        return (_ResampledPair(self.names, ReferenceColumns(rest), batch, lacking=(absent - lacking, lacking)),)

    @cached_property
    def categorical(self) -> tuple[CategoryPair, ...]:
        """The resamples of categories."""
        if self.values.codes is None:
            return ()
        codes, k = self.values.codes, len(self.values.categories)
        where, row = np.nonzero(self._there)
        inside = np.bincount(where * (k + 1) + codes[row], minlength=len(self.marks) * (k + 1)).reshape(-1, k + 1)
        inside[:, k] = self._sizes - inside.sum(axis=1)
        rest = np.append(np.bincount(codes, minlength=k), self.marks.shape[1] - self.values.present) - inside
        return tuple(
            CategoryPair(name, self.values.categories, CountTable(a[None], b[None]))
            for name, a, b in zip(self.names, rest, inside, strict=True)
        )

    @cached_property
    def missing(self) -> Mapping[str, CountTable]:
        """Rows with and without a value of every resample: shapes (1, 2), missing last."""
        there = np.count_nonzero(self._there, axis=1)
        batch = np.stack([there, self._sizes - there], axis=1)
        rest = np.array([self.values.present, self.marks.shape[1] - self.values.present]) - batch
        return {n: CountTable(a[None], b[None]) for n, a, b in zip(self.names, rest, batch, strict=True)}

    @cached_property
    def _there(self) -> Marks:
        """The rows that have a value: (R, present), True in the batch."""
        return self.marks[:, self.values.order[: self.values.present]]

    @cached_property
    def _sizes(self) -> Ints:
        """Rows of each batch, (R,)."""
        return np.asarray(np.count_nonzero(self.marks, axis=1), np.int64)


@dataclass(frozen=True, eq=False)
class _SortedColumns(Columns):
    """Columns that are sorted already.

    Attributes:
        ascending: (R, w) their values, each followed by what has no meaning.
        count: (R,) how many values each has.
    """

    ascending: npt.NDArray[Any] = None  # type: ignore[assignment]  # given by `of`
    count: Ints = None  # type: ignore[assignment]

    @classmethod
    def of(cls, values: npt.NDArray[Any], marks: Marks, backend: Backend) -> _SortedColumns:
        """From values in ascending order, (k,), and which of them each column has, (R, k)."""
        count = np.count_nonzero(marks, axis=1).astype(np.int64)
        width = int(count.max(initial=1))
        last = np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).max
        out = np.full((len(marks), width), last, values.dtype)
        for row, mark, many in zip(out, marks, count.tolist(), strict=True):
            row[:many] = values[mark]
        return cls((), width, values.dtype, backend, out, count)

    @cached_property
    def present(self) -> Ints:
        """Rows with a value, (R,)."""
        return self.count

    @property
    def is_sorted(self) -> bool:
        """Yes."""
        return True

    @cached_property
    def ordered(self) -> Sorted:
        """The values in ascending order."""
        return Sorted(self.ascending.T, self.count)


@dataclass(frozen=True)
class _ResampledPair(NumericPair):
    """Numbers of resamples.

    Attributes:
        lacking: rows without a value beside each batch and in it, (R,) twice.
    """

    lacking: tuple[Ints, Ints] = None  # type: ignore[assignment]  # given by `ResampledColumn.numeric`

    def counted(self, cuts: npt.NDArray[Any]) -> CountTable:
        """See `NumericPair.counted`."""
        return self._with_missing(super().counted(cuts))

    def binned(self, bins: int) -> CountTable:
        """See `NumericPair.binned`."""
        return self._with_missing(super().binned(bins))

    def _with_missing(self, table: CountTable) -> CountTable:
        sides = (side.copy() for side in table)
        made = CountTable(*sides)
        made.reference[0, :, -1], made.batch[0, :, -1] = self.lacking
        return made
