"""How fast is MMD with single rows dealt, where the Gram matrix no longer fits into any cache?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accel_drift.backends import Backend
from bench import compilations, mmd
from bench.goals import Goal, counted, faster, floor_over, fraction, memory_share, slower
from bench.question import Case, Contender, Question, Sizes


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The contenders at one size."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    z = mmd.scaled(*mmd.samples(sizes))
    single, found = z.astype("float32"), dict[str, Contender]()
    for b in backends:
        found[f"{b.name} rows float32"] = mmd.ours(b, single, n, permutations, "rows", mmd.GRAM)
    found[f"{backends[0].name} rows float64"] = mmd.ours(backends[0], z, n, permutations, "rows", mmd.GRAM)
    found[mmd.GRAM] = mmd.gram(z, n, permutations)

    def compiled() -> Mapping[str, float]:
        return compilations.count(n, range(9 * n // 10, 16 * n // 10 + 1, n // 10), 40)

    count = compiled if "jax" in [b.name for b in backends] else None
    return Question("mmd_rows", sizes, found, mmd.floors(2 * n, d, permutations, backends[0]), count)


CASE = Case(
    "mmd_rows",
    "MMD: P labellings of n + n rows in d columns, single rows dealt",
    ({"n": 10_000, "d": 32, "P": 500},),
    ({"n": 1000, "d": 32, "P": 100},),
    ask,
    goals=(
        Goal("float32, times faster than NumPy's whole Gram product", faster("numpy rows float32", mmd.GRAM), 3),
        Goal("float32, memory over that product's", memory_share("numpy rows float32", mmd.GRAM), 0.1, most=True),
        Goal("float32, share of the floor", fraction("numpy rows float32"), 75, "%"),
        Goal(
            "JAX on the CPU, times the time of the NumPy backend",
            slower("jax rows float32", "numpy rows float32"),
            1.5,
            most=True,
            reason="XLA multiplies the kernel matrix with all labellings; at the rate of products in this run, the "
            "floor of that way alone is {} times the time of the NumPy backend, which looks sums of labelled rows up "
            "in tables and needs fewer operations",
            because=floor_over("rows float32", "numpy rows float32"),
        ),
        Goal(
            "JAX, batches of 9,000, 10,000, ... 16,000 rows against 10,000: compilations of the kernel sums",
            counted(compilations.KERNEL),
            2,
            "",
            most=True,
        ),
    ),
)
