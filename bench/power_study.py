"""Tests of many kernels at once: their level, and their power beside that of the median bandwidth on the same data.

    python bench/power_study.py --keep power.jsonl   # everything; can be stopped and taken up again
    python bench/power_study.py --scale 0.05         # a quick look: fewer pairs, nothing written

Drifts are of two sorts. Perturbed uniforms differ on a small scale: a smooth wave up and down in each of P^d cubes, the
sign of each drawn anew for every pair, as in the experiments of Schrab et al. 2023 and Biggs et al. 2023. Shifts
move the mean of a normal law in every column. The first is where many kernels should find more, the second where they
should find hardly less.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors.mmd import MMD
from accel_drift.statistics.comparison import Plan
from bench.level import ALPHA, Tally, compare
from bench.study import Found, Kept, Study, main

SEED = 20_006
PERMUTATIONS = 299
STEP = 100
LESS = 0.05
"""On a shift the many kernels may find so much less than the median bandwidth."""

TESTS: Mapping[str, MMD] = {
    name: MMD(bandwidth=name, permutations=PERMUTATIONS, precision="float32") for name in ("median", "fuse", "agg")
}
GROUPED = {f"{name}, groups": replace(detector, mode="groups") for name, detector in TESTS.items()}

_LARGEST = {1: 2.7, 2: 7.3}
"""Factor of the wave at which the density just stays above 0, by the number of columns."""


@dataclass(frozen=True, slots=True)
class Task:
    """Pairs of one drift.

    Attributes:
        change: "none", "perturbed" or "shift".
        columns: d.
        waves: P, waves along each column of a perturbed uniform.
        size: the wave's height as a share of the largest possible, or the shift in deviations.
        n: rows of a reference.
        m: rows of a batch.
        first: number of the first pair.
        pairs: how many.
    """

    change: str
    columns: int
    waves: int
    size: float
    n: int
    m: int
    first: int
    pairs: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does, the dearest first."""
    whole = [
        Task("perturbed", 1, 2, 0.6, 300, 300, 0, 300),
        Task("perturbed", 1, 4, 0.8, 300, 300, 0, 300),
        Task("perturbed", 2, 1, 0.8, 300, 300, 0, 300),
        Task("perturbed", 2, 2, 1.0, 300, 300, 0, 300),
        Task("shift", 1, 0, 0.2, 300, 300, 0, 300),
        Task("shift", 5, 0, 0.12, 300, 300, 0, 300),
        Task("shift", 20, 0, 0.08, 300, 300, 0, 300),
        Task("none", 2, 0, 0.0, 100, 100, 0, 1000),
        Task("none", 2, 0, 0.0, 150, 50, 0, 1000),
        Task("none", 2, 0, 0.0, 60, 140, 0, 1000),
    ]
    for task in whole:
        end = max(2, round(scale * task.pairs))
        for first in range(0, end, STEP):
            yield replace(task, first=first, pairs=min(STEP, end - first))


def wanted(task: Task) -> tuple[str, ...]:
    """The tests that a task is for."""
    return ("fuse", "agg", "fuse, groups", "agg, groups") if task.change == "none" else tuple(TESTS)


def perturbed(
    rng: np.random.Generator, rows: int, columns: int, waves: int, size: float = 1.0
) -> npt.NDArray[np.float64]:
    """Rows (rows, columns) of a uniform law on the unit cube with a wave in each of waves^columns cubes.

    The wave is smooth, up in one half of a cube and down in the other; its sign is drawn for each cube. By rejection.
    """
    signs = rng.choice([-1.0, 1.0], (waves,) * columns)
    found: list[npt.NDArray[np.float64]] = []
    while sum(map(len, found)) < rows:
        u = rng.random((2 * rows + 10, columns))
        cube = np.minimum((u * waves).astype(int), waves - 1)
        height = np.prod(_wave(u * waves - cube), axis=1)
        density = 1.0 + size * _LARGEST[columns] * signs[tuple(cube.T)] * height
        found.append(u[2.0 * rng.random(len(u)) < density])
    return np.concatenate(found)[:rows]


def _wave(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A bump on the first half of (0, 1) and its negative on the second, smooth everywhere, 1 / e at its highest."""
    x = 4.0 * np.where(t < 0.5, t, t - 0.5) - 1.0
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(t < 0.5, 1.0, -1.0) * np.exp(-1.0 / np.maximum(1.0 - x * x, 0.0)))


def _pair(task: Task, rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if task.change == "perturbed":
        uniform = rng.random((task.n, task.columns))
        return uniform, perturbed(rng, task.m, task.columns, task.waves, task.size)
    x, y = (rng.standard_normal((rows, task.columns)) for rows in (task.n, task.m))
    return x, y + task.size


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """How often each test rejects."""
    counts = dict.fromkeys(detectors, 0)
    asked = {**TESTS, **GROUPED}
    for i in range(task.first, task.first + task.pairs):
        rng = np.random.default_rng([SEED, i, _place(task)])
        sides = [{f"x{j}": values[:, j] for j in range(task.columns)} for values in _pair(task, rng)]
        comparison = compare(sides[0], sides[1], "numeric")
        for name in detectors:
            (found,) = asked[name].outcomes(comparison, Plan(ALPHA, ALPHA, SEED + i, intervals=False))
            counts[name] += found.p_value is not None and found.p_value <= ALPHA
    return {name: {"found": count, "pairs": task.pairs} for name, count in counts.items()}


def _place(task: Task) -> int:
    sort = ("none", "perturbed", "shift").index(task.change)
    return ((sort * 100 + task.columns) * 100 + task.waves) * 1000 + task.n


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row a drift and test: how often it is found, and whether that holds against the median bandwidth."""
    summed: dict[tuple[Task, str], tuple[int, int, set[str]]] = {}
    for task, found in kept.found.items():
        for name, count in found.items():
            key = (replace(task, first=0, pairs=0), name)
            k, of, commits = summed.get(key, (0, 0, set()))
            summed[key] = k + count["found"], of + count["pairs"], commits | {kept.commits[task, name]}
    order = sorted(summed, key=lambda key: (key[0].change, key[0].columns, key[0].waves, key[0].n, key[1]))
    return [_row(cell, name, summed) for cell, name in order]


def _row(cell: Task, name: str, summed: Mapping[tuple[Task, str], tuple[int, int, set[str]]]) -> dict[str, Any]:
    found, pairs, commits = summed[cell, name]
    tally, beside = Tally(found, pairs, pairs), summed.get((cell, "median"))
    bound: float | None = None
    holds: bool | None = None
    if cell.change == "none":
        bound, holds = tally.bound, tally.rate <= tally.bound
    elif beside is not None and name != "median":
        bound = beside[0] / beside[1] - (LESS if cell.change == "shift" else 0.0)
        holds = tally.rate >= bound if cell.change == "shift" else tally.rate > bound
    return {
        "change": cell.change,
        "columns": cell.columns,
        "waves": cell.waves,
        "size": cell.size,
        "n": cell.n,
        "m": cell.m,
        "test": name,
        "pairs": pairs,
        "found": found,
        "rate": round(tally.rate, 5),
        "bound": None if bound is None else round(bound, 5),
        "holds": holds,
        "commits": sorted(commits),
    }


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"seed": SEED, "alpha": ALPHA, "permutations": PERMUTATIONS, "standard_errors": 4.75, "less": LESS}


def told(count: Mapping[str, Any]) -> str:
    """The share found, for the log."""
    return f"{count['found'] / count['pairs']:.3f}"


STUDY = Study("power", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
