"""Performance without labels: NannyML's numbers, the formula by hand, intervals that hold, and what it cannot see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from accel_drift import predictions as pr
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.predictions.calibrating import MOST_CELLS, cells_of, fit, redrawn
from accel_drift.predictions.expected import ESTIMATED, figures, ready
from tests.predictions import nannyml_answers

METHODS: list[Any] = ["isotonic", "beta"]


def two(rng: np.random.Generator, rows: int, shift: float = 0.0, *, turned: bool = False) -> tuple[Any, Any]:
    """Scores of a model that is too sure, and labels; turned: those of another rule."""
    x = rng.normal(shift, 1.0, rows)
    chance = expit(1.5 * x - 0.5)
    return expit(2.2 * x - 0.9), (rng.random(rows) < (0.8 * (1 - chance) if turned else chance)).astype(int)


def three(rng: np.random.Generator, rows: int, shift: float = 0.0) -> tuple[Any, Any]:
    x = 1.5 * rng.normal(size=(rows, 3)) + np.array([shift, 0.0, 0.0])
    p = softmax(x, axis=1)
    return softmax(1.5 * x, axis=1), (rng.random((rows, 1)) > p[:, :-1].cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("classes", [2, 3])
def test_estimates_are_those_of_nannyml(classes: int) -> None:
    want = json.loads(Path(nannyml_answers.ANSWERS).read_text(encoding="utf-8"))[str(classes)]
    reference, labels = nannyml_answers.drawn(classes, 4000, 0.0, 1)
    new, _ = nannyml_answers.drawn(classes, 1000, 0.4, 2)
    made = pr.PerformanceEstimator(reference, labels, rounding=1e-5).estimate(new)
    for name, value in want.items():
        got: pr.Estimate = getattr(made, name)
        assert got.value == pytest.approx(value, abs=2e-5), name


def test_the_formula_by_hand() -> None:
    """Chances 0.9, 0.6, 0.2 of class 1; the first two are predicted to be of it."""
    chances = np.array([0.9, 0.6, 0.2])
    rows = ready(np.stack([1 - chances, chances], axis=1), np.array([1, 1, 0]), 1)
    got = dict(zip(ESTIMATED, figures(rows, np.stack([1 - chances, chances], axis=1)), strict=True))
    assert got["accuracy"] == pytest.approx((0.9 + 0.6 + 0.8) / 3)
    assert got["precision"] == pytest.approx(1.5 / 2)
    assert got["recall"] == pytest.approx(1.5 / 1.7)
    assert got["f1"] == pytest.approx(3.0 / (2 + 1.7))
    assert got["balanced_accuracy"] == pytest.approx((1.5 / 1.7 + 0.8 / 1.3) / 2)
    assert got["brier"] == pytest.approx((chances * (1 - chances)).mean())
    assert got["log_loss"] == pytest.approx(-(chances * np.log(chances) + (1 - chances) * np.log(1 - chances)).mean())
    pairs = 0.9 * (0.4 + 0.8 + 0.05) + 0.6 * (0.8 + 0.2) + 0.2 * 0.4
    assert got["auc"] == pytest.approx(pairs / (1.7 * 1.3))


@pytest.mark.parametrize("drawn", [two, three])
def test_labels_in_place_of_chances_give_the_real_numbers(drawn: Any) -> None:
    p, y = drawn(np.random.default_rng(1), 500)
    p = p.round(2) if p.ndim == 1 else p
    real = pr.performance(p, y)
    chances = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
    positive = 1 if p.ndim == 1 else None
    got = figures(ready(chances, chances.argmax(axis=1), positive), np.eye(chances.shape[1])[y])
    np.testing.assert_allclose(got, [getattr(real, name).value for name in ESTIMATED])


def test_curves_are_those_of_scikit_learn() -> None:
    p, y = two(np.random.default_rng(2), 1500)
    p = p.clip(0.001, 0.999).round(3)  # ties
    new = np.linspace(0, 1, 300)
    cells = cells_of(p, y == 1)
    assert cells.rows.sum() == 1500
    isotonic = fit(cells, "isotonic").chances(new)
    want = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(new)
    np.testing.assert_allclose(isotonic, want, atol=1e-12)
    beta = fit(cells, "beta").chances(new[1:-1])
    model = LogisticRegression(C=1e6, tol=1e-10, max_iter=1000)
    model.fit(np.stack([np.log(p), -np.log1p(-p)], axis=1), y)
    parts = np.stack([np.log(new[1:-1]), -np.log1p(-new[1:-1])], axis=1)
    np.testing.assert_allclose(beta, model.predict_proba(parts)[:, 1], atol=2e-3)


def test_many_scores_are_counted_together_in_order() -> None:
    p, y = two(np.random.default_rng(3), 3 * MOST_CELLS)
    cells = cells_of(p, y == 1)
    assert len(cells.score) <= MOST_CELLS
    assert (np.diff(cells.score) > 0).all()
    assert (cells.rows.sum(), cells.hits.sum()) == (len(y), y.sum())
    whole = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
    assert abs(fit(cells, "isotonic").chances(p) - whole).mean() < 0.002


def test_a_beta_curve_never_falls() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(400)
    wrong = rng.random(400) < 1 - p
    cells = cells_of(p, wrong)
    curves = fit(cells, "beta", redrawn([cells], [wrong], 20, rng)[0])
    for which in range(21):
        assert (np.diff(curves.chances(np.linspace(0, 1, 50), which)) >= 0).all()


def held(drawn: Any, method: Any, seed: int, shift: float, runs: int = 60) -> dict[str, int]:
    """How often the interval holds what labels say, of batches whose rows have shifted."""
    found = dict.fromkeys(ESTIMATED, 0)
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        estimator = pr.PerformanceEstimator(
            *drawn(rng, 2000), calibration=method, resamples=60, seed=run, backend="numpy"
        )
        p, y = drawn(rng, 500, shift)
        made, real = estimator.estimate(p), pr.performance(p, y, backend="numpy")
        for name in ESTIMATED:
            found[name] += getattr(made, name).low <= getattr(real, name).value <= getattr(made, name).high
    return found


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize(("method", "seed"), [("isotonic", 1), ("isotonic", 2), ("isotonic", 4), ("beta", 1)])
def test_intervals_hold_what_labels_say_under_covariate_shift(method: Any, seed: int) -> None:
    """60 batches: were each held with 92 %, fewer than 48 would have a chance of 0.1 % for each number."""
    found = held(two, method, seed, 0.8)
    assert min(found.values()) >= 48, found


@pytest.mark.slow
@pytest.mark.statistical
def test_intervals_of_three_classes_hold_as_well() -> None:
    found = held(three, "isotonic", 3, 0.8, runs=60)
    assert min(found.values()) >= 48, found


def test_a_shift_of_rows_moves_the_estimate_with_the_truth() -> None:
    rng = np.random.default_rng(15)
    estimator = pr.PerformanceEstimator(*two(rng, 5000))
    p, y = two(rng, 5000, 1.2)
    made, real = estimator.estimate(p), pr.performance(p, y)
    assert made.accuracy is not None
    assert real.accuracy is not None
    assert estimator.reference.accuracy is not None
    assert made.accuracy.low is not None
    assert made.accuracy.high is not None
    assert made.accuracy.value > estimator.reference.accuracy.value + 0.02
    assert made.accuracy.low < real.accuracy.value < made.accuracy.high


def test_it_misses_a_change_of_the_rule_and_says_that_it_must() -> None:
    rng = np.random.default_rng(6)
    estimator = pr.PerformanceEstimator(*two(rng, 3000))
    p, y = two(rng, 2000, turned=True)
    made, real = estimator.estimate(p), pr.performance(p, y)
    for name in ("accuracy", "auc", "f1"):
        estimate, truth, before = (getattr(one, name) for one in (made, real, estimator.reference))
        assert estimate.low > truth.high + 0.1
        assert abs(estimate.value - before.value) < 0.05
    for text in (made.assumes, str(made), repr(estimator), pr.PerformanceEstimator.__doc__ or ""):
        assert "no concept drift" in text


def test_calibration_makes_the_error_less() -> None:
    estimator = pr.PerformanceEstimator(*two(np.random.default_rng(7), 4000))
    assert estimator.errors["isotonic"] < estimator.errors["none"] / 2
    assert estimator.errors["beta"] < estimator.errors["none"] / 2
    p = np.linspace(0.01, 0.99, 50)
    chances = estimator.calibrated(p)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert abs(chances[:, 1] - expit(1.5 * ((np.log(p / (1 - p)) + 0.9) / 2.2) - 0.5)).mean() < 0.04


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("drawn", [two, three])
def test_it_says_the_same_from_disk(tmp_path: Path, drawn: Any, method: Any) -> None:
    rng = np.random.default_rng(8)
    estimator = pr.PerformanceEstimator(*drawn(rng, 800), calibration=method, resamples=25, seed=3)
    estimator.save(tmp_path / "one.arrow")
    again = pr.PerformanceEstimator.load(tmp_path / "one.arrow")
    p, _ = drawn(rng, 100)
    assert again.estimate(p) == estimator.estimate(p) == estimator.estimate(p)
    assert (again.reference, again.errors, repr(again)) == (estimator.reference, estimator.errors, repr(estimator))
    whole = bytearray((tmp_path / "one.arrow").read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / "one.arrow").write_bytes(whole)
    with pytest.raises(SourceError):
        pr.PerformanceEstimator.load(tmp_path / "one.arrow")


def test_rows_are_told_whatever_they_are() -> None:
    rng = np.random.default_rng(9)
    p, y = two(rng, 600)
    keep = (p > 0.1) & (p < 0.9)
    named = np.array(["no", "yes"])[y]
    estimator = pr.PerformanceEstimator(p[keep], named[keep], classes=["no", "yes"], positive="no", resamples=30)
    made = estimator.estimate([0.05, 0.5, np.nan, 0.95], predictions=["no", "no", "yes", "no"])
    assert (made.rows, made.missing, made.positive) == (3, 1, "no")
    assert made.outside == pytest.approx(2 / 3)
    assert "66.7% of rows" in str(made)
    assert made.precision is not None
    assert made.recall is not None
    assert made.recall.value == 1.0
    assert json.loads(json.dumps(made.to_dict(), allow_nan=False)) == made.to_dict()
    assert made.metrics()[0] == ("estimated_accuracy", made.accuracy, 3)
    never = estimator.estimate([0.9] * 40)
    assert never.precision is None
    assert "hardly" in never.remarks["precision"]


def test_predictions_by_another_threshold_are_taken() -> None:
    rng = np.random.default_rng(10)
    p, y = two(rng, 4000)
    estimator = pr.PerformanceEstimator(p, y, predictions=p > 0.2)
    assert estimator.reference.recall is not None
    assert estimator.reference.recall.value == sk.recall_score(y, p > 0.2)
    new, truth = two(rng, 4000, 0.5)
    made = estimator.estimate(new, predictions=new > 0.2)
    assert made.recall is not None
    assert made.recall.low is not None
    assert made.recall.high is not None
    assert made.recall.low < sk.recall_score(truth, new > 0.2) < made.recall.high


def test_mistakes_are_told() -> None:
    p, y = two(np.random.default_rng(11), 100)
    wrong: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ((None, y), {}, DataError, "no probabilities"),
        ((p, [None] * 100), {}, DataError, "needs both"),
        ((p, np.r_[1, 1, np.zeros(98)]), {}, DataError, "class '1' has 2 labels.*5 folds"),
        ((p, y), {"calibration": "platt"}, ConfigError, "'isotonic' or 'beta'"),
        ((p, y), {"folds": 1}, ConfigError, "folds"),
        ((p, y), {"resamples": 3}, ConfigError, "resamples"),
        ((p, y), {"seed": -1}, ConfigError, "seed"),
        ((p, y), {"rounding": 2}, ConfigError, "rounding"),
        ((p, y), {"positive": "x"}, ConfigError, "positive"),
    ]
    for given, options, error, says in wrong:
        with pytest.raises(error, match=says):
            pr.PerformanceEstimator(*given, **options)
    estimator = pr.PerformanceEstimator(p, y, resamples=20)
    news: list[tuple[Any, str]] = [
        (None, "no probabilities"),
        ([np.nan], "none of 1 rows"),
        ([[0.1, 0.2, 0.7]], "classes 0, 1, 2"),
    ]
    for new, says in news:
        with pytest.raises(DataError, match=says):
            estimator.estimate(new)
    with pytest.raises(SourceError, match="no performance estimator"):
        pr.PerformanceEstimator.load("nothing.arrow")
