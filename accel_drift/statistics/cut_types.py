"""Cuts between cells of numbers in the type of a column that is counted by them."""

from __future__ import annotations

from math import floor, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt


def cuts_as(cuts: npt.NDArray[Any], dtype: np.dtype[Any]) -> tuple[npt.NDArray[Any], int]:
    """Cuts in another type that every value of that type lies above or not, as before.

    That is the largest number of the type that is not above the cut. A cut below all of them has none. Between float32
    and float64 a value counts as it does in float32, whichever of both it has: see `dtype_class`.

    Args:
        cuts: (c,) ascending, all different.
        dtype: the other type.

    Returns:
        (c - k,) the cuts in the type, and k, how many lie below all its values.
    """
    if cuts.dtype.kind == dtype.kind == "f":
        return (coarser(cuts, dtype) if dtype.itemsize < cuts.itemsize else _finer(cuts, dtype)), 0
    lower = _lower_float if dtype.kind == "f" else _lower_int
    made = [lower(v, dtype) for v in cuts.tolist()]
    there = [v for v in made if v is not None]
    return np.array(there, dtype=dtype), len(made) - len(there)


def coarser(cuts: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Cuts rounded to a type with fewer digits, or the same where it has no fewer.

    Different ones that become one stand next to one another, so that a value with a cell of its own keeps it.

    Args:
        cuts: (c,) floats, ascending.
        dtype: a type of floats.
    """
    ends = np.finfo(dtype)
    made = np.where(np.isfinite(cuts), np.clip(cuts, ends.min, ends.max), cuts).astype(dtype)
    if bool(((made[:-1] < made[1:]) | (cuts[:-1] == cuts[1:])).all()):
        return made
    for i in range(len(made) - 2, -1, -1):
        if cuts[i] == cuts[i + 1]:
            made[i] = made[i + 1]
        elif made[i] >= made[i + 1]:
            made[i] = np.nextafter(made[i + 1], dtype.type(-np.inf))
    return made


def _finer(cuts: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The largest numbers that are rounded to these."""
    if cuts.dtype == dtype:
        return cuts
    own = cuts.dtype.type
    with np.errstate(over="ignore"):
        above = np.nextafter(cuts, own(np.inf)).astype(dtype)
    halves = np.where(np.isfinite(above) & np.isfinite(cuts), cuts.astype(dtype) / 2 + above / 2, cuts.astype(dtype))
    return np.where(halves.astype(own) > cuts, np.nextafter(halves, -np.inf), halves)


def _lower_float(value: int, dtype: np.dtype[Any]) -> Any:
    with np.errstate(over="ignore"):
        near = dtype.type(value)
    # Python compares an integer and a float without rounding either.
    return np.nextafter(near, dtype.type(-np.inf)) if near.item() > value else near


def _lower_int(value: float, dtype: np.dtype[Any]) -> int | None:
    limits = np.iinfo(dtype)
    if not isfinite(value):
        return int(limits.max) if value > 0 else None
    whole = floor(value)
    return None if whole < limits.min else min(whole, int(limits.max))
