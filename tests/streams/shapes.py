"""Seeded streams of several shapes, and what a river detector says of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

LENGTH = 2_000
KINDS = ("bernoulli", "gaussian", "heavy")
SHAPES = ("stationary", "sudden", "gradual", "recurring")


def level(shape: str, n: int = LENGTH) -> Values:
    """How far a stream has moved, 0 to 1, at each of n moments."""
    t = np.arange(n) / n
    return {
        "stationary": np.zeros(n),
        "sudden": (t >= 0.5).astype(float),
        "gradual": np.clip(2 * t - 0.5, 0, 1),
        "recurring": (t * 4 % 2 >= 1).astype(float),
    }[shape]


def stream(kind: str, shape: str, seed: int, n: int = LENGTH) -> Values:
    """Values of one stream: errors that become three times as frequent, or numbers whose mean moves by two."""
    rng, moved = np.random.default_rng([61, seed]), level(shape, n)
    if kind == "bernoulli":
        return (rng.random(n) < 0.15 + 0.3 * moved).astype(np.float64)
    noise = rng.standard_normal(n) if kind == "gaussian" else rng.standard_t(2, n)
    return np.asarray(noise + 2 * moved)


def streams(*kinds: str) -> dict[str, Values]:
    """Some fifty streams by name, those of some kinds only if they are named."""
    made = [(kind, shape, seed) for kind in KINDS for shape in SHAPES for seed in range(5)]
    return {f"{k}-{s}-{seed}": stream(k, s, seed) for k, s, seed in made if not kinds or k in kinds}


def seen_by_river(detector: Any, values: Values) -> tuple[list[int], list[int]]:
    """Indices at which a river detector reports a change, and at which its warning begins."""
    changes, warnings, warned = [], [], False
    for i, x in enumerate(values.tolist()):
        detector.update(x)
        if detector.drift_detected:
            changes.append(i)
        warns = bool(getattr(detector, "warning_detected", False))
        if warns and not warned:
            warnings.append(i)
        warned = warns
    return changes, warnings
