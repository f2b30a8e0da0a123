"""Columns as plain NumPy arrays: what was read, back in the types that it came with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.decoded import Decoded, Outcome
from accel_drift.data.schema import Kind
from accel_drift.data.table import CategoricalColumn, NumericColumn
from accel_drift.errors import DataError


def as_array(name: str, outcome: Outcome) -> npt.NDArray[Any]:
    """A column (n,): numbers, times, truth values, or texts as objects.

    Missing is NaN in numbers (whole ones become float64 then), NaT in times and None in the others.

    Raises:
        DataError: it holds more than one value a row, or what cannot be read.
    """
    if not isinstance(outcome, Decoded):
        raise DataError(f"column {name!r} cannot be taken: {outcome.reason}; leave it out of the data")
    column = outcome.column
    if isinstance(column, CategoricalColumn):
        return _categories(column)
    if isinstance(column, NumericColumn):
        return _numbers(column)
    raise DataError(f"column {name!r} holds {outcome.type}, and takes one value a row; leave it out of the data")


def _categories(column: CategoricalColumn) -> npt.NDArray[Any]:
    known: list[Any] = [*column.categories]
    if column.kind is Kind.BOOLEAN:
        if not column.missing:
            truths: npt.NDArray[np.bool_] = column.codes == 1
            return truths
        known = [False, True]
    # A missing row has the code -1, and so the last of them.
    return np.array([*known, None], dtype=object)[column.codes]


def _numbers(column: NumericColumn) -> npt.NDArray[Any]:
    values, present = column.values, column.present
    if column.kind is Kind.TIMESTAMP:
        times = values.astype(f"datetime64[{column.unit}]")
        return times if present is None else np.where(present, times, np.datetime64("NaT"))
    if present is None:
        return values
    made = values.astype(np.float64 if values.dtype.kind in "iu" else values.dtype)
    made[~present] = np.nan
    return made
