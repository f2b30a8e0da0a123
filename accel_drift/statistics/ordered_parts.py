"""What a distance between distribution functions is made of: cells along the line, and how much each adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import ordered_cells
from accel_drift.statistics.ordered import Column, Floats

CELLS = 16
"""Parts at most, missing and the place of the largest gap not counted."""


def by_cell(column: Column, contributions: Floats, *, whole: bool) -> tuple[Part, ...]:
    """Contributions of the fine cells (k,) added up in at most `CELLS` cells of about as many pooled rows.

    Args:
        column: the column.
        contributions: what each fine cell adds, in the statistic's unit.
        whole: whether they add up to the statistic, so that a share of it means something.
    """
    a, b = column.fine.sides
    pooled = (a + b)[:-1]
    filled = np.flatnonzero(pooled)
    after = np.cumsum(pooled[filled])
    if len(filled) <= CELLS:
        group = np.arange(len(filled))
    else:
        group = np.minimum((2 * after - pooled[filled]) * CELLS // (2 * after[-1]), CELLS - 1)
    total = float(contributions.sum())
    made = []
    for g in np.unique(group):
        cells = filled[group == g]
        x, y = int(a[cells].sum()), int(b[cells].sum())
        value = float(contributions[cells].sum())
        share = value / total if whole and total and np.isfinite(total) else None
        made.append(Part(_label(column, cells), "bin", value, share, _direction(column, x, y), x, y))
    made.sort(key=lambda part: -abs(part.contribution))
    if a[-1] + b[-1]:
        # These tests leave missing rows out; a reader should see how many there are.
        made.append(Part("missing", "missing", 0.0, None, _missing_direction(a, b), int(a[-1]), int(b[-1])))
    return tuple(made)


def largest_gap(column: Column) -> Part:
    """Where the two distribution functions lie furthest apart."""
    a, b = column.fine.sides
    apart = ordered_cells.difference(a, b)
    at = int(np.abs(apart).argmax())
    x, y = int(a[: at + 1].sum()), int(b[: at + 1].sum())
    n, m = column.rows
    edges = column.pair.fine_edges[column.place]
    value = _number(edges[min(at, len(edges) - 1)] if len(edges) else column.pair.fine_middles[column.place][0])
    label = f"at {value}: {x / n:.0%} of reference and {y / m:.0%} of batch lie at or below"
    return Part(label, "bin", float(apart[at]), 1.0, _direction(column, x, y), x, y)


def _label(column: Column, cells: npt.NDArray[np.intp]) -> str:
    """`(12.5, 20]`, or the value where there is only one."""
    first, last = int(cells[0]), int(cells[-1])
    if first == last and column.pair.one_value(column.place, first):
        return _number(column.pair.fine_middles[column.place][first])
    cuts = column.pair.fine_edges[column.place]
    low = "(-inf" if first == 0 else f"({_number(cuts[first - 1])}"
    return f"{low}, inf)" if last == len(cuts) else f"{low}, {_number(cuts[last])}]"


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, np.integer) else f"{float(value):.6g}"


def _direction(column: Column, x: int, y: int) -> str:
    n, m = column.rows
    return _compared(x * m, y * n)


def _missing_direction(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> str:
    return _compared(int(a[-1]) * int(b.sum()), int(b[-1]) * int(a.sum()))


def _compared(reference: int, batch: int) -> str:
    return "same" if reference == batch else ("more" if batch > reference else "less")
