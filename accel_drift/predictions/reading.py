"""Probabilities from whatever holds them: (n,) scores of two classes, (n, k) of k, or (s, n, k) of s samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data import EmbeddingColumn, NumericColumn, TableColumn, read_table
from accel_drift.data.decoded import Decoded
from accel_drift.data.device import DeviceEmbedding, DeviceMatrix, is_tensor, open_tensor
from accel_drift.errors import DataError

ROUNDING = {"bfloat16": 2e-2, "float16": 5e-3, "float32": 1e-4}
"""By how much the sum of a row may miss 1, by the type that the numbers came in; all others 1e-6."""

WHAT = "probabilities"


class Given(NamedTuple):
    """Rows that were read, not yet looked at.

    Attributes:
        values: (s n, k) array of the backend, float32 or float64, one sample after the other.
        valid: (s n,) False in a row that is null.
        samples: s; 0 where there is no third axis.
        binary: whether they were scores of the second of two classes.
        names: of the classes, where they were columns of a table; else None.
        rounding: by how much the sum of a row may miss 1.
    """

    values: Any
    valid: npt.NDArray[np.bool_]
    samples: int
    binary: bool
    names: tuple[str, ...] | None
    rounding: float


def read(given: Any, backend: Backend, host: Backend) -> tuple[Given, Backend]:
    """Probabilities, and what computes on them.

    Args:
        given: NumPy arrays, lists and tensors of 1, 2 or 3 dimensions; an Arrow column of numbers or of lists; a table
            with a column for each class, or a file of one.
        backend: what computes on rows that it has on its device.
        host: what computes on others.

    Raises:
        DataError: they cannot be read, or are not of such a shape.
        SourceError: a file cannot be read.
    """
    names, samples, valid = None, 0, None
    type_ = str(getattr(given, "dtype", "")).rpartition(".")[2]
    found: Any
    if is_tensor(given):
        given, samples = _without_samples(given)
        found = open_tensor(given, WHAT, backend)
        if isinstance(found, DeviceMatrix) and found.ndim == 1:
            found = DeviceMatrix(found.values[:, 0], found.backend, found.type, 1)
    elif isinstance(given, (list, tuple, np.ndarray)):
        found, samples = _without_samples(_array(given))
    elif hasattr(given, "__array__") and not _exports(given) and not hasattr(given, "columns"):
        found, samples = _without_samples(_array(given))  # such as a series of pandas 2
    else:
        found, valid, names, type_ = _columns(given, backend)
    on_device = isinstance(found, DeviceMatrix)
    used = backend if on_device else host
    type_ = type_ or found.dtype.name
    with used.scope():
        values = found.values if on_device else used.asarray(_floats(found))
        binary = len(values.shape) == 1
        values = _matrix(values, used)
    if valid is None:
        valid = np.ones(values.shape[0], bool)
    return Given(values, valid, samples, binary, names, ROUNDING.get(type_, 1e-6)), used


def _matrix(values: Any, backend: Backend) -> Any:
    """(n, k) floats; of (n,) scores the chances of both classes."""
    xp = backend.xp
    if not xp.isdtype(values.dtype, "real floating"):
        values = xp.astype(values, xp.float64)
    if len(values.shape) == 1:
        return xp.stack([1 - values, values], axis=1)
    if values.shape[1] < 2:
        raise DataError(
            f"{WHAT} have the shape {tuple(values.shape)}, and a row needs a column for each class: give scores of the "
            "second of two classes as a vector (n,), such as p[:, 0]"
        )
    return values


def _without_samples(given: Any) -> tuple[Any, int]:
    """(s, n, k) as (s n, k), and s; others as they are, and 0."""
    shape = tuple(int(size) for size in given.shape)
    if len(shape) not in (1, 2, 3):
        raise DataError(
            f"{WHAT} have {len(shape)} dimensions; give (n,) scores, (n, k) probabilities or (s, n, k) samples of them"
        )
    if len(shape) < 3:
        return given, 0
    if shape[0] == 0:
        raise DataError(f"{WHAT} of shape {shape} hold no sample; the first axis is that of samples")
    wanted = (shape[0] * shape[1], shape[2])
    if hasattr(given, "reshape"):
        return given.reshape(wanted), shape[0]
    return given.__array_namespace__().reshape(given, wanted), shape[0]


def _array(given: Any) -> npt.NDArray[Any]:
    """Lists and NumPy arrays as an array of numbers; None and what a mask hides are NaN."""
    if isinstance(given, np.ma.MaskedArray):
        given = np.where(np.ma.getmaskarray(given), np.nan, given.data)
    try:
        found = np.asarray(given)
        if found.dtype.kind == "O":
            flat = [np.nan if value is None else value for value in found.ravel().tolist()]
            found = np.asarray(flat).reshape(found.shape)
    except (TypeError, ValueError) as error:
        raise DataError(f"{WHAT} cannot be read as an array of numbers: {error}") from error
    if found.dtype.kind not in "biuf":
        raise DataError(f"{WHAT} are of NumPy type {found.dtype}; give numbers: one for each class, or a score")
    return found


def _floats(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if found.dtype in (np.float32, np.float64):
        return found
    return found.astype(np.float32 if found.dtype == np.float16 else np.float64)


def _exports(given: Any) -> bool:
    return hasattr(given, "__arrow_c_array__") or hasattr(given, "__arrow_c_stream__")


def _columns(given: Any, backend: Backend) -> tuple[Any, npt.NDArray[np.bool_], tuple[str, ...] | None, str]:
    """Of an Arrow column, a table or a file: values, which rows are not null, names of classes, type of the values."""
    if _exports(given) and not hasattr(given, "columns") and not hasattr(given, "column_names"):
        from accel_drift.data.streams import decode_single

        outcome = decode_single(WHAT, given)
        if not isinstance(outcome, Decoded):
            raise DataError(f"{WHAT}: {outcome.reason}; give a column of numbers, or of lists of one length")
        return *_values(outcome.column), None, _short(outcome.type)
    table = read_table(given, name=WHAT, backend=backend)
    if table.excluded:
        name, why = next(iter(table.excluded.items()))
        raise DataError(f"column {name!r} of the {WHAT} cannot be read: {why}; give a column of numbers for each class")
    columns = list(table.columns.values())
    if not columns:
        raise DataError(f"{WHAT} are a table without columns; it has one for each class")
    type_ = _short(*(column.type for column in table.schema.columns))
    if len(columns) == 1:
        return *_values(columns[0]), None, type_
    numbers = [_values(column) for column in columns]
    for column, (values, _) in zip(columns, numbers, strict=True):
        if values.ndim != 1:
            raise DataError(f"column {column.name!r} holds lists, and there are others: give it alone")
    single = all(values.dtype == np.float32 for values, _ in numbers)
    stacked = np.stack([values.astype(np.float32 if single else np.float64) for values, _ in numbers], axis=1)
    return stacked, np.logical_and.reduce([valid for _, valid in numbers]), tuple(table.columns), type_


def _short(*types: str) -> str:
    """`float16` where one of these Arrow types is, which is read as float32; else "", and the values tell."""
    return "float16" if any("halffloat" in name or "float16" in name for name in types) else ""


def _values(column: TableColumn) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Numbers of a column, (n,) or (n, k), and which rows have a value."""
    if isinstance(column, NumericColumn):
        host = column.on_host()
        return host.values, host.mask()
    if isinstance(column, EmbeddingColumn):
        return column.matrix if isinstance(column, DeviceEmbedding) else column.values, column.mask()
    raise DataError(
        f"column {column.name!r} of the {WHAT} holds {column.kind} values; give numbers, one for each class"
    )
