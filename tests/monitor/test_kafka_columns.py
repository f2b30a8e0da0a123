"""A message whose value is of another sort than its column is passed over; a column that changed is told."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.data.schema import Column, Kind
from accel_drift.monitor.kafka import sorts
from accel_drift.monitor.kafka.columns import Columns
from accel_drift.monitor.kafka.hand import Lot
from accel_drift.monitor.kafka.messages import FORMATS, Message, typed
from tests.monitor.samples import rows

_HAS = {
    "x": Column("x", Kind.NUMERIC, "double"),
    "n": Column("n", Kind.NUMERIC, "int64"),
    "city": Column("city", Kind.CATEGORICAL, "string"),
    "flag": Column("flag", Kind.BOOLEAN, "bool"),
    "at": Column("at", Kind.TIMESTAMP, "timestamp[us]"),
    "code": Column("code", Kind.CATEGORICAL, "int64"),
    "score": None,
}


def lot(*values: Any, first: int = 0) -> Lot:
    """Messages of one object each, or of a list."""
    made = [one if isinstance(one, list) else [one] for one in values]
    return Lot(
        [Message(("t", 0), first + n, one, len(one)) for n, one in enumerate(made)], {("t", 0): first + len(made)}
    )


def column(batch: mo.Batch, name: str) -> list[Any]:
    return list(batch.rows[name].to_pylist())


def test_one_damaged_message_spoils_no_window(profile: ad.Profile) -> None:
    good = rows(370, 1).to_pylist()
    with ad.Monitor(profile, ad.Windows(rows=100), name="m") as monitor:
        batch = lot(*good[:150], {"x": "abc", "city": 5}, *good[150:]).batch(Columns(), monitor.expected)
        found = [*monitor.observe(batch), *monitor.finish()]
    assert [report.n_batch for report in found] == [100, 100, 100, 70]
    assert batch.passed_over == (
        "kafka:t/0, offset 150, passed over: column 'x' has texts, where the reference has numbers",
    )
    assert not any("not compared" in text for report in found for text in report.warnings)
    assert all({f.column for f in report.findings} == {"x", "city"} for report in found)


def test_a_column_that_changed_is_told_and_nothing_is_passed_over(profile: ad.Profile) -> None:
    new = [{**one, "x": str(one["x"])} for one in rows(300, 1).to_pylist()]
    with ad.Monitor(profile, ad.Windows(rows=100), name="m") as monitor:
        batch = lot(*new).batch(Columns(), monitor.expected)
        found = list(monitor.observe(batch))
    assert batch.passed_over == ()
    assert [report.n_batch for report in found] == [100, 100, 100]
    assert all("x: double in the reference, string in the batch; not compared" in one.warnings for one in found)


@pytest.mark.parametrize(
    ("good", "odd", "said"),
    [
        ({"x": 1.5}, {"x": "1.5"}, "column 'x' has texts, where the reference has numbers"),
        ({"x": 1.5}, {"x": True}, "column 'x' has truth values, where the reference has numbers"),
        ({"x": 1.5}, {"x": [1.5]}, "column 'x' has lists, where the reference has numbers"),
        ({"city": "Oslo"}, {"city": 5}, "column 'city' has numbers, where the reference has texts"),
        ({"flag": True}, {"flag": 1}, "column 'flag' has numbers, where the reference has truth values"),
        ({"at": "2024-01-01"}, {"at": {}}, "column 'at' has objects, where other messages have texts"),
        ({"score": 1}, {"score": "a"}, "column 'score' has texts, where other messages have numbers"),
    ],
)
def test_what_is_odd(good: dict[str, Any], odd: dict[str, Any], said: str) -> None:
    batch = lot(good, odd, good).batch(Columns(), _HAS)
    assert batch.passed_over == (f"kafka:t/0, offset 1, passed over: {said}",)
    assert (batch.rows.num_rows, batch.told, batch.position) == (2, (), {"kafka:t/0": 3})


@pytest.mark.parametrize(
    "values",
    [
        [{"x": 1}, {"x": 1.5}, {"x": None}, {}],
        [{"n": 1}, {"n": 2}, {"n": 1.5}],  # a fraction among whole numbers is a number
        [{"at": 1}, {"at": 2}],
        [{"code": 1}, {"code": 2}, {"code": "a"}],  # categories are compared as texts anyhow
        [{"note": 1}, {"note": 2}, {"note": "a"}],  # nothing looks at it
    ],
)
def test_what_is_not_odd(values: list[dict[str, Any]]) -> None:
    batch = lot(*values).batch(Columns(), _HAS)
    assert batch.passed_over == ()
    assert batch.rows.num_rows == len(values)


def test_without_a_reference_the_first_messages_say_what_a_column_holds() -> None:
    columns = Columns()
    assert column(lot(*[{"a": 1}] * 4).batch(columns, None), "a") == [1] * 4
    batch = lot({"a": "b"}, first=4).batch(columns, None)
    assert batch.rows is None
    assert batch.passed_over == (
        "kafka:t/0, offset 4, passed over: column 'a' has texts, where other messages have numbers",
    )
    assert column(lot({"a": 2}, {"a": "b"}, {"a": 3}, first=5).batch(columns, None), "a") == [2, 3]
    assert column(lot(*[{"a": "b"}] * 20, first=8).batch(columns, None), "a") == ["b"] * 20
    assert column(lot({"a": 2}, {"a": "c"}, {"a": "d"}, first=28).batch(columns, None), "a") == ["c", "d"]


def test_small_lots_are_judged_with_those_before_and_a_change_is_seen_in_them_too() -> None:
    columns = Columns()
    sizes = []
    for n in range(30):
        batch = lot({"x": 1.0 if n < 20 else "a"}, first=n).batch(columns, _HAS)
        sizes.append(0 if batch.rows is None else batch.rows.num_rows)
    assert sizes == [1] * 20 + [0] * 4 + [1] * 6


def test_a_message_of_many_rows_is_one_message() -> None:
    many = [{"x": float(n)} for n in range(50)]
    batch = lot(many, [*many, {"x": "a"}], many).batch(Columns(), _HAS)
    assert batch.rows.num_rows == 100
    assert len(batch.passed_over) == 1


def test_types_that_were_given() -> None:
    columns = Columns(pa.schema([("x", pa.float64())]))
    batch = lot({"x": 1.0}, {"x": "2.5"}, {"x": "abc"}, {"x": 3}).batch(columns, _HAS)
    assert column(batch, "x") == [1.0, 2.5, 3.0]
    assert len(batch.passed_over) == 1
    assert "offset 2, passed over: column 'x' is not double" in batch.passed_over[0]
    changed = lot(*[{"x": "abc"}] * 20).batch(columns, _HAS)
    assert (changed.passed_over, changed.rows.schema.field("x").type) == ((), pa.string())
    assert typed("x", [None, 1, "2"], pa.int64()).to_pylist() == [None, 1, 2]


def streams(*tables: pa.Table) -> Lot:
    """Messages of a stream of Arrow each."""
    made = []
    for n, table in enumerate(tables):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as out:
            out.write_table(table)
        made.append(Message(("t", 0), n, *FORMATS["arrow"](bytes(sink.getvalue().to_pybytes()))))
    return Lot(made, {("t", 0): len(made)})


def test_streams_of_arrow_are_left_as_they_are() -> None:
    batch = streams(rows(3, 1)).batch(Columns(), _HAS)
    assert (batch.rows.num_rows, batch.rows.schema, batch.passed_over) == (3, rows(3, 1).schema, ())


@pytest.mark.parametrize("expected", [_HAS, None])
def test_a_stream_of_arrow_with_another_type_is_passed_over(expected: Any) -> None:
    good = [rows(4, n) for n in range(11)]
    texts = good[0].set_column(0, "x", pa.array(["a"] * 4))
    single = good[1].set_column(0, "x", good[1]["x"].cast(pa.float32()))
    empty = good[2].set_column(0, "x", pa.nulls(4))
    batch = streams(*good[:8], texts, single, empty, *good[8:]).batch(Columns(), expected)
    who = "the reference has" if expected else "other messages have"
    assert batch.passed_over == (f"kafka:t/0, offset 8, passed over: column 'x' has texts, where {who} numbers",)
    assert (batch.rows.num_rows, batch.rows.schema.field("x").type, batch.told) == (4 * 13, pa.float64(), ())


def test_a_column_of_arrow_that_changed_is_told() -> None:
    columns, good = Columns(), [rows(4, n) for n in range(20)]
    streams(*good).batch(columns, _HAS)
    new = [table.set_column(0, "x", pa.array(["a"] * 4)) for table in good]
    batch = streams(*good[:5], *new).batch(columns, _HAS)
    assert (batch.rows.num_rows, batch.passed_over) == (100, ())
    assert any("column 'x' is of types double and string" in text for text in batch.told)


def test_sorts_of_types_of_arrow() -> None:
    held: dict[str, Any] = {
        "truth values": pa.array([True]),
        "numbers": pa.array([1]),
        "texts": pa.array(["a"]).dictionary_encode(),
        "times": pa.array([0], pa.timestamp("us", "UTC")),
        "lists": pa.array([[1.0]], pa.list_(pa.float32(), 1)),
        "objects": pa.array([{"a": 1}]),
        "values of type binary": pa.array([b"a"]),
        "": pa.nulls(1),
    }
    seen = sorts.of([Message(("t", 0), 0, pa.table(held), 1)])
    assert {name: seen.of_all(name) for name in seen.names} == {name: {name} for name in held}
    assert {name: seen.of_each(name) for name in held} == {name: [{name} - {""}] for name in held}


def test_what_a_monitor_looks_at(profile: ad.Profile) -> None:
    with ad.Monitor(profile, ad.Windows(time="1d", on="at"), name="m") as monitor:
        found = monitor.expected
    assert found is not None
    assert (found["at"], found["x"].type, sorted(found)) == (None, "double", ["at", "city", "x"])
    with ad.Monitor(mo.Trailing(windows=2), ad.Windows(rows=10), name="m") as monitor:
        assert monitor.expected is None
