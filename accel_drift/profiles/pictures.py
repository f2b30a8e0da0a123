"""The numbers behind a report's pictures: counts of cells, never a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.report.pictures import Distribution, NullPicture
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import CategoryPair, NumericPair

CELLS = 24
"""Cells of a numeric picture at most."""

CATEGORIES = 30
"""Categories of a picture at most; the rest are counted together."""

_BARS = 40


def distributions(comparison: Comparison) -> tuple[Distribution, ...]:
    """How the rows of every compared column fall into cells, on both sides."""
    found: dict[str, Distribution] = {}
    for pair in comparison.numeric:
        found.update((d.column, d) for d in _numeric(pair))
    for column in comparison.categorical:
        found[column.name] = _categorical(column, comparison.kind(column.name))
    return tuple(found[n] for n in comparison.names if n in found)


def null_pictures(outcomes: Sequence[Outcome]) -> tuple[NullPicture, ...]:
    """Histograms of what chance makes of the joint statistics."""
    return tuple(
        _null(o, o.null, o.statistic, o.p_value)
        for o in outcomes
        if len(o.columns) > 1 and o.null is not None and o.statistic is not None and o.p_value is not None
    )


def _null(o: Outcome, null: npt.NDArray[np.float64], observed: float, p_value: float) -> NullPicture:
    counts, edges = np.histogram(null, bins=_BARS)
    return NullPicture(
        o.detector, o.column, tuple(map(float, edges)), tuple(map(int, counts)), float(observed), float(p_value)
    )


def _numeric(pair: NumericPair) -> list[Distribution]:
    """Equal widths between the outer fine cells, or a cell for each value where there are few."""
    cuts = np.stack([_cuts(edges, int(k)) for edges, k in zip(pair.fine_edges, pair.distinct, strict=True)])
    counts = pair.counted(cuts)
    out = []
    for j, name in enumerate(pair.names):
        a, b = (side[0] if len(side) == 1 else side.sum(axis=0) for side in counts.column(j))
        # Padded cuts repeat the last one: the cells between them are empty and not drawn.
        real = np.concatenate([[True], cuts[j, 1:] > cuts[j, :-1]])
        keep = np.concatenate([real, [True, bool(a[-1] or b[-1])]])
        edges = cuts[j][real]
        labels = [f"<= {_text(edges[0])}", *(_text(e) for e in edges[1:]), f"> {_text(edges[-1])}"]
        labels += ["missing"] if keep[-1] else []
        out.append(
            Distribution(
                name,
                "numeric",
                tuple(labels),
                tuple(float(e) for e in edges),
                tuple(map(int, a[keep])),
                tuple(map(int, b[keep])),
            )
        )
    return out


def _cuts(edges: npt.NDArray[Any], distinct: int) -> npt.NDArray[Any]:
    """CELLS - 1 ascending cut points of the column's own dtype, the last repeated where fewer do."""
    finite = np.unique(edges[np.isfinite(edges)] if edges.dtype.kind == "f" else edges)
    if len(finite) == 0:
        return np.zeros(CELLS - 1, edges.dtype)
    low, high = finite[0], finite[-1]
    if distinct <= CELLS:
        made = finite[: CELLS - 1]
    elif edges.dtype.kind == "f":
        # Not high - low, which overflows between the largest floats.
        t = np.linspace(0.0, 1.0, CELLS - 1)
        made = np.unique((float(low) * (1 - t) + float(high) * t).astype(edges.dtype))
    else:
        steps = range(CELLS - 1)
        between = [int(low) + (int(high) - int(low)) * i // (CELLS - 2) for i in steps]
        made = np.unique(np.array(between, dtype=edges.dtype))
    return np.concatenate([made, np.repeat(made[-1:], CELLS - 1 - len(made))])


def _categorical(pair: CategoryPair, kind: Kind) -> Distribution:
    a, b = pair.counts.sides
    k = len(pair.categories)
    top = np.argsort(-(a + b)[:k], kind="stable")[:CATEGORIES]
    rest = np.setdiff1d(np.arange(k), top)
    labels = [pair.categories[i] for i in top]
    sides = [[int(v) for v in side[top]] for side in (a, b)]
    for label, rows in (("other", rest), ("missing", np.array([k]))):
        if len(rows) and (a[rows].sum() or b[rows].sum()):
            labels.append(label)
            for out, side in zip(sides, (a, b), strict=True):
                out.append(int(side[rows].sum()))
    return Distribution(pair.name, str(kind), tuple(labels), (), tuple(sides[0]), tuple(sides[1]))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)
