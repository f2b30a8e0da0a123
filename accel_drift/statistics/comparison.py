"""Everything detectors may ask about one reference and one batch, each piece made when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.block import Columns, category_union, numeric_columns
from accel_drift.data.schema import NULL_TYPE, Kind
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.errors import DataError
from accel_drift.finding import Status
from accel_drift.statistics import nulls
from accel_drift.statistics.drawn import Drawn
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.pairs import CategoryPair, Counts, Groups, NumericPair
from accel_drift.statistics.pairs import Table as CountTable
from accel_drift.statistics.reference_columns import ReferenceColumns
from accel_drift.statistics.totals import Totals

VALUE_KINDS = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.EMBEDDING)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a report asks of every test in it.

    Attributes:
        alpha: the level.
        smallest_p: p-value that the correction may need; decides how many rounds of permutations there are.
        seed: decides every random choice.
        intervals: whether effects get confidence intervals; a study of false-alarm rates needs none.
    """

    alpha: float
    smallest_p: float
    seed: int
    intervals: bool = True


@dataclass(frozen=True)
class Comparison:
    """A reference and a batch with the same columns.

    Attributes:
        reference: n rows.
        batch: m rows.
        names: the columns compared, in the reference's order.
        backend: what computes.
        groups: permutable blocks of rows, or None when single rows are dealt.
        totals: counts of the whole reference where `reference` is a sample of it.
        kept: what was made of this reference for other batches.
        left_out: columns of the reference that the batch has nothing to compare with, and why.
        host: what sorts and counts columns that lie on the host; None for `backend`.
    """

    reference: Table
    batch: Table
    names: tuple[str, ...]
    backend: Backend
    groups: Groups | None = None
    totals: Totals | None = None
    kept: Kept = field(default_factory=Kept)
    left_out: Mapping[str, str] = field(default_factory=dict)
    host: Backend | None = None

    def kind(self, name: str) -> Kind:
        """What a column holds; a side without any value has no say."""
        a, b = (side.schema.get(name) for side in (self.reference, self.batch))
        column = b if b is not None and (a is None or a.type == NULL_TYPE) else a
        return Kind.NUMERIC if column is None else column.kind

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """Names of the compared columns of these kinds."""
        return tuple(n for n in self.names if self.kind(n) in kinds)

    @cached_property
    def numeric(self) -> tuple[NumericPair, ...]:
        """Numeric columns, a pair for each dtype; those on the device and those on the host apart."""
        names = [n for n in self.of_kind(Kind.NUMERIC) if self._both(n, NumericColumn)]
        groups = numeric_columns(self.reference, self.batch, names, self.backend, self.host)
        return tuple(self._pair(*group) for group in groups)

    def _pair(self, names: tuple[str, ...], dtype: np.dtype[Any], backend: Backend) -> NumericPair:
        def columns(side: Table) -> Columns:
            return Columns(tuple(side.numeric(n) for n in names), side.rows, dtype, backend)

        key = ("numbers", names, dtype, backend.name)
        learned = self.kept.get(key, lambda: ReferenceColumns(columns(self.reference)))
        return NumericPair(names, learned, columns(self.batch), self.groups, self.totals)

    @cached_property
    def drawn(self) -> Drawn:
        """Relabelled and resampled tables, drawn once for all detectors."""
        return Drawn(self.groups is not None)

    @cached_property
    def categorical(self) -> tuple[CategoryPair, ...]:
        """Columns of categories with the counts of both sides."""
        names = self.of_kind(Kind.CATEGORICAL, Kind.BOOLEAN)
        return tuple(self._categories(n) for n in names if self._both(n, CategoricalColumn))

    @cached_property
    def missing(self) -> Mapping[str, CountTable]:
        """Rows with and without a value of every column: shapes (g, 2), missing last."""
        return {name: CountTable(self._missing(name, 0), self._missing(name, 1)) for name in self.names}

    def _missing(self, name: str, place: int) -> Counts:
        if place == 0 and self.totals is not None:
            absent = self.totals.missing[name]
            return np.array([[self.totals.rows - absent, absent]], dtype=np.int64)
        side = (self.reference, self.batch)[place]
        if self.groups is None:
            absent = side[name].missing
            return np.array([[side.rows - absent, absent]], dtype=np.int64)
        return self._by_group(np.logical_not(side[name].mask()).astype(np.int64), 2, place)

    def hidden(self, name: str) -> float:  # noqa: ARG002  (where all rows are at hand nothing is)
        """Share of new categories of a column that could not be told from those of the reference."""
        return 0.0

    @property
    def rows(self) -> tuple[int, int]:
        """Rows at hand of the reference and of the batch."""
        return self.reference.rows, self.batch.rows

    @property
    def n_reference(self) -> int:
        """Rows of the whole reference."""
        return self.reference.rows if self.totals is None else self.totals.rows

    def why_untested(
        self, n: int, m: int, distinct: int, plan: Plan, min_rows: int, *, moved: int | None = None
    ) -> Status | None:
        """Why a test of n against m values cannot be made, or None.

        A test with fewer than 1 / alpha distinct labellings could never reject: that is too few, not stable.
        """
        if n + m and not (n and m):
            return Status.ALL_MISSING if min(self.rows) else Status.TOO_FEW_ROWS
        if distinct <= 1 if moved is None else moved == 0:
            return Status.CONSTANT if n and m else Status.ALL_MISSING
        if self.groups is not None:
            total = self.groups.n_reference + self.groups.n_batch
            few = nulls.labellings(self.groups.n_reference, total) * plan.alpha < 1
            return Status.TOO_FEW_BLOCKS if few else None
        few = min(n, m) < min_rows or nulls.labellings(n, n + m) * plan.alpha < 1
        return Status.TOO_FEW_ROWS if few else None

    def needed(self, plan: Plan) -> float:
        """The p-value worth going on for: blocks have only so many labellings."""
        if self.groups is None:
            return plan.smallest_p
        total = self.groups.n_reference + self.groups.n_batch
        return max(plan.smallest_p, 1.0 / nulls.labellings(self.groups.n_reference, total))

    def one_sided(self) -> tuple[str, ...]:
        """Compared columns that hold values on one side only, of a kind that cannot be told on the other."""
        paired = {n for p in self.numeric for n in p.names} | {c.name for c in self.categorical}
        return tuple(n for n in self.of_kind(*VALUE_KINDS) if n not in paired)

    def _both(self, name: str, kind: type) -> bool:
        return isinstance(self.reference[name], kind) and isinstance(self.batch[name], kind)

    def _categories(self, name: str) -> CategoryPair:
        a, b = self.reference.categorical(name), self.batch.categorical(name)
        if self.totals is not None:
            return self._categories_of_totals(name, self.totals, b)
        categories, x, y = category_union(a, b)
        k = len(categories)
        sides = (self._by_group(np.where(codes < 0, k, codes), k + 1, place) for place, codes in enumerate((x, y)))
        return CategoryPair(name, categories, CountTable(*sides))

    @staticmethod
    def _categories_of_totals(name: str, totals: Totals, batch: CategoricalColumn) -> CategoryPair:
        mine, theirs = totals.categories[name], dict(zip(batch.categories, batch.counts().tolist(), strict=True))
        # Both are sorted already, and Python's sort merges two runs in one pass.
        categories = tuple(dict.fromkeys(sorted(chain(mine, batch.used()))))
        reference = [*map(mine.get, categories, repeat(0)), totals.missing[name]]
        counts = [*map(theirs.get, categories, repeat(0)), batch.missing]
        return CategoryPair(name, categories, CountTable(*(np.array([c], dtype=np.int64) for c in (reference, counts))))

    def _by_group(self, codes: npt.NDArray[np.integer], width: int, place: int) -> Counts:
        """Counts of codes 0 ... width by block of the reference (place 0) or the batch (place 1): (g, width)."""
        if self.groups is None:
            return np.bincount(codes, minlength=width).astype(np.int64)[None]
        ids, g = self.groups[place], self.groups[place + 2]
        return np.bincount(np.asarray(ids) * width + codes, minlength=g * width).astype(np.int64).reshape(g, width)


def pair_tables(
    reference: Table,
    batch: Table,
    names: tuple[str, ...],
    backend: Backend,
    block: str | int | None,
    totals: Totals | None = None,
    kept: Kept | None = None,
    host: Backend | None = None,
) -> Comparison:
    """Put two tables side by side.

    Args:
        reference: the reference's rows.
        batch: the batch's rows.
        names: columns of both to compare.
        backend: where to compute.
        block: which rows belong together (see `accel_drift.data.calendar`), or None.
        totals: counts of the whole reference where `reference` is a sample of it; not with blocks.
        kept: what was made of these rows of the reference for other batches; None to start anew.
        host: what sorts and counts columns that lie on the host; None for `backend`.

    Raises:
        DataError: a side has no rows.
    """
    for side, what in ((reference, "reference"), (batch, "batch")):
        if side.rows == 0:
            raise DataError(f"the {what} has no rows; there is nothing to compare")
    kept = Kept() if kept is None else kept
    if block is None:
        return Comparison(reference.select(names), batch.select(names), names, backend, None, totals, kept, host=host)
    from accel_drift.data.calendar import block_ids

    sides, ids = [], []
    for side, what in ((reference, "reference"), (batch, "batch")):
        number, _ = block_ids(side, block)
        inside = number >= 0
        if not inside.any():
            raise DataError(f"the {what} holds no whole block of {block!r}; use shorter blocks or more rows")
        sides.append(side.select(names) if inside.all() else side.select(names).take(np.flatnonzero(inside)))
        ids.append(number[inside])
    groups = Groups(ids[0], ids[1], int(ids[0].max()) + 1, int(ids[1].max()) + 1)
    return Comparison(sides[0], sides[1], names, backend, groups, host=host)
