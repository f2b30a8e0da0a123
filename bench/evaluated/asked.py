"""The scenarios and the drifts that are asked about, all of them of one population."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from accel_drift import evaluation as ev
from accel_drift import synthetic as sy

ROWS, REFERENCE = 100, 4_000
"""Rows of a batch, and of a reference: enough for those that use each row of it once."""

_BATCHES = {"arriving_files": 24}
SCENARIOS: Mapping[str, ev.Named] = {
    name: ev.Named(name, {"rows": ROWS, "batches": _BATCHES.get(name, 30), "reference_rows": REFERENCE})
    for name in sy.scenarios()
}

POPULATION = sy.Population(numbers=5, categories=1, correlation=0.3, label=True)
"""Five numbers that correlate, a category and a label: what the scenarios draw from."""

RATE = 0.05
"""The rate of false alarms at which power is compared."""

BATCHES = 10
"""Clean ones of a seed, and of each magnitude."""

SIZES = (100, 300)
"""Rows of a batch; drifts other than `BY_SIZE` come in batches of the first."""

BY_SIZE = "shift of every number"


class Asked(NamedTuple):
    """A kind of drift, by its magnitude, and the magnitudes."""

    drift: Callable[[float], sy.Drift]
    magnitudes: tuple[float, ...]


DRIFTS: Mapping[str, Asked] = {
    "shift of every number": Asked(sy.CovariateShift, (0.1, 0.2, 0.3, 0.5)),
    "shift of one number": Asked(partial(sy.CovariateShift, columns=("x0",)), (0.3, 0.5, 1.0)),
    "spread of every number": Asked(sy.VarianceChange, (0.1, 0.3, 0.5)),
    "correlation of the numbers": Asked(sy.CorrelationChange, (0.1, 0.3, 0.5)),
    "values lost": Asked(sy.Missing, (0.05, 0.1, 0.2)),
    "a new category": Asked(sy.NewCategory, (0.02, 0.05, 0.1)),
    "a class more frequent": Asked(sy.PriorShift, (0.1, 0.2, 0.4)),
    "another rule of labels": Asked(sy.LabelRule, (0.1, 0.3)),
}
