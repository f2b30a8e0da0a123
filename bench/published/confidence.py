"""The published confidence study: does a classifier's confidence fall before drift scores rise?

Every batch of a trial is drawn on its own, from nothing but the magnitude that the schedule has for it. Beyond the
trend that the schedule gives to both, neither series can lead the other: a lead that is claimed is chance, or comes
from two bends of one trend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.published import lead_lag, network
from bench.published.protocol import FEATURES, ROWS, Floats, Source
from bench.published.scores import kl, mmd, psi

EXPERIMENTS: Mapping[str, tuple[str, str, float]] = {
    "logistic, shift": ("logistic", "shift", 0.5),
    "network, shift": ("network", "shift", 0.3),
    "logistic, noise": ("logistic", "noise", 0.5),
}
"""Name -> classifier, change, and deviation of the noise in the labels."""

SCORES = {"kl": kl, "psi": psi, "mmd": mmd}
TRIALS, BATCHES, ONSET, LARGEST = 10, 40, 10, 3.0
PLANTED = 3
"""Batches by which confidence leads where a lead is planted: it then makes half of the score's variance."""

_WARNING_LAGS = 4


@dataclass(frozen=True, slots=True)
class Trial:
    """What one seed draws: the rows learned from, and 40 batches with their labels."""

    x: Floats
    y: npt.NDArray[np.int64]
    batches: Floats
    labels: npt.NDArray[np.int64]


def seed_of(number: int) -> int:
    """Of a trial; the first ten are the published ones."""
    return 42 + 7 * number


def drawn(experiment: str, seed: int) -> Trial:
    """The rows of a trial, draw by draw as published."""
    _, change, noise = EXPERIMENTS[experiment]
    source = Source(seed)
    weights = source.rng.normal(0, 1, FEATURES)

    def labels(rows: Floats) -> npt.NDArray[np.int64]:
        return (rows @ weights + source.rng.normal(0, noise, len(rows)) > 0).astype(np.int64)

    y = labels(source.reference)
    batches, known = np.empty((BATCHES, ROWS, FEATURES)), np.empty((BATCHES, ROWS), np.int64)
    for i in range(BATCHES):
        size = LARGEST * (i - ONSET) / (BATCHES - ONSET)
        if i < ONSET:
            places = source.pick()
            batches[i], known[i] = source.reference[places], y[places]
            continue
        if change == "shift":
            batches[i] = source.shifted(size)
        else:
            rows = source.picked()
            batches[i] = rows + source.rng.normal(0, size, rows.shape)
        known[i] = labels(batches[i])
    return Trial(source.reference, y, batches, known)


def trials(experiment: str, numbers: Sequence[int], python: Path | None = None) -> list[dict[str, Any]]:
    """What was found in each trial.

    Args:
        experiment: a name of `EXPERIMENTS`.
        numbers: of the trials.
        python: an interpreter that has PyTorch, where the experiment's classifier is the network.
    """
    drawn_all = {number: drawn(experiment, seed_of(number)) for number in numbers}
    # Some seeds put all rows of the reference on one side of the boundary: there is nothing to learn.
    numbers, rows = zip(*((n, t) for n, t in drawn_all.items() if 0 < t.y.mean() < 1), strict=True)
    if EXPERIMENTS[experiment][0] == "network":
        if python is None:
            raise ValueError("the network needs a Python that has PyTorch: give --peers")
        stacked = {name: np.stack([getattr(t, name) for t in rows]) for name in ("x", "y", "batches", "labels")}
        told = network.confidences(python, seeds=np.array([seed_of(n) for n in numbers]), **stacked)
        series = [*zip(told["confidence"], told["accuracy"], strict=True)]
    else:
        series = [_logistic(trial) for trial in rows]
    return [
        {"seed": seed_of(number), **_found(trial, np.array(confidence), np.array(accuracy), number)}
        for number, trial, (confidence, accuracy) in zip(numbers, rows, series, strict=True)
    ]


def _logistic(trial: Trial) -> tuple[list[float], list[float]]:
    """Mean confidence and accuracy of every batch."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = trial.x.mean(axis=0), trial.x.std(axis=0)
    model = LogisticRegression(C=1.0, max_iter=1_000).fit((trial.x - mean) / deviation, trial.y)
    shares = [model.predict_proba((batch - mean) / deviation) for batch in trial.batches]
    right = [(share.argmax(axis=1) == known).mean() for share, known in zip(shares, trial.labels, strict=True)]
    return [float(share.max(axis=1).mean()) for share in shares], [float(r) for r in right]


def _found(trial: Trial, confidence: Floats, accuracy: Floats, number: int) -> dict[str, Any]:
    fitted = {name: fit(trial.x) for name, fit in SCORES.items()}
    scores = {name: np.array([score(batch) for batch in trial.batches]) for name, score in fitted.items()}
    return {
        "confidence_drop": _drop(confidence),
        "accuracy_drop": _drop(accuracy),
        "warning": warning(confidence, scores),
        "scores": {name: _leads(confidence, values, number) for name, values in scores.items()},
    }


def _leads(confidence: Floats, scores: Floats, number: int) -> dict[str, Any]:
    """What each rule says of confidence and one score, as drawn and with a lead planted."""
    found = lead_lag.correlations(confidence, scores)
    mirrored = lead_lag.correlations(scores, confidence)
    rng = np.random.default_rng((number, PLANTED))
    # Before the onset there is nothing to lead, and the spread is another.
    own = lead_lag.permuted(confidence[ONSET:], scores[ONSET:], rng)
    late = confidence[ONSET + PLANTED :], led(confidence[ONSET:], scores[ONSET:])
    planted = lead_lag.permuted(*late, rng)
    return {
        "lag": lead_lag.published_lead(found),
        "mirrored": lead_lag.published_lead(mirrored),
        "leads_more": bool(np.abs(found.lead).max() > np.abs(found.lag).max()),
        "planted_lag": lead_lag.published_lead(lead_lag.correlations(*late)),
        "p_lead": own.lead,
        "p_lag": own.lag,
        "p_asymmetry": own.asymmetry,
        "p_planted": planted.lead,
    }


def led(confidence: Floats, scores: Floats) -> Floats:
    """Scores that follow a fall of confidence by three batches, the first three left out."""
    first, second = ((values - values.mean()) / values.std() for values in (confidence, scores))
    made: Floats = second[PLANTED:] - first[:-PLANTED]
    return made


def _drop(values: Floats) -> float:
    """From the mean before the onset to the mean after it, in percent."""
    before, after = float(values[:ONSET].mean()), float(values[ONSET:].mean())
    return 100 * (before - after) / before


def warning(confidence: Floats, scores: Mapping[str, Floats]) -> float:
    """The published early-warning score: up to 50 for a fall, up to 30 for growing drift, 20 for a lead."""
    fall, growth = _growth(confidence), max(_growth(values) for values in scores.values())
    leads = any(
        lead_lag.published_lead(lead_lag.correlations(confidence, values, _WARNING_LAGS), margin=1.0)
        for values in scores.values()
    )
    points = min(50 * -fall, 50.0) if fall < -0.05 else 0.0
    points += min(30 * growth, 30.0) if growth > 0.1 else 0.0
    return min(points + (20.0 if leads else 0.0), 100.0)


def _growth(values: Floats) -> float:
    """Of the mean, from the first half to the second, as a share."""
    half = len(values) // 2
    return float(values[half:].mean() / values[:half].mean()) - 1.0
