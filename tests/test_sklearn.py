"""The estimators are scikit-learn's in every way that it checks, and say what the engine says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import accel_drift as ad
from accel_drift.errors import ConfigError, DriftError
from accel_drift.sklearn import DriftDetector, DriftGate, DriftWarning

ROOT = Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
MOVED = RNG.normal(size=(200, 2)) + np.array([1.5, 0.0])
TABLE = {"x": X[:, 0], "c": RNG.choice(list("ab"), 300), "h": np.where(RNG.random(300) < 0.1, np.nan, X[:, 1])}


ESTIMATORS = [
    DriftDetector(["psi", "mmd"], backend="numpy"),
    DriftGate(["ks"], on_drift="ignore", backend="numpy"),
]


@parametrize_with_checks(ESTIMATORS)  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_detect_gives_the_engines_report() -> None:
    detector = DriftDetector(["ks", ad.PSI(bins=5)], alpha=0.05, seed=3, backend="numpy").fit(X)
    want = ad.compare(X, MOVED, ["ks", ad.PSI(bins=5)], alpha=0.05, seed=3, backend="numpy")
    assert detector.detect(MOVED).findings == want.findings
    assert detector.detect(MOVED).drifted_columns == ("x0",)
    assert detector.score(MOVED) == min(f.adjusted_p_value for f in want.findings if f.adjusted_p_value is not None)
    assert detector.score(MOVED) < 0.001 < 0.2 < detector.score(X)
    assert detector.score(np.ones((1, 2))) == 1.0  # one row can be no drift


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.table])
def test_tables_keep_names_types_and_missing_values(form: Any) -> None:
    detector = DriftDetector(["psi", "missing"], backend="numpy").fit(form(TABLE))
    assert list(detector.feature_names_in_) == ["x", "c", "h"]
    assert detector.n_features_in_ == 3
    report = detector.detect(form({**TABLE, "c": np.full(300, "b")}))
    assert report.drifted_columns == ("c",)
    kinds = {column["name"]: column["kind"] for column in detector.profile_.contents()["schema"]}
    assert kinds == {"x": "numeric", "c": "categorical", "h": "numeric"}
    with pytest.raises(ValueError, match="feature"):
        detector.detect(form({"x": TABLE["x"], "z": TABLE["h"]}))


def test_texts_in_arrays_and_lists_of_rows() -> None:
    rows = [["a", 1.0], ["b", 2.0]] * 50
    detector = DriftDetector(["psi"], backend="numpy").fit(np.array(rows, dtype=object))
    assert detector.detect(np.array([["b", 1.0], ["b", 2.0]] * 50, dtype=object)).drifted_columns == ("x0",)
    numbers = DriftDetector(["ks"], backend="numpy").fit(X.tolist())
    assert numbers.detect(X.tolist()).findings == numbers.detect(X).findings


def test_options_are_parameters() -> None:
    gate = DriftGate(["ks"], on_drift="raise", alpha=0.05)
    again: Any = clone(gate)
    again.set_params(alpha=0.01)
    assert again.get_params()["on_drift"] == "raise"
    assert (gate.alpha, again.alpha) == (0.05, 0.01)
    with pytest.raises(NotFittedError):
        gate.transform(X)
    with pytest.raises(NotFittedError):
        _ = gate.last_report_
    with pytest.raises(ConfigError, match="on_drift is 'shout'; there are warn, raise, ignore"):
        DriftGate(on_drift="shout").fit(X)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="alpha"):
        DriftDetector(alpha=2).fit(X)


def test_a_gate_in_a_pipeline_speaks_up_and_lets_rows_pass() -> None:
    y = X[:, 0] > 0
    gate: Any = DriftGate(["ks"], backend="numpy")
    pipeline = make_pipeline(StandardScaler(), gate, LogisticRegression()).fit(X, y)
    assert [gate.last_report_] == [None]
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(pipeline.predict(X), plain.predict(X))
    assert not gate.last_report_.drifted
    with pytest.warns(DriftWarning, match="drifted from the reference: x0; see last_report_"):
        predicted = pipeline.predict(MOVED)
    np.testing.assert_array_equal(predicted, plain.predict(MOVED))
    assert gate.last_report_.drifted_columns == ("x0",)
    with pytest.raises(DriftError, match="x0"):
        gate.set_params(on_drift="raise").transform(StandardScaler().fit(X).transform(MOVED))
    frame = pd.DataFrame(X)
    assert DriftGate(["ks"], backend="numpy").fit(frame).transform(frame) is frame
    assert list(gate.get_feature_names_out(["a", "b"])) == ["a", "b"]


def test_without_scikit_learn_it_says_what_to_install() -> None:
    hidden = "import sys; sys.modules['sklearn.base'] = None; import accel_drift.sklearn"
    path = [str(ROOT), str(ROOT / "kernels")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {hidden}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ExtraMissingError" in done.stderr
    assert "pip install 'accel-drift[sklearn]'" in done.stderr
