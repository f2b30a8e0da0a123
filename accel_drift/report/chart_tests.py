"""Pictures of tests: the effects of one detector on its bands, and a null beside what was observed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accel_drift.finding import Severity, Status
from accel_drift.report import words
from accel_drift.report.pictures import NullPicture
from accel_drift.report.svg import bars, clipped, grid_step, line, room, svg, text

_WIDTH = 540.0
_Place = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class EffectBar:
    """One row of the effects picture."""

    label: str
    effect: float
    interval: tuple[float, float] | None
    status: Status
    severity: Severity

    @property
    def kind(self) -> str:
        """The bar's class."""
        if self.status is Status.DRIFTED:
            return f"s-{self.severity}"
        return "s-small" if self.status is Status.SIGNIFICANT_SMALL else "s-none"

    @property
    def word(self) -> str:
        """The severity of a drift, else the status."""
        return str(self.severity) if self.status is Status.DRIFTED else words.STATUS_WORDS[self.status]


def effects(rows: Sequence[EffectBar], bands: Sequence[float], spoken: str) -> Markup:
    """Bars of one detector's effects with their intervals, on the bands where severity begins."""
    left, right, row = room((clipped(item.label) for item in rows), 150.0), 104.0, 22.0
    low, high = effect_range(rows, bands)
    scale = (_WIDTH - left - right) / (high - low)

    def at(value: float) -> float:
        return left + (min(max(value, low), high) - low) * scale

    marks, lanes = _band_labels([b for b in bands if b < high], at)
    top = 8 + 14.0 * lanes
    bottom = top + row * len(rows)
    parts = _zones(bands, high, at, top, bottom)
    if any(item.status is Status.DRIFTED and item.effect < 0 for item in rows):
        # A detector that looks both ways: a fall counts as a rise does.
        parts += _zones(bands, -low, lambda value: at(-value), top, bottom)
    parts += marks
    tick, _ = grid_step(max(high, -low))
    for i in range(math.ceil(low / tick), math.floor(high / tick) + 1):
        parts += [
            line(at(i * tick), top, at(i * tick), bottom, "g"),
            text(at(i * tick), bottom + 14, f"{i * tick:.4g}", "m d"),
        ]
    parts.append(line(at(0), top, at(0), bottom, "t"))
    for i, item in enumerate(rows):
        parts += _effect_row(item, top + i * row, left, at)
        beyond = " \u25b8" if item.effect > high else ""
        label = f"{words.number(item.effect, 2)} {item.word}{beyond}"
        parts.append(text(_WIDTH - right + 8, top + i * row + 15, label))
    return svg(_WIDTH, bottom + 20, spoken, parts)


def _effect_row(item: EffectBar, y: float, left: float, at: _Place) -> list[Markup]:
    """Name, bar and whiskers."""
    start, end = sorted((at(0), at(item.effect)))
    parts = [text(left - 8, y + 15, clipped(item.label), "e")]
    parts.append(bars([(start, y + 6, max(end - start, 1.0), 10)], item.kind))
    if item.interval is not None:
        a, b = at(item.interval[0]), at(item.interval[1])
        stroke = f"M{a:.1f} {y + 8:.1f}v6m0-3H{b:.1f}m0-3v6"
        # Drawn twice: a light edge keeps the whisker apart from a dark bar.
        parts += [Markup('<path class="{}" d="{}"/>').format(kind, stroke) for kind in ("h", "w")]
    return parts


def effect_range(rows: Sequence[EffectBar], bands: Sequence[float]) -> tuple[float, float]:
    """Ends of the axis: all effects and intervals, but no further than four times the last band.

    One huge effect would otherwise squeeze the bands, and everything near them, into the left edge.
    """
    values = [0.0] + [item.effect for item in rows]
    values += [end for item in rows if item.interval is not None for end in item.interval]
    values = [value for value in values if math.isfinite(value)]
    low, high = min(values), max(values)
    if bands:
        high = min(max(high, bands[0] * 1.25), bands[-1] * 4)
        low = max(low, -bands[-1] * 4)
    if high - low <= 0:
        return 0.0, 1.0
    return low - 0.01 * (high - low) * (low < 0), high + 0.02 * (high - low)


def _zones(bands: Sequence[float], high: float, at: _Place, top: float, bottom: float) -> list[Markup]:
    parts = []
    for i, begin in enumerate(bands):
        end = bands[i + 1] if i + 1 < len(bands) else high
        if begin < high:
            x, stop = sorted((at(begin), at(end)))
            parts.append(bars([(x, top, stop - x, bottom - top)], f"z{i}"))
    return parts


def _band_labels(bands: Sequence[float], at: _Place) -> tuple[list[Markup], int]:
    """Names over the zones, moved up a lane where they would touch the one before."""
    parts: list[Markup] = []
    free_from: list[float] = []
    names = [f"{name} {band:g}" for name, band in zip(("watch", "warning", "critical"), bands, strict=False)]
    spots: list[tuple[float, int, str]] = []
    for name, band in zip(names, bands, strict=False):
        x = at(band)
        lane = next((i for i, free in enumerate(free_from) if free <= x), len(free_from))
        if lane == len(free_from):
            free_from.append(0.0)
        free_from[lane] = x + 6.6 * len(name) + 8
        spots.append((x, lane, name))
    lanes = len(free_from)
    for x, lane, name in spots:
        y = 12 + 14.0 * lane
        parts += [line(x, y - 8, x, 8 + 14.0 * lanes, "z"), text(x + 3, y, name, "zt")]
    return parts, lanes


def null_histogram(picture: NullPicture) -> Markup:
    """The statistic's null distribution, with the observed value as a line."""
    top, bottom, side = 26.0, 150.0, 6.0
    low, high = min(picture.edges[0], picture.observed), max(picture.edges[-1], picture.observed)
    pad = 0.03 * (high - low) or 1.0
    low, high = low - pad, high + pad
    scale = (_WIDTH - 2 * side) / (high - low)
    spans = list(zip(picture.edges[:-1], picture.edges[1:], picture.counts, strict=True))
    # Counts over widths: bars of unequal width must compare by area.
    heights = [c / (b - a) if b > a else 0.0 for a, b, c in spans]
    most = max(heights, default=0.0) or 1.0
    boxes = []
    for (a, b, _), h in zip(spans, heights, strict=True):
        tall = h / most * (bottom - top)
        boxes.append((side + (a - low) * scale, bottom - tall, max((b - a) * scale - 1, 0.5), tall))
    x = side + (picture.observed - low) * scale
    label = f"observed {words.number(picture.observed)}, p = {words.p_text(picture.p_value)}"
    parts = [
        bars(boxes, "null"),
        line(side, bottom, _WIDTH - side, bottom, "t"),
        line(x, 8, x, bottom, "o"),
        text(x + (-6 if x > _WIDTH / 2 else 6), 16, label, "e b" if x > _WIDTH / 2 else "b"),
    ]
    tick, _ = grid_step(max(abs(low), abs(high)))
    ticks = [i * tick for i in range(math.ceil(low / tick), math.floor(high / tick) + 1)]
    parts += [text(side + (value - low) * scale, bottom + 16, f"{value:.4g}", "m d") for value in ticks]
    spoken = f"Null distribution of {picture.detector} from {sum(picture.counts)} draws; {label}"
    return svg(_WIDTH, bottom + 22, spoken, parts)
