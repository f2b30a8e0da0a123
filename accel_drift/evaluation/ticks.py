"""Round values beside an axis, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10

from accel_drift.report.svg import grid_step

_LEAST = 1e-300
"""A span below this is none: its steps would be 0 as floats."""


def over(low: float, high: float) -> list[float]:
    """Round values of which the first is at most `low` and the last at least `high`.

    >>> over(-0.2, 1.14), over(0.0, 0.0877), over(3.0, 3.0)
    ([-0.5, 0.0, 0.5, 1.0, 1.5], [0.0, 0.02, 0.04, 0.06, 0.08, 0.1], [3.0, 4.0])
    """
    step = _step(low, high)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return _values(first, max(last, first + 1), step)


def within(low: float, high: float) -> list[float]:
    """Round values from `low` to `high`.

    >>> within(0.0, 0.37), within(-0.5, 1.0)
    ([0.0, 0.1, 0.2, 0.3], [-0.5, 0.0, 0.5, 1.0])
    """
    step = _step(low, high)
    return _values(ceil(low / step - 1e-9), floor(high / step + 1e-9), step)


def whole(last: int, most: int = 10) -> list[int]:
    """Whole numbers from 1 to `last`, by steps of 1, 2, 5, 10, 20, ..., at most `most` of them beside the first.

    >>> whole(1), whole(5), whole(12), whole(37)
    ([1], [1, 2, 3, 4, 5], [2, 4, 6, 8, 10, 12], [1, 5, 10, 15, 20, 25, 30, 35])
    """
    step = next(f * 10**power for power in range(20) for f in (1, 2, 5) if last <= most * f * 10**power)
    # Where the steps are wide the first is told as well: nobody should have to guess where counting begins.
    return [*([1] if step > 2 else []), *range(step, last + 1, step)]


def labels(values: Sequence[float]) -> list[str]:
    """What round values are called, with as many digits as tell them apart.

    >>> labels([0.0, 0.25, 0.5]), labels([999.5, 1000.0]), labels([0.0, 2.5e-7]), labels([0.0, 5e6, 1e7])
    (['0', '0.25', '0.5'], ['999.5', '1,000'], ['0', '2.5e-7'], ['0', '5e6', '1e7'])
    """
    most = max((abs(value) for value in values), default=0.0)
    step = min((b - a for a, b in pairwise(values)), default=0.0) or most or 1.0
    # A step of 2.5 has one digit more than its power of ten.
    finest = floor(log10(step) + 1e-9) - 1
    if most < 1e6 and step > 1e-4:
        return [_plain(f"{value:,.{max(0, -finest)}f}") for value in values]
    digits = max(1, floor(log10(max(most, step)) + 1e-9) - finest + 1)
    return [_short(f"{value:.{digits - 1}e}") if value else "0" for value in values]


def _step(low: float, high: float) -> float:
    span = high - low
    # Of four fifths it makes at most four steps, so of the whole at most five.
    return grid_step(0.8 * span)[0] if span > _LEAST else 1.0


def _values(first: int, last: int, step: float) -> list[float]:
    # The product of a step such as 0.1 with 3 is not 0.3.
    return [float(f"{i * step:.12g}") if abs(i) < 10**9 else i * step for i in range(first, last + 1)]


def _plain(text: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _short(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return f"{_plain(mantissa)}e{int(exponent)}"
