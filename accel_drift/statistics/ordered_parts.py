"""What a distance between distribution functions is made of: cells along the line, and how much each adds."""

from __future__ import annotations

from typing import Any

import numpy as np

from accel_drift.finding import Part
from accel_drift.statistics import ordered_cells
from accel_drift.statistics.ordered import Columns, Floats
from accel_drift.statistics.pairs import Counts

CELLS = 16
"""Parts at most, missing and the place of the largest gap not counted."""


def by_cell(columns: Columns, contributions: Floats, *, whole: bool) -> list[tuple[Part, ...]]:
    """Contributions of the fine cells added up in at most `CELLS` cells of about as many pooled rows.

    Args:
        columns: the columns.
        contributions: (c, FINE) what each fine cell adds, in the statistic's unit.
        whole: whether they add up to the statistic, so that a share of it means something.
    """
    a, b = columns.fine.sides
    return [_of_column(columns, j, a[j], b[j], contributions[j], whole) for j in range(len(columns.places))]


def _of_column(columns: Columns, j: int, a: Counts, b: Counts, adds: Floats, whole: bool) -> tuple[Part, ...]:
    pooled = (a + b)[:-1]
    filled = np.flatnonzero(pooled)
    after = np.cumsum(pooled[filled])
    group = np.arange(len(filled))
    if len(filled) > CELLS:
        group = np.minimum((2 * after - pooled[filled]) * CELLS // (2 * after[-1]), CELLS - 1)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    sums = [np.add.reduceat(side[filled], starts).tolist() for side in (a, b, adds)]
    first, last = filled[starts].tolist(), filled[np.append(starts[1:], len(filled)) - 1].tolist()
    total = float(adds.sum())
    share = total if whole and total and np.isfinite(total) else None
    sizes = int(columns.rows[0][j]), int(columns.rows[1][j])
    made = [
        Part(label, "bin", value, None if share is None else value / share, _direction(x, y, sizes), x, y)
        for label, x, y, value in zip(_labels(columns, j, first, last), *sums, strict=True)
    ]
    made.sort(key=lambda part: -abs(part.contribution))
    if a[-1] + b[-1]:
        # These tests leave missing rows out; a reader should see how many there are.
        absent = int(a[-1]), int(b[-1])
        missing = _direction(*absent, (int(a.sum()), int(b.sum())))
        made.append(Part("missing", "missing", 0.0, None, missing, *absent))
    return tuple(made)


def largest_gaps(columns: Columns) -> list[Part]:
    """Where the two distribution functions of each column lie furthest apart."""
    apart = ordered_cells.difference(*columns.fine.sides)
    at = np.abs(apart).argmax(axis=1)
    each = np.arange(len(at))
    upto = [np.cumsum(side, axis=1)[each, at].tolist() for side in columns.fine.sides]
    edges, middles = columns.pair.fine_edges[columns.places], columns.pair.fine_middles[columns.places]
    cuts = edges[each, np.minimum(at, edges.shape[1] - 1)] if edges.shape[1] else middles[:, 0]
    sizes = zip(*(side.tolist() for side in columns.rows), strict=True)
    return [
        Part(
            f"at {_number(cut)}: {x / n:.0%} of reference and {y / m:.0%} of batch lie at or below",
            "bin",
            gap,
            1.0,
            _direction(x, y, (n, m)),
            x,
            y,
        )
        for cut, gap, x, y, (n, m) in zip(cuts, apart[each, at].tolist(), *upto, sizes, strict=True)
    ]


def _labels(columns: Columns, j: int, first: list[int], last: list[int]) -> list[str]:
    """`(12.5, 20]` for runs of cells, or the value where there is only one."""
    place = columns.places[j]
    middles, cuts = columns.pair.fine_middles[place], columns.pair.fine_edges[place]
    made = []
    for low, high in zip(first, last, strict=True):
        if low == high and columns.pair.one_value(int(place), low):
            made.append(_number(middles[low]))
            continue
        begin = "(-inf" if low == 0 else f"({_number(cuts[low - 1])}"
        made.append(f"{begin}, inf)" if high == len(cuts) else f"{begin}, {_number(cuts[high])}]")
    return made


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, np.integer) else f"{float(value):.6g}"


def _direction(x: int, y: int, rows: tuple[int, int]) -> str:
    """How the batch's share y / m compares with the reference's x / n; whole numbers compare exactly."""
    reference, batch = x * rows[1], y * rows[0]
    return "same" if reference == batch else ("more" if batch > reference else "less")
