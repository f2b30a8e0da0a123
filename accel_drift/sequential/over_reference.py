"""What is opened on a reference, and then watches what comes after it."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from accel_drift.backends import Backend, open_backend
from accel_drift.data.read import read_table
from accel_drift.data.schema import Column, Kind
from accel_drift.data.table import Table
from accel_drift.errors import DataError
from accel_drift.profiles.screening import alike_rows, correlated_rows, counts_up

W = TypeVar("W")


class OverReference(ABC, Generic[W]):
    """Options of a watch W that compares what comes with a reference."""

    __slots__ = ()

    def open(
        self,
        reference: Any,
        *,
        backend: str | Backend = "auto",
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> W:
        """Learn a reference; what comes is then watched, see the `update` of what is given back.

        Rows are taken to be independent of one another. Where those of the reference, in the order in which they are
        given, are more like those near them than chance makes them, a warning says so: of such rows there are more
        false alarms than promised.

        Args:
            reference: a data set: Arrow, Parquet, CSV, a dict of columns or an (n, d) array.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".
            columns: only these columns; naming one keeps it even if it looks like an identifier or a counter.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide.

        Raises:
            ConfigError: an option is not what it says here.
            DataError: the reference cannot be read, has too few rows, or no column to compare.
        """
        opened, _ = open_backend(backend, reference)
        table = read_table(
            reference, columns=columns, drop=drop, label=label, kinds=kinds, name="reference", backend=opened
        )
        named = {*(() if columns is None else columns), *(kinds or {})}
        kept = _compared(table, named)
        made = self.on(kept, opened)
        if said := _dependent(table, kept):
            warnings.warn(
                f"in the order in which the reference is given, {said}; watch rows that are further apart, or what a "
                "model of the series leaves over",
                stacklevel=2,
            )
        return made

    @abstractmethod
    def on(self, reference: Table, backend: Backend) -> W:
        """A watch that has seen nothing but the reference.

        Raises:
            DataError: there are too few rows, or nothing can be done with these columns.
        """


def _compared(table: Table, named: Collection[str]) -> Table:
    """The table with the columns that are compared alone; the others are among those excluded.

    Raises:
        DataError: there is none, or one holds gaps between rows.
    """
    out = {c.name: why for c in table.schema.columns if (why := _left_out(table, c, named))}
    excluded = {**table.excluded, **out}
    if len(out) == len(table.columns):
        told = "; ".join(f"{name}: {why}" for name, why in excluded.items())
        raise DataError(
            f"the reference has no column to compare; {told or 'it has none at all'}; kinds= says what a column is to "
            "be compared as"
        )
    gaps = [c.source for c in table.schema.columns if c.derived == "gaps"]
    if gaps:
        raise DataError(
            f"the gaps of {', '.join(map(repr, gaps))} are those between the rows of one batch, and depend on how "
            "rows are cut into batches; make a column of gaps before, or leave it out of kinds="
        )
    return replace(table.select([name for name in table.columns if name not in out]), excluded=excluded)


def _dependent(table: Table, kept: Table) -> str:
    """How rows depend on those near them, or ""."""
    so, names = "there are more false alarms than promised", kept.schema.names
    said, _ = alike_rows((table,), names, kept.excluded, trusted="an alarm", so=so)
    name, correlation = ("", 0.0) if said else correlated_rows(table, names)
    if name:
        said = f"rows are like the one before: for {name} their rank correlation is {correlation:.2f}, so {so}"
    return said


def _left_out(table: Table, column: Column, named: Collection[str]) -> str:
    """Why a column is not compared, or ""; in the words of a report."""
    if column.kind is Kind.TIMESTAMP:
        return "timestamp: it says when a row was made, not what it looks like"
    if column.kind is Kind.IDENTIFIER:
        return f"identifier-like: {column.reason or 'it names things'}"
    if column.name not in named and not column.derived and counts_up(table.columns[column.name]):
        return "identifier-like: whole numbers that never fall down the rows, a counter or a clock"
    return ""
