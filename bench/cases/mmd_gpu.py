"""How near to its fp16 rate does a GPU come on MMD? Products of rounded rows, sums in single precision.

The rows of 8 bits are held against the rate of 16, which their products are made at.
"""

from __future__ import annotations

from collections.abc import Sequence

from accel_drift.backends import Backend
from accel_drift.statistics.rounding import Precision
from bench import mmd
from bench.goals import Goal, Record, row
from bench.question import Case, Contender, Question, Sizes

PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")
NEAR = 0.1
"""Rounding moves the statistic, of all labellings alike: 8 bits by some hundredths."""


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend in every precision, others in half; groups are dealt where the sizes say so."""
    n, d, permutations, first = sizes["n"], sizes["d"], sizes["P"], backends[0]
    mode, z = mode_of(sizes), mmd.scaled(*mmd.samples(sizes))
    exact = f"{first.name} {mode} float32"
    found: dict[str, Contender] = {}
    for b in backends:
        for precision in PRECISIONS if b is first else ("float16",):
            name, floor = f"{b.name} {mode} {precision}", "float32" if precision == "float32" else "float16"
            against = "" if name == exact else exact
            found[name] = mmd.rounded(b, z, n, permutations, mode, precision, f"{mode} {floor}", against, NEAR)
    floors = mmd.floors(2 * n, d, permutations, first, ["float32", "float16"])
    return Question("mmd_gpu", sizes, found, floors)


def mode_of(sizes: Sizes) -> str:
    """What is dealt."""
    return "groups" if sizes["groups"] else "rows"


def fraction(mode: str, name: str) -> Goal:
    """The goal of a contender in one mode."""

    def measure(questions: Sequence[Record]) -> float | None:
        found = next((row(q, name) for q in questions if mode_of(q["sizes"]) == mode), None)
        return None if found is None else 100.0 * float(found["fraction_of_floor"])

    return Goal(f"{name}: share of the fp16 floor", measure, 60, "%", device="gpu")


CASE = Case(
    "mmd_gpu",
    "MMD on a GPU in every precision: P labellings of n + n rows in d columns",
    ({"n": 50_000, "d": 64, "P": 1000, "groups": 0}, {"n": 500_000, "d": 128, "P": 1000, "groups": 1}),
    ({"n": 5000, "d": 64, "P": 1000, "groups": 0}, {"n": 5000, "d": 128, "P": 1000, "groups": 1}),
    ask,
    goals=(fraction("rows", "cupy rows float16"), fraction("groups", "cupy groups float16")),
    devices=("gpu",),
)
