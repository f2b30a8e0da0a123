"""What is opened on a reference, and then watches what comes after it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from accel_drift.backends import Backend, open_backend
from accel_drift.data.read import read_table
from accel_drift.data.table import Table
from accel_drift.errors import DataError
from accel_drift.statistics.comparison import VALUE_KINDS

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

        Args:
            reference: a data set: Arrow, Parquet, CSV, a dict of columns or an (n, d) array.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".
            columns: only these columns; naming one keeps it even if it looks like an identifier.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide.

        Raises:
            DataError: the reference cannot be read, has too few rows, or no column to compare.
        """
        opened, _ = open_backend(backend, reference)
        table = read_table(
            reference, columns=columns, drop=drop, label=label, kinds=kinds, name="reference", backend=opened
        )
        compared = table.schema.of(*VALUE_KINDS)
        if not compared:
            kept_out = [f"{name}: {why}" for name, why in table.excluded.items()]
            kept_out += [f"{c.name}: {c.kind}" for c in table.schema.columns]
            raise DataError(
                f"the reference has no column to compare; {'; '.join(kept_out) or 'it has none at all'}; kinds= says "
                "what a column is to be compared as"
            )
        gaps = [c.source for c in table.schema.columns if c.derived == "gaps"]
        if gaps:
            raise DataError(
                f"the gaps of {', '.join(map(repr, gaps))} are those between the rows of one batch, and depend on how "
                "rows are cut into batches; make a column of gaps before, or leave it out of kinds="
            )
        return self.on(table.select(compared), opened)

    @abstractmethod
    def on(self, reference: Table, backend: Backend) -> W:
        """A watch that has seen nothing but the reference.

        Raises:
            DataError: there are too few rows, or nothing can be done with these columns.
        """
