"""Tensors of other libraries: on the host seen as NumPy arrays, on a device left where they are.

A matrix that the backend can take stays whole on its device, in the backend's arrays. What is asked of it there comes
back by column: counts, least and greatest values. A single column comes to the host only where something needs its
values there: its kind is changed, a file is written, whole numbers are looked at for being a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.backends.base import on_host
from accel_drift.data.schema import Kind
from accel_drift.data.table import EmbeddingColumn, NumericColumn
from accel_drift.errors import DataError

_UNKNOWN_TO_NUMPY = ("bfloat16", "float8")


@dataclass(frozen=True, eq=False)
class DeviceMatrix:
    """Numbers on a device.

    Attributes:
        values: (n, d) array of the backend: float32, float64 or an integer type.
        backend: what computes on it.
        type: name of the dtype that it came with.
        ndim: dimensions that it came with; a vector is a matrix of one column here.
    """

    values: Any
    backend: Backend
    type: str
    ndim: int = 2

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the values."""
        return np.dtype(_dtype_name(self.values))

    @cached_property
    def nans(self) -> npt.NDArray[np.int64]:
        """Values of each column that are NaN, (d,)."""
        if self.dtype.kind != "f":
            return np.zeros(self.width, np.int64)
        xp = self.backend.xp
        with self.backend.scope():
            return self.backend.to_numpy(xp.sum(xp.astype(xp.isnan(self.values), xp.int64), axis=0))

    @cached_property
    def bounds(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Least and greatest value of each column, (d,) twice; +inf and -inf of a column without any."""
        xp, v = self.backend.xp, self.values
        with self.backend.scope():
            low = high = v
            if self.nans.any():
                lost = xp.isnan(v)
                inf = xp.asarray(xp.inf, dtype=v.dtype)
                low, high = xp.where(lost, inf, v), xp.where(lost, -inf, v)
            return self.backend.to_numpy(xp.min(low, axis=0)), self.backend.to_numpy(xp.max(high, axis=0))

    @cached_property
    def ascends(self) -> npt.NDArray[np.bool_]:
        """Whether the values of each column never fall down the rows, (d,)."""
        with self.backend.scope():
            return self.backend.to_numpy(self.backend.xp.all(self.values[1:, :] >= self.values[:-1, :], axis=0))

    def take(self, rows: npt.NDArray[Any]) -> DeviceMatrix:
        """The rows of these numbers (or of this boolean mask), in that order."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        with self.backend.scope():
            values = self.backend.xp.take(self.values, self.backend.asarray(chosen), axis=0)
        return DeviceMatrix(values, self.backend, self.type, self.ndim)

    def columns(self, places: Sequence[int], dtype: npt.DTypeLike) -> tuple[Any, Any]:
        """Columns as (values, mask), both (n, len(places)) on the device; 0 where the mask is False."""
        xp, v = self.backend.xp, self.values
        wanted = getattr(xp, np.dtype(dtype).name)
        if list(places) != list(range(self.width)):
            v = xp.take(v, self.backend.asarray(np.asarray(places, np.int64)), axis=1)
        if self.dtype.kind != "f" or not self.nans[list(places)].any():
            return xp.astype(v, wanted, copy=False), xp.ones(v.shape, dtype=xp.bool)
        mask = xp.logical_not(xp.isnan(v))
        return xp.astype(xp.where(mask, v, xp.zeros_like(v)), wanted, copy=False), mask

    def on_host(self, place: int | None = None) -> npt.NDArray[Any]:
        """One column (n,), or all of them (n, d), as a NumPy array."""
        with self.backend.scope():
            return self.backend.to_numpy(self.values if place is None else self.values[:, place])


class DeviceColumn(NumericColumn):
    """A column of a matrix that is on a device. Its values come to the host each time they are asked for."""

    __slots__ = ("matrix", "place")
    matrix: DeviceMatrix
    place: int

    def __init__(self, name: str, matrix: DeviceMatrix, place: int) -> None:
        """Column number `place` of the matrix."""
        nans = int(matrix.nans[place])
        known = {"name": name, "nulls": 0, "nans": nans, "kind": Kind.NUMERIC, "unit": ""}
        for field, value in {**known, "matrix": matrix, "place": place}.items():
            object.__setattr__(self, field, value)

    @property
    def values(self) -> npt.NDArray[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(n,) on the host."""
        return self.matrix.on_host(self.place)

    @property
    def present(self) -> npt.NDArray[np.bool_] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(n,) False in a row that is NaN; None where none is."""
        return ~np.isnan(self.values) if self.nans else None

    @property
    def rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.matrix)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The values' type."""
        return self.matrix.dtype

    def bounds(self) -> tuple[Any, Any]:
        """Least and greatest value that is there."""
        low, high = self.matrix.bounds
        return low[self.place].item(), high[self.place].item()

    def ascends(self) -> bool:
        """Whether the values never fall down the rows; they do where one is NaN."""
        return bool(self.matrix.ascends[self.place])

    def on_host(self) -> NumericColumn:
        """The column with its values in a NumPy array."""
        values = self.values
        return NumericColumn(self.name, values, ~np.isnan(values) if self.nans else None, 0, self.nans)

    def take(self, rows: npt.NDArray[Any]) -> NumericColumn:
        """The rows of these numbers (or of this boolean mask), in that order."""
        return DeviceColumn(self.name, self.matrix.take(rows), self.place)

    def __reduce__(self) -> Any:
        # Another process may have another device, or none.
        host = self.on_host()
        return NumericColumn, (host.name, host.values, host.present, host.nulls, host.nans)

    def of(self, matrix: DeviceMatrix) -> DeviceColumn:
        """The same column of another matrix, such as some rows of this one."""
        return DeviceColumn(self.name, matrix, self.place)


class DeviceEmbedding(EmbeddingColumn):
    """Embeddings that are on a device: the whole matrix is one column."""

    __slots__ = ("lost", "matrix")
    matrix: DeviceMatrix
    lost: npt.NDArray[np.bool_] | None

    def __init__(self, name: str, matrix: DeviceMatrix) -> None:
        """All columns of the matrix; rows with a NaN are missing."""
        lost = None
        if matrix.nans.any():
            xp = matrix.backend.xp
            with matrix.backend.scope():
                lost = matrix.backend.to_numpy(xp.any(xp.isnan(matrix.values), axis=1))
        nans = 0 if lost is None else int(np.count_nonzero(lost))
        for field, value in {"name": name, "nulls": 0, "nans": nans, "matrix": matrix, "lost": lost}.items():
            object.__setattr__(self, field, value)

    @property
    def values(self) -> npt.NDArray[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(n, k) on the host."""
        return self.matrix.on_host()

    @property
    def present(self) -> npt.NDArray[np.bool_] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(n,) False in a row with a NaN; None where there is none."""
        return None if self.lost is None else ~self.lost

    @property
    def rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.matrix)

    @property
    def dimensions(self) -> int:
        """Numbers of a row: k."""
        return self.matrix.width

    def take(self, rows: npt.NDArray[Any]) -> EmbeddingColumn:
        """The rows of these numbers (or of this boolean mask), in that order."""
        return DeviceEmbedding(self.name, self.matrix.take(rows))

    def __reduce__(self) -> Any:
        return EmbeddingColumn, (self.name, self.values, self.present, self.nulls, self.nans)


def is_tensor(x: Any) -> bool:
    """Whether an object hands over its memory by DLPack and is neither NumPy's nor Arrow's."""
    if isinstance(x, np.ndarray) or hasattr(x, "__arrow_c_array__") or hasattr(x, "__arrow_c_stream__"):
        return False
    return hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__")


def open_tensor(x: Any, what: str, backend: Backend | None) -> npt.NDArray[Any] | DeviceMatrix:
    """A tensor as the engine computes on it, without a copy where its type allows.

    Args:
        x: a tensor of torch, JAX, CuPy or any library that speaks DLPack, of one or two dimensions.
        what: what to call it in an error.
        backend: what will compute; tensors of its library stay as they are. None for the host.

    Returns:
        A matrix on the device where the backend takes it; else a NumPy array that shares the tensor's memory.

    Raises:
        DataError: it is sparse or complex, or not of 1 or 2 dimensions, or on a device that the backend cannot reach.
    """
    x = _plain(x, what)
    found = None if backend is None else backend.adopt(x)
    if backend is not None and found is not None:
        return _kept(found, what, backend)
    if not on_host(x):
        where = "the host" if backend is None else f"backend {backend.name!r} ({backend.device})"
        raise DataError(
            f"{what} is on a device, and {where} cannot reach it: give backend='cupy' or backend='jax' on a machine "
            "with that library and a GPU, or copy it to the host first, as x.cpu() does"
        )
    array = _viewed(x, what)
    _fits(array.ndim, array.dtype.name, what)
    return array


def _viewed(x: Any, what: str) -> npt.NDArray[Any]:
    refused = (BufferError, TypeError, ValueError, RuntimeError)
    try:
        return np.from_dlpack(x)
    except refused as error:
        first = error
    try:
        if hasattr(x, "__array__"):
            return np.asarray(x)
    except refused as error:
        first = error
    raise DataError(f"{what} cannot be handed over: {first}; give a NumPy array of it") from first


def _kept(found: Any, what: str, backend: Backend) -> npt.NDArray[Any] | DeviceMatrix:
    """The backend's array as a matrix; truth values are counted on the host, as all categories are."""
    name, ndim = _dtype_name(found), len(found.shape)
    _fits(ndim, name, what)
    xp = backend.xp
    with backend.scope():
        if name == "bool":
            return backend.to_numpy(found)
        matrix = xp.reshape(found, (-1, 1)) if ndim == 1 else found
        if name == "float16":
            matrix = xp.astype(matrix, xp.float32)
    return DeviceMatrix(matrix, backend, name, ndim)


def _plain(x: Any, what: str) -> Any:
    """Without a gradient, and of a type that other libraries know; converted where it is."""
    if getattr(x, "is_sparse", False) or "sparse" in str(getattr(x, "layout", "")):
        raise DataError(f"{what} is sparse; give it dense, as x.to_dense() makes it")
    if getattr(x, "requires_grad", False):
        x = x.detach()
    if _dtype_name(x).startswith(_UNKNOWN_TO_NUMPY):
        x = x.float() if hasattr(x, "float") else x.astype("float32")
    return x


def _fits(ndim: int, dtype: str, what: str) -> None:
    if ndim not in (1, 2):
        raise DataError(f"{what} must have 1 or 2 dimensions (rows, columns), this one has {ndim}")
    if not dtype.startswith(("bool", "int", "uint", "float")):
        raise DataError(f"{what} must hold numbers, this one holds {dtype}; give its parts as columns of their own")


def _dtype_name(x: Any) -> str:
    """`float32` of numpy.float32, torch.float32 and array_api_strict.float32 alike; "" where it is not said."""
    return str(getattr(x, "dtype", "")).rpartition(".")[2]
