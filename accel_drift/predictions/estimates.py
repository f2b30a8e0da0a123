"""Numbers with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, stdtrit

from accel_drift.statistics.intervals import wilson

LEVEL = 0.95


class Estimate(NamedTuple):
    """A number and its 95 % interval.

    Attributes:
        value: the estimate.
        low: lower end; None where there are too few rows for one.
        high: upper end, or None.
    """

    value: float
    low: float | None
    high: float | None


def mean(values: npt.NDArray[np.float64]) -> Estimate:
    """Mean of at least one value, with Student's interval: of values that come independently of one another."""
    n, value = len(values), float(values.mean())
    if n < 2:
        return Estimate(value, None, None)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(values.std(ddof=1)) / sqrt(n)
    return Estimate(value, value - half, value + half)


def share(count: int, rows: int) -> Estimate:
    """A share of at least one row, with Wilson's interval (1927)."""
    return Estimate(count / rows, *wilson(count, rows))


def hits(count: int, rows: int, tests: int = 1) -> Estimate:
    """A share of at least one row, with its exact interval (Clopper & Pearson 1934).

    It also holds where rows have chances of their own: their number of hits lies beyond its mean less often than one of
    equal chances (Hoeffding 1956). As many intervals as `tests` hold together (Bonferroni).
    """
    tail = (1 - LEVEL) / (2 * tests)
    low = float(betaincinv(count, rows - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, rows - count, 1 - tail)) if count < rows else 1.0
    return Estimate(count / rows, low, high)


def less(value: float, taken: Estimate) -> Estimate:
    """A number less an estimate, whose interval it has."""
    low, high = (None if end is None else value - end for end in (taken.high, taken.low))
    return Estimate(value - taken.value, low, high)


def plain(record: Any) -> Any:
    """A record, or part of one, as plain JSON values: an estimate is a dict of three."""
    if isinstance(record, Estimate):
        return record._asdict()
    if isinstance(record, Mapping):
        return {key: plain(value) for key, value in record.items()}
    if isinstance(record, (tuple, list)):
        return [plain(value) for value in record]
    if hasattr(record, "__dataclass_fields__"):
        return {name: plain(getattr(record, name)) for name in record.__dataclass_fields__}
    return record
