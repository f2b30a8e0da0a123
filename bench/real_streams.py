"""Detectors of streams on the errors of a model of rain, day by day: the real order, and days shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np

from accel_drift.streams import get_class
from accel_drift.streams.bounded_mean import BoundedMean
from bench import real_data as data

GROUP = "errors of a model of rain"
DETECTORS = ("ddm", "eddm", "hddm_a", "hddm_w", "adwin", "page_hinkley", "cusum", "ewma", "kswin", "bounded_mean")
SHUFFLES = 100
ALPHA = 0.01
"""Of the one detector that promises a chance of false alarms; the others run at their defaults."""


def answer(name: str, seed: int) -> dict[str, Any]:
    """Changes that a detector sees, at its defaults, decade by decade from the second on; and where there are none.

    The model learned from the first decade. Shuffled are the days of the second and third decade, in which it errs
    nearly alike: a shuffled stream has no change.
    """
    wrong = data.errors().astype(np.float64)
    rng = np.random.default_rng((seed, 4))
    calm = rng.permuted(np.tile(wrong[data.DECADE : 3 * data.DECADE], (SHUFFLES, 1)), axis=1).T
    known, stream = calm[: data.DECADE], calm[data.DECADE :]
    if name == "bounded_mean":
        # The reference is the second decade, which therefore is not watched; a shuffled stream has its own.
        real = _changes(
            BoundedMean.from_reference(wrong[data.DECADE : 2 * data.DECADE], alpha=ALPHA), wrong[2 * data.DECADE :]
        )
        real += 2 * data.DECADE
        alarmed = sum(len(_changes(BoundedMean.from_reference(known[:, i], alpha=ALPHA), stream[:, i])) > 0
                      for i in range(SHUFFLES))  # fmt: skip
    else:
        real = _changes(get_class(name)(), wrong[data.DECADE :]) + data.DECADE
        alarmed = len(np.unique(get_class(name)().scan(stream, backend="numpy").changes().stream))
    decades = np.bincount(real // data.DECADE, minlength=5)[1:]
    later = real[real >= 3 * data.DECADE]
    return {
        "alarms": decades.tolist(),
        "first": int(real[0]) if len(real) else None,
        "first_in_fourth": int(later[0] - 3 * data.DECADE) if len(later) else None,
        "shuffled": SHUFFLES,
        "shuffled_days": len(stream),
        "shuffled_alarmed": int(alarmed),
    }


def _changes(detector: Any, values: Any) -> Any:
    return detector.scan(values, backend="numpy").changes().index
