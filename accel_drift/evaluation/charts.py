"""Lines on a plane, drawn with the report's strokes: several series, their names at their ends, a band where one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup

from accel_drift.evaluation.wording import number
from accel_drift.report.svg import clipped, line, svg, text

Scale = Callable[[float], float]

COLOURS = ("#2f6fb5", "#d9730d", "#2c8a5b", "#a3327e", "#8a6d1f", "#5b55c8", "#b8403a", "#2a8f9e")
"""Of the series in their turn, each seen on a light page and on a dark one."""
GREY = "#8a94a3"
_DASHES = ("", "7 3", "2 3")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _NAMES = 540.0, 260.0, 48.0, 16.0, 36.0, 130.0


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: what stands at its end.
        x: where its points are.
        y: their heights; one that is not finite is a gap.
        quiet: whether it is drawn in grey: a dummy's.
        low: lower ends of a band around it, or ().
        high: upper ends, or ().
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    quiet: bool = False
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands beside the axes, and what they span.

    Attributes:
        across: what x is.
        up: what y is.
        x: least and greatest x.
        y: least and greatest y.
        marks: values of x with a vertical line, such as the onset.
        height: of the picture.
        names: whether the names of series stand at their ends.
        steps: whether x are numbered things, which have no fractions.
    """

    across: str
    up: str
    x: tuple[float, float]
    y: tuple[float, float]
    marks: tuple[float, ...] = ()
    height: float = _HEIGHT
    names: bool = True
    steps: bool = False


def plane(series: Sequence[Series], axes: Axes, spoken: str) -> Markup:
    """A picture of the lines; `spoken` is what a screen reader says."""
    right = _WIDTH - (_NAMES if axes.names else 10.0)
    bottom = axes.height - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (value - axes.x[0]) / ((axes.x[1] - axes.x[0]) or 1.0) * (right - _LEFT)

    def y(value: float) -> float:
        return bottom - (value - axes.y[0]) / ((axes.y[1] - axes.y[0]) or 1.0) * (bottom - _TOP)

    parts = _grid(axes, x, y, right)
    parts += [line(x(mark), _TOP - 4, x(mark), bottom, "o") for mark in axes.marks]
    ends: list[tuple[float, str, str]] = []
    for one, (colour, dash) in zip(series, _looks(series), strict=True):
        parts += _drawn(one, x, y, colour, dash)
        last = next((v for v in reversed(one.y) if isfinite(v)), None)
        if last is not None:
            ends.append((y(last), one.name, colour))
    if axes.names:
        for at, (_, name, colour) in zip(_apart([e[0] for e in sorted(ends)], bottom), sorted(ends), strict=True):
            parts.append(
                Markup('<text x="{:.1f}" y="{:.1f}" style="fill:{}">{}</text>').format(
                    right + 6, at + 4, colour, clipped(name, 18)
                )
            )
    return svg(_WIDTH, axes.height, spoken, parts)


def _looks(series: Sequence[Series]) -> list[tuple[str, str]]:
    """Colour and dashes of each line; more of them than colours differ by their dashes."""
    made, own, grey = [], 0, 0
    for one in series:
        if one.quiet:
            made.append((GREY, _DASHES[grey % 2 + 1]))
            grey += 1
        else:
            made.append((COLOURS[own % len(COLOURS)], _DASHES[own // len(COLOURS) % len(_DASHES)]))
            own += 1
    return made


def _drawn(one: Series, x: Scale, y: Scale, colour: str, dash: str) -> list[Markup]:
    parts = []
    if len(one.low):
        known = [(p, a, b) for p, a, b in zip(one.x, one.low, one.high, strict=True) if isfinite(a) and isfinite(b)]
        edge = [f"{x(p):.1f} {y(b):.1f}" for p, _, b in known] + [f"{x(p):.1f} {y(a):.1f}" for p, a, _ in known[::-1]]
        if edge:
            parts.append(Markup('<path d="M{}Z" style="fill:{};opacity:.18"/>').format("L".join(edge), colour))
    path, pen = [], "M"
    for across, height in zip(one.x, one.y, strict=True):
        if not isfinite(height):
            pen = "M"
            continue
        path.append(f"{pen}{x(across):.1f} {y(height):.1f}")
        pen = "L"
    style = f"fill:none;stroke:{colour};stroke-width:2" + (f";stroke-dasharray:{dash}" if dash else "")
    parts.append(Markup('<path d="{}" style="{}"><title>{}</title></path>').format("".join(path), style, one.name))
    return parts


def _grid(axes: Axes, x: Scale, y: Scale, right: float) -> list[Markup]:
    parts: list[Markup] = []
    bottom = axes.height - _BOTTOM
    for i in range(5):
        height = axes.y[0] + (axes.y[1] - axes.y[0]) * i / 4
        parts += [
            line(_LEFT, y(height), right, y(height), "g"),
            text(_LEFT - 6, y(height) + 4, number(height), "e d"),
        ]
    across = [axes.x[0] + (axes.x[1] - axes.x[0]) * i / 4 for i in range(5)]
    for place in dict.fromkeys(round(value) if axes.steps else value for value in across):
        parts.append(text(x(place), bottom + 14, number(place), "m d"))
    parts += [text(right, bottom + 30, axes.across, "e d"), text(_LEFT - 40, _TOP - 6, axes.up, "d")]
    return parts


def _apart(heights: Sequence[float], bottom: float) -> list[float]:
    """Places for names that would otherwise stand on one another, as near to their lines as there is room for."""
    step, made = 13.0, list[float]()
    for height in heights:
        made.append(max(height, made[-1] + step) if made else height)
    # What was pushed below the picture goes up again, and pushes what is above it.
    lowest = bottom
    for i in range(len(made) - 1, -1, -1):
        made[i] = min(made[i], lowest)
        lowest = made[i] - step
    return made
