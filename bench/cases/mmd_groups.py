"""How fast is MMD with whole groups of rows dealt, so that a thousand labellings cost next to nothing?"""

from __future__ import annotations

from collections.abc import Sequence

from accel_drift.backends import Backend
from bench import mmd
from bench.goals import Goal, faster, fraction
from bench.question import Case, Contender, Question, Sizes


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The contenders at one size."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    z = mmd.scaled(*mmd.samples(sizes))
    single, found = z.astype("float32"), dict[str, Contender]()
    for b in backends:
        found[f"{b.name} groups float32"] = mmd.ours(b, single, n, permutations, "groups", mmd.GRAM)
    found[f"{backends[0].name} groups float64"] = mmd.ours(backends[0], z, n, permutations, "groups", mmd.GRAM)
    found[mmd.GRAM] = mmd.gram(z, n, permutations)
    return Question("mmd_groups", sizes, found, mmd.floors(2 * n, d, permutations, backends[0]))


CASE = Case(
    "mmd_groups",
    "MMD: P labellings of n + n rows in d columns, 32 groups a side dealt",
    ({"n": 10_000, "d": 32, "P": 1000},),
    ({"n": 1000, "d": 32, "P": 200},),
    ask,
    goals=(
        Goal(
            "float32, times faster than NumPy's whole Gram product at the same P",
            faster("numpy groups float32", mmd.GRAM),
            20,
        ),
        Goal("float32, share of the floor", fraction("numpy groups float32"), 60, "%"),
    ),
)
