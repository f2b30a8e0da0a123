"""The example with scikit-learn: the dark digits are found in every way, and the others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import accel_drift as ad
from tests.examples import classifier


def test_it_finds_dark_digits_and_nothing_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'drift.db'}"
    reports = classifier.main(url)
    assert [report.drifted for report in reports] == [False, False, False, True, True]
    for report in reports[3:]:
        found = {(f.column, f.detector) for f in report.findings if f.status == "drifted"}
        assert {("confidence", "confidence"), ("predicted", "psi"), ("accuracy", "performance")} <= found
        assert {detector for _, detector in found} >= {"mmd", "bounded_mean"}
        assert any("x" in f.columns for f in report.findings if f.detector == "mmd")
    with ad.History(url) as history:
        assert history.metrics("digits", "accuracy").num_rows == 5
        assert history.metrics("digits", "mean_confidence").num_rows == 5


def test_it_says_what_the_model_says_and_takes_rows_without_labels(tmp_path: Path) -> None:
    x, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(20, random_state=0).fit(x[:600], y[:600])
    watched = classifier.Watched(
        model, x[600:1_200], y[600:1_200], window=ad.Windows(rows=100), history=f"sqlite:///{tmp_path / 'drift.db'}"
    )
    said, reports = watched.predict(x[1_200:1_250])
    np.testing.assert_array_equal(said, model.predict(x[1_200:1_250]))
    assert reports == []
    (report,) = watched.predict(x[1_250:1_300], y[1_250:1_300])[1]
    assert not report.drifted
    assert not report.warnings
    (accuracy,) = report.column("accuracy")
    assert accuracy.n_batch == 50
