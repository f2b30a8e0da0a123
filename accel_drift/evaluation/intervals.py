"""Intervals of 95 % over seeds: of a mean, of a share of batches, of an area under a curve, of a run length.

Batches of one seed share a reference, so they are not independent of one another; seeds are. So a seed is what is
counted, and one seed alone gives no interval (None).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from accel_drift.errors import DataError

Floats = npt.NDArray[np.float64]

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its interval.

    Attributes:
        value: the number; None where there is nothing to make it of.
        low: lower end of the interval, or None where one seed alone says nothing of others.
        high: upper end; infinite where there is none.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Estimate(None)


def mean(values: Sequence[float] | Floats, *, bounds: tuple[float, float] = (-inf, inf)) -> Estimate:
    """The mean over seeds with the interval of Student's t: m ± t(n - 1) s / sqrt(n).

    Where all seeds have the same value there is no interval: one without width would claim to know for certain.

    Args:
        values: one a seed, (n,); those that are NaN are left out, as there is nothing to say of these seeds.
        bounds: the least and the greatest value that there can be; the interval ends there.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return NOTHING
    middle = float(known.mean())
    if len(known) < 2 or not np.isfinite(known).all():
        return Estimate(middle)
    if np.ptp(known) == 0:
        return Estimate(middle)
    half = _t(len(known) - 1) * float(known.std(ddof=1)) / len(known) ** 0.5
    return Estimate(middle, max(middle - half, bounds[0]), min(middle + half, bounds[1]))


def share(hits: Sequence[int] | npt.NDArray[np.int64], of: Sequence[int] | npt.NDArray[np.int64]) -> Estimate:
    """A share of batches, all seeds together, with the interval of Korn and Graubard.

    It is the interval of Clopper and Pearson for as many independent batches as would be worth as much as these: the
    variance between seeds decides how many. Where all are hits or none is, or there is less variance between seeds
    than chance gives, every batch counts as one.

    Args:
        hits: batches of each seed that are counted, (n,).
        of: batches of each seed, (n,).

    Raises:
        DataError: there are more hits than batches in a seed.

    Source: Korn & Graubard 1998, Survey Methodology 24, 193-201; Clopper & Pearson 1934.
    """
    x, n = np.asarray(hits, dtype=np.float64), np.asarray(of, dtype=np.float64)
    if x.shape != n.shape or (x > n).any() or (x < 0).any():
        raise DataError("hits are between 0 and the number of batches, one number for each seed")
    x, n = x[n > 0], n[n > 0]
    total, seeds = float(n.sum()), len(n)
    if not seeds:
        return NOTHING
    p = float(x.sum()) / total
    if seeds < 2:
        return Estimate(p)
    worth = total
    variance = seeds / (seeds - 1) * float(((x - p * n) ** 2).sum()) / total**2
    if 0 < p < 1 and variance > 0:
        worth = min(total, p * (1 - p) / variance * (_t(int(total) - 1) / _t(seeds - 1)) ** 2)
    return Estimate(p, *clopper_pearson(p * worth, worth))


def clopper_pearson(hits: float, of: float) -> tuple[float, float]:
    """The exact interval of a share of independent cases.

    >>> tuple(round(end, 4) for end in clopper_pearson(0, 20))
    (0.0, 0.1684)
    """
    from scipy.stats import beta

    tail = (1 - LEVEL) / 2
    low = 0.0 if hits <= 0 else float(beta.ppf(tail, hits, of - hits + 1))
    high = 1.0 if hits >= of else float(beta.ppf(1 - tail, hits + 1, of - hits))
    return low, high


def area(areas: Sequence[float] | Floats, pairs: int) -> Estimate:
    """The mean area under the ROC curve over seeds; where it is 1 in every seed, an interval of pairs.

    There `mean` has none. If every one of k drifted batches is above a clean one of its own, the area is at least
    0.025 ** (1 / k) with 97.5 % confidence, as far as batches are independent of one another.

    Args:
        areas: one a seed, (n,).
        pairs: pairs of a clean and a drifted batch, none of which has a batch in common.
    """
    made, seeds = mean(areas, bounds=(0.0, 1.0)), int((~np.isnan(np.asarray(areas, dtype=np.float64))).sum())
    if seeds < 2 or pairs < 1 or made.value not in (0.0, 1.0):
        return made
    bound = ((1 - LEVEL) / 2) ** (1 / pairs)
    return Estimate(1.0, bound, 1.0) if made.value == 1.0 else Estimate(0.0, 0.0, 1 - bound)


def run_length(exposure: float, alarms: int) -> Estimate:
    """Average run length to a false alarm: what was watched until the first alarm of each seed, over how many alarmed.

    A seed without an alarm counts with all that was watched of it (censored). This is the estimate, and the interval
    the exact one, of runs whose chance of an alarm is the same at every batch; a detector that grows more or less
    watchful with time has none such. No run is shorter than 1, and the interval ends there.

    Args:
        exposure: batches watched without drift until the first alarm, or until drift begins, over all seeds.
        alarms: seeds that alarmed in them.

    Source: Epstein & Sobel 1953, doi:10.1080/01621459.1953.10483488.
    """
    from scipy.stats import chi2

    if exposure <= 0:
        return NOTHING
    tail = (1 - LEVEL) / 2
    low = max(2 * exposure / float(chi2.ppf(1 - tail, 2 * alarms + 2)), 1.0)
    high = 2 * exposure / float(chi2.ppf(tail, 2 * alarms)) if alarms else inf
    value = exposure / alarms if alarms else inf
    return Estimate(value, low, high)


def _t(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(1 - (1 - LEVEL) / 2, freedom))
