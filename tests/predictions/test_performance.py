"""What is said of predictions agrees with scikit-learn, its intervals hold what they promise, and a fall is found."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as sk

from accel_drift import predictions as pr
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.predictions.changed import METRICS

NAMES = ["cat", "dog", "hen", "owl"]


def two(rng: np.random.Generator, rows: int, bias: float = 0.0, slope: float = 1.5) -> tuple[Any, Any]:
    """Scores of a model that is a little too sure, and labels."""
    x = rng.normal(size=rows)
    return expit(1.3 * slope * x + bias), (rng.random(rows) < expit(slope * x + bias)).astype(int)


def four(rng: np.random.Generator, rows: int, spread: float = 1.5) -> tuple[Any, Any]:
    x = spread * rng.normal(size=(rows, 4))
    p = softmax(x, axis=1)
    return softmax(1.3 * x, axis=1), (rng.random((rows, 1)) > p[:, :-1].cumsum(axis=1)).sum(axis=1)


def value(made: pr.Performance, name: str) -> float:
    found: pr.Estimate | None = getattr(made, name)
    assert found is not None, made.remarks
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    return found.value


def near(made: pr.Performance, **wanted: float) -> None:
    for name, want in wanted.items():
        assert value(made, name) == pytest.approx(want, rel=1e-9), name


def test_two_classes_agree_with_scikit_learn(backend: Backend) -> None:
    p, y = two(np.random.default_rng(1), 700, -1.0)
    p = p.round(2)  # ties
    said = p >= 0.5
    for positive in (1, 0):
        made = pr.performance(p, y, positive=positive, predictions=said, backend=backend)
        options: Any = {"pos_label": positive}
        near(
            made,
            accuracy=sk.accuracy_score(y, said),
            balanced_accuracy=sk.balanced_accuracy_score(y, said),
            f1=sk.f1_score(y, said, **options),
            precision=sk.precision_score(y, said, **options),
            recall=sk.recall_score(y, said, **options),
            auc=sk.roc_auc_score(y, p),
            log_loss=sk.log_loss(y, np.clip(p, 2.3e-16, 1 - 2.3e-16)),
            brier=sk.brier_score_loss(y, p),
        )
        assert made.positive == str(positive)
    assert (made.labelled, made.unlabelled, made.remarks) == (700, 0, {})
    both = pr.confidence(p, y)
    assert both.overconfidence is not None
    assert both.underconfidence is not None
    assert value(made, "ece") == pytest.approx(both.overconfidence.value + both.underconfidence.value)


def test_many_classes_agree_with_scikit_learn(backend: Backend) -> None:
    p, y = four(np.random.default_rng(2), 900)
    said = p.argmax(axis=1)
    names = np.array(NAMES)
    for labels in (y, names[y].tolist()):
        near(
            pr.performance(p, labels, classes=NAMES, backend=backend),
            accuracy=sk.accuracy_score(y, said),
            balanced_accuracy=sk.balanced_accuracy_score(y, said),
            f1=sk.f1_score(y, said, average="macro"),
            precision=sk.precision_score(y, said, average="macro"),
            recall=sk.recall_score(y, said, average="macro"),
            auc=sk.roc_auc_score(y, p, multi_class="ovr"),
            log_loss=sk.log_loss(y, p),
            brier=float(((p - np.eye(4)[y]) ** 2).sum(axis=1).mean()),
        )


def test_a_class_without_labels_is_left_out_of_means() -> None:
    p, y = four(np.random.default_rng(3), 300)
    known = y != 2
    made = pr.performance(p[known], y[known], classes=NAMES)
    said, there = p[known].argmax(axis=1), [0, 1, 3]
    near(made, f1=sk.f1_score(y[known], said, average="macro", labels=there))
    near(made, precision=sk.precision_score(y[known], said, average="macro", labels=there))
    near(made, balanced_accuracy=sk.recall_score(y[known], said, average="macro", labels=there))
    assert made.averaged == ("cat", "dog", "owl")
    assert "left out" in made.remarks["f1"]
    assert "left out" in made.remarks["auc"]


def test_predicted_classes_alone_say_what_they_can() -> None:
    made = pr.performance(None, ["a", "b", None, "b"], predictions=["a", "b", "b", "a"])
    near(made, accuracy=2 / 3, f1=2 / 3, precision=1.0, recall=0.5)
    assert (made.classes, made.rows, made.labelled, made.unlabelled) == (("a", "b"), 4, 3, 1)
    for name in ("auc", "log_loss", "brier", "ece"):
        assert getattr(made, name) is None
        assert "no probabilities" in made.remarks[name]
    ten = pr.performance(None, range(11), predictions=range(11))
    assert ten.classes == tuple(map(str, range(11)))


def test_what_cannot_be_told_is_none_and_says_why() -> None:
    p, y = two(np.random.default_rng(4), 50)
    nothing = pr.performance(p, [None] * 50)
    assert nothing.metrics() == ()
    assert (nothing.rows, nothing.labelled, set(nothing.remarks)) == (50, 0, set(METRICS))
    one = pr.performance(p, np.zeros(50))
    assert {name for name in METRICS if getattr(one, name) is None} == {"balanced_accuracy", "f1", "recall", "auc"}
    assert "one class" in one.remarks["auc"]
    assert "positive" in one.remarks["f1"]
    never = pr.performance(np.full(50, 0.1), y)
    assert never.precision is None
    assert never.f1 is not None
    assert (never.f1.value, never.f1.low) == (0.0, 0.0)
    single = pr.performance([0.7], [1])
    assert single.log_loss is not None
    assert single.accuracy is not None
    assert single.log_loss.low is None
    assert single.accuracy.low == pytest.approx(0.025)
    for made in (nothing, one, never, single):
        assert json.loads(json.dumps(made.to_dict(), allow_nan=False)) == made.to_dict()
        assert pr.Performance.from_dict(made.to_dict()) == made


def test_missing_rows_are_counted() -> None:
    made = pr.performance([0.9, np.nan, 0.2, 0.6], [1, 1, None, 0])
    assert (made.rows, made.missing, made.labelled, made.unlabelled) == (3, 1, 2, 1)


def test_a_perfect_order_has_an_interval_all_the_same() -> None:
    made = pr.performance(np.r_[np.linspace(0, 0.4, 30), np.linspace(0.6, 1, 30)], np.repeat([0, 1], 30))
    assert made.auc is not None
    assert made.auc.value == made.auc.high == 1.0
    assert made.auc.low is not None
    assert 0.85 < made.auc.low < 0.97


def test_samples_are_judged_by_their_mean() -> None:
    rng = np.random.default_rng(5)
    samples, y = rng.dirichlet([2, 1, 1], (5, 80)), rng.integers(0, 3, 80)
    assert pr.performance(samples, y).log_loss == pr.performance(samples.mean(axis=0), y).log_loss


def test_delongs_variance_is_that_of_the_definition() -> None:
    """The published sums over all pairs, without ranks."""
    p, y = two(np.random.default_rng(6), 120)
    p = p.round(1)
    high, low = p[y == 1], p[y == 0]
    pairs = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    variance = pairs.mean(axis=1).var(ddof=1) / len(high) + pairs.mean(axis=0).var(ddof=1) / len(low)
    area = pairs.mean()
    half = 1.959963984540054 * np.sqrt(variance) / (area * (1 - area))
    found = pr.performance(p, y).auc
    assert found is not None
    centre = np.log(area / (1 - area))
    np.testing.assert_allclose(np.array(found, float), [area, expit(centre - half), expit(centre + half)])


@pytest.mark.statistical
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("drawn", [two, four])
def test_intervals_hold_the_truth_as_often_as_promised(drawn: Any, seed: int) -> None:
    """200 batches of 300 rows at 95 %: fewer than 178 of them has a chance of 0.03 % for each number."""
    truth = pr.performance(*drawn(np.random.default_rng(100), 400_000), backend="numpy")
    held = dict.fromkeys(METRICS[:-1], 0)
    for run in range(200):
        made = pr.performance(*drawn(np.random.default_rng([seed, run]), 300), backend="numpy")
        for name in held:
            found: pr.Estimate = getattr(made, name)
            assert found.low is not None
            assert found.high is not None
            held[name] += found.low <= value(truth, name) <= found.high
    assert min(held.values()) >= 178, held


@pytest.mark.statistical
@pytest.mark.parametrize("rows", [60, 600])
def test_a_model_as_good_as_before_is_called_degraded_as_rarely_as_promised(rows: int) -> None:
    """500 pairs at 5 %: 39 alarms are exceeded with a chance of 0.3 %."""
    alarms = 0
    for run in range(500):
        rng = np.random.default_rng([rows, run])
        before, now = (pr.performance(*two(rng, n), backend="numpy") for n in (1000, rows))
        alarms += now.change(before, alpha=0.05).degraded
    assert alarms <= 39


def test_a_fall_is_found_and_one_that_is_put_up_with_is_not() -> None:
    rng = np.random.default_rng(7)
    before, now = pr.performance(*two(rng, 4000, slope=3.0)), pr.performance(*two(rng, 2000, slope=1.0))
    found = now.change(before)
    assert [one.name for one in found.changes] == ["accuracy", "f1", "auc", "log_loss"]
    assert found.degraded
    assert all(one.degraded and one.worse is not None and one.worse.value > 0 for one in found.changes)
    assert not now.change(before, metrics=["f1"], tolerance={"f1": 0.3}).degraded
    assert not before.change(now).degraded
    fallen = found["f1"]
    assert fallen.p_value is not None
    assert fallen.adjusted is not None
    assert fallen.adjusted >= fallen.p_value
    assert fallen.worse is not None
    assert fallen.worse.low is not None
    edge = now.change(before, metrics=["f1"], tolerance=fallen.worse.low)["f1"]
    assert edge.p_value == pytest.approx(0.025)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


def test_what_one_side_lacks_is_told_and_not_corrected_for() -> None:
    p, y = two(np.random.default_rng(8), 200)
    whole, hard = pr.performance(p, y), pr.performance(None, y, predictions=p > 0.5)
    found = hard.change(whole, metrics=["accuracy", "auc"])
    assert (found["auc"].p_value, found["auc"].reason) == (
        None,
        "now there are predicted classes, but no probabilities",
    )
    assert found["accuracy"].adjusted == found["accuracy"].p_value
    assert "in the baseline" in whole.change(hard, metrics=["auc"])["auc"].reason
    assert [one.name for one in hard.change(whole).changes] == ["accuracy", "f1"]
    q, z = four(np.random.default_rng(9), 200)
    less = pr.performance(q[z != 1], z[z != 1]).change(pr.performance(q, z), metrics=["f1", "accuracy"])
    assert less["f1"].reason == "classes with labels are not the same: 1"
    assert less["accuracy"].p_value is not None
    with pytest.raises(KeyError):
        less["auc"]
    binned = pr.performance(p, y, bins=5).change(whole, metrics=["ece", "brier"])
    assert binned["ece"].reason == "it is over 5 bins, and over 10 in the baseline"
    assert binned["brier"].p_value is not None
    few = pr.performance(p[:1], y[:1]).change(whole, metrics=["log_loss"])
    assert few["log_loss"].reason == "there are too few rows for an interval"


def test_mistakes_are_told() -> None:
    p, y = two(np.random.default_rng(10), 40)
    made = pr.performance(p, y)
    wrong: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ((p, y), {"positive": "yes"}, ConfigError, "one of the classes '0', '1'"),
        ((p, y), {"bins": 0}, ConfigError, "bins"),
        ((p, y[:-1]), {}, DataError, "labels have 39 rows"),
        ((p, y + 1), {}, DataError, "no class"),
        ((None, y), {}, DataError, "nothing to judge"),
        ((None, y), {"predictions": y[:-1]}, DataError, "predictions 39"),
        ((None, y), {"predictions": y, "classes": ["0"]}, ConfigError, "two or more"),
        ((p, y), {"predictions": y + 5}, DataError, "predictions hold"),
        ((np.full(40, np.nan), y), {}, DataError, "none of 40 rows"),
        ((np.ones((40, 4)) / 4, y), {"positive": 1}, ConfigError, "leave it out"),
    ]
    for given, options, error, says in wrong:
        with pytest.raises(error, match=says):
            pr.performance(*given, **options)
    changes: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (made, {"metrics": ["f2"]}, ConfigError, "'f2'"),
        (made, {"metrics": []}, ConfigError, "metric"),
        (made, {"metrics": "f1"}, ConfigError, "a list"),
        (made, {"tolerance": -1}, ConfigError, "tolerance"),
        (made, {"tolerance": {"f1": "much"}}, ConfigError, "tolerance of f1"),
        (made, {"tolerance": {"f2": 1}}, ConfigError, "'f2'"),
        (made, {"alpha": 1}, ConfigError, "alpha"),
        (made, {"correction": "fdr"}, ConfigError, "correction"),
        (0.9, {}, DataError, "baseline is float"),
        (pr.performance(p, y, positive=0), {}, DataError, "positive: 0"),
    ]
    for baseline, options, error, says in changes:
        with pytest.raises(error, match=says):
            made.change(baseline, **options)
    with pytest.raises(DataError, match="no performance"):
        pr.Performance.from_dict({"rows": 3})


def test_it_reads_well() -> None:
    text = str(pr.performance([0.9, 0.8, 0.3, 0.6], [1, 1, 0, None]))
    assert "3 of 4 rows have labels; precision, recall and F1 of class 1" in text
    assert "accuracy          1.000 (0.292 to 1.000)" in text
