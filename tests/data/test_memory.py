"""Python lists and NumPy arrays."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Kind, read_table
from accel_drift.errors import DataError


def test_numpy_matrix() -> None:
    matrix = np.arange(60, dtype=np.float32).reshape(30, 2)
    found = read_table(matrix)
    assert list(found.columns) == ["x0", "x1"]
    np.testing.assert_array_equal(found.numeric("x1").values, matrix[:, 1])
    assert found.numeric("x1").values.dtype == np.float32
    # Columns of a matrix are measurements, even when they count.
    assert read_table(np.arange(30)).schema.of(Kind.NUMERIC) == ("x0",)
    assert read_table(np.array([[True], [False]])).schema.of(Kind.BOOLEAN) == ("x0",)
    assert read_table(matrix.astype(">f4")).numeric("x0").values.dtype == np.float32


@pytest.mark.parametrize("array", [np.zeros((2, 2, 2)), np.array(["a"]), np.zeros(3, complex), np.array(3.0)])
def test_other_arrays_are_refused(array: Any) -> None:
    with pytest.raises(DataError, match="NumPy array must"):
        read_table(array)


def test_numpy_columns_of_a_dict() -> None:
    found = read_table(
        {
            "object": np.array(["a", None, float("nan")], object),
            "unicode": np.array(["b", "a", "b"]),
            "strided": np.arange(6)[::2],
            "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
            "half": np.array([1, 2, np.nan], np.float16),
            "span": np.array([1, 2, "NaT"], "m8[ms]"),
            "complex": np.zeros(3, complex),
        }
    )
    assert found.categorical("object").codes.tolist() == [0, -1, -1]
    assert found.categorical("unicode").categories == ("a", "b")
    assert found.numeric("strided").values.tolist() == [0, 2, 4]
    assert found.numeric("masked").nulls == 1
    assert found.numeric("half").values.dtype == np.float32
    assert found.numeric("span").values[:2].tolist() == [0.001, 0.002]
    assert (found.numeric("span").nulls, found.numeric("span").nans) == (1, 0)
    assert found.excluded == {"complex": "NumPy type complex128 is not supported"}


def test_python_values_beyond_the_plain() -> None:
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    noon = dt.datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
    found = read_table(
        {
            "decimal": [Decimal("1.5"), None],
            "span": [dt.timedelta(seconds=1.5), None],
            "date": [dt.date(2024, 1, 1), None],
            "time": [dt.time(1, 2, 3), None],
            "zoned": [noon, None],
            "large": [2**63 + 1, 0],
            "mixed": [1, 2.5],
            "numpy": [np.int32(4), np.float64(0.5)],
            "nothing": [None, None],
            "bytes": [b"a", b"b"],
            "set": [{1}, {2}],
        }
    )
    assert found.numeric("span").values[0] == 1.5
    assert found.numeric("date").unit == "D"
    assert found.numeric("time").values[0] == (3600 + 120 + 3) * 10**6
    assert found.numeric("zoned").values[0] == noon.timestamp() * 1e6
    assert found.schema.get("zoned").type == "timestamp[us, tz=Europe/Paris]"  # type: ignore[union-attr]
    assert found.numeric("large").values.dtype == np.uint64
    assert int(found.numeric("large").values[0]) == 2**63 + 1
    assert found.numeric("mixed").values.tolist() == [1.0, 2.5]
    assert found.schema.get("nothing").type == "null"  # type: ignore[union-attr]
    assert sorted(found.excluded) == ["bytes", "set"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "differ in length: 'a' has 2, 'b' has 1"),
        ({"a": [1, "x"]}, "column 'a' mixes int and str"),
        ({"a": [True, 3]}, "column 'a' mixes bool and int"),
        ({"a": ["x", 3.5]}, "column 'a' mixes str and float"),
        ({"a": "text"}, "column 'a' is a str"),
        ({"a": 3}, "column 'a' is a int"),
        ({"a": np.zeros((2, 2, 2))}, "column 'a' has 3 dimensions"),
        ({"a": [10**400]}, "too large"),
        ({1: [1], "1": [2]}, "the same name"),
    ],
)
def test_a_dict_that_is_no_table(columns: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(columns)
