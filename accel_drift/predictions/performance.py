"""How good a model's predictions are, once labels are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least
from accel_drift.predictions import counted, ranked
from accel_drift.predictions.changed import METRICS, PerformanceChange, Tolerance, changed
from accel_drift.predictions.confidence import BINS, calibration_error
from accel_drift.predictions.estimates import Estimate, mean, plain
from accel_drift.predictions.labels import Places, column_of, names_of, read_places
from accel_drift.predictions.rows import named, with_chances

Floats = npt.NDArray[np.float64]

LEAST_CHANCE = float(np.finfo(np.float64).eps)
"""Chances of the true class below this count as this in the log-loss, as in scikit-learn."""

NO_CHANCES = "there are predicted classes, but no probabilities"
NO_LABELS = "no row has a label"


class Scored(NamedTuple):
    """Rows that a model has said something of.

    Attributes:
        classes: names of the k classes.
        said: (n,) place of the predicted class; -1 where there is none.
        chances: (n, k) probabilities, NaN in a row without; None where only classes were predicted.
    """

    classes: tuple[str, ...]
    said: Places
    chances: Floats | None


@dataclass(frozen=True, slots=True)
class Performance:
    """How good predictions are, over rows that come independently of one another: intervals are at 95 %.

    Made by `accel_drift.predictions.performance`. A number that the rows cannot tell is None, and `remarks` says why.

    Attributes:
        rows: rows with a prediction.
        missing: rows without.
        labelled: rows with a prediction and a label: all numbers below are taken from these.
        unlabelled: rows with a prediction and no label.
        classes: names of the classes.
        positive: of two classes the one whose precision, recall and F1 these are; None of more: means over classes.
        averaged: the classes that have labels, over which means are taken.
        accuracy: share of rows whose prediction is right; exact interval (Clopper & Pearson 1934).
        balanced_accuracy: mean over the averaged classes of the share of their rows that is found; their exact limits
            combined (Zou & Donner 2008).
        f1: of the positive class, with an exact interval: among rows that are positive, or predicted to be, hits are
            binomial; or the mean over classes, with that of the delta method (Takahashi et al. 2022).
        precision: share of rows predicted to be positive that are, with the exact interval; or the mean over classes,
            0 where none is predicted, their exact limits combined.
        recall: share of positive rows that are found, with the exact interval; or the balanced accuracy.
        auc: area under the ROC curve, with the variance of DeLong et al. 1988 on the scale of the logit; of more than
            two classes the mean of each against all others.
        log_loss: mean of -ln of the true class's probability, in nats, with Student's interval.
        brier: mean squared distance of probabilities and truth, with Student's interval: of two classes that of the
            positive one, from 0 to 1, of more the sum over them, from 0 to 2.
        ece: expected calibration error of the largest probability: over `bin_count` bins of equal width, their share of
            rows times the distance of mean confidence and accuracy. Its interval holds for all bins together.
        bin_count: how many bins there are from 0 to 1.
        remarks: number -> why it is None, or what to know of it.
    """

    rows: int
    missing: int
    labelled: int
    unlabelled: int
    classes: tuple[str, ...]
    positive: str | None
    averaged: tuple[str, ...] = ()
    accuracy: Estimate | None = None
    balanced_accuracy: Estimate | None = None
    f1: Estimate | None = None
    precision: Estimate | None = None
    recall: Estimate | None = None
    auc: Estimate | None = None
    log_loss: Estimate | None = None
    brier: Estimate | None = None
    ece: Estimate | None = None
    bin_count: int = BINS
    remarks: Mapping[str, str] = field(default_factory=dict)

    def metrics(self) -> tuple[tuple[str, Estimate, int], ...]:
        """What is known, as (name, estimate, rows that it was taken from)."""
        found = ((name, getattr(self, name), self.labelled) for name in METRICS)
        return tuple(one for one in found if one[1] is not None)

    def change(
        self,
        baseline: Performance,
        *,
        metrics: Sequence[str] | None = None,
        tolerance: Tolerance = 0.0,
        alpha: float = 0.01,
        correction: str = "holm",
    ) -> PerformanceChange:
        """How much worse these rows went than those of a baseline, and whether that is more than chance.

        Args:
            baseline: of other rows, such as those the model was tested on before it went into use.
            metrics: what to compare: accuracy, balanced_accuracy, f1, precision, recall, auc, log_loss, brier, ece; by
                default accuracy, f1, auc and log_loss, as far as both have them.
            tolerance: how much worse a number may be, one for all or {"f1": 0.05}; 0 for those not named.
            alpha: chance of calling a model degraded that is as good as it was.
            correction: for looking at several numbers: "holm", "bonferroni", "bh", "by" or "none".

        Raises:
            ConfigError: there is no such metric, or an option cannot work.
            DataError: the baseline is of other classes, of another positive one, or none.

        >>> before = performance(None, [0, 1] * 200, predictions=[0, 1] * 190 + [1, 0] * 10)
        >>> now = performance(None, [0, 1] * 200, predictions=[0, 1] * 150 + [1, 0] * 50)
        >>> found = now.change(before, metrics=["f1"], tolerance={"f1": 0.05})
        >>> found.degraded, round(found["f1"].worse.value, 2)
        (True, 0.2)
        """
        return changed(self, baseline, metrics, tolerance, alpha, correction)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; an estimate is a dict of value, low and high."""
        made: dict[str, Any] = plain(self)
        return made

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """A record from what `to_dict` made of one.

        Raises:
            DataError: it is no such thing.
        """
        try:
            parts = {**given, **{name: None if given[name] is None else Estimate(**given[name]) for name in METRICS}}
            parts |= {name: tuple(given[name]) for name in ("classes", "averaged")}
            return cls(**parts)
        except (TypeError, KeyError) as error:
            raise DataError(f"this is no performance: {error}; give what Performance.to_dict made") from error

    def __str__(self) -> str:
        average = f"of class {self.positive}" if self.positive is not None else f"over {len(self.averaged)} classes"
        lines = [f"{self.labelled:,} of {self.rows:,} rows have labels; precision, recall and F1 {average}"]
        for name in METRICS:
            found: Estimate | None = getattr(self, name)
            lines.append(f"{name:<18}{shown(found) if found else self.remarks.get(name, '')}")
        return "\n".join(lines)


def performance(
    probabilities: Any,
    labels: Any,
    *,
    predictions: Any = None,
    classes: Sequence[str] | None = None,
    positive: str | int | None = None,
    bins: int = BINS,
    rounding: float | None = None,
    backend: str | Backend = "auto",
) -> Performance:
    """How good predictions are, from rows with probabilities, predicted classes, or both, and labels.

    Args:
        probabilities: as in `predicted`; None where only predicted classes are known, from which there are accuracy,
            precision, recall and F1.
        labels: (n,) the true class of each row: its name, or its number from 0 on; missing where it is not known.
        predictions: (n,) the predicted class of each row, where it is not the one with the largest probability.
        classes: as in `predicted`; without probabilities by default those that occur.
        positive: of two classes the one that precision, recall and F1 are of, by its name; by default the second.
        bins: bins of equal width, from 0 to 1, in which confidence and accuracy are compared.
        rounding: as in `predicted`.
        backend: as in `predicted`.

    Raises:
        DataError: no row has a prediction, or labels or predictions are of another length or no classes.
        ConfigError: an option cannot work.

    >>> made = performance([0.9, 0.8, 0.3, 0.6, 0.2, 0.7], [1, 1, 0, 0, None, 1])
    >>> made.labelled, made.accuracy.value, round(made.f1.value, 3), made.auc.value
    (5, 0.8, 0.857, 1.0)
    """
    at_least(bins, 1, "bins", "ranges of equal width in which confidence and accuracy are compared")
    if probabilities is None and predictions is not None and classes is None:
        predictions, labels = column_of(predictions, "predictions"), column_of(labels, "labels")
        classes = names_of(predictions, labels)
    scored = score(probabilities, predictions, classes=classes, rounding=rounding, backend=backend)
    beside = "predictions" if scored.chances is None else "probabilities"
    truth = read_places(labels, scored.classes, len(scored.said), "labels", beside)
    return measured(scored, truth, positive_of(positive, scored.classes), bins)


def score(
    probabilities: Any,
    predictions: Any,
    *,
    classes: Sequence[str] | None,
    rounding: float | None,
    backend: str | Backend,
    known: tuple[str, ...] | None = None,
) -> Scored:
    """Read what a model says of rows: probabilities, predicted classes, or both.

    Args:
        probabilities: as in `performance`.
        predictions: as in `performance`.
        classes: as in `performance`.
        rounding: as in `predicted`.
        backend: as in `predicted`.
        known: the classes of rows before these, which columns without names are taken for.

    Raises:
        DataError: there is neither, they are of different lengths, of other classes than known, or cannot be read.
        ConfigError: classes are missing, or other than the columns.
    """
    if probabilities is not None:
        rows, chances = with_chances(probabilities, classes=classes, rounding=rounding, backend=backend)
        names = rows.classes
        if known is not None and names != known:
            if names != tuple(map(str, range(len(known)))):
                raise DataError(
                    f"these rows have the classes {', '.join(names)}, and those before them {', '.join(known)}; give "
                    "the same in the same order"
                )
            names = known
        said = rows.predicted.astype(np.int64)
        if predictions is not None:
            own = read_places(predictions, names, len(said), "predictions")
            said = np.where(rows.present, own, -1)
        return Scored(names, said, chances)
    if predictions is None:
        raise DataError("there is nothing to judge; give probabilities, predictions, or both")
    wanted = known if classes is None else classes
    if wanted is None:
        raise ConfigError("classes are not known: without probabilities give their names, classes=[...]")
    column, names = column_of(predictions, "predictions"), named(wanted)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ConfigError(f"classes are {', '.join(names) or 'none'}; there are two or more, each of another name")
    return Scored(names, read_places(column, names, column.rows, "predictions"), None)


def positive_of(positive: str | int | None, classes: Sequence[str]) -> int | None:
    """Place of the positive class, by default the second of two; None of more.

    Raises:
        ConfigError: there is no such class, or there are more than two.
    """
    if positive is None:
        return 1 if len(classes) == 2 else None
    if len(classes) != 2:
        raise ConfigError(
            f"positive is {positive!r}, and there are {len(classes)} classes; of more than two, means over all are "
            "taken: leave it out"
        )
    if str(positive) not in classes:
        raise ConfigError(f"positive is {positive!r}; it is one of the classes {', '.join(map(repr, classes))}")
    return list(classes).index(str(positive))


def measured(scored: Scored, truth: Places, positive: int | None, bins: int) -> Performance:
    """The record of rows that were read, some of which have a label.

    Raises:
        DataError: no row has a prediction.
    """
    there = scored.said >= 0
    rows = int(np.count_nonzero(there))
    if rows == 0:
        raise DataError(f"none of {there.size:,} rows has a prediction; there is nothing to judge")
    known = there & (truth >= 0)
    labelled = int(np.count_nonzero(known))
    made: dict[str, Any] = {}
    remarks = dict.fromkeys(METRICS, NO_LABELS)
    if labelled:
        table = counted.counts_of(truth[known], scored.said[known], len(scored.classes))
        found = np.flatnonzero(table.sum(axis=1))
        made, remarks = _by_counts(table, found, positive)
        made["averaged"] = tuple(scored.classes[place] for place in found)
        if scored.chances is None:
            remarks |= dict.fromkeys(("auc", "log_loss", "brier", "ece"), NO_CHANCES)
        else:
            made |= _by_chances(scored.chances[known], truth[known], positive, bins)
            made["auc"], why = _auc(scored.chances[known], truth[known], found, positive)
            remarks |= why
    return Performance(
        rows=rows,
        missing=int(there.size - rows),
        labelled=labelled,
        unlabelled=rows - labelled,
        classes=scored.classes,
        positive=None if positive is None else scored.classes[positive],
        bin_count=int(bins),
        remarks=remarks,
        **made,
    )


def _by_counts(table: counted.Counts, found: Places, positive: int | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What the predicted classes say."""
    made: dict[str, Any] = {"accuracy": counted.accuracy(table)}
    if positive is None:
        made |= counted.macro(table, found)
        why: dict[str, str] = {}
        lacking = len(table) - len(found)
        if lacking:
            why = dict.fromkeys(("precision", "recall", "f1"), f"{lacking} classes have no label and are left out")
    else:
        parts, why = counted.of_positive(table, positive)
        made |= parts
    if len(found) > 1:
        made["balanced_accuracy"] = counted.mean_of_shares(np.diagonal(table)[found], table.sum(axis=1)[found])
    else:
        why["balanced_accuracy"] = "all labels are of one class"
    return made, why


def _by_chances(chances: Floats, truth: Places, positive: int | None, bins: int) -> dict[str, Any]:
    """What probabilities say of their own."""
    rows = np.arange(len(truth))
    of_true = chances[rows, truth]
    if positive is None:
        away = chances.copy()
        away[rows, truth] -= 1.0
        squares = (away**2).sum(axis=1)
    else:
        squares = (chances[:, positive] - (truth == positive)) ** 2
    best = chances.argmax(axis=1)
    return {
        "log_loss": _from_0(mean(-np.log(np.clip(of_true, LEAST_CHANCE, 1.0)))),
        "brier": _from_0(mean(squares)),
        "ece": calibration_error(chances[rows, best], best == truth, bins),
    }


def _from_0(found: Estimate) -> Estimate:
    return found if found.low is None else found._replace(low=max(found.low, 0.0))


def _auc(chances: Floats, truth: Places, found: Places, positive: int | None) -> tuple[Estimate | None, dict[str, str]]:
    if len(found) < 2:
        return None, {"auc": "all labels are of one class"}
    if positive is not None:
        return ranked.area(chances[:, positive], truth == positive), {}
    lacking = chances.shape[1] - len(found)
    remarks = {"auc": f"{lacking} classes have no label and are left out"} if lacking else {}
    return ranked.mean_area(chances[:, found], truth[:, None] == found[None, :]), remarks


def shown(found: Estimate) -> str:
    """An estimate for reading: 0.912 (0.880 to 0.938)."""
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
