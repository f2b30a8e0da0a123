"""How fast is a small MMD test, against the ten lines of NumPy that a good engineer writes, and other libraries?

The kernel sums of given rows; the whole test on raw columns, against a yardstick that finds its bandwidth, too; and the
whole detector, which explains its answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accel_drift.backends import Backend
from bench import mmd, peers
from bench.goals import Goal, faster
from bench.question import Case, Contender, Question, Sizes, TwoSamples


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The contenders at one size."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    reference, batch = mmd.samples(sizes)
    z = mmd.scaled(reference, batch)
    found: dict[str, Contender] = {}
    for b in backends:
        for dtype in ("float32", "float64"):
            found[f"{b.name} rows {dtype}"] = mmd.ours(b, z.astype(dtype), n, permutations, "rows", mmd.GRAM)
    found[mmd.GRAM] = mmd.gram(z, n, permutations)
    for b in backends:
        found[f"{b.name} whole test float32"] = mmd.whole_test(b, reference, batch, permutations)
        found[f"{b.name} whole detector float32"] = mmd.detector(b, reference, batch, permutations)
    found[mmd.WHOLE] = mmd.gram_of_columns(reference, batch, permutations)
    x, y = (side.astype(np.float32) for side in (reference, batch))
    libraries = TwoSamples(x, y, peers.MMD, permutations, float(np.sqrt(2 * d)))
    return Question("mmd_small", sizes, found, mmd.floors(2 * n, d, permutations, backends[0]), libraries=libraries)


CASE = Case(
    "mmd_small",
    "Small MMD: P labellings of n + n rows in d columns, single rows dealt",
    ({"n": 2000, "d": 5, "P": 200},),
    ({"n": 500, "d": 5, "P": 200},),
    ask,
    goals=(
        Goal(
            "whole test, float32, times faster than alibi-detect's MMDDrift on PyTorch",
            faster("numpy whole test float32", "alibi-detect MMDDrift, PyTorch"),
            200,
        ),
        Goal(
            "kernel sums, float32, times faster than NumPy's whole Gram product",
            faster("numpy rows float32", mmd.GRAM),
            5,
        ),
    ),
)
