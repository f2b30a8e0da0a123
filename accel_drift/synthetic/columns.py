"""Data as named columns of NumPy: what comes in, what goes out, and what a column holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.errors import DataError

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Columns: TypeAlias = dict[str, Array]


class Frame(Protocol):
    """A table of pandas, polars or pyarrow, as far as it is used here."""

    @property
    def columns(self) -> Any: ...  # noqa: D102
    def __getitem__(self, name: Any, /) -> Any: ...


Data: TypeAlias = Mapping[str, Any] | Array | Frame


LABEL = "label"
"""What the column of labels is called, where data has one and nothing else is said."""

NUMBER, CATEGORY, TRUTH, OTHER = "numbers", "categories", "truth values", "values of another kind"
_KINDS = {**dict.fromkeys("fiu", NUMBER), **dict.fromkeys("UOT", CATEGORY), "b": TRUTH}


def kind_of(values: Array) -> str:
    """What a column holds: numbers, categories (texts or objects), truth values, or something else."""
    return _KINDS.get(values.dtype.kind, OTHER)


def as_columns(data: Any, what: str) -> Columns:
    """Data as a dict of arrays (n,) of one length; a matrix (n, d) has columns x0, x1, ...

    Args:
        data: a mapping of names to arrays, a matrix of numbers, or a table of pandas, polars or pyarrow.
        what: what it is called in an error.

    Raises:
        DataError: it is neither, or its columns do not go together.
    """
    if isinstance(data, np.ndarray):
        return _of_matrix(data, what)
    if not isinstance(data, Mapping):
        data = _of_frame(data, what)
    columns = {name: _column(name, values, what) for name, values in data.items()}
    if not columns:
        raise DataError(f"{what} has no columns; give at least one")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in list(lengths.items())[:10])
        raise DataError(f"the columns of {what} have different lengths ({told}); give one value a row in each")
    return columns


def in_the_form_of(data: Any, columns: Columns) -> Any:
    """Columns as `data` came in: a dict, or a matrix."""
    return np.column_stack(list(columns.values())) if isinstance(data, np.ndarray) else columns


def missing(values: Array) -> Mask:
    """(n,) whether a value is missing: NaN, NaT, None."""
    if values.dtype.kind in "fcmM":
        absent: Mask = np.isnan(values)
        return absent
    if values.dtype.kind not in "OT":
        return np.zeros(len(values), dtype=bool)
    listed = values.tolist()
    known = {value: _is_missing(value) for value in _counted(listed)}
    return np.fromiter((known[value] for value in listed), dtype=bool, count=len(listed))


def classes(values: Array) -> dict[Any, int]:
    """Each value that is there, and in how many rows; missing ones are left out.

    Raises:
        DataError: some cannot be told apart by hash, as lists.
    """
    if values.dtype.kind in "OT":
        return {value: n for value, n in _counted(values.tolist()).items() if not _is_missing(value)}
    found, counts = np.unique(values[~missing(values)], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def equal_to(values: Array, wanted: Any) -> Mask:
    """(n,) whether a value is the one that is wanted."""
    if values.dtype.kind in "OT":
        listed = values.tolist()
        known = {value: not _is_missing(value) and value == wanted for value in _counted(listed)}
        return np.fromiter((known[value] for value in listed), dtype=bool, count=len(listed))
    same: Mask = np.asarray(values == wanted)
    return same if same.shape == values.shape else np.zeros(len(values), dtype=bool)


def some_of(names: Any) -> str:
    """A few of many names, for an error."""
    listed = [str(name) for name in names]
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")


def _of_frame(data: Any, what: str) -> dict[str, Any]:
    """The columns of a table of pandas, polars or pyarrow, by what they have in common: this needs NumPy alone."""
    arrow, lazy = hasattr(type(data), "column_names"), hasattr(data, "collect")
    known = not (lazy or isinstance(data, type)) and hasattr(data, "columns") and hasattr(data, "__getitem__")
    names = list(data.column_names if arrow else data.columns) if known else []
    if not names:
        read = "; of a file: pyarrow.parquet.read_table(path)" if isinstance(data, str | PathLike) else ""
        read += "; call .collect() first" if lazy else ""
        raise DataError(
            f"{what} is a {type(data).__module__.partition('.')[0]} {type(data).__name__}; give a dict of NumPy "
            f"arrays, an (n, d) array, or a table of pandas, polars or pyarrow with columns{read}"
        )
    table: Any = data
    try:
        return {
            name: table[name].to_numpy(zero_copy_only=False) if arrow else _of_series(table[name]) for name in names
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{what} is a {type(data).__name__} whose columns cannot be made arrays: {error}; give a dict of them"
        ) from error


def _of_series(values: Any) -> Any:
    """A column of pandas or polars; one of pandas that has a type for missing values becomes one of NumPy's."""
    made = values.to_numpy()
    kind = getattr(values.dtype, "kind", "") if made.dtype.kind == "O" else ""
    if kind in ("i", "u", "f"):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy(dtype="datetime64[ns]") if kind == "M" else made


def _of_matrix(data: Array, what: str) -> Columns:
    if data.ndim != 2 or not data.shape[1] or data.dtype.kind not in "fiu" or isinstance(data, np.ma.MaskedArray):
        raise DataError(
            f"{what} is a {type(data).__name__} of shape {data.shape} and type {data.dtype}; give an (n, d) array of "
            "numbers with NaN where one is missing, or a dict of columns"
        )
    return {f"x{j}": data[:, j] for j in range(data.shape[1])}


def _column(name: Any, values: Any, what: str) -> Array:
    if not isinstance(name, str):
        raise DataError(f"a column of {what} is called {name!r}; names are texts")
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(
            f"column {name!r} of {what} is a masked array; give values.filled(np.nan) or None where missing"
        )
    try:
        made = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name!r} of {what} cannot be made an array: {error}; give a NumPy array") from error
    if made.ndim != 1:
        raise DataError(f"column {name!r} of {what} has shape {made.shape}; give one value a row, (n,)")
    return made


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in _ABSENT


_ABSENT = ("NAType", "NaTType")
"""What pandas has in place of None; an answer of theirs to == is no truth value."""


def _counted(listed: list[Any]) -> Counter[Any]:
    try:
        return Counter(listed)
    except TypeError as error:
        raise DataError(f"a column of objects holds what is no category: {error}; give texts and None") from error
