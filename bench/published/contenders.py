"""Everything that is judged on the same batches: our tests, the published scores, and dummies that look at nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import accel_drift as ad
from accel_drift.backends import get_backend
from accel_drift.calibration import decide, smallest_needed, verdict
from accel_drift.data.read import read_table
from accel_drift.detectors.base import Detector
from accel_drift.statistics.comparison import Plan, pair_tables
from bench.published.protocol import Floats
from bench.published.scores import SCORES, Published

Alarms: TypeAlias = npt.NDArray[np.bool_]

ALPHA = 0.01
DELTAS = (0.9, 0.7, 0.5, 0.35, 0.25, 0.18, 0.13, 0.1, 0.07, 0.05, 0.035, 0.025, 0.018, 0.013, 0.01, 0.005, 0.002)
"""Of ADWIN, to give it a score: minus the logarithm of the smallest that sees a change."""

EVERY = round(1 / ALPHA)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of B batches.

    Attributes:
        scores: (B,) larger is more drift.
        alarms: (B,) at the contender's own threshold or level; any effect counts.
        verdicts: (B,) as it comes, where a smallest effect is asked for.
    """

    scores: Floats
    alarms: Alarms
    verdicts: Alarms


Judge: TypeAlias = Callable[[Floats], Judged]
"""Batches (B, m, d), in the order in which they come."""

Fit: TypeAlias = Callable[[Floats, int], Judge]
"""A reference (n, d) and a seed -> a judge of batches."""


def _published(score: Published, reference: Floats, _seed: int) -> Judge:
    fitted = score.fit(reference)

    def judge(batches: Floats) -> Judged:
        scores = np.array([fitted(batch) for batch in batches])
        alarms = scores > score.threshold
        return Judged(scores, alarms, alarms)

    return judge


def _tested(kind: Callable[..., Detector], reference: Floats, seed: int) -> Judge:
    """What a report says, everything else at its default: the smallest corrected p-value, and the verdict.

    Intervals and pictures, which take half of a report's time, are left out; they play no part in either.
    """
    detector, backend = kind(alpha=ALPHA), get_backend("numpy")
    known = read_table(reference, name="reference", backend=backend)
    names = known.schema.names
    needed = smallest_needed(1 if detector.joint else len(names), 1, ALPHA, "bh")
    plan = Plan(ALPHA, needed, seed, intervals=False)

    def judge(batches: Floats) -> Judged:
        least, drifted = np.ones(len(batches)), np.zeros(len(batches), bool)
        for i, batch in enumerate(batches):
            rows = read_table(batch, schema=known.schema, columns=names, name="batch", backend=backend)
            outcomes = detector.outcomes(pair_tables(known, rows, names, backend, None), plan)
            findings = decide(outcomes, alpha=ALPHA)
            drifted[i] = verdict(findings, "fdr", ALPHA)
            least[i] = min(p for f in findings if (p := f.adjusted_p_value) is not None)
        return Judged(-np.log10(least), least <= ALPHA, drifted)

    return judge


def _adwin(squares: bool, reference: Floats, _seed: int) -> Judge:
    """ADWIN on each column, standardised by the reference, whose rows come first; each batch begins after them.

    An alarm is a change seen in any column while the batch's rows come, with `delta` of alpha over the columns.
    """
    columns, n = reference.shape[1], len(reference)
    mean, deviation = reference.mean(axis=0), reference.std(axis=0)

    def standard(values: Floats) -> Floats:
        scaled: Floats = (values - mean) / deviation
        return scaled**2 if squares else scaled

    def judge(batches: Floats) -> Judged:
        many, m = batches.shape[:2]
        before = np.broadcast_to(standard(reference)[:, None], (n, many, columns))
        streams = np.concatenate([before, standard(batches).transpose(1, 0, 2)]).reshape(n + m, -1)
        scores = np.zeros(many)
        for delta in DELTAS:
            alarms = _changed(streams, n, delta).reshape(many, columns).max(axis=1)
            scores = np.maximum(scores, np.where(alarms, -np.log10(delta), 0.0))
        own: Alarms = _changed(streams, n, ALPHA / columns).reshape(many, columns).max(axis=1)
        return Judged(scores, own, own)

    return judge


def _changed(streams: Floats, first: int, delta: float) -> Alarms:
    """Which streams (T, S) change at `first` or later, (S,)."""
    changes = ad.ADWIN(delta=delta).scan(streams, backend="numpy").changes()
    made = np.zeros(streams.shape[1], bool)
    made[changes.stream[changes.index >= first]] = True
    return made


def _constant(alarm: bool, _reference: Floats, _seed: int) -> Judge:
    def judge(batches: Floats) -> Judged:
        alarms = np.full(len(batches), alarm)
        return Judged(alarms.astype(np.float64), alarms, alarms)

    return judge


def _every(_reference: Floats, seed: int) -> Judge:
    """One batch in a hundred, whatever it holds; the seed says which is the first."""
    seen = int(np.random.default_rng((EVERY, seed)).integers(EVERY))

    def judge(batches: Floats) -> Judged:
        nonlocal seen
        alarms = (np.arange(seen, seen + len(batches)) % EVERY) == EVERY - 1
        seen += len(batches)
        return Judged(alarms.astype(np.float64), alarms, alarms)

    return judge


def _random(_reference: Floats, seed: int) -> Judge:
    rng = np.random.default_rng((EVERY, seed, 1))

    def judge(batches: Floats) -> Judged:
        p = rng.random(len(batches))
        return Judged(1 - p, p <= ALPHA, p <= ALPHA)

    return judge


TESTS: Mapping[str, Fit] = {
    "psi": partial(_tested, ad.PSI),
    "kl": partial(_tested, ad.KL),
    "mmd": partial(_tested, ad.MMD),
}
STREAMS: Mapping[str, Fit] = {"adwin": partial(_adwin, False), "adwin_squares": partial(_adwin, True)}
MORE: Mapping[str, Fit] = {"ks": partial(_tested, ad.KS)}
"""A test of ours that the published benchmark has no counterpart of: in the honest form alone."""

PUBLISHED: Mapping[str, Fit] = {name: partial(_published, score) for name, score in SCORES.items()}
DUMMIES: Mapping[str, Fit] = {
    "never": partial(_constant, False),
    "always": partial(_constant, True),
    "every": _every,
    "random": _random,
}
CONTENDERS: Mapping[str, Fit] = {**TESTS, **MORE, **STREAMS, **PUBLISHED, **DUMMIES}
TABLE = (*TESTS, *STREAMS, *PUBLISHED, *DUMMIES)

NAMES: Mapping[str, str] = {
    "psi": "PSI",
    "kl": "KL",
    "mmd": "MMD",
    "ks": "KS",
    "adwin": "ADWIN, each column",
    "adwin_squares": "ADWIN, squares of each column",
    **{name: f"published {score.name} > {score.threshold:g}" for name, score in SCORES.items()},
    "never": "never",
    "always": "always",
    "every": f"every {EVERY}th batch",
    "random": f"at random, {ALPHA:.0%}",
}
