"""Does MMD reach a hundred thousand rows? Beside it the same at a fifth of the rows, in the same rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accel_drift.backends import Backend
from bench import mmd
from bench.goals import Goal, peak, slower
from bench.question import Case, Question, Sizes

_SHARE = 5


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend at n rows a side and at a fifth of them; the whole Gram matrix would be 40 GB."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    few, b = n // _SHARE, backends[0]
    reference, batch = (x.astype("float32") for x in mmd.samples(sizes))
    all_rows, fifth = (mmd.scaled(x, y) for x, y in ((reference, batch), (reference[:few], batch[:few])))
    floors, fewest = (mmd.floors(2 * k, d, permutations, b, ["float32"]) for k in (n, few))
    fewer = mmd.ours(b, fifth, few, permutations, "groups", "")
    found = {
        f"{b.name} groups, a fifth of the rows": replace(fewer, floor=f"{fewer.floor}, a fifth"),
        f"{b.name} groups": mmd.ours(b, all_rows, n, permutations, "groups", ""),
    }
    return Question("mmd_large", sizes, found, {**floors, **{f"{k}, a fifth": f for k, f in fewest.items()}})


CASE = Case(
    "mmd_large",
    "Large MMD: P labellings of n + n rows in d columns, 32 groups a side dealt, float32",
    ({"n": 50_000, "d": 64, "P": 1000},),
    ({"n": 2500, "d": 16, "P": 100},),
    ask,
    goals=(
        Goal(
            "times the time of a fifth of the rows",
            slower("numpy groups", "numpy groups, a fifth of the rows"),
            35,
            most=True,
        ),
        Goal("memory above the input", peak("numpy groups"), 500, "MB", most=True),
    ),
)
