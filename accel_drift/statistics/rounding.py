"""Rows in the precision in which they are multiplied; every row is rounded alike, whichever side it is on.

Low precisions cost power, never validity: a relabelling sees the same rounded rows. A backend whose kernels multiply
such rows gets them in their own type, any other the same values in float32.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal

import numpy as np

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError

Precision = Literal["float64", "float32", "float16", "bfloat16", "int8"]

_FLOAT32 = sqrt(float(np.finfo(np.float32).max)) / 1e3
_FURTHEST = {"float32": _FLOAT32, "bfloat16": _FLOAT32, "float16": 6e4}
"""Distances from the centre, in bandwidths, whose squares or the rows themselves would overflow."""

_REACH = {"float64": 1e6, "int8": 8.0}
"""Lengths from the middle at which rows are still told apart: further ones would cost the others their last digits."""

_BITS = {"float16": 11, "bfloat16": 8}
"""Binary digits of a number."""

_STEPS = 127


def reach(precision: Precision) -> float:
    """How far from the middle a value may lie, in bandwidths or typical lengths; one further out counts as that far."""
    return _REACH.get(precision, 1e3)


def check_range(furthest: float, precision: Precision) -> None:
    """Refuse rows too far from their centre for a precision; `furthest` is in bandwidths.

    Raises:
        ConfigError: they are.
    """
    if furthest > _FURTHEST.get(precision, np.inf):
        wider = "float64" if precision == "float32" else "float32 or float64"
        raise ConfigError(f'rows are {furthest:g} apart, too far for precision="{precision}": use {wider}')


def rounded(z: Any, precision: Precision, backend: Backend) -> tuple[Any, float]:
    """Rows about the origin, float64, in a precision, and the length that 1 in them stands for.

    That is 1 but for int8, whose whole steps are 1/127 of the largest number.
    """
    xp = backend.xp
    with backend.scope():
        if precision == "int8":
            peak = float(backend.to_numpy(xp.max(xp.abs(z)))) if z.shape[0] and z.shape[1] else 0.0
            step = max(peak / _STEPS, float(np.finfo(np.float64).tiny))
            return xp.astype(xp.round(z / step), xp.int8 if "int8" in backend.low_precision else xp.float32), step
        if precision not in _BITS:
            return xp.astype(z, getattr(xp, precision)), 1.0
        if hasattr(xp, precision):
            z = xp.astype(z, getattr(xp, precision))
        else:
            # The leading digits alone. Source: Veltkamp's splitting (Dekker 1971), without the smallest exponents.
            large = z * (2.0 ** (53 - _BITS[precision]) + 1.0)
            z = large - (large - z)
        return (z if precision in backend.low_precision else xp.astype(z, xp.float32)), 1.0
