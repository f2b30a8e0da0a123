"""Rows read in pieces are the rows read at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from accel_drift.data import streams
from accel_drift.data.read import read_pieces, read_table
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.errors import SchemaError, SourceError

ROWS = 2_500


@pytest.fixture
def rows() -> pa.Table:
    rng = np.random.default_rng(5)
    number = rng.normal(size=ROWS)
    number[::7] = np.nan
    return pa.table(
        {
            "number": pa.array(number, mask=np.arange(ROWS) % 11 == 0),
            "whole": pa.array(rng.integers(0, 9, ROWS), pa.int16()),
            "text": pa.array([f"t{v}" if v else None for v in rng.integers(0, 6, ROWS)]),
            "flag": rng.random(ROWS) < 0.3,
            "part": pa.array(["2", "10"] * (ROWS // 2)),
        }
    )


def parquet(rows: pa.Table, folder: Path) -> Any:
    pq.write_table(rows, folder / "one.parquet", row_group_size=700)
    return folder / "one.parquet"


def folder(rows: pa.Table, place: Path) -> Any:
    for key in ("2", "10"):
        inside = place / "set" / f"part={key}"
        inside.mkdir(parents=True)
        mine = rows.filter(pc.call_function("equal", [rows["part"], pa.scalar(key)])).drop_columns(["part"])
        pq.write_table(mine, inside / "rows.parquet", row_group_size=400)
    return place / "set"


def arrow(rows: pa.Table, folder: Path) -> Any:
    with ipc.new_file(folder / "one.arrow", rows.schema) as out:
        out.write_table(rows, max_chunksize=600)
    return folder / "one.arrow"


def stream(rows: pa.Table, _: Path) -> Any:
    return pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches(max_chunksize=900))


def dataset(rows: pa.Table, folder: Path) -> Any:
    return ds.dataset(parquet(rows, folder))


def opened_file(rows: pa.Table, folder: Path) -> Any:
    return pq.ParquetFile(parquet(rows, folder))


def plain(rows: pa.Table, _: Path) -> Any:
    return rows.to_pydict()


MAKERS: tuple[Callable[[pa.Table, Path], Any], ...] = (parquet, folder, arrow, stream, dataset, opened_file, plain)


def listed(table: Table, name: str) -> list[Any]:
    column = table.columns[name]
    if isinstance(column, CategoricalColumn):
        return [column.categories[code] if code >= 0 else None for code in column.codes]
    assert isinstance(column, NumericColumn)
    return [v if there else None for v, there in zip(column.values.tolist(), column.mask(), strict=True)]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: str(make.__name__))
def test_pieces_are_the_rows_in_their_order(
    make: Callable[[pa.Table, Path], Any], rows: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FEWEST_ROWS", 500)
    monkeypatch.setattr(streams, "MOST_VALUES", 500)
    source = make(rows, tmp_path)
    whole = read_table(rows if make is stream else source)
    read = read_pieces(source, schema=whole.schema)
    pieces = list(read.tables)
    assert len(pieces) == 1 if make is plain else len(pieces) > 4
    assert all(piece.rows <= 500 for piece in pieces) or make is plain
    assert sum(piece.rows for piece in pieces) == whole.rows == ROWS
    assert read.rows in (ROWS, None)
    for name in whole.columns:
        assert [v for piece in pieces for v in listed(piece, name)] == listed(whole, name)
        kinds = {piece.columns[name].kind for piece in pieces}
        assert kinds == {whole.columns[name].kind}


def test_parquet_says_how_many_rows_there_are(rows: pa.Table, tmp_path: Path) -> None:
    schema = read_table(rows).schema
    assert read_pieces(parquet(rows, tmp_path), schema=schema).rows == ROWS
    assert read_pieces(folder(rows, tmp_path), schema=schema).rows == ROWS


def test_no_rows_are_one_piece_without_rows(rows: pa.Table, tmp_path: Path) -> None:
    schema = read_table(rows).schema
    for make in (parquet, arrow, stream):
        pieces = list(read_pieces(make(rows.slice(0, 0), tmp_path), schema=schema).tables)
        assert [piece.rows for piece in pieces] == [0]
        assert set(pieces[0].columns) == set(rows.column_names)


def test_a_file_that_breaks_off_is_told_by_name(rows: pa.Table, tmp_path: Path) -> None:
    path = parquet(rows, tmp_path)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:4] + b"\xff" * half + whole[4 + half :])
    with pytest.raises(SourceError, match=r"one\.parquet cannot be read as Parquet"):
        list(read_pieces(path, schema=read_table(rows).schema).tables)


def test_columns_that_nobody_knows_are_refused(rows: pa.Table) -> None:
    with pytest.raises(SchemaError, match="nothing"):
        read_pieces(rows, schema=read_table(rows).schema, columns=["nothing"])
