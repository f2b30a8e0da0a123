"""Rows taken, selected, written as Arrow and read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.data import Kind, Table, read_table
from accel_drift.errors import SchemaError

pa = pytest.importorskip("pyarrow")


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(0, 12))

    def column(values: st.SearchStrategy[Any], type_: Any) -> Any:
        return pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), type_)

    columns = {
        "f": column(st.floats(width=64), pa.float64()),
        "g": column(st.floats(width=32), pa.float32()),
        "i": column(st.integers(-(2**63), 2**63 - 1), pa.int64()),
        "u": column(st.integers(2**63, 2**64 - 1), pa.uint64()),
        "s": column(st.text(max_size=2), pa.string()),
        "b": column(st.booleans(), pa.bool_()),
        "t": column(st.integers(0, 10**9), pa.timestamp("s")),
        "d": column(st.integers(0, 10**9), pa.duration("ms")),
        "n": pa.nulls(rows),
    }
    names = draw(st.lists(st.sampled_from(sorted(columns)), unique=True))
    return read_table(pa.table({name: columns[name] for name in names}), columns=names)


def through_a_file(batch: Any) -> Any:
    """The record batch as it comes back from an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as out:
        out.write_batch(batch)
    return pa.ipc.open_file(sink.getvalue()).get_batch(0)


@given(table=tables(), data=st.data())
def test_arrow_and_back_is_the_same_table(table: Table, data: st.DataObject, same: Any) -> None:
    if table.columns:  # a record batch without columns cannot say how many rows it has
        indices = data.draw(st.lists(st.integers(0, table.rows - 1), max_size=8)) if table.rows else []
        table = table.take(indices)
    batch = table.to_arrow()
    batch.validate(full=True)
    again = Table.from_arrow(through_a_file(batch), table.schema)
    if table.columns:
        same(again, table, types=True)
    assert (again.name, again.excluded) == (table.name, table.excluded)
    assert again.to_arrow().equals(batch, check_metadata=True)


@given(table=tables(), data=st.data())
def test_take_is_the_rows_and_their_counts(table: Table, data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, table.rows - 1), max_size=20)) if table.rows else []
    taken = table.take(indices)
    assert taken.rows == len(indices)
    for name, whole in table.columns.items():
        part = taken.columns[name]
        assert part.rows == len(indices)
        np.testing.assert_array_equal(part.mask(), whole.mask()[indices])
        assert part.missing == np.count_nonzero(~part.mask())
    # Taken twice in parts, nulls and NaN add up.
    cut = len(indices) // 2
    for name in table.columns:
        one, two, both = (table.take(rows).columns[name] for rows in (indices[:cut], indices[cut:], indices))
        assert one.nulls + two.nulls == both.nulls
        assert getattr(one, "nans", 0) + getattr(two, "nans", 0) == getattr(both, "nans", 0)


def test_nulls_and_nans_stay_apart_through_take_and_a_file() -> None:
    values = pa.array([1.0, None, float("nan"), None, float("nan"), 2.0])
    table = read_table(pa.table({"x": values}))
    again = Table.from_arrow(through_a_file(table.to_arrow()), table.schema)
    for source in (table, again):
        part = source.take([1, 2, 2, 0]).numeric("x")
        assert (part.nulls, part.nans, part.present_values().tolist()) == (1, 2, [1.0])
    assert table.take([0, 5]).numeric("x").present is None


def test_what_lies_under_a_null_is_not_written() -> None:
    secret = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 4242]))])
    batch = read_table(pa.table({"x": secret})).to_arrow()
    assert np.frombuffer(batch.column("x").buffers()[1], np.int64).tolist() == [1, 0]


def test_masks_and_selection(table: Table) -> None:
    taken = table.take(np.array([True, False, False, True]))
    assert taken.rows == len(taken) == 2
    assert taken["place"].codes.tolist() == [1, 1]  # type: ignore[union-attr]
    chosen = table.select(["place", "price"])
    assert list(chosen.columns) == list(chosen.schema.names) == ["place", "price"]
    assert chosen.rows == table.rows
    with pytest.raises(SchemaError, match=r"no column 'prise'; there are 'price', 'count'"):
        table.select(["prise"])
    with pytest.raises(SchemaError, match="'price' holds numbers"):
        table.categorical("price")
    with pytest.raises(SchemaError, match="'place' holds categories"):
        table.numeric("place")


def test_categories_without_a_row_survive_a_file(table: Table) -> None:
    part = table.take([0])
    again = Table.from_arrow(through_a_file(part.to_arrow()), part.schema)
    assert again.categorical("place").categories == part.categorical("place").categories == ("a", "b")
    assert again.categorical("open").kind is Kind.BOOLEAN


def test_a_table_does_not_change(table: Table) -> None:
    with pytest.raises(TypeError):
        table.columns["x"] = table["price"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        table.rows = 3  # type: ignore[misc]


def damaged(batch: Any, kind: str) -> Any:
    if kind == "another column":
        return batch.select(["price"])
    if kind == "no metadata":
        return batch.replace_schema_metadata({})
    if kind == "rows missing":
        return batch.slice(1)
    fields = [f.remove_metadata() if kind == "field" else f for f in batch.schema]
    arrays = [pa.array([b"x"] * 4) if kind == "type" and f.name == "price" else batch.column(f.name) for f in fields]
    fields = [pa.field(f.name, a.type, metadata=f.metadata) for f, a in zip(fields, arrays, strict=True)]
    if kind == "codes":
        place = batch.schema.names.index("place")
        codes = pa.array([0, 1, 2, 9], pa.int32())
        arrays[place] = pa.DictionaryArray.from_arrays(codes, pa.array(["a"]), safe=False)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=batch.schema.metadata))


@pytest.mark.parametrize("kind", ["another column", "no metadata", "rows missing", "field", "type", "codes"])
def test_foreign_rows_are_refused(kind: str, table: Table) -> None:
    batch = damaged(table.to_arrow(), kind)
    with pytest.raises(SchemaError, match=r"columns|not written by|rows were"):
        Table.from_arrow(batch, table.schema)
    Table.from_arrow(damaged(table.to_arrow(), ""), table.schema)
