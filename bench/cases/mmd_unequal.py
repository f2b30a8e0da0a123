"""What does a small batch against a large reference cost, where most pairs of rows are within the reference?

The product form multiplies the whole kernel matrix with all labellings. With the smaller side labelled, a labelling
needs the pairs within its few rows, and all of them share one vector of row sums. Beside both stand each backend's own
sums over all pairs for every labelling, as where both sides are large: so much comes from the smaller side alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from accel_drift.backends import Backend
from accel_drift.statistics import draws
from bench import mmd
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Each backend's own choice, the same without that choice, and the product form."""
    n, m, d, permutations = (sizes[k] for k in "nmdP")
    z = mmd.scaled(*mmd.samples(sizes)).astype("float32")
    found: dict[str, Contender] = {}
    for b in backends:
        found[f"{b.name} rows"] = mmd.ours(b, z, n, permutations, "rows", mmd.GRAM)
        every = partial(_all_pairs, b, z, n, permutations)
        found[f"{b.name} rows, all pairs"] = Contender("ours", every, mmd.GRAM, "rows float32", mmd.NEAR)
    # The batch is marked: in float32, what is within it would be lost in the difference of sums over all rows.
    found[mmd.GRAM] = mmd.gram(np.concatenate([z[n:], z[:n]]), m, permutations)
    return Question("mmd_unequal", sizes, found, mmd.floors(n + m, d, permutations, backends[0], ["float32"]))


def _all_pairs(b: Backend, z: mmd.Floats, n: int, permutations: int) -> Answer:
    """The kernel set's sums over all pairs for every labelling, called directly."""
    m = len(z) - n
    with b.scope():
        perms, rows = (b.asarray(np.arange(k, dtype=np.uint32)) for k in (permutations, n + m))
        stream = b.asarray(draws.key(0, "mmd", "labels"))
        bits = b.kernels.permutation_labels(stream, perms, rows, n)
        made = b.kernels.pair_label_sums(b.asarray(z), bits, permutations, "gaussian", b.asarray(np.ones(1)))
        quad, linear, total = (b.to_numpy(s)[0] for s in made)
    within, across, batch = quad / (n * (n - 1.0)), (linear - quad) / (n * m), total - 2 * linear + quad
    return np.asarray(within + batch / (m * (m - 1.0)) - 2 * across)[:1]


CASE = Case(
    "mmd_unequal",
    "Small batch: P labellings of n + m rows in d columns, single rows dealt, float32",
    ({"n": 20_000, "m": 100, "d": 32, "P": 1000},),
    ({"n": 2000, "m": 50, "d": 32, "P": 200},),
    ask,
    goals=(
        Goal(
            "times faster than the product form (NumPy's kernel matrix times the labels)",
            faster("numpy rows", mmd.GRAM),
            10,
        ),
    ),
)
