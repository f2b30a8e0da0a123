"""A published benchmark again: its figures from its seeds, the honest form's thresholds, and leads that are none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from bench import published_study as study
from bench.online_peer import PYTHON
from bench.published import confidence, contenders, figures, honest, lead_lag, metrics, protocol
from bench.published.goals import goals
from bench.published.scores import SCORES
from bench.published_page import published
from bench.study import Kept


@pytest.fixture(scope="module")
def drawn() -> list[protocol.Batches]:
    return [protocol.batches(seed) for seed in protocol.SEEDS]


@pytest.mark.parametrize(
    ("name", "kind", "metric"),
    [
        ("published_psi", "clean", "false_alarms"),
        ("published_adwin", "clean", "false_alarms"),
        ("published_adwin", "shifted", "found"),
        ("published_kl", "shifted", "found"),
        ("published_kl", "noisy", "noise_found"),
        ("published_mmd", "noisy", "noise_found"),
    ],
)
def test_the_published_seeds_give_the_published_rates(
    drawn: list[protocol.Batches], name: str, kind: str, metric: str
) -> None:
    rates = []
    for batches in drawn:
        score = SCORES[name].fit(batches.reference)
        alarms = [score(batch) > SCORES[name].threshold for batch in getattr(batches, kind)]
        rates.append(float(np.mean(alarms)))
    told = figures.TABLE[metric][SCORES[name].name]
    assert abs(metrics.mean_over_seeds(rates)[0] - told) <= 0.0005001


def test_a_published_trial_is_the_published_one() -> None:
    """Seed 42 of the logistic model under shifts, as the published table of trials has it."""
    (trial,) = confidence.trials("logistic, shift", [0])
    assert trial["seed"] == 42
    assert [round(trial[f"{what}_drop"], 2) for what in ("confidence", "accuracy")] == [-0.48, 0.14]
    assert {name: held["lag"] for name, held in trial["scores"].items()} == {"kl": 0, "psi": 3, "mmd": 0}
    assert trial["warning"] == 50


def test_clean_batches_are_reference_rows_and_shifted_ones_are_of_another_law(drawn: list[protocol.Batches]) -> None:
    first = drawn[0]
    known = {tuple(row) for row in first.reference}
    assert all(tuple(row) in known for batch in (*first.clean, *first.noise_clean) for row in batch)
    assert not any(tuple(row) in known for row in first.shifted[0])
    assert (len(first.clean), len(first.shifted)) == (55, 45)
    assert [protocol.magnitude(i) for i in (5, 14, 49)] == pytest.approx([0.2, 2.0, 2.0])
    assert protocol.magnitude(49, capped=False) == pytest.approx(9.0)


# Metrics


def test_areas_effects_and_rates_by_hand() -> None:
    clean, drifted = np.array([0.0, 1.0, 2.0]), np.array([2.0, 3.0])
    assert metrics.auc(clean, drifted) == pytest.approx(5.5 / 6)
    assert metrics.cohens_d(np.array([0.0, 2.0]), np.array([3.0, 5.0])) == pytest.approx(3 / np.sqrt(2))
    assert metrics.f1(clean, drifted, 1.5) == pytest.approx(0.8)
    best, at = metrics.best_f1(clean, np.array([2.5, 3.0]), 0.5)
    assert best == 1.0
    assert 2.0 <= at < 2.5
    assert metrics.f1(clean, np.array([2.5, 3.0]), 0.5) == pytest.approx(2 / 3)
    assert metrics.first(np.array([False, False, True])) == 2
    assert metrics.first(np.array([False])) is None


def test_an_interval_is_wide_where_seeds_differ_and_never_narrower_than_the_binomial_one() -> None:
    alike, apart = metrics.rate([5] * 20, [100] * 20), metrics.rate([0, 10] * 10, [100] * 20)
    assert alike[0] == apart[0] == 0.05
    exact = stats.binomtest(100, 2000).proportion_ci(0.95)
    assert alike[1:] == pytest.approx((exact.low, exact.high))
    assert apart[1] < alike[1]
    assert apart[2] > alike[2]
    assert metrics.rate([50] * 4, [50] * 4) == pytest.approx((1.0, 0.025 ** (1 / 200), 1.0))


# The honest form


def test_changes_are_anchored_to_the_reference() -> None:
    rng = np.random.default_rng(1)
    rows, size = rng.normal(0, 2, (4_000, 5)), np.full(5, 0.6)
    moved = {change: honest.changed(change, size, rows, rng) - rows for change in honest.CHANGES}
    assert moved["shift"] == pytest.approx(0.6)
    assert moved["opposite"].mean(axis=0) == pytest.approx([0.6, -0.6, 0.6, -0.6, 0.6])
    assert moved["one"].mean(axis=0) == pytest.approx([0.6, 0, 0, 0, 0])
    # Five means of 4,000 and their deviations, at 5 standard errors.
    assert np.abs(moved["noise"].mean(axis=0)).max() < 5 * 0.6 / np.sqrt(4_000)
    assert moved["noise"].std(axis=0) == pytest.approx(np.full(5, 0.6), rel=5 / np.sqrt(8_000))


def test_clean_batches_of_the_honest_form_are_fresh() -> None:
    reference, kinds = honest.batches(42)
    assert not np.isin(kinds["clean"], reference).any()
    assert next(iter(kinds)) == "clean"
    assert len(kinds) == 1 + sum(map(len, honest.CHANGES.values()))
    other, _ = honest.batches(49)
    assert not np.allclose(reference.mean(axis=0), other.mean(axis=0), atol=0.1)


def test_each_half_is_held_against_the_threshold_of_the_other() -> None:
    low, high = np.linspace(0, 1, 100), np.linspace(10, 11, 100)
    found = honest.crossed({1: {"clean": low, "x": np.array([5.0])}, 2: {"clean": high, "x": np.array([5.0])}})
    assert found == {"clean": ([0, 100], [100, 100]), "x": ([0, 1], [1, 1])}


# Contenders


@pytest.mark.parametrize("name", contenders.CONTENDERS)
def test_contenders_judge_every_batch(name: str) -> None:
    rng = np.random.default_rng(3)
    reference = rng.standard_normal((400, 5))
    batches = np.concatenate([rng.standard_normal((2, 100, 5)), rng.standard_normal((2, 100, 5)) + 4.0])
    judged = contenders.CONTENDERS[name](reference, 42)(batches)
    assert judged.scores.shape == judged.alarms.shape == judged.verdicts.shape == (4,)
    if name in contenders.DUMMIES:
        assert name not in ("never", "always") or (judged.alarms == (name == "always")).all()
    else:
        assert judged.alarms[2:].all()
        assert judged.verdicts[2:].all()
        assert judged.scores[2:].min() > judged.scores[:2].max()
    assert name in contenders.NAMES


@pytest.mark.parametrize("detector", [ad.PSI, ad.KL, ad.MMD, ad.KS])
def test_tests_say_what_reports_say(detector: type[ad.detectors.base.Detector]) -> None:
    reference, kinds = honest.batches(42)
    batches = np.concatenate([protocol.batches(42).clean[:1], kinds["noise 0.6"][:2], kinds["shift 0.3"][:2]])
    judged = contenders.CONTENDERS[detector.name](reference, 42)(batches)
    profile = ad.Profile.fit(reference, detectors=[detector()], alpha=contenders.ALPHA, seed=42, backend="numpy")
    reports = [profile.score(batch) for batch in batches]
    least = [min(f.adjusted_p_value for f in report.findings if f.adjusted_p_value is not None) for report in reports]
    assert judged.scores.tolist() == (-np.log10(least)).tolist()
    assert judged.verdicts.tolist() == [report.drifted for report in reports]


def test_dummies_alarm_at_their_rate_whatever_comes() -> None:
    batches = np.zeros((5_000, 1, 1))
    every = contenders.CONTENDERS["every"](batches[0], 7)
    assert sum(int(every(part).alarms.sum()) for part in np.split(batches, 10)) == 50
    # 5 standard errors of a share of 1 % in 5,000.
    assert abs(contenders.CONTENDERS["random"](batches[0], 7)(batches).alarms.mean() - 0.01) < 5 * 0.0014


def test_adwin_tells_only_of_changes_within_the_batch() -> None:
    reference = np.random.default_rng(4).standard_normal((400, 2))
    reference[200:] += 3.0
    fresh = np.random.default_rng(5).standard_normal((3, 100, 2)) + 3.0
    judged = contenders.CONTENDERS["adwin"](reference, 0)(fresh)
    assert not judged.alarms.any()


# Leads


def test_the_published_rule_finds_the_lag_of_a_lead_and_its_mirror_does_not() -> None:
    first = np.random.default_rng(6).standard_normal(43)
    found = lead_lag.correlations(first[3:], first[:-3])
    assert found.lead[2] == pytest.approx(1.0)
    assert lead_lag.published_lead(found) == 3
    assert lead_lag.published_lead(lead_lag.correlations(first[:-3], first[3:])) == 0


def test_p_values_of_leads_are_uniform_without_one_and_small_with_one() -> None:
    rng = np.random.default_rng(7)
    made, led = [], []
    for _ in range(200):
        trend = np.linspace(0, 4, 30)
        together = rng.standard_normal(30)
        first, second = trend + together + rng.standard_normal(30), -trend - together + rng.standard_normal(30)
        made.append(lead_lag.permuted(first, second, rng, 99))
        led.append(lead_lag.permuted(first[2:], first[:-2] + 0.3 * rng.standard_normal(28), rng, 99).lead)
    for name in ("lead", "lag", "asymmetry"):
        # 4.75 standard errors of a share of 0.05 in 200.
        assert np.mean([getattr(m, name) <= 0.05 for m in made]) < 0.05 + 4.75 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(np.array(led) <= 0.05) > 0.9


def test_a_planted_lead_is_that_of_confidence() -> None:
    rng = np.random.default_rng(8)
    conf, scores = rng.standard_normal(33), rng.standard_normal(33)
    found = lead_lag.correlations(conf[confidence.PLANTED :], confidence.led(conf, scores))
    assert found.lead[confidence.PLANTED - 1] < -0.5
    assert int(np.abs(found.lead).argmax()) == confidence.PLANTED - 1


def test_a_trial_whose_labels_are_all_alike_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = confidence.drawn

    def one_class(experiment: str, seed: int) -> confidence.Trial:
        made = drawn(experiment, seed)
        return replace(made, y=np.zeros_like(made.y)) if seed == 49 else made

    monkeypatch.setattr(confidence, "drawn", one_class)
    assert [t["seed"] for t in confidence.trials("logistic, noise", [0, 1])] == [42]


def test_the_network_asks_for_a_python_that_has_it() -> None:
    with pytest.raises(ValueError, match="--peers"):
        confidence.trials("network, shift", [0], None)


# The study


def test_every_part_is_told_judged_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honest, "CLEAN", 4)
    monkeypatch.setattr(honest, "RATE", 0.2)
    monkeypatch.setattr(honest, "CHANGED", 1)
    monkeypatch.setattr(contenders, "DELTAS", (0.1, 0.002))
    monkeypatch.setattr(protocol, "CLEAN", 2)
    monkeypatch.setattr(protocol, "DRIFTED", protocol.STILL + protocol.RAMP + 8)
    kept: Kept[study.Task] = Kept()
    for task in (t for t in study.tasks(0.1) if t.part != "confidence"):
        kept.add(task, study.work(task, study.wanted(task)), 1.0, "a")
    small = study.Task("confidence", "logistic, noise", 0, 2)
    kept.add(small, study.work(small, ("trials",)), 1.0, "a")
    assert all(study.told(count) for found in kept.found.values() for count in found.values())
    rows = study.rows(kept)
    json.dumps(rows)
    assert {r["part"] for r in rows} == {"reproduced", "table", "honest", "again", "confidence", "goal"}
    assert {r["detector"] for r in rows if r["part"] == "honest"} == set(contenders.CONTENDERS)
    assert {r["detector"] for r in rows if r["part"] == "table"} == set(contenders.TABLE)
    assert all((r["holds"] is None) == (r["part"] != "goal") for r in rows)
    always = [r for r in rows if r.get("detector") == "always"]
    assert always
    assert all(r["alarms"][0] == 1 for r in always)
    machine = {"created_at": "2000-01-01T00:00"}
    page = "\n".join(published({"cells": rows, "settings": study.settings(), "work_s": 60, "machine": machine}))
    for word in ("### The published scores", "### All on the same rows", "### The honest form", "### Does confidence"):
        assert word in page
    assert "| ADWIN, squares of each column |" in page


def test_the_whole_study_has_all_seeds_and_trials_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, "python")
    tasks = list(study.tasks())
    assert len(set(tasks)) == len(tasks)
    for part in ("table", "honest"):
        assert tuple(t.first for t in tasks if t.part == part) == tuple(range(42, 182, 7))
    further = [confidence.seed_of(n) for t in tasks if t.part == "again" for n in range(t.first, t.first + t.many)]
    assert len(set(further)) == len(further) == 40
    assert not {*further} & {*protocol.SEEDS}
    trials = {what: [n for t in tasks if t.what == what for n in range(t.first, t.first + t.many)]
              for what in confidence.EXPERIMENTS}  # fmt: skip
    assert {what: len(numbers) for what, numbers in trials.items()} == {
        "logistic, shift": 110, "network, shift": 10, "logistic, noise": 110
    }  # fmt: skip
    assert all(numbers == list(range(len(numbers))) for numbers in trials.values())
    monkeypatch.delenv(PYTHON)
    assert not [t for t in study.tasks() if t.what == "network, shift"]


def test_goals_that_are_missed_are_told() -> None:
    def table(rate: list[float]) -> list[dict[str, object]]:
        kinds = ("clean", "shifted", "noisy")
        return [{"part": "table", "detector": "psi", "kind": k, "alarms": rate, "verdicts": rate} for k in kinds]

    noisy = {g["text"]: g["holds"] for g in goals(table([0.4, 0.3, 0.5]))}
    assert not any(noisy.values())
    sure = {g["text"]: g["holds"] for g in goals(table([1.0, 0.996, 1.0]))}
    assert sure["PSI, any effect: noise found"]
    assert not sure["PSI, any effect: false alarms"]
    assert not any(g["holds"] for g in goals(table([0.992, 0.985, 0.997])) if "found" in g["text"])


@pytest.mark.parametrize(("again", "word"), [([0.011, 0.008, 0.014], "chance: "), ([0.02, 0.015, 0.03], "no chance: ")])
def test_a_missed_level_is_held_against_batches_that_had_no_part_in_it(again: list[float], word: str) -> None:
    fresh = {"part": "honest", "detector": "mmd", "change": "", "alarms": [0.02, 0.015, 0.03]}
    further = {"part": "again", "detector": "mmd", "rate": again, "batches": 4000}
    (goal,) = goals([fresh, further])
    assert not goal["holds"]
    assert goal["reason"].startswith(word)
    assert not goals_reason({**fresh, "alarms": [0.011, 0.008, 0.014]}, further)


def goals_reason(*cells: dict[str, object]) -> str:
    return "".join(goal["reason"] for goal in goals(cells))
