"""Each measure against scikit-learn, counts by hand, or the law that it has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score, roc_curve

from accel_drift.errors import DataError
from accel_drift.evaluation import metrics

FEW = arrays(np.float64, st.integers(4, 30), elements=st.integers(0, 6).map(float))


@given(FEW)
@settings(max_examples=80, deadline=None)
def test_auc_f1_and_curve_are_those_of_scikit_learn(scores: np.ndarray) -> None:
    truth = np.arange(len(scores)) % 3 == 0
    alarms = scores > 3
    assert metrics.auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    assert metrics.f1(alarms, truth) == pytest.approx(f1_score(truth, alarms) if alarms.any() else 0.0)
    wrong, hits = metrics.roc_curve(scores, truth)
    theirs = roc_curve(truth, scores, drop_intermediate=False)
    assert np.allclose(wrong, theirs[0])
    assert np.allclose(hits, theirs[1])


@given(FEW)
@settings(max_examples=80, deadline=None)
def test_no_threshold_has_a_better_f1_than_the_best(scores: np.ndarray) -> None:
    truth = np.arange(len(scores)) % 2 == 1
    threshold = metrics.best_threshold(scores, truth)
    assert threshold is not None
    precision, recall, _ = precision_recall_curve(truth, scores)
    best = max(2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precision, recall, strict=True))
    assert metrics.f1(scores > threshold, truth) == pytest.approx(best)


def test_rates_by_hand() -> None:
    alarms, truth = [True, False, True, True], [False, False, True, True]
    assert metrics.false_alarm_rate(alarms, truth) == 0.5
    assert metrics.detection_rate(alarms, truth) == 1.0
    assert metrics.f1(alarms, truth) == pytest.approx(0.8)


def test_what_cannot_be_measured_is_none_and_not_0() -> None:
    clean, drift = [False, False], [True, True]
    assert metrics.detection_rate(drift, clean) is None
    assert metrics.false_alarm_rate(drift, drift) is None
    assert metrics.f1(drift, clean) is None
    assert metrics.auc([1.0, 2.0], clean) is None
    assert metrics.delay(drift, clean, until=[1, 2], onset_row=0) is None
    assert metrics.best_threshold([1.0, 2.0], clean) is None
    assert metrics.cohens_d([1.0, 1.0, 1.0, 1.0], [True, True, False, False]) is None
    assert metrics.stability([1.0, 1.0], clean) is None


def test_a_delay_counts_from_the_true_onset_and_is_censored_where_there_is_no_alarm() -> None:
    truth, until = [False, True, True, True], [10, 20, 30, 40]
    assert metrics.delay([True, False, True, False], truth, until=until, onset_row=14) == metrics.Delay(1, 16, True)
    assert metrics.delay([True, False, False, False], truth, until=until, onset_row=14) == metrics.Delay(3, 26, False)
    assert metrics.delay([False, True, True, True], truth, until=[10, 17, 30, 40], onset_row=14) == metrics.Delay(
        0, 3, True
    )


def test_a_missing_score_is_the_lowest() -> None:
    assert metrics.auc([np.nan, 1.0, 2.0], [True, False, False]) == 0.0
    assert metrics.auc([np.nan, 1.0, 2.0], [False, True, True]) == 1.0


def test_cohens_d_by_hand() -> None:
    scores, truth = np.array([0.0, 2.0, 4.0, 8.0, 10.0]), np.array([False, False, False, True, True])
    pooled = np.sqrt((2 * 4.0 + 1 * 2.0) / 3)
    assert metrics.cohens_d(scores, truth) == pytest.approx((9.0 - 2.0) / pooled)


def test_stability_is_raised_by_a_constant_which_decides_nothing() -> None:
    truth, scores = np.ones(4, dtype=bool), np.array([1.0, 2.0, 3.0, 4.0])
    low, high = metrics.stability(scores, truth), metrics.stability(scores + 100, truth)
    assert low is not None
    assert high is not None
    assert low < 0.7 < 0.98 < high


def test_the_interval_of_delong_is_that_of_the_paper_by_its_definition() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 9, 40).astype(float), np.arange(40) < 15
    x, y = scores[truth], scores[~truth]
    above = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    error = np.sqrt(above.mean(axis=1).var(ddof=1) / 15 + above.mean(axis=0).var(ddof=1) / 25)
    low, high = metrics.auc_interval(scores, truth) or (0.0, 0.0)
    assert (high + low) / 2 == pytest.approx(above.mean())
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * error)
    assert metrics.auc_interval(scores[:16], truth[:16]) is None


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(3))
def test_a_threshold_keeps_its_rate_on_fresh_batches_on_average(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(4_000):
        scores = rng.random(99)
        rates.append(1 - metrics.threshold_for(scores, 0.05))
    # Each is Beta(5, 95): mean 0.05 and deviation 0.0217, so the mean's error is 0.00034: five of them.
    assert abs(np.mean(rates) - 0.05) < 0.0018


def test_ties_keep_the_threshold_on_the_safe_side() -> None:
    assert metrics.threshold_for([0.0] * 50 + [1.0] * 49, 0.05) == 1.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metrics.threshold_for([0.0] * 98, 0.01), "at least 99"),
        (lambda: metrics.false_alarm_rate([True], [True, False]), "one answer for each batch"),
        (lambda: metrics.auc([], []), "at least one batch"),
        (lambda: metrics.roc_curve([1.0], [True]), "clean and drifted"),
    ],
)
def test_wrong_input_is_told(call: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()  # type: ignore[operator]
