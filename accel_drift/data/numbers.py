"""Columns of numbers, with their missing values counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import EmbeddingColumn, NumericColumn


def numeric_column(name: str, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> NumericColumn:
    """A column of numbers whose nulls are where `valid` is False, and whose NaN are found here.

    Where a column has both, `values` is NaN in the rows that are NaN and 0 in those that are null.
    """
    nulls = 0 if valid is None else int(valid.size - np.count_nonzero(valid))
    present = valid if nulls else None
    nans = 0
    if values.dtype.kind == "f":
        is_number = ~np.isnan(values)
        held = is_number if present is None else is_number & present
        nans = int(values.size - np.count_nonzero(held)) - nulls
        present = held if nans or nulls else None
        if nans and valid is not None and nulls:
            # So that a missing row is NaN exactly where it was one: rows taken later can be counted apart.
            values = np.where(valid, values, values.dtype.type(0))
    return NumericColumn(name, values, present, nulls, nans)


def embedding_column(name: str, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> EmbeddingColumn:
    """A column of vectors (n, k) whose nulls are where `valid` is False. A vector with a NaN is missing as a whole.

    Where a column has both, `values` has a NaN in the rows that are NaN and 0 in those that are null.
    """
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    nulls = 0 if valid is None else int(valid.size - np.count_nonzero(valid))
    present = valid if nulls else None
    nans = 0
    if values.dtype.kind == "f" and values.size:
        # A sum is NaN where a part is, but for inf - inf: so the sums only say which rows to look at.
        with np.errstate(invalid="ignore", over="ignore"):
            doubtful = np.flatnonzero(np.isnan(values.sum(axis=1)))
        whole = np.ones(len(values), bool)
        whole[doubtful] = ~np.isnan(values[doubtful]).any(axis=1)
        held = whole if present is None else whole & present
        nans = int(held.size - np.count_nonzero(held)) - nulls
        present = held if nans or nulls else None
        if nans and valid is not None and nulls:
            values = np.where(valid[:, None], values, values.dtype.type(0))
    return EmbeddingColumn(name, values, present, nulls, nans)


def finest(units: Iterable[str]) -> str:
    """The unit of instants in which those of all these units are whole numbers; one without a name says nothing."""
    return max((unit or "D" for unit in units), key=_FINER.index)


def counted_in(unit: str, column: NumericColumn) -> npt.NDArray[np.int64]:
    """The instants of a column, counted in a unit that is not coarser than its own."""
    return column.values.astype(f"M8[{column.unit or unit}]").astype(f"M8[{unit}]").astype(np.int64)


def seconds_column(
    name: str, counted: npt.NDArray[np.int64], unit: str, valid: npt.NDArray[np.bool_] | None
) -> NumericColumn:
    """A column of durations, or of instants. All become seconds, so that sources in different units can be compared."""
    seconds: Any
    if unit == "ns":  # as a float64 an instant in nanoseconds would be rounded once more than one in microseconds
        seconds = (counted // 1000) / 1e6 + (counted % 1000) / 1e9
    else:
        seconds = counted * 86_400.0 if unit == "D" else counted / _PER_SECOND[unit]
    return replace(numeric_column(name, seconds, valid), unit="s")


_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}
_FINER = ("D", "s", "ms", "us", "ns")
