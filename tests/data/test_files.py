"""Files that are not what they should be, and what CSV text becomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Kind, read_table
from accel_drift.errors import AccelDriftError, DataError, SchemaError, SourceError

pa = pytest.importorskip("pyarrow")
WriteCsv = Callable[[str], Path]


def fails(source: Any, error: type[AccelDriftError] = SourceError, **options: Any) -> str:
    """The one line that the door says of this source."""
    with pytest.raises(error) as caught:
        read_table(source, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert f"there is no file {tmp_path}/rows.parquet; there is rows.csv" in fails(tmp_path / "rows.parquet")
    assert "there is no file /nowhere/rows.csv" in fails("/nowhere/rows.csv")
    (tmp_path / "set.parquet").mkdir()
    assert "set.parquet is a folder without a file" in fails(tmp_path / "set.parquet")
    assert "has '.xlsx' (and there is no such file); there are .parquet, .csv" in fails("book.xlsx")
    (tmp_path / "book.xlsx").write_text("a")
    assert "has '.xlsx'; there are .parquet" in fails(str(tmp_path / "book.xlsx"))
    assert "has no extension" in fails("rows")
    assert isinstance(SourceError("x"), OSError)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz", "a.arrow", "a.feather", "a.ipc"])
def test_empty_and_foreign_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    assert "is empty (0 bytes)" in fails(path)
    path.write_bytes(bytes(range(256)) * 40)
    assert f"{path} cannot be read as" in fails(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather", "a.csv.gz"])
def test_files_cut_off(name: str, tmp_path: Path) -> None:
    import gzip

    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    path = tmp_path / name
    rows = pa.table({"x": np.random.default_rng(0).normal(size=5000), "s": ["a", "b"] * 2500})
    if name == "a.parquet":
        pq.write_table(rows, path)
    elif name == "a.csv.gz":
        path.write_bytes(gzip.compress("\n".join(["x", *map(str, rows["x"].to_pylist())]).encode()))
    else:
        feather.write_feather(rows, path)
    whole = path.read_bytes()
    assert read_table(path).rows == 5000
    for share in (0.3, 0.7, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert "cannot be read as" in fails(path)


def test_damage_inside_an_arrow_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    rows = pa.table({"s": ["alpha", "beta", "gamma"]})
    with pa.ipc.new_file(path, rows.schema) as out:
        out.write_table(rows)
    whole = path.read_bytes()
    offsets = np.array([0, 5, 9, 14], np.int32).tobytes()
    assert whole.count(offsets) == 1
    path.write_bytes(whole.replace(offsets, np.array([0, 5, 9, 2**30], np.int32).tobytes()))
    assert "cannot be read as Arrow IPC" in fails(path)


def test_a_ragged_csv(csv: WriteCsv) -> None:
    path = csv("a,b\n1,2\n1,2,3\n")
    said = fails(path)
    assert f"{path} cannot be read as CSV: its lines differ in length" in said
    assert "Expected 2 columns, got 3" in said


def test_other_csv_that_is_none(csv: WriteCsv, tmp_path: Path) -> None:
    assert "no header line" in fails(csv("\n\n"))
    assert "separated by ';'" in fails(csv("a;b\n1;2\n"))
    assert "same name: 'a'" in fails(csv("a,a\n1,2\n"), DataError)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("name,n\nJosé,1\n".encode("latin-1"))
    assert "not UTF-8" in fails(latin)
    assert "not UTF-8" in fails(latin, schema=read_table(csv("name,n\nAnn,1\n")).schema)


def test_csv_types(csv: WriteCsv) -> None:
    found = read_table(
        csv(
            "i,f,b,d,t,s,q,n\n"
            '1,1.5,true,2024-01-01,2024-01-01 05:00:00,x,"a,\nb",\n'
            "NA,NaN,,NA,,None,NULL,NA\n"
            f'{2**53 + 1},-inf,False,2024-01-02,2024-01-02 06:00:00,"y ""z""",c,\n'
        )
    )
    assert found.numeric("i").present_values().tolist() == [1, 2**53 + 1]
    assert (found.numeric("i").nulls, found.numeric("i").nans) == (1, 0)
    assert found.numeric("f").present_values().tolist() == [1.5, -np.inf]
    assert (found.numeric("f").nulls, found.numeric("f").nans) == (1, 0)
    assert found.categorical("b").codes.tolist() == [1, -1, 0]
    assert found.schema.of(Kind.TIMESTAMP) == ("d", "t")
    assert found.categorical("s").categories == ("x", 'y "z"')
    assert found.categorical("q").categories == ("a,\nb", "c")
    assert found.schema.get("n").type == "null"  # type: ignore[union-attr]
    assert [c.missing for c in found.columns.values()] == [1, 1, 1, 1, 1, 1, 1, 3]


def test_a_csv_type_is_found_from_all_lines(csv: WriteCsv) -> None:
    lines = "1,1\n" * 400_000  # more than one of the blocks that Arrow reads
    found = read_table(csv(f"a,b\n{lines}2.5,x\n"))
    assert found.numeric("a").values.dtype == np.float64
    assert found.categorical("b").categories == ("1", "x")


def test_a_csv_with_a_header_only(csv: WriteCsv) -> None:
    found = read_table(csv("a,b\n"))
    assert (found.rows, list(found.columns)) == (0, ["a", "b"])


def test_the_reference_steers_the_types_of_a_csv(csv: WriteCsv) -> None:
    reference = read_table(
        {
            "zip": ["01234", "99999"],
            "x": [1.5, 2.5],
            "n": [1, 2],
            "open": [True, False],
            "when": np.array(["2024-01-01T05", "2024-01-02T06"], "M8[us]"),
            "gone": ["a", "b"],
        }
    )
    batch = read_table(csv("zip,x,n,open,when,gone\n01234,3,1.5,0,2024-01-01,\n2,,NA,1,,\n"), schema=reference.schema)
    assert batch.categorical("zip").categories == ("01234", "2")
    assert batch.numeric("x").present_values().tolist() == [3]
    assert batch.numeric("n").present_values().tolist() == [1.5]
    assert batch.categorical("open").codes.tolist() == [0, 1]
    assert batch.categorical("open").kind is Kind.BOOLEAN
    assert batch.numeric("when").kind is Kind.TIMESTAMP
    assert batch.categorical("gone").codes.tolist() == [-1, -1]


def test_the_callers_word_keeps_leading_zeros(csv: WriteCsv) -> None:
    path = csv("zip,n\n01234,1\n00001,2\n")
    assert read_table(path).numeric("zip").values.tolist() == [1234, 1]
    told = read_table(path, kinds={"zip": "categorical"})
    assert told.categorical("zip").categories == ("00001", "01234")
    batch = read_table(path, schema=told.schema)
    assert batch.categorical("zip").categories == ("00001", "01234")


def test_numbers_that_are_categories_in_the_reference(csv: WriteCsv) -> None:
    reference = read_table({"code": [1, 20]}, kinds={"code": "categorical"})
    batch = read_table(csv("code\n01\n20\n3\n"), schema=reference.schema)
    assert batch.categorical("code").categories == ("1", "3", "20")


@pytest.mark.parametrize("door", ["csv", "gz"])
def test_text_where_the_reference_has_numbers(door: str, csv: WriteCsv, tmp_path: Path) -> None:
    import gzip

    reference = read_table({"amount": [1.5, 2.5], "n": [1, 2]})
    text = "amount,n\n1.5,1\n,2\ntwelve,3\n7,4\n"
    path = csv(text)
    if door == "gz":
        path = tmp_path / "rows.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    said = fails(path, SchemaError, schema=reference.schema)
    assert f"{path}: column 'amount' is numeric in the reference (double), but has 'twelve' here" in said
    assert "drop=['amount']" in said
    assert read_table(path, drop=["amount"], schema=reference.schema).rows == 4


def test_other_values_that_the_reference_forbids(csv: WriteCsv) -> None:
    reference = read_table({"open": [True, False], "day": [dt.date(2024, 1, 1)] * 2, "n": [1, 2]})
    assert "boolean in the reference, but has 'ajar'" in fails(
        csv("open\ntrue\najar\n"), SchemaError, schema=reference.schema
    )
    assert "a time in the reference (date32[day]), but has 'soon'" in fails(
        csv("day\n2024-01-01\nsoon\n"), SchemaError, schema=reference.schema
    )
    assert "has 'true' here" in fails(csv("n\ntrue\n"), SchemaError, schema=reference.schema)
    assert "a time in the reference (date32[day]), but has '7' here" in fails(
        csv("day\n7\n"), SchemaError, schema=reference.schema
    )


def test_parquet_without_the_columns_that_it_cannot_read(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    nested = pa.array([{"u": 1}, {"u": 2}])
    pq.write_table(pa.table({"x": [0.5, 1.5], "l": [["u"], ["v"]], "st": nested, "a.b": ["u", "v"]}), path)
    found = read_table(path)
    assert list(found.columns) == ["x", "a.b"]
    assert sorted(found.excluded) == ["l", "st"]
    alone = read_table(path, columns=["l"])
    assert (alone.rows, list(alone.columns)) == (2, [])
