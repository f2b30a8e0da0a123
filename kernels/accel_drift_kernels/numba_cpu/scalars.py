"""The functions of an array namespace that a rule of streams may ask for, for single numbers."""

from __future__ import annotations

import math
from typing import Any

from numba import njit


@njit(inline="always")
def where(condition: Any, one: Any, other: Any) -> Any:
    return one if condition else other


sqrt = math.sqrt
log = math.log
exp = math.exp
