"""How near to its fp16 rate does a GPU come on MMD? Products of half-precision rows, sums in single precision."""

from __future__ import annotations

from collections.abc import Sequence

from accel_drift.backends import Backend
from bench import mmd
from bench.goals import Goal, Record, row
from bench.question import Case, Contender, Question, Sizes


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Groups are dealt where the sizes say so, single rows otherwise."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    mode = "groups" if sizes["groups"] else "rows"
    z = mmd.scaled(*mmd.samples(sizes)).astype("float16")
    found: dict[str, Contender] = {f"{b.name} {mode}": mmd.ours(b, z, n, permutations, mode, "") for b in backends}
    return Question("mmd_gpu", sizes, found, mmd.floors(2 * n, d, permutations, backends[0], ["float16"]))


def _fraction(mode: str, place: int) -> Goal:
    def measure(questions: Sequence[Record]) -> float | None:
        found = row(questions[place], f"cupy {mode}")
        return None if found is None else 100.0 * float(found["fraction_of_floor"])

    return Goal(f"{mode}: share of the fp16 floor", measure, 60, "%")


CASE = Case(
    "mmd_gpu",
    "MMD on a GPU in half precision: P labellings of n + n rows in d columns",
    ({"n": 50_000, "d": 64, "P": 1000, "groups": 0}, {"n": 500_000, "d": 128, "P": 1000, "groups": 1}),
    ({"n": 5000, "d": 64, "P": 1000, "groups": 0}, {"n": 5000, "d": 128, "P": 1000, "groups": 1}),
    ask,
    goals=(_fraction("rows", 0), _fraction("groups", 1)),
    devices=("gpu",),
)
