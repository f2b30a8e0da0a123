"""Scenarios: each batch by itself, the truth that goes with it, and mistakes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError

SHIFT = sy.CovariateShift(0.5)


def same(a: Any, b: Any) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_batch_is_the_same_whether_others_were_drawn_or_not() -> None:
    scenario = sy.Scenario(sy.Population(label=True), changes=[(SHIFT, sy.Gradual())], batches=6, seed=3)
    listed = list(scenario)
    assert len(listed) == len(scenario) == 6
    for place in (5, 0, 3):
        alone = sy.Scenario(sy.Population(label=True), changes=[(SHIFT, sy.Gradual())], batches=6, seed=3)[place]
        assert same(alone.rows, listed[place].rows)
        assert alone.truth == listed[place].truth
        assert alone.number == place + 1
    assert same(scenario[-1].rows, listed[5].rows)
    assert [batch.number for batch in scenario[1:3]] == [2, 3]
    with pytest.raises(IndexError):
        scenario[6]


def test_seeds_differ_and_batches_are_no_copies() -> None:
    one, other = (sy.Scenario(sy.Population(), batches=2, seed=seed) for seed in (0, 1))
    drawn = [one.reference["x0"][:100], other.reference["x0"][:100]]
    drawn += [batch.rows["x0"] for scenario in (one, other) for batch in scenario]
    assert len({values.tobytes() for values in drawn}) == len(drawn)


def test_other_changes_draw_the_same_rows() -> None:
    drifted = sy.Scenario(sy.Population(), changes=[(SHIFT, sy.Sudden(0.5))], batches=4, seed=1)
    clean = replace(drifted, changes=())
    assert same(drifted.reference, clean.reference)
    for a, b in zip(drifted, clean, strict=True):
        assert same(a.rows, b.rows) != a.drifted
        for name in a.rows if a.drifted else ():
            np.testing.assert_allclose(a.rows[name] - b.rows[name], 0.5 * drifted.reference[name].std(), rtol=1e-9)


def test_drift_may_begin_within_a_batch_and_the_truth_says_where() -> None:
    scenario = sy.Scenario(sy.Population(), changes=[(SHIFT, sy.Sudden(at=130))], batches=3, rows=100)
    truth = scenario.truth
    assert (truth.onset_row, truth.onset_batch, truth.rows) == (130, 2, 300)
    assert [batch.share for batch in truth.batches] == [0.0, 0.7, 1.0]
    assert [batch.magnitude for batch in truth.batches] == [0.0, 0.35, 0.5]
    assert [batch.first_row for batch in truth.batches] == [0, 100, 200]
    clean = replace(scenario, changes=())[1].rows["x0"]
    assert np.flatnonzero(scenario[1].rows["x0"] != clean).tolist() == list(range(30, 100))
    assert json.loads(json.dumps(truth.to_dict()))["changes"][0]["kind"] == "CovariateShift"


def test_a_change_of_magnitude_0_is_no_drift() -> None:
    scenario = sy.Scenario(sy.Population(), changes=[(sy.CovariateShift(0.0), sy.Sudden(0))], batches=2)
    assert not any(batch.drifted for batch in scenario)
    assert (scenario.truth.onset_row, scenario.truth.columns, scenario.truth.joint_only) == (None, (), False)
    assert same(scenario[1].rows, replace(scenario, changes=())[1].rows)


def test_every_batch_and_every_change_has_draws_of_its_own() -> None:
    noise = [(sy.Noise(1.0, columns=[name]), sy.Sudden(0)) for name in ("x0", "x1")]
    noisy = sy.Scenario(sy.Population(), changes=noise, batches=2)
    clean = replace(noisy, changes=())
    drawn = [a.rows[name] - b.rows[name] for a, b in zip(noisy, clean, strict=True) for name in ("x0", "x1")]
    together = np.corrcoef(np.stack(drawn)) - np.eye(4)
    assert np.abs(together).max() < 0.5, "five standard errors of 100 rows"


def test_batches_may_have_sizes_of_their_own() -> None:
    scenario = sy.Scenario(sy.Population(), rows=[3, 10, 1], batches=3)
    assert [len(batch) for batch in scenario] == [3, 10, 1]
    assert [batch.first_row for batch in scenario] == [0, 3, 13]
    assert [len(batch.rows["x0"]) for batch in scenario] == [3, 10, 1]


WHOLE = {
    "far": np.arange(200) + 2**60,
    "near": np.arange(200, dtype=np.int8) % 100,
    "unsigned": np.arange(200, dtype=np.uint64) + 2**63,
    "text": np.array(["a", "bb"] * 100),
    "truth": np.arange(200) % 3 == 0,
    "label": np.arange(200) % 2,
}


@pytest.mark.parametrize("kind", sy.KINDS, ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("schedule", [sy.Sudden(), sy.Gradual(), sy.Incremental(), sy.Recurring()])
def test_a_magnitude_of_0_is_no_change_at_all_to_types_and_values(kind: Any, schedule: Any) -> None:
    options: Any = {"batches": 3, "rows": 20, "reference_rows": 100, "seed": 1}
    made, clean = (sy.Scenario(WHOLE, changes=c, **options) for c in ([(kind(0.0), schedule)], ()))
    pairs = [(made.reference, clean.reference), *((a.rows, b.rows) for a, b in zip(made, clean, strict=True))]
    for a, b in pairs:
        assert same(a, b)
        assert {name: values.dtype for name, values in a.items()} == {name: b[name].dtype for name in b}
    assert (made.truth.columns, made.truth.moved) == ((), ())


def test_rows_of_ones_own_are_dealt_each_once() -> None:
    data = {"n": np.arange(100), "c": np.array(list("ab") * 50)}
    scenario = sy.Scenario(data, batches=4, rows=10, reference_rows=60, seed=2)
    dealt = np.concatenate([scenario.reference["n"], *(batch.rows["n"] for batch in scenario)])
    assert sorted(dealt.tolist()) == list(range(100))
    assert dealt.tolist() != list(range(100))
    for batch in scenario:
        assert np.array_equal(batch.rows["c"], np.array(list("ab"))[batch.rows["n"] % 2]), "rows stay whole"
    matrix = sy.Scenario(np.random.default_rng(0).normal(size=(50, 3)), batches=2, rows=10, reference_rows=30)
    assert (matrix.reference.shape, matrix[1].rows.shape) == ((30, 3), (10, 3))
    with pytest.raises(DataError, match="no row is used twice"):
        sy.Scenario(data, batches=4, rows=10, reference_rows=61)


def test_types_do_not_tell_which_batch_drifted() -> None:
    data = {"n": np.arange(100)}
    scenario = sy.Scenario(data, changes=[(SHIFT, sy.Sudden(0.5))], batches=4, rows=10, reference_rows=60)
    assert {batch.rows["n"].dtype for batch in scenario} | {scenario.reference["n"].dtype} == {np.dtype(float)}


def test_a_late_batch_arrives_after_the_next() -> None:
    scenario = sy.Scenario(sy.Population(), batches=5, late=[4, 2])
    assert scenario.arrivals == (1, 3, 2, 5, 4)
    assert [batch.late for batch in scenario.truth.batches] == [False, True, False, True, False]


def test_a_clock_gives_times_in_order_within_each_batch() -> None:
    scenario = sy.Scenario(sy.Population(), batches=3, reference_rows=200, clock=sy.Clock(start="2024-03-01"))
    assert next(iter(scenario.reference)) == "event_time"
    start = np.datetime64("2024-03-01")
    assert scenario.reference["event_time"].min() >= start - np.timedelta64(2, "D")
    assert scenario.reference["event_time"].max() < start
    for day, batch in enumerate(scenario):
        times = batch.rows["event_time"]
        assert np.all(times.astype("datetime64[D]") == start + day)
        assert np.all(np.diff(times) >= np.timedelta64(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batches": 0}, "batches"),
        ({"rows": 0}, "rows"),
        ({"rows": 2.5}, "rows"),
        ({"rows": True}, "rows"),
        ({"rows": [1, 2]}, "one for each"),
        ({"reference_rows": 0}, "reference_rows"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"changes": [SHIFT]}, "pairs of a kind and a schedule"),
        ({"changes": [(sy.CovariateShift, sy.Sudden(0.5))]}, "pairs of a kind and a schedule"),
        ({"changes": [(SHIFT, sy.Sudden(9_999))]}, "so never"),
        ({"changes": [(SHIFT, sy.Sudden(1.0))]}, "so never"),
        ({"changes": [(sy.CovariateShift(1, columns=["c"]), sy.Sudden(0.5))]}, "no column 'c'"),
        ({"late": [50]}, "late"),
        ({"late": 3}, "late"),
        ({"late": [3, 4]}, "neighbours"),
        ({"clock": sy.Clock(column="x0")}, "already"),
    ],
)
def test_options_that_cannot_work_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        sy.Scenario(sy.Population(), **options)


def test_a_class_in_place_of_a_population_is_told() -> None:
    with pytest.raises(ConfigError, match=r"such as Population\(\)"):
        sy.Scenario(sy.Population)  # type: ignore[arg-type]


LAW = sy.Population(numbers=3, categories=1, correlation=0.3, label=True)
FAR = 5.0
"""Standard errors that chance alone passes less than once in a million."""


def large(*changes: Any, seed: int = 0, source: Any = LAW) -> sy.Scenario:
    """One batch of 20,000 rows in which every change is whole."""
    whole = [(kind, sy.Sudden(0)) for kind in changes]
    return sy.Scenario(source, changes=whole, batches=1, rows=20_000, reference_rows=4_000, seed=seed)


@pytest.mark.statistical
def test_labels_follow_features_that_moved_by_the_same_rule() -> None:
    made, clean = large(SHIFT)[0].rows, large()[0].rows
    chances = LAW.chances(made)
    assert made["label"].mean() > clean["label"].mean() + 0.1
    for low in (0.0, 0.25, 0.5, 0.75):
        part = (chances >= low) & (chances < low + 0.25)
        assert abs((made["label"] - chances)[part].mean()) < FAR * np.sqrt(0.25 / part.sum())


@pytest.mark.parametrize("kind", [sy.Missing(0.5), sy.Noise(2.0), sy.Corruption(0.5), sy.Perturbation(1.0)])
def test_what_happens_to_the_record_leaves_labels_alone_whatever_the_order(kind: Any) -> None:
    clean, moved = large()[0].rows, large(SHIFT)[0].rows
    assert np.array_equal(large(kind)[0].rows["label"], clean["label"])
    assert np.array_equal(large(kind, SHIFT)[0].rows["label"], moved["label"])
    assert np.array_equal(large(SHIFT, kind)[0].rows["label"], moved["label"])


def test_a_label_rule_in_a_stream_leaves_every_feature() -> None:
    clean, made = large()[0].rows, large(sy.LabelRule(0.3))[0].rows
    assert [name for name in clean if not np.array_equal(clean[name], made[name])] == ["label"]
    assert abs((clean["label"] != made["label"]).mean() - 0.3) < FAR * np.sqrt(0.21 / 4_000)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(2))
def test_a_prior_shift_draws_fresh_rows_of_the_class_as_the_world_then_is(seed: int) -> None:
    world, both = large(SHIFT, seed=seed), large(SHIFT, sy.PriorShift(0.3, toward=True), seed=seed)
    before, after = world[0].rows, both[0].rows
    known = both.reference["label"].mean()
    # A row of another class is taken with this chance, of those that are left after the shift.
    taken = 0.3 / (1 - known)
    wanted = before["label"].mean() + (1 - before["label"].mean()) * taken
    assert abs(after["label"].mean() - wanted) < FAR * np.sqrt(0.25 / 20_000)
    for value in (True, False):
        then, now = before["label"] == value, after["label"] == value
        for name in ("x0", "x1", "x2"):
            assert abs(after[name][now].mean() - before[name][then].mean()) < FAR * np.sqrt(2 / then.sum())
    fresh = after["x0"][~np.isin(after["x0"], before["x0"])]
    assert len(np.unique(fresh)) == len(fresh) > 2_000, "no row is there twice"
    assert not np.isin(fresh, both.reference["x0"]).any()


def test_a_prior_shift_of_ones_own_rows_takes_none_of_the_reference() -> None:
    data = {"id": np.arange(30_000.0), "label": np.arange(30_000) % 4 == 0}
    scenario = large(sy.PriorShift(0.5), source=data)
    rows = scenario[0].rows
    assert not np.isin(rows["id"], scenario.reference["id"]).any()
    assert np.array_equal(rows["id"] % 4 == 0, rows["label"])
    assert abs(rows["label"].mean() - 0.75) < FAR * np.sqrt(0.25 / 4_000)


NUMBERS = ("x0", "x1", "x2")
MOVES = [sy.CovariateShift(0.3), sy.VarianceChange(1.0), sy.TailChange(1.0), sy.CorrelationChange(0.3)]


@pytest.mark.parametrize("kind", MOVES, ids=lambda kind: str(type(kind).__name__))
def test_the_label_of_a_population_follows_what_moved(kind: Any) -> None:
    clean, made = large(), large(kind)
    assert made.truth.moved == NUMBERS
    assert made.truth.columns == (*NUMBERS, "label")
    assert made.truth.changes[0]["columns"] == NUMBERS
    told = [name for name in LAW.draw(1) if not np.array_equal(clean[0].rows[name], made[0].rows[name])]
    assert tuple(told) == made.truth.columns
    own = LAW.draw(24_000)
    assert large(kind, source=own).truth.columns == NUMBERS, "one's own label stays what it was"


@pytest.mark.parametrize("kind", [sy.Missing(0.2), sy.Noise(0.5), sy.Corruption(0.2), sy.NewCategory(0.2)])
def test_the_label_of_a_population_follows_neither_the_record_nor_a_category(kind: Any) -> None:
    made = large(kind).truth
    assert made.columns == made.moved
    assert "label" not in made.columns
    assert large(sy.CovariateShift(0.0)).truth.columns == ()


@pytest.mark.statistical
def test_a_prior_shift_lists_what_hangs_on_the_label_alone() -> None:
    shift = sy.PriorShift(0.4)
    clean, made = large(), large(shift)
    assert made.truth.columns == made.truth.moved == (*NUMBERS, "label")
    for level in ("v0", "v1"):
        shares = [(scenario[0].rows["c0"] == level).mean() for scenario in (clean, made)]
        assert abs(shares[1] - shares[0]) < FAR * np.sqrt(2 * 0.25 / 20_000)
    own = large(shift, source=LAW.draw(24_000))
    assert own.truth.columns == (*NUMBERS, "c0", "label"), "of one's own rows nobody knows what hangs on the label"
    by_category = large(sy.PriorShift(0.4, label="c0"))
    assert by_category.truth.columns == ("c0",)


@pytest.mark.parametrize("seed", range(8))
def test_a_prior_shift_goes_the_same_way_for_every_seed(seed: int) -> None:
    scenario = sy.scenario("sudden", drift=sy.PriorShift(0.3), batches=2, rows=400, seed=seed)
    before, after = (float(batch.rows["label"].mean()) for batch in scenario)
    # Both shares have a standard error of at most 0.025, and the reference's 0.011.
    assert after - before > 0.3 - FAR * 0.037


@pytest.mark.statistical
def test_a_label_that_follows_skewed_numbers_changes_by_itself() -> None:
    together, law = sy.CorrelationChange(0.5), sy.Population(numbers=5, margins="mixed", label=True)
    skewed = large(together, source=law)
    assert not skewed.truth.joint_only
    assert skewed.truth.columns[-1] == "label"
    assert large(together, source=sy.Population(numbers=5, margins="mixed")).truth.joint_only
    shares = [law.chances(large(*c, source=law)[0].rows).mean() for c in ([together], [])]
    assert shares[0] < shares[1] - 0.003


def test_the_truth_says_whether_only_columns_together_tell() -> None:
    together, apart = sy.CorrelationChange(0.3), sy.CovariateShift(0.3)
    assert large(together).truth.joint_only
    assert not large(apart).truth.joint_only
    assert not large(together, apart).truth.joint_only
    assert large(together, sy.CovariateShift(0.0)).truth.joint_only
    rows, clean = large(together)[0].rows, large()[0].rows
    assert all(np.array_equal(np.sort(rows[name]), np.sort(clean[name])) for name in ("x0", "x1", "x2"))


@pytest.mark.parametrize("kind", [sy.Missing(0.3, columns=["b", "i", "t"]), sy.NewCategory(0.3), sy.Corruption(0.3)])
def test_types_are_the_same_in_every_batch_of_every_kind(kind: Any) -> None:
    rng = np.random.default_rng(0)
    data = {"b": rng.random(300) < 0.5, "i": rng.integers(0, 9, 300), "t": rng.choice(["a", "bb"], 300)}
    scenario = sy.Scenario(data, changes=[(kind, sy.Sudden(0.5))], batches=4, rows=25, reference_rows=200)
    kinds = [{name: values.dtype for name, values in batch.items()} for batch in (b.rows for b in scenario)]
    assert kinds == [{name: values.dtype for name, values in scenario.reference.items()}] * 4
