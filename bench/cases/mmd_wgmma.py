"""Do a Hopper GPU's own matrix instructions help? They are taken on request only, which is read once a process.

A question of its own: should they fail, the others have their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accel_drift.backends import Backend
from bench.apart import Apart
from bench.cases import mmd_gpu
from bench.question import Case, Question, Sizes


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The rounded rows of `mmd_gpu` on the first backend, with and without."""
    first = backends[0]
    plain = mmd_gpu.ask(sizes, [first])
    found = {}
    for name, contender in plain.contenders.items():
        if contender.against:
            there = Apart("mmd_gpu", sizes, first.name, name, ACCEL_DRIFT_WGMMA="1")
            found[name] = replace(contender, against="", tolerance=None)
            found[f"{name}, wgmma"] = replace(contender, compute=there, against=name, tolerance=1e-3)
    return Question("mmd_wgmma", sizes, found, plain.floors)


CASE = Case(
    "mmd_wgmma",
    "MMD on a GPU with the instructions of Hopper: P labellings of n + n rows in d columns",
    ({"n": 50_000, "d": 64, "P": 1000, "groups": 0},),
    ({"n": 5000, "d": 64, "P": 1000, "groups": 0},),
    ask,
    goals=(mmd_gpu.fraction("rows", "cupy rows float16, wgmma"),),
    devices=("gpu",),
)
