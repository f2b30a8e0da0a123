"""Random numbers that hang on a seed and on what they are for, and on nothing that was drawn before."""

from __future__ import annotations

from enum import IntEnum
from numbers import Integral
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError


class Purpose(IntEnum):
    """What random numbers are for; each has draws of its own."""

    REFERENCE = 0
    ROWS = 1
    LABELS = 2
    SCHEDULE = 3
    CHANGE = 4
    CLASSES = 5
    TIMES = 6
    DEAL = 7
    COLUMNS = 8
    SIZES = 9


def checked_seed(seed: Any) -> int:
    """A seed as an int.

    Raises:
        ConfigError: it is no whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise ConfigError(f"seed is {seed!r}; it is a whole number of at least 0: it decides what is drawn")
    return int(seed)


def generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """The generator of a seed and a purpose; `numbers` are, for example, those of the batch and the change."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(purpose), *numbers)))
