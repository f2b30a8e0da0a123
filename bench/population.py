"""What the effects of detectors would be if whole populations were compared: the truth that estimates are held against.

For detectors of single columns, the detector itself is asked about two columns of a million evenly spaced quantiles
each: no chance is left in them but a millionth. For joint detectors, the closed form for two normal laws in one
column, scaled by the interquartile range of their mixture as the detectors scale it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, pi, sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import poisson

from accel_drift.detectors import get_detector
from accel_drift.statistics import scores
from accel_drift.statistics.comparison import Plan
from bench.level import Values, compare

ROWS = 1_000_000
Floats: TypeAlias = npt.NDArray[np.float64]

LAWS = {
    "normal": lambda u, shift: ndtri(u) + shift,
    "poisson": lambda u, shift: poisson.ppf(u, 3.0 + shift),
}
"""Name -> quantile function under a shift of the mean."""


@lru_cache(maxsize=256)
def effect(detector: str, law: str, shift: float, n: int = 1, m: int = 1, most: int = ROWS) -> float:
    """The effect of a detector of single columns between whole populations whose means are `shift` apart.

    Cramer's V is a correlation with the side, so it depends on the shares of rows that the sides give; n and m are
    for that. All other effects do not, so they are asked at equal sides, of `most` rows.
    """
    if shift == 0.0:
        return 0.0
    sizes = (most * n // max(n, m), most * m // max(n, m)) if detector == "chi_square" else (most, most)
    reference, batch = (
        {"x": np.asarray(LAWS[law]((np.arange(rows) + 0.5) / rows, by), dtype=np.float64)}
        for rows, by in zip(sizes, (0.0, shift), strict=True)
    )
    plan = Plan(0.05, 0.05, 0, intervals=False)
    (found,) = get_detector(detector, permutations=19).outcomes(compare(reference, batch, "numeric"), plan)
    if found.effect is None:
        raise ValueError(f"{detector} has no effect on {law}")
    return found.effect


def psi_of_shift(shift: float, bins: int = 10) -> float:
    """PSI of a normal law moved by `shift` deviations, in quantile bins of the unmoved one."""
    p, q = bin_masses(0.0, bins), bin_masses(shift, bins)
    return float(scores.psi(p[None] * 1e15, q[None] * 1e15, 0.0)[0])


def shift_of_psi(psi: float) -> float:
    """The shift in deviations whose PSI is `psi`."""
    return 0.0 if psi == 0.0 else round(float(brentq(lambda s: psi_of_shift(s) - psi, 1e-6, 3.0)), 5)


def bin_masses(shift: float, bins: int) -> Floats:
    """Mass of a normal law with mean `shift` in quantile bins of the standard one, (bins,)."""
    inner = ndtr(ndtri(np.arange(1, bins) / bins) - shift)
    return np.diff(np.concatenate([[0.0], inner, [1.0]]))


def joint_effect(detector: str, shift: float, n: int, m: int) -> float:
    """MMD² or energy distance between one normal column and itself moved by `shift` deviations.

    The scale is that of the pooled rows, so it depends on how many rows each side gives. MMD: the integral of the
    Gaussian kernel over normal differences; bandwidth: the median distance of two pooled rows.
    """
    a = n / (n + m)
    scale = _quantile(lambda x: a * ndtr(x) + (1 - a) * ndtr(x - shift), 0.75)
    scale -= _quantile(lambda x: a * ndtr(x) + (1 - a) * ndtr(x - shift), 0.25)
    d, v = shift / scale, 1.0 / scale**2
    if detector == "energy":
        return 2.0 * (_mean_distance(d, 2 * v) - _mean_distance(0.0, 2 * v))
    if detector != "mmd":
        raise ValueError(f"no closed form for {detector}")
    apart, s = 2 * a * (1 - a), sqrt(2 * v)

    def below(x: float) -> float:
        one, other = 2 * ndtr(x / s) - 1, ndtr((x - d) / s) - ndtr((-x - d) / s)
        return float((1 - apart) * one + apart * other)

    h2 = _quantile(below, 0.5) ** 2
    return 2 * sqrt(h2 / (h2 + 2 * v)) * (1 - exp(-(d**2) / (2 * (h2 + 2 * v))))


def shift_of_effect(value: float, effect_of: Callable[[float], float]) -> float:
    """The shift at which an effect, which grows with the shift, is `value`."""
    return float(brentq(lambda s: effect_of(s) - value, 1e-3, 3.0, xtol=1e-4))


def _quantile(cdf: Callable[[float], float], u: float) -> float:
    return float(brentq(lambda x: cdf(x) - u, -50.0, 50.0))


def _mean_distance(mean: float, variance: float) -> float:
    """E|N(mean, variance)|."""
    s = sqrt(variance)
    return s * sqrt(2 / pi) * exp(-(mean**2) / (2 * variance)) + mean * (1 - 2 * float(ndtr(-mean / s)))


def sample(law: str, shift: float) -> Callable[[np.random.Generator, int], Values]:
    """Draws of a law of `LAWS` under a shift."""
    if law == "normal":
        return lambda rng, rows: rng.standard_normal(rows) + shift
    return lambda rng, rows: rng.poisson(3.0 + shift, rows)
