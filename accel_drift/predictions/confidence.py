"""How sure a model is of its predictions, and whether it is right to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least, is_finite
from accel_drift.predictions.estimates import Estimate, hits, less, mean, plain, share
from accel_drift.predictions.labels import read_labels
from accel_drift.predictions.rows import RowConfidence, of_rows

Floats = npt.NDArray[np.float64]

BOUNDS = (0.5, 0.9)
"""Confidences below and above which rows are counted."""

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with labels whose confidences lie in one of some ranges of equal width.

    Attributes:
        low: confidences are above this; from it on in the first bin.
        high: they are at most this.
        rows: how many there are, at least one.
        confidence: their mean confidence.
        accuracy: share of them whose prediction is right.
        gap: confidence less accuracy, above 0 where the model is too sure.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float
    gap: Estimate


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a model is, over rows that come independently of one another: intervals are at 95 %.

    Made by `accel_drift.predictions.confidence`. Means have Student's interval, which is too narrow for few rows that
    are nearly all sure. Shares below and above bounds have Wilson's. The accuracy, and what is taken from it, has the
    exact interval: at least 95 %, the confidences being what they are.

    Attributes:
        rows: rows with probabilities.
        missing: rows without.
        classes: names of the classes.
        confidence: mean of the largest probability of a row.
        entropy: mean entropy, in nats.
        relative_entropy: the same over ln k: 0 where the model is sure, 1 where it knows nothing.
        margin: mean of the largest probability less the second largest.
        bounds: what `below` and `above` are counted by.
        below: share of rows whose confidence is below the first bound.
        above: share of rows whose confidence is above the second bound.
        mutual_information: mean, in nats; None without samples.
        labelled: rows with probabilities and a label.
        accuracy: share of labelled rows whose prediction is right; None, as all below, without labels.
        gap: mean confidence of labelled rows less the accuracy: above 0 where the model is too sure.
        overconfidence: sum over bins of their share of rows times their gap, where that is above 0. Its interval holds
            for all bins together (Bonferroni), so that a calibrated model's begins at 0.
        underconfidence: the same of gaps below 0, as a positive number. Both together are the calibration error.
        bins: the bins of equal width that have rows.
        bin_count: how many bins there are from 0 to 1.
    """

    rows: int
    missing: int
    classes: tuple[str, ...]
    confidence: Estimate
    entropy: Estimate
    relative_entropy: Estimate
    margin: Estimate
    bounds: tuple[float, float]
    below: Estimate
    above: Estimate
    mutual_information: Estimate | None = None
    labelled: int = 0
    accuracy: Estimate | None = None
    gap: Estimate | None = None
    overconfidence: Estimate | None = None
    underconfidence: Estimate | None = None
    bins: tuple[Bin, ...] = ()
    bin_count: int = BINS

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; an estimate is a dict of value, low and high."""
        made: dict[str, Any] = plain(self)
        return made


def confidence(
    probabilities: Any,
    labels: Any = None,
    *,
    classes: Sequence[str] | None = None,
    bounds: tuple[float, float] = BOUNDS,
    bins: int = BINS,
    rounding: float | None = None,
    backend: str | Backend = "auto",
) -> Confidence:
    """How sure a model is, and, where labels are known, whether it is right to be.

    Args:
        probabilities: as in `predicted`.
        labels: (n,) the true class of each row: its name, or its number from 0 on; missing where it is not known.
        classes: as in `predicted`.
        bounds: confidences below and above which rows are counted.
        bins: bins of equal width, from 0 to 1, in which confidence and accuracy are compared.
        rounding: as in `predicted`.
        backend: as in `predicted`.

    Raises:
        DataError: no row has probabilities, they are none, or labels are of another length or no classes.
        ConfigError: an option cannot work.

    >>> made = confidence([0.9, 0.8, 0.3, 0.6], labels=[1, 1, 0, 0])
    >>> round(made.confidence.value, 6), made.accuracy.value, round(made.gap.value, 6)
    (0.75, 0.75, 0.0)
    """
    check(bounds, bins)
    rows = of_rows(probabilities, classes=classes, rounding=rounding, backend=backend)
    return of(rows, labels, bounds, bins)


def check(bounds: tuple[float, float], bins: int) -> None:
    """Refuse options that cannot work.

    Raises:
        ConfigError: they cannot.
    """
    at_least(bins, 1, "bins", "ranges of equal width in which confidence and accuracy are compared")
    given: Any = bounds
    pair = given if isinstance(given, (tuple, list)) else ()
    if len(pair) != 2 or not all(map(is_finite, pair)) or not 0 <= pair[0] <= pair[1] <= 1:
        raise ConfigError(f"bounds is {bounds!r}; it is two numbers from 0 to 1, the smaller first, such as (0.5, 0.9)")


def of(rows: RowConfidence, labels: Any, bounds: tuple[float, float], bins: int) -> Confidence:
    """The record of rows that were looked at.

    Raises:
        DataError: no row has probabilities, or labels are of another length or no classes.
    """
    there = rows.present
    n = int(np.count_nonzero(there))
    if n == 0:
        raise DataError(f"none of {there.size:,} rows has probabilities; there is nothing to sum up")
    sure, entropy = rows.confidence[there], rows.entropy[there]
    information = rows.mutual_information
    low, high = float(bounds[0]), float(bounds[1])
    known: dict[str, Any] = {} if labels is None else _against(rows, read_labels(labels, rows), bins)
    return Confidence(
        rows=n,
        missing=rows.missing,
        classes=rows.classes,
        confidence=mean(sure),
        entropy=mean(entropy),
        relative_entropy=mean(entropy / log(len(rows.classes))),
        margin=mean(rows.margin[there]),
        bounds=(low, high),
        below=share(int(np.count_nonzero(sure < low)), n),
        above=share(int(np.count_nonzero(sure > high)), n),
        mutual_information=None if information is None else mean(information[there]),
        bin_count=bins,
        **known,
    )


def _against(rows: RowConfidence, truth: npt.NDArray[np.int64], bins: int) -> dict[str, Any]:
    """What labels say of the confidence; without any of them only that there are none."""
    labelled = rows.present & (truth >= 0)
    n = int(np.count_nonzero(labelled))
    if n == 0:
        return {}
    sure, right = rows.confidence[labelled], rows.predicted[labelled] == truth[labelled]
    made, ends = _binned(sure, right, bins)
    weights = [one.rows / n for one in made]
    accuracy = hits(int(right.sum()), n)
    return {
        "labelled": n,
        "accuracy": accuracy,
        "gap": less(float(sure.mean()), accuracy),
        "overconfidence": _beyond(weights, ends, 1),
        "underconfidence": _beyond(weights, ends, -1),
        "bins": tuple(made),
    }


def calibration_error(sure: Floats, right: npt.NDArray[np.bool_], bins: int) -> Estimate:
    """Sum over bins of their share of rows times the size of their gap (ECE), of at least one row.

    Args:
        sure: (n,) confidences.
        right: (n,) whether the prediction is right.
        bins: how many of equal width there are from 0 to 1.
    """
    made, ends = _binned(sure, right, bins)
    weights = [one.rows / len(sure) for one in made]
    over, under = (_beyond(weights, ends, sign) for sign in (1, -1))
    value, low, high = (sum(pair) for pair in zip(over, under, strict=True))  # type: ignore[arg-type]
    return Estimate(value, low, high)


def _binned(sure: Floats, right: npt.NDArray[np.bool_], bins: int) -> tuple[list[Bin], list[Estimate]]:
    """The bins that have rows, and their gaps with intervals that hold together."""
    edges = np.arange(bins + 1) / bins
    # Rounding may lift the mean of samples above 1.
    place = np.minimum(np.searchsorted(edges[1:-1], sure), bins - 1)
    used = np.unique(place)
    made, ends = [], []
    for b in used:
        inside = place == b
        size, good, value = int(inside.sum()), int(right[inside].sum()), float(sure[inside].mean())
        gap = less(value, hits(good, size))
        made.append(Bin(float(edges[b]), float(edges[b + 1]), size, value, good / size, gap))
        ends.append(less(value, hits(good, size, tests=len(used))))
    return made, ends


def _beyond(weights: Sequence[float], gaps: Sequence[Estimate], sign: int) -> Estimate:
    """Sum of the gaps of that sign, by their size; its ends are those of the gaps' own."""
    value, *ends = (
        sum(w * max(sign * (end or 0.0), 0.0) for w, end in zip(weights, side, strict=True))
        for side in zip(*gaps, strict=True)
    )
    return Estimate(value, min(ends), max(ends))
