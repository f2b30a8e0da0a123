"""Every Arrow type that is read, in every layout: whole, sliced, chunked, without nulls, without rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.data import CategoricalColumn, Kind, read_table

pa = pytest.importorskip("pyarrow")

WHEN = [dt.datetime(2024, 5, 1, 12), None, dt.datetime(1969, 7, 20, 20), dt.datetime(2024, 5, 1, 12), None]
DAYS = [None if w is None else w.replace(hour=0) for w in WHEN]
TIMES = [dt.time(1, 2, 3), None, dt.time(0), dt.time(23, 59, 59), dt.time(1, 2, 3)]
SPANS = [dt.timedelta(seconds=90), None, dt.timedelta(days=-1), dt.timedelta(0), dt.timedelta(0)]
WHOLE = [1, None, 0, 100, 100]
MONEY = [Decimal("1.15"), None, Decimal("-0.07"), Decimal("99.99"), Decimal("0.00")]
HUGE = [2**64 - 1, None, 2**63, 0, 1]
REAL = [0.5, None, -0.0, 2.25, float("inf")]
TEXT = ["b", None, "", "été", "b"]
TRUTH = [True, None, False, True, True]
NUMBERS = Kind.NUMERIC
TEXTS = Kind.CATEGORICAL


def micros(when: dt.datetime | None) -> int | None:
    return None if when is None else int(np.datetime64(when, "us").astype(int))


def in_unit(unit: str, values: list[dt.datetime | None] = WHEN) -> list[int | None]:
    return [None if v is None else int(np.datetime64(v).astype(f"M8[{unit}]").astype(int)) for v in values]


def seconds_of_day(per: int) -> list[int | None]:
    return [None if t is None else (t.hour * 3600 + t.minute * 60 + t.second) * per for t in TIMES]


def plain(dtype: Any) -> Callable[[list[Any]], Any]:
    return lambda values: pa.array(values, dtype)


def coded(index: Any, values: Any = None) -> Callable[[list[Any]], Any]:
    return lambda data: pa.array(data, values).dictionary_encode().cast(pa.dictionary(index, values or pa.string()))


def null_in_the_dictionary(values: list[Any]) -> Any:
    texts = list(dict.fromkeys([*values, None]))
    return pa.DictionaryArray.from_arrays(pa.array([texts.index(v) for v in values], pa.int8()), pa.array(texts))


def runs(values: list[Any]) -> Any:
    ends = pa.array(range(1, len(values) + 1), pa.int32())
    if not values:
        return pa.array([], pa.run_end_encoded(pa.int32(), pa.string()))
    return pa.RunEndEncodedArray.from_arrays(ends, pa.array(values, pa.string()))


def extension(dtype: Any, storage: Any) -> Callable[[list[Any]], Any]:
    return lambda values: pa.ExtensionArray.from_storage(dtype, pa.array(values, storage))


CASES: dict[str, tuple[Callable[[list[Any]], Any], list[Any], list[Any], Kind, str]] = {
    **{str(t): (plain(t), WHOLE, WHOLE, NUMBERS, str(t)) for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(t): (plain(t), WHOLE, WHOLE, NUMBERS, str(t)) for t in (pa.uint8(), pa.uint16(), pa.uint32())},
    "uint64": (plain(pa.uint64()), HUGE, HUGE, NUMBERS, "uint64"),
    **{str(t): (plain(t), REAL, REAL, NUMBERS, str(t)) for t in (pa.float16(), pa.float32(), pa.float64())},
    **{
        str(t): (plain(t), MONEY, [None if v is None else float(v) for v in MONEY], NUMBERS, str(t))
        for t in (pa.decimal32(7, 2), pa.decimal64(12, 2), pa.decimal128(9, 2), pa.decimal128(38, 20))
    },
    "decimal256": (
        plain(pa.decimal256(60, 3)), MONEY, [None if v is None else float(v) for v in MONEY], NUMBERS,
        "decimal256(60, 3)",
    ),
    **{str(t): (plain(t), TEXT, TEXT, TEXTS, str(t)) for t in (pa.string(), pa.large_string(), pa.string_view())},
    **{
        f"codes {t}": (coded(t), TEXT, TEXT, TEXTS, "dictionary<string>")
        for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    },
    "codes of large": (coded(pa.int32(), pa.large_string()), TEXT, TEXT, TEXTS, "dictionary<large_string>"),
    "codes of numbers": (
        coded(pa.int8(), pa.int64()), WHOLE, [None if v is None else str(v) for v in WHOLE], TEXTS, "dictionary<int64>",
    ),
    "null in the dictionary": (null_in_the_dictionary, TEXT, TEXT, TEXTS, "dictionary<string>"),
    "runs": (runs, TEXT, TEXT, TEXTS, "string"),
    "bool": (plain(pa.bool_()), TRUTH, [None if v is None else str(v).lower() for v in TRUTH], Kind.BOOLEAN, "bool"),
    "bool8": (
        extension(pa.bool8(), pa.int8()), [7, None, 0, 1, 1],
        [None if v is None else str(v).lower() for v in TRUTH], Kind.BOOLEAN, "bool",
    ),
    "json": (extension(pa.json_(), pa.string()), TEXT, TEXT, TEXTS, "string"),
    **{
        f"timestamp {u}": (plain(pa.timestamp(u)), WHEN, in_unit(u), Kind.TIMESTAMP, f"timestamp[{u}]")
        for u in ("s", "ms", "us", "ns")
    },
    "timestamp zone": (
        plain(pa.timestamp("ms", "Asia/Tokyo")), WHEN, in_unit("ms"), Kind.TIMESTAMP, "timestamp[ms, tz=Asia/Tokyo]",
    ),
    "date32": (plain(pa.date32()), WHEN, in_unit("D"), Kind.TIMESTAMP, "date32[day]"),
    "date64": (plain(pa.date64()), DAYS, in_unit("ms", DAYS), Kind.TIMESTAMP, "date64[ms]"),
    "time32 s": (plain(pa.time32("s")), TIMES, seconds_of_day(1), Kind.TIMESTAMP, "time32[s]"),
    "time32 ms": (plain(pa.time32("ms")), TIMES, seconds_of_day(1000), Kind.TIMESTAMP, "time32[ms]"),
    "time64 us": (plain(pa.time64("us")), TIMES, seconds_of_day(10**6), Kind.TIMESTAMP, "time64[us]"),
    "time64 ns": (plain(pa.time64("ns")), TIMES, seconds_of_day(10**9), Kind.TIMESTAMP, "time64[ns]"),
    **{
        f"duration {u}": (
            plain(pa.duration(u)), SPANS, [None if v is None else v.total_seconds() for v in SPANS], NUMBERS,
            f"duration[{u}]",
        )
        for u in ("s", "ms", "us", "ns")
    },
    "null": (lambda values: pa.nulls(len(values)), [None] * 5, [None] * 5, NUMBERS, "null"),
}  # fmt: skip

LAYOUTS: dict[str, Callable[[Any], tuple[Any, slice]]] = {
    "whole": lambda array: (array, slice(0, 5)),
    "sliced": lambda array: (array.slice(1, 3), slice(1, 4)),
    "one null": lambda array: (array.slice(1, 1), slice(1, 2)),
    "no null": lambda array: (array.slice(2, 2), slice(2, 4)),
    "chunked": lambda array: (pa.chunked_array([array.slice(0, 2), array.slice(2, 0), array.slice(2)]), slice(0, 5)),
    "no rows": lambda array: (array.slice(2, 0), slice(2, 2)),
    "no chunks": lambda array: (pa.chunked_array([], array.type), slice(0, 0)),
}


def held(column: Any) -> list[Any]:
    if isinstance(column, CategoricalColumn):
        return [None if code < 0 else column.categories[code] for code in column.codes]
    return [value if there else None for value, there in zip(column.values.tolist(), column.mask(), strict=True)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_every_type_in_every_layout(case: str, layout: str) -> None:
    make, values, expected, kind, said = CASES[case]
    array, rows = LAYOUTS[layout](make(values))
    found = read_table(pa.table({"c": array}), columns=["c"])
    column = found.columns["c"]
    assert held(column) == expected[rows]
    assert column.nulls == expected[rows].count(None)
    assert column.kind is kind
    assert found.schema.get("c").type == said  # type: ignore[union-attr]


REFUSED = {
    "codes of structs": (
        pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([{"a": 1}])),
        "categories of type struct",
    ),
    "bytes": (pa.array([b"a"]), "bytes (binary)"),
    "bytes of one size": (pa.array([b"abcd"], pa.binary(4)), "bytes (fixed_size_binary[4])"),
    "struct": (pa.array([{"a": 1}]), "nested (struct"),
    "map": (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "nested (map"),
    "union": (pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]), "nested"),
    "lists of texts": (pa.array([["a"]]), "nested (list"),
    "list view": (pa.array([[1]], pa.list_view(pa.int64())), "nested (list_view"),
    "binary view": (pa.array([b"a"], pa.binary_view()), "bytes (binary_view)"),
    "large binary": (pa.array([b"a"], pa.large_binary()), "bytes (large_binary)"),
    "codes of bytes": (pa.array([b"a"]).dictionary_encode(), "bytes (dictionary<"),
    "uuid": (pa.array([b"0" * 16], pa.uuid()), "a uuid names a thing"),
    "interval": (pa.array([pa.MonthDayNano([1, 2, 3])]), "make it a number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_left_out_with_the_reason(case: str) -> None:
    array, reason = REFUSED[case]
    for part in (array, array.slice(1), pa.chunked_array([array, array])):
        found = read_table(pa.table({"c": part, "x": np.zeros(len(part))}))
        assert list(found.columns) == ["x"]
        assert reason in found.excluded["c"]


@given(
    st.integers(1, 38).flatmap(
        lambda digits: st.tuples(
            st.just(digits),
            st.integers(0, digits),
            st.lists(st.none() | st.integers(-(10**digits) + 1, 10**digits - 1), min_size=1, max_size=9),
        )
    )
)
def test_decimals_are_the_nearest_float64(drawn: tuple[int, int, list[int | None]]) -> None:
    digits, scale, whole = drawn
    values = [None if v is None else Decimal(f"{v}E-{scale}") for v in whole]
    array = pa.array(values, pa.decimal128(digits, scale))
    exact = [None if v is None else float(Fraction(v, 10**scale)) for v in whole]
    assert held(read_table(pa.table({"c": array}), columns=["c"]).columns["c"]) == exact
    assert held(read_table({"c": values}, columns=["c"]).columns["c"]) == exact
