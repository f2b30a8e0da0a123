"""Numbers with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

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
    """Mean of at least one value, with Student's interval: of rows that come independently of one another."""
    n, value = len(values), float(values.mean())
    if n < 2:
        return Estimate(value, None, None)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(values.std(ddof=1)) / sqrt(n)
    return Estimate(value, value - half, value + half)


def share(count: int, rows: int, tests: int = 1) -> Estimate:
    """A share of at least one row, with Wilson's interval (1927); `tests` of them hold together (Bonferroni)."""
    return Estimate(count / rows, *wilson(count, rows, float(ndtri(1 - (1 - LEVEL) / (2 * tests)))))


def gap(value: float, count: int, rows: int, tests: int = 1) -> Estimate:
    """A number less a share, whose interval it has: see `share`."""
    low, high = wilson(count, rows, float(ndtri(1 - (1 - LEVEL) / (2 * tests))))
    return Estimate(value - count / rows, value - high, value - low)


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
