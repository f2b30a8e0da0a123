"""The shapes of other libraries' detectors, as small stand-ins; the libraries themselves are not needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from river.drift import ADWIN
from sklearn.ensemble import IsolationForest

from accel_drift import evaluation as ev
from accel_drift.errors import ConfigError, DataError
from accel_drift.evaluation import adapters
from tests.evaluation.fakes import Shifted

RNG = np.random.default_rng(5)
REFERENCE = {"a": RNG.normal(size=300), "b": RNG.normal(size=300), "c": np.array(["x"] * 300, dtype=object)}
CLEAN = {"a": RNG.normal(size=100), "b": RNG.normal(size=100), "c": np.array(["x"] * 100, dtype=object)}
DRIFTED = {**CLEAN, "b": CLEAN["b"] + 2.0}


class Alibi:
    """Of alibi-detect: made with the reference, asked by `predict`."""

    def __init__(self, x_ref: Any) -> None:
        assert x_ref.shape == (300, 2)
        self.mean = x_ref.mean(axis=0)

    def predict(self, x: Any) -> dict[str, Any]:
        distance = np.abs(x.mean(axis=0) - self.mean)
        return {"data": {"is_drift": int(distance.max() > 1), "distance": distance, "p_val": None}, "meta": {}}


class Frouros:
    """Of frouros: fit(X=) and compare(X=), which gives a result and logs."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def fit(self, X: Any) -> dict[str, Any]:  # noqa: N803  their name
        self.shape, self.mean = X.shape, X.mean()
        return {}

    def compare(self, X: Any) -> tuple[Any, dict[str, Any]]:  # noqa: N803  their name
        assert X.ndim == len(self.shape)
        size = abs(float(X.mean() - self.mean))
        p_value = 0.001 if size > 0.5 else 0.6
        if self.kind == "test":
            return SimpleNamespace(statistic=size, p_value=p_value), {}
        return SimpleNamespace(distance=size), {"permuted": {"p_value": p_value}} if self.kind == "permuted" else {}


class Calculator:
    """Of NannyML: fit(frame), calculate(frame).to_df() with several levels of columns."""

    def __init__(self, flat: bool = False) -> None:
        self.flat = flat

    def fit(self, frame: Any) -> Calculator:
        self.means = frame[["a", "b"]].mean()
        return self

    def calculate(self, frame: Any) -> Any:
        made: dict[tuple[str, ...], list[Any]] = {("chunk", "key"): ["[0:99]"]}
        for name, mean in self.means.items():
            value = abs(frame[name].mean() - mean)
            made |= {(str(name), "js", "value"): [value], (str(name), "js", "upper_threshold"): [0.5]}
            made |= {(str(name), "js", "alert"): [value > 0.5]}
        found = pd.DataFrame({("_".join(k) if self.flat else (*k, "")[:3]): v for k, v in made.items()})
        return SimpleNamespace(to_df=lambda: found)


def evidently_like(reference: Any, batch: Any) -> Any:
    count = sum(abs(batch[name].mean() - reference[name].mean()) > 0.5 for name in ("a", "b"))
    metrics = [{"id": "x", "value": 3.0}, {"id": "y", "value": {"count": float(count), "share": count / 2}}]
    return SimpleNamespace(dict=lambda: {"metrics": metrics})


def p_value_of_means(reference: Any) -> Any:
    return float(np.mean(reference["b"]))


def far(mean: float, batch: Any) -> ev.Judged:
    size = abs(float(batch["b"].mean()) - mean)
    return ev.Judged(size, size > 1)


ADAPTED = {
    "functions": adapters.from_functions(p_value_of_means, far),
    "alibi": adapters.alibi_detect(Alibi),
    "frouros test": adapters.frouros(lambda: Frouros("test")),
    "frouros permuted": adapters.frouros(lambda: Frouros("permuted"), joint=True),
    "frouros distance": adapters.frouros(lambda: Frouros("distance"), threshold=0.5),
    "river": adapters.river(ADWIN),
    "evidently": adapters.evidently(evidently_like),
    "nannyml": adapters.nannyml(Calculator, pd.DataFrame),
    "nannyml flat": adapters.nannyml(lambda: Calculator(flat=True), pd.DataFrame),
    "outliers": adapters.outliers(lambda: IsolationForest(n_estimators=20, random_state=0)),
}


@pytest.mark.parametrize("name", ADAPTED)
def test_each_shape_gives_a_score_and_an_alarm(name: str) -> None:
    fitted = ADAPTED[name].fit(REFERENCE)
    clean, drifted = fitted.detect(CLEAN), fitted.detect(DRIFTED)
    assert (clean.alarm, drifted.alarm) == (False, True)
    assert clean.score < drifted.score


def test_only_what_keeps_a_state_says_so() -> None:
    assert [name for name, made in ADAPTED.items() if made.stateful] == ["river"]


def test_a_stream_is_told_at_the_row_and_may_be_of_other_values() -> None:
    fitted = adapters.river(ADWIN, values=lambda rows: np.asarray(rows["b"]) > 1).fit(REFERENCE)
    made = fitted.detect(DRIFTED)
    assert made.alarm
    assert made.row is not None
    assert 1 < made.row <= 100


def test_a_study_runs_with_them() -> None:
    contenders = {"alibi": adapters.frouros(lambda: Frouros("test")), "river": adapters.river(ADWIN)}
    rows = ev.Evaluation(contenders, Shifted(batches=4, onset=2, shift=3.0), seeds=2).run().summary().to_pylist()
    assert {row["contender"]: row["found"] for row in rows if not row["dummy"]} == {"alibi": 1.0, "river": 1.0}


def test_answers_that_lack_what_is_needed_are_told() -> None:
    with pytest.raises(DataError, match="give threshold="):
        adapters.frouros(lambda: Frouros("distance")).fit(REFERENCE).detect(CLEAN)
    with pytest.raises(DataError, match="no count of drifted columns"):
        adapters.evidently(lambda _r, _b: {"metrics": [{"value": 1.0}]}).fit(REFERENCE).detect(CLEAN)
    empty = SimpleNamespace(to_df=lambda: pd.DataFrame({"value": [1.0]}))
    made = SimpleNamespace(fit=lambda _x: None, calculate=lambda _x: empty)
    with pytest.raises(DataError, match="no column alert"):
        adapters.nannyml(lambda: made, pd.DataFrame).fit(REFERENCE).detect(CLEAN)
    with pytest.raises(DataError, match="'is_drift'"):
        adapters.alibi_detect(lambda _x: SimpleNamespace(predict=lambda _b: {"data": {}})).fit(REFERENCE).detect(CLEAN)
    with pytest.raises(DataError, match="no column of numbers"):
        adapters.matrix({"c": CLEAN["c"]})
    with pytest.raises(DataError, match="at least 4"):
        ADAPTED["outliers"].fit({"a": np.zeros(3)})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: adapters.from_functions(3, far), "fit is int; it is a function"),  # type: ignore[arg-type]
        (lambda: adapters.alibi_detect(Alibi(np.zeros((300, 2)))), "make is Alibi; it is a function"),  # type: ignore[arg-type]
        (lambda: adapters.river(3), "make is int"),  # type: ignore[arg-type]
        (lambda: adapters.frouros(ADWIN, alpha=0), "alpha is 0"),
        (lambda: adapters.outliers(IsolationForest, rate=2), "rate is 2"),
        (lambda: adapters.evidently(evidently_like, share=-1), "share is -1"),
    ],
)
def test_what_is_no_adapter_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()
