"""What detectors are judged by: functions of arrays, one seed at a time, each with what it is not.

Throughout, `scores` are larger where drift is more likely, `alarms` are True where the detector alarmed, `drifted` is
the truth, one entry a batch, (n,), in the order in which batches came. None is the answer where there is nothing to
measure: a scenario without drift has no detection rate, and that is not 0. A score that is NaN (no answer) counts as
the lowest there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.errors import DataError

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a drift went unseen.

    Attributes:
        batches: batches that went by: 0 where the alarm came with the batch in which drift began.
        rows: rows from the first that drifted to the one at which the alarm came, that one included.
        found: whether there was an alarm; where not, the other two are what was watched (censored), not the delay.
    """

    batches: int
    rows: int
    found: bool


def false_alarm_rate(alarms: Any, drifted: Any) -> float | None:
    """Share of clean batches with an alarm; of FRESH ones, not of batches drawn from the reference's own rows.

    It is of one batch: with k batches a day there are k times as many alarms a day.

    >>> false_alarm_rate([True, False, False, False, True], [False, False, False, False, True])
    0.25
    """
    alarmed, truth = _pair(alarms, drifted)
    return None if truth.all() else float(alarmed[~truth].mean())


def detection_rate(alarms: Any, drifted: Any) -> float | None:
    """Share of drifted batches with an alarm.

    By itself it says nothing: a detector that always alarms has 1. A detector that alarms once for a change and then
    takes the new state for granted has a low one, and may be quick: see `delay`.

    >>> detection_rate([True, False, True], [False, True, True])
    0.5
    """
    alarmed, truth = _pair(alarms, drifted)
    return float(alarmed[truth].mean()) if truth.any() else None


def delay(alarms: Any, drifted: Any, *, until: Any, onset_row: int) -> Delay | None:
    """From the true onset to the first alarm at or after it; None where nothing drifts.

    An alarm that was false and stays makes it 0, as it does for one who always alarms: read it beside the rate of
    false alarms. Where there is no alarm it is censored, at the end of what was watched; leaving such seeds out would
    make a detector that finds one drift in ten look quick.

    Args:
        alarms: (n,) as above.
        drifted: (n,) as above.
        until: (n,) rows that had come when each batch's answer came.
        onset_row: number of the first row that drifted, from 0.
    """
    alarmed, truth = _pair(alarms, drifted)
    if not truth.any():
        return None
    onset, ends = int(truth.argmax()), np.asarray(until, dtype=np.int64)
    after = np.flatnonzero(alarmed[onset:])
    place = onset + int(after[0]) if len(after) else len(truth) - 1
    rows = int(ends[place]) - int(onset_row)
    return Delay(place - onset if len(after) else len(truth) - onset, max(rows, 1), bool(len(after)))


def auc(scores: Any, drifted: Any) -> float | None:
    """Area under the ROC curve: the chance that a drifted batch scores above a clean one, ties counting half.

    (U of Mann and Whitney over the number of pairs, by midranks.) It judges the order of scores, not the threshold: a
    detector with area 1 may alarm always or never.

    >>> auc([0.1, 0.4, 0.4, 0.9], [False, False, True, True])
    0.875
    """
    values, truth = _scores(scores, drifted)
    clean, positive = int((~truth).sum()), int(truth.sum())
    if not clean or not positive:
        return None
    u = float(midranks(values)[truth].sum()) - positive * (positive + 1) / 2
    return u / (clean * positive)


def auc_interval(scores: Any, drifted: Any) -> tuple[float, float] | None:
    """95 % interval of the area for batches that are independent of one another; None with fewer than two of a sort.

    It knows nothing of seeds: batches that share a reference are not independent, and summaries over seeds use the
    variance between these instead.

    Source: DeLong, DeLong & Clarke-Pearson 1988, doi:10.2307/2531595.
    """
    from scipy.stats import norm

    values, truth = _scores(scores, drifted)
    m, n = int(truth.sum()), int((~truth).sum())
    if min(m, n) < 2:
        return None
    pooled, positive, clean = midranks(values), midranks(values[truth]), midranks(values[~truth])
    over_clean = (pooled[truth] - positive) / n
    over_positive = 1 - (pooled[~truth] - clean) / m
    middle = float(over_clean.mean())
    error = sqrt(over_clean.var(ddof=1) / m + over_positive.var(ddof=1) / n)
    half = float(norm.ppf(0.975)) * error
    return max(middle - half, 0.0), min(middle + half, 1.0)


def cohens_d(scores: Any, drifted: Any) -> float | None:
    """Mean score of drifted batches less that of clean ones, in pooled standard deviations.

    It depends on the scale of scores: the logarithm of a score has another d and the same ROC curve. None where scores
    do not vary. Batches without a score are left out.

    >>> round(cohens_d([0.0, 1.0, 2.0, 3.0], [False, False, True, True]), 3)
    2.828
    """
    values, truth = _pair_of(scores, drifted)
    clean, positive = (values[which & ~np.isnan(values)] for which in (~truth, truth))
    if min(len(clean), len(positive)) < 2 or not (np.isfinite(clean).all() and np.isfinite(positive).all()):
        return None
    pooled = ((len(clean) - 1) * clean.var(ddof=1) + (len(positive) - 1) * positive.var(ddof=1)) / (
        len(clean) + len(positive) - 2
    )
    return float((positive.mean() - clean.mean()) / sqrt(pooled)) if pooled > 0 else None


def f1(alarms: Any, drifted: Any) -> float | None:
    """2 TP / (2 TP + FP + FN): the harmonic mean of precision and detection rate; None where nothing drifts.

    It depends on how many batches drift, which the scenario decides: where a share s does, a detector that always
    alarms has 2 s / (1 + s), which is 0.82 for s = 0.7. True negatives count for nothing.

    >>> f1([True, True, False, False], [True, False, True, False])
    0.5
    """
    alarmed, truth = _pair(alarms, drifted)
    if not truth.any():
        return None
    hits = int((alarmed & truth).sum())
    return 2 * hits / (int(alarmed.sum()) + int(truth.sum()))


def best_threshold(scores: Any, drifted: Any) -> float | None:
    """The threshold above which an alarm would have made F1 largest, halfway between two scores; the lowest of several.

    On the batches that chose it that F1 is too good: score it on others.

    >>> best_threshold([1.0, 2.0, 7.0, 9.0], [False, False, True, True])
    4.5
    """
    values, truth = _scores(scores, drifted)
    if not truth.any():
        return None
    order = np.argsort(values, kind="stable")
    ordered, hits = values[order], truth[order]
    # Above the i-th of the distinct values lie the entries from `first` on; below all of them, everything.
    cuts = np.concatenate([[-np.inf], np.unique(values)])
    first = np.searchsorted(ordered, cuts, side="right")
    first[0] = 0
    above = np.concatenate([np.cumsum(hits[::-1])[::-1], [0]])[first]
    made = 2 * above / (len(values) - first + int(truth.sum()))
    best = int(made.argmax())
    between = best + 1 < len(cuts) and np.isfinite(cuts[best : best + 2]).all()
    return float(cuts[best : best + 2].mean()) if between else float(cuts[best])


def stability(scores: Any, drifted: Any) -> float | None:
    """1 / (1 + s / |m|) of the scores of drifted batches, s their standard deviation and m their mean.

    Published tables show it. It is no virtue: a score that never changes has 1, and adding a constant to every score
    raises it without changing one decision. It is given so that such tables can be compared, and ranks nothing here.

    >>> round(stability([0.0, 1.0, 2.0, 3.0], [False, True, True, True]), 3)
    0.667
    """
    values, truth = _pair_of(scores, drifted)
    known = values[truth & np.isfinite(values)]
    if len(known) < 2 or known.mean() == 0:
        return None
    return float(1 / (1 + known.std(ddof=1) / abs(known.mean())))


def threshold_for(clean: Any, rate: float) -> float:
    """The score above which at most a share `rate` of further clean batches lies, on average over clean samples.

    Of n clean scores it is the k-th largest with k / (n + 1) <= rate (Davison & Hinkley 1997, section 4.2), so there
    must be at least 1 / rate - 1 of them.

    Args:
        clean: scores of clean batches, (n,).
        rate: of false alarms.

    Raises:
        DataError: there are too few scores for the rate.

    >>> threshold_for(range(199), 0.01)
    197.0
    """
    given = np.asarray(clean, dtype=np.float64)
    values = np.sort(np.where(np.isnan(given), -np.inf, given))
    k = int(np.floor(rate * (len(values) + 1) + 1e-9))
    if k < 1:
        least = int(np.ceil(1 / rate - 1e-9)) - 1
        raise DataError(f"{len(values):,} clean batches are too few for a rate of {rate:g}: give at least {least:,}")
    return float(values[len(values) - k])


def roc_curve(scores: Any, drifted: Any) -> tuple[Floats, Floats]:
    """False-alarm rate and detection rate at every threshold, both rising from 0 to 1.

    Raises:
        DataError: there is no clean batch, or no drifted one.
    """
    values, truth = _scores(scores, drifted)
    if truth.all() or not truth.any():
        raise DataError("a ROC curve needs clean and drifted batches")
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.concatenate([values[order][1:] != values[order][:-1], [True]]))
    hits = np.cumsum(truth[order])[ends] / truth.sum()
    wrong = np.cumsum(~truth[order])[ends] / (~truth).sum()
    return np.concatenate([[0.0], wrong]), np.concatenate([[0.0], hits])


def midranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2)[place]
    return ranks


def _pair(alarms: Any, drifted: Any) -> tuple[Truth, Truth]:
    alarmed, truth = np.asarray(alarms), np.asarray(drifted)
    if alarmed.shape != truth.shape or alarmed.ndim != 1 or not len(truth):
        raise DataError("there is one answer for each batch, (n,), and at least one batch")
    return alarmed.astype(bool), truth.astype(bool)


def _pair_of(scores: Any, drifted: Any) -> tuple[Floats, Truth]:
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(drifted)
    if values.shape != truth.shape or values.ndim != 1 or not len(truth):
        raise DataError("there is one score for each batch, (n,), and at least one batch")
    return values, truth.astype(bool)


def _scores(scores: Any, drifted: Any) -> tuple[Floats, Truth]:
    values, truth = _pair_of(scores, drifted)
    return np.where(np.isnan(values), -np.inf, values), truth
