"""Rows with the columns of a reference, and its own in a seeded order: some set aside, the others handed out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from accel_drift.backends import Backend
from accel_drift.data.concatenate import Misfit, joined
from accel_drift.data.convert import without_values
from accel_drift.data.decoded import Decoded
from accel_drift.data.read import read_table
from accel_drift.data.schema import NULL_TYPE, Kind, Schema, diff, embedding_type, listed
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn
from accel_drift.errors import DataError, SchemaError
from accel_drift.statistics import draws

LEAST = 4
"""Rows that a reference must have: two are set aside, and one is to be compared."""

_DIGITS = {"halffloat": 11, "float": 24}
FINEST = 64
"""Binary digits of numbers of these types, and of all others."""

_ASIDE = 2000
"""Rows set aside at most: more of them would not place an edge or a scale better than a bet can feel."""


@dataclass(slots=True)
class FreshRows:
    """Rows of the reference that no look has used.

    Attributes:
        rows: those that are handed out, in the order in which they are.
        used: how many of them are.
        before: how many there were before these and are used, too.
    """

    rows: Table
    used: int = 0
    before: int = 0

    @property
    def given(self) -> int:
        """Rows that there were in all."""
        return self.before + self.rows.rows

    @property
    def left(self) -> int:
        """Rows that are still to be handed out."""
        return self.rows.rows - self.used

    def next(self, count: int) -> Table:
        """The next rows; they count as used once `used` says so."""
        return self.rows.take(np.arange(self.used, self.used + count))

    def unused(self) -> Table:
        """All that are left."""
        return self.next(self.left)

    def beside(self, more: Table) -> FreshRows:
        """Those that are left, and then others."""
        both = stacked([self.unused(), more], self.rows.schema)
        return FreshRows(both, before=self.before + self.used)


def like(source: Any, known: Schema, name: str, backend: Backend) -> Table:
    """Rows with the columns of a reference.

    Raises:
        DataError: they cannot be read.
        SchemaError: a column is not there, or holds another sort of thing.
    """
    wanted = dict.fromkeys(name for c in known.columns for name in (c.name, c.source))
    table = read_table(source, schema=known, columns=wanted, name=name, backend=backend)
    changes = diff(known, table.schema)
    if changes.removed:
        raise SchemaError(
            f"the {name} lacks {listed(changes.removed)}, which the reference has; give it with them, or open a new "
            "watch that leaves them out, by drop="
        )
    if changes.retyped:
        said = ", ".join(f"{column!r} is {now}, and was {was}" for column, was, now in changes.retyped)
        raise SchemaError(f"columns of the {name} hold another sort of thing than the reference's: {said}")
    return table.select(known.names)


def digits(table: Table) -> dict[str, int]:
    """Binary digits that the numbers of each column had where they came from."""
    numbers = (c for c in table.schema.columns if isinstance(table.columns[c.name], NumericColumn))
    return {c.name: _DIGITS.get(c.type, FINEST) for c in numbers}


def rounded(table: Table, coarse: Mapping[str, int]) -> Table:
    """The same with the numbers of some columns rounded to so many binary digits, 24 or 11.

    What a batch holds as float32 differs from the same numbers of a reference in float64, in all their rows, though
    nobody changed them.
    """
    columns = dict(table.columns)
    for name, many in coarse.items():
        column = columns[name]
        if isinstance(column, NumericColumn) and (many < _DIGITS["float"] or column.dtype != np.float32):
            with np.errstate(over="ignore"):
                values = column.on_host().values.astype(np.float16 if many < _DIGITS["float"] else np.float32)
            columns[name] = replace(column.on_host(), values=values.astype(np.float32, copy=False))
    changed = any(columns[name] is not table.columns[name] for name in coarse)
    return replace(table, columns=columns) if changed else table


def shuffled(table: Table, seed: int, *purpose: str | int) -> Table:
    """The rows in an order that the seed decides."""
    return table.take(order(table.rows, seed, *purpose))


def order(rows: int, seed: int, *purpose: str | int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Places of so many rows in an order that the seed decides."""
    high, low = draws.words(draws.key(seed, "sequential", *purpose), 0, 1, rows)[:, 0].astype(np.uint64)
    return np.argsort((high << np.uint64(32)) | low, kind="stable")


def set_aside(table: Table, seed: int) -> tuple[Table, FreshRows]:
    """A fifth of the rows, at most 2,000, from which all is learned that must not come from rows to be compared.

    Raises:
        DataError: there are too few rows.
    """
    if table.rows < LEAST:
        raise DataError(
            f"the reference has {table.rows} rows, each is compared at most once and some are set aside; give at least "
            f"{LEAST}, better as many as all batches to come have together"
        )
    dealt = shuffled(table, seed, "reference")
    aside = max(2, min(table.rows // 5, _ASIDE))
    return dealt.take(np.arange(aside)), FreshRows(dealt.take(np.arange(aside, table.rows)))


def stacked(tables: Sequence[Table], schema: Schema) -> Table:
    """Tables of these columns, one below the other.

    Raises:
        SchemaError: a column holds another sort of thing in one of them.
    """
    columns: dict[str, TableColumn] = {}
    for c in schema.columns:
        parts = [t.columns[c.name] for t in tables]
        try:
            found = joined(c.name, [Decoded(part, _type(part)) for part in parts])
        except Misfit as error:
            raise SchemaError(f"column {c.name!r} cannot be put below that of other rows: {error}") from error
        if not isinstance(found, Decoded) or all(part.missing == part.rows for part in parts):
            found = Decoded(without_values(c.name, sum(part.rows for part in parts), c), c.type)
        column = found.column
        if isinstance(column, CategoricalColumn) and c.type != NULL_TYPE:
            column = replace(column, kind=c.kind)
        columns[c.name] = column
    return Table(sum(t.rows for t in tables), columns, schema, tables[0].excluded, tables[0].name)


def _type(column: TableColumn) -> str:
    """The type that speaks for what a column holds, whatever it was read from."""
    if column.missing == column.rows:
        return NULL_TYPE
    if isinstance(column, CategoricalColumn):
        return "bool" if column.kind is Kind.BOOLEAN else "string"
    return embedding_type("double", column.dimensions) if isinstance(column, EmbeddingColumn) else "double"
