"""Turn any value of a report into what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import numpy as np


def plain(value: object) -> Any:
    """The same value made of dict, list, str, int, float, bool and None alone.

    JSON has no word for the values that are not finite: NaN (there is no answer) becomes None, the infinities
    become "inf" and "-inf", so that a strict parser reads the file and a reader still tells them apart.
    Whatever has no plain form is given as its text.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        # A set has no order of its own: the same report must give the same text twice.
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _finite(value: float) -> float | str | None:
    """A float that JSON can hold, or what stands for it."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
