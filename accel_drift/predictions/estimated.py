"""How good a model's predictions are likely to be while their labels are not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from scipy.special import expit, logit

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.files import path_of
from accel_drift.options import at_least
from accel_drift.predictions.calibrating import Curves, Floats, Method, cells_of, fit, redrawn
from accel_drift.predictions.confidence import BINS, calibration_error
from accel_drift.predictions.counted import Z
from accel_drift.predictions.estimates import Estimate, plain
from accel_drift.predictions.expected import ESTIMATED, Said, figures, ready
from accel_drift.predictions.labels import Places, read_places
from accel_drift.predictions.performance import Performance, Scored, measured, positive_of, score, shown
from accel_drift.predictions.rows import check_rounding

ASSUMES = (
    "no concept drift: rows of a score are of their class as often as in the reference. What labels would say of "
    "another rule, this cannot see"
)

FOLDS = 5
RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class EstimatedPerformance:
    """What labels of some rows would say, were they known, as `Performance` would tell it: intervals are at 95 %.

    Made by `PerformanceEstimator.estimate`. The intervals are for the numbers that the labels of these very rows will
    give: they allow for the chance in the labels and for the error of the calibration, and for nothing else. With
    isotonic curves, which are somewhat too sure at their ends, they held in simulations (500 to 5,000 rows of
    reference, 300 to 2,000 of a batch, as before or shifted) in 88 to 98 % of batches for accuracy, and in 85 to 95 %
    for log-loss.

    Attributes:
        rows: rows with probabilities.
        missing: rows without.
        classes: names of the classes.
        positive: of two classes the one whose precision, recall and F1 these are; None of more: means over classes.
        accuracy: as in `Performance`, as all that follow.
        balanced_accuracy: None where a class has hardly any rows.
        f1: None where the class has hardly any rows.
        precision: None where the class is never predicted.
        recall: None where the class has hardly any rows.
        auc: None where a class has hardly any rows.
        log_loss: in nats.
        brier: from 0 to 1 of two classes, else to 2.
        outside: share of rows with a score below or above all of the reference, where the calibration is a guess.
        reference_rows: rows with labels that it was calibrated on.
        calibration: "isotonic" or "beta".
        assumes: what all of this rests on.
        remarks: number -> why it is None.
    """

    rows: int
    missing: int
    classes: tuple[str, ...]
    positive: str | None
    accuracy: Estimate | None
    balanced_accuracy: Estimate | None
    f1: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    auc: Estimate | None
    log_loss: Estimate | None
    brier: Estimate | None
    outside: float
    reference_rows: int
    calibration: str
    assumes: str = ASSUMES
    remarks: Mapping[str, str] = field(default_factory=dict)

    def metrics(self) -> tuple[tuple[str, Estimate, int], ...]:
        """What is known, as (name, estimate, rows): names begin with "estimated_"."""
        found = ((f"estimated_{name}", getattr(self, name), self.rows) for name in ESTIMATED)
        return tuple(one for one in found if one[1] is not None)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; an estimate is a dict of value, low and high."""
        made: dict[str, Any] = plain(self)
        return made

    def __str__(self) -> str:
        lines = [f"estimated for {self.rows:,} rows without labels; assumes {self.assumes}"]
        for name in ESTIMATED:
            found: Estimate | None = getattr(self, name)
            lines.append(f"{name:<18}{shown(found) if found else self.remarks.get(name, '')}")
        if self.outside > 0:
            lines.append(f"{self.outside:.1%} of rows have scores that the reference has not")
        return "\n".join(lines)


class PerformanceEstimator:
    """Estimates performance without labels, from probabilities that are calibrated on a reference with labels (CBPE).

    If a row's chance of each class is known, so is the chance that its prediction is right, and the expected counts of
    right and wrong predictions make accuracy, F1 and the others. The chances are the model's probabilities, corrected
    by a curve for each class (isotonic, or beta: Kull et al. 2017) that is fitted to the reference; of more than two
    classes those of a row are then divided by their sum.

    It assumes that there is no concept drift: rows of a score are of their class as often as in the reference, and
    only which scores come has changed. Where the rule itself changes, real performance falls and the estimate stays:
    only labels can tell. The reference must be rows that the model was not trained on.

    Source: the estimate is that of NannyML's CBPE. Intervals: labels drawn from the chances, under curves fitted to
    resamples of the reference.

    Attributes:
        reference: how good the model was on the reference.
        calibration: the sort of curve that is used.
        errors: calibration error (ECE) on the reference of the probabilities as they are, and of those that each curve
            gives for folds it was not fitted to: "none", "isotonic", "beta".

    >>> rng = np.random.default_rng(0)
    >>> known, new = rng.random(2_000), rng.random(1_000) ** 0.5
    >>> estimator = PerformanceEstimator(known, rng.random(2_000) < known)
    >>> made = estimator.estimate(new)
    >>> real = np.mean((new > 0.5) == (rng.random(1_000) < new))
    >>> round(made.accuracy.value, 2), bool(made.accuracy.low < real < made.accuracy.high)
    (0.73, True)
    """

    def __init__(
        self,
        probabilities: Any,
        labels: Any,
        *,
        predictions: Any = None,
        classes: Sequence[str] | None = None,
        positive: str | int | None = None,
        calibration: Method = "isotonic",
        folds: int = FOLDS,
        resamples: int = RESAMPLES,
        seed: int = 0,
        rounding: float | None = None,
        backend: str | Backend = "auto",
    ) -> None:
        """Learn from a reference.

        Args:
            probabilities: as in `predicted`.
            labels: as in `performance`; rows without one are left out.
            predictions: as in `performance`.
            classes: as in `predicted`.
            positive: as in `performance`.
            calibration: the sort of curve: "isotonic" takes any that rises; "beta" has three parameters, needs fewer
                rows, and is wrong where the model's scores are off in another way. See `errors`.
            folds: parts of the reference, each left out once, to tell the error of a curve.
            resamples: draws of the reference and of labels that make the intervals.
            seed: decides what is drawn.
            rounding: as in `predicted`.
            backend: as in `predicted`.

        Raises:
            DataError: probabilities or labels cannot be read, or a class has fewer labels than there are folds.
            ConfigError: an option cannot work.
        """
        if calibration not in get_args(Method):
            raise ConfigError(f"calibration is {calibration!r}; it is 'isotonic' or 'beta'")
        at_least(folds, 2, "folds", "parts of the reference, each left out once")
        at_least(resamples, 20, "resamples", "draws that make the intervals")
        at_least(seed, 0, "seed", "what decides the draws")
        check_rounding(rounding)
        if probabilities is None:
            raise DataError("there are no probabilities; performance is estimated from these alone")
        given = score(probabilities, predictions, classes=classes, rounding=rounding, backend=backend)
        truth = read_places(labels, given.classes, len(given.said), "labels")
        place = positive_of(positive, given.classes)
        known = (given.said >= 0) & (truth >= 0)
        if given.chances is None or not known.any():
            raise DataError("no row of the reference has probabilities and a label; it needs both")
        self._classes, self._positive = given.classes, place
        self.reference: Performance = measured(given, truth, place, BINS)
        chances, truth = given.chances[known], truth[known]
        counts = np.bincount(truth, minlength=len(given.classes))
        if counts.min() < folds:
            raise DataError(
                f"class {given.classes[int(counts.argmin())]!r} has {counts.min()} labels in the reference, and there "
                f"are {folds} folds; give more rows, or leave out a class that does not occur"
            )
        self._options: dict[str, Any] = {
            "folds": int(folds),
            "resamples": int(resamples),
            "seed": int(seed),
            "rounding": rounding,
        }
        self._backend = backend
        self._bounds = np.stack([chances.min(axis=0), chances.max(axis=0)])
        self.errors = _left_out(chances, truth, self._curved, int(folds), int(seed))
        self.calibration: Method = calibration
        self._fit(chances, truth)

    def estimate(self, probabilities: Any, *, predictions: Any = None) -> EstimatedPerformance:
        """What labels of these rows would say.

        Args:
            probabilities: as in `predicted`, of the same classes as the reference's.
            predictions: as in `performance`.

        Raises:
            DataError: no row has probabilities, they are none, or of other classes.
        """
        if probabilities is None:
            raise DataError("there are no probabilities; performance is estimated from these alone")
        options: Any = {"classes": None, "rounding": self._options["rounding"], "backend": self._backend}
        given: Scored = score(probabilities, predictions, **options, known=self._classes)
        there = given.said >= 0
        rows = int(np.count_nonzero(there))
        if given.chances is None or rows == 0:
            raise DataError(f"none of {there.size:,} rows has probabilities; there is nothing to estimate")
        chances = given.chances[there]
        made: Any
        made, remarks = self._estimates(ready(chances, given.said[there], self._positive), chances)
        beyond = ((chances < self._bounds[0]) | (chances > self._bounds[1])).any(axis=1)
        return EstimatedPerformance(
            rows=rows,
            missing=int(there.size - rows),
            classes=self._classes,
            positive=None if self._positive is None else self._classes[self._positive],
            outside=float(beyond.mean()),
            reference_rows=self.reference.labelled,
            calibration=self.calibration,
            remarks=remarks,
            **made,
        )

    def calibrated(self, probabilities: Any) -> Floats:
        """The chances (n, k) of the classes, as the reference corrects the probabilities; NaN in a missing row.

        Raises:
            DataError: they are no probabilities, or of other classes.
        """
        options: Any = {"classes": None, "rounding": self._options["rounding"], "backend": self._backend}
        given: Scored = score(probabilities, None, **options, known=self._classes)
        if given.chances is None:
            raise DataError("there are no probabilities")
        return corrected(given.chances, self._curves, self._positive)(0)

    def save(self, path: str | Path) -> None:
        """Write what was learned to one Arrow file, with the reference's probabilities and labels; never a pickle.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.predictions.estimator_file import write

        write(self, path_of(path))

    @classmethod
    def load(cls, path: str | Path, backend: str | Backend = "auto") -> PerformanceEstimator:
        """An estimator that says what the saved one would have said.

        Args:
            path: of a file that `save` wrote.
            backend: as in `predicted`.

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, or of a later format.
        """
        from accel_drift.predictions.estimator_file import read

        return read(path_of(path), backend)

    def __repr__(self) -> str:
        return f"<PerformanceEstimator: {self.reference.labelled:,} rows, {self.calibration}; assumes no concept drift>"

    @property
    def _curved(self) -> list[int]:
        """The classes that have a curve: of two the positive one alone."""
        return list(range(len(self._classes))) if self._positive is None else [self._positive]

    def _fit(self, chances: Floats, truth: Places) -> None:
        """Curves of the reference's rows, and of draws of them."""
        self._rows = chances, truth
        rng = np.random.default_rng([self._options["seed"], 1])
        positive = [truth == one for one in self._curved]
        cells = [cells_of(chances[:, one], mine) for one, mine in zip(self._curved, positive, strict=True)]
        drawn = redrawn(cells, positive, self._options["resamples"], rng)
        self._curves = [fit(one, self.calibration, each) for one, each in zip(cells, drawn, strict=True)]

    def _estimates(self, rows: Said, chances: Floats) -> tuple[dict[str, Estimate | None], dict[str, str]]:
        """Numbers with intervals: labels drawn from the chances of resampled curves."""
        by_curve = corrected(chances, self._curves, self._positive)
        value = figures(rows, by_curve(0))
        rng = np.random.default_rng([self._options["seed"], 2])
        curves = range(1, 1 + self._options["resamples"])
        drawn = np.array([figures(rows, _labels(by_curve(which), rng)) for which in curves])
        made: dict[str, Estimate | None] = {}
        remarks = {}
        for name, one, of_draws in zip(ESTIMATED, value.tolist(), drawn.T, strict=True):
            there = of_draws[~np.isnan(of_draws)]
            if np.isnan(one) or len(there) < 0.9 * len(of_draws):
                made[name] = None
                remarks[name] = "a class is hardly ever predicted, or has hardly any rows"
                continue
            made[name] = _around(one, there, losses=name in ("log_loss", "brier"))
        return made, remarks


def corrected(chances: Floats, curves: Sequence[Curves], positive: int | None) -> Callable[[int], Floats]:
    """Chances (n, k) by the curves of the classes, or of the positive one; each row sums to 1."""
    if positive is not None:
        of_positive = curves[0].at(chances[:, positive])
        return lambda which: _both(of_positive(which), positive)
    ways = [one.at(chances[:, place]) for place, one in enumerate(curves)]

    def made(which: int) -> Floats:
        found = np.stack([way(which) for way in ways], axis=1)
        total = found.sum(axis=1, keepdims=True)
        none = total == 0
        return np.where(none, 1 / len(ways), found / np.where(none, 1.0, total))

    return made


def _both(of_positive: Floats, positive: int) -> Floats:
    made = np.empty((len(of_positive), 2))
    made[:, positive], made[:, 1 - positive] = of_positive, 1 - of_positive
    return made


def _left_out(chances: Floats, truth: Places, curved: Sequence[int], folds: int, seed: int) -> dict[str, float]:
    """Calibration errors of folds left out."""
    positive = curved[0] if len(curved) == 1 else None
    rng = np.random.default_rng([seed, 0])
    fold = np.empty(len(truth), np.int64)
    for one in range(chances.shape[1]):
        mine = np.flatnonzero(truth == one)
        fold[rng.permutation(mine)] = np.arange(len(mine)) % folds
    made: dict[str, Floats] = {"none": chances}
    for method in get_args(Method):
        made[method] = np.empty_like(chances)
        for one in range(folds):
            out = fold == one
            cells = [cells_of(chances[~out, place], truth[~out] == place) for place in curved]
            curves = [fit(each, method) for each in cells]
            made[method][out] = corrected(chances[out], curves, positive)(0)
    return {
        name: calibration_error(np.minimum(p.max(axis=1), 1.0), p.argmax(axis=1) == truth, BINS).value
        for name, p in made.items()
    }


def _labels(chances: Floats, rng: np.random.Generator) -> Floats:
    """A label for each row by its chances, (n, k) with a 1 in one column."""
    k, above = chances.shape[1], rng.random(len(chances))
    made = np.zeros_like(chances)
    if k == 2:
        made[:, 1] = above > chances[:, 0]
        made[:, 0] = 1 - made[:, 1]
        return made
    place = (above[:, None] > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    made[np.arange(len(made)), place] = 1.0
    return made


def _around(value: float, drawn: Floats, *, losses: bool) -> Estimate:
    """An interval of the drawn numbers' spread, off from the value as far as they are, the other way."""
    bounded = not losses and 0.0 < value < 1.0
    if bounded:
        drawn = logit(np.clip(drawn, 1e-9, 1 - 1e-9))
    middle = float(logit(value)) if bounded else value
    centre, half = 2 * middle - float(drawn.mean()), Z * float(drawn.std(ddof=1))
    low, high = min(centre - half, middle), max(centre + half, middle)
    if bounded:
        return Estimate(value, float(expit(low)), float(expit(high)))
    return Estimate(value, max(low, 0.0), high if losses else min(high, 1.0))
