"""Arrow types, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.data import Kind, read_table
from accel_drift.data.table import CategoricalColumn, NumericColumn

pa = pytest.importorskip("pyarrow")


def one(array: Any, **options: Any) -> Any:
    return read_table(pa.table({"c": array}), **options).columns["c"]


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_integers_keep_their_type_and_every_digit(name: str) -> None:
    limits = np.iinfo(name)
    values = [limits.max, None, limits.min, limits.max - 1]
    column = one(pa.array(values, name))
    assert column.values.dtype == np.dtype(name)
    assert [int(v) for v in column.present_values()] == [v for v in values if v is not None]
    assert (column.nulls, column.nans) == (1, 0)


def test_integers_beyond_float64_are_exact_through_every_door() -> None:
    values = [2**53 + 1, None, -(2**53) - 1]
    for source in (pa.table({"c": values}), {"c": values}):
        column = read_table(source).numeric("c")
        assert column.values.dtype == np.int64
        assert column.present_values().tolist() == [2**53 + 1, -(2**53) - 1]


def test_null_and_nan_are_both_missing_and_counted_apart() -> None:
    column = one(pa.chunked_array([pa.array([1.0, None, float("nan")]), pa.array([float("nan"), float("inf")])]))
    assert (column.nulls, column.nans, column.missing) == (1, 2, 3)
    assert column.mask().tolist() == [True, False, False, False, True]
    assert column.present_values().tolist() == [1.0, np.inf]


def test_infinities_are_values() -> None:
    column = one(pa.array([np.inf, -np.inf, 0.0]))
    assert column.present is None
    assert column.values.tolist() == [np.inf, -np.inf, 0.0]


def test_float_widths() -> None:
    assert one(pa.array([1.5, None], pa.float32())).values.dtype == np.float32
    assert one(pa.array(np.array([1.5], np.float16))).values.dtype == np.float32
    assert one(pa.array([Decimal("1.25"), None])).values.tolist()[0] == 1.25
    assert one(pa.array([Decimal("1.25")], pa.decimal256(40, 3))).values.tolist() == [1.25]


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
def test_texts(kind: str) -> None:
    chunks = pa.chunked_array([pa.array(["b", None, "a"], kind), pa.array(["c", "b", ""], kind)])
    column = one(chunks)
    assert column.categories == ("", "a", "b", "c")
    assert column.codes.tolist() == [2, -1, 1, 3, 2, 0]
    assert column.nulls == 1


def test_dictionaries_whose_codes_differ_are_merged_by_value() -> None:
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), pa.array(["x", "y"]))
    second = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), pa.array(["y", None, "z"]))
    column = one(pa.chunked_array([first, second]))
    assert column.categories == ("x", "y", "z")
    assert column.codes.tolist() == [0, 1, -1, 1, -1, 2]
    assert column.nulls == 2


def test_dictionaries_drop_values_without_a_row_and_join_repeated_ones() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.uint32()), pa.array(["b", "unused", "b"]))
    column = one(array)
    assert column.categories == ("b",)
    assert column.codes.tolist() == [0, 0, 0]


def test_dictionaries_of_numbers_stand_in_their_order() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array([10, 9, 100]))
    column = one(array)
    assert column.kind is Kind.CATEGORICAL
    assert column.categories == ("9", "10", "100")


@pytest.mark.parametrize("offset", [0, 1, 7, 8, 9, 63])
def test_slices_see_their_own_rows(offset: int) -> None:
    rng = np.random.default_rng(offset)
    whole = pa.table(
        {
            "i": pa.array([None if x < 3 else int(x) for x in rng.integers(0, 9, 80)], pa.int16()),
            "b": pa.array([None if x == 2 else bool(x) for x in rng.integers(0, 3, 80)]),
            "s": pa.array([None if x == 2 else str(x) for x in rng.integers(0, 4, 80)]),
            "d": pa.array([None if x == 2 else str(x) for x in rng.integers(0, 4, 80)]).dictionary_encode(),
            "t": pa.array([None if x == 2 else dt.date(2024, 1, 1 + int(x)) for x in rng.integers(0, 4, 80)]),
        }
    )
    part = whole.slice(offset, 11)
    found = read_table(part)
    expected = part.to_pydict()
    for name in ("i", "t"):
        column = found.numeric(name)
        assert column.mask().tolist() == [v is not None for v in expected[name]]
    assert found.numeric("i").present_values().tolist() == [v for v in expected["i"] if v is not None]
    for name in ("b", "s", "d"):
        coded = found.categorical(name)
        texts = [None if code < 0 else coded.categories[code] for code in coded.codes]
        assert texts == [None if v is None else str(v).lower() for v in expected[name]]


def test_instants() -> None:
    when = dt.datetime(2024, 5, 1, 12, 30)
    for type_, unit in [
        (pa.timestamp("s"), "s"),
        (pa.timestamp("ns"), "ns"),
        (pa.timestamp("us", "UTC"), "us"),
        (pa.date64(), "ms"),
        (pa.date32(), "D"),
    ]:
        column = one(pa.array([when, None], type_))
        assert (column.kind, column.unit, column.nulls) == (Kind.TIMESTAMP, unit, 1)
        assert column.values.dtype == np.int64
        held = np.datetime64(when.date() if "date" in str(type_) else when)
        assert column.values[0] == held.astype(f"M8[{unit}]").astype(int)
    assert one(pa.array([dt.time(1)], pa.time32("s"))).values.tolist() == [3600]
    assert one(pa.array([dt.time(1)], pa.time64("us"))).kind is Kind.TIMESTAMP


def test_durations_are_seconds_whatever_their_unit() -> None:
    span = dt.timedelta(minutes=1, milliseconds=500)
    for unit in ("ms", "us", "ns"):
        column = one(pa.array([span, None], pa.duration(unit)))
        assert (column.kind, column.unit, column.nulls) == (Kind.NUMERIC, "s", 1)
        assert column.values[0] == 60.5


def test_nothing_but_nulls_without_a_type() -> None:
    found = read_table(pa.table({"c": pa.nulls(3)}))
    column = found.numeric("c")
    assert (column.kind, column.nulls, column.missing) == (Kind.NUMERIC, 3, 3)
    assert found.schema.get("c").type == "null"  # type: ignore[union-attr]


def test_wrappings_are_taken_off() -> None:
    encoded = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None]))
    assert one(encoded).codes.tolist() == [0, 0, -1]
    assert one(pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1"]))).categories == ("1",)


def test_truth_values_have_two_categories_even_where_one_occurs() -> None:
    column = one(pa.array([True, None]))
    assert (column.kind, column.categories, column.codes.tolist()) == (
        Kind.BOOLEAN,
        ("false", "true"),
        [1, -1],
    )


@given(
    values=st.lists(st.none() | st.floats(width=64) | st.integers(-3, 3).map(float), max_size=40),
    cut=st.integers(0, 40),
)
def test_doubles_any_chunks(values: list[float | None], cut: int) -> None:
    chunks = pa.chunked_array([pa.array(values[:cut], pa.float64()), pa.array(values[cut:], pa.float64())])
    column = one(chunks)
    kept = [v for v in values if v is not None and v == v]
    assert column.present_values().tolist() == kept
    assert column.nulls == sum(v is None for v in values)
    assert column.nulls + column.nans + len(kept) == len(values)
    listed = read_table({"c": values}).columns["c"]
    if any(v is not None for v in values):
        assert listed.present_values().tolist() == kept  # type: ignore[union-attr]


@given(
    values=st.lists(st.none() | st.text(max_size=3), max_size=40),
    cut=st.integers(0, 40),
    encoded=st.booleans(),
)
def test_texts_any_chunks(values: list[str | None], cut: int, encoded: bool) -> None:
    parts = [pa.array(part, pa.string()) for part in (values[:cut], values[cut:])]
    column = one(pa.chunked_array([p.dictionary_encode() if encoded else p for p in parts]))
    assert [None if c < 0 else column.categories[c] for c in column.codes] == values
    assert list(column.categories) == sorted({v for v in values if v is not None})


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_instants_are_the_same_in_any_unit(kind: str) -> None:
    """A number or a category made of an instant does not depend on the unit that a source counts in."""
    days = np.arange("2024-01-01", "2024-01-09", dtype="M8[D]")
    odd = days.astype("M8[ms]") + np.timedelta64(1500, "ms")
    for instants, units in ((days, "D s ms us ns"), (odd, "ms us ns")):
        found: list[tuple[Any, ...]] = []
        for unit in units.split():
            column = read_table({"t": instants.astype(f"M8[{unit}]")}, kinds={"t": kind}).columns["t"]
            assert isinstance(column, NumericColumn | CategoricalColumn)
            held = column.categories if isinstance(column, CategoricalColumn) else column.present_values().tolist()
            found.append(tuple(held))
        assert len(set(found)) == 1
