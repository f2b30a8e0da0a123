"""Columns of one vector a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.data import Kind, Table, read_table
from accel_drift.data.calendar import block_ids
from accel_drift.data.numbers import embedding_column
from accel_drift.data.schema import dimensions, embedding_type
from accel_drift.errors import ConfigError, DataError, SchemaError


def _vectors(rows: int = 200, shift: float = 0.0, seed: int = 0, k: int = 6) -> np.ndarray[Any, Any]:
    return (np.random.default_rng(seed).normal(size=(rows, k)) + shift).astype(np.float32)


def _holes() -> np.ndarray[Any, Any]:
    values = _vectors(5, k=3)
    values[1, 2] = np.nan
    values[3] = np.nan
    values[4, :2] = np.inf, -np.inf  # their sum is NaN, they are not
    return values


def test_a_matrix_in_a_dict_is_one_column() -> None:
    table = read_table({"text": _holes(), "age": np.arange(5.0)})
    column = table.embedding("text")
    assert table.schema.of(Kind.EMBEDDING) == ("text",)
    assert (column.rows, column.dimensions, column.nulls, column.nans) == (5, 3, 0, 2)
    assert column.mask().tolist() == [True, False, True, False, True]
    assert len(column.present_values()) == 3
    assert dimensions(table.schema.get("text").type) == 3  # type: ignore[union-attr]
    for wrong in (table.numeric, table.categorical):
        with pytest.raises(SchemaError, match="holds embeddings"):
            wrong("text")
    with pytest.raises(SchemaError, match="holds numbers, not embeddings"):
        table.embedding("age")


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i1", "i1"), ("u8", "u8"), ("?", "u1"), (">f4", "f4")],
)
def test_types(dtype: str, kept: str) -> None:
    assert read_table({"e": np.ones((4, 2), dtype)}).embedding("e").values.dtype == np.dtype(kept)


def test_what_is_no_embedding() -> None:
    with pytest.raises(DataError, match="3 dimensions"):
        read_table({"e": np.zeros((2, 2, 2))})
    found = read_table({"e": np.zeros((2, 0)), "c": np.zeros((2, 2), complex), "ok": [1, 2]})
    assert list(found.columns) == ["ok"]
    assert "0 numbers" in found.excluded["e"]
    assert "complex" in found.excluded["c"]


def test_nulls_and_nans_stay_apart_through_take() -> None:
    column = embedding_column("e", _holes(), np.array([False, True, True, True, True]))
    assert (column.nulls, column.nans) == (1, 2)
    some = column.take(np.array([0, 1, 2]))
    assert (some.nulls, some.nans) == (1, 1)
    assert column.take(np.array([2, 4])).present is None
    assert column.take(np.arange(5) == 3).nans == 1


def test_rows_survive_arrow() -> None:
    holed = embedding_column("e", _holes(), np.array([False, True, True, True, True]))
    table = read_table({"e": _holes(), "n": np.arange(5.0)})
    for one in (table, Table(5, {**table.columns, "e": holed}, table.schema)):
        back = Table.from_arrow(one.to_arrow(), one.schema).embedding("e")
        was = one.embedding("e")
        np.testing.assert_array_equal(back.mask(), was.mask())
        np.testing.assert_array_equal(back.present_values(), was.present_values())
        assert (back.nulls, back.nans, back.values.dtype) == (was.nulls, was.nans, was.values.dtype)
        # What is read back counts its NaN rows as before.
        assert back.take(np.array([0, 3])).nans == was.take(np.array([0, 3])).nans


def test_two_lengths_cannot_be_compared() -> None:
    report = ad.compare(
        {"e": _vectors(), "x": np.arange(200.0)}, {"e": _vectors(k=4), "x": np.arange(200.0)}, ["mmd", "psi"]
    )
    (changed,) = report.schema_diff.retyped
    assert changed[1:] == (embedding_type("float", 6), embedding_type("float", 4))


def test_kinds_do_not_turn_into_one_another() -> None:
    with pytest.raises(SchemaError, match="embeddings of 6 numbers and cannot be numeric"):
        read_table({"e": _vectors()}, kinds={"e": "numeric"})
    with pytest.raises(SchemaError, match="one value a row"):
        read_table({"x": [1.0, 2.0]}, kinds={"x": "embedding"})
    with pytest.raises(ConfigError, match="holds embeddings"):
        block_ids(read_table({"e": _vectors()}), "e")


def test_a_batch_without_any_vector_is_missing_rows() -> None:
    reference = read_table({"e": _vectors()})
    batch = read_table({"e": [None] * 50}, schema=reference.schema)
    assert (batch.embedding("e").dimensions, batch.embedding("e").nulls) == (6, 50)
    report = ad.compare({"e": _vectors()}, {"e": [None] * 50}, ["missing"])
    assert report.column("e")[0].effect == 1.0


def test_a_report_compares_embeddings_as_a_whole(tmp_path: Path) -> None:
    reference, moved = {"text": _vectors(), "age": np.arange(200.0)}, _vectors(shift=0.7, seed=1)
    moved[:40, 0] = np.nan
    profile = ad.Profile.fit(reference)
    profile.save(tmp_path / "p.adp")
    report = ad.Profile.load(tmp_path / "p.adp").score({"text": moved, "age": np.arange(200.0)})
    by = {f.detector: f for f in report.findings if "text" in f.columns}
    assert set(by) == {"mmd", "missing"}
    assert by["mmd"].columns == ("text", "age")
    assert str(by["mmd"].status) == str(by["missing"].status) == "drifted"
    assert "text" in report.to_html()
    again = profile.score({"text": _vectors(seed=2), "age": np.arange(200.0)})
    assert not again.drifted


def test_detectors_of_one_value_leave_embeddings_out_and_say_so() -> None:
    both = {"text": _vectors(), "age": np.arange(200.0)}
    report = ad.compare(both, both, ["psi"])
    assert "mmd" in report.excluded["text"]
    assert not report.column("text")
    with pytest.raises(DataError, match="no chosen detector compares embeddings"):
        ad.compare({"text": _vectors()}, {"text": _vectors()}, ["psi"])
