"""Kinds that are about shares of rows, correlations and labels: what they promise holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError, SchemaError

SHARES: list[Any] = [sy.Missing, sy.Corruption, sy.NewCategory]
FAR = 5.0
"""Standard errors that chance alone passes less than once in a million."""


def rows(n: int, seed: int = 0, **options: Any) -> dict[str, Any]:
    defaults = {"numbers": 3, "categories": 1, "correlation": 0.4, "label": True}
    return sy.Population(**{**defaults, **options}).draw(n, seed=seed)


def rank_correlation(a: Any, b: Any) -> float:
    placed = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(placed[0], placed[1])[0, 1])


def off(share: float, n: int) -> float:
    return FAR * float(np.sqrt(share * (1 - share) / n))


@pytest.mark.parametrize("kind", sy.KINDS, ids=lambda kind: str(kind.__name__))
def test_magnitude_0_gives_the_very_same_arrays(kind: Any) -> None:
    batch = {**rows(50, 1), "whole": np.arange(50), "text": np.array(list("ab") * 25)}
    made = kind(0.0).apply(batch, batch, seed=4)
    assert all(made[name] is batch[name] for name in batch)
    assert list(made) == list(batch)
    same = kind(0.2).apply(batch, batch, seed=4, strength=0.0)
    assert all(same[name] is batch[name] for name in batch)


@pytest.mark.parametrize("kind", sy.KINDS, ids=lambda kind: str(kind.__name__))
@given(seed=st.integers(0, 99), n=st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_what_is_told_to_change_is_all_that_does_and_the_input_stays(kind: Any, seed: int, n: int) -> None:
    reference, batch = rows(200), rows(n, seed)
    before = {name: values.copy() for name, values in batch.items()}
    strength = (np.arange(n) % 3 != 0) * 0.5
    drift = kind(0.2)
    made = drift.apply(batch, reference, seed=seed, strength=strength)
    assert all(np.array_equal(batch[name], before[name]) for name in batch)
    changed = {name for name in batch if made[name] is not batch[name]}
    assert changed <= set(drift.affected(sy.Anchor(reference)))
    still = strength == 0
    assert all(np.array_equal(made[name][still], batch[name][still]) for name in batch), "rows of strength 0"
    again = drift.apply(batch, sy.Anchor(reference), seed=seed, strength=strength)
    assert all(np.array_equal(made[name], again[name], equal_nan=made[name].dtype.kind == "f") for name in batch)


@pytest.mark.parametrize("kind", sy.KINDS, ids=lambda kind: str(kind.__name__))
def test_every_kind_says_its_unit_and_its_options(kind: Any) -> None:
    assert len(kind.unit) > 10
    assert kind(0.1).summary()["kind"] == kind.__name__
    for wrong in (np.nan, np.inf, "1", None, True):
        with pytest.raises(ConfigError, match="magnitude"):
            kind(wrong)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(3))
def test_missing_loses_the_stated_share_of_each_column_on_its_own(seed: int) -> None:
    n = 20_000
    batch = {**rows(n, seed + 1), "whole": np.arange(n), "gaps": np.where(np.arange(n) % 2, np.nan, 1.0 * np.arange(n))}
    made = sy.Missing(0.3).apply(batch, batch, seed=seed)
    lost = {name: np.array([v is None or v != v for v in made[name]]) for name in made}
    for name in ("x0", "x1", "c0", "whole"):
        assert abs(lost[name].mean() - 0.3) < off(0.3, n)
        kept = ~lost[name]
        assert np.array_equal(made[name][kept], batch[name][kept])
    assert abs((lost["x0"] & lost["c0"]).mean() - 0.09) < off(0.09, n)
    assert abs(lost["gaps"].mean() - 0.65) < off(0.3, n)
    assert not lost["label"].any()
    assert abs(np.mean(batch["x0"][lost["x0"]])) < FAR / np.sqrt(0.3 * n), "whatever the values are"


def test_missing_values_have_a_type_that_holds_them() -> None:
    batch = {"i": np.arange(3), "b": np.array([True, False, True]), "t": np.array(["a", "bb", "c"]), "f": np.ones(3)}
    made = sy.Missing(1.0, columns=list(batch)).apply(batch, batch)
    assert np.isnan(made["i"]).all()
    assert np.isnan(made["f"]).all()
    assert made["b"].tolist() == made["t"].tolist() == [None] * 3


def test_corruption_puts_in_the_median_the_most_frequent_category_or_a_given_value() -> None:
    batch = {"i": np.array([1, 2, 9, 9]), "f": np.array([1.0, np.nan, 3.0, 8.0]), "c": np.array(["b", "a", "b", "a"])}
    made = sy.Corruption(1.0).apply(batch, batch)
    assert (made["i"].tolist(), made["i"].dtype) == ([2] * 4, np.dtype(int))
    assert np.array_equal(made["f"], [3.0, np.nan, 3.0, 3.0], equal_nan=True), "what is missing stays missing"
    assert made["c"].tolist() == ["a"] * 4
    given_number = sy.Corruption(1.0, value=-99).apply(batch, batch)
    assert given_number["i"].tolist() == [-99] * 4
    assert given_number["c"] is batch["c"]
    assert sy.Corruption(1.0, value=0.5).apply(batch, batch)["i"].tolist() == [0.5] * 4
    assert sy.Corruption(1.0, value="longer").apply(batch, batch)["c"].tolist() == ["longer"] * 4
    assert (
        sy.Corruption(1.0, value=True).apply({"b": np.array([False, True])}, {"b": np.array([False, True])})["b"].all()
    )


@pytest.mark.statistical
def test_corruption_takes_the_stated_share_of_rows() -> None:
    batch = rows(20_000, 1)
    made = sy.Corruption(0.2, columns=["x1"]).apply(batch, batch)
    assert abs((made["x1"] != batch["x1"]).mean() - 0.2) < off(0.2, 20_000) + 1 / 20_000
    assert len(set(made["x1"][made["x1"] != batch["x1"]].tolist())) == 1


@pytest.mark.statistical
def test_a_new_category_is_not_in_the_reference_and_gets_its_share() -> None:
    batch = {"c": np.array(["a", "new", None, "b"] * 5_000, dtype=object), "t": np.array(["a", "b"] * 10_000)}
    made = sy.NewCategory(0.25).apply(batch, batch)
    assert set(made["c"].tolist()) == {"a", "b", "new", None, "new 2"}
    assert set(made["t"].tolist()) == {"a", "b", "new"}
    there = np.array([v is not None for v in batch["c"]])
    assert np.array_equal(made["c"] == None, ~there)  # noqa: E711  (element by element)
    assert abs((made["c"][there] == "new 2").mean() - 0.25) < off(0.25, 15_000)
    assert "z" in sy.NewCategory(1.0, category="z").apply(batch, batch)["t"].tolist()


@pytest.mark.parametrize("magnitude", [0.5, -0.3])
@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_a_change_of_correlation_keeps_each_column_and_moves_rank_correlations(
    magnitude: float, correlation: float
) -> None:
    reference, n = rows(4000, correlation=correlation), 20_000
    batch = rows(n, 1, correlation=correlation)
    made = sy.CorrelationChange(magnitude, columns=["x0", "x1"]).apply(batch, reference, seed=2)
    for name in ("x0", "x1"):
        assert np.sort(made[name]).tobytes() == np.sort(batch[name]).tobytes()
    assert {name for name in batch if made[name] is not batch[name]} == {"x0", "x1"}
    # The reference's correlations have a standard error of 1/sqrt(4000), the batch's of 1/sqrt(20,000).
    near = FAR * float(np.sqrt(1 / 4000 + 1 / n))
    moved = rank_correlation(made["x0"], made["x1"]) - rank_correlation(batch["x0"], batch["x1"])
    assert abs(moved - magnitude) < near
    for name in ("x0", "x1"):
        assert abs(rank_correlation(made[name], batch["x2"]) - rank_correlation(batch[name], batch["x2"])) < near


def test_correlations_with_other_columns_stay_unless_told_otherwise() -> None:
    batch = rows(40_000, 1, correlation=0.6, numbers=4)
    moved = {}
    for keep in (True, False):
        kind = sy.CorrelationChange(-0.4, columns=["x0", "x1"], keep_others=keep)
        made = kind.apply(batch, batch)
        moved[keep] = [
            abs(rank_correlation(made[name], batch[other]) - rank_correlation(batch[name], batch[other]))
            for name in ("x0", "x1")
            for other in ("x2", "x3")
        ]
        assert abs(rank_correlation(made["x0"], made["x1"]) - rank_correlation(batch["x0"], batch["x1"]) + 0.4) < 0.03
    assert max(moved[True]) < 0.01
    assert max(moved[False]) > 0.03


def test_all_pairs_of_columns_move_where_none_are_named() -> None:
    batch = rows(20_000, 1, margins="mixed", numbers=5)
    made = sy.CorrelationChange(0.3).apply(batch, batch)
    for a in range(4):  # the fifth has ties
        for b in range(a):
            pair = [f"x{a}", f"x{b}"]
            before, after = (rank_correlation(*(data[name] for name in pair)) for data in (batch, made))
            assert abs(after - before - 0.3) < 0.04


def test_columns_that_are_the_same_can_be_pulled_apart() -> None:
    x = np.random.default_rng(0).normal(size=10_000)
    batch = {"x": x, "y": np.exp(x)}
    made = sy.CorrelationChange(-0.4).apply(batch, batch)
    assert abs(rank_correlation(made["x"], made["y"]) - 0.6) < 0.05


def test_rows_that_lack_a_value_keep_their_place_and_other_columns_need_not_be_kept() -> None:
    x = np.random.default_rng(0).normal(size=10_000)
    batch = {"x": x, "copy": x, "gaps": np.where(x > 1, np.nan, x)}
    with pytest.raises(ConfigError, match="keep_others=False"):
        sy.CorrelationChange(-0.4, columns=["x", "gaps"]).apply(batch, batch)
    with_gaps = sy.CorrelationChange(-0.4, columns=["x", "gaps"], keep_others=False).apply(batch, batch)
    there = ~np.isnan(batch["gaps"])
    assert abs(rank_correlation(with_gaps["x"][there], with_gaps["gaps"][there]) - 0.6) < 0.05
    lost = np.isnan(batch["gaps"])
    assert np.array_equal(np.isnan(with_gaps["gaps"]), lost)
    assert np.array_equal(with_gaps["x"][lost], x[lost])


def test_half_the_strength_is_half_the_move() -> None:
    batch = rows(40_000, 1, correlation=0.0)
    made = sy.CorrelationChange(0.6, columns=["x0", "x1"]).apply(batch, batch, strength=0.5)
    assert abs(rank_correlation(made["x0"], made["x1"]) - 0.3) < 0.03


def test_a_correlation_that_cannot_be_is_told_with_those_that_can() -> None:
    batch = rows(4000, correlation=0.0)
    with pytest.raises(ConfigError, match=r"can move by -0\.[45]\d to 0\.\d\d here"):
        sy.CorrelationChange(-0.9, columns=["x0", "x1", "x2"]).apply(batch, batch)
    with pytest.raises(ConfigError, match=r"by -0\.9\d to (0\.9\d|1\.00) here, .*keep_others=False"):
        sy.CorrelationChange(1.5, columns=["x0", "x1"]).apply(batch, batch)
    with pytest.raises(ConfigError, match="x0 alone"):
        sy.CorrelationChange(0.5, columns=["x0"]).apply(batch, batch)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(3))
def test_a_prior_shift_makes_a_class_more_frequent_and_leaves_what_its_rows_look_like(seed: int) -> None:
    n, magnitude = 20_000, 0.3
    reference, batch = rows(20_000, 50), rows(n, seed + 1)
    made = sy.PriorShift(magnitude, toward=True).apply(batch, reference, seed=seed)
    assert abs(made["label"].mean() - batch["label"].mean() - magnitude) < off(0.5, n)
    for value in (True, False):
        rows_now, rows_then = made["label"] == value, batch["label"] == value
        for name in ("x0", "x2"):
            gap = made[name][rows_now].mean() - batch[name][rows_then].mean()
            assert abs(gap) < FAR * np.sqrt(2 / rows_then.sum()) * 1.5
        for level in ("v0", "v3"):
            gap = (made["c0"][rows_now] == level).mean() - (batch["c0"][rows_then] == level).mean()
            assert abs(gap) < FAR * np.sqrt(0.25 * 2 / rows_then.sum()) * 1.5


def test_a_prior_shift_leaves_the_other_classes_shares_and_rows_whole() -> None:
    labels = np.array(["a"] * 500 + ["b"] * 300 + ["c"] * 200)
    batch = {"label": labels, "id": np.arange(1000)}
    made = sy.PriorShift(0.8).apply(batch, batch)
    assert set(made["label"].tolist()) == {"c"}, "the last in their order, without being told"
    assert np.array_equal(labels[made["id"]], made["label"])
    made = sy.PriorShift(0.25, toward="a").apply(batch, batch, seed=1)
    counts = {value: int((made["label"] == value).sum()) for value in "abc"}
    assert abs(counts["a"] - 750) < FAR * np.sqrt(250)
    assert abs(counts["b"] - 150) < FAR * np.sqrt(75)


@pytest.mark.parametrize(
    ("labels", "toward"),
    [([True, True, False], True), ([1, 0, 0, 2, 2], 2), (["no", "yes", "yes"], "yes"), ([0, 1], 1)],
)
def test_a_prior_shift_goes_toward_the_last_class_in_their_order(labels: list[Any], toward: Any) -> None:
    batch = {"label": np.array(labels * 50)}
    made = sy.PriorShift(0.3).apply(batch, batch)["label"]
    assert (made == toward).sum() > (batch["label"] == toward).sum()


def test_a_column_without_a_value_is_not_told_to_change() -> None:
    nothing = np.full(4, None, dtype=object)
    anchor = sy.Anchor({**GOOD, "gone": np.full(4, np.nan), "nothing": nothing})
    for kind in (sy.Missing(0.5), sy.Corruption(0.5, value=1.0), sy.NewCategory(0.5)):
        assert not {"gone", "nothing"} & set(kind.affected(anchor))
    with pytest.raises(ConfigError, match="finds no column"):
        sy.Missing(0.5).affected(sy.Anchor({"gone": np.full(4, np.nan), "nothing": nothing}))


def test_a_prior_shift_leaves_rows_without_a_label() -> None:
    labels = np.array(["a", None, "b", "a"] * 100, dtype=object)
    made = sy.PriorShift(2 / 3, toward="b").apply({"label": labels}, {"label": labels})["label"]
    assert made.tolist() == ["b", None, "b", "b"] * 100


def test_a_label_rule_leaves_every_feature_and_changes_the_labels_of_a_region() -> None:
    reference, batch = rows(10_000), rows(10_000, 1)
    made = sy.LabelRule(0.3).apply(batch, reference)
    assert {name for name in batch if made[name] is not batch[name]} == {"label"}
    changed = made["label"] != batch["label"]
    assert abs(changed.mean() - 0.3) < off(0.3, 5_000)
    assert batch["x0"][changed].max() < batch["x0"][~changed].min()
    assert (sy.LabelRule(1.0).apply(batch, reference)["label"] != batch["label"]).all()
    by = sy.LabelRule(0.3, by="x2").apply(batch, reference)["label"] != batch["label"]
    assert batch["x2"][by].max() < batch["x2"][~by].min()


def test_a_label_rule_goes_round_the_classes_and_leaves_missing_labels() -> None:
    batch = {"x": np.arange(6.0), "y": np.array(["a", "bb", "c", "a", None, "bb"], dtype=object)}
    made = sy.LabelRule(1.0, label="y").apply(batch, batch)
    assert made["y"].tolist() == ["bb", "c", "a", "bb", None, "c"]
    text = {"x": np.arange(4.0), "label": np.array(["a", "bbb", "a", "bbb"])}
    short = {"x": np.arange(2.0), "label": np.array(["a", "a"])}
    assert sy.LabelRule(1.0).apply(short, text)["label"].tolist() == ["bbb", "bbb"]


GOOD = {"x": np.arange(4.0), "c": np.array(["a", "b", "a", "b"]), "label": np.array([True, False, True, False])}


@pytest.mark.parametrize("kind", [*SHARES, sy.PriorShift, sy.LabelRule])
@pytest.mark.parametrize("magnitude", [-0.1, 1.1])
def test_a_share_is_from_0_to_1(kind: Any, magnitude: float) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        kind(magnitude)


@pytest.mark.parametrize(
    ("kind", "options", "reference", "words"),
    [
        (sy.NewCategory, {"columns": ["x"]}, GOOD, "holds numbers"),
        (sy.NewCategory, {"category": "a"}, GOOD, "finds no column"),
        (sy.NewCategory, {"category": "a", "columns": "c"}, GOOD, "already"),
        (sy.NewCategory, {"category": ""}, GOOD, "not empty"),
        (sy.NewCategory, {"category": 3}, GOOD, "text"),
        (sy.Corruption, {"value": np.nan}, GOOD, "finite"),
        (sy.Corruption, {"value": "z", "columns": "x"}, GOOD, "value is 'z'"),
        (sy.Corruption, {"columns": "x"}, {**GOOD, "x": np.ones(4)}, "no change"),
        (sy.CorrelationChange, {"columns": ["x", "c"]}, GOOD, "holds categories"),
        (sy.PriorShift, {"label": "nope"}, GOOD, "no column 'nope'.*label="),
        (sy.LabelRule, {}, {"x": GOOD["x"], "c": GOOD["c"]}, "no column 'label'.*there are x, c: .*label="),
        (sy.Missing, {"columns": "e"}, {**GOOD, "e": np.full(4, np.nan)}, "no value"),
        (sy.Corruption, {"columns": "e", "value": 1.0}, {**GOOD, "e": np.full(4, np.nan)}, "no value"),
        (sy.PriorShift, {"label": 3}, GOOD, "name of a column"),
        (sy.PriorShift, {"toward": "maybe"}, GOOD, "toward is 'maybe'"),
        (sy.PriorShift, {"magnitude": 0.6}, GOOD, "at most 0.5"),
        (sy.PriorShift, {}, {**GOOD, "label": np.ones(4)}, "has 1 classes"),
        (sy.LabelRule, {"by": "c"}, GOOD, "by is 'c'"),
        (sy.LabelRule, {"by": "nope"}, GOOD, "no column 'nope'"),
        (sy.LabelRule, {}, {"c": GOOD["c"], "label": GOOD["label"]}, "by="),
    ],
)
def test_what_cannot_work_is_told(kind: Any, options: dict[str, Any], reference: Any, words: str) -> None:
    with pytest.raises((ConfigError, SchemaError), match=words):
        kind(**{"magnitude": 0.2, **options}).apply(GOOD, reference)


def test_a_label_measured_and_objects_without_hash_are_told() -> None:
    many = {"x": np.arange(2000.0), "label": np.arange(2000.0)}
    with pytest.raises(ConfigError, match="2,000 classes"):
        sy.LabelRule(0.2).apply(many, many)
    lists = np.empty(2, dtype=object)
    lists[:] = [[1], [2]]
    with pytest.raises(DataError, match="no category"):
        sy.NewCategory(0.2).apply({"c": lists}, {"c": lists})


def test_missing_values_of_pandas_are_missing() -> None:
    import pandas as pd

    values = pd.Series(["a", "b", None, "a"], dtype="string").to_numpy()
    made = sy.NewCategory(1.0).apply({"c": values}, {"c": values})["c"]
    assert [value is pd.NA or value for value in made.tolist()] == ["new", "new", True, "new"]
