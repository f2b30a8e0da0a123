"""What is said of many rows agrees with scikit-learn and SciPy, and its intervals hold what they promise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score

from accel_drift import predictions as pr
from accel_drift.errors import ConfigError, DataError

RNG = np.random.default_rng(6)
P = RNG.dirichlet([1.0, 2.0, 0.5], 900)
NAMES = ["cat", "dog", "hen"]


def drawn(p: Any, rng: np.random.Generator) -> Any:
    """Labels of a model that is right to be as sure as it is."""
    return (rng.random((len(p), 1)) > p[:, :-1].cumsum(axis=1)).sum(axis=1)


def close(got: pr.Estimate, want: Any) -> None:
    np.testing.assert_allclose(np.array(got, dtype=float), want, rtol=1e-9)


Y = drawn(P, RNG)


def test_means_have_the_interval_of_students_test() -> None:
    made = pr.confidence(P)
    top = P.max(axis=1)
    want = stats.ttest_1samp(top, 0).confidence_interval(0.95)
    close(made.confidence, (top.mean(), want.low, want.high))
    entropy = stats.entropy(P, axis=1)
    np.testing.assert_allclose(made.entropy.value, entropy.mean(), rtol=1e-9)
    close(made.relative_entropy, np.array(made.entropy, dtype=float) / np.log(3))
    assert made.labelled == 0
    assert made.accuracy is made.gap is made.overconfidence is None


def test_shares_have_wilsons_interval() -> None:
    made = pr.confidence(P, bounds=(0.6, 0.8))
    top = P.max(axis=1)
    for estimate, count in ((made.below, (top < 0.6).sum()), (made.above, (top > 0.8).sum())):
        want = stats.binomtest(int(count), len(P)).proportion_ci(0.95, method="wilson")
        close(estimate, (count / len(P), want.low, want.high))


def test_bins_agree_with_scikit_learn() -> None:
    made = pr.confidence(P, Y, bins=15)
    top, right = P.max(axis=1), P.argmax(axis=1) == Y
    accuracy, confidence = calibration_curve(right, top, n_bins=15)
    np.testing.assert_allclose([b.accuracy for b in made.bins], accuracy)
    np.testing.assert_allclose([b.confidence for b in made.bins], confidence)
    assert made.accuracy is not None
    assert made.gap is not None
    assert made.overconfidence is not None
    assert made.underconfidence is not None
    assert made.accuracy.value == accuracy_score(Y, P.argmax(axis=1))
    weights = np.array([b.rows for b in made.bins]) / len(P)
    np.testing.assert_allclose(made.overconfidence.value, (weights * np.maximum(confidence - accuracy, 0)).sum())
    np.testing.assert_allclose(made.overconfidence.value - made.underconfidence.value, made.gap.value, atol=1e-12)
    assert all(b.low < b.confidence <= b.high for b in made.bins)
    assert (made.bin_count, sum(b.rows for b in made.bins)) == (15, made.labelled)


def test_a_model_too_sure_is_told_from_one_that_is_right() -> None:
    calibrated, surer = pr.confidence(P, Y), pr.confidence(P**3 / (P**3).sum(axis=1, keepdims=True), Y)
    assert calibrated.overconfidence is not None
    assert surer.overconfidence is not None
    assert surer.gap is not None
    assert (calibrated.overconfidence.low, surer.gap.low is not None and surer.gap.low > 0.05) == (0.0, True)
    assert surer.overconfidence.low is not None
    assert surer.overconfidence.low > 0.05


def test_the_accuracy_has_the_exact_interval() -> None:
    for labels in (Y, P.argmax(axis=1), P.argmin(axis=1)):
        made = pr.confidence(P, labels)
        right = int((P.argmax(axis=1) == labels).sum())
        want = stats.binomtest(right, len(P)).proportion_ci(0.95, method="exact")
        assert made.accuracy is not None
        assert made.gap is not None
        close(made.accuracy, (right / len(P), want.low, want.high))
        close(made.gap, made.confidence.value - np.array([right / len(P), want.high, want.low]))


@pytest.mark.statistical
@pytest.mark.parametrize("rows", [12, 60, 600])
@pytest.mark.parametrize("sure", [[4.0, 1.0, 0.3], [20.0, 0.3, 0.1]], ids=["unsure", "sure"])
def test_intervals_hold_the_truth(rows: int, sure: list[float]) -> None:
    """500 samples: a coverage of 95 % falls below 92 % with a chance of 0.2 %; wider intervals are no fault."""
    rng = np.random.default_rng(rows)
    held = {"gap": 0, "overconfidence": 0, "underconfidence": 0}
    for _ in range(500):
        p = rng.dirichlet(sure, rows)
        made = pr.confidence(p, drawn(p, rng), backend="numpy")
        for name in held:
            estimate = getattr(made, name)
            held[name] += estimate.low <= 0 <= estimate.high
    assert min(held.values()) >= 460


@pytest.mark.parametrize(
    "labels",
    [
        Y,
        Y.astype(float),
        Y.tolist(),
        [NAMES[y] for y in Y],
    ],
    ids=["int", "float", "list", "names"],
)
def test_labels_are_names_or_numbers(labels: Any) -> None:
    assert pr.confidence(P, labels, classes=NAMES) == pr.confidence(P, Y, classes=NAMES)


def test_labels_of_two_classes_may_be_truth_values() -> None:
    p, y = P[:, 0], Y == 0
    assert pr.confidence(p, y) == pr.confidence(p, y.astype(int))
    named = np.stack([1 - p, p], axis=1)
    assert pr.confidence(named, y, classes=["false", "true"]).gap == pr.confidence(p, y).gap


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    labels: list[Any] = [None if i % 3 == 0 else NAMES[y] for i, y in enumerate(Y)]
    made = pr.confidence(P, labels, classes=NAMES)
    kept = np.arange(len(P)) % 3 != 0
    assert (made.rows, made.labelled) == (900, 600)
    assert made.gap == pr.confidence(P[kept], Y[kept]).gap
    assert pr.confidence(P, [None] * 900).labelled == 0


def test_a_class_called_by_a_number_is_no_place() -> None:
    p = [[0.9, 0.1], [0.2, 0.8]]
    assert pr.confidence(p, [1, 2], classes=["1", "2"]).accuracy == pr.confidence(p, [0, 1]).accuracy
    with pytest.raises(DataError, match="'0', which is no class"):
        pr.confidence(p, [0, 1], classes=["1", "2"])


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1], "2 rows, and probabilities 900"),
        ([3] * 900, "'3', which is no class"),
        ([-1] * 900, "'-1', which is no class"),
        ([0.5] * 900, "'0.5', which is no class"),
        (["cow"] * 900, "'cow', which is no class; classes are"),
        (P, "one class for each row"),
    ],
)
def test_labels_that_are_none_are_refused(labels: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        pr.confidence(P, labels)


@pytest.mark.parametrize(
    "options", [{"bins": 0}, {"bins": 2.5}, {"bounds": (0.9, 0.5)}, {"bounds": 0.5}, {"bounds": (0.1, np.nan)}]
)
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        pr.confidence(P, **options)


def test_nothing_to_sum_up_is_refused_and_one_row_has_no_interval() -> None:
    for given in (np.zeros((0, 3)), np.full((4, 2), np.nan)):
        with pytest.raises(DataError, match="nothing to sum up"):
            pr.confidence(given)
    assert pr.confidence(P[:1]).confidence == (P[0].max(), None, None)


def test_the_record_is_plain_json() -> None:
    made = pr.confidence(P, Y).to_dict()
    assert json.loads(json.dumps(made, allow_nan=False))["gap"]["low"] == made["gap"]["low"]
    assert made["bins"][0]["gap"]["value"] == made["bins"][0]["confidence"] - made["bins"][0]["accuracy"]
