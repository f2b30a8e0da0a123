"""The scenarios by name: what each promises, at any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError, SchemaError

NAMES = list(sy.scenarios())


def drifted(**options: Any) -> list[int]:
    return [batch.number for batch in sy.scenario(**options).truth.batches if batch.drifted]


def test_they_are_listed_with_what_happens() -> None:
    assert NAMES == ["healthy", "sudden", "gradual", "incremental", "recurring", "thirty_days", "arriving_files"]
    assert all(words.endswith(".") for words in sy.scenarios().values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 10), (50, 20)])
def test_every_size_works_and_at_magnitude_0_nothing_drifts(name: str, size: tuple[int, int]) -> None:
    batches, rows = size
    options: Any = {"name": name, "batches": batches, "rows": rows, "reference_rows": 50, "seed": 2}
    scenario = sy.scenario(**options)
    assert [batch.number for batch in scenario] == list(range(1, batches + 1))
    assert {len(batch.rows["x0"]) == len(batch) for batch in scenario} == {True}
    assert bool(drifted(**options)) == (name != "healthy" and scenario.truth.onset_row is not None)
    assert not drifted(**options, magnitude=0.0)


def test_when_they_drift() -> None:
    options: Any = {"batches": 20, "rows": 100}
    assert drifted(name="healthy", **options) == []
    assert drifted(name="sudden", **options) == list(range(11, 21))
    assert drifted(name="gradual", **options) == list(range(6, 21))
    assert drifted(name="incremental", **options) == list(range(6, 21))
    assert drifted(name="recurring", **options) == [6, 7, 8, 9, 10, 16, 17, 18, 19, 20]
    shares = [batch.share for batch in sy.scenario("gradual", **options).truth.batches]
    sizes = [batch.magnitude for batch in sy.scenario("incremental", **options).truth.batches]
    assert 0 < shares[5] < 0.2 < 0.8 < shares[14]
    assert shares[15:] == [1.0] * 5
    np.testing.assert_allclose(sizes[5:15], 0.5 * (np.arange(10) + 0.505) / 10)
    assert sizes[15:] == [0.5] * 5


def test_thirty_days_drift_on_day_12_and_change_the_rule_of_labels_on_day_20() -> None:
    scenario = sy.scenario("thirty_days", seed=4)
    truth = scenario.truth
    assert (len(scenario), truth.onset_batch, truth.onset_row) == (30, 12, 11 * 200)
    assert [change["kind"] for change in truth.changes] == ["CovariateShift", "LabelRule"]
    assert truth.columns == ("x0", "x1", "x2", "x3", "x4", "label")
    days = [str(batch.rows["event_time"][0].astype("datetime64[D]")) for batch in scenario]
    assert (days[0], days[-1], len(set(days))) == ("2024-01-01", "2024-01-30", 30)
    law = scenario.source
    assert isinstance(law, sy.Population)
    # Rows that the rule of before would label rightly; 200 a day, so a standard error of 0.03.
    right = [np.mean((law.chances(batch.rows) > 0.5) == batch.rows["label"]) for batch in scenario]
    assert min(right[:19]) > 0.75
    assert max(right[19:]) < 0.75
    assert np.mean(right[15:19]) - np.mean(right[19:]) > 0.15
    means = [batch.rows["x1"].mean() for batch in scenario]
    assert abs(np.mean(means[15:]) - np.mean(means[:11]) - 0.5) < 0.15


def test_arriving_files_have_sizes_of_their_own_and_one_is_late() -> None:
    scenario = sy.scenario("arriving_files", seed=1)
    sizes = [batch.rows for batch in scenario.truth.batches]
    assert len(set(sizes)) > 6
    assert 250 <= min(sizes) <= max(sizes) <= 1000
    assert scenario.arrivals == (1, 2, 4, 3, *range(5, 13))
    assert [batch.number for batch in scenario.truth.batches if batch.drifted] == [9, 10, 11, 12]
    assert sizes != [batch.rows for batch in sy.scenario("arriving_files", seed=2).truth.batches]


def test_a_label_has_the_name_that_is_given() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=900), "target": rng.integers(0, 2, 900), "label": rng.normal(size=900)}
    options: Any = {"source": data, "batches": 30, "rows": 10, "reference_rows": 300}
    truth = sy.scenario("thirty_days", label="target", **options).truth
    assert [change["columns"] for change in truth.changes] == [("x", "label"), ("target",)]
    prior = sy.scenario("sudden", drift=sy.PriorShift(0.3), label="target", **options)
    assert prior[29].rows["target"].mean() > 0.6
    assert sy.scenario("sudden", **options).truth.columns == ("x", "target"), "without, it is the one called label"
    del data["label"]
    with pytest.raises(SchemaError, match=r"no column 'label' .*there are x, target: .*label="):
        sy.scenario("thirty_days", **options)
    with pytest.raises(SchemaError, match="no column 'y'"):
        sy.scenario("sudden", label="y", **options)
    with pytest.raises(ConfigError, match="name of a column"):
        sy.scenario("sudden", label=3, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["pandas", "nullable", "polars", "pyarrow", "batch"])
def test_tables_of_other_libraries_are_taken(library: str) -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "x": rng.normal(size=300).tolist(),
        "n": [None, *range(299)],
        "c": [None, *["a", "b"] * 149, "a"],
        "t": (np.arange(300) % 2 == 0).tolist(),
    }
    makers: dict[str, Any] = {
        "pandas": pd.DataFrame, "nullable": lambda rows: pd.DataFrame(rows).convert_dtypes(), "polars": pl.DataFrame,
        "pyarrow": pa.table, "batch": pa.record_batch,
    }  # fmt: skip
    made = sy.scenario("sudden", source=makers[library](columns), batches=2, rows=50, reference_rows=200)
    plain = {"x": np.array(columns["x"]), "n": np.array([np.nan, *range(299)]), "t": np.array(columns["t"])}
    same = sy.scenario("sudden", source=plain, batches=2, rows=50, reference_rows=200)
    assert made.truth.columns == same.truth.columns == ("x", "n")
    for name in plain:
        assert made.reference[name].dtype == same.reference[name].dtype
        np.testing.assert_array_equal(made[1].rows[name], same[1].rows[name])
    assert set(made[0].rows["c"].tolist()) <= {"a", "b", None}


@pytest.mark.parametrize(
    ("source", "words"),
    [("rows.parquet", "read_table"), (3, "a table of pandas"), (dict, "is the class dict"), ({}, "no columns")],
)
def test_what_holds_no_columns_is_told(source: Any, words: str) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        sy.scenario("sudden", source=source)


def test_a_lazy_frame_is_to_be_collected() -> None:
    import polars as pl

    with pytest.raises(DataError, match=r"\.collect\(\)"):
        sy.scenario("sudden", source=pl.LazyFrame({"x": [1.0]}))


def test_another_kind_and_rows_of_ones_own_are_taken() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=700), "c": rng.choice(["a", "b"], 700)}
    scenario = sy.scenario("sudden", drift=sy.Missing(0.5, columns=["c"]), source=data, batches=4, reference_rows=300)
    assert scenario.truth.columns == ("c",)
    assert [any(value is None for value in batch.rows["c"]) for batch in scenario] == [False, False, True, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "nope"}, "there are healthy, sudden"),
        ({"name": "sudden", "magnitude": 1.0, "drift": sy.Noise(1.0)}, "leave one out"),
        ({"name": "sudden", "drift": sy.Noise}, r"Missing\(0.2\)"),
        ({"name": "sudden", "magnitude": np.nan}, "magnitude"),
        ({"name": "sudden", "batches": 0}, "batches"),
        ({"name": "sudden", "rows": -1}, "rows"),
        ({"name": "sudden", "rows": [1, 2]}, "rows"),
        ({"name": "sudden", "seed": "x"}, "seed"),
    ],
)
def test_options_that_cannot_work_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sy.scenario(**options)
