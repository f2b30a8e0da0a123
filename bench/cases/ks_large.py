"""How fast is the KS test of two large columns, both new or the reference fitted?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Fitted
from bench.cases.columns import sorted_gap
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes

SCIPY, _SORTED = "SciPy, ks_2samp", "NumPy, both sorted and merged, no p-value"


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend at one size. Ours gives an interval and parts beside distance and p-value."""
    n, rng, b = sizes["n"], np.random.default_rng(13), backends[0]
    x, y = rng.standard_normal(n), rng.standard_normal(n) + 0.001
    ks = get_detector("ks")
    fitted = ks.fit({"x": x}, backend=b)

    def anew() -> Answer:
        return _distance(ks.fit({"x": x}, backend=b), y)

    found = {
        f"{b.name} ks, both sides new": Contender("ours", anew, SCIPY, "", 1e-9),
        f"{b.name} ks, reference fitted": Contender("ours", lambda: _distance(fitted, y), SCIPY, "", 1e-9),
        SCIPY: Contender("peer", lambda: _scipy(x, y)),
        _SORTED: Contender("peer", lambda: sorted_gap(np.sort(x)[:, None], y[:, None])),
    }
    return Question("ks_large", sizes, found)


def _distance(fitted: Fitted, batch: Any) -> Answer:
    return np.atleast_1d(fitted.detect({"x": batch}).statistic)


def _scipy(x: Any, y: Any) -> Answer:
    found: Any = ks_2samp(x, y, method="asymp")
    return np.array([found.statistic])


CASE = Case(
    "ks_large",
    "Large KS: n float64 values against n",
    ({"n": 5_000_000},),
    ({"n": 50_000},),
    ask,
    goals=(Goal("both sides new, times faster than SciPy", faster("numpy ks, both sides new", SCIPY), 4),),
    devices=("cpu",),
)
