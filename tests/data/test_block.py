from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.backends import get_backend
from accel_drift.data import Columns, Table, block_ids, category_union, dtype_class, numeric_columns, read_table
from accel_drift.errors import ConfigError, SchemaError

HOST = get_backend("numpy")


def sides(reference: Table, batch: Table, names: list[str]) -> list[tuple[tuple[str, ...], Columns, Columns]]:
    """The columns of both tables by the type in which they meet."""
    found = []
    for together, dtype, where in numeric_columns(reference, batch, names, HOST):
        x, y = (Columns(tuple(t.numeric(n) for n in together), t.rows, dtype, where) for t in (reference, batch))
        found.append((together, x, y))
    return found


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("f4", "f4", "f4"), ("f4", "f8", "f4"), ("f4", "i2", "f8"), ("i4", "i8", "i8"), ("u1", "i8", "i8"),
        ("u4", "u4", "i8"), ("u8", "u8", "u8"), ("u8", "i8", "f8"), ("u8", "u4", "f8"), ("f8", "u8", "f8"),
    ],
)  # fmt: skip
def test_the_type_in_which_two_columns_meet(one: str, other: str, shared: str) -> None:
    assert dtype_class(one, other) == dtype_class(other, one) == np.dtype(shared)


def test_blocks_are_stacked_by_type_and_masked() -> None:
    reference = read_table(
        {
            "f8": np.array([1.5, np.nan]),
            "i4": np.array([1, 2], np.int32),
            "f4": np.array([0.5, 1.5], np.float32),
            "i8": [2**53 + 1, None],
            "mix": [1, 2],
            "f4b": np.array([np.nan, np.inf], np.float32),
        }
    )
    batch = read_table(
        {
            "f8": np.array([0.5, 1.5, 2.5]),
            "i4": np.array([7, 8, 9], np.int64),
            "f4": np.array([1, 2, 3], np.float32),
            "i8": [1, 2, 3],
            "mix": [None, 0.5, 1.0],
            "f4b": np.zeros(3, np.float32),
        }
    )
    found = sides(reference, batch, list(reference.columns))
    blocks = [(names, r.block, b.block) for names, r, b in found]
    assert [names for names, _, _ in blocks] == [("f8", "mix"), ("i4", "i8"), ("f4", "f4b")]
    assert [(r.values.dtype.name, b.values.dtype.name) for _, r, b in blocks] == [
        ("float64", "float64"), ("int64", "int64"), ("float32", "float32"),
    ]  # fmt: skip
    (_, f8, f8_batch), (_, whole, _), (_, f4, _) = blocks
    assert f8.values.tolist() == [[1.5, 1.0], [0.0, 2.0]]
    assert f8.mask.tolist() == [[True, True], [False, True]]
    assert f8_batch.values.tolist() == [[0.5, 0.0], [1.5, 0.5], [2.5, 1.0]]
    assert whole.values.tolist() == [[1, 2**53 + 1], [2, 0]]
    assert whole.mask.tolist() == [[True, True], [True, False]]
    assert f4.values.tolist() == [[0.5, 0.0], [1.5, float("inf")]]
    ordered, count = found[0][1].ordered
    assert (count.tolist(), ordered[0, 0], ordered[:, 1].tolist()) == ([1, 2], 1.5, [1.0, 2.0])
    assert [tuple(r.present) for _, r, _ in found] == [(1, 2), (2, 1), (2, 1)]


def test_a_column_without_values_has_no_say_in_the_type() -> None:
    reference = read_table({"x": np.array([1.5], np.float32), "i": [1]})
    batch = read_table({"x": [None, None], "i": [None, None]}, schema=reference.schema)
    found = sides(reference, batch, ["x", "i"])
    assert [r.block.values.dtype.name for _, r, _ in found] == ["float32", "int64"]
    assert not found[0][2].block.mask.any()
    assert not found[1][2].block.values.any()


def test_a_lone_column_is_not_copied_and_no_rows_are_no_crash() -> None:
    values = np.array([0.5, 1.5])
    one, none = read_table({"x": values}), read_table({"x": np.zeros(0)})
    ((_, some, empty),) = sides(one, none, ["x"])
    assert np.shares_memory(some.block.values, values)
    assert (some.block.values.shape, empty.block.values.shape, empty.block.mask.shape) == ((2, 1), (0, 1), (0, 1))
    assert empty.ordered.values.shape == (0, 1)
    assert numeric_columns(one, none, [], HOST) == []


def test_categories_are_not_stacked() -> None:
    table = read_table({"x": ["a", "b"]})
    with pytest.raises(SchemaError, match="'x' holds categories"):
        numeric_columns(table, table, ["x"], HOST)


texts = st.lists(st.none() | st.sampled_from(["", "a", "b", "é", "Z"]) | st.text(max_size=2), max_size=20)


@given(texts, texts)
def test_categories_are_joined_by_value(one: list[str | None], other: list[str | None]) -> None:
    tables = [read_table({"c": values}, kinds={"c": "categorical"}) for values in (one, other)]
    columns = [table.columns["c"] for table in tables]
    if not all(hasattr(column, "codes") for column in columns):
        return
    categories, mine, theirs = category_union(*columns)  # type: ignore[arg-type]
    assert list(categories) == sorted({v for v in [*one, *other] if v is not None})
    for codes, values in ((mine, one), (theirs, other)):
        assert codes.dtype == np.int32
        assert [None if code < 0 else categories[code] for code in codes] == values


def test_categories_without_a_row_are_no_cell() -> None:
    whole = read_table({"c": ["a", "b", "c"]}).categorical("c")
    categories, mine, _ = category_union(whole.take(np.array([1])), whole.take(np.array([1, 1])))
    assert (categories, mine.tolist()) == (("b",), [0])


WHEN = np.array(
    [
        "2023-12-31T23:30",
        "2024-01-01T00:10",
        "NaT",
        "2024-01-01T00:50",
        "2024-01-07T12:00",
        "2024-01-08T00:00",
    ],
    "M8[s]",
)


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ("when:minute", [0, 1, 5, 2, 3, 4]),
        ("when:hour", [0, 1, 4, 1, 2, 3]),
        ("when:day", [0, 1, 4, 1, 2, 3]),
        ("when:week", [0, 1, 3, 1, 1, 2]),
        ("when:month", [0, 1, 2, 1, 1, 1]),
        ("when:year", [0, 1, 2, 1, 1, 1]),
        ("store", [1, 0, 1, 2, 0, 0]),
        ("x", [1, 0, 0, 2, 1, 1]),
        ("when", [0, 1, 5, 2, 3, 4]),
        (2, [0, 0, 1, 1, 2, 2]),
        (4, [0, 0, 0, 0, -1, -1]),
        ("4", [0, 0, 0, 0, -1, -1]),
        (np.int64(7), [-1] * 6),
    ],
)
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_blocks_of_rows(spec: Any, ids: list[int], unit: str) -> None:
    table = read_table(
        {
            "when": WHEN.astype(f"M8[{unit}]"),
            "store": ["b", "a", "b", None, "a", "a"],
            "x": [1.5, -0.0, 0.0, None, 1.5, 1.5],
        }
    )
    found, said = block_ids(table, spec)
    assert found.dtype == np.int64
    assert found.tolist() == ids
    assert str(spec).partition(":")[0] in said


def test_dates_are_instants_too() -> None:
    table = read_table({"d": WHEN.astype("M8[D]")})
    assert block_ids(table, "d:week")[0].tolist() == [0, 1, 3, 1, 1, 2]


def test_a_day_is_a_day_of_the_columns_zone() -> None:
    pa = pytest.importorskip("pyarrow")
    instants = pa.array(["2024-01-01T03:00:00", None, "2024-01-01T06:00:00"]).cast(pa.timestamp("ms"))
    table = read_table(pa.table({"t": instants.cast(pa.timestamp("ms", "America/New_York"))}))
    ids, said = block_ids(table, "t:day")
    assert ids.tolist() == [0, 2, 1]
    assert said == "rows of the same day of t (America/New_York)"
    strange = read_table(pa.table({"t": instants.cast(pa.timestamp("ms", "UTC"))}))
    assert block_ids(strange, "t:day")[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("day", "no column 'day'; there are 't', 'x', 'clock'; a unit of time follows its column: t:day"),
        ("t:decade", "no unit 'decade'; there are minute, hour, day, week, month, year"),
        ("y:day", "no column 'y'"),
        ("x:day", "column 'x' is numeric, not a timestamp"),
        ("clock:day", "holds times of day"),
        (0, "must be at least 1"),
        ("0", "must be at least 1"),
        (True, "not a rule"),
        (2.5, "not a rule"),
        (None, "not a rule"),
    ],
)
def test_rules_that_do_not_fit(spec: Any, said: str) -> None:
    import datetime as dt

    table = read_table({"t": WHEN[:2], "x": [0.5, 1.5], "clock": [dt.time(1), dt.time(2)]})
    with pytest.raises(ConfigError, match=said):
        block_ids(table, spec)


def test_blocks_of_no_rows() -> None:
    table = read_table({"x": np.zeros(0), "t": WHEN[:0]})
    for spec in ("x", "t:day", 3):
        assert block_ids(table, spec)[0].shape == (0,)
