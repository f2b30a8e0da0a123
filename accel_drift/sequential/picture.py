"""A value at each look or row as a picture: its line, the threshold, and every alarm.

The picture has a light ground of its own, so that it can be read on a dark page, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log, log10
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from accel_drift.report.pdf import with_styled_pictures
from accel_drift.report.svg import line, room, svg, text
from accel_drift.sequential.evidence import Guarantee, needed, said

Floats = npt.NDArray[np.float64]

_WIDTH, _TOP, _BOTTOM, _RIGHT = 540.0, 30.0, 200.0, 16.0
_MOST = 400
"""Points of the line at most; of more values each shows the largest of a few."""

_DOTS = 60
"""Values that are dots as well, so that one alone is seen."""

_APART = 4.0
"""Width between marks of alarms at least; of those that are closer the first is marked."""

_ACROSS = 40
"""Marks that are lines from top to bottom as well; more of them would hide the curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What is drawn.

    Attributes:
        values: (T,); NaN where there is none, which leaves a gap; -inf lies at the lower edge.
        threshold: which value is an alarm.
        alarms: places of the alarms among the values, ascending, (E,).
        first: number of the first value.
        across: what is counted, such as "look".
        up: what the values are.
        said: the threshold as a label.
        powers: whether values are exponents of ten, and labelled as powers.
    """

    values: Floats
    threshold: float
    alarms: Sequence[int]
    first: int
    across: str
    up: str
    said: str
    powers: bool = False


class _Axes(NamedTuple):
    """Where a place and a value lie."""

    left: float
    last: int
    low: float
    high: float

    def x(self, place: float) -> float:
        return self.left + place * (_WIDTH - _RIGHT - self.left) / max(self.last, 1)

    def y(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _BOTTOM - share * (_BOTTOM - _TOP)


def evidence(history: Sequence[float], alpha: float, guarantee: Guarantee) -> str:
    """The evidence of all looks, on a scale of powers of ten, as an SVG image that stands by itself.

    Args:
        history: log evidence after each look.
        alpha: an alarm is evidence of 1/alpha.
        guarantee: under "ever" the first alarm is the only one.
    """
    logs = np.array(history, dtype=np.float64)
    alarms = np.flatnonzero(logs >= needed(alpha)).tolist()
    return draw(
        Curve(
            values=logs / log(10.0),
            threshold=needed(alpha) / log(10.0),
            alarms=alarms[:1] if guarantee == "ever" else alarms,
            first=1,
            across="look",
            up="evidence",
            said=f"alarm at {said(alpha)}",
            powers=True,
        )
    )


def draw(curve: Curve) -> str:
    """An SVG image that stands by itself."""
    ticks, labels = _ticks(curve)
    axes = _Axes(room(labels, 120.0), len(curve.values) - 1, ticks[0], ticks[-1])
    right, needed_at = _WIDTH - _RIGHT, axes.y(curve.threshold)
    ground = Markup('<path fill="#fff" d="M0 0h{0:.0f}v{1:.0f}h-{0:.0f}z"/>').format(_WIDTH, _BOTTOM + 42)
    parts = [ground, text(axes.left, _TOP - 14, curve.up, "d")]
    for tick, label in zip(ticks, labels, strict=True):
        parts += [line(axes.left, axes.y(tick), right, axes.y(tick), "g")]
        parts += [text(axes.left - 6, axes.y(tick) + 4, label, "e d")]
    # Beside the line itself the label would lie on the curve.
    told = curve.said + (f", {len(curve.alarms):,} alarms" if len(curve.alarms) > 1 else "")
    key = right - 12 - 6.6 * len(told)
    parts += [text(right, _TOP - 14, told, "e"), line(key - 24, _TOP - 18, key, _TOP - 18, "t")]
    parts += [*_counted(curve, axes), line(axes.left, needed_at, right, needed_at, "t")]
    parts += [*_lines(curve, axes), *_marks(curve, axes)]
    plain = with_styled_pictures(str(svg(_WIDTH, _BOTTOM + 42, _spoken(curve), parts)))
    return plain.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)


def _ticks(curve: Curve) -> tuple[list[float], list[str]]:
    """Round values beside the picture, ascending, and what they are called."""
    shown = [0.0, curve.threshold, *curve.values[np.isfinite(curve.values)].tolist()]
    low, high = min(shown), max(shown)
    step = _step((high - low) / 5.0 or 1.0, 1.0 if curve.powers else 0.0)
    nothing = bool(np.isneginf(curve.values).any())
    first = floor(low / step) - nothing
    ticks = [i * step for i in range(first, max(ceil(high / step), first + 1) + 1)]
    labels = [_power(tick) if curve.powers else f"{tick:,.10g}" for tick in ticks]
    return ticks, [("0" if curve.powers else "-inf") if nothing else labels[0], *labels[1:]]


def _counted(curve: Curve, axes: _Axes) -> list[Markup]:
    """Numbers of looks or rows below the picture, and what they number."""
    middle, many = (axes.left + _WIDTH - _RIGHT) / 2, len(curve.values)
    parts = [text(middle, _BOTTOM + 35, curve.across, "m d")]
    if not many:
        return parts
    last = curve.first + many - 1
    step = int(_step((many - 1) / 5.0 or 1.0, 1.0))
    shown = range(-(-curve.first // step) * step, last + 1, step)
    # The first and the last are always told; a round number beside one of them would run into it.
    kept = [n for n in shown if min(n - curve.first, last - n) > 0.5 * step]
    for n in sorted({curve.first, *kept, last}):
        at = axes.x(n - curve.first)
        side = " e" if n == last and many > 1 else " m" if n > curve.first else ""
        parts.append(text(at, _BOTTOM + 18, f"{n:,}", f"d{side}"))
    return parts


def _lines(curve: Curve, axes: _Axes) -> list[Markup]:
    """The line, the largest value of each run where there are too many, with gaps where there is none."""
    step = max(1, ceil(len(curve.values) / _MOST))
    starts = np.arange(0, len(curve.values), step)
    highest = np.fmax.reduceat(curve.values, starts) if len(starts) else curve.values
    there = ~np.isnan(highest)
    drawn, before = [], False
    for place, value, known in zip(starts.tolist(), highest.tolist(), there.tolist(), strict=True):
        if known:
            drawn.append(f"{'L' if before else 'M'}{axes.x(place):.1f} {axes.y(value):.1f}")
        before = known
    parts = [Markup('<path class="line" d="{}"/>').format("".join(drawn))]
    if len(starts) <= _DOTS:
        dots = [(axes.x(p), axes.y(v)) for p, v in zip(starts[there].tolist(), highest[there].tolist(), strict=True)]
        parts.append(_dots(dots, 2.5, "bat"))
    return parts


def _marks(curve: Curve, axes: _Axes) -> list[Markup]:
    """Every alarm, as far as they lie apart."""
    dots: list[tuple[float, float]] = []
    for place in curve.alarms:
        at = axes.x(place)
        if not dots or at - dots[-1][0] >= _APART:
            dots.append((at, axes.y(float(curve.values[place]))))
    across = [line(at, _TOP, at, _BOTTOM, "z") for at, _ in dots] if len(dots) <= _ACROSS else []
    return [*across, _dots(dots, 3.5, "s-critical")] if dots else []


def _dots(places: Sequence[tuple[float, float]], radius: float, kind: str) -> Markup:
    arc = f"a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"
    return Markup('<path class="{}" d="{}"/>').format(
        kind, "".join(f"M{x - radius:.1f} {y:.1f}{arc}" for x, y in places)
    )


def _spoken(curve: Curve) -> str:
    """What a screen reader says."""
    many = len(curve.alarms)
    alarms = "no alarm"
    if many:
        at = f"{curve.across} {curve.first + curve.alarms[0]:,}"
        alarms = f"the alarm is at {at}" if many == 1 else f"{many:,} alarms, the first at {at}"
    looks = f"{len(curve.values):,} {curve.across}{'' if len(curve.values) == 1 else 's'}"
    return f"{curve.up} of {looks}, {curve.said}; {alarms}"


def _step(least: float, unit: float) -> float:
    """1, 2 or 5 times a power of ten, no less than either."""
    least = max(least, unit)
    power = 10.0 ** floor(log10(least))
    return power * next(factor for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1.0 - 1e-9))


def _power(exponent: float) -> str:
    return f"{10.0**exponent:,g}" if -3 <= exponent <= 4 else f"1e{exponent:.0f}"
