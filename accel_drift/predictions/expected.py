"""What predictions are worth where each row has chances of its classes instead of a label."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_drift.predictions.labels import Places
from accel_drift.predictions.performance import LEAST_CHANCE

Floats = npt.NDArray[np.float64]

ESTIMATED: tuple[str, ...] = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "auc", "log_loss", "brier")
"""What is estimated, by the names of `Performance`."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a model says of n rows, got ready.

    Attributes:
        chances: (n, k) its probabilities.
        by_said: the rows by their predicted class, the classes that are predicted, and where each begins.
        positive: place of the class that precision, recall and F1 are of; None for means over classes.
        order: for each class whose area is taken its place, the rows by ascending score, and where scores change.
        surprise: (n, k) -ln of the probabilities.
        square: mean square of the probabilities, of the positive class alone where there is one.
    """

    chances: Floats
    by_said: tuple[Places, Places, Places]
    positive: int | None
    order: tuple[tuple[int, Places, Places], ...]
    surprise: Floats
    square: float


def ready(chances: Floats, said: Places, positive: int | None) -> Said:
    """Sort rows once for all that is asked of them."""
    k = chances.shape[1]
    made = []
    for place in range(k) if positive is None else (positive,):
        order = np.argsort(chances[:, place], kind="stable")
        steps = np.flatnonzero(np.diff(chances[order, place], prepend=-1.0))
        made.append((place, order, steps))
    surprise = -np.log(np.clip(chances, LEAST_CHANCE, 1.0))
    squares = (chances**2).sum(axis=1) if positive is None else chances[:, positive] ** 2
    order = np.argsort(said, kind="stable")
    by_said = (order, *np.unique(said[order], return_index=True))
    return Said(chances, by_said, positive, tuple(made), surprise, float(squares.mean()))


def figures(rows: Said, truth: Floats) -> Floats:
    """The numbers of `ESTIMATED`, NaN where there is none.

    Args:
        rows: n rows.
        truth: (n, k) chances of the true class; or labels, as a 1 in one column.
    """
    table = np.zeros((truth.shape[1], truth.shape[1]))
    order, classes, starts = rows.by_said
    table[:, classes] = np.add.reduceat(truth[order], starts, axis=0).T
    hit, true, said = np.diagonal(table), table.sum(axis=1), table.sum(axis=0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # no row of any class
        recall = hit / true
        # A class that is never predicted has no hit, either.
        precision = np.where(said > 0, hit / np.maximum(said, 1e-300), np.nan if rows.positive is not None else 0.0)
        f1 = np.where(true > 0, 2 * hit / (true + said), np.nan)
        areas = [_area(truth[order, place], steps) for place, order, steps in rows.order]
        balanced = np.nan if rows.positive is not None and np.isnan(recall).any() else np.nanmean(recall)
        if rows.positive is not None:
            parts = [one[rows.positive] for one in (f1, precision, recall)]
        else:
            there = true > 0
            parts = [np.mean(one[there]) for one in (f1, precision, recall)]
        area = np.nanmean(areas)
    n = len(truth)
    surprise = np.einsum("ij,ij->", truth, rows.surprise) / n
    p, t = (rows.chances, truth) if rows.positive is None else (one[:, rows.positive] for one in (rows.chances, truth))
    # Labels are their own squares.
    square = rows.square + (t.sum() - 2 * (p * t).sum()) / n
    return np.array([hit.sum() / table.sum(), balanced, *parts, area, surprise, square])


def _area(truth: Floats, steps: Places) -> float:
    """Area under the ROC curve of rows by ascending score, (n,) of the class, equal scores by half."""
    of_class = np.add.reduceat(truth, steps)
    others = np.add.reduceat(1 - truth, steps)
    below = np.cumsum(others) - others / 2
    both = of_class.sum() * others.sum()
    return float((of_class * below).sum() / both) if both > 0 else np.nan
