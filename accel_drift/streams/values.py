"""Windows of values: whatever holds numbers becomes (T, S), time downwards, a missing value NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.decoded import Decoded
from accel_drift.data.device import DeviceMatrix, is_tensor, open_tensor
from accel_drift.data.table import NumericColumn
from accel_drift.errors import DataError


def window(values: Any, backend: Backend) -> tuple[Any, bool]:
    """Values as (T, S), and whether they were given as one row of one stream.

    Arrow's arrays and tables, NumPy arrays and tensors whose memory the backend can reach are not copied, save
    integers with nulls.

    Raises:
        DataError: they are no numbers, or not of one or two dimensions.
    """
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        found: Any = _from_arrow(values)
    elif is_tensor(values):
        found = open_tensor(values, "values", backend)
        if isinstance(found, DeviceMatrix):
            return found.values, found.ndim == 1
    else:
        found = _array(values)
    if found.dtype.kind not in "biuf":
        raise DataError(f"values are {found.dtype}, and a stream is watched as numbers: give bool, integers or floats")
    if found.ndim not in (1, 2):
        raise DataError(f"values have {found.ndim} dimensions; give (T,) for one stream or (T, S), time downwards")
    return (found[:, None], True) if found.ndim == 1 else (found, False)


def _array(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, list | tuple):
        values = [np.nan if v is None else v for v in values]
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"values cannot be read as an array of numbers: {error}") from error


def _from_arrow(values: Any) -> npt.NDArray[Any]:
    """A column as (T,), a table as (T, S) with each column a stream."""
    import pyarrow as pa

    if hasattr(values, "column_names") or hasattr(values, "columns"):
        table = pa.table(values)
        return np.stack([_column(n, table[n]) for n in table.column_names], axis=1)
    return _column("values", values)


def _column(name: str, of: Any) -> npt.NDArray[Any]:
    from accel_drift.data.streams import decode_single

    found = decode_single(name, of)
    if not isinstance(found, Decoded) or not isinstance(found.column, NumericColumn):
        raise DataError(f"column {name!r} holds no numbers, and a stream is watched as numbers")
    numbers, present = found.column.on_host().values, found.column.mask()
    return numbers if present.all() else np.where(present, numbers, np.nan)
