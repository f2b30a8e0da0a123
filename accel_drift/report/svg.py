"""The strokes that the report's pictures are made of: inline SVG, every text of it escaped by Markup.format.

Colours are classes that the page's style sheet defines, for light and for dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from accel_drift.report import words


def svg(width: float, height: float, label: str, parts: Sequence[Markup]) -> Markup:
    """A picture that scales with the page; `label` is what a screen reader says."""
    return Markup('<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        width, height, words.visible(label), Markup("").join(parts)
    )


def text(x: float, y: float, label: str, kind: str = "") -> Markup:
    """A label; `kind` is its classes (m middle, e end, d dim, b bold, l with a light edge)."""
    label = words.visible(label)
    if kind:
        return Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>').format(x, y, kind, label)
    return Markup('<text x="{:.1f}" y="{:.1f}">{}</text>').format(x, y, label)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line of the class `kind`."""
    return Markup('<path class="{}" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(kind, x1, y1, x2, y2)


def bars(rectangles: Sequence[tuple[float, float, float, float]], kind: str) -> Markup:
    """All bars of one series as one path, which keeps a page of 200 columns small."""
    boxes = (f"M{x:.1f} {y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z" for x, y, w, h in rectangles if w > 0 and h > 0)
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(boxes))


def clipped(name: str, most: int = 20) -> str:
    """A name cut in its middle to what fits: names may begin alike and differ at the end, or the reverse."""
    name = words.visible(name)
    tail = most // 3
    return name if len(name) <= most else f"{name[: most - tail - 1]}\u2026{name[-tail:]}"


def room(labels: Iterable[str], most: float) -> float:
    """Width to keep for labels beside a picture, at most `most`."""
    return min(most, 10 + 7.0 * max((len(label) for label in labels), default=0))


def grid_step(most: float) -> tuple[float, int]:
    """A round step and how many of them reach over `most`, at most four."""
    power = 10.0 ** math.floor(math.log10(most))
    for factor in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        tick = factor * power
        if tick * 4 >= most:
            return tick, max(1, math.ceil(most / tick - 1e-9))
    return 10.0 * power, 1
