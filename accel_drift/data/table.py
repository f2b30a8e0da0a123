"""Rows on the host: one NumPy array a column, a view of the Arrow memory where that is possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind, Schema, listed
from accel_drift.errors import SchemaError


@dataclass(frozen=True, slots=True, eq=False)
class NumericColumn:
    """Numbers, or instants counted from the epoch. Arrays may be read-only views.

    Attributes:
        name: the column's name.
        values: (n,) float32, float64 or an integer type; what stands in a missing row is undefined.
        present: (n,) False in a missing row, null or NaN alike; None where no row is missing.
        nulls: rows that are null.
        nans: rows that are NaN.
        kind: NUMERIC, TIMESTAMP, or IDENTIFIER for numbers that name things.
        unit: of times and durations: `D`, `s`, `ms`, `us` or `ns`; of lengths `characters`; else "".
    """

    name: str
    values: npt.NDArray[Any]
    present: npt.NDArray[np.bool_] | None = None
    nulls: int = 0
    nans: int = 0
    kind: Kind = Kind.NUMERIC
    unit: str = ""

    @property
    def rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls + self.nans

    @property
    def dtype(self) -> np.dtype[Any]:
        """The values' type."""
        return self.values.dtype

    def bounds(self) -> tuple[Any, Any]:
        """Least and greatest value that is there; there must be one."""
        values = self.present_values()
        return values.min().item(), values.max().item()

    def ascends(self) -> bool:
        """Whether the values that are there never fall down the rows."""
        values = self.present_values()
        return bool((values[1:] >= values[:-1]).all())

    def on_host(self) -> NumericColumn:
        """The column with its values in a NumPy array: itself, unless they are on a device."""
        return self

    def mask(self) -> npt.NDArray[np.bool_]:
        """(n,) True where there is a value; an array even where nothing is missing."""
        present = self.present
        return np.ones(self.rows, bool) if present is None else present

    def present_values(self) -> npt.NDArray[Any]:
        """The values that are there, in row order."""
        return self.values if self.present is None else self.values[self.present]

    def take(self, rows: npt.NDArray[Any]) -> NumericColumn:
        """The rows of these numbers (or of this boolean mask), in that order."""
        values = self.values[rows]
        if self.present is None:
            return replace(self, values=values)
        present = self.present[rows]
        missing = int(present.size - np.count_nonzero(present))
        nans = _nans_among(values, present, missing, self)
        return replace(self, values=values, present=present if missing else None, nulls=missing - nans, nans=nans)


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalColumn:
    """Categories as codes.

    Attributes:
        name: the column's name.
        codes: (n,) int32 places in `categories`; -1 where the value is missing.
        categories: distinct texts in value order. After `take` some may have no row.
        nulls: rows without a value.
        kind: CATEGORICAL, BOOLEAN (categories "false" and "true"), or IDENTIFIER.
    """

    name: str
    codes: npt.NDArray[np.int32]
    categories: tuple[str, ...]
    nulls: int = 0
    kind: Kind = Kind.CATEGORICAL

    @property
    def rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.codes)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls

    @property
    def present(self) -> npt.NDArray[np.bool_] | None:
        """(n,) False in a missing row; None where no row is missing."""
        return self.mask() if self.nulls else None

    def mask(self) -> npt.NDArray[np.bool_]:
        """(n,) True where there is a value."""
        return np.asarray(self.codes >= 0)

    def counts(self) -> npt.NDArray[np.int64]:
        """Rows of every category, in their order, (k,)."""
        return np.bincount(self.codes + 1, minlength=len(self.categories) + 1)[1:]

    def used(self) -> list[str]:
        """The categories that have a row, in their order."""
        return list(compress(self.categories, (self.counts() > 0).tolist()))

    def trimmed(self) -> CategoricalColumn:
        """The same without categories that have no row; a boolean keeps both of its own."""
        used = self.counts() > 0
        if self.kind is Kind.BOOLEAN or used.all():
            return self
        place = np.append(np.cumsum(used) - 1, -1).astype(np.int32)  # code -1 reads the last entry
        return replace(self, codes=place[self.codes], categories=tuple(self.used()))

    def take(self, rows: npt.NDArray[Any]) -> CategoricalColumn:
        """The rows of these numbers (or of this boolean mask), in that order."""
        codes = self.codes[rows]
        return replace(self, codes=codes, nulls=int(np.count_nonzero(codes < 0)))


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingColumn:
    """One vector of k numbers a row. Only detectors of all columns together compare it.

    Attributes:
        name: the column's name.
        values: (n, k) float32, float64 or an integer type; what stands in a missing row is undefined.
        present: (n,) False in a missing row: null, or NaN in any of its numbers; None where no row is missing.
        nulls: rows that are null.
        nans: rows with a NaN.
    """

    name: str
    values: npt.NDArray[Any]
    present: npt.NDArray[np.bool_] | None = None
    nulls: int = 0
    nans: int = 0
    kind: ClassVar[Kind] = Kind.EMBEDDING

    @property
    def rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.values)

    @property
    def dimensions(self) -> int:
        """Numbers of a row: k."""
        return int(self.values.shape[1])

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls + self.nans

    def mask(self) -> npt.NDArray[np.bool_]:
        """(n,) True where there is a value; an array even where nothing is missing."""
        return np.ones(self.rows, bool) if self.present is None else self.present

    def present_values(self) -> npt.NDArray[Any]:
        """The vectors that are there, in row order."""
        return self.values if self.present is None else self.values[self.present]

    def take(self, rows: npt.NDArray[Any]) -> EmbeddingColumn:
        """The rows of these numbers (or of this boolean mask), in that order."""
        values = self.values[rows]
        if self.present is None:
            return replace(self, values=values)
        present = self.present[rows]
        missing = int(present.size - np.count_nonzero(present))
        nans = _nans_among(values, present, missing, self)
        return replace(self, values=values, present=present if missing else None, nulls=missing - nans, nans=nans)


TableColumn: TypeAlias = NumericColumn | CategoricalColumn | EmbeddingColumn


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows, ready to be compared.

    Attributes:
        rows: number of rows; may be 0.
        columns: the columns by name, in order.
        schema: their kinds and types, in the same order.
        excluded: column -> why it was left out.
        name: what the data set is called in a report.
        origin: (rows,) place of each row in the data as the caller gave it; None where they are all its rows in order.
    """

    rows: int
    columns: Mapping[str, TableColumn]
    schema: Schema
    excluded: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    origin: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "excluded", MappingProxyType(dict(self.excluded)))

    def __reduce__(self) -> tuple[Any, ...]:
        # The read-only views of the mappings cannot be pickled; what they show can.
        return Table, (self.rows, dict(self.columns), self.schema, dict(self.excluded), self.name)

    def __getitem__(self, name: str) -> TableColumn:
        return self.columns[name]

    def __len__(self) -> int:
        return self.rows

    def numeric(self, name: str) -> NumericColumn:
        """The column of that name, which must hold numbers.

        Raises:
            SchemaError: there is no such column, or it holds categories or embeddings.
        """
        column = self._column(name)
        if not isinstance(column, NumericColumn):
            raise SchemaError(f"column {name!r} holds {_held(column)}, not numbers")
        return column

    def categorical(self, name: str) -> CategoricalColumn:
        """The column of that name, which must hold categories.

        Raises:
            SchemaError: there is no such column, or it holds numbers or embeddings.
        """
        column = self._column(name)
        if not isinstance(column, CategoricalColumn):
            raise SchemaError(f"column {name!r} holds {_held(column)}, not categories")
        return column

    def embedding(self, name: str) -> EmbeddingColumn:
        """The column of that name, which must hold embeddings.

        Raises:
            SchemaError: there is no such column, or it holds numbers or categories.
        """
        column = self._column(name)
        if not isinstance(column, EmbeddingColumn):
            raise SchemaError(f"column {name!r} holds {_held(column)}, not embeddings")
        return column

    def take(self, rows: npt.ArrayLike) -> Table:
        """The rows of these numbers (or of a boolean mask), in that order."""
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        columns = _taken(self.columns, chosen)
        count = int(np.count_nonzero(chosen)) if chosen.dtype == np.bool_ else len(chosen)
        origin = (np.arange(self.rows) if self.origin is None else self.origin)[chosen]
        return replace(self, rows=count, columns=columns, origin=origin)

    def select(self, names: Iterable[str]) -> Table:
        """Only these columns, in the order given.

        Raises:
            SchemaError: there is no column of one of these names.
        """
        columns = {name: self._column(name) for name in names}
        return replace(self, columns=columns, schema=self.schema.select(columns))

    def to_arrow(self) -> Any:
        """The rows as one `pyarrow.RecordBatch`, null where a value is missing."""
        from accel_drift.data.rows import to_arrow

        return to_arrow(self)

    @classmethod
    def from_arrow(cls, batch: Any, schema: Schema) -> Table:
        """The table that `to_arrow` wrote.

        Raises:
            SchemaError: the record batch does not hold the columns of the schema.
        """
        from accel_drift.data.rows import from_arrow

        return from_arrow(batch, schema)

    def _column(self, name: str) -> TableColumn:
        try:
            return self.columns[name]
        except KeyError:
            raise SchemaError(f"there is no column {name!r}; there are {listed(self.columns)}") from None


def _taken(columns: Mapping[str, TableColumn], rows: npt.NDArray[Any]) -> dict[str, TableColumn]:
    """These rows of every column; of columns of one device matrix they are taken once."""
    from accel_drift.data.device import DeviceColumn

    whole = {id(c.matrix): c.matrix for c in columns.values() if isinstance(c, DeviceColumn)}
    some = {key: matrix.take(rows) for key, matrix in whole.items()}
    return {
        name: c.of(some[id(c.matrix)]) if isinstance(c, DeviceColumn) else c.take(rows) for name, c in columns.items()
    }


def _held(column: TableColumn) -> str:
    if isinstance(column, EmbeddingColumn):
        return "embeddings"
    return "numbers" if isinstance(column, NumericColumn) else "categories"


def _nans_among(
    values: npt.NDArray[Any], present: npt.NDArray[np.bool_], missing: int, whole: NumericColumn | EmbeddingColumn
) -> int:
    """How many of the missing rows taken are NaN rather than null; see `numbers.numeric_column`."""
    if not missing or not whole.nans:
        return 0
    if not whole.nulls:
        return missing
    found = np.isnan(values[~present])
    return int(np.count_nonzero(found if found.ndim == 1 else found.any(axis=1)))
