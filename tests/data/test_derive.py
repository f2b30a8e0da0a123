"""Texts compared by their length, times by the gaps between them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.data import Kind, Schema, read_table
from accel_drift.errors import ConfigError, SchemaError

pa = pytest.importorskip("pyarrow")

START = np.datetime64("2024-01-01", "s")


def times(seconds: Any, unit: str = "s") -> Any:
    return (START + np.asarray(seconds, "m8[s]")).astype(f"M8[{unit}]")


def gaps(values: Any) -> Any:
    return read_table({"t": values}, kinds={"t": "gaps"}).numeric("gaps of t")


def test_lengths_are_characters_and_take_the_place_of_the_text() -> None:
    found = read_table({"comment": ["été", "", None, "ab"], "x": [1.0, 2.0, 3.0, 4.0]}, kinds={"comment": "length"})
    assert list(found.columns) == ["length of comment", "x"]
    column = found.numeric("length of comment")
    assert column.present_values().tolist() == [3, 0, 2]
    assert (column.nulls, column.unit, column.kind) == (1, "characters", Kind.NUMERIC)
    field = found.schema.columns[0]
    assert (field.source, field.derived, field.reason) == ("comment", "length", "characters of 'comment'")
    assert Schema.from_list(found.schema.to_list()) == found.schema


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_lengths_of_every_type_of_text(kind: str) -> None:
    values = ["a", None, "abc", "a"]
    array = pa.array(values).dictionary_encode() if kind == "dictionary" else pa.array(values, kind)
    column = read_table(pa.table({"c": array}), kinds={"c": "length"}).numeric("length of c")
    assert column.present_values().tolist() == [1, 3, 1]


def test_gaps_stand_beside_their_times_whatever_the_order_of_the_rows() -> None:
    seconds = np.array([0, 10, 10, 40, 100])
    found = read_table({"t": times(seconds)}, kinds={"t": "gaps"})
    assert list(found.columns) == ["t", "gaps of t"]
    assert found.numeric("gaps of t").unit == "s"
    assert found.numeric("gaps of t").values.tolist() == [10, 10, 0, 30, 60]
    shuffled = np.array([3, 0, 4, 2, 1])
    assert sorted(gaps(times(seconds[shuffled])).values.tolist()) == [0, 10, 10, 30, 60]
    assert gaps(times(seconds[shuffled])).values.tolist()[:3] == [30, 10, 60]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_gaps_are_seconds_in_every_unit(unit: str) -> None:
    assert gaps(times([0, 90, 91], unit)).values.tolist() == [90, 90, 1]


def test_gaps_of_dates_far_apart_and_missing() -> None:
    days = np.array(["2024-01-03", "NaT", "2024-01-01", "2024-01-02"], "M8[D]")
    column = gaps(days)
    assert column.mask().tolist() == [True, False, True, True]
    assert column.present_values().tolist() == [86_400.0] * 3
    ends = np.array([-(2**63) + 1, 2**63 - 1], np.int64).view("M8[us]")
    assert gaps(ends).values.tolist() == [float(2**64) / 1e6] * 2
    assert gaps(times([5])).missing == 1
    assert gaps(times([])).rows == 0
    assert gaps([None, None]).missing == 2
    assert gaps(["2024-01-01", "2024-01-01T00:00:02"]).values.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("values", "how", "said"),
    [
        ([1, 2], "length", "'c' is numeric: 'length' and 'text' are of texts"),
        ([True, False], "length", "'c' is boolean"),
        ([1.5, 2], "gaps", "'c' is numeric: 'gaps' are between timestamps"),
        ([dt.time(1)], "gaps", "'c' is times of day"),
        (["soon"], "gaps", "cannot be timestamp: it has 'soon'"),
    ],
)
def test_what_has_no_length_or_gaps(values: Any, how: str, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_table({"c": values}, kinds={"c": how})


def test_a_name_that_is_taken() -> None:
    with pytest.raises(SchemaError, match="makes a column 'length of c' of 'c', and there is one; rename it"):
        read_table({"c": ["a"], "length of c": [1]}, kinds={"c": "length"})
    with pytest.raises(ConfigError, match="embedding, length, gaps, text"):
        read_table({"c": ["a"]}, kinds={"c": "width"})


def data(rows: int, seed: int, rate: float = 1.0, words: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    text = "drift is what the data of today do to the model of yesterday "
    comments = [f"{text * int(rng.integers(1, words))}{i}" for i in range(rows)]
    seconds = np.cumsum(rng.exponential(60 / rate, rows)).astype(int)
    return {"comment": comments, "at": times(seconds), "x": rng.normal(size=rows)}


KINDS = {"comment": "length", "at": "gaps"}


def write_csv(path: Path, columns: dict[str, Any]) -> Path:
    lines = [",".join(columns)] + [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_report_names_what_was_compared_and_a_profile_remembers_it(tmp_path: Path) -> None:
    reference, batch = data(600, 1), data(400, 2, rate=3, words=12)
    detectors = [ad.KS(), ad.PSI()]
    report = ad.compare(reference, batch, detectors, kinds=KINDS, backend="numpy")
    assert set(report.drifted_columns) == {"length of comment", "gaps of at"}
    assert "length of comment" in report.to_text()
    assert "comment" not in {finding.column for finding in report.findings}
    again = ad.compare(reference, data(400, 3), detectors, kinds=KINDS, backend="numpy")
    assert not again.drifted
    profile = ad.Profile.fit(
        write_csv(tmp_path / "reference.csv", reference),
        detectors,
        kinds=KINDS,
        columns=list(reference),
        backend="numpy",
    )
    profile.save(tmp_path / "reference.adp")
    loaded = ad.Profile.load(tmp_path / "reference.adp", backend="numpy")
    expected = {(f.column, f.detector): (f.statistic, f.p_value) for f in report.findings}
    for given in (batch, write_csv(tmp_path / "batch.csv", batch)):
        found = loaded.score(given)
        assert {(f.column, f.detector): (f.statistic, f.p_value) for f in found.findings} == expected
    gone = loaded.score({"x": batch["x"], "at": batch["at"]})
    assert gone.schema_diff.removed == ("length of comment",)


def test_a_table_keeps_what_was_derived() -> None:
    first = read_table(data(50, 1), kinds=KINDS)
    again = read_table(first)
    assert again.schema == first.schema
    batch = read_table(read_table(data(50, 2), schema=first.schema), schema=first.schema)
    assert batch.schema == first.schema
