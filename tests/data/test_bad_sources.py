"""Files and frames that are wrong are refused by name; those that are merely odd are read, and it is said how."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Kind, read_table
from accel_drift.errors import AccelDriftError, DataError, SchemaError, SourceError

pa = pytest.importorskip("pyarrow")


def written(name: str, content: bytes | str) -> Callable[[Path], Any]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def parquet(name: str, cut: int | None = None, **columns: Any) -> Callable[[Path], Any]:
    def write(folder: Path) -> Path:
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns or {"x": [1.0, 2.0]}), folder / name)
        if cut is not None:
            (folder / name).write_bytes((folder / name).read_bytes()[:cut])
        return folder / name

    return write


def both(*writers: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def write(folder: Path) -> Path:
        for writer in writers:
            writer(folder)
        return folder

    return write


def closed(folder: Path) -> Any:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(parquet("a.parquet")(folder))
    file.close()
    return file


def consumed(_: Path) -> Any:
    reader = pa.table({"x": [1.0]}).to_reader()
    read_table(reader)
    return reader


def pandas(**columns: Any) -> Callable[[Path], Any]:
    return lambda _: pytest.importorskip("pandas").DataFrame(columns)


def lazy(_: Path) -> Any:
    return pytest.importorskip("polars").LazyFrame({"x": [1]})


Case = tuple[Callable[[Path], Any], type[AccelDriftError], str]
REFUSED: dict[str, Case] = {
    "no such file": (lambda folder: folder / "no.parquet", SourceError, "there is no file"),
    "another file of that name": (
        lambda folder: written("a.csv", "x\n1\n")(folder).with_suffix(".parquet"), SourceError, "there is a.csv",
    ),
    "no extension": (written("rows", "x\n1\n"), SourceError, "has no extension"),
    "another extension": (written("rows.xlsx", "x\n1\n"), SourceError, "'.xlsx'; there are .parquet"),
    "an empty file": (written("a.parquet", b""), SourceError, "is empty (0 bytes)"),
    "Parquet cut off": (parquet("a.parquet", 40), SourceError, "cannot be read as Parquet"),
    "Parquet named CSV": (lambda f: parquet("a.parquet")(f).rename(f / "a.csv"), SourceError, "cannot be read as CSV"),
    "CSV named Parquet": (written("a.parquet", "x,y\n1,2\n" * 9), SourceError, "cannot be read as Parquet"),
    "CSV named Arrow": (written("a.arrow", "x,y\n1,2\n" * 9), SourceError, "cannot be read as Arrow IPC"),
    "CSV named gzip": (written("a.csv.gz", "x,y\n1,2\n"), SourceError, "cannot be read as"),
    "CSV named zstd": (written("a.csv.zst", "x,y\n1,2\n"), SourceError, "cannot be read as"),
    "CSV of empty lines": (written("a.csv", "\n\n\n"), SourceError, "no header line"),
    "CSV with semicolons": (written("a.csv", "x;y\n1;2\n"), SourceError, "separated by ';'"),
    "CSV with tabs": (written("a.csv", "x\ty\n1\t2\n"), SourceError, "name it .tsv"),
    "TSV with commas": (written("a.tsv", "x,y\n1,2\n"), SourceError, "name it .csv"),
    "CSV with a short line": (written("a.csv", "x,y\n1,2\n3\n"), SourceError, "lines differ in length"),
    "CSV in Latin-1": (written("a.csv", "name\nJosé\n".encode("latin-1")), SourceError, "not UTF-8"),
    "CSV in UTF-16": (written("a.csv", "name,n\nAnn,1\n".encode("utf-16")), SourceError, "cannot be read as CSV"),
    "CSV with a header in Latin-1": (written("a.csv", "n,ç\n1,2\n".encode("latin-1")), SourceError, "not UTF-8"),
    "CSV with decimal commas": (written("a.csv", "n;x\n1;2,5\n"), SourceError, "or what separates the fields"),
    "CSV of two encodings": (written("a.csv", b"n\nJos\xc3\xa9\nJos\xe9\n"), SourceError, "not UTF-8"),
    "CSV with two columns of a name": (written("a.csv", "x,x\n1,2\n"), DataError, "same name: 'x'"),
    "a folder of two schemas": (both(parquet("a.parquet"), parquet("b.parquet", y=[1])), SchemaError, "has 'y' more"),
    "a folder of two types": (both(parquet("a.parquet"), parquet("b.parquet", x=["a"])), SchemaError, "'x' is string"),
    "a folder of two formats": (both(parquet("a.parquet"), written("b.csv", "x\n1\n")), SourceError, "several formats"),
    "a folder with a stray file": (both(parquet("a.parquet"), written("b.md", "x")), SourceError, "no data file"),
    "a folder of hidden files": (both(written("_DONE", ""), written(".a.csv", "x\n")), SourceError, "a folder without"),
    "a pattern without a match": (lambda folder: str(folder / "*.csv"), SourceError, "no file matches"),
    "an address": (lambda _: "s3://bucket/a.parquet", SourceError, "is an address"),
    "a path in bytes": (lambda _: b"a.parquet", DataError, "cannot read rows from a bytes"),
    "an open file": (lambda _: io.BytesIO(b"x\n1\n"), DataError, "open file; give its path"),
    "a list of frames": (lambda _: [pa.table({"x": [1]})], DataError, "a list must hold the paths"),
    "a file twice": (lambda folder: [parquet("a.parquet")(folder)] * 2, DataError, "twice"),
    "a closed ParquetFile": (closed, SourceError, "ParquetFile cannot be read"),
    "a reader consumed": (consumed, DataError, "read before"),
    "a lazy frame": (lazy, DataError, "call .collect() first"),
    "a single column": (lambda _: pa.array([1, 2]), DataError, "single column"),
    "two columns of a name": (
        lambda _: pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), DataError, "same name",
    ),
    "mixed objects in pandas": (pandas(x=np.array(["a", 1], object)), DataError, "leave it out with drop="),
    "a ragged dict": (lambda _: {"x": [1], "y": [1, 2]}, DataError, "differ in length"),
    "a NumPy array of three dimensions": (lambda _: np.zeros((2, 2, 2)), DataError, "dimensions"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    make, error, word = REFUSED[case]
    with pytest.raises(error) as refused:
        read_table(make(tmp_path))
    said = str(refused.value)
    assert word in said
    assert "\n" not in said


def held(source: Any) -> tuple[Any, ...]:
    """(kind, rows, nulls, NaN, values that are there) of the only column."""
    table = read_table(source, columns=["x"])
    column: Any = table.columns["x"]
    values = column.categories if column.kind is Kind.CATEGORICAL else column.present_values().tolist()
    nans = getattr(column, "nans", 0)
    return str(column.kind), table.rows, column.nulls, nans, list(values)


INF, NAN = float("inf"), float("nan")
READ: dict[str, tuple[Callable[[Path], Any], tuple[Any, ...]]] = {
    "a header alone": (written("a.csv", "x\n"), ("numeric", 0, 0, 0, [])),
    "a byte order mark": (written("a.csv", b"\xef\xbb\xbfx\n1\n"), ("numeric", 1, 0, 0, [1])),
    "lines of Windows": (written("a.csv", "x\r\n1\r\n2\r\n"), ("numeric", 2, 0, 0, [1, 2])),
    "no last line end": (written("a.csv", "x\n1\n2"), ("numeric", 2, 0, 0, [1, 2])),
    "a name with capitals": (written("A.CSV", "x\n1\n"), ("numeric", 1, 0, 0, [1])),
    "a TSV": (written("a.tsv", "x\ty\n1\t2\n"), ("numeric", 1, 0, 0, [1])),
    "a text file with tabs": (written("a.txt", "x\ty\n1\t2\n"), ("numeric", 1, 0, 0, [1])),
    "whole numbers beyond int64 in text": (written("a.csv", f"x\n{2**70}\n1\n"), ("numeric", 2, 0, 0, [2.0**70, 1.0])),
    "Parquet without rows": (parquet("a.parquet", x=pa.array([], pa.float32())), ("numeric", 0, 0, 0, [])),
    "negative zero": (lambda _: {"x": [-0.0, 0.0]}, ("numeric", 2, 0, 0, [0.0, 0.0])),
    "NaN alone": (lambda _: {"x": [NAN, NAN]}, ("numeric", 2, 0, 2, [])),
    "infinities alone": (lambda _: {"x": [INF, -INF]}, ("numeric", 2, 0, 0, [INF, -INF])),
    "the largest whole numbers": (lambda _: {"x": [2**64 - 1, 2**63]}, ("numeric", 2, 0, 0, [2**64 - 1, 2**63])),
    "nothing but None": (lambda _: {"x": [None, None]}, ("numeric", 2, 2, 0, [])),
    "None and NaN in objects": (pandas(x=np.array([None, NAN, 1.5], object)), ("numeric", 3, 2, 0, [1.5])),
    "texts and NaN in objects": (pandas(x=np.array(["a", NAN, None], object)), ("categorical", 3, 2, 0, ["a"])),
    "the empty text": (lambda _: {"x": ["", "a"]}, ("categorical", 2, 0, 0, ["", "a"])),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_odd_is_read_as_stated(case: str, tmp_path: Path) -> None:
    make, expected = READ[case]
    assert held(make(tmp_path)) == expected
