"""What dealing whole groups of rows costs MMD in power against dealing single rows, and whether both keep their level.

    python bench/groups_study.py --keep groups.jsonl
    python bench/groups_study.py --scale 0.02            # a quick look: fewer pairs, nothing written

Both modes see the same pairs of samples: normal columns whose means are moved by a shift, spread evenly over them.
Where nothing is moved, the p-values of each mode are counted in 20 equal bins, too, since they must be uniform.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors import get_detector
from accel_drift.statistics.comparison import Plan
from bench import population
from bench.level import ALPHA, STANDARD_ERRORS, Tally, wide
from bench.study import Found, Kept, Study, main

SEED = 20_006
PERMUTATIONS = 199
BINS = 20
MODES = ("rows", "groups")
LOSS = 0.03
"""Power that groups may lose."""

UNIFORM = 0.001
"""Chi-square p-value of the bins below which p-values are not called uniform."""

PAIRS = {True: 2000, False: 1000}
"""Where something is moved, and where nothing is."""

STEP = 100
ROWS = 512
"""Rows a side where something is moved: 32 groups of 16."""

SHIFTS: Mapping[int, Sequence[float]] = {2: (0.14, 0.2), 10: (0.18, 0.26), 50: (0.26, 0.36)}
"""Columns -> lengths of the shift of the mean, in deviations: found in a third and in three quarters of all cases."""

NULLS: Sequence[tuple[int, int, int]] = ((2, 512, 512), (10, 512, 512), (10, 512, 130), (10, 130, 512))
"""Columns, n and m where nothing is moved."""


@dataclass(frozen=True, slots=True)
class Task:
    """Pairs first ... first + pairs of n and m rows in d columns whose means are `shift` apart in all."""

    d: int
    n: int
    m: int
    shift: float
    first: int
    pairs: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    cells = [(d, ROWS, ROWS, shift) for d, shifts in SHIFTS.items() for shift in shifts]
    cells += [(d, n, m, 0.0) for d, n, m in NULLS]
    for cell in cells:
        end = max(2, round(scale * PAIRS[cell[-1] > 0]))
        yield from (Task(*cell, lo, min(STEP, end - lo)) for lo in range(0, end, STEP))


def wanted(task: Task) -> tuple[str, ...]:  # noqa: ARG001
    """Both modes are asked about each pair."""
    return ("mmd",)


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """What each mode rejects of the pairs, what both do, and how their p-values lie."""
    p = np.array([_p_values(task, i) for i in range(task.first, task.first + task.pairs)])
    rejected = p <= ALPHA
    counts: dict[str, Any] = {"pairs": task.pairs, "both": int(rejected.all(axis=1).sum())}
    for i, mode in enumerate(MODES):
        counts[mode] = int(rejected[:, i].sum())
        # A p-value is a whole number of (B + 1)-ths; those of one bin are as many as those of any other.
        rank = np.rint(p[:, i] * (PERMUTATIONS + 1)).astype(int) - 1
        counts[f"{mode}_bins"] = np.bincount(rank * BINS // (PERMUTATIONS + 1), minlength=BINS).tolist()
    return dict.fromkeys(detectors, counts)


def _p_values(task: Task, number: int) -> list[float | None]:
    columns = [f"x{i}" for i in range(task.d)]
    each = task.shift / sqrt(task.d)
    seed = (SEED, task.d, task.n, task.m, round(1000 * task.shift), number)
    drawn = population.sample("normal", 0.0), population.sample("normal", each)
    comparison = wide(seed, columns, task.n, task.m, *drawn)
    plan = Plan(ALPHA, ALPHA, SEED + number, intervals=False)
    found = []
    for mode in MODES:
        made = get_detector("mmd", mode=mode, permutations=PERMUTATIONS, precision="float32")
        (outcome,) = made.outcomes(comparison, plan)
        found.append(outcome.p_value)
    return found


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row a cell: the rates, their paired difference, and whether they hold."""
    summed: dict[tuple[Any, ...], tuple[dict[str, Any], set[str]]] = {}
    for task, found in kept.found.items():
        counts, commits = summed.setdefault((task.d, task.n, task.m, task.shift), ({}, set()))
        for name, value in found["mmd"].items():
            known = counts.get(name, 0)
            counts[name] = (np.add(known, value)).tolist() if isinstance(value, list) else known + value
        commits.add(kept.commits[task, "mmd"])
    return [_row(key, *summed[key]) for key in sorted(summed)]


def _row(key: tuple[Any, ...], counts: Mapping[str, Any], commits: set[str]) -> dict[str, Any]:
    d, n, m, shift = key
    pairs = counts["pairs"]
    rates = {mode: counts[mode] / pairs for mode in MODES}
    loss = rates["rows"] - rates["groups"]
    apart = (counts["rows"] + counts["groups"] - 2 * counts["both"]) / pairs
    made = {
        "asked": "power" if shift else "level",
        "d": d,
        "n": n,
        "m": m,
        "shift": shift,
        "pairs": pairs,
        **{mode: round(rate, 5) for mode, rate in rates.items()},
        "loss": round(loss, 5),
        "standard_error": round(sqrt(max(apart - loss**2, 0.0) / pairs), 5),
    }
    if shift:
        made["holds"] = bool(loss < LOSS)
    else:
        made |= {f"{mode}_uniform": _uniform(counts[f"{mode}_bins"]) for mode in MODES}
        kept = all(counts[mode] / pairs <= Tally(0, pairs, pairs).bound for mode in MODES)
        made["holds"] = bool(kept and min(made[f"{mode}_uniform"] for mode in MODES) > UNIFORM)
    return {**made, "commits": sorted(commits)}


def _uniform(counts: Sequence[int]) -> float:
    """Chi-square p-value of equal bins."""
    from scipy.stats import chisquare

    return float(f"{chisquare(counts).pvalue:.3g}")


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "alpha": ALPHA,
        "permutations": PERMUTATIONS,
        "loss": LOSS,
        "uniform": UNIFORM,
        "bins": BINS,
        "standard_errors": STANDARD_ERRORS,
    }


def told(counts: Mapping[str, Any]) -> str:
    """Both rates, for the log."""
    return ", ".join(f"{mode} {counts[mode] / counts['pairs']:.3f}" for mode in MODES)


STUDY = Study("groups", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
