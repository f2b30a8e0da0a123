"""The law of a weighted sum of squares of normals: what a quadratic statistic follows where rows are many."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FLAT = 1e-14
"""Weights that are so small a share of the largest are rounding."""

_REACH, _POINTS = 16.0, 401
"""The contour is walked to sinh(16) of its pass's widths, some millions, in steps of 0.04: it is smooth."""

_HALVINGS = 80


def tail(weights: Floats, value: float) -> float:
    """P(sum of weights times squares of standard normals >= value), at most 1e-9 off relatively however far out.

    The moment generating function is inverted along a parabola through a saddle point, which opens to the right: there
    the integrand falls off as fast as it can, and the trapezoid rule converges geometrically.
    Source: Rice, SIAM J. Sci. Stat. Comput. 1 (1980) 438-448, with a curved contour; the law: Imhof 1961.

    Args:
        weights: (k,) of 0 or more.
        value: what the sum is to reach.
    """
    largest = float(weights.max(initial=0.0))
    if value <= 0.0:
        return 1.0
    if largest == 0.0:
        return 0.0
    held, x = weights[weights > _FLAT * largest] / largest, value / largest
    at = _saddle(held, x, 1.0)
    if _derivatives(held, at)[1] > 0.0:
        return float(np.clip(_integral(held, x, at), 0.0, 1.0))
    # Here the parabola would open to the left. On the other side of the pole at 0 it does not, and leads to the rest.
    return float(np.clip(1.0 + _integral(held, x, _saddle(held, x, -1.0)), 0.0, 1.0))


def _integral(weights: Floats, value: float, at: float) -> float:
    """Of exp(K(s) - s value) / (2 pi i s) along the parabola through `at`; K is the sum's cumulant function."""
    second, third = _derivatives(weights, at)
    t = np.linspace(0.0, _REACH, _POINTS)
    u, du = np.sinh(t) / sqrt(second), np.cosh(t) / sqrt(second)
    # The way of steepest descent, to second order; from below 0 never so bent that it comes near the branch point.
    bend = third / (6.0 * second) if at > 0.0 else min(third / (6.0 * second), 0.5)
    s = at + 1j * u + bend * u * u
    logs = -0.5 * np.log(1.0 - 2.0 * weights[:, None] * s).sum(axis=0) - s * value
    made = np.imag(np.exp(logs) / s * (1j + 2.0 * bend * u)) * du
    made[[0, -1]] /= 2.0
    return float(made.sum() * (t[1] - t[0]) / pi)


def _derivatives(weights: Floats, at: float) -> tuple[float, float]:
    """The second and the third of the integrand's logarithm."""
    ratio = weights / (1.0 - 2.0 * weights * at)
    return 2.0 * float((ratio**2).sum()) + at**-2, 8.0 * float((ratio**3).sum()) - 2.0 * at**-3


def _saddle(weights: Floats, value: float, side: float) -> float:
    """Where the integrand is least along the real line, above the pole at 0 and below the branch at 1/2; or below 0."""
    # Below 0 the slope is less than 0 from here on.
    low, high = (0.0, 0.5) if side > 0 else (-(len(weights) / 2.0 + 1.0) / value, 0.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if float((weights / (1.0 - 2.0 * weights * middle)).sum()) - value - 1.0 / middle > 0.0:
            high = middle
        else:
            low = middle
    # Never on the branch point itself, where rounding could end.
    return min(low, 0.5 * (1.0 - 1e-15)) if side > 0 else low
