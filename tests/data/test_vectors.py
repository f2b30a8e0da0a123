"""Columns of lists of numbers: embeddings where all lists have one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import EmbeddingColumn, Kind, read_table
from accel_drift.errors import SchemaError

pa = pytest.importorskip("pyarrow")

ROWS: list[Any] = [[1, 2], None, [3, 4], [5, 6], [7, 8]]


def one(array: Any) -> EmbeddingColumn:
    column = read_table(pa.table({"e": array})).columns["e"]
    assert isinstance(column, EmbeddingColumn)
    return column


def held(column: EmbeddingColumn) -> list[Any]:
    return [row if there else None for row, there in zip(column.values.tolist(), column.mask(), strict=True)]


TYPES = {
    "fixed": lambda item: pa.list_(item, 2),
    "list": pa.list_,
    "large": pa.large_list,
}


@pytest.mark.parametrize("item", ["float16", "float32", "float64", "int8", "uint8", "int64"])
@pytest.mark.parametrize("kind", TYPES)
def test_lists_of_one_length_in_every_layout(kind: str, item: str) -> None:
    dtype = TYPES[kind](pa.type_for_alias(item))
    array = pa.array(ROWS, dtype)
    for part, rows in [
        (array, ROWS),
        (array.slice(1, 3), ROWS[1:4]),
        (array.slice(2), ROWS[2:]),
        (pa.chunked_array([array.slice(0, 2), array.slice(2, 0), array.slice(2)]), ROWS),
        (pa.chunked_array([array.slice(3), array.slice(0, 3)]), ROWS[3:] + ROWS[:3]),
    ]:
        column = one(part)
        assert held(column) == rows
        assert (column.nulls, column.nans, column.dimensions) == (rows.count(None), 0, 2)
        assert (column.present is None) == (None not in rows)
        assert column.values.dtype == ("float32" if item == "float16" else item)
    found = read_table(pa.table({"e": array})).schema.get("e")
    assert found is not None
    assert (found.kind, found.type) == (Kind.EMBEDDING, f"fixed_size_list<item: {pa.type_for_alias(item)}>[2]")


def test_nan_and_nulls_within_a_vector_make_it_missing() -> None:
    for dtype in (pa.list_(pa.float32(), 2), pa.list_(pa.float32())):
        array = pa.array([[1, 2], [None, 3], None, [float("nan"), 1], [4, 5]], dtype)
        for part in (array, pa.chunked_array([array.slice(0, 1), array.slice(1)])):
            column = one(part)
            assert held(column) == [[1, 2], None, None, None, [4, 5]]
            assert (column.nulls, column.nans) == (2, 1)


def test_null_rows_without_numbers_below_them() -> None:
    values = pa.array([1.0, 2.0, 3.0, 4.0])
    mask = pa.array([True, False, True, False, True])
    array = pa.ListArray.from_arrays(pa.array([0, 0, 2, 2, 4, 4], pa.int32()), values, mask=mask)
    assert held(one(array)) == [None, [1.0, 2.0], None, [3.0, 4.0], None]
    assert held(one(array.slice(2, 3))) == [None, [3.0, 4.0], None]


def test_fixed_size_lists_are_not_copied(tmp_path: Path) -> None:
    flat = np.arange(12, dtype=np.float32)
    array = pa.FixedSizeListArray.from_arrays(pa.array(flat), 3)
    assert np.shares_memory(one(array).values, flat)
    assert np.shares_memory(one(array.slice(1, 2)).values, flat)
    path = tmp_path / "e.arrow"
    with pa.ipc.new_file(path, pa.schema({"e": array.type})) as out:
        out.write_batch(pa.record_batch({"e": array}))
    column = read_table(path).columns["e"]
    assert isinstance(column, EmbeddingColumn)
    assert not column.values.flags.owndata
    assert column.values.tolist() == flat.reshape(4, 3).tolist()


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([[1], [2, 3]]), "lists of 1 to 2 numbers; embeddings have one length"),
        (pa.chunked_array([pa.array([[1.0]]), pa.array([[1.0, 2.0]])]), "lists of 1 to 2 numbers"),
        (pa.array([[1], []]), "lists of 0 to 1 numbers"),
        (pa.array([[], []], pa.list_(pa.float32())), "lists of 0 numbers"),
        (pa.array([["a"], ["b"]], pa.list_(pa.string(), 1)), "nested (fixed_size_list"),
        (pa.array([[True]], pa.list_(pa.bool_(), 1)), "nested (fixed_size_list"),
    ],
)
def test_other_lists_are_left_out_with_the_reason(array: Any, reason: str) -> None:
    assert reason in read_table(pa.table({"e": array})).excluded["e"]


def test_lists_without_a_value_fit_the_reference() -> None:
    reference = read_table(pa.table({"e": pa.array(ROWS, pa.list_(pa.float32()))}))
    for nothing in (pa.array([None, None], pa.list_(pa.float32())), pa.array([], pa.list_(pa.float32()))):
        column = read_table(pa.table({"e": nothing}), schema=reference.schema).columns["e"]
        assert isinstance(column, EmbeddingColumn)
        assert (column.rows, column.nulls, column.dimensions) == (len(nothing), len(nothing), 2)


def from_parquet(path: Path, table: Any) -> Any:
    import pyarrow.parquet as pq

    pq.write_table(table, path / "e.parquet", row_group_size=2)
    return path / "e.parquet"


def from_folder(path: Path, table: Any) -> Any:
    import pyarrow.parquet as pq

    for place, start in enumerate((0, 1, 3)):
        pq.write_table(table.slice(start, (1, 2, 2)[place]), path / f"{place}.parquet")
    return path


def from_polars(_: Path, table: Any) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def from_pandas(_: Path, table: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame({"e": table["e"].to_pylist()})


def from_duckdb(_: Path, rows: Any) -> Any:  # noqa: ARG001  (duckdb finds it by its name)
    return pytest.importorskip("duckdb").sql("select * from rows")


def from_numpy(_: Path, table: Any) -> Any:
    nothing = [np.nan, np.nan]
    return {"e": np.array([nothing if row is None else row for row in table["e"].to_pylist()])}


@pytest.mark.parametrize("door", [from_parquet, from_folder, from_polars, from_pandas, from_duckdb, from_numpy])
def test_embeddings_come_through_every_door(door: Any, tmp_path: Path) -> None:
    table = pa.table({"e": pa.array(ROWS, pa.list_(pa.float64(), 2))})
    column = read_table(door(tmp_path, table)).columns["e"]
    assert isinstance(column, EmbeddingColumn)
    assert held(column) == ROWS
    assert column.missing == 1


def test_files_with_embeddings_of_other_lengths_are_named(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for name, row in (("a", [1.0]), ("b", [1.0, 2.0])):
        pq.write_table(pa.table({"e": [row]}), tmp_path / f"{name}.parquet")
    with pytest.raises(SchemaError, match=r"b\.parquet: column 'e' is fixed_size_list<item: double>\[2\], but"):
        read_table(tmp_path)
