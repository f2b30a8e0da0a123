"""Scores into chances: curves fitted to rows with labels, and how far these might be off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import expit

Floats: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.int64]
Method: TypeAlias = Literal["isotonic", "beta"]

MOST_CELLS = 5_000
"""Scores that are told apart; of more, neighbours are counted together."""

_EDGE = 1e-6
"""Scores are as far from 0 and 1 at least, where their logarithms are taken."""

_PRIOR = 0.01
"""Weight of the curve that leaves scores as they are, so that rows which a score separates have a curve, too."""

_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Rows with labels by their score.

    Attributes:
        score: (M,) mean score of each cell, ascending.
        rows: (M,) how many rows it has.
        hits: (M,) how many of them are of the class.
        place: (n,) the cell of each row.
    """

    score: Floats
    rows: Floats
    hits: Floats
    place: Places


def cells_of(scores: Floats, positive: npt.NDArray[np.bool_]) -> Cells:
    """Count rows by their score, at most `MOST_CELLS` of about as many rows each."""
    distinct, inverse, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    cell = np.arange(len(distinct))
    if len(distinct) > MOST_CELLS:
        cell = (np.cumsum(sizes) - 1) * MOST_CELLS // len(scores)
        cell = np.unique(cell, return_inverse=True)[1]
    place = cell[inverse]
    rows = np.bincount(place).astype(np.float64)
    hits = np.bincount(place, positive.astype(np.float64)).astype(np.float64)
    return Cells(np.bincount(place, scores) / rows, rows, hits, place)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The fitted curve, and those of resampled rows.

    Attributes:
        method: "isotonic" or "beta".
        score: (M,) scores at which isotonic curves have corners.
        made: (1 + B, M) chances at these, or (1 + B, 3) the parts of beta curves; the first is the fitted one.
    """

    method: Method
    score: Floats
    made: Floats

    def at(self, scores: Floats) -> Callable[[int], Floats]:
        """Chances (n,) of the class by any of the curves; beyond the reference's scores they are as at its last one."""
        if self.method == "beta":
            parts = _parts(scores)
            return lambda which: np.asarray(expit(parts @ self.made[which]))
        if len(self.score) == 1:
            return lambda which: np.full(len(scores), self.made[which, 0])
        # Where scores lie is the same for all curves.
        left = np.clip(np.searchsorted(self.score, scores) - 1, 0, len(self.score) - 2)
        part = np.clip((scores - self.score[left]) / (self.score[left + 1] - self.score[left]), 0.0, 1.0)

        def between(which: int) -> Floats:
            curve = self.made[which]
            low = curve[left]
            return np.asarray(low + part * (curve[left + 1] - low))

        return between

    def chances(self, scores: Floats, which: int = 0) -> Floats:
        """Chances (n,) of the class by one of the curves."""
        return self.at(scores)(which)


def fit(cells: Cells, method: Method, drawn: Iterable[tuple[Floats, Floats]] = ()) -> Curves:
    """Curves of the rows as they are, and of draws of them.

    Args:
        cells: the rows as they are.
        method: "isotonic" or "beta".
        drawn: (M,) rows and hits of each cell in each draw.
    """
    both = [(cells.rows, cells.hits), *drawn]
    if method == "beta":
        rows, hits = (np.stack(side) for side in zip(*both, strict=True))
        return Curves(method, cells.score, _beta(_parts(cells.score), rows, hits))
    return Curves(method, cells.score, np.stack([_isotonic(cells.score, *one) for one in both]))


def redrawn(
    cells: Sequence[Cells], positive: Sequence[npt.NDArray[np.bool_]], resamples: int, rng: np.random.Generator
) -> list[list[tuple[Floats, Floats]]]:
    """Rows and hits of the cells of each class in draws of the rows, each row as often as a Poisson number says.

    A row is drawn for all classes together, so that their curves are off together.
    """
    made: list[list[tuple[Floats, Floats]]] = [[] for _ in cells]
    for _ in range(resamples):
        times = rng.poisson(1.0, len(positive[0])).astype(np.float64)
        for one, mine, out in zip(cells, positive, made, strict=True):
            size = len(one.score)
            counts = [np.bincount(one.place[which], times[which], size) for which in (slice(None), mine)]
            out.append((counts[0].astype(np.float64), counts[1].astype(np.float64)))
    return made


def _isotonic(score: Floats, rows: Floats, hits: Floats) -> Floats:
    """Ascending shares nearest to those of the cells (pool adjacent violators; Barlow et al. 1972)."""
    there = rows > 0
    if not there.any():
        return np.full(len(score), 0.5)
    shares: Any = isotonic_regression(hits[there] / rows[there], weights=rows[there])
    return np.asarray(np.interp(score, score[there], shares.x))


def _parts(scores: Floats) -> Floats:
    """(n, 3): ln s, -ln(1 - s) and 1."""
    s = np.clip(scores, _EDGE, 1 - _EDGE)
    return np.stack([np.log(s), -np.log1p(-s), np.ones(len(s))], axis=1)


def _beta(parts: Floats, rows: Floats, hits: Floats) -> Floats:
    """(1 + B, 3) coefficients, of curves that never fall. Source: Kull et al. 2017, doi:10.1214/17-EJS1338SI."""
    free = np.ones((len(rows), 3), bool)
    made = _newton(parts, rows, hits, free)
    falls = made < 0
    falls[:, 2] = False
    again = falls.any(axis=1)
    if again.any():
        made[again] = _newton(parts, rows[again], hits[again], free[again] & ~falls[again])
        made[:, :2] = np.maximum(made[:, :2], 0.0)
    return made


def _newton(parts: Floats, rows: Floats, hits: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """Most likely coefficients of logistic regressions, a weak prior at those that leave scores alone; others are 0."""
    start = np.array([1.0, 1.0, 0.0])
    made = np.where(free, start, 0.0)
    pairs = (parts[:, :, None] * parts[:, None, :]).reshape(len(parts), 9)
    fixed = np.eye(3) * ~free[:, None, :]
    both = free[:, :, None] & free[:, None, :]
    for _ in range(_STEPS):
        share = expit(made @ parts.T)
        slope = np.where(free, (hits - rows * share) @ parts - _PRIOR * (made - start), 0.0)
        bend = (rows * share * (1 - share)) @ pairs
        bend = np.where(both, bend.reshape(-1, 3, 3) + _PRIOR * np.eye(3), 0.0) + fixed
        step = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
        # Far from the top a whole step may go beyond it.
        step *= np.minimum(1.0, 3.0 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        made = made + step
        if np.abs(step).max() < 1e-9:
            break
    return made
