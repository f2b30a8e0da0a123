"""What the counts of true and predicted classes say: accuracy, precision, recall and F1, with their intervals."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from accel_drift.predictions.estimates import LEVEL, Estimate, hits

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Z = float(ndtri((1 + LEVEL) / 2))

_LENT = 2.0
"""Rows lent to the counts where their variance is taken, so that no error seen is not taken for none possible."""


def counts_of(truth: Counts, said: Counts, classes: int) -> Counts:
    """Rows (k, k) by their true class, downwards, and their predicted one."""
    return np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)


def accuracy(table: Counts) -> Estimate:
    """Share of rows whose prediction is right, with the exact interval."""
    return hits(int(np.trace(table)), int(table.sum()))


def of_positive(table: Counts, positive: int) -> tuple[dict[str, Estimate | None], dict[str, str]]:
    """Precision, recall and F1 of one of two classes; and why one of them is None.

    All intervals are exact. The rows that are of the class, predicted to be, or both are m, and the hits among them
    binomial; F1 = 2 h / (m + h) rises with the hits h.
    """
    hit = int(table[positive, positive])
    true, said = int(table[positive].sum()), int(table[:, positive].sum())
    made: dict[str, Estimate | None] = {"precision": None, "recall": None, "f1": None}
    why = {}
    if said:
        made["precision"] = hits(hit, said)
    else:
        why["precision"] = "no labelled row is predicted to be positive"
    if true:
        made["recall"] = hits(hit, true)
        shares = hits(hit, true + said - hit)
        made["f1"] = Estimate(*(2 * (share or 0.0) / (1 + (share or 0.0)) for share in shares))
    else:
        why |= dict.fromkeys(("recall", "f1"), "no label is of the positive class")
    return made, why


def macro(table: Counts, there: Counts) -> dict[str, Estimate | None]:
    """Means over the classes that have labels of precision, recall and F1; precision is 0 where none is predicted.

    Precisions are taken given the predicted classes, recalls given the true ones, and the exact limits of their shares
    combined (Zou & Donner 2008, doi:10.1002/sim.3095). F1 has the interval of the delta method on the
    multinomial counts (Takahashi et al. 2022, doi:10.1007/s10489-021-02635-5).
    """
    hit = np.diagonal(table)[there]
    return {
        "precision": mean_of_shares(hit, table.sum(axis=0)[there]),
        "recall": mean_of_shares(hit, table.sum(axis=1)[there]),
        "f1": _mean_f1(table, there),
    }


def mean_of_shares(hit: Counts, rows: Counts) -> Estimate:
    """Mean of shares that come independently of one another; a share of no rows is 0 and known."""
    none = Estimate(0.0, 0.0, 0.0)
    shares = [hits(h, n) if n else none for h, n in zip(hit.tolist(), rows.tolist(), strict=True)]
    value = sum(one.value for one in shares) / len(shares)
    down = sqrt(sum((one.value - (one.low or 0.0)) ** 2 for one in shares)) / len(shares)
    up = sqrt(sum(((one.high or 0.0) - one.value) ** 2 for one in shares)) / len(shares)
    return Estimate(value, max(value - down, 0.0), min(value + up, 1.0))


def _mean_f1(table: Counts, there: Counts) -> Estimate:
    n = int(table.sum())
    sides = [table.sum(axis=axis)[there] for axis in (1, 0)]
    value = float((2 * np.diagonal(table)[there] / (sides[0] + sides[1])).mean())
    lent = _LENT * np.outer(table.sum(axis=1) / n, table.sum(axis=0) / n)
    p: Any = (table + lent) / (n + _LENT)
    both = p.sum(axis=1) + p.sum(axis=0)
    weights = np.zeros(len(table))
    weights[there] = 1 / len(there)
    scale = np.divide(2 * weights, both, out=np.zeros(len(table)), where=weights > 0)
    # How much a row with these classes moves the mean.
    taken = np.divide(scale * np.diagonal(p), both, out=np.zeros(len(table)), where=weights > 0)
    moves = np.diag(scale) - taken[:, None] - taken[None, :]
    variance = float((p * moves**2).sum() - (p * moves).sum() ** 2) / n
    half = Z * sqrt(max(variance, 0.0))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))
