"""Estimates as short texts."""

from __future__ import annotations

from math import isinf

from accel_drift.evaluation.intervals import Estimate

NONE = "-"
_NOTHING = 1e-9
"""A number below it is 0 to a reader."""


def told(estimate: Estimate) -> str:
    """A number with its interval, such as `0.95 (0.91 to 0.98)`; `-` where there is none.

    >>> told(Estimate(0.95, 0.91234, 0.98)), told(Estimate(None)), told(Estimate(float("inf"), 120.0, float("inf")))
    ('0.95 (0.912 to 0.98)', '-', 'over 120')
    """
    if estimate.value is None:
        return NONE
    if isinf(estimate.value) and estimate.low is not None:
        return f"over {number(estimate.low)}"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def brief(value: float | None) -> str:
    """A number of no less than a thousandth.

    >>> brief(0.0304), brief(6.4e-7), brief(None)
    ('0.0304', 'under 0.001', '-')
    """
    return number(value) if value is None or value >= 1e-3 else "under 0.001"


def number(value: float | None) -> str:
    """Three digits, and no more than a reader takes in.

    >>> number(0.12345), number(1234.5), number(None), number(1.0), number(0.99996), number(7.25e-35)
    ('0.123', '1,234', '-', '1', '0.99996', '0')
    """
    if value is None:
        return NONE
    if isinf(value):
        return "no end" if value > 0 else "-inf"
    if abs(value) < _NOTHING:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    # A share of 0.99996 is not 1, and 1 is what would be quoted.
    return f"{value:.5g}" if 0 < abs(value) < 1 and float(text) == 1 else text
