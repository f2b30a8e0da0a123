"""Columns as plain arrays: the values and types that they came with."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from accel_drift.data.read import read_arrays
from accel_drift.errors import DataError, SourceError

FAR = 2**62 + 1
CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "whole": (pa.array([1, FAR, -1]), np.int64, [1, FAR, -1]),
    "small": (pa.array([1, 2, 3], pa.uint8()), np.uint8, [1, 2, 3]),
    "whole with gaps": (pa.array([1, None, 3]), np.float64, [1.0, None, 3.0]),
    "numbers": (pa.array([0.5, None, float("nan")]), np.float64, [0.5, None, None]),
    "single": (pa.array([0.5, None, 1.5], pa.float32()), np.float32, [0.5, None, 1.5]),
    "truths": (pa.array([True, False, True]), np.bool_, [True, False, True]),
    "truths with gaps": (pa.array([True, None, False]), np.object_, [True, None, False]),
    "texts": (pa.array(["b", None, "a"]), np.object_, ["b", None, "a"]),
    "categories": (pa.array(["b", None, "b"]).dictionary_encode(), np.object_, ["b", None, "b"]),
    "nothing": (pa.nulls(3), np.float64, [None, None, None]),
    "identifiers": (pa.array(["id-1", "id-2", "id-3"]), np.object_, ["id-1", "id-2", "id-3"]),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_types_are_those_that_came(case: str, tmp_path: Path) -> None:
    column, dtype, wanted = CASES[case]
    table = pa.table({"c": column})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    for source in (table, tmp_path / "t.parquet"):
        made = read_arrays(source)["c"]
        assert made.dtype == dtype
        values = [None if value != value else value for value in made.tolist()]
        assert values == wanted


def test_times_are_times() -> None:
    moment = datetime(2024, 1, 31, 5, 30)
    table = pa.table({"t": pa.array([moment, None], pa.timestamp("ms")), "d": pa.array([date(2024, 1, 31), None])})
    made = read_arrays(table)
    assert (made["t"].dtype, made["d"].dtype) == (np.dtype("M8[ms]"), np.dtype("M8[D]"))
    assert [value.tolist() for value in (made["t"][0], made["d"][0])] == [moment, date(2024, 1, 31)]
    assert np.isnat(made["t"][1])
    assert np.isnat(made["d"][1])


def test_every_column_is_there_but_the_index_of_a_frame() -> None:
    frame = pd.DataFrame({"b": [1, 2], "a": ["x", "x"]}, index=[7, 9])
    assert list(read_arrays(pa.table({"b": [1], "a": ["x"]}))) == ["b", "a"]
    assert list(read_arrays(frame)) == ["b", "a"]


@pytest.mark.parametrize(
    ("column", "words"),
    [(pa.array([[1.0, 2.0]]), "'c' holds .*one value a row"), (pa.array([{"x": 1}]), "'c' cannot be taken: .*nested")],
)
def test_what_is_no_value_a_row_is_refused(column: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_arrays(pa.table({"c": column}))
    with pytest.raises(SourceError, match="no file"):
        read_arrays("nope.parquet")
