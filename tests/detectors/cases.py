"""Data for every detector there is, also those that do not exist yet, chosen by the kinds that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.detectors import get_class, names
from accel_drift.detectors.base import BinnedDetector

NAMES = names()
VALUE_NAMES = tuple(n for n in NAMES if n != "missing")

BINNED = tuple(n for n in NAMES if issubclass(get_class(n), BinnedDetector))

COUNTS_MISSING = frozenset({*BINNED, "missing", "unseen", "mmd", "energy"})
"""Detectors to which a missing row is a row: a cell, an indicator column, or part of the denominator. To all others
it is as if it were not there."""

Columns = dict[str, npt.NDArray[Any]]
LETTERS = np.array(list("abcdefgh"))
MASS = np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])


def kinds_of(name: str) -> set[str]:
    return {str(kind) for kind in get_class(name).kinds}


def table(name: str, rows: int, seed: int, shift: float = 0.0) -> Columns:
    """Two columns of each kind that a detector looks at; `shift` 0 ... 1 moves all that a detector may look for.

    Numbers move by that many deviations (counts by nearly twice as many), categories into new ones with that
    share, and half as many more rows go missing.
    """
    rng = np.random.default_rng([seed, rows])
    made: Columns = {}
    if "numeric" in kinds_of(name):
        made["u"] = rng.normal(size=rows) + shift
        made["v"] = rng.poisson(3 + 3 * shift, rows)
    if "categorical" in kinds_of(name):
        for column in ("c", "d"):
            old, new = rng.choice(LETTERS[:6], rows, p=MASS), rng.choice(LETTERS[6:], rows)
            made[column] = np.where(rng.random(rows) < shift, new, old)
    if "boolean" in kinds_of(name) and name != "unseen":
        made["b"] = rng.random(rows) < 0.3 + 0.5 * shift
    if name == "missing":
        return with_holes(made, 0.05 + 0.5 * shift, rng)
    return made


def with_holes(columns: Mapping[str, npt.NDArray[Any]], share: float, rng: np.random.Generator) -> Columns:
    """The same columns with null in this share of the rows."""
    made = {}
    for name, values in columns.items():
        whole = values.astype(object)
        whole[rng.random(len(values)) < share] = None
        made[name] = whole
    return made


def padded(columns: Mapping[str, npt.NDArray[Any]], rows: int) -> Columns:
    """The same columns with rows of nothing after the last."""
    return {n: np.concatenate([v.astype(object), np.full(rows, None)]) for n, v in columns.items()}


def shuffled(columns: Mapping[str, npt.NDArray[Any]], seed: int) -> Columns:
    """The same rows in another order."""
    rows = len(next(iter(columns.values())))
    order = np.random.default_rng(seed).permutation(rows)
    return {n: v[order] for n, v in columns.items()}
