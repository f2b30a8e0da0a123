"""Folders, partitions, patterns and lists of files: many files, one table."""

from __future__ import annotations

import datetime as dt
import os
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Kind, diff, read_table
from accel_drift.data.folders import find_files
from accel_drift.data.read import read_pieces
from accel_drift.errors import AccelDriftError, DataError, SchemaError, SourceError

pa = pytest.importorskip("pyarrow")


def parquet(path: Path, **columns: Any) -> Path:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def ipc(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)
    return path


def text(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(said, encoding="utf-8")
    return path


def fails(source: Any, error: type[AccelDriftError], **options: Any) -> str:
    with pytest.raises(error) as caught:
        read_table(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


COLUMNS: dict[str, list[Any]] = {
    "n": [1, None, 3, 4, 5],
    "x": [0.5, float("nan"), None, 2.0, 3.0],
    "s": ["b", "a", None, "c", "a"],
    "b": [True, None, False, True, True],
    "t": [dt.datetime(2024, 1, d) for d in (1, 2, 3, 4)] + [None],
}


@pytest.mark.parametrize("write", [parquet, ipc])
def test_a_folder_is_its_files_in_the_order_of_their_paths(write: Any, tmp_path: Path, same: Any) -> None:
    ending = "parquet" if write is parquet else "arrow"
    folder = tmp_path / "days"
    for place, (start, stop) in enumerate([(0, 2), (2, 2), (2, 5)]):
        part = pa.table(COLUMNS).slice(start, stop - start)
        # Columns are found by name, whatever their order.
        names = part.column_names if place else part.column_names[::-1]
        write(folder / f"{place}.{ending}", **{name: part[name] for name in names})
    (folder / "_SUCCESS").touch()
    (folder / ".0.crc").write_bytes(b"x")
    whole = read_table(pa.table(COLUMNS).select(list(COLUMNS)[::-1]))
    for source in (folder, str(folder), f"{folder}/*.{ending}", sorted(folder.glob(f"*.{ending}")), [folder]):
        same(read_table(source), whole, types=True)
    assert read_table(folder).name == "days"
    assert read_table([*folder.glob(f"*.{ending}")]).name == "3 files"
    assert read_table(folder, columns=[]).rows == 5
    assert read_table(folder, columns=["x"]).numeric("x").nans == 1


def test_a_list_keeps_its_order(tmp_path: Path) -> None:
    a, b = parquet(tmp_path / "a.parquet", x=[1.0]), parquet(tmp_path / "b.parquet", x=[2.0])
    assert read_table([b, str(a)]).numeric("x").values.tolist() == [2.0, 1.0]
    assert read_table((a,)).rows == 1
    assert "twice; each row counts once" in fails([a, a], DataError)
    assert "holds a int: a list must hold the paths" in fails([a, 3], DataError)


def test_types_of_parts_meet_in_the_one_that_holds_them_all(tmp_path: Path) -> None:
    codes = pa.array(["a", "b"]).dictionary_encode()
    day = dt.datetime(2024, 1, 2)
    first = {"n": [1, 2], "i": pa.array([1, 2], "int8"), "s": ["b", "a"], "t": pa.array([day, None], pa.timestamp("s"))}
    second = {"n": [0.5, None], "i": [2**40, 3], "s": codes, "t": pa.array([day, day], pa.timestamp("ns"))}
    nothing = {name: pa.nulls(1) for name in first}
    folder = tmp_path / "f"
    for name, columns in (("0", nothing), ("1", first), ("2", second), ("3", nothing)):
        parquet(folder / f"{name}.parquet", **columns)
    found = read_table(folder)
    assert found.numeric("n").present_values().tolist() == [1.0, 2.0, 0.5]
    assert found.numeric("i").values.dtype == np.int64
    assert found.numeric("i").present_values().tolist() == [1, 2, 2**40, 3]
    assert [found.categorical("s").categories[c] for c in found.categorical("s").codes[1:5]] == ["b", "a", "a", "b"]
    when = found.numeric("t")
    assert (when.unit, when.kind, when.nulls) == ("ns", Kind.TIMESTAMP, 3)
    assert set(when.present_values().tolist()) == {int(np.datetime64(day, "ns").astype(int))}
    assert {c.name: c.type for c in found.schema.columns} == {
        "n": "double", "i": "int64", "s": "string", "t": "timestamp[ns]",
    }  # fmt: skip
    assert [c.missing for c in found.columns.values()] == [3, 2, 2, 3]


def test_nulls_of_one_file_do_not_become_the_nan_of_another(tmp_path: Path) -> None:
    nan_below = pa.Array.from_buffers(
        pa.float64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1.0, np.nan]))], 1
    )
    ipc(tmp_path / "0.arrow", x=nan_below)
    ipc(tmp_path / "1.arrow", x=[float("nan"), 2.0])
    column = read_table(tmp_path).numeric("x")
    assert (column.nulls, column.nans) == (1, 1)
    taken = column.take(np.array([1]))
    assert (taken.nulls, taken.nans) == (1, 0)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"x": ["a"], "y": [1]}, "column 'x' is string, but double in"),
        ({"x": [1.5]}, "lacks 'y'"),
        ({"x": [1.5], "y": [1], "z": [2]}, "has 'z' more"),
        ({"x": [1.5], "y": [dt.timedelta(1)]}, "column 'y' is duration"),
        ({"x": [[1.5]], "y": [1]}, "column 'x' is fixed_size_list<item: double>[1]"),
        ({"x": [["a"]], "y": [1]}, "column 'x' is nested"),
        ({"x": [True], "y": [1]}, "column 'x' is bool"),
    ],
)
def test_a_file_that_differs_is_named(other: dict[str, Any], said: str, tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", x=[0.5], y=[1])
    odd = parquet(tmp_path / "b.parquet", **other)
    told = fails(tmp_path, SchemaError)
    assert said in told
    assert str(odd) in told
    assert str(tmp_path / "a.parquet") in told
    with pytest.raises(SchemaError) as caught:  # the same some rows at a time
        deque(read_pieces(tmp_path, schema=read_table(tmp_path / "a.parquet").schema).tables)
    assert str(caught.value) == told


def test_instants_with_and_without_a_zone_are_not_joined(tmp_path: Path) -> None:
    when = [dt.datetime(2024, 1, 1)]
    parquet(tmp_path / "a.parquet", t=pa.array(when, pa.timestamp("us")))
    parquet(tmp_path / "b.parquet", t=pa.array(when, pa.timestamp("us", "UTC")))
    assert "column 't' is timestamp[us, tz=UTC]" in fails(tmp_path, SchemaError)


def test_csv_files_find_their_types_together(tmp_path: Path) -> None:
    text(tmp_path / "1.csv", "a,b,c,d\n1,01,true,2024-01-01\n")
    text(tmp_path / "2.csv", "b,a,c,d\nx,2.5,,2024-01-02 05:00:00\n")
    found = read_table(tmp_path)
    assert found.numeric("a").values.tolist() == [1.0, 2.5]
    assert found.categorical("b").categories == ("01", "x")
    assert found.categorical("c").codes.tolist() == [1, -1]
    assert found.numeric("d").kind is Kind.TIMESTAMP
    batch = read_table(tmp_path / "1.csv", schema=found.schema)
    assert batch.categorical("b").categories == ("01",)


def test_partitions_become_columns(tmp_path: Path) -> None:
    for year, town, day in [("2023", "S%C3%A3o Paulo", "2024-01-31"), ("2024", "Oslo", "2024-02-01")]:
        parquet(tmp_path / f"year={year}" / f"place={town}" / f"day={day}" / "0.parquet", x=[1.0, 2.0])
    folder = tmp_path / "year=2024" / "place=__HIVE_DEFAULT_PARTITION__" / "day=2024-02-01"
    parquet(folder / "0.parquet", x=[3.0])
    found = read_table(tmp_path)
    assert list(found.columns) == ["x", "year", "place", "day"]
    assert found.numeric("year").values.tolist() == [2023, 2023, 2024, 2024, 2024]
    place = found.categorical("place")
    texts = [None if code < 0 else place.categories[code] for code in place.codes]
    assert texts == ["São Paulo", "São Paulo", "Oslo", "Oslo", None]
    assert sorted(place.categories) == ["Oslo", "São Paulo"]
    assert place.nulls == 1
    assert found.schema.of(Kind.TIMESTAMP) == ("day",)
    alone = read_table(tmp_path / "year=2024")
    assert list(alone.columns) == ["x", "place", "day"]
    assert list(read_table(f"{tmp_path}/year=*/place=Oslo/**/*.parquet").columns) == ["x", "year", "place", "day"]
    assert read_table(tmp_path, columns=["year"]).rows == 5
    told = read_table(tmp_path, kinds={"year": "categorical"})
    assert told.categorical("year").categories == ("2023", "2024")
    assert read_table(alone.select(["x"]), schema=told.schema).rows == 3
    assert read_table(tmp_path, schema=told.schema).categorical("year").categories == ("2023", "2024")


def test_a_part_of_a_partitioned_data_set_has_the_key_that_is_looked_for(tmp_path: Path) -> None:
    for day in ("1", "2", "__HIVE_DEFAULT_PARTITION__"):
        parquet(tmp_path / "town=007" / f"day={day}" / "0.parquet", x=[1.0, 2.0])
    whole = read_table(tmp_path, kinds={"town": "categorical"})
    part, nothing = tmp_path / "town=007" / "day=2", tmp_path / "town=007" / "day=__HIVE_DEFAULT_PARTITION__"
    for source in (part, part / "0.parquet", f"{part}/*.parquet", [part / "0.parquet"]):
        assert list(read_table(source).columns) == ["x"]
        found = read_table(source, schema=whole.schema)
        assert found.numeric("day").values.tolist() == [2, 2]
        assert found.categorical("town").categories == ("007",)
        assert read_table(source, columns=["day"]).numeric("day").values.tolist() == [2, 2]
    empty = read_table(nothing, schema=whole.schema)
    assert empty.numeric("day").nulls == 2
    assert not diff(whole.schema, empty.schema)
    parquet(tmp_path / "x=9" / "0.parquet", x=[1.0])
    assert read_table(tmp_path / "x=9" / "0.parquet", columns=["x"]).numeric("x").values.tolist() == [1.0]


def test_the_folder_speaks_for_its_key(tmp_path: Path) -> None:
    parquet(tmp_path / "k=7" / "0.parquet", x=[1.0], k=[1])
    parquet(tmp_path / "k=8" / "0.parquet", x=[1.0], k=[1])
    assert read_table(tmp_path).numeric("k").values.tolist() == [7, 8]


def test_partitions_with_other_keys(tmp_path: Path) -> None:
    parquet(tmp_path / "a=1" / "0.parquet", x=[1.0])
    parquet(tmp_path / "b=1" / "0.parquet", x=[1.0])
    assert "in folders of b and" in fails(tmp_path, SourceError)


def test_folders_that_are_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "is a folder without a file" in fails(tmp_path / "empty", SourceError)
    parquet(tmp_path / "two" / "a.parquet", x=[1.0])
    text(tmp_path / "two" / "b.csv", "x\n1\n")
    assert "several formats: Parquet (a.parquet) and delimited text (b.csv)" in fails(tmp_path / "two", SourceError)
    parquet(tmp_path / "notes" / "a.parquet", x=[1.0])
    text(tmp_path / "notes" / "README.md", "hello")
    assert "README.md is no data file" in fails(tmp_path / "notes", SourceError)
    parquet(tmp_path / "cut" / "a.parquet", x=[1.0])
    (tmp_path / "cut" / "b.parquet").write_bytes(b"PAR1")
    assert "cut/b.parquet cannot be read as Parquet" in fails(tmp_path / "cut", SourceError)
    assert "no file matches" in fails(f"{tmp_path}/nothing*.parquet", SourceError)
    assert "list of paths is empty" in _said_of_an_empty_list()


def test_a_folder_that_may_not_be_read_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet(tmp_path / "mine" / "a.parquet", x=[1.0])
    parquet(tmp_path / "theirs" / "b.parquet", x=[1.0])
    scan = os.scandir

    def guarded(path: Any) -> Any:
        if Path(path).name == "theirs":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    for source in (tmp_path, tmp_path / "theirs"):
        assert f"the folder {tmp_path / 'theirs'} cannot be read: Permission denied" in fails(source, SourceError)


def _said_of_an_empty_list() -> str:
    with pytest.raises(DataError) as caught:
        find_files([])
    return str(caught.value)


def test_a_name_with_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    assert read_table(text(tmp_path / "a[1].csv", "x\n1\n")).rows == 1


def test_links_are_followed_once(tmp_path: Path) -> None:
    parquet(tmp_path / "data" / "0.parquet", x=[1.0])
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data")
    assert read_table(tmp_path / "data").rows == 1


@pytest.mark.parametrize("address", ["s3://bucket/rows.parquet", "https://host/rows.csv", "gs://b/*.parquet"])
def test_addresses_are_refused_with_the_way_out(address: str) -> None:
    told = fails(address, SourceError)
    assert f"{address} is an address" in told
    assert "pyarrow.dataset.dataset(" in told


def test_a_file_address_is_told_as_a_path() -> None:
    assert "give the path alone: /tmp/my rows.csv" in fails("file:///tmp/my%20rows.csv", SourceError)


def test_readers_of_pyarrow(tmp_path: Path, same: Any) -> None:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    parquet(tmp_path / "year=2023" / "0.parquet", **COLUMNS)
    parquet(tmp_path / "year=2024" / "0.parquet", **COLUMNS)
    dataset = ds.dataset(tmp_path, partitioning="hive")
    found = read_table(dataset)
    same(found.select(list(COLUMNS)), read_table(tmp_path).select(list(COLUMNS)), types=True)
    assert found.numeric("year").values.tolist() == [2023] * 5 + [2024] * 5
    assert read_table(dataset, columns=[]).rows == 10
    assert read_table(dataset.filter(ds.field("year") == 2024)).rows == 5
    with pq.ParquetFile(tmp_path / "year=2024" / "0.parquet") as file:
        same(read_table(file), read_table(pa.table(COLUMNS)), types=True)
        assert read_table(file, columns=["n"]).rows == 5
        assert read_table(file, pick=lambda rows: np.array([0, rows - 1])).rows == 2
    assert "call .to_table() first" in fails(dataset.scanner(), DataError)


def test_an_arrow_file_is_mapped_and_the_map_lives_as_long_as_its_columns(tmp_path: Path) -> None:
    path = ipc(tmp_path / "a.arrow", x=np.arange(10_000.0), s=["a"] * 10_000)
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no list of this process's maps here")

    def mapped() -> bool:
        return str(path) in maps.read_text()

    table = read_table(path, columns=["x"])
    values = table.numeric("x").values
    assert not values.flags.writeable
    assert mapped()
    path.unlink()
    del table
    assert values.sum() == 10_000 * 9_999 / 2
    del values
    assert not mapped()
