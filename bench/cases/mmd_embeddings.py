"""What does a test of embeddings cost, without reduction and with it, against the kernel matrix in plain NumPy?

The whole test on vectors of both sides: read, centred, reduced where that is asked for, bandwidth, p-value; no interval
and no parts. All options but those of the reduction are at their defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from accel_drift.backends import Backend
from accel_drift.detectors.base import Fitted
from accel_drift.detectors.mmd import MMD
from accel_drift.statistics.reduction import Reduce
from bench import mmd
from bench.embedding_study import synthetic
from bench.goals import Goal, faster, slower
from bench.question import Answer, Case, Contender, Question, Sizes

WAYS: dict[str, Reduce | None] = {"no reduction": None, "pca 32": "pca", "random 32": "random"}
COMPONENTS = 32


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Each backend without and with reduction, and the plain way without."""
    n, m, d, permutations = (sizes[k] for k in "nmdP")
    rng = np.random.default_rng(20)
    reference, batch = synthetic(rng, n, d), synthetic(rng, m, d, "leading")
    found: dict[str, Contender] = {}
    for b in backends:
        for way, reduce in WAYS.items():
            made = MMD(permutations=permutations - 1, reduce=reduce, components=COMPONENTS, max_rows=None)
            compute = partial(_tested, made.fit({"e": reference}, backend=b), batch)
            # Fewer numbers are other rows, and another statistic.
            found[f"{b.name} {way}"] = Contender("ours", compute, mmd.WHOLE, "", None if reduce else mmd.NEAR)
    found[mmd.WHOLE] = Contender("peer", partial(_plain, reference, batch, permutations))
    return Question("mmd_embeddings", sizes, found)


def _tested(fitted: Fitted, batch: mmd.Floats) -> Answer:
    return np.atleast_1d(mmd.tested(fitted, {"e": batch}))


def _plain(reference: mmd.Floats, batch: mmd.Floats, permutations: int) -> Answer:
    """The kernel matrix from one product of all vectors, its bandwidth from the distances that are there anyway."""
    x = np.concatenate([reference, batch])
    x = (x - x.mean(axis=0)).astype(np.float32)
    squares = (x * x).sum(axis=1)
    gram = x @ x.T
    gram *= -2
    gram += squares[:, None]
    gram += squares
    middle = np.median(gram[np.triu_indices(len(x), 1)])
    gram *= -0.5 / middle
    np.exp(np.minimum(gram, 0, out=gram), out=gram)
    return mmd.labelled(gram, len(reference), permutations, 3)[:1]


CASE = Case(
    "mmd_embeddings",
    "Embeddings: P labellings of n + m vectors of d numbers, single rows dealt, p-value only",
    ({"n": 2000, "m": 500, "d": 768, "P": 200},),
    ({"n": 400, "m": 100, "d": 384, "P": 100},),
    ask,
    goals=(
        Goal(
            "random 32, times the time of no reduction",
            slower("numpy random 32", "numpy no reduction"),
            0.4,
            most=True,
        ),
        Goal("pca 32, times the time of no reduction", slower("numpy pca 32", "numpy no reduction"), 1, most=True),
        Goal(
            "no reduction, times faster than NumPy's whole Gram product",
            faster("numpy no reduction", mmd.WHOLE),
            1,
            reason="most of the time goes to the distances of a million seeded pairs, in float64; NumPy's product in "
            "float32 holds all distances already",
        ),
    ),
)
