"""Lines on a plane, drawn with the report's strokes: several series, their names beside it, a band where one is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from markupsafe import Markup

from accel_drift.evaluation import ticks
from accel_drift.report import words
from accel_drift.report.svg import clipped, line, svg, text

COLOURS = ("#2f6fb5", "#d9730d", "#2c8a5b", "#b8478f", "#8a6d1f", "#7a74dd", "#c9544d", "#2a8f9e")
"""Of the series in their turn; each has a contrast of 3 or more with the light card of a page and with the dark one."""
GREY = "#8a94a3"
WIDTH = 540.0
_DASHES = ("", "7 3", "2 3")
_QUIET = ("7 3", "2 3", "9 3 2 3", "1 6")
_HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 260.0, 62.0, 26.0, 36.0, 16.0
_LETTER = 6.7
"""Width of a letter, of a wide font and on average."""
_LONGEST = 26
"""Letters of a name beside the picture."""
_SAMPLE, _NEXT = 18.0, 13.0
"""Width of a line's sample before its name, and from one name to the next."""
_PIECE = 8.0
"""Of lines that fall on one another each is seen for so long, in turn."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: what stands beside it; it is told to have no scores where no y is finite.
        x: where its points are, ascending.
        y: their heights; one that is not finite is a gap.
        quiet: whether it is drawn in grey: a dummy's. Those that are equal are one line with all their names.
        low: lower ends of a band around it, or ().
        high: upper ends, or ().
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    quiet: bool = False
    low: Sequence[float] = ()
    high: Sequence[float] = ()

    @property
    def drawn(self) -> bool:
        """Whether it has a point."""
        return any(isfinite(value) for value in self.y)


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands beside the axes, and what they span.

    Attributes:
        across: what x is.
        up: what y is.
        x: least and greatest x.
        y: least and greatest y; the axis goes on to the next round values.
        marks: values of x with a vertical line, ascending, such as the onset.
        said: what the marks are.
        height: of the picture.
        names: whether the names of series stand beside it.
        steps: whether x are numbers of things, counted from 1.
        empty: what stands in the middle where there is no series.
    """

    across: str
    up: str
    x: tuple[float, float]
    y: tuple[float, float]
    marks: tuple[float, ...] = ()
    said: str = ""
    height: float = _HEIGHT
    names: bool = True
    steps: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where x and y lie."""

    left: float
    right: float
    bottom: float
    spans: tuple[float, float, float, float]

    def x(self, value: float) -> float:
        low, high = self.spans[:2]
        return self.left + (value - low) / ((high - low) or 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.spans[2:]
        return self.bottom - (value - low) / ((high - low) or 1.0) * (self.bottom - _TOP)


def plane(series: Sequence[Series], axes: Axes, spoken: str) -> Markup:
    """A picture of the lines; `spoken` is what a screen reader says."""
    series = together(series)
    names = [clipped(_said(one), _LONGEST) for one in series] if axes.names else []
    height = max(axes.height, _TOP + _BOTTOM + _NEXT * len(names))
    up = ticks.over(*axes.y)
    called = ticks.labels(up)
    room = 18 + _SAMPLE + _LETTER * max(map(len, names)) if names else _RIGHT
    left = max(_LEFT, 14 + _LETTER * max(map(len, called)))
    frame = _Frame(left, WIDTH - room, height - _BOTTOM, (*axes.x, up[0], up[-1]))
    looks = _looks(series)
    parts = [*_grid(axes, frame, up, called), *_marks(axes, frame)]
    # All bands lie below all lines, and are lighter where there are many.
    opacity = min(0.18, 0.6 / max(1, sum(len(one.low) > 0 for one in series)))
    for one, (colour, _, _) in zip(series, looks, strict=True):
        parts += _band(one, frame, colour, opacity)
    for one, (colour, dash, _) in zip(series, looks, strict=True):
        parts += _drawn(one, frame, colour, dash)
    if names:
        parts += _beside(series, names, looks, frame)
    if not series and axes.empty:
        parts.append(text((frame.left + frame.right) / 2, (_TOP + frame.bottom) / 2, axes.empty, "m d"))
    return svg(WIDTH, height, spoken, parts)


def together(series: Sequence[Series]) -> list[Series]:
    """The series, with quiet ones that are equal as one that has the names of all."""
    made: list[Series] = []
    for one in series:
        same = [i for i, other in enumerate(made) if one.quiet and other.quiet and _points(one) == _points(other)]
        if same and one.drawn:
            made[same[0]] = replace(made[same[0]], name=f"{made[same[0]].name}, {one.name}")
        else:
            made.append(one)
    return made


def _points(one: Series) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(one.x), tuple(one.y)


def _said(one: Series) -> str:
    return one.name if one.drawn else f"{clipped(one.name, _LONGEST - 11)}: no scores"


def _looks(series: Sequence[Series]) -> list[tuple[str, str, str]]:
    """Of each line its colour, its dashes, and those of its sample.

    More lines than colours differ by their dashes; those that fall on one another are seen in turn.
    """
    made, own, grey = [], 0, 0
    for i, one in enumerate(series):
        if one.quiet:
            dash = f";stroke-dasharray:{_QUIET[grey % len(_QUIET)]}"
            made.append((GREY, dash, dash))
            grey += 1
            continue
        kind = _DASHES[own // len(COLOURS) % len(_DASHES)]
        dash = f";stroke-dasharray:{kind}" if kind else ""
        same = [j for j, other in enumerate(series) if not other.quiet and _points(other) == _points(one)]
        turn = -same.index(i) % len(same)
        shared = f";stroke-dasharray:{_PIECE:g} {_PIECE * (len(same) - 1):g};stroke-dashoffset:{_PIECE * turn:g}"
        made.append((COLOURS[own % len(COLOURS)], shared if len(same) > 1 else dash, dash))
        own += 1
    return made


def _band(one: Series, frame: _Frame, colour: str, opacity: float) -> Iterator[Markup]:
    """In pieces between gaps; that of a point without a neighbour is a stroke."""
    for piece in _pieces(one.low, one.high):
        ends = [(frame.x(one.x[i]), frame.y(one.low[i]), frame.y(one.high[i])) for i in piece]
        edge = [f"{p:.1f} {b:.1f}" for p, _, b in ends] + [f"{p:.1f} {a:.1f}" for p, a, _ in ends[::-1]]
        stroke = f";stroke:{colour};stroke-width:5" if len(piece) == 1 else ""
        yield Markup('<path d="M{}Z" style="fill:{}{};opacity:{:.2g}"/>').format(
            "L".join(edge), colour, stroke, opacity
        )


def _drawn(one: Series, frame: _Frame, colour: str, dash: str) -> Iterator[Markup]:
    """The line in pieces between gaps; a point without a neighbour is a dot."""
    path, dots = [], []
    for piece in _pieces(one.y):
        places = [f"{frame.x(one.x[i]):.1f} {frame.y(one.y[i]):.1f}" for i in piece]
        path.append("M" + "L".join(places))
        if len(piece) == 1:
            dots.append(Markup('<circle cx="{}" cy="{}" r="3" style="fill:{}"/>').format(*places[0].split(), colour))
    if path:
        style = f"fill:none;stroke:{colour};stroke-width:2{dash}"
        yield Markup('<path d="{}" style="{}"><title>{}</title></path>').format(
            "".join(path), style, words.visible(one.name)
        )
    yield from dots


def _pieces(*heights: Sequence[float]) -> list[list[int]]:
    """Places that follow one another without a gap, which is where a height is not finite."""
    made: list[list[int]] = [[]]
    for i, each in enumerate(zip(*heights, strict=True)):
        if all(map(isfinite, each)):
            made[-1].append(i)
        elif made[-1]:
            made.append([])
    return [piece for piece in made if piece]


def _grid(axes: Axes, frame: _Frame, up: Sequence[float], called: Sequence[str]) -> Iterator[Markup]:
    for height, label in zip(up, called, strict=True):
        yield line(frame.left, frame.y(height), frame.right, frame.y(height), "g")
        yield text(frame.left - 6, frame.y(height) + 4, label, "e d")
    across = ticks.whole(int(axes.x[1])) if axes.steps else ticks.within(*axes.x)
    for place, label in zip(across, ticks.labels(across), strict=True):
        yield text(frame.x(place), frame.bottom + 15, label, "m d")
    yield text(frame.right, frame.bottom + 31, axes.across, "e d")
    yield text(8, 11, axes.up, "d")


def _marks(axes: Axes, frame: _Frame) -> Iterator[Markup]:
    """The lines, and above them what they are: to the right of the first, or else to the left of the last."""
    for mark in axes.marks:
        yield line(frame.x(mark), _TOP - 6, frame.x(mark), frame.bottom, "o")
    if axes.marks and axes.said:
        first, last = frame.x(axes.marks[0]) - 1, frame.x(axes.marks[-1]) + 1
        fits = first + _LETTER * len(axes.said) <= WIDTH
        yield text(first if fits else last, _TOP - 11, axes.said, "" if fits else "e")


def _beside(
    series: Sequence[Series], names: Sequence[str], looks: Sequence[tuple[str, str, str]], frame: _Frame
) -> Iterator[Markup]:
    """A sample of each line and its name, as near to where it ends as there is room for."""
    ends: list[tuple[float, int]] = []
    for i, one in enumerate(series):
        last = next((value for value in reversed(one.y) if isfinite(value)), None)
        ends.append((frame.bottom + 1 if last is None else round(frame.y(last), 1), i))
    ends.sort()
    for at, (_, i) in zip(_apart([end for end, _ in ends], frame.bottom - 4), ends, strict=True):
        start = frame.right + 10
        if series[i].drawn:
            style = f"fill:none;stroke:{looks[i][0]};stroke-width:2{looks[i][2]}"
            yield Markup('<path d="M{:.1f} {:.1f}h{:.1f}" style="{}"/>').format(start, at, _SAMPLE, style)
        yield text(start + _SAMPLE + 5, at + 4, names[i], "" if series[i].drawn and not series[i].quiet else "d")


def _apart(heights: Sequence[float], bottom: float) -> list[float]:
    """Places for names that would otherwise stand on one another, as near to their lines as there is room for."""
    made = list[float]()
    for height in heights:
        made.append(max(height, made[-1] + _NEXT) if made else height)
    # What was pushed below the picture goes up again, and pushes what is above it.
    lowest = bottom
    for i in range(len(made) - 1, -1, -1):
        made[i] = min(made[i], lowest)
        lowest = made[i] - _NEXT
    return made
