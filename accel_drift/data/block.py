"""Rows as the engine computes on them: columns of one type, sorted, or stacked on a device with a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import HOST, Backend, get_backend
from accel_drift.data.device import DeviceColumn
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table


class Block(NamedTuple):
    """Numeric columns of one type for the same rows. Missing values are masked, never dropped.

    Attributes:
        values: (n, d) numbers; 0 where the mask is False.
        mask: (n, d) True where there is a value.
    """

    values: Any
    mask: Any


def dtype_class(one: npt.DTypeLike, other: npt.DTypeLike) -> np.dtype[Any]:
    """The type in which columns of these two types are compared.

    float32 stays float32, also where the other is float64: what was rounded on one side alone would differ in nearly
    all rows, though nothing changed. Integers become int64 (uint64 where both are), all else float64: exact but for
    integers beyond 2**53 that meet a column with fractions, or a uint64 that meets an int64.
    """
    a, b = np.dtype(one), np.dtype(other)
    if np.float32 in (a, b) and a.kind == b.kind == "f":
        return np.dtype(np.float32)
    if a == b == np.uint64:
        return np.dtype(np.uint64)
    whole = all(t.kind == "i" or (t.kind == "u" and t.itemsize < 8) for t in (a, b))
    return np.dtype(np.int64) if whole else np.dtype(np.float64)


class Sorted(NamedTuple):
    """Numeric columns of one type, each in ascending order by itself.

    Attributes:
        values: (n, d) numbers; what lies behind the values of a column has no meaning.
        count: (d,) how many values each column has, on the device.
    """

    values: Any
    count: Any


@dataclass(frozen=True, eq=False)
class Columns:
    """Numeric columns of the same rows, on their way to a backend; each form of them is made when it is asked for.

    Attributes:
        columns: d columns.
        rows: how many rows each has.
        dtype: the type in which they are compared.
        backend: what computes on them.
    """

    columns: tuple[NumericColumn, ...]
    rows: int
    dtype: np.dtype[Any]
    backend: Backend

    @cached_property
    def present(self) -> npt.NDArray[np.int64]:
        """Rows with a value, (d,)."""
        return np.array([self.rows - c.missing for c in self.columns], np.int64)

    @property
    def is_sorted(self) -> bool:
        """Whether the sorted values are at hand."""
        return "ordered" in vars(self)

    @cached_property
    def block(self) -> Block:
        """The rows in their order."""
        with self.backend.scope():
            return stack(self.columns, self.rows, self.dtype, self.backend)

    @cached_property
    def ordered(self) -> Sorted:
        """The values in ascending order. On the host each column is read where it lies."""
        backend = self.backend
        with backend.scope():
            if backend.name == HOST:
                parts = [(c.values, c.present) for c in (column.on_host() for column in self.columns)]
            else:
                parts = [(self.block.values, self.block.mask)]
            return Sorted(backend.kernels.sort_columns(parts, self.dtype.name), backend.asarray(self.present))


def sorted_values(column: NumericColumn) -> npt.NDArray[Any]:
    """The values that are there, ascending, on the host and in their own type."""
    host = column.on_host()
    made = get_backend(HOST).kernels.sort_columns([(host.values, host.present)], host.dtype.name)
    return np.asarray(made[: host.rows - host.missing, 0])


def numeric_columns(
    reference: Table, batch: Table, names: Sequence[str], backend: Backend, host: Backend | None = None
) -> list[tuple[tuple[str, ...], np.dtype[Any], Backend]]:
    """The columns of these names by the type in which they are compared, and by where they are.

    Within a group the columns stand in the order of `names`; groups stand in the order of their first column.

    Args:
        reference: the reference's rows.
        batch: the batch's rows.
        names: numeric columns that both tables have.
        backend: what computes on columns that it has on its device on either side.
        host: what computes on the others; None for `backend`.

    Returns:
        (names, type, backend) of each group.

    Raises:
        SchemaError: a table lacks a column, or it holds categories there.
    """
    groups: dict[tuple[np.dtype[Any], bool], list[str]] = {}
    for name in names:
        sides = reference.numeric(name), batch.numeric(name)
        stays = host is not None and not any(_matrix_on(side, backend) for side in sides)
        groups.setdefault((_shared_type(*sides), stays), []).append(name)
    return [
        (tuple(members), type_, host if stays and host is not None else backend)
        for (type_, stays), members in groups.items()
    ]


def _shared_type(one: NumericColumn, other: NumericColumn) -> np.dtype[Any]:
    """As `dtype_class`, but a column without any value has no say: its type is an accident."""
    if one.missing == one.rows:
        return dtype_class(other.dtype, other.dtype)
    if other.missing == other.rows:
        return dtype_class(one.dtype, one.dtype)
    return dtype_class(one.dtype, other.dtype)


def stack(columns: Sequence[NumericColumn], rows: int, dtype: npt.DTypeLike, backend: Backend) -> Block:
    """Columns of the same rows as one block of this type. What is on the backend's device already stays there."""
    parts = []
    for _, same in groupby(columns, key=lambda c: _matrix_on(c, backend)):
        members = list(same)
        kept = [c for c in members if isinstance(c, DeviceColumn) and c.matrix.backend is backend]
        if kept:
            parts.append(Block(*kept[0].matrix.columns([c.place for c in kept], dtype)))
        else:
            parts.append(_stack(members, rows, np.dtype(dtype), backend))
    if len(parts) == 1:
        return parts[0]
    return Block(*(backend.xp.concat(list(arrays), axis=1) for arrays in zip(*parts, strict=True)))


def _matrix_on(column: NumericColumn, backend: Backend) -> int:
    """What tells columns of different device matrices apart; 0 for a column on the host."""
    return id(column.matrix) if isinstance(column, DeviceColumn) and column.matrix.backend is backend else 0


def _stack(columns: Sequence[NumericColumn], rows: int, dtype: np.dtype[Any], backend: Backend) -> Block:
    if len(columns) == 1 and columns[0].present is None and columns[0].dtype == dtype:
        return Block(backend.asarray(columns[0].values[:, None]), backend.asarray(np.ones((rows, 1), bool)))
    # Column by column in memory: each Arrow column is copied as one run.
    values = np.zeros((len(columns), rows), dtype)
    mask = np.ones((len(columns), rows), bool)
    for place, column in enumerate(c.on_host() for c in columns):
        if column.present is None:
            values[place] = column.values
        else:
            np.copyto(values[place], column.values, where=column.present, casting="unsafe")
            mask[place] = column.present
    return Block(backend.asarray(values.T), backend.asarray(mask.T))


def category_union(
    reference: CategoricalColumn, batch: CategoricalColumn
) -> tuple[tuple[str, ...], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The categories of both columns, sorted, and both columns' codes in them (-1 = missing).

    Only categories that have a row count: a list of allowed values is not data.
    """
    # Each side is sorted already, and Python's sort merges two runs in one pass.
    categories = tuple(dict.fromkeys(sorted(chain(reference.used(), batch.used()))))
    place = dict(zip(categories, range(len(categories)), strict=True))
    return categories, _recoded(reference, place), _recoded(batch, place)


def _recoded(column: CategoricalColumn, place: dict[str, int]) -> npt.NDArray[np.int32]:
    found = map(place.get, column.categories, repeat(-1))
    # Code -1 reads the last entry, which is -1.
    lookup = np.fromiter(chain(found, [-1]), np.int32, len(column.categories) + 1)
    return lookup[column.codes]
