"""Arrow arrays to NumPy columns: views where the layout allows, and never through pandas.

`pa.array`, `pa.scalar` and `Array.to_numpy` are not called: each imports pandas where it is installed
(0.65 s, 55 MB), and `to_numpy` turns int64 with nulls into float64, which loses 2**53 + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.data.decoded import Decoded, Outcome, Unreadable, merged_codes, truth_column
from accel_drift.data.kinds import number_order, text_of
from accel_drift.data.numbers import embedding_column, numeric_column, seconds_column
from accel_drift.data.schema import NULL_TYPE, Kind, embedding_type
from accel_drift.data.table import CategoricalColumn, NumericColumn

_NUMBERS: dict[Any, np.dtype[Any]] = {
    pa.float16(): np.dtype("f2"),
    pa.float32(): np.dtype("f4"),
    pa.float64(): np.dtype("f8"),
    pa.int8(): np.dtype("i1"),
    pa.int16(): np.dtype("i2"),
    pa.int32(): np.dtype("i4"),
    pa.int64(): np.dtype("i8"),
    pa.uint8(): np.dtype("u1"),
    pa.uint16(): np.dtype("u2"),
    pa.uint32(): np.dtype("u4"),
    pa.uint64(): np.dtype("u8"),
}


def decode(name: str, kind_of_array: Any, chunks: Sequence[Any]) -> Outcome:
    """One column from its chunks.

    Args:
        name: the column's name.
        kind_of_array: its `pyarrow.DataType`.
        chunks: its `pyarrow.Array`s, in row order; may be none.
    """
    dtype, chunks = _plain(kind_of_array, chunks)
    said = type_name(dtype)
    is_ = pa.types
    if is_.is_null(dtype):
        rows = sum(len(chunk) for chunk in chunks)
        return Decoded(NumericColumn(name, np.zeros(rows), np.zeros(rows, bool) if rows else None, rows), NULL_TYPE)
    if is_.is_boolean(dtype):
        return Decoded(truth_column(name, _joined(chunks, _truths, np.bool_), _present(chunks)), said)
    if dtype in _NUMBERS or is_.is_decimal(dtype):
        return Decoded(_numbers(name, dtype, chunks), said)
    if is_.is_temporal(dtype) and not is_.is_interval(dtype):
        return Decoded(_instants(name, dtype, chunks), said)
    words = dtype.value_type if is_.is_dictionary(dtype) else dtype
    if is_.is_string(words) or is_.is_large_string(words) or is_.is_string_view(dtype):
        return Decoded(_texts(name, dtype, chunks), said)
    if is_.is_dictionary(dtype) and _has_text(words):
        return Decoded(merged_codes(name, [_coded(chunk) for chunk in chunks], order=_order(words)), said)
    if is_vector(dtype):
        return _vectors(name, dtype, chunks)
    return Unreadable(_refusal(dtype))


def type_name(dtype: Any) -> str:
    """The type in words: Arrow's own, a dictionary by what it holds."""
    if pa.types.is_dictionary(dtype):
        return f"dictionary<{dtype.value_type}>"
    return str(dtype)


def is_vector(dtype: Any) -> bool:
    """Whether a row is a list of numbers: an embedding, if all have the same length."""
    is_ = pa.types
    lists = is_.is_fixed_size_list(dtype) or is_.is_list(dtype) or is_.is_large_list(dtype)
    return bool(lists and dtype.value_type in _NUMBERS)


def _plain(dtype: Any, chunks: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """Without what only wraps: extension types give their storage, run-end encoding is undone."""
    if isinstance(dtype, pa.BaseExtensionType):
        if dtype.extension_name == "arrow.bool8":
            return pa.bool_(), [chunk.storage.cast(pa.bool_()) for chunk in chunks]
        if dtype.extension_name == "arrow.uuid":
            return dtype, chunks
        return _plain(dtype.storage_type, [chunk.storage for chunk in chunks])
    if pa.types.is_run_end_encoded(dtype):
        import pyarrow.compute as pc

        return _plain(dtype.value_type, [pc.call_function("run_end_decode", [chunk]) for chunk in chunks])
    return dtype, chunks


def _refusal(dtype: Any) -> str:
    is_ = pa.types
    if isinstance(dtype, pa.BaseExtensionType):
        return "identifier-like: a uuid names a thing"
    if is_.is_nested(dtype):
        return f"nested ({dtype}): make columns of its parts"
    if "binary" in str(dtype):  # large, fixed in size, views, dictionaries of them
        return f"bytes ({dtype}): not a value that can be compared"
    if is_.is_dictionary(dtype):
        return f"categories of type {dtype.value_type}, which cannot be written as text: make columns of their parts"
    return f"type {dtype} is not supported: make it a number, a text or a timestamp"


def _has_text(values: Any) -> bool:
    """Whether the values of a dictionary can be written as text, one text a value."""
    is_ = pa.types
    return not (is_.is_nested(values) or is_.is_interval(values) or "binary" in str(values))


def _order(values: Any) -> Any:
    """Categories that are numbers stand in the order of the numbers."""
    return number_order if values in _NUMBERS else None


def _coded(array: Any) -> tuple[npt.NDArray[Any], list[str | None]]:
    """(codes, texts) of one dictionary array; a missing row has code -1, a null value is None."""
    texts = [None if value is None else text_of(value) for value in array.dictionary.to_pylist()]
    return _codes(array.indices, -1), texts


def _texts(name: str, dtype: Any, chunks: Sequence[Any]) -> CategoricalColumn:
    """Texts, or dictionaries of texts, by Arrow's hash table and Arrow's sort: Python's take seconds for millions.

    Both sort alike: UTF-8 bytes stand in the order of the code points.
    """
    import pyarrow.compute as pc

    if len(chunks) > 1 and pa.types.is_dictionary(dtype):  # each has a dictionary of its own
        dtype, chunks = dtype.value_type, [chunk.dictionary_decode() for chunk in chunks]
    encoded = pa.chunked_array(chunks, type=dtype).dictionary_encode()  # one dictionary for all chunks
    if not encoded.num_chunks:
        return CategoricalColumn(name, np.empty(0, np.int32), ())
    # A given dictionary may hold a value twice, a null, and values without a row.
    given = encoded.chunk(encoded.num_chunks - 1).dictionary
    distinct = given.dictionary_encode()
    known = np.append(_codes(distinct.indices, -1), -1)  # the last entry is of rows without a code
    codes = _joined([chunk.indices for chunk in encoded.chunks], lambda part: _codes(part, len(given)), np.int32)
    rows = np.bincount(codes, minlength=len(known))
    used = np.zeros(len(distinct.dictionary) + 1, bool)
    used[known[rows > 0]] = True
    texts = distinct.dictionary.cast(pa.large_string())  # views do not sort
    order = _view(pc.call_function("sort_indices", [texts]), np.dtype("u8"))
    order = order[used[order]]
    place = np.full(len(used), -1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    values = texts.to_pylist()
    nulls = int(rows[known < 0].sum())
    return CategoricalColumn(name, place[known].take(codes), tuple([values[i] for i in order.tolist()]), nulls)


def _codes(indices: Any, null: int) -> npt.NDArray[Any]:
    """Codes of a dictionary array as int32, or as int64 where they are wider; `null` for a null."""
    codes = _view(indices, _NUMBERS[indices.type])
    codes = codes.astype(np.int32 if codes.itemsize < 4 or codes.dtype == np.int32 else np.int64, copy=False)
    valid = _valid(indices)
    return codes if valid is None else np.where(valid, codes, codes.dtype.type(null))


def _numbers(name: str, dtype: Any, chunks: Sequence[Any]) -> NumericColumn:
    if pa.types.is_decimal(dtype):
        values = _joined(chunks, _decimals, np.float64)
        return numeric_column(name, values, _present(chunks))
    values = _joined(chunks, lambda chunk: _view(chunk, _NUMBERS[dtype]), _NUMBERS[dtype])
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return numeric_column(name, values, _present(chunks))


def _decimals(array: Any) -> npt.NDArray[np.float64]:
    """Decimals as the nearest float64, as `float(Decimal)` gives: Arrow's own cast is off by a last digit at times."""
    dtype = array.type
    if dtype.precision <= 15 and 0 <= dtype.scale <= 15:
        # Both the whole number and the power of ten are exact, so the quotient is rounded once.
        stored = np.dtype("i4") if dtype.bit_width == 32 else np.dtype("i8")
        words = dtype.byte_width // stored.itemsize  # the lowest comes first and holds the whole number
        data = np.frombuffer(array.buffers()[1], stored, len(array) * words, array.offset * dtype.byte_width)
        return np.asarray(data[::words] / 10.0**dtype.scale)
    return _view(array.cast(pa.string()).cast(pa.float64()), np.dtype("f8"))


def _instants(name: str, dtype: Any, chunks: Sequence[Any]) -> NumericColumn:
    """Dates, timestamps and times of day as integers in their unit; durations as seconds."""
    is_ = pa.types
    narrow = is_.is_date32(dtype) or is_.is_time32(dtype)
    stored = np.dtype("i4") if narrow else np.dtype("i8")
    values = _joined(chunks, lambda chunk: _view(chunk, stored), stored)
    present = _present(chunks)
    nulls = 0 if present is None else int(present.size - np.count_nonzero(present))
    unit = "D" if is_.is_date32(dtype) else "ms" if is_.is_date64(dtype) else dtype.unit
    if is_.is_duration(dtype):
        return seconds_column(name, values, unit, present)
    values = values.astype(np.int64, copy=False)
    return NumericColumn(name, values, present if nulls else None, nulls, 0, Kind.TIMESTAMP, unit)


def _vectors(name: str, dtype: Any, chunks: Sequence[Any]) -> Outcome:
    """Lists of numbers as embeddings; a view where the lists are of fixed size and in one chunk.

    A list that holds a null is missing as a whole.
    """
    filled = [chunk for chunk in chunks if len(chunk)]
    spans = [_spans(chunk) for chunk in filled]
    lengths = {int(k) for chunk, (_, sizes) in zip(filled, spans, strict=True) for k in np.unique(sizes[_there(chunk)])}
    if pa.types.is_fixed_size_list(dtype):
        lengths = {dtype.list_size}
    rows = sum(map(len, filled))
    if not lengths:
        return Decoded(NumericColumn(name, np.zeros(rows), np.zeros(rows, bool) if rows else None, rows), NULL_TYPE)
    if len(lengths) > 1 or 0 in lengths:
        told = f"of {min(lengths)} to {max(lengths)} numbers" if len(lengths) > 1 else "of 0 numbers"
        return Unreadable(f"nested ({dtype}): lists {told}; embeddings have one length, above 0")
    k = lengths.pop()
    stored = _NUMBERS[dtype.value_type]
    parts = [_matrix(chunk, starts, k, stored) for chunk, (starts, _) in zip(filled, spans, strict=True)]
    values = parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, k), stored), *parts])
    valid = [_whole(chunk, starts, k) for chunk, (starts, _) in zip(filled, spans, strict=True)]
    present = None if all(v.all() for v in valid) else np.concatenate(valid)
    return Decoded(embedding_column(name, values, present), embedding_type(str(dtype.value_type), k))


def _spans(array: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(start, length) of each row's list among the values; `values` of an array knows nothing of its offset."""
    if pa.types.is_fixed_size_list(array.type):
        k = array.type.list_size
        return (array.offset + np.arange(len(array), dtype=np.int64)) * k, np.full(len(array), k)
    stored = np.dtype("i8") if pa.types.is_large_list(array.type) else np.dtype("i4")
    bounds = np.frombuffer(array.buffers()[1], stored, len(array) + 1, array.offset * stored.itemsize).astype(np.int64)
    return bounds[:-1], np.diff(bounds)


def _matrix(array: Any, starts: npt.NDArray[np.int64], k: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """(n, k) numbers of the lists; those of a null row are undefined."""
    numbers = _view(array.values, dtype)
    if np.array_equal(starts, starts[0] + k * np.arange(len(starts))) and starts[-1] + k <= len(numbers):
        return numbers[starts[0] : starts[-1] + k].reshape(len(starts), k)
    first = np.where(_there(array), starts, 0)  # a null row may stand anywhere, beyond the last number too
    if len(numbers) < k:
        return np.zeros((len(starts), k), dtype)
    return np.asarray(numbers[first[:, None] + np.arange(k)])


def _whole(array: Any, starts: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.bool_]:
    """(n,) True where there is a list without a null in it."""
    there = _there(array)
    inner = _valid(array.values)
    if inner is None:
        return there
    rows = np.flatnonzero(there)
    there[rows] = inner[starts[rows, None] + np.arange(k)].all(axis=1)
    return there


def _there(array: Any) -> npt.NDArray[np.bool_]:
    valid = _valid(array)
    return np.ones(len(array), bool) if valid is None else valid


def _joined(chunks: Sequence[Any], read: Any, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The chunks as one array; a single chunk stays a view."""
    parts = [read(chunk) for chunk in chunks if len(chunk)]
    if len(parts) == 1:
        return np.asarray(parts[0])
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _view(array: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The data buffer as it lies; what stands under a null is undefined."""
    if not len(array):
        return np.empty(0, dtype)
    data = array.buffers()[1]
    return np.frombuffer(data, dtype, count=len(array), offset=array.offset * dtype.itemsize)


def _truths(array: Any) -> npt.NDArray[np.bool_]:
    return _bits(array.buffers()[1], array.offset, len(array))


def _valid(array: Any) -> npt.NDArray[np.bool_] | None:
    if not array.null_count:
        return None
    return _bits(array.buffers()[0], array.offset, len(array))


def _present(chunks: Sequence[Any]) -> npt.NDArray[np.bool_] | None:
    if not any(chunk.null_count for chunk in chunks):
        return None
    parts = [np.ones(len(chunk), bool) if (v := _valid(chunk)) is None else v for chunk in chunks if len(chunk)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _bits(buffer: Any, offset: int, rows: int) -> npt.NDArray[np.bool_]:
    """(rows,) truth values of a bitmap, least significant bit first; a copy."""
    first = offset // 8
    raw = np.frombuffer(buffer, np.uint8)[first : (offset + rows + 7) // 8]
    unpacked = np.unpackbits(raw, bitorder="little")[offset - 8 * first :][:rows]
    return unpacked.view(np.bool_)
