"""Windows of values: whatever holds numbers becomes (T, S), time downwards, a missing value NaN; what they may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.decoded import Decoded
from accel_drift.data.device import DeviceMatrix, is_tensor, open_tensor
from accel_drift.data.table import NumericColumn
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams.base import StreamDetector

LARGEST = 1e150
"""Numbers are smaller: the sum of their squares has to be a number, too."""

_CHUNK = 1 << 16
"""Values that are looked at together: they and what is said of them stay in the second-level cache."""


class _Kind(NamedTuple):
    """What a detector reads: in words, which values are none of it (NaN never is one), what to do then.

    `within` says of a least and a greatest value that all between them are read; two passes without a temporary.
    """

    words: str
    wrong: Callable[[Any, Any], Any]
    advice: str
    within: Callable[[float, float], bool] = lambda _low, _high: False


def _infinite(x: Any, xp: Any) -> Any:
    """Whether values, or their squares, are none; those of single precision have squares."""
    if not xp.isdtype(x.dtype, "real floating"):
        return x != x
    return xp.abs(x) >= LARGEST if x.dtype == xp.float64 else xp.isinf(x)


KINDS = {
    "numbers": _Kind(
        "finite numbers below 1e150",
        _infinite,
        "give NaN, or null, where there is no number",
        lambda low, high: low > -LARGEST and high < LARGEST,
    ),
    "shares": _Kind(
        "numbers from 0 to 1",
        lambda x, _: (x < 0) | (x > 1),
        "bring values between known bounds to that range, as (x - low) / (high - low)",
        lambda low, high: low >= 0 and high <= 1,
    ),
    "errors": _Kind(
        "errors as 0 or 1",
        lambda x, _: (x != 0) & (x != 1) & (x == x),
        "give 1 where the prediction was wrong and 0 where it was right",
    ),
}
"""What detectors read, by `StreamDetector.reads`."""


class Given(NamedTuple):
    """A window of values.

    Attributes:
        values: (T, S).
        single: whether they were given as one row of one stream.
        names: of the columns of a table, one for each stream; None where values are no table.
    """

    values: Any
    single: bool
    names: tuple[str, ...] | None = None


def check(detector: StreamDetector, values: Any, backend: Backend, seen: int, single: bool) -> None:
    """Refuse values that a detector does not read.

    Args:
        detector: what will read them.
        values: (T, S) as `window` made them.
        backend: the one that they were made for.
        seen: values of each stream before these.
        single: whether they are one stream, whose number goes without saying.

    Raises:
        DataError: one is not what the detector reads; the first of them is named.
        ConfigError: the detector's class does not say what it reads.
    """
    if detector.reads not in KINDS:
        kinds = ", ".join(repr(kind) for kind in KINDS)
        raise ConfigError(f"{type(detector).__name__}.reads is {detector.reads!r}; there are {kinds}")
    kind = KINDS[detector.reads]
    found = _first(kind, values, backend)
    if found is not None:
        t, s, value = found
        raise DataError(
            f"{type(detector).__name__} reads {kind.words}, and the value at index {seen + t:,}"
            f"{'' if single else f' of stream {s:,}'} is {value!r}; {kind.advice}"
        )


def _first(kind: _Kind, values: Any, backend: Backend) -> tuple[int, int, float] | None:
    """Moment, stream and value of the first that is wrong, by time."""
    if isinstance(values, np.ndarray):
        flags: Any = ("external_loop", "buffered", "zerosize_ok")
        small = values.size <= _CHUNK
        chunks: Any = [values] if small else np.nditer(values, flags=flags, order="K", buffersize=_CHUNK)
        # A missing value makes the least one missing, which is within nothing.
        if all(
            chunk.size == 0 or kind.within(float(chunk.min()), float(chunk.max())) or not kind.wrong(chunk, np).any()
            for chunk in chunks
        ):
            return None
        wrong = kind.wrong(values, np)
    else:
        with backend.scope():
            found = kind.wrong(values, backend.xp)
            if not bool(backend.xp.any(found)):
                return None
            wrong, values = backend.to_numpy(found), backend.to_numpy(values)
    t, s = np.argwhere(wrong)[0].tolist()
    return t, s, values[t, s].item()


def window(values: Any, backend: Backend) -> Given:
    """Values as (T, S), whatever holds them; a number is one value of one stream.

    Arrow's arrays and tables, NumPy arrays and tensors whose memory the backend can reach are not copied, save
    integers with nulls.

    Raises:
        DataError: they are no numbers, or of more than two dimensions, or a table that names a column twice.
    """
    found: Any
    names = None
    if values is None:
        raise DataError("values are None; one that is missing is NaN, or None in a list")
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        found, names = _from_arrow(values)
    elif is_tensor(values):
        found = open_tensor(values, "values", backend)
        if isinstance(found, DeviceMatrix):
            return Given(found.values, found.ndim == 1)
    else:
        found = _array(values)
    if found.dtype.kind not in "biuf":
        told = f"a {type(found.flat[0]).__name__}" if found.dtype.kind == "O" and found.size else f"{found.dtype}"
        raise DataError(f"values are {told}, and a stream is watched as numbers: give bool, integers or floats")
    if found.ndim > 2:
        raise DataError(f"values have {found.ndim} dimensions; give (T,) for one stream or (T, S), time downwards")
    return Given(found.reshape(-1, 1), True) if found.ndim < 2 else Given(found, False, names)


def _array(values: Any) -> npt.NDArray[Any]:
    try:
        found = np.asarray(values)
        if found.dtype.kind != "O":
            return found
        given = [np.nan if v is None else v for v in found.ravel().tolist()]
        return np.asarray(given).reshape(found.shape)
    except (TypeError, ValueError) as error:
        raise DataError(f"values cannot be read as an array of numbers: {error}") from error


def _from_arrow(values: Any) -> tuple[npt.NDArray[Any], tuple[str, ...] | None]:
    """A column as (T,), a table as (T, S) with each column a stream, and their names."""
    import pyarrow as pa

    if hasattr(values, "column_names") or hasattr(values, "columns"):
        table = pa.table(values)
        names = tuple(table.column_names)
        if not names:
            raise DataError("values are a table without columns; each of its columns is a stream")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"values are a table with two columns {twice!r}; each stream needs a name of its own")
        return np.stack([_column(n, table[n]) for n in names], axis=1), names
    return _column("values", values), None


def _column(name: str, of: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    from accel_drift.data.arrow import decode
    from accel_drift.data.streams import exported

    whole = exported(name, of)
    if pa.types.is_temporal(whole.type):
        raise DataError(f"column {name!r} holds {whole.type}, and a stream is watched as numbers: leave it out")
    if pa.types.is_boolean(whole.type):
        whole = whole.cast(pa.uint8())
    found = decode(name, whole.type, whole.chunks)
    if not isinstance(found, Decoded) or not isinstance(found.column, NumericColumn):
        raise DataError(f"column {name!r} holds no numbers, and a stream is watched as numbers")
    numbers, present = found.column.on_host().values, found.column.mask()
    return numbers if present.all() else np.where(present, numbers, np.nan)
