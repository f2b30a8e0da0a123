"""How fast are relabelled counts drawn: the null of every binned score?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.statistics import draws
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes

_NUMPY = "NumPy, multivariate_hypergeometric by column"
_OURS = "numpy hypergeometric"
_ROWS = 100_000
"""Pooled rows of a bin on average."""

Counts = npt.NDArray[np.int64]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:  # noqa: ARG001  (the host draws for every backend)
    """Both ways at one size; they agree in the mean count of every bin."""
    columns, bins, many = sizes["columns"], sizes["bins"], sizes["draws"]
    rng = np.random.default_rng(14)
    pooled = rng.multinomial(_ROWS * bins, np.full(bins, 1 / bins), columns)
    rows = int(pooled[0].sum()) // 2
    found = {
        _OURS: Contender("ours", lambda: _ours(pooled, rows, many), _NUMPY, "", 0.01),
        _NUMPY: Contender("peer", lambda: _numpy(pooled, rows, many, rng)),
    }
    return Question("hypergeometric", sizes, found)


def _ours(pooled: Counts, rows: int, many: int) -> Answer:
    streams = draws.keys(0, "bench", map(str, range(len(pooled))))
    return np.asarray(draws.hypergeometric(streams, 0, many, pooled, np.full(len(pooled), rows)).mean(axis=1))


def _numpy(pooled: Counts, rows: int, many: int, rng: np.random.Generator) -> Answer:
    return np.stack([
        rng.multivariate_hypergeometric(column, rows, many, method="marginals").mean(axis=0) for column in pooled
    ])  # fmt: skip


CASE = Case(
    "hypergeometric",
    "Relabelled counts: draws from the bins of many columns, half of the pooled rows dealt to the reference",
    ({"draws": 1000, "columns": 1000, "bins": 20},),
    ({"draws": 200, "columns": 50, "bins": 20},),
    ask,
    goals=(Goal("times faster than NumPy's loop over columns", faster(_OURS, _NUMPY), 4),),
    devices=("cpu",),
)
