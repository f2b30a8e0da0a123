"""Tables as Arrow record batches and back, for files that keep rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.data.arrow import decode
from accel_drift.data.decoded import Decoded
from accel_drift.data.schema import Kind, Schema
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn
from accel_drift.errors import SchemaError

_FIELD = b"accel_drift.column"
_TABLE = b"accel_drift.table"


def to_arrow(table: Table) -> Any:
    """The table as one `pyarrow.RecordBatch`: numbers in their own type, categories as dictionaries."""
    arrays, fields = [], []
    for name, column in table.columns.items():
        if isinstance(column, NumericColumn):
            array = _number_array(column)
            about = {"kind": column.kind, "unit": column.unit, "nulls": column.nulls, "nans": column.nans}
        elif isinstance(column, EmbeddingColumn):
            array = _list_array(column)
            about = {"kind": column.kind, "nulls": column.nulls, "nans": column.nans}
        else:
            array = _category_array(column)
            about = {"kind": column.kind}
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={_FIELD: json.dumps(about)}))
    whole = {"rows": table.rows, "name": table.name, "excluded": dict(table.excluded)}
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata={_TABLE: json.dumps(whole)}))


def from_arrow(batch: Any, schema: Schema) -> Table:
    """The table that `to_arrow` wrote.

    Raises:
        SchemaError: the record batch has other columns than the schema, or `to_arrow` did not write it.
    """
    if tuple(batch.schema.names) != schema.names:
        raise SchemaError(f"the rows have columns {batch.schema.names}, the schema {list(schema.names)}")
    try:
        whole = json.loads((batch.schema.metadata or {})[_TABLE])
        columns = {name: _column(batch, name) for name in schema.names}
        rows, excluded, said = int(whole["rows"]), whole["excluded"], whole["name"]
    except (KeyError, ValueError, TypeError) as error:
        raise SchemaError(f"these rows were not written by Table.to_arrow: {error!r}") from error
    if any(column.rows != rows for column in columns.values()):
        raise SchemaError(f"the rows were {rows:,} when they were written and are {batch.num_rows:,} now")
    return Table(rows, columns, schema, excluded, said)


def _column(batch: Any, name: str) -> TableColumn:
    about = json.loads((batch.schema.field(name).metadata or {})[_FIELD])
    kind = Kind(about["kind"])
    array = batch.column(name)
    if pa.types.is_dictionary(array.type):
        # By hand, so that categories without a row stay, in their order.
        codes = array.indices
        missing = decode(name, codes.type, [codes])
        texts = tuple(str(text) for text in array.dictionary.to_pylist())
        return _categories(name, missing, texts, kind)
    if kind is Kind.EMBEDDING:
        return _embedding(name, array, int(about["nulls"]), int(about["nans"]))
    found = decode(name, array.type, [array])
    if not isinstance(found, Decoded) or not isinstance(found.column, NumericColumn):
        raise ValueError(f"column {name!r} is {array.type}")
    nulls, nans = int(about["nulls"]), int(about["nans"])
    if nulls + nans != found.column.missing:
        raise ValueError(f"column {name!r} has {found.column.missing} rows missing, not {nulls + nans}")
    column = found.column
    return NumericColumn(name, column.values, column.present, nulls, nans, kind, str(about["unit"]))


def _categories(name: str, codes: Any, texts: tuple[str, ...], kind: Kind) -> CategoricalColumn:
    column: NumericColumn = codes.column
    values = column.values.astype(np.int32, copy=False)
    if column.present is not None:
        values = np.where(column.present, values, np.int32(-1))
    if values.size and not -1 <= int(values.min()) <= int(values.max()) < len(texts):
        raise ValueError(f"column {name!r} has codes beyond its categories")
    return CategoricalColumn(name, values, texts, column.nulls, kind)


def _embedding(name: str, array: Any, nulls: int, nans: int) -> EmbeddingColumn:
    k = array.type.list_size
    numbers = decode(name, array.type.value_type, [array.values])
    lost = decode(name, pa.bool_(), [array.is_null()])
    if not isinstance(numbers, Decoded) or not isinstance(numbers.column, NumericColumn):
        raise ValueError(f"column {name!r} is {array.type}")
    if not isinstance(lost, Decoded) or not isinstance(lost.column, CategoricalColumn):
        raise ValueError(f"column {name!r} does not say which rows are missing")
    values = numbers.column.values[array.offset * k : (array.offset + len(array)) * k].reshape(len(array), k)
    present = lost.column.codes == 0
    if nulls + nans != array.null_count:
        raise ValueError(f"column {name!r} has {array.null_count} rows missing, not {nulls + nans}")
    return EmbeddingColumn(name, values, present if array.null_count else None, nulls, nans)


def _list_array(column: EmbeddingColumn) -> Any:
    values = column.values
    if column.present is not None:
        kept = column.present
        if column.nulls and column.nans:
            kept = kept | np.isnan(values).any(axis=1)
        values = np.where(kept[:, None], values, values.dtype.type(0))
    numbers = _arrow_type(values.dtype)
    flat = pa.Array.from_buffers(numbers, values.size, [None, pa.py_buffer(np.ascontiguousarray(values))])
    missing = 0 if column.present is None else column.missing
    made = pa.list_(numbers, column.dimensions)
    return pa.Array.from_buffers(made, column.rows, [_bitmap(column.present)], missing, children=[flat])


def _number_array(column: NumericColumn) -> Any:
    values = column.values
    if column.present is not None:
        # What stands under a null is undefined: it would differ from run to run, and leak what it was.
        kept = column.present | np.isnan(values) if column.nulls and column.nans else column.present
        values = np.where(kept, values, values.dtype.type(0))
    return pa.Array.from_buffers(
        _arrow_type(values.dtype),
        len(values),
        [_bitmap(column.present), pa.py_buffer(np.ascontiguousarray(values))],
        column.missing if column.present is not None else 0,
    )


def _arrow_type(dtype: np.dtype[Any]) -> Any:
    return pa.from_numpy_dtype(dtype)


def _category_array(column: CategoricalColumn) -> Any:
    texts = [text.encode() for text in column.categories]
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    dictionary = pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    )
    codes = np.ascontiguousarray(np.maximum(column.codes, 0), np.int32)
    bitmap = _bitmap(column.present)
    return pa.DictionaryArray.from_buffers(
        pa.dictionary(pa.int32(), pa.string()),
        len(codes),
        [bitmap, pa.py_buffer(codes)],
        dictionary,
        column.nulls,
    )


def _bitmap(present: npt.NDArray[np.bool_] | None) -> Any:
    return None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))
