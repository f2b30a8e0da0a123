"""The honest form: fresh clean batches of the reference's law, changes anchored to it, one measured false-alarm rate.

A threshold is taken from the clean batches of one half of the seeds and held against all batches of the other half,
both ways round: no batch is scored by a threshold that it had a part in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from accel_drift.evaluation.metrics import threshold_for
from bench.published.protocol import FEATURES, REFERENCE, ROWS, Floats

SEED = 20_008
RATE = 0.01
CLEAN, CHANGED = 100, 15
"""Batches of a seed: clean ones, and of each change."""

AGAIN = range(20, 60)
"""Numbers of further seeds, whose clean batches alone are drawn: is a missed level chance?"""

CHANGES: Mapping[str, tuple[float, ...]] = {
    "shift": (0.1, 0.2, 0.3, 0.5),
    "opposite": (0.3,),
    "one": (0.5, 1.0),
    "noise": (0.2, 0.4, 0.6, 1.0),
}
"""Change -> magnitudes, in the reference's deviation of each column."""

_WAYS: Mapping[str, Floats] = {
    "shift": np.ones(FEATURES),
    "opposite": np.array([1.0, -1.0, 1.0, -1.0, 1.0]),
    "one": np.array([1.0, 0.0, 0.0, 0.0, 0.0]),
}
"""Which way the mean of each column goes."""


def batches(seed: int) -> tuple[Floats, dict[str, Floats]]:
    """A reference (2000, 5), and batches (B, 100, 5): "clean", and of each change under `key`."""
    rng = np.random.default_rng((SEED, seed))
    mean, deviation = rng.uniform(-2, 2, FEATURES), rng.uniform(0.5, 1.5, FEATURES)

    def fresh(*shape: int) -> Floats:
        return rng.normal(mean, deviation, (*shape, FEATURES))

    reference = fresh(REFERENCE)
    spread = reference.std(axis=0)
    made = {"clean": fresh(CLEAN, ROWS)}
    for change, sizes in CHANGES.items():
        for size in sizes:
            made[key(change, size)] = changed(change, size * spread, fresh(CHANGED, ROWS), rng)
    return reference, made


def changed(change: str, size: Floats, rows: Floats, rng: np.random.Generator) -> Floats:
    """Rows (..., d) with the means of their columns moved by `size` (d,) or not, or with noise of that size."""
    if change == "noise":
        return rows + rng.normal(0.0, 1.0, rows.shape) * size
    return rows + size * _WAYS[change]


def key(change: str, size: float) -> str:
    """The name of the batches of one change."""
    return f"{change} {size:g}"


def crossed(scores: Mapping[int, Mapping[str, Floats]]) -> dict[str, tuple[list[int], list[int]]]:
    """Alarms and batches of each seed, for each kind of batch.

    Args:
        scores: seed -> kind -> scores. The seeds are halved in turns.
    """
    seeds = list(scores)
    halves: Sequence[list[int]] = (seeds[::2], seeds[1::2])
    found: dict[str, tuple[list[int], list[int]]] = {}
    for own, other in (halves, halves[::-1]):
        at = threshold_for(np.concatenate([scores[seed]["clean"] for seed in other]), RATE)
        for seed in own:
            for kind, values in scores[seed].items():
                hits, trials = found.setdefault(kind, ([], []))
                hits.append(int((values > at).sum()))
                trials.append(len(values))
    return found
