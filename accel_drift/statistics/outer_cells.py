"""Cells beyond the values that decided where a column is cut, and the value that stands for each cell.

What lies out there counts in distances along the column by how far out it lies, and no row that decided says how far.
"""

from __future__ import annotations

from math import ceil, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import cells, spread

STEPS = tuple(2.0**k for k in range(-4, 7))
"""Where cells end beyond the values, in spreads of the column from its outermost finite value on: 1/16, 1/8 ... 64."""


def cuts(ordered: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Ends of cells beyond ascending values, (c,); none where there are no two finite ones, or no more numbers."""
    finite = ordered[np.isfinite(ordered)] if ordered.dtype.kind == "f" else ordered
    if len(finite) == 0:
        return ordered[:0]
    count = np.array([len(finite)])
    half = float(spread.of_order_statistics(finite[spread.places(count)[0]][None], count, lambda _: finite)[0])
    if not (isfinite(half) and half > 0.0):
        return ordered[:0]
    made = [_moved(end, away * half, step) for end, away in ((finite[0], -1), (finite[-1], 1)) for step in STEPS]
    return np.array([cut for cut in made if cut is not None], dtype=ordered.dtype)


def middles(ordered: npt.NDArray[Any], cuts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """About the median of the values in each cell, (c + 1,), ascending.

    Where there is none it is the middle of the cell's ends. Below the first cut and above the last one nobody knows
    where values will lie: they are taken to lie once more as far out as the cut does from the values, or, where all
    cuts are among these, as the outer cuts are apart.

    Args:
        ordered: (n,) the values, ascending.
        cuts: (c,) where cells end, ascending, all different.
    """
    after = np.searchsorted(ordered, cuts, side="right")
    first, last = np.concatenate([[0], after]), np.concatenate([after, [len(ordered)]])
    middle = ordered[np.minimum((first + last) // 2, len(ordered) - 1)]
    made = np.where(last > first, middle, np.concatenate([cuts[:1], _between(cuts), cuts[-1:]]))
    if after[0] == 0:
        made[0] = _further(cuts[0], ordered[0] if cuts[0] < ordered[0] else cuts[-1], cuts[0], -1)
    if after[-1] == len(ordered):
        made[-1] = _further(cuts[-1], cuts[-1], ordered[-1] if ordered[-1] < cuts[-1] else cuts[0], 1)
    return made


def _between(cuts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A value of each cell between two cuts: the upper end where the cell holds no other, else about the middle."""
    low, high = cuts[:-1], cuts[1:]
    if cuts.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            middle = low / 2 + high / 2
        inner = np.isfinite(low) & np.isfinite(high) & (cells.just_below(high) > low)
    else:
        half = (high.astype(np.uint64) - low.astype(np.uint64)) // np.uint64(2)
        middle, inner = (low.astype(np.uint64) + half).astype(cuts.dtype), cells.just_below(high) > low
    return np.where(inner, middle, high)


def _moved(end: Any, half: float, step: float) -> Any:
    """An end moved by so many spreads; None where there is no number, or no other one."""
    dtype = end.dtype
    if dtype.kind == "f":
        far = float(end) / 2 + half * step
        return None if not abs(far) <= float(np.finfo(dtype).max) / 2 else dtype.type(2 * far)
    far_whole = int(end) + (1 if half > 0 else -1) * ceil(2 * abs(half) * step)
    limits = np.iinfo(dtype)
    return None if not int(limits.min) < far_whole < int(limits.max) else dtype.type(far_whole)


def _further(cut: Any, high: Any, low: Any, away: int) -> Any:
    """A number beyond a cut by the distance of two others, or by 1 where they are one; as far as there are numbers."""
    dtype = cut.dtype
    if dtype.kind == "f":
        limits: Any = np.finfo(dtype)
        step = float(high) / 2 - float(low) / 2
        moved = float(cut) / 2 + away * (step if isfinite(step) and step > 0 else 0.5)
        return dtype.type(2 * np.clip(moved, float(limits.min) / 2, float(limits.max) / 2)) if isfinite(cut) else cut
    limits = np.iinfo(dtype)
    return dtype.type(min(max(int(cut) + away * max(int(high) - int(low), 1), int(limits.min)), int(limits.max)))
