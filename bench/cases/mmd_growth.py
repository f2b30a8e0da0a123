"""How do time and memory of MMD grow with the rows? Time is to grow as N², memory as N."""

from __future__ import annotations

from collections.abc import Sequence

from accel_drift.backends import Backend
from bench import mmd
from bench.goals import Goal, exponent
from bench.question import Case, Question, Sizes

_FROM = 4000
"""Rows a side from which growth is judged: below, threads and calls have their share."""


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Both modes of the first backend, and the whole Gram matrix while it fits."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    z, b = mmd.scaled(*mmd.samples(sizes)).astype("float32"), backends[0]
    against = mmd.GRAM if 2 * n <= mmd.GRAM_ROWS else ""
    found = {f"{b.name} {mode}": mmd.ours(b, z, n, permutations, mode, against) for mode in ("groups", "rows")}
    if against:
        found[against] = mmd.gram(z, n, permutations)
    return Question("mmd_growth", sizes, found, mmd.floors(2 * n, d, permutations, b, ["float32"]))


def _goals() -> list[Goal]:
    made = []
    for mode in ("groups", "rows"):
        text = f"{mode}: power of N that {{}} grows with, from N = {2 * _FROM:,} on"
        made.append(Goal(text.format("time"), exponent(f"numpy {mode}", "fastest_s", "n", _FROM), 2.1, "", most=True))
        memory = exponent(f"numpy {mode}", "peak_mb", "n", _FROM)
        made.append(Goal(text.format("memory"), memory, 1.1, "", most=True))
    return made


CASE = Case(
    "mmd_growth",
    "Growth of MMD: P labellings of n + n rows in d columns, float32",
    tuple({"n": 1000 << k, "d": 32, "P": 200} for k in range(6)),
    tuple({"n": 250 << k, "d": 8, "P": 50} for k in range(3)),
    ask,
    goals=_goals(),
)
