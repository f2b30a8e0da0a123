"""Pictures of one column: how its rows fall into cells, reference beside batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from accel_drift.report import words
from accel_drift.report.pictures import Distribution
from accel_drift.report.svg import bars, clipped, grid_step, line, room, svg, text

MOST_CELLS = 20
"""Numeric cells beyond this are joined with their neighbours: two bars a cell must stay apart."""
MOST_CATEGORIES = 12
_WIDTH, _LEFT, _RIGHT = 340.0, 42.0, 4.0
_SMALL = (160.0, 40.0)


def distribution(picture: Distribution) -> Markup:
    """The shares of reference and batch in each cell."""
    return _numeric(picture) if picture.kind == "numeric" else _categories(picture)


def thumbnail(picture: Distribution) -> Markup:
    """The same in small, without a word: the reference as a filled outline, the batch as a line over it."""
    if picture.kind == "numeric":
        cells = _cells(picture)
        pairs = [*zip(cells.reference, cells.batch, strict=True), *((r, b) for _, r, b in cells.special)]
    else:
        pairs = [(r, b) for _, r, b in _category_rows(picture)]
    most = max([max(pair) for pair in pairs] or [0.0]) or 1.0
    step, scale = _SMALL[0] / max(len(pairs), 1), (_SMALL[1] - 2) / most
    outlines = []
    for side in (0, 1):
        heights = [_SMALL[1] - pair[side] * scale for pair in pairs]
        outlines.append("".join(f"V{y:.1f}h{step:.2f}" for y in heights))
    return Markup(
        '<svg viewBox="0 0 {:.0f} {:.0f}" aria-hidden="true"><path class="ref" d="M0 {:.0f}{}V{:.0f}z"/>'
        '<path class="line" d="M0 {:.0f}{}V{:.0f}"/></svg>'
    ).format(*_SMALL, _SMALL[1], outlines[0], _SMALL[1], _SMALL[1], outlines[1], _SMALL[1])


@dataclass(frozen=True, slots=True)
class _Cells:
    """Shares to draw: of numeric cells, and of the special ones (missing) that stand apart."""

    edges: tuple[float, ...]
    reference: tuple[float, ...]
    batch: tuple[float, ...]
    special: tuple[tuple[str, float, float], ...]


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [c / total if total else 0.0 for c in counts]


def _cells(picture: Distribution) -> _Cells:
    """Shares of all rows, with neighbouring cells joined until at most MOST_CELLS are left."""
    reference, batch = _shares(picture.reference), _shares(picture.batch)
    k = min(len(picture.edges) + 1, len(reference))
    step = max(1, math.ceil(k / MOST_CELLS))
    special = [
        (label, r, b)
        for label, r, b in zip(picture.labels[k:], reference[k:], batch[k:], strict=False)
        if r > 0 or b > 0
    ]
    return _Cells(
        tuple(picture.edges[step - 1 : k - 1 : step]),
        tuple(sum(reference[i : min(i + step, k)]) for i in range(0, k, step)),
        tuple(sum(batch[i : min(i + step, k)]) for i in range(0, k, step)),
        tuple(special),
    )


def edge_labels(edges: Sequence[float]) -> list[str]:
    """The edges with just as many digits as tell neighbours apart."""
    labels: list[str] = []
    for digits in range(3, 18):
        labels = [_edge_text(edge, digits) for edge in edges]
        if len(set(labels)) == len(set(edges)):
            break
    return labels


def _numeric(picture: Distribution) -> Markup:
    """Paired bars, every cell equally wide, with the cut points written under the gaps.

    Cells are close to quantiles of the reference and the outer ones have no end, so a true x axis would
    squeeze nearly all rows into a sliver and could not draw the tails at all. Here the reference is nearly
    flat, and what departs from flat is drift.
    """
    cells = _cells(picture)
    top, bottom = 36.0, 156.0
    slots = len(cells.reference) + (len(cells.special) + 0.4 if cells.special else 0.0)
    step = (_WIDTH - _LEFT - _RIGHT) / max(slots, 1.0)
    pairs = [(i * step + _LEFT, r, b) for i, (r, b) in enumerate(zip(cells.reference, cells.batch, strict=True))]
    first_special = _LEFT + (len(cells.reference) + 0.4) * step
    pairs += [(first_special + i * step, r, b) for i, (_, r, b) in enumerate(cells.special)]
    most = max([max(r, b) for _, r, b in pairs] or [0.0]) or 1.0
    tick, grid = grid_step(most)
    scale = (bottom - top) / (tick * grid)
    parts = [*_legend()]
    for i in range(grid + 1):
        y = bottom - i * tick * scale
        parts += [
            line(_LEFT, y, _WIDTH - _RIGHT, y, "g"),
            text(_LEFT - 4, y + 4, f"{100 * i * tick:.3g} %", "e d"),
        ]
    width = min(step * 0.42, 26.0)
    parts.append(bars([(x + step / 2 - width, bottom - r * scale, width, r * scale) for x, r, _ in pairs], "ref"))
    parts.append(bars([(x + step / 2, bottom - b * scale, width, b * scale) for x, _, b in pairs], "bat"))
    parts += _edge_texts(cells, step, bottom + 14)
    parts += [
        text(min(first_special + (i + 0.5) * step, _WIDTH - 24), bottom + 14, clipped(label, 9), "m d")
        for i, (label, _, _) in enumerate(cells.special)
    ]
    parts += _largest_change(pairs, step, bottom, scale)
    return svg(_WIDTH, bottom + 20, _spoken(picture), parts)


def _edge_text(edge: float, digits: int) -> str:
    """A cut point: 2013 and not 2.01e+03."""
    if 1e3 <= abs(edge) < 1e7:
        return f"{edge:.{max(digits - 4, 0)}f}"
    return f"{edge:.{digits}g}"


def _edge_texts(cells: _Cells, step: float, y: float) -> list[Markup]:
    """The cut points, as many as fit without touching."""
    labels = edge_labels(cells.edges)
    if not labels:
        return []
    widest = 6.4 * max(len(label) for label in labels) + 6
    every = max(1, math.ceil(widest / step))
    parts = []
    for i in range((len(labels) - 1) % every // 2, len(labels), every):
        x = _LEFT + (i + 1) * step
        if cells.special and x + widest / 2 > _WIDTH - 50:
            continue  # the word "missing" stands there
        parts += [line(x, y - 14, x, y - 10, "t"), text(x, y, labels[i], "m d")]
    return parts


def _largest_change(
    pairs: Sequence[tuple[float, float, float]], step: float, bottom: float, scale: float
) -> list[Markup]:
    """The label of the cell where the two sides differ most, if they do by over two points."""
    if not pairs:
        return []
    x, r, b = max(pairs, key=lambda pair: abs(pair[2] - pair[1]))
    if abs(b - r) < 0.02:
        return []
    near = min(max(x + step / 2, _LEFT + 44), _WIDTH - 50)
    return [text(near, bottom - max(r, b) * scale - 4, f"{100 * (b - r):+.0f} points", "m l")]


def _legend() -> list[Markup]:
    return [
        bars([(_LEFT, 3, 10, 10)], "ref"),
        text(_LEFT + 14, 12, "reference", "rt"),
        bars([(_LEFT + 84, 3, 10, 10)], "bat"),
        text(_LEFT + 98, 12, "batch", "bt"),
    ]


def _categories(picture: Distribution) -> Markup:
    """Paired horizontal bars: the largest categories of either side, then the others, then missing."""
    rows = _category_rows(picture)
    names = [clipped(label, 14) for label, _, _ in rows]
    left, right, row, top = room(names, 108.0), 42.0, 34.0, 24.0
    most = max([max(r, b) for _, r, b in rows] or [0.0]) or 1.0
    scale = (_WIDTH - left - right) / most
    parts = [*_legend()]
    reference, batch = [], []
    for i, (_, r, b) in enumerate(rows):
        y = top + i * row
        parts.append(text(left - 6, y + 18, names[i], "e"))
        reference.append((left, y, r * scale, 13.0))
        batch.append((left, y + 14, b * scale, 13.0))
        parts.append(text(left + r * scale + 4, y + 10.5, words.share(r), "d"))
        parts.append(text(left + b * scale + 4, y + 24.5, words.share(b)))
    parts += [bars(reference, "ref"), bars(batch, "bat")]
    return svg(_WIDTH, top + row * len(rows), _spoken(picture), parts)


def _category_rows(picture: Distribution) -> list[tuple[str, float, float]]:
    rows = list(zip(picture.labels, _shares(picture.reference), _shares(picture.batch), strict=True))
    tail: dict[str, tuple[float, float]] = {}
    while rows and rows[-1][0] in ("other", "missing") and rows[-1][0] not in tail:
        label, reference, batch = rows.pop()
        tail[label] = (reference, batch)
    rows.sort(key=lambda item: -max(item[1], item[2]))
    kept, rest = rows[:MOST_CATEGORIES], rows[MOST_CATEGORIES:]
    if rest:
        was = tail.get("other", (0.0, 0.0))
        tail["other"] = (was[0] + sum(r for _, r, _ in rest), was[1] + sum(b for _, _, b in rest))
        name = "other" if was != (0.0, 0.0) else f"{len(rest)} others"
    else:
        name = "other"
    last = [(shown, *tail[key]) for key, shown in (("other", name), ("missing", "missing")) if key in tail]
    return kept + [row for row in last if max(row[1:]) > 0]


def _spoken(picture: Distribution) -> str:
    """What a screen reader says instead of the bars: the cells that changed most."""
    shares = zip(picture.labels, _shares(picture.reference), _shares(picture.batch), strict=True)
    changes = sorted(shares, key=lambda item: -abs(item[2] - item[1]))[:3]
    listed = "; ".join(
        f"{clipped(label, 40)} {words.share(r)} in the reference, {words.share(b)} in the batch"
        for label, r, b in changes
    )
    return f"Distribution of {clipped(picture.column, 80)}. Largest changes: {listed}"
