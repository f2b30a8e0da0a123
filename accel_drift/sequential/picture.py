"""The evidence of all looks as a picture: a line on a scale of powers of ten, and where an alarm is."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log, log10

import numpy as np
from markupsafe import Markup

from accel_drift.report.pdf import with_styled_pictures
from accel_drift.report.svg import line, svg, text

_WIDTH, _TOP, _BOTTOM, _LEFT, _RIGHT = 540.0, 14.0, 190.0, 46.0, 8.0
_MOST = 400
"""Points of the line at most; of more looks each shows the largest evidence of a few."""


def evidence(history: Sequence[float], alpha: float) -> str:
    """An SVG image that stands by itself.

    Args:
        history: log evidence after each look.
        alpha: an alarm is evidence of 1/alpha.
    """
    needed = log10(1.0 / alpha)
    looks, heights = _thinned(np.array(history) / log(10.0))
    low = floor(min([0.0, *heights]))
    high = max(ceil(max([needed, *heights])), low + 1)
    across = (_WIDTH - _LEFT - _RIGHT) / max(len(history) - 1, 1)

    def x(look: int) -> float:
        return _LEFT + (look - 1) * across

    def y(height: float) -> float:
        return _BOTTOM - (height - low) * (_BOTTOM - _TOP) / (high - low)

    parts: list[Markup] = []
    for power in range(low, high + 1, ceil((high - low) / 6)):
        parts += [
            line(_LEFT, y(power), _WIDTH - _RIGHT, y(power), "g"),
            text(_LEFT - 6, y(power) + 4, _said(power), "e d"),
        ]
    parts += [
        line(_LEFT, y(needed), _WIDTH - _RIGHT, y(needed), "t"),
        text(_LEFT + 4, y(needed) - 4, f"alarm at {1 / alpha:,.4g}"),
        Markup('<path class="line" d="{}"/>').format(
            "".join(
                f"{'L' if i else 'M'}{x(at):.1f} {y(h):.1f}"
                for i, (at, h) in enumerate(zip(looks, heights, strict=True))
            )
        ),
        text(_LEFT, _BOTTOM + 18, "look 1", "d"),
        text(_WIDTH - _RIGHT, _BOTTOM + 18, f"look {len(history):,}", "e d"),
    ]
    alarms = [i + 1 for i, value in enumerate(history) if value >= log(1.0 / alpha)]
    if alarms:
        parts.append(line(x(alarms[0]), _TOP, x(alarms[0]), _BOTTOM, "o"))
    first = f"the first alarm is at look {alarms[0]:,}" if alarms else "no alarm"
    spoken = f"Evidence after each of {len(history):,} looks; {first}"
    plain = with_styled_pictures(str(svg(_WIDTH, _BOTTOM + 26, spoken, parts)))
    return plain.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)


def _thinned(heights: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[list[int], list[float]]:
    """Numbers of looks and their heights, the largest of each run where there are too many."""
    step = max(1, ceil(len(heights) / _MOST))
    starts = np.arange(0, len(heights), step)
    if not len(starts):
        return [], []
    return (starts + 1).tolist(), np.maximum.reduceat(heights, starts).tolist()


def _said(power: int) -> str:
    return f"{10.0**power:,g}" if -3 <= power <= 4 else f"1e{power}"
