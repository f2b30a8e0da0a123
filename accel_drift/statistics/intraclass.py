"""How alike rows of one block are, and what that does to a test that deals single rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DESIGN_EFFECT = 1.5
"""Design effect from which row permutation is warned of."""

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


def mid_ranks(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Ranks 1 ... n, tied values sharing their mean rank."""
    _, tie, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[tie])


def alike(ranks: npt.NDArray[np.float64], block: npt.NDArray[np.int64]) -> Alike | None:
    """One-way analysis of variance of ranks by block; None where blocks cannot be told from rows.

    Ranks, so that one outlier does not decide. Source: Donner 1986, doi:10.2307/1403259; Kish 1965, section 5.4.

    Args:
        ranks: (n,) ranks of the values of one side, none missing.
        block: (n,) block number of each row.
    """
    ids, index, sizes = np.unique(block, return_inverse=True, return_counts=True)
    n, g = len(ranks), len(ids)
    if g < 3 or n < 2 * g:
        return None
    means = np.bincount(index, weights=ranks) / sizes
    between = float((sizes * (means - ranks.mean()) ** 2).sum()) / (g - 1)
    within = float(((ranks - means[index]) ** 2).sum()) / (n - g)
    if within <= 0:
        return None
    typical = (n - float((sizes**2).sum()) / n) / (g - 1)
    ratio = between / within
    correlation = (ratio - 1) / (ratio - 1 + typical)
    effect = 1 + (float((sizes**2).sum()) / n - 1) * max(correlation, 0.0)
    from scipy.special import fdtrc

    return Alike(correlation, effect, float(fdtrc(g - 1, n - g, ratio)))
