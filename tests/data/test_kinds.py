"""Which kind a column is found to be, and what the caller's word does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.data import Column, Kind, Schema, SchemaDiff, diff, read_table
from accel_drift.data.kinds import words_of
from accel_drift.errors import ConfigError, SchemaError

RNG = np.random.default_rng(5)


def found(name: str, values: Any, **options: Any) -> Column:
    column = read_table({name: values}, **options).schema.get(name)
    assert column is not None
    return column


def test_the_flights_of_june_and_september(flights: dict[str, Path]) -> None:
    june = read_table(flights["june"])
    kinds = {column.name: str(column.kind) for column in june.schema.columns}
    assert {name for name, kind in kinds.items() if kind == "identifier"} == {"tailnum", "flight"}
    assert {name for name, kind in kinds.items() if kind == "timestamp"} == {"time_hour"}
    assert {name for name, kind in kinds.items() if kind == "categorical"} == {"carrier", "origin", "dest"}
    assert {name for name, kind in kinds.items() if kind == "numeric"} == {
        "year",
        "month",
        "day",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "air_time",
        "distance",
        "hour",
        "minute",
    }
    reasons = {c.name: c.reason for c in june.schema.columns if c.kind is Kind.IDENTIFIER}
    assert "above 1,000 and 5%" in reasons["tailnum"]
    assert "'flight' is a thing that is numbered" in reasons["flight"]
    assert june.rows == 28_243
    assert june.numeric("dep_delay").nulls > 0
    assert june.numeric("dep_delay").values.dtype == np.int64

    for alone in (read_table(flights["september"]), read_table(flights["september"], schema=june.schema)):
        assert alone.rows == 27_574
        assert {c.name: str(c.kind) for c in alone.schema.columns} == kinds
        assert not diff(june.schema, alone.schema)


def test_the_rows_of_the_whole_year(flights: dict[str, Path]) -> None:
    year = read_table(flights["year"], columns=["arr_delay", "tailnum"])
    assert year.rows == 336_776
    assert year.numeric("arr_delay").nulls == 9_430


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", list(range(20))),
        ("n", list(RNG.permutation(500) + 7)),
        ("n", np.arange(-128, 128).astype(np.int8)),
        ("n", np.arange(30, dtype=np.uint64) + np.uint64(2**63)),
        ("user_id", list(range(0, 1010, 10))),
        ("userId", list(range(0, 1010, 10))),
        ("ID", list(range(0, 1010, 10))),
        ("session key", list(range(0, 1010, 10))),
        ("customer", list(range(0, 1010, 10))),
        ("customer", [f"c{i % 101}" for i in range(5000)]),
        ("code", [f"c{i}" for i in range(20)]),
        ("tail", [f"c{i % 1001}" for i in range(20_000)]),
    ],
)
def test_identifiers(name: str, values: Any) -> None:
    column = found(name, values)
    assert column.kind is Kind.IDENTIFIER
    assert column.reason


def test_free_text() -> None:
    texts = [f"{'It rained, and nothing came of it; so we went home. '}{i % 30}" for i in range(50)]
    column = found("remark", texts)
    assert column.kind is Kind.IDENTIFIER
    assert column.reason.startswith("free text: 5")


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("n", list(range(19)), Kind.NUMERIC),
        ("n", [*range(19), 20], Kind.NUMERIC),
        ("n", [*range(19), 0], Kind.NUMERIC),
        ("user_id", list(range(0, 1000, 10)), Kind.NUMERIC),
        ("user_id", [i + 0.5 for i in range(0, 1010, 10)], Kind.NUMERIC),
        ("orders", list(range(0, 1010, 10)), Kind.NUMERIC),
        ("width", list(range(0, 1010, 10)), Kind.NUMERIC),
        ("x", [float(i) for i in range(100)], Kind.NUMERIC),
        ("code", [f"c{i}" for i in range(19)], Kind.CATEGORICAL),
        (
            "remark",
            [f"It rained, and nothing came of it; so we went home. {i}" for i in range(19)],
            Kind.CATEGORICAL,
        ),
        ("tail", [f"c{i % 1000}" for i in range(2000)], Kind.CATEGORICAL),
        ("tail", [f"c{i % 1001}" for i in range(30_000)], Kind.CATEGORICAL),
    ],
)
def test_no_identifiers(name: str, values: Any, kind: Kind) -> None:
    assert found(name, values).kind is kind
    assert found(name, values).reason == ""


def test_missing_rows_do_not_hide_an_identifier() -> None:
    assert found("n", [None, *range(25), None]).kind is Kind.IDENTIFIER


def test_a_column_named_by_the_caller_is_never_an_identifier() -> None:
    rows = list(range(100))
    assert found("id", rows).kind is Kind.IDENTIFIER
    assert found("id", rows, columns=["id"]).kind is Kind.NUMERIC
    assert found("id", rows, kinds={"id": "numeric"}).kind is Kind.NUMERIC
    texts = [f"c{i}" for i in rows]
    assert found("id", texts, columns=["id"]).kind is Kind.CATEGORICAL
    table = read_table({"id": rows})
    assert read_table(table, columns=["id"]).numeric("id").kind is Kind.NUMERIC


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("customerID", ["customer", "id"]),
        ("HTTPServerKey", ["http", "server", "key"]),
        ("user-id", ["user", "id"]),
        ("sku2Id", ["sku2", "id"]),
        ("", []),
    ],
)
def test_words_of_a_name(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_numbers_as_categories_by_their_exact_text() -> None:
    column = read_table({"c": [10, None, 9, 2**53 + 1, 9]}, kinds={"c": "categorical"}).categorical("c")
    assert column.categories == ("9", "10", "9007199254740993")
    assert column.codes.tolist() == [1, -1, 0, 2, 0]
    floats = {"c": np.array([10.0, np.nan, 0.1, -0.0, np.inf])}
    assert read_table(floats, kinds={"c": Kind.CATEGORICAL}).categorical("c").categories == (
        "0",
        "0.1",
        "10",
        "inf",
    )
    thin = {"c": np.array([0.1], np.float32)}
    assert read_table(thin, kinds={"c": "categorical"}).categorical("c").categories == ("0.1",)


def test_other_kinds_on_the_callers_word() -> None:
    columns = {"t": ["1", "2.5", None], "b": [True, None, False], "i": [1, 0, None], "s": ["yes", "no", None]}
    told = read_table(columns, kinds={"t": "numeric", "b": "numeric", "i": "boolean"})
    assert told.numeric("t").present_values().tolist() == [1.0, 2.5]
    assert told.numeric("b").present_values().tolist() == [1, 0]
    assert told.categorical("i").codes.tolist() == [1, 0, -1]
    assert told.categorical("i").kind is Kind.BOOLEAN
    assert {c.reason for c in told.schema.columns if c.name != "s"} == {"set by the caller"}
    exact = read_table({"t": [str(2**53 + 1), "-3"]}, kinds={"t": "numeric"}).numeric("t")
    assert exact.values.tolist() == [2**53 + 1, -3]
    dates = read_table({"t": ["2024-01-02", None, "2024-01-01T05:00:00Z"]}, kinds={"t": "timestamp"}).numeric("t")
    assert dates.kind is Kind.TIMESTAMP
    assert dates.nulls == 1
    assert dates.values[0] == np.datetime64("2024-01-02", "us").astype(int)
    assert read_table(columns, kinds={"s": "identifier"}).schema.of(Kind.IDENTIFIER) == ("s",)
    assert read_table(columns, kinds={"b": "categorical"}).categorical("b").kind is Kind.CATEGORICAL
    day = {"d": np.array(["2024-01-01", "NaT"], "M8[D]")}
    assert read_table(day, kinds={"d": "categorical"}).categorical("d").categories == ("2024-01-01",)
    assert read_table(day, kinds={"d": "numeric"}).numeric("d").present_values().tolist() == [19_723 * 86_400.0]


ISO = ["2024-01-02", "2024-01-01T05", "2024-01-01 05:30", "2024-01-01T05:30:07", "2024-01-01 05:30:07.25"]


@pytest.mark.parametrize("zone", ["", "Z", "+02:00", "-0330"])
def test_texts_of_times_are_times_as_in_a_text_file(zone: str, tmp_path: Path) -> None:
    texts = [text if not zone else f"{text}{zone}" for text in ISO[zone != "" :]]
    (tmp_path / "it.csv").write_text("\n".join(["t", *texts, "NA"]), encoding="utf-8")
    text, file = read_table({"t": [*texts, None]}), read_table(tmp_path / "it.csv")
    seen = [side.numeric("t") for side in (text, file)]
    assert {column.kind for column in seen} == {Kind.TIMESTAMP}
    a, b = (column.present_values().astype(f"M8[{column.unit}]") for column in seen)
    assert (a == b).all()
    assert diff(text.schema, file.schema) == diff(file.schema, text.schema) == SchemaDiff()
    for one in (text, file):
        assert read_table(tmp_path / "it.csv", schema=one.schema).schema.of(Kind.TIMESTAMP) == ("t",)
        assert read_table({"t": texts}, schema=one.schema).schema.of(Kind.TIMESTAMP) == ("t",)
    assert read_table({"t": texts}, columns=["t"]).schema.of(Kind.TIMESTAMP) == ("t",)
    assert read_table({"t": texts}, kinds={"t": "categorical"}).categorical("t").kind is Kind.CATEGORICAL
    numbers = [read_table(d, kinds={"t": "numeric"}).numeric("t") for d in ({"t": texts}, tmp_path / "it.csv")]
    assert numbers[0].present_values().tolist() == numbers[1].present_values().tolist()


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-01", "soon"],
        ["2024-02-30"],
        ["2024-01"],
        ["2024"],
        ["2024-01-01T05:00:00Z", "2024-01-01T05:00:00"],
        ["2024-01-01T05:00:00Z and more"],
    ],
)
def test_texts_that_are_not_all_times_are_categories(texts: list[str]) -> None:
    assert found("t", texts).kind is Kind.CATEGORICAL


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (["today"], "timestamp", "it has 'today'"),
        (["1", "x"], "numeric", "'c' cannot be numeric: it has 'x'"),
        (["true", "maybe"], "boolean", "it has 'maybe'"),
        ([0, 2], "boolean", "it has '2'"),
        (["2024-01-01", "soon"], "timestamp", "it has 'soon'"),
        ([1, 2], "timestamp", "nothing says since when"),
    ],
)
def test_a_value_that_cannot_follow(values: Any, kind: str, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_table({"c": values}, kinds={"c": kind})


def test_an_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="no kind 'number'; there are numeric, categorical, boolean"):
        read_table({"c": [1]}, kinds={"c": "number"})


def test_the_batch_is_held_to_the_kinds_of_the_reference() -> None:
    reference = read_table(
        {
            "id": list(range(100)),
            "code": [1, 2] * 50,
            "open": ["1", "0"] * 50,
            "x": [1.5] * 100,
            "s": ["a"] * 100,
        },
        kinds={"code": "categorical", "open": "numeric"},
    )
    batch = read_table(
        {"id": [7, 7], "code": [2, 3], "open": ["0", "1"], "x": [None, None], "s": [None, None]},
        schema=reference.schema,
    )
    assert batch.numeric("id").kind is Kind.IDENTIFIER
    assert batch.categorical("code").categories == ("2", "3")
    assert batch.numeric("open").values.tolist() == [0, 1]
    assert batch.numeric("x").missing == 2
    assert batch.categorical("s").codes.tolist() == [-1, -1]
    assert not diff(reference.schema, batch.schema)
    assert [c.reason for c in batch.schema.columns][:1] == [reference.schema.columns[0].reason]
    with pytest.raises(SchemaError, match="'open' cannot be numeric: it has 'ajar'"):
        read_table({"open": ["ajar"]}, schema=reference.schema)


def test_a_column_that_became_another_thing_keeps_what_it_is() -> None:
    reference = read_table({"x": [1.5, 2.5], "s": ["a", "b"], "nothing": [None, None]})
    batch = read_table({"x": ["u", "v"], "s": [1, 2], "nothing": ["a", "b"]}, schema=reference.schema)
    assert diff(reference.schema, batch.schema).retyped == (
        ("x", "double", "string"),
        ("s", "string", "int64"),
    )
    assert batch.categorical("x").categories == ("u", "v")
    assert batch.numeric("s").values.tolist() == [1, 2]
    assert batch.categorical("nothing").categories == ("a", "b")


def test_no_value_at_all_in_boolean_and_time_columns() -> None:
    reference = read_table({"b": [True, False], "t": np.array(["2024-01-01"] * 2, "M8[D]")})
    batch = read_table({"b": [None], "t": [None]}, schema=reference.schema)
    assert batch.categorical("b").categories == ("false", "true")
    assert batch.numeric("t").kind is Kind.TIMESTAMP
    assert isinstance(batch.schema, Schema)
