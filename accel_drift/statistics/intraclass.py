"""How alike rows of one block are, and what that does to a test that deals single rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws

DESIGN_EFFECT = 1.5
"""Design effect from which row permutation is warned of."""

_CELLS = 32
"""Cells of about as many rows: so few give the design effect within 1 %, and sorting is dear."""

_SURE = 1e-4
"""The F test of the blocks must be this sure before anything is said: there are many columns and candidates."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Intraclass correlation of one column within one kind of block.

    `design_effect` is the factor by which the variance of a mean is larger than rows dealt one by one would make it.
    """

    correlation: float
    design_effect: float
    p_value: float

    @property
    def worth_a_warning(self) -> bool:
        """Large enough to spoil a row permutation, and not by chance."""
        return self.design_effect >= DESIGN_EFFECT and self.p_value <= _SURE


def mid_ranks(values: npt.NDArray[Any], cuts: npt.NDArray[Any] | None = None) -> npt.NDArray[np.float64]:
    """Ranks 1 ... n, those of a cell sharing their mean rank: cells of about 1 in 32 rows, at least.

    Args:
        values: (n,) numbers or truth values.
        cuts: (c,) where cells are cut, where that is known already: ascending.
    """
    n = len(values)
    numbers = values.view(np.uint8) if values.dtype == np.bool_ else values
    edges = _cut(numbers) if cuts is None else np.unique(cuts)
    edges = edges[:: max(len(edges) // _CELLS, 1)]
    numbers = numbers.astype(edges.dtype, copy=False)
    cell = draws.host_kernels().bin_index(numbers[:, None], edges[None, :], np.ones((n, 1), np.bool_))[:, 0]
    ends = np.cumsum(np.bincount(cell, minlength=len(edges) + 1))
    return np.asarray((np.append(0, ends[:-1]) + ends + 1)[cell] / 2)


def _cut(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Where cells of about as many rows end, ascending."""
    n = len(numbers)
    ordered: npt.NDArray[Any] = draws.host_kernels().sort_columns([(numbers, None)], numbers.dtype.name)[:, 0]
    return np.unique(ordered[np.linspace(0, n - 1, min(n, _CELLS)).astype(np.int64)]) if n else ordered


def alike(ranks: npt.NDArray[np.float64], block: npt.NDArray[np.int64]) -> Alike | None:
    """One-way analysis of variance of ranks by block; None where blocks cannot be told from rows.

    Ranks, so that one outlier does not decide. Source: Donner 1986, doi:10.2307/1403259; Kish 1965, section 5.4.

    Args:
        ranks: (n,) ranks of the values of one side, none missing.
        block: (n,) block number of each row, from 0 on.
    """
    sizes = np.bincount(block)
    n, g = len(ranks), int(np.count_nonzero(sizes))
    if g < 3 or n < 2 * g:
        return None
    means = np.bincount(block, weights=ranks) / np.maximum(sizes, 1)
    between = float((sizes * (means - ranks.mean()) ** 2).sum()) / (g - 1)
    within = float(((ranks - means[block]) ** 2).sum()) / (n - g)
    if within <= 0:
        return None
    typical = (n - float((sizes**2).sum()) / n) / (g - 1)
    ratio = between / within
    correlation = (ratio - 1) / (ratio - 1 + typical)
    effect = 1 + (float((sizes**2).sum()) / n - 1) * max(correlation, 0.0)
    from scipy.special import fdtrc

    return Alike(correlation, effect, float(fdtrc(g - 1, n - g, ratio)))
