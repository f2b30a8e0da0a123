"""A study as a whole: laws that results must keep, contenders that fail, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift import evaluation as ev
from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError
from tests.evaluation.fakes import Broken, FitsItself, FromShared, Latch, MeanShift, Shifted


def summary(results: ev.Results, **options: Any) -> dict[str, dict[str, Any]]:
    """The rows of the summary of a study with one scenario, by contender."""
    return {row["contender"]: row for row in results.summary(**options).to_pylist()}


@pytest.fixture(scope="module")
def perfect() -> ev.Results:
    return ev.Evaluation({"shift": MeanShift(4.0)}, Shifted(batches=10, onset=6, shift=5.0), seeds=6).run()


def test_a_perfect_detector_is_perfect_in_every_measure(perfect: ev.Results) -> None:
    row = summary(perfect)["shift"]
    assert row["false_alarm_rate"] == row["delay_batches"] == row["alarmed_before"] == 0
    assert row["detection_rate"] == row["found"] == row["auc"] == row["f1"] == row["f1_best"] == row["composite"] == 1
    assert row["delay_rows"] == 50
    assert row["cohens_d"] > 10
    assert row["run_length"] == np.inf
    assert row["rank"] == 1
    assert 0.8 < row["detection_rate_low"] < 1
    assert 0.8 < row["auc_low"] < 1


def test_dummies_stand_beside_it_and_have_what_they_must_have(perfect: ev.Results) -> None:
    rows = summary(perfect)
    never, always, every = rows["never"], rows["always"], rows["every 10th"]
    assert all(row["dummy"] for name, row in rows.items() if name != "shift")
    assert (never["false_alarm_rate"], never["detection_rate"], never["found"], never["f1"]) == (0, 0, 0, 0)
    assert never["delay_batches"] == 4, "censored at the end of what was watched, not left out"
    assert (always["false_alarm_rate"], always["detection_rate"], always["delay_batches"]) == (1, 1, 0)
    assert always["f1"] == pytest.approx(2 * 0.4 / 1.4)
    assert always["run_length"] == 1
    assert always["stability"] == 1
    assert never["auc"] == always["auc"] == 0.5
    assert every["detection_rate"] == 0.25
    assert (always["composite"], never["composite"]) == (0.5, 0.25)


@pytest.mark.statistical
@pytest.mark.parametrize("first", [0, 100, 200])
def test_a_random_one_at_alpha_has_the_rate_alpha(first: int) -> None:
    seeds = range(first, first + 40)
    scenario = Shifted(batches=60, onset=60, rows=2, reference_rows=4)
    rows = summary(ev.Evaluation({"x": FitsItself()}, scenario, seeds=seeds, rate=0.05).run())
    row = rows["random 0.05"]
    # 2,400 batches: the rate's deviation is 0.0044, and four of them are seen once in 16,000.
    assert abs(row["false_alarm_rate"] - 0.05) < 0.018
    assert row["run_length_low"] < 20 < row["run_length_high"] or abs(row["run_length"] - 20) < 15
    assert row["detection_rate"] is row["auc"] is row["f1"] is row["found"] is row["delay_batches"] is None


@pytest.mark.statistical
def test_a_test_with_a_known_rate_has_it_on_fresh_batches() -> None:
    scenario = Shifted(batches=50, onset=50, reference_rows=20_000)
    row = summary(ev.Evaluation({"shift": MeanShift(1.959963984540054)}, scenario, seeds=24).run())["shift"]
    # 1,200 batches at 0.05 (the reference's own error adds nearly nothing): deviation 0.0063.
    assert abs(row["false_alarm_rate"] - 0.05) < 0.026
    assert row["false_alarm_rate_low"] < 0.05 + 0.026


def test_ours_take_part_as_they_are_and_as_a_profile() -> None:
    scenario = sy.Scenario(
        sy.Population(numbers=2), changes=[(sy.CovariateShift(2.0), sy.Sudden(at=0.5))], batches=4, reference_rows=300
    )
    study = ev.Evaluation([ad.KS(), "psi", ["ks", "psi"], ad.SequentialTwoSample()], scenario, seeds=2)
    rows = summary(study.run())
    assert list(study.contenders)[:4] == ["ks", "psi", "ks and psi", "two_sample"]
    for name in ("ks", "psi", "ks and psi"):
        assert (rows[name]["detection_rate"], rows[name]["status"]) == (1, "ok"), name
    assert rows["two_sample"]["status"] == "error", "240 reference rows do not last for 400"
    assert "were used" in rows["two_sample"]["message"]


def test_a_seed_draws_the_data_and_what_a_detector_draws() -> None:
    scenario = sy.Scenario(sy.Population(numbers=2), batches=2, reference_rows=200)
    table = ev.Evaluation([ad.MMD(permutations=19)], scenario, seeds=[3, 5]).run().table
    again = ev.Evaluation([ad.MMD(permutations=19)], scenario, seeds=[5]).run().table
    keep = [row for row in table.to_pylist() if row["seed"] == 5]
    assert keep == again.to_pylist()
    assert len({row["score"] for row in table.to_pylist() if row["contender"] == "mmd"}) == 4


def test_the_onset_may_be_within_a_batch() -> None:
    scenario = sy.Scenario(
        sy.Population(numbers=1), changes=[(sy.CovariateShift(9.0), sy.Sudden(at=130))], batches=3, reference_rows=200
    )
    results = ev.Evaluation({"ks": ad.KS()}, scenario, seeds=2).run()
    assert set(results.table.column("onset_row").to_pylist()) == {130}
    assert summary(results)["ks"]["delay_rows"] == 70


def test_what_one_seed_changes_in_a_contender_does_not_reach_the_next() -> None:
    given = FitsItself()
    table = ev.Evaluation({"x": given}, Shifted(batches=2), seeds=3).run().table
    assert {row["score"] for row in table.to_pylist() if row["contender"] == "x"} == {1.0}
    assert given.fits == 0


def test_shared_generators_are_set_for_a_trial_and_given_back() -> None:
    np.random.seed(7)  # noqa: NPY002
    following = np.random.random()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    both = ([1, 2], [2])
    tables = [ev.Evaluation({"x": FromShared()}, Shifted(batches=3), seeds=seeds).run().table for seeds in both]
    assert np.random.random() == following  # noqa: NPY002
    scores = [[r["score"] for r in t.to_pylist() if r["contender"] == "x" and r["seed"] == 2] for t in tables]
    assert scores[0] == scores[1]


def test_errors_are_kept_and_counted_and_count_as_no_alarm() -> None:
    contenders = {"refused": Broken("fit"), "half": Broken("detect", every=2), "odd": Broken("answer")}
    results = ev.Evaluation(contenders, Shifted(batches=10, onset=5), seeds=3).run()
    rows = summary(results)
    refused, half, odd = rows["refused"], rows["half"], rows["odd"]
    assert (refused["status"], refused["failed_seeds"], refused["errors"]) == ("refused", 3, 0)
    assert refused["message"] == "ValueError: no such reference"
    assert refused["detection_rate"] is refused["composite"] is refused["rank"] is None
    assert (half["status"], half["failed_seeds"], half["errors"]) == ("error", 0, 15)
    assert half["detection_rate"] == pytest.approx(0.4), "of five drifted batches it answers two, with an alarm"
    assert half["false_alarm_rate"] == 1, "among clean batches only answers count"
    assert odd["errors"] == 30
    assert "does not say whether it is an alarm" in odd["message"]
    told = results.table.to_pylist()
    assert {r["message"] for r in told if r["contender"] == "half" and r["batch"] == 2} == {
        "RuntimeError: out of order"
    }
    assert {r["alarm"] for r in told if r["contender"] == "half" and r["batch"] == 2} == {None}
    assert len(told) == 7 * 30, "one row a batch, whatever became of it"


def test_one_that_cannot_be_asked_says_so() -> None:
    class NoDetect:
        def fit(self, _reference: Any) -> None: ...

    row = summary(ev.Evaluation({"x": NoDetect()}, Shifted(batches=1), seeds=1).run())["x"]
    assert row["message"] == "NoDetect has no detect(batch) once it is fitted; see evaluation.adapters"


def test_an_alarm_behind_the_end_of_its_batch_is_an_error() -> None:
    last = ev.adapters.from_functions(len, lambda _known, rows: ev.Judged(1.0, True, len(rows)))
    beyond = ev.adapters.from_functions(len, lambda _known, rows: ev.Judged(1.0, True, len(rows) + 1))
    rows = summary(ev.Evaluation({"last": last, "beyond": beyond}, Shifted(batches=2), seeds=1).run())
    assert (rows["last"]["status"], rows["beyond"]["errors"]) == ("ok", 2)
    assert rows["beyond"]["message"] == "DataError: detect gave an alarm at row 51 of a batch of 50"


def test_one_seed_gives_numbers_without_intervals_and_says_why() -> None:
    results = ev.Evaluation({"shift": MeanShift()}, Shifted(shift=5.0), seeds=[11]).run()
    row = summary(results)["shift"]
    assert row["detection_rate"] == row["auc"] == 1
    assert row["detection_rate_low"] is row["auc_low"] is row["f1_best"] is None
    assert "One seed, which says nothing of others" in results.to_markdown()


def test_a_scenario_without_clean_batches_has_no_rate_of_false_alarms() -> None:
    row = summary(ev.Evaluation({"shift": MeanShift()}, Shifted(onset=0, shift=5.0), seeds=2).run())["shift"]
    assert row["false_alarm_rate"] is row["auc"] is row["run_length"] is row["alarmed_before"] is None
    assert row["detection_rate"] == 1
    assert row["composite"] == 1


def test_clean_batches_after_the_onset_are_apart_from_those_before() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(50, 1)) + 9.0 * (n in (2, 4)) for n in range(6)]
    data = ev.Batches(rng.normal(size=(200, 1)), batches, [n in (2, 4) for n in range(6)])
    on = summary(ev.Evaluation({"always on": MeanShift(-1.0)}, data, seeds=1).run())["always on"]
    assert (on["auc"], on["f1"]) == (1, 0.5)
    study = ev.Evaluation({"x": MeanShift(4.0)}, data, seeds=1).run()
    assert summary(study)["x"]["false_alarm_rate"] == summary(study)["x"]["false_alarm_rate_after"] == 0
    assert len(study.sensitivity().to_pylist()) > 0


def coming_and_going(seed: int) -> ev.Batches:
    """Clean, drifted, clean, drifted and clean again: five batches each, but for the first three and the last seven."""
    rng = np.random.default_rng(seed)
    truth = [False] * 3 + [True] * 5 + [False] * 5 + [True] * 5 + [False] * 7
    return ev.Batches(rng.normal(size=(400, 1)), [rng.normal(size=(50, 1)) + 9.0 * d for d in truth], truth)


def test_one_that_stays_in_alarm_is_not_the_equal_of_one_that_recovers() -> None:
    contenders = {"latch": Latch(5.0), "recovers": MeanShift(5.0)}
    results = ev.Evaluation(contenders, {"back": coming_and_going}, seeds=4).run()
    rows = summary(results)
    latch, recovers, always = rows["latch"], rows["recovers"], rows["always"]
    assert latch["false_alarm_rate"] == recovers["false_alarm_rate"] == recovers["false_alarm_rate_after"] == 0
    assert latch["false_alarm_rate_after"] == always["false_alarm_rate_after"] == 1
    assert recovers["false_alarm_rate_after_high"] < 0.1 < 0.9 < latch["false_alarm_rate_after_low"]
    assert (recovers["f1"], latch["f1"]) == (1, pytest.approx(2 * 10 / (22 + 10)))
    assert always["f1"] == pytest.approx(2 * 0.4 / 1.4), "as metrics.f1 says of a share of 0.4"
    assert recovers["composite"] == recovers["rank"] == recovers["f1_best"] == 1
    assert (latch["composite"], latch["rank"]) == (pytest.approx(3.5 / 4), 2)
    assert "false alarms after onset" in results.to_markdown()
    assert "false alarms after onset" in results.to_html()
    assert "left out" in results.meanings["auc"]


def test_without_clean_batches_after_the_onset_there_is_no_rate_of_them(perfect: ev.Results) -> None:
    assert {row["false_alarm_rate_after"] for row in summary(perfect).values()} == {None}


@pytest.mark.parametrize(
    ("contenders", "scenarios", "options", "words"),
    [
        ({}, Shifted(), {}, "there are no contenders"),
        ([], Shifted(), {}, "there are no contenders"),
        ("psi", Shifted(), {}, "it is a dict of names, or a list"),
        ([ad.PSI(), ad.PSI(bins=5)], Shifted(), {}, "two contenders are called 'psi'"),
        ({"never": ad.PSI()}, Shifted(), {}, "rename it"),
        ({"": ad.PSI()}, Shifted(), {}, "its name is a text"),
        ({"a": ad.PSI}, Shifted(), {}, r"give one of it: PSI\(\)"),
        ({"a": 3}, Shifted(), {}, "has no fit"),
        ({"a": []}, Shifted(), {}, "empty list"),
        (["nonsense"], Shifted(), {}, "no detector 'nonsense'"),
        (["psi"], {}, {}, "there is no scenario"),
        (["psi"], {"a": 3}, {}, "'a' is int"),
        (["psi"], [Shifted()], {}, "need one: give a dict"),
        (["psi"], Shifted(), {"seeds": 0}, "at least 1"),
        (["psi"], Shifted(), {"seeds": []}, "at least one"),
        (["psi"], Shifted(), {"seeds": [1, 1]}, "named twice"),
        (["psi"], Shifted(), {"seeds": [-1]}, "0 or more"),
        (["psi"], Shifted(), {"seeds": "3"}, "seeds is '3'"),
        (["psi"], Shifted(), {"seeds": np.array([0.5])}, "holds whole numbers"),
        (["psi"], Shifted(), {"seeds": np.array([[1, 2]])}, "holds whole numbers"),
        (["psi"], Shifted(), {"rate": 0}, "rate is 0"),
    ],
)
def test_what_cannot_be_a_study_is_refused_with_what_to_do(
    contenders: Any, scenarios: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        ev.Evaluation(contenders, scenarios, **options)


def test_batches_without_their_truth_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 batches and 1 answers"):
        ev.Batches([[1.0]], [[[1.0]], [[2.0]]], [True])
    with pytest.raises(ConfigError, match="at least one batch"):
        ev.Batches([[1.0]], [], [])


def raising(seed: int) -> Any:
    raise ValueError(f"seed {seed} is out")


def no_scenario(_seed: int) -> Any:
    return 5


def test_a_scenario_that_cannot_be_made_ends_the_study_and_is_named() -> None:
    with pytest.raises(DataError, match="scenario 'a' cannot be made for seed 4: ValueError: seed 4 is out"):
        ev.Evaluation(["psi"], {"a": raising}, seeds=[4]).run()
    with pytest.raises(ConfigError, match="the scenario's function gave int"):
        ev.Evaluation(["psi"], {"a": no_scenario}, seeds=[4]).run()
