"""The same rows through every door give the same table."""

from __future__ import annotations

import datetime as dt
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Kind, NumericColumn, Table, read_table
from accel_drift.errors import DataError, SchemaError, SourceError

pa = pytest.importorskip("pyarrow")

COLUMNS: dict[str, list[Any]] = {
    "whole": [3, None, -1, 2, 2],
    "real": [0.5, 1.25, None, -3.0, 0.5],
    "text": ["b", "a", None, "b", "été"],
    "flag": [True, False, None, True, True],
    "when": [
        dt.datetime(2024, 1, 1, 5),
        None,
        dt.datetime(2024, 1, 2),
        dt.datetime(2023, 12, 31),
        dt.datetime(2024, 1, 1),
    ],
}


def arrow() -> Any:
    return pa.table(COLUMNS)


def from_pyarrow(_: Path) -> Any:
    return arrow()


def from_chunks(_: Path) -> Any:
    return pa.concat_tables([arrow().slice(0, 2), arrow().slice(2, 0), arrow().slice(2)])


def from_batch(_: Path) -> Any:
    return arrow().to_batches()[0]


def from_reader(_: Path) -> Any:
    return arrow().to_reader(max_chunksize=2)


def from_polars(_: Path) -> Any:
    return pytest.importorskip("polars").from_arrow(arrow())


def from_pandas(_: Path) -> Any:
    pd = pytest.importorskip("pandas")
    # The nullable types: plain pandas turns whole numbers with a missing one into floats.
    return pd.DataFrame({name: pd.array(values) for name, values in COLUMNS.items()})


def from_duckdb(_: Path) -> Any:
    rows = arrow()  # noqa: F841  (duckdb finds it by its name)
    return pytest.importorskip("duckdb").sql("select * from rows")


def from_nanoarrow(_: Path) -> Any:
    return pytest.importorskip("nanoarrow").ArrayStream(arrow())


def from_dict(_: Path) -> Any:
    return COLUMNS


def from_dict_of_series(_: Path) -> Any:
    frame = pytest.importorskip("polars").from_arrow(arrow())
    return {name: frame[name] for name in frame.columns}


def from_parquet(folder: Path) -> Any:
    import pyarrow.parquet as pq

    pq.write_table(arrow(), folder / "rows.parquet", row_group_size=2)
    return folder / "rows.parquet"


def from_feather(folder: Path) -> Any:
    import pyarrow.feather as feather

    feather.write_feather(arrow(), folder / "rows.feather", compression="zstd", chunksize=2)
    return str(folder / "rows.feather")


def from_ipc(folder: Path) -> Any:
    with pa.ipc.new_file(folder / "rows.arrow", arrow().schema) as out:
        out.write_table(arrow(), max_chunksize=3)
    return folder / "rows.arrow"


def from_ipc_stream(folder: Path) -> Any:
    with pa.ipc.new_stream(folder / "rows.ipc", arrow().schema) as out:
        out.write_table(arrow(), max_chunksize=3)
    return folder / "rows.ipc"


def csv_text() -> str:
    def field(value: Any) -> str:
        if value is None:
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    lines = [",".join(COLUMNS)] + [",".join(map(field, row)) for row in zip(*COLUMNS.values(), strict=True)]
    return "\n".join(lines) + "\n"


def from_csv(folder: Path) -> Any:
    (folder / "rows.csv").write_text(csv_text(), encoding="utf-8")
    return folder / "rows.csv"


def from_gzip(folder: Path) -> Any:
    (folder / "rows.csv.gz").write_bytes(gzip.compress(csv_text().encode()))
    return folder / "rows.csv.gz"


DOORS = [
    from_pyarrow,
    from_chunks,
    from_batch,
    from_reader,
    from_polars,
    from_pandas,
    from_duckdb,
    from_nanoarrow,
    from_dict,
    from_dict_of_series,
    from_parquet,
    from_feather,
    from_ipc,
    from_ipc_stream,
    from_csv,
    from_gzip,
]


def in_microseconds(table: Table) -> Table:
    """The table with its instants in one unit: each library has its own."""
    when = table.numeric("when")
    micros = when.values.astype(f"M8[{when.unit}]").astype("M8[us]").astype(np.int64)
    column = NumericColumn("when", micros, when.present, when.nulls, when.nans, when.kind, "us")
    return Table(table.rows, {**table.columns, "when": column}, table.schema)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__[5:])
def test_every_door_gives_the_same_table(door: Any, tmp_path: Path, same: Any) -> None:
    found = read_table(door(tmp_path))
    same(in_microseconds(found), in_microseconds(read_table(arrow())), apart=False)
    assert [column.kind for column in found.schema.columns] == [
        Kind.NUMERIC, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.TIMESTAMP,
    ]  # fmt: skip
    assert found.excluded == {}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__[5:])
def test_every_door_narrows(door: Any, tmp_path: Path, same: Any) -> None:
    found = read_table(door(tmp_path), columns=["text", "whole", "flag"], drop=["flag"])
    same(found, read_table(arrow()).select(["text", "whole"]), apart=False)
    assert found.excluded == {"flag": "dropped by the caller"}
    assert found.rows == 5


@pytest.mark.parametrize("door", [from_parquet, from_csv, from_dict, from_pyarrow, from_ipc])
def test_rows_count_without_any_column(door: Any, tmp_path: Path) -> None:
    found = read_table(door(tmp_path), columns=[])
    assert (found.rows, dict(found.columns)) == (5, {})


def test_a_table_passes_through_narrowed(table: Table, same: Any) -> None:
    again = read_table(table, drop=["day"], kinds={"count": "categorical"}, name="again")
    assert list(again.columns) == ["price", "count", "place", "open"]
    assert again.categorical("count").categories == ("1", "3", "4")
    assert again.name == "again"
    same(read_table(table), table, types=True)


def test_a_table_keeps_what_was_found() -> None:
    first = read_table({"user_id": list(range(0, 400, 2)), "x": [0.5] * 200, "y": [1] * 200}, label="y")
    again = read_table(first, label="y", drop=["y"])
    assert again.schema == first.schema
    assert again.schema.get("user_id").reason  # type: ignore[union-attr]
    assert again.excluded == first.excluded == {"y": "label"}


def test_file_names_name_the_table(tmp_path: Path) -> None:
    assert read_table(from_csv(tmp_path)).name == "rows.csv"
    assert read_table(from_csv(tmp_path), name="June").name == "June"


@pytest.mark.parametrize("thing", [None, 3, [1, 2], {1, 2}, object(), iter(())])
def test_anything_else_is_told_what_is_accepted(thing: Any) -> None:
    with pytest.raises(DataError, match=r"cannot read rows from a .*; give a path to a \.parquet"):
        read_table(thing)


def test_a_lazy_frame_is_told_to_collect() -> None:
    pl = pytest.importorskip("polars")
    with pytest.raises(DataError, match="collect"):
        read_table(pl.LazyFrame({"a": [1]}))


def test_a_single_column_is_told_apart() -> None:
    with pytest.raises(DataError, match="single column"):
        read_table(pa.chunked_array([[1, 2]]))
    with pytest.raises(DataError, match="single column"):
        read_table(pa.array([1, 2]))


def test_repeated_names_are_refused() -> None:
    with pytest.raises(DataError, match="same name: 'a'"):
        read_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))


@pytest.mark.parametrize("make", [from_reader, from_nanoarrow])
def test_a_stream_is_read_once(make: Callable[[Any], Any]) -> None:
    stream = make(None)
    assert read_table(stream).rows == 5
    with pytest.raises(DataError, match=r"this .* was read before"):
        read_table(stream)


def test_another_stream_at_the_same_address_is_another() -> None:
    for _ in range(200):
        assert read_table(arrow().to_reader()).rows == 5


def test_a_stream_that_breaks_is_said() -> None:
    def batches() -> Any:
        yield arrow().to_batches()[0]
        raise ValueError("the wire\nis cut")

    with pytest.raises(DataError, match="failed midway: the wire is cut"):
        read_table(pa.RecordBatchReader.from_batches(arrow().schema, batches()))


def test_an_unnamed_pandas_index_is_no_column() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5]}, index=[4, 9, 2])
    found = read_table(frame)
    assert list(found.columns) == ["x"]
    assert found.excluded == {"__index_level_0__": "the index of a pandas frame"}
    asked = read_table(frame, columns=["__index_level_0__"])
    assert list(asked.columns) == ["__index_level_0__"]


def test_mixed_pandas_objects_are_refused_unless_left_out() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": pd.Series(["a", 1, 2.5], dtype=object), "y": [0.5, 1.5, 2.5]})
    with pytest.raises(DataError, match=r"DataFrame cannot be read: .*column x.*leave it out with drop="):
        read_table(frame)
    left = read_table(frame, drop=["x"])
    assert left.numeric("y").values.tolist() == [0.5, 1.5, 2.5]
    assert left.excluded == {"x": "dropped by the caller"}
    with pytest.raises(DataError, match="DataFrame cannot be read"):
        read_table(frame.set_axis(["y", "y"], axis=1))


def test_a_polars_frame_keeps_its_chunks() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.concat([pl.DataFrame({"a": [1.5, 2.5]}), pl.DataFrame({"a": [3.5]})], rechunk=False)
    assert read_table(frame).numeric("a").values.tolist() == [1.5, 2.5, 3.5]
    assert frame.n_chunks() == 2


def test_what_duckdb_raises_is_told() -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        relation = connection.sql("select x, 1 / (x - x) as y, error('oh no') as z from range(3) t(x)")
        with pytest.raises(DataError, match="oh no"):
            read_table(relation)
        again = connection.sql("select 1 as a union all select 2")
        assert read_table(again).rows == read_table(again).rows == 2


def test_no_rows_are_a_table() -> None:
    found = read_table(arrow().slice(0, 0))
    assert found.rows == 0
    assert [column.rows for column in found.columns.values()] == [0] * 5
    assert read_table({"a": [], "b": np.zeros(0)}).rows == 0
    assert read_table({}).rows == 0


def test_names_that_do_not_exist() -> None:
    with pytest.raises(SchemaError, match=r"columns= names 'wole', but there is no such column; did you mean 'whole'"):
        read_table(arrow(), columns=["wole"])
    with pytest.raises(SchemaError, match=r"drop= names 'nothing like it'.*there are 'whole', 'real'"):
        read_table(arrow(), drop=["nothing like it"])
    with pytest.raises(SchemaError, match="label= names 'y'"):
        read_table(arrow(), label="y")
    with pytest.raises(SchemaError, match="kinds= names 'y'"):
        read_table(arrow(), kinds={"y": "numeric"})
    with pytest.raises(ValueError, match=r"write columns=\['text'\]"):
        read_table(arrow(), columns="text")


def test_a_batch_may_lack_what_the_reference_has() -> None:
    schema = read_table(arrow()).schema
    batch = read_table(
        arrow().select(["real", "text"]),
        columns=["whole", "real"],
        label="flag",
        drop=["when"],
        schema=schema,
    )
    assert list(batch.columns) == ["real"]
    with pytest.raises(SchemaError, match="columns= names 'neither'"):
        read_table(arrow(), columns=["neither"], schema=schema)


def test_the_label_is_left_out_and_said() -> None:
    found = read_table(arrow(), label="flag", columns=["flag", "real"])
    assert list(found.columns) == ["real"]
    assert found.excluded == {"flag": "label"}


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    """In a fresh interpreter, for every door that is not pandas itself."""
    for write in (from_parquet, from_csv, from_ipc):
        write(tmp_path)
    for k in "12":
        (tmp_path / "parts" / f"k={k}").mkdir(parents=True)
        from_parquet(tmp_path / "parts" / f"k={k}")
    program = f"""
import sys
import accel_drift.data
assert "pyarrow" not in sys.modules, "pyarrow too early"
import numpy as np
from accel_drift.data import Table, block_ids, read_table
plain = {{"a": [1, None, 3], "b": ["x", None, "y"], "c": np.array([0.5, np.nan, 1.0])}}
table = read_table(plain)
assert "pyarrow" not in sys.modules, "pyarrow for a dict"
import pyarrow as pa
batch = table.to_arrow()
Table.from_arrow(batch, table.schema)
read_table(batch)
read_table(pa.Table.from_batches([batch, batch]))
for name in ("rows.parquet", "rows.csv", "rows.arrow", "parts", "*.parquet"):
    read = read_table({str(tmp_path)!r} + "/" + name)
    read_table(read, kinds={{"whole": "categorical"}})
    block_ids(read, "when:day")
try:
    import polars
except ImportError:
    pass
else:
    read_table(polars.DataFrame(plain))
assert "pandas" not in sys.modules, "pandas was imported"
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_one_chunk_is_not_copied() -> None:
    values = np.arange(1000.0)
    column = read_table(pa.table({"x": values})).numeric("x")
    assert np.shares_memory(column.values, values)
    assert column.present is None
    assert read_table({"x": values}).numeric("x").values is values
    assert SourceError.__mro__[1] is DataError
