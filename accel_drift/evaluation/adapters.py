"""Detectors of other libraries as contenders; nothing is imported here, and each adapter knows a shape, not a version.

Each takes a function that makes a fresh detector, so that every seed begins anew: `lambda x: KSDrift(x, p_val=0.01)`.
For `run(processes=2)` it has to be a function that can be imported, so a `def` in a module and no lambda.
Rows go to them as an (n, d) matrix of the columns of numbers, unless a function says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan, nan, sqrt
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError, DataError
from accel_drift.evaluation.judged import Judged, judged, of_alibi
from accel_drift.evaluation.ours import Floats, numbers, standardised
from accel_drift.options import between

Rows = Callable[[Any], Any]


def matrix(rows: Any) -> Floats:
    """The columns of numbers as one matrix, (n, d).

    Raises:
        DataError: there is none.
    """
    columns = numbers(rows)
    if not columns:
        raise DataError("there is no column of numbers")
    return np.stack(list(columns.values()), axis=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A contender of functions.

    Attributes:
        learn: reference -> what is known of it.
        answer: what is known, batch -> what `judged` understands.
        stateful: whether an answer depends on the batches before.
        options: what else decides its answers.
    """

    learn: Callable[[Any], Any]
    answer: Callable[[Any, Any], Any]
    stateful: bool = False
    options: tuple[Any, ...] = ()

    def fit(self, reference: Any) -> _Known:
        """Learn a reference."""
        return _Known(self.learn(reference), self.answer)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was learned, and how it answers."""

    known: Any
    answer: Callable[[Any, Any], Any]

    def detect(self, batch: Any) -> Judged:
        return judged(self.answer(self.known, batch))


def from_functions(fit: Callable[[Any], Any], detect: Callable[[Any, Any], Any], *, stateful: bool = False) -> Made:
    """Any two functions.

    Args:
        fit: reference -> whatever is to be known of it.
        detect: what `fit` gave and a batch -> `Judged(score, alarm)`, True or False.
        stateful: whether an answer depends on the batches before.

    Raises:
        ConfigError: one is no function.
    """
    _functions(fit=fit, detect=detect)
    return Made(fit, detect, stateful)


def alibi_detect(make: Callable[[Any], Any], *, rows: Rows = matrix) -> Made:
    """A detector of alibi-detect that has `predict`, such as KSDrift and MMDDrift; the score is its largest distance.

    Args:
        make: (n, d) reference -> detector.
        rows: rows -> what the detector takes.

    Raises:
        ConfigError: one is no function.
    """
    _functions(make=make, rows=rows)
    return Made(_Learn(make, rows), _Alibi(rows))


def frouros(
    make: Callable[[], Any], *, alpha: float = 0.01, threshold: float | None = None, joint: bool = False
) -> Made:
    """A data-drift detector of batches of frouros, which has `fit` and `compare`.

    It alarms where the p-value of a column is at most `alpha` over the number of columns (Bonferroni); one that gives a
    distance alone needs a threshold. The score is the largest statistic or distance.

    Args:
        make: () -> detector.
        alpha: false-alarm rate of the data set, where there are p-values.
        threshold: distance above which it alarms, where there are none.
        joint: whether one detector takes all columns, as MMD does; else there is one a column.

    Raises:
        ConfigError: make is no function, or alpha is no share.
    """
    _functions(make=make)
    between(alpha, 0, 1, "alpha", "the false-alarm rate, such as 0.01")
    return Made(_Frouros(make, joint), _Compare(alpha, threshold, joint))


def river(make: Callable[[], Any], *, values: Rows | None = None) -> Made:
    """A detector of streams of river, which has `update` and `drift_detected`; the score is the number of changes.

    Args:
        make: () -> detector.
        values: rows -> (n,) or (n, S) values that go down the streams; None for every column of numbers, standardised
            by the reference. The reference goes first.

    Raises:
        ConfigError: one is no function.
    """
    _functions(make=make, **({} if values is None else {"values": values}))
    return Made(_River(make, values), _update, stateful=True)


def evidently(run: Callable[[Any, Any], Any], *, share: float = 0.5) -> Made:
    """A report of evidently that counts drifted columns; the score is their share.

    Args:
        run: reference and batch, as given -> what `Report.run` of DataDriftPreset or DriftedColumnsCount gave, or its
            dict.
        share: of columns from which on the data set counts as drifted.

    Raises:
        ConfigError: run is no function, or share is no share.
    """
    _functions(run=run)
    between(share, 0, 1.0000001, "share", "of columns, such as 0.5")
    return Made(_same, _Evidently(run, share))


def nannyml(make: Callable[[], Any], frame: Callable[[Any], Any]) -> Made:
    """A calculator of NannyML that has `fit` and `calculate`; it alarms where any column of its results says alert.

    The score is how far the largest value is beyond its upper threshold, or the largest value where there is none.

    Args:
        make: () -> calculator, such as UnivariateDriftCalculator(column_names=[...], chunk_number=1).
        frame: rows -> what it takes, such as pandas.DataFrame.

    Raises:
        ConfigError: one is no function.
    """
    _functions(make=make, frame=frame)
    return Made(_Calculator(make, frame), _Calculate(frame))


def outliers(make: Callable[[], Any], *, rate: float = 0.01, rows: Rows = matrix, seed: int = 0) -> Made:
    """A detector of outliers such as scikit-learn's IsolationForest, with `fit` and `score_samples`, as one of drift.

    It learns one half of the reference. A batch's mean outlier score is compared with that of the other half by the
    test of Welch, and the score is its z. So it sees batches that are further out, and none that lie further inside.

    Args:
        make: () -> estimator.
        rate: false-alarm rate.
        rows: rows -> what the estimator takes.
        seed: deals the reference into halves.

    Raises:
        ConfigError: one is no function, or rate is no share.
    """
    _functions(make=make, rows=rows)
    between(rate, 0, 1, "rate", "the false-alarm rate, such as 0.01")
    return Made(_Outliers(make, rows, seed), _Further(rows, rate))


@dataclass(frozen=True, slots=True)
class _Learn:
    make: Callable[[Any], Any]
    rows: Rows

    def __call__(self, reference: Any) -> Any:
        return self.make(self.rows(reference))


@dataclass(frozen=True, slots=True)
class _Alibi:
    rows: Rows

    def __call__(self, detector: Any, batch: Any) -> Judged:
        return of_alibi(detector.predict(self.rows(batch)))


@dataclass(frozen=True, slots=True)
class _Frouros:
    make: Callable[[], Any]
    joint: bool

    def __call__(self, reference: Any) -> list[Any]:
        x = matrix(reference)
        columns = [x] if self.joint else [np.ascontiguousarray(column) for column in x.T]
        made = [self.make() for _ in columns]
        for detector, column in zip(made, columns, strict=True):
            detector.fit(X=column)
        return made


@dataclass(frozen=True, slots=True)
class _Compare:
    alpha: float
    threshold: float | None
    joint: bool

    def __call__(self, detectors: list[Any], batch: Any) -> Judged:
        x = matrix(batch)
        columns = [x] if self.joint else [np.ascontiguousarray(column) for column in x.T]
        found = [detector.compare(X=column) for detector, column in zip(detectors, columns, strict=True)]
        results = [(one[0], one[1] or {}) if isinstance(one, tuple) else (one, {}) for one in found]
        sizes = [_first(result, "distance", "statistic") for result, _ in results]
        p_values = [_p_of(result, logs) for result, logs in results]
        score = max(sizes, default=nan)
        if not all(isnan(p) for p in p_values):
            return Judged(score, float(np.nanmin(p_values)) <= self.alpha / len(found))
        if self.threshold is None:
            raise DataError("the detector gives a distance and no p-value; give threshold=, or a callback for one")
        return Judged(score, score > self.threshold)


@dataclass(frozen=True, slots=True)
class _River:
    make: Callable[[], Any]
    values: Rows | None

    def __call__(self, reference: Any) -> tuple[Rows, list[Any]]:
        values = self.values or standardised(reference)
        first = np.asarray(values(reference), dtype=np.float64)
        first = first[:, None] if first.ndim == 1 else first
        detectors = [self.make() for _ in range(first.shape[1])]
        _count(detectors, first)
        return values, detectors


@dataclass(frozen=True, slots=True)
class _Evidently:
    run: Callable[[Any, Any], Any]
    share: float

    def __call__(self, reference: Any, batch: Any) -> Judged:
        made = self.run(reference, batch)
        found = made if isinstance(made, Mapping) else made.dict()
        for metric in found.get("metrics", ()):
            value = metric.get("value")
            if isinstance(value, Mapping) and "share" in value and "count" in value:
                return Judged(float(value["share"]), float(value["share"]) >= self.share)
        raise DataError("the report holds no count of drifted columns; use DataDriftPreset or DriftedColumnsCount")


@dataclass(frozen=True, slots=True)
class _Calculator:
    make: Callable[[], Any]
    frame: Callable[[Any], Any]

    def __call__(self, reference: Any) -> Any:
        calculator = self.make()
        fitted = calculator.fit(self.frame(reference))
        return calculator if fitted is None else fitted


@dataclass(frozen=True, slots=True)
class _Calculate:
    frame: Callable[[Any], Any]

    def __call__(self, calculator: Any, batch: Any) -> Judged:
        found = calculator.calculate(self.frame(batch)).to_df()
        named = {name if isinstance(name, tuple) else tuple(str(name).rsplit("_", 1)): name for name in found.columns}
        alerts = [found[name] for parts, name in named.items() if parts[-1] == "alert"]
        if not alerts:
            raise DataError("the results have no column alert; give a calculator of NannyML's drift")
        sizes = []
        for parts, name in named.items():
            if parts[-1] == "value":
                upper = named.get((*parts[:-1], "upper_threshold"))
                above = 0.0 if upper is None else np.nan_to_num(np.asarray(found[upper], dtype=np.float64))
                sizes.append(float(np.nanmax(np.asarray(found[name], dtype=np.float64) - above)))
        alarm = any(bool(value) for column in alerts for value in np.asarray(column).tolist() if value is not None)
        return Judged(max(sizes, default=float(alarm)), alarm)


@dataclass(frozen=True, slots=True)
class _Outliers:
    make: Callable[[], Any]
    rows: Rows
    seed: int

    def __call__(self, reference: Any) -> tuple[Any, Floats]:
        x = self.rows(reference)
        order = np.random.default_rng(self.seed).permutation(len(x))
        half = len(x) // 2
        if half < 2:
            raise DataError(f"the reference has {len(x)} rows; give at least 4, better hundreds")
        estimator = self.make()
        estimator.fit(x[order[:half]])
        return estimator, -np.asarray(estimator.score_samples(x[order[half:]]), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Further:
    rows: Rows
    rate: float

    def __call__(self, known: tuple[Any, Floats], batch: Any) -> Judged:
        from scipy.stats import norm

        estimator, usual = known
        mine = -np.asarray(estimator.score_samples(self.rows(batch)), dtype=np.float64)
        if len(mine) < 2:
            raise DataError(f"the batch has {len(mine)} rows; give at least 2")
        error = sqrt(mine.var(ddof=1) / len(mine) + usual.var(ddof=1) / len(usual))
        z = float((mine.mean() - usual.mean()) / error) if error > 0 else nan
        return Judged(z, z > float(norm.ppf(1 - self.rate)))


def _update(known: tuple[Rows, list[Any]], batch: Any) -> Judged:
    values, detectors = known
    given = np.asarray(values(batch), dtype=np.float64)
    changes, first = _count(detectors, given[:, None] if given.ndim == 1 else given)
    return Judged(float(changes), changes > 0, first)


def _count(detectors: list[Any], values: Floats) -> tuple[int, int | None]:
    """How many changes there were, and after how many rows came the first."""
    changes, first = 0, None
    for row, each in enumerate(values, 1):
        for detector, value in zip(detectors, each.tolist(), strict=True):
            if isnan(value):
                continue
            detector.update(value)
            if detector.drift_detected:
                changes += 1
                first = row if first is None else first
    return changes, first


def _same(reference: Any) -> Any:
    return reference


def _first(result: Any, *names: str) -> float:
    found = [getattr(result, name) for name in names if getattr(result, name, None) is not None]
    return float(found[0]) if found else nan


def _p_of(result: Any, logs: Mapping[str, Any]) -> float:
    """The p-value of a result of frouros, or of the callback that permutes."""
    own = _first(result, "p_value")
    for entry in logs.values():
        if isnan(own) and isinstance(entry, Mapping) and entry.get("p_value") is not None:
            own = float(entry["p_value"])
    return own


def _functions(**given: Any) -> None:
    for name, value in given.items():
        if not callable(value):
            raise ConfigError(f"{name} is {type(value).__name__}; it is a function")
