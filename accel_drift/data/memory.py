"""Columns from Python lists and NumPy arrays, without Arrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.decoded import Decoded, Outcome, Rows, Source, Unreadable, merged_codes, truth_column
from accel_drift.data.device import DeviceColumn, DeviceEmbedding, DeviceMatrix, is_tensor, open_tensor
from accel_drift.data.numbers import embedding_column, numeric_column, seconds_column
from accel_drift.data.schema import NULL_TYPE, Kind, Schema, embedding_type
from accel_drift.data.table import NumericColumn
from accel_drift.errors import DataError

_ARROW_NAMES = {"float16": "halffloat", "float32": "float", "float64": "double", "bool": "bool"}
_TIME_UNITS = {
    "D": "D",
    "s": "s",
    "ms": "ms",
    "us": "us",
    "ns": "ns",
    "h": "s",
    "m": "s",
    "W": "D",
    "M": "D",
    "Y": "D",
}


def open_mapping(columns: Mapping[Any, Any], backend: Backend | None = None) -> Source:
    """A dict of columns: lists, tuples, NumPy arrays and tensors of one dimension; those of two are embeddings.

    Args:
        columns: name -> values.
        backend: tensors of its library stay as they are; see `device.open_tensor`.

    Raises:
        DataError: a column is no sequence, or the lengths differ.
    """
    named = {
        str(name): open_tensor(values, f"column {str(name)!r}", backend) if is_tensor(values) else values
        for name, values in columns.items()
    }
    if len(named) < len(columns):
        raise DataError("two columns of the dict have the same name once they are written as text")
    lengths = {name: _length(name, values) for name, values in named.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {rows}" for name, rows in list(lengths.items())[:12])
        raise DataError(f"the columns differ in length: {told} rows; all must have the same number")
    rows = next(iter(lengths.values()), 0)

    def load(names: Sequence[str], _: Schema | None) -> Rows:
        return rows, {name: _column(name, named[name]) for name in names}

    return Source(tuple(named), load)


def open_matrix(tensor: Any, backend: Backend | None = None) -> Source:
    """A tensor of numbers: the columns of a matrix, named x0, x1, ...; a vector is one column.

    Raises:
        DataError: as `device.open_tensor`.
    """
    found = open_tensor(tensor, f"a {type(tensor).__name__}", backend)
    if not isinstance(found, DeviceMatrix):
        return open_array(found)
    place = {f"x{j}": j for j in range(found.width)}

    def load(names: Sequence[str], _: Schema | None) -> Rows:
        return len(found), {name: _on_device(name, found, place[name]) for name in names}

    return Source(tuple(place), load, settled=True)


def _on_device(name: str, matrix: DeviceMatrix, place: int) -> Outcome:
    return Decoded(DeviceColumn(name, matrix, place), _ARROW_NAMES.get(matrix.type, matrix.type))


def open_array(array: npt.NDArray[Any]) -> Source:
    """A NumPy array of numbers: the columns of a matrix, named x0, x1, ...; a vector is one column.

    Raises:
        DataError: the array has more than two dimensions, or does not hold numbers.
    """
    if array.ndim not in (1, 2):
        raise DataError(f"a NumPy array must have 1 or 2 dimensions (rows, columns), this one has {array.ndim}")
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"a NumPy array must hold numbers, this one holds {array.dtype}; give a dict of columns instead"
        )
    matrix = array.reshape(-1, 1) if array.ndim == 1 else array
    place = {f"x{j}": j for j in range(matrix.shape[1])}

    def load(names: Sequence[str], _: Schema | None) -> Rows:
        return len(matrix), {name: _from_array(name, matrix[:, place[name]]) for name in names}

    return Source(tuple(place), load, settled=True)


def _length(name: str, values: Any) -> int:
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__len__"):
        raise DataError(f"column {name!r} is a {type(values).__name__}; give a list, a tuple or a NumPy array")
    if isinstance(values, np.ndarray) and values.ndim not in (1, 2):
        raise DataError(
            f"column {name!r} has {values.ndim} dimensions; give one for values, two (rows, k) for embeddings"
        )
    return len(values)


def _column(name: str, values: Any) -> Outcome:
    if isinstance(values, DeviceMatrix):
        if values.ndim == 1:
            return _on_device(name, values, 0)
        said = embedding_type(_ARROW_NAMES.get(values.type, values.type), values.width)
        return Decoded(DeviceEmbedding(name, values), said) if values.width else Unreadable("embeddings of 0 numbers")
    if isinstance(values, np.ma.MaskedArray):
        return _from_list(name, values.tolist())
    if isinstance(values, np.ndarray):
        return _from_array(name, values)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        from accel_drift.data.streams import decode_single

        return decode_single(name, values)
    if hasattr(values, "__array__"):  # pandas before it had the Arrow interface
        return _from_array(name, np.asarray(values))
    return _from_list(name, list(values))


def _from_array(name: str, values: npt.NDArray[Any]) -> Outcome:
    """A column from a NumPy array; a view where its layout can be computed on."""
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    kind = values.dtype.kind
    if values.ndim == 2:
        return _vectors(name, values)
    if kind == "b":
        return Decoded(truth_column(name, values, None), "bool")
    if kind in "iuf":
        return _number_array(name, values)
    if kind in "mM":
        return _time_array(name, values)
    if kind in "OUT":
        return _from_list(name, values.tolist())
    return Unreadable(f"NumPy type {values.dtype} is not supported")


def _number_array(name: str, values: npt.NDArray[Any]) -> Outcome:
    if values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    said = _ARROW_NAMES.get(values.dtype.name, values.dtype.name)
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return Decoded(numeric_column(name, np.ascontiguousarray(values), None), said)


def _vectors(name: str, values: npt.NDArray[Any]) -> Outcome:
    """A matrix (n, k) as one column of embeddings."""
    if values.dtype.kind not in "biuf":
        return Unreadable(f"a matrix of NumPy type {values.dtype} is not supported: embeddings are numbers")
    if values.shape[1] == 0:
        return Unreadable("embeddings of 0 numbers")
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    said = embedding_type(_ARROW_NAMES.get(values.dtype.name, values.dtype.name), values.shape[1])
    return Decoded(embedding_column(name, values, None), said)


def _time_array(name: str, values: npt.NDArray[Any]) -> Outcome:
    """datetime64 and timedelta64; NaT is a null."""
    unit = _TIME_UNITS.get(np.datetime_data(values.dtype)[0])
    if unit is None:
        return Unreadable(f"NumPy type {values.dtype} is not supported")
    span = values.dtype.kind == "m"
    missing = np.isnat(values)
    present = ~missing if missing.any() else None
    if span:
        unit = "s" if unit == "D" else unit  # Arrow has no duration in days
        counted = np.where(missing, 0, values.astype(f"m8[{unit}]").astype(np.int64))
        return Decoded(seconds_column(name, counted, unit, present), f"duration[{unit}]")
    counted = values.astype(f"M8[{unit}]").astype(np.int64)
    column = NumericColumn(name, counted, present, int(np.count_nonzero(missing)), 0, Kind.TIMESTAMP, unit)
    return Decoded(column, "date32[day]" if unit == "D" else f"timestamp[{unit}]")


def _from_list(name: str, values: list[Any]) -> Outcome:
    """A column from Python values; None is a null, and so is a NaN among texts."""
    values = [None if _is_null(v) else v.item() if isinstance(v, np.generic) else v for v in values]
    found = {_base(type(value)) for value in values} - {type(None)}
    if not found:
        rows = len(values)
        nothing = np.zeros(rows, bool) if rows else None
        return Decoded(NumericColumn(name, np.zeros(rows), nothing, rows), NULL_TYPE)
    if found == {bool}:
        truths = np.fromiter((bool(v) for v in values), bool, len(values))
        return Decoded(truth_column(name, truths, _filled(values)), "bool")
    if found <= {int, float, Decimal}:
        return _number_list(name, values, found)
    if found == {str} or (found == {str, float} and all(v != v for v in values if isinstance(v, float))):
        return _text_list(name, [str(v) if isinstance(v, str) else None for v in values])
    if found <= {dt.datetime, dt.date} or found in ({dt.timedelta}, {dt.time}):
        return _time_list(name, values, found)
    if found <= {list, tuple, np.ndarray}:
        return _vector_list(name, values)
    return _refused(name, values, found)


def _vector_list(name: str, values: list[Any]) -> Outcome:
    """A column of vectors from lists of numbers of one length; None is a null."""
    present = _filled(values)
    lengths = {len(v) for v in values if v is not None}
    if len(lengths) > 1:
        return Unreadable(f"its lists differ in length ({min(lengths)} to {max(lengths)}); vectors have one length")
    nothing = [0.0] * lengths.pop()
    try:
        made: Any = np.array([nothing if v is None else v for v in values])
    except ValueError:
        made = np.empty(0, object)
    if made.ndim != 2 or made.dtype.kind not in "iuf" or not made.shape[1]:
        return Unreadable("its lists do not hold numbers alone")
    return Decoded(embedding_column(name, made.astype(np.float64), present), embedding_type("double", made.shape[1]))


# bool before int and datetime before date: the former are subclasses of the latter.
_KNOWN = (bool, int, float, Decimal, str, dt.datetime, dt.date, dt.time, dt.timedelta)


def _base(found: type) -> type:
    """The type that this one is at bottom: `datetime` for a pandas Timestamp."""
    return next((known for known in _KNOWN if issubclass(found, known)), found)


def _refused(name: str, values: list[Any], found: set[type]) -> Outcome:
    if len(found) > 1 and found.intersection(_KNOWN):
        first, second = _first_of_two_types(values)
        raise DataError(
            f"column {name!r} mixes {type(first).__name__} and {type(second).__name__} "
            f"({first!r} and {second!r}); make it one type, or leave it out with drop={[name]!r}"
        )
    return Unreadable(f"Python type {', '.join(sorted(t.__name__ for t in found))} is not supported")


def _first_of_two_types(values: list[Any]) -> tuple[Any, Any]:
    present = [v for v in values if v is not None]
    first = present[0]
    return first, next(v for v in present if _base(type(v)) is not _base(type(first)))


def _is_null(value: Any) -> bool:
    """None, NaT, and the NA object of pandas, which can be told by its name without importing pandas."""
    if value is None:
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NAType", "NaTType")


def _filled(values: list[Any]) -> npt.NDArray[np.bool_] | None:
    present = np.fromiter((v is not None for v in values), bool, len(values))
    return None if present.all() else present


def _number_list(name: str, values: list[Any], found: set[type]) -> Outcome:
    present = _filled(values)
    if found == {int}:
        numbers = [v for v in values if v is not None]
        low, high = min(numbers), max(numbers)
        if low >= -(2**63) and high < 2**63:
            whole = np.array([0 if v is None else v for v in values], np.int64)
            return Decoded(numeric_column(name, whole, present), "int64")
        if low >= 0 and high < 2**64:
            whole = np.array([0 if v is None else v for v in values], np.uint64)
            return Decoded(numeric_column(name, whole, present), "uint64")
    try:
        floats = np.array([0.0 if v is None else float(v) for v in values], np.float64)
    except OverflowError:
        raise DataError(f"column {name!r} has a whole number that is too large for float64") from None
    return Decoded(numeric_column(name, floats, present), "double")


def _text_list(name: str, values: list[str | None]) -> Outcome:
    place: dict[str, int] = {}
    codes = np.fromiter((-1 if v is None else place.setdefault(v, len(place)) for v in values), np.int64, len(values))
    return Decoded(merged_codes(name, [(codes, list(place))]), "string")


def _time_list(name: str, values: list[Any], found: set[type]) -> Outcome:
    if found == {dt.time}:
        present = _filled(values)
        micros = np.array([0 if v is None else _micros_of_day(v) for v in values], np.int64)
        nulls = 0 if present is None else int(np.count_nonzero(~present))
        return Decoded(NumericColumn(name, micros, present, nulls, 0, Kind.TIMESTAMP, "us"), "time64[us]")
    if found == {dt.timedelta}:
        return _time_array(name, np.array(values, "m8[us]"))
    if found == {dt.date}:
        return _time_array(name, np.array(values, "M8[D]"))
    zones = {str(v.tzinfo) for v in values if getattr(v, "tzinfo", None)}
    plain = [v.astimezone(dt.UTC).replace(tzinfo=None) if getattr(v, "tzinfo", None) else v for v in values]
    outcome = _time_array(name, np.array(plain, "M8[us]"))
    if zones and isinstance(outcome, Decoded):
        zone = zones.pop() if len(zones) == 1 else "UTC"
        return Decoded(outcome.column, f"timestamp[us, tz={zone}]")
    return outcome


def _micros_of_day(time: dt.time) -> int:
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond
