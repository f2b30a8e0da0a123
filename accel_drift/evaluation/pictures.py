"""The pictures of a study: ROC curves, and scores batch by batch with the true onset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from accel_drift.evaluation import metrics
from accel_drift.evaluation.charts import WIDTH, Axes, Series, plane, together
from accel_drift.evaluation.intervals import Floats
from accel_drift.evaluation.summary import Seed, by_seed, groups
from accel_drift.report.pdf import with_styled_pictures
from accel_drift.report.svg import clipped, svg, text

if TYPE_CHECKING:
    from accel_drift.evaluation.results import Results

_GRID = np.linspace(0.0, 1.0, 101)
"""False-alarm rates of a curve that would have more corners."""
PANEL = 160.0
"""Height of the picture of one contender's scores."""
_LARGEST = 1e300
"""Scores beyond it are drawn there: spans of axes must be finite."""


def alone(picture: Markup) -> str:
    """An SVG image that stands by itself, on a light ground: a picture of a page takes its colours from there."""
    root, _, rest = str(picture).partition(">")
    width, height = root.partition('viewBox="0 0 ')[2].split('"')[0].split()
    ground = f'<path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/>'
    styled = with_styled_pictures(root + ">") + ground + rest
    return styled.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1)


def roc(results: Results, scene: str) -> Markup:
    """The mean ROC curve of each contender; empty axes where nothing drifts or nothing is clean."""
    series, wanted = list[Series](), False
    for (scenario, name), rows in groups(results.table):
        if scenario == scene:
            seeds, dummy = by_seed(rows), name in results.dummies
            wanted |= any(s.drifted.any() and s.before.any() for s in seeds)
            series.append(Series(name, *_mean_curve(seeds), dummy))
    # A score that is always the same puts no batch before another: its curve is the diagonal, by definition.
    series = [
        replace(one, name=f"{one.name}: no ranking") if one.quiet and one.drawn and np.allclose(one.x, one.y) else one
        for one in together(series)
    ]
    spoken = f"ROC curves on {scene} of {', '.join(one.name for one in series if one.drawn) or 'no contender'}"
    axes = Axes("false-alarm rate", "detection rate", (0, 1), (0, 1), empty="needs clean and drifted batches")
    return plane(series if wanted else [], axes, spoken)


def scores(results: Results, scene: str) -> Markup:
    """One panel a contender, below one another."""
    found = panels(results, scene)
    if not found:
        return plane([], Axes("batch", "score", (1, 1), (0, 1), empty="no scores", steps=True), f"No scores on {scene}")
    step, drawn = PANEL + 24.0, list[Markup]()
    for i, (name, picture) in enumerate(found):
        placed = Markup('<svg y="{:.0f}" width="{:.0f}" height="{:.0f}" ').format(i * step + 22, WIDTH, PANEL)
        drawn += [text(8, i * step + 14, clipped(name, 70), "b"), placed + picture.removeprefix("<svg ")]
    return svg(WIDTH, len(found) * step, f"Scores by batch on {scene}", drawn)


def panels(results: Results, scene: str) -> list[tuple[str, Markup]]:
    """The score of each contender batch by batch: the median over seeds, the middle 80 %, the true onset."""
    made: list[tuple[str, Markup]] = []
    for (scenario, name), rows in groups(results.table):
        if scenario == scene and name not in results.dummies:
            seeds = by_seed(rows)
            picture = _panel(seeds, f"Score of {name} by batch on {scene}")
            if picture is not None:
                made.append((name, picture))
    return made


def _mean_curve(seeds: list[Seed]) -> tuple[list[float], list[float]]:
    """The mean over seeds of their curves, at every false-alarm rate at which one of them has a corner; or nothing."""
    curves = []
    for s in seeds:
        truth, mine = s.drifted[s.judged], s.scores[s.judged]
        if truth.any() and not truth.all() and not np.isnan(mine).all():
            curves.append(metrics.roc_curve(mine, truth))
    if not curves:
        return [], []
    corners = np.unique(np.concatenate([wrong for wrong, _ in curves]))
    grid = corners if len(corners) <= len(_GRID) else _GRID
    ends = np.mean([_ends(wrong, hits, grid) for wrong, hits in curves], axis=0)
    # Where a curve goes straight up it has two heights.
    return np.repeat(grid, 2).tolist(), ends.T.ravel().tolist()


def _ends(wrong: Floats, hits: Floats, grid: Floats) -> Floats:
    """The least and the greatest detection rate of a curve at each false-alarm rate, (2, n)."""
    slanted = np.interp(grid, wrong, hits)
    places = np.searchsorted(wrong, grid), np.searchsorted(wrong, grid, side="right") - 1
    return np.stack([np.where(wrong[at] == grid, hits[at], slanted) for at in places])


def _panel(seeds: list[Seed], spoken: str) -> Markup | None:
    count = max(len(s.scores) for s in seeds)
    stacked = np.full((len(seeds), count), np.nan)
    for i, s in enumerate(seeds):
        stacked[i, : len(s.scores)] = s.scores
    # No score, and one without end, is a gap.
    stacked[~np.isfinite(stacked)] = np.nan
    stacked = np.clip(stacked, -_LARGEST, _LARGEST)
    known = ~np.isnan(stacked).all(axis=0)
    if not known.any():
        return None
    low, middle, high = np.full((3, count), np.nan)
    low[known], middle[known], high[known] = np.nanquantile(stacked[:, known], [0.1, 0.5, 0.9], axis=0)
    onsets = sorted({float(s.drifted.argmax()) + 1 for s in seeds if s.drifted.any()})
    axes = Axes(
        "batch",
        "score",
        (1, count) if count > 1 else (0.5, 1.5),
        _span(float(np.nanmin(low)), float(np.nanmax(high))),
        marks=tuple(onsets[:: max(1, len(onsets) - 1)]),
        said="drift begins" if len(onsets) < 2 else "drift begins: earliest and latest seed",
        height=PANEL,
        names=False,
        steps=True,
    )
    line = Series("", range(1, count + 1), middle.tolist(), False, low.tolist(), high.tolist())
    return plane([line], axes, spoken)


def _span(low: float, high: float) -> tuple[float, float]:
    """What an axis of scores spans: 0 as well, unless scores differ by less than they are away from it."""
    if low == high:
        return (min(low, 0.0), max(high, 0.0) if low else 1.0)
    return (0.0 if 0 < low <= high - low else low, 0.0 if low - high <= high < 0 else high)
