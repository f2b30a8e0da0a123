from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.data import Column, Kind, Schema, SchemaDiff, common, comparable, diff
from accel_drift.errors import ConfigError, SchemaError

TYPES = ["int32", "int64", "float", "double", "string", "dictionary<string>", "bool", "timestamp[us]", "null"]
columns = st.builds(Column, st.text(max_size=3), st.sampled_from(Kind), st.sampled_from(TYPES), st.text(max_size=3))
schemas = st.lists(columns, max_size=6, unique_by=lambda c: c.name).map(lambda cs: Schema(tuple(cs)))


@given(schemas)
def test_a_schema_survives_json(schema: Schema) -> None:
    assert Schema.from_list(json.loads(json.dumps(schema.to_list()))) == schema


@given(schemas)
def test_nothing_differs_from_itself(schema: Schema) -> None:
    assert not diff(schema, schema)
    if schema.columns:
        assert common(schema, schema) == schema.names


@given(schemas, schemas)
def test_the_other_way_round_added_is_removed(one: Schema, other: Schema) -> None:
    there, back = diff(one, other), diff(other, one)
    assert set(there.added) == set(back.removed)
    assert {(n, b, a) for n, a, b in there.retyped} == set(back.retyped)
    assert bool(there) == bool(back)
    assert SchemaDiff.from_dict(json.loads(json.dumps(there.to_dict()))) == there
    assert set(there.added) | {n for n in other.names if n in one.names} == set(other.names)


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (("int64", Kind.NUMERIC), ("double", Kind.NUMERIC), True),
        (("int32", Kind.NUMERIC), ("string", Kind.CATEGORICAL), False),
        (("dictionary<string>", Kind.CATEGORICAL), ("string", Kind.CATEGORICAL), True),
        (("int64", Kind.IDENTIFIER), ("int64", Kind.NUMERIC), True),
        (("int64", Kind.IDENTIFIER), ("string", Kind.IDENTIFIER), False),
        (("string", Kind.IDENTIFIER), ("large_string", Kind.CATEGORICAL), True),
        (("bool", Kind.BOOLEAN), ("string", Kind.CATEGORICAL), False),
        (("bool", Kind.BOOLEAN), ("int8", Kind.NUMERIC), False),
        (("timestamp[s]", Kind.TIMESTAMP), ("date32[day]", Kind.TIMESTAMP), True),
        (("timestamp[s]", Kind.TIMESTAMP), ("int64", Kind.NUMERIC), False),
        (("null", Kind.NUMERIC), ("string", Kind.CATEGORICAL), True),
        (("bool", Kind.BOOLEAN), ("null", Kind.NUMERIC), True),
    ],
)
def test_what_counts_as_retyped(was: tuple[str, Kind], now: tuple[str, Kind], same: bool) -> None:
    one, other = Column("c", was[1], was[0]), Column("c", now[1], now[0])
    assert comparable(one, other) is same
    assert diff(Schema((one,)), Schema((other,))).retyped == (() if same else (("c", was[0], now[0]),))
    assert common(Schema((one,)), Schema((other,))) == (("c",) if same else ())


def test_a_kind_that_the_caller_changed_is_said() -> None:
    one, other = Column("c", Kind.CATEGORICAL, "int64"), Column("c", Kind.NUMERIC, "int64")
    assert diff(Schema((one,)), Schema((other,))).retyped == (("c", "int64 (categorical)", "int64 (numeric)"),)


def test_nothing_in_common_names_both_sides() -> None:
    one = Schema((Column("a", Kind.NUMERIC, "int64"),))
    many = Schema(tuple(Column(f"b{i}", Kind.NUMERIC, "int64") for i in range(20)))
    with pytest.raises(SchemaError, match=r"the reference has 'a'; the batch has 'b0', .*'b11' and 8 more"):
        common(one, many)
    with pytest.raises(SchemaError, match="the batch has no columns"):
        common(one, Schema(()))


def test_lookups() -> None:
    schema = Schema((Column("a", Kind.NUMERIC, "int64"), Column("b", Kind.BOOLEAN, "bool")))
    assert schema.names == ("a", "b")
    assert schema.of(Kind.NUMERIC, Kind.BOOLEAN) == ("a", "b")
    assert schema.get("c") is None
    assert schema.select(["b", "c"]).names == ("b",)
    assert Kind.named("Numeric") is Kind.NUMERIC
    with pytest.raises(ConfigError, match="no kind"):
        Kind.named("x")


@pytest.mark.parametrize("entries", [[{"name": "a"}], [{"name": "a", "kind": "x", "type": "y"}], ["a"], [None]])
def test_a_damaged_list_of_columns(entries: list[dict[str, str]]) -> None:
    with pytest.raises(SchemaError, match="not a list of columns"):
        Schema.from_list(entries)
