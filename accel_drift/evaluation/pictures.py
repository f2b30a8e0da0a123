"""The pictures of a study: ROC curves, and scores batch by batch with the true onset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from accel_drift.evaluation import metrics
from accel_drift.evaluation.charts import Axes, Series, plane
from accel_drift.evaluation.summary import Seed, by_seed, groups
from accel_drift.report.pdf import with_styled_pictures
from accel_drift.report.svg import svg, text

if TYPE_CHECKING:
    from accel_drift.evaluation.results import Results

_GRID = np.linspace(0.0, 1.0, 101)
PANEL = 150.0
"""Height of the picture of one contender's scores."""
_MOST = 8
"""Contenders whose scores are pictured, the first of the study."""


def alone(picture: Markup) -> str:
    """An SVG image that stands by itself: a picture of a page takes its colours from there."""
    styled = with_styled_pictures(str(picture))
    return styled.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ')


def roc(results: Results, scene: str) -> Markup:
    """The mean ROC curve of each contender; empty axes where nothing drifts or nothing is clean."""
    series = []
    for (scenario, name), rows in groups(results.table):
        if scenario == scene:
            curves = [c for s in by_seed(rows) if (c := _curve(s)) is not None]
            if curves:
                mean = np.mean(curves, axis=0)
                x, y = [0.0, *_GRID.tolist()], [0.0, *mean.tolist()]
                series.append(Series(name, x, y, name in results.dummies))
    spoken = f"ROC curves on {scene} of {', '.join(s.name for s in series) or 'no contender'}"
    return plane(series, Axes("false-alarm rate", "detection rate", (0, 1), (0, 1)), spoken)


def scores(results: Results, scene: str) -> Markup:
    """One panel a contender, below one another."""
    found = panels(results, scene)
    if not found:
        return plane([], Axes("batch", "score", (0, 1), (0, 1)), f"No scores on {scene}")
    step, drawn = PANEL + 18.0, list[Markup]()
    for i, (name, picture) in enumerate(found):
        placed = Markup('<svg y="{:.0f}" width="540" height="{:.0f}" ').format(i * step + 14, PANEL)
        drawn += [text(8, i * step + 11, name, "b"), placed + picture.removeprefix("<svg ")]
    return svg(540, len(found) * step, f"Scores by batch on {scene}", drawn)


def panels(results: Results, scene: str) -> list[tuple[str, Markup]]:
    """The score of each contender batch by batch: the median over seeds, the middle 80 %, the true onset."""
    made: list[tuple[str, Markup]] = []
    for (scenario, name), rows in groups(results.table):
        if scenario == scene and name not in results.dummies and len(made) < _MOST:
            seeds = by_seed(rows)
            picture = _panel(seeds, f"Score of {name} by batch on {scene}")
            if picture is not None:
                made.append((name, picture))
    return made


def _curve(s: Seed) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    truth, mine = s.drifted[s.judged], s.scores[s.judged]
    if not truth.any() or truth.all() or np.isnan(mine).all():
        return None
    wrong, hits = metrics.roc_curve(mine, truth)
    # The highest detection rate at each rate: a curve that goes straight up has several.
    last = np.searchsorted(wrong, _GRID, side="right") - 1
    following = np.minimum(last + 1, len(wrong) - 1)
    width = wrong[following] - wrong[last]
    share = np.where(width > 0, (_GRID - wrong[last]) / np.where(width > 0, width, 1.0), 0.0)
    curve: np.ndarray[tuple[int], np.dtype[np.float64]] = hits[last] + share * (hits[following] - hits[last])
    return curve


def _panel(seeds: list[Seed], spoken: str) -> Markup | None:
    count = max(len(s.scores) for s in seeds)
    stacked = np.full((len(seeds), count), np.nan)
    for i, s in enumerate(seeds):
        stacked[i, : len(s.scores)] = s.scores
    stacked[~np.isfinite(stacked)] = np.nan
    known = ~np.isnan(stacked).all(axis=0)
    if not known.any():
        return None
    low, middle, high = np.full((3, count), np.nan)
    low[known], middle[known], high[known] = np.nanquantile(stacked[:, known], [0.1, 0.5, 0.9], axis=0)
    bottom, top = float(np.nanmin(low)), float(np.nanmax(high))
    onsets = sorted({float(s.drifted.argmax()) for s in seeds if s.drifted.any()})
    axes = Axes(
        "batch",
        "score",
        (0, max(count - 1, 1)),
        (min(bottom, 0.0), top if top > min(bottom, 0.0) else bottom + 1),
        marks=tuple(onsets[:: max(1, len(onsets) - 1)]),
        height=PANEL,
        names=False,
        steps=True,
    )
    line = Series("", range(count), middle.tolist(), False, low.tolist(), high.tolist())
    return plane([line], axes, spoken)
