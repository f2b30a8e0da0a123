"""Cells that are fixed before a row is counted: where each column is cut, which categories have a cell of their own.

They come from rows that are looked at beforehand, so parts of a reference that were counted apart add up, and no test
depends on which rows are the reference. What those rows did not show has a place as well: cells reach from -inf to inf,
and categories that are not named fall into buckets by a hash of their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.data.block import dtype_class, sorted_values
from accel_drift.data.schema import NULL_TYPE, Kind
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table, TableColumn
from accel_drift.statistics import cells, draws, outer_cells
from accel_drift.statistics.cut_types import cuts_as
from accel_drift.statistics.totals import number_of, plain

Counts = npt.NDArray[np.int64]

QUANTILES = 128
"""Quantiles at which a column is cut, besides those of the detectors' bins: no cell but that of one value holds much
more than one row in so many."""

ENOUGH = 50
"""Rows from which a category has a cell of its own. Naming rarer ones would be harmless only if none of these rows were
counted in the reference as well."""

MOST_NAMED = 1000
FEWEST_BUCKETS, MOST_BUCKETS = 512, 1 << 17
"""Cells for the categories that are not named. Most are empty, and a file packs the others into tens of kB: with 10,000
rare categories 7 % of new ones share a bucket with a known one, with 100,000 half of them."""

_OTHERS = " and others"


@dataclass(frozen=True)
class NumberCells:
    """Cells of a column of numbers, each open on the left and closed on the right.

    Attributes:
        cuts: (c,) where they meet: ascending, all different.
        middles: (c + 1,) a value in each cell.
        bins: number of quantile bins -> (2 bins - 2,) places of their cuts among these; see `cells.bin_cuts`.
    """

    sort: ClassVar[str] = "number"

    cuts: npt.NDArray[Any]
    middles: npt.NDArray[Any]
    bins: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, column: NumericColumn, bins: Iterable[int]) -> NumberCells:
        """Cut at quantiles of a column, where its values end, and beyond; a value of two quantiles has its own cell."""
        dtype = dtype_class(column.dtype, column.dtype)
        ordered = sorted_values(column).astype(dtype)
        if len(ordered) == 0:
            return cls(np.empty(0, dtype), np.zeros(1, dtype), dict.fromkeys(sorted(bins), ()))
        n = np.array([len(ordered)])
        made: dict[int, npt.NDArray[Any]] = {}
        for k in sorted({QUANTILES, *bins}):
            places = cells.quantile_places(n, k)
            made[k] = cells.bin_cuts(ordered[places], places)[0]
        made[0] = np.append(cells.just_below(ordered[:1]), ordered[-1:])
        cuts = np.unique(np.concatenate([*made.values(), outer_cells.cuts(ordered)]))
        where = {k: tuple(np.searchsorted(cuts, made[k]).tolist()) for k in sorted(bins)}
        return cls(cuts, outer_cells.middles(ordered, cuts), where)

    @property
    def width(self) -> int:
        """Counts of a column: cells, NaN, null."""
        return len(self.cuts) + 3

    @cached_property
    def single(self) -> npt.NDArray[np.bool_]:
        """(c + 1,) whether a cell can hold one value only."""
        inner = cells.just_below(self.cuts[1:]) == self.cuts[:-1] if len(self.cuts) else np.empty(0, np.bool_)
        return np.concatenate([[self._from_least], inner, [False]])[: len(self.cuts) + 1]

    @cached_property
    def _from_least(self) -> bool:
        """Whether the first cell ends at the least number that there is: no value is below it."""
        return len(self.cuts) > 0 and bool(cells.just_below(self.cuts[:1])[0] == self.cuts[0])

    def fullest(self, counts: Counts) -> float:
        """Share of a column's values, by its counts, in the fullest cell that can hold several."""
        values = counts[:-2]
        return float(np.where(self.single, 0, values).max() / max(int(values.sum()), 1))

    def outside(self, counts: Counts) -> int:
        """How many of a column's counts are of values beyond all cuts."""
        below = 0 if self._from_least else counts[0]
        return int(below + (counts[len(self.cuts)] if len(self.cuts) else 0))

    def only(self, place: int) -> str:
        """The one value that a cell can hold; "" where there are more."""
        return str(self.cuts[place]) if place < len(self.cuts) and self.single[place] else ""

    def request(self, column: NumericColumn) -> tuple[npt.NDArray[Any], int]:
        """The cuts in the column's own type, and how many are below all values of it; see `cuts_as`."""
        made = self._cast.get(column.dtype)
        if made is None:
            made = self._cast[column.dtype] = cuts_as(self.cuts, column.dtype)
        return made

    @cached_property
    def _cast(self) -> dict[np.dtype[Any], tuple[npt.NDArray[Any], int]]:
        return {self.cuts.dtype: (self.cuts, 0)}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "dtype": str(self.cuts.dtype),
            "cuts": [plain(v) for v in self.cuts.tolist()],
            "middles": [plain(v) for v in self.middles.tolist()],
            "bins": {str(k): list(places) for k, places in self.bins.items()},
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> NumberCells:
        """What `to_dict` gave."""
        cuts, middles = (np.array([number_of(v) for v in made[k]], dtype=made["dtype"]) for k in ("cuts", "middles"))
        return cls(cuts, middles, {int(k): tuple(places) for k, places in made["bins"].items()})


@dataclass(frozen=True)
class TextCells:
    """Cells of a column of categories.

    Attributes:
        named: categories with a cell of their own, sorted.
        buckets: cells that all others share, by a hash of their text.
        seed: decides the hash.
        called: bucket -> the most frequent category that falls into it among the rows that decided. It names the
            bucket and no more: the rows in it may be of others.
    """

    sort: ClassVar[str] = "text"

    named: tuple[str, ...]
    buckets: int
    seed: int
    called: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, column: CategoricalColumn, seed: int) -> TextCells:
        """The most frequent categories, and buckets for so many others as there were and may come."""
        if column.kind is Kind.BOOLEAN:
            return cls(("false", "true"), 0, seed)
        count = np.bincount(column.codes + 1, minlength=len(column.categories) + 1)[1:]
        order = np.argsort(-count, kind="stable")
        frequent = [column.categories[i] for i in order[:MOST_NAMED] if count[i] >= ENOUGH]
        others = [column.categories[i] for i in order[len(frequent) :] if count[i]]
        buckets = int(np.clip(1 << (16 * len(others)).bit_length(), FEWEST_BUCKETS, MOST_BUCKETS))
        bare = cls(tuple(sorted(frequent)), buckets, seed)
        return replace(bare, called=_called(bare, others[: MOST_NAMED - len(frequent)]))

    @property
    def width(self) -> int:
        """Counts of a column: named categories, buckets, missing."""
        return len(self.named) + self.buckets + 1

    def label(self, place: int) -> str:
        """What a cell is called; the last has no name."""
        bucket = place - len(self.named)
        if bucket < 0:
            return self.named[place]
        known = self.called.get(place)
        return f"(rare, bucket number {bucket + 1})" if known is None else f"(rare, bucket of {known})"

    def only(self, place: int) -> str:
        """The one category that a cell can hold; "" where there are more."""
        return self.named[place] if place < len(self.named) else ""

    def taken(self, counts: Counts) -> float:
        """Share of the buckets in which a column has rows, by its counts."""
        return float(np.count_nonzero(counts[len(self.named) : -1]) / self.buckets) if self.buckets else 0.0

    def place(self, text: str) -> int:
        """The cell of a category."""
        known = self._places.get(text)
        if known is not None:
            return known
        # A boolean has no other values.
        return len(self.named) + draws.hashed(text, self.seed, self.buckets) if self.buckets else self.width - 1

    def count(self, column: CategoricalColumn, by_code: Counts, met: dict[int, str] | None = None) -> Counts:
        """Counts of a column from those of its codes, missing last; `met` learns what is in each bucket."""
        used = np.flatnonzero(by_code[:-1])
        named, texts = self._places, [column.categories[code] for code in used.tolist()]
        places = [named[text] if text in named else self.place(text) for text in texts]
        if met is not None:
            for code, place in zip(used.tolist(), places, strict=True):
                text, known = column.categories[code], met.get(place)
                if known is None:
                    met[place] = text
                elif known != text and not known.endswith(_OTHERS):
                    met[place] = known + _OTHERS
        out = np.bincount([*places, self.width - 1], weights=by_code[[*used, -1]], minlength=self.width)
        return out.astype(np.int64)  # exact: below 2**53

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.named)}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        called = {str(place): text for place, text in self.called.items()}
        return {"named": list(self.named), "buckets": self.buckets, "seed": self.seed, "called": called}

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> TextCells:
        """What `to_dict` gave."""
        called = {int(place): text for place, text in made["called"].items()}
        return cls(tuple(made["named"]), int(made["buckets"]), int(made["seed"]), called)


@dataclass(frozen=True)
class PresenceCells:
    """Whether a row has a value, of a column whose values are not counted."""

    sort: ClassVar[str] = "presence"

    @property
    def width(self) -> int:
        """Counts of a column: present, missing."""
        return 2

    def only(self, _: int) -> str:
        """What is present may be anything."""
        return ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {}

    @classmethod
    def from_dict(cls, _: Mapping[str, Any]) -> PresenceCells:
        """What `to_dict` gave."""
        return cls()


ColumnCells: TypeAlias = NumberCells | TextCells | PresenceCells
_SORTS: Mapping[str, type[ColumnCells]] = {c.sort: c for c in (NumberCells, TextCells, PresenceCells)}


@dataclass(frozen=True)
class FixedCells:
    """The cells of all columns.

    Attributes:
        columns: column -> its cells, in the order of the table that they were made from.
        rows: rows of that table.
    """

    columns: Mapping[str, ColumnCells]
    rows: int

    @classmethod
    def of(cls, table: Table, bins: Iterable[int], seed: int) -> FixedCells:
        """Made from rows that are looked at before any is counted.

        Args:
            table: the rows.
            bins: numbers of quantile bins that detectors use.
            seed: decides the hash of categories.
        """
        known = set(bins)
        return cls({n: _cells(c, table.schema.get(n), known, seed) for n, c in table.columns.items()}, table.rows)

    def __repr__(self) -> str:
        return f"<cells of {len(self.columns):,} columns, made from {self.rows:,} rows>"

    @cached_property
    def ends(self) -> Mapping[str, tuple[int, int]]:
        """Where each column's counts begin and end among those of all columns."""
        out, at = {}, 0
        for name, c in self.columns.items():
            out[name] = (at, at + c.width)
            at += c.width
        return out

    @property
    def width(self) -> int:
        """Counts of all columns."""
        return sum(c.width for c in self.columns.values())

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"rows": self.rows, "columns": {n: {"sort": c.sort, **c.to_dict()} for n, c in self.columns.items()}}

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> FixedCells:
        """What `to_dict` gave."""
        return cls({n: _SORTS[c["sort"]].from_dict(c) for n, c in made["columns"].items()}, int(made["rows"]))


def _cells(column: TableColumn, field: Any, bins: set[int], seed: int) -> ColumnCells:
    if field is None or field.type == NULL_TYPE:
        return PresenceCells()
    if isinstance(column, CategoricalColumn) and column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        return TextCells.of(column, seed)
    if isinstance(column, NumericColumn) and column.kind is Kind.NUMERIC:
        return NumberCells.of(column, bins)
    return PresenceCells()


def _called(cells: TextCells, others: Iterable[str]) -> dict[int, str]:
    """Names of buckets: the first of these categories that falls into each."""
    found: dict[int, str] = {}
    for text in others:
        found.setdefault(cells.place(text), text)
    return found
