"""Whether effects are right on average, and how often their intervals hold the truth.

    python bench/effect_study.py --keep effects.jsonl   # everything; can be stopped and taken up again
    python bench/effect_study.py --scale 0.05           # a quick look: fewer pairs, nothing written

The truth is the effect between whole populations (`population.py`): quantile bins of the true reference, and so on.
Means are taken at shifts of a quarter and half a deviation. Coverage is that of the 95 % interval where nothing
drifts and at PSI 0.01 and 0.09, for normal and for Poisson columns, for normal ones in runs of rows that are alike,
and for shares of missing rows and of new categories.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors import get_detector
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.outcome import Outcome
from bench import population
from bench.level import ALONE, DETECTORS, Draw, Values, wide
from bench.study import Found, Kept, Study, main

SEED = 20_002
PERMUTATIONS = 99
WIDTH = 100
BLOCK = 20
FLOOR = 0.93
HELD = ("normal", "missing", "new_category")
NEAR = 0.15
"""A mean effect may be off by this share of the truth."""

PSI = (0.0, 0.01, 0.09)
SHIFTS = (0.25, 0.5)
POISSON = (0.0, 0.17, 0.5)
NEW_SHARE = (0.0, 0.02, 0.1)
MEAN_SIZES: Mapping[tuple[int, int], tuple[int, int]] = {
    (100, 100): (4000, 400),
    (2000, 100): (4000, 400),
    (20_000, 20_000): (200, 10),
}
"""n and m -> pairs for detectors of columns, and for joint ones."""

COVERED_SIZES = ((2000, 100), (2000, 2000))
COVERED_PAIRS = (1000, 300)
STEP = {False: 500, True: 50}

RESAMPLED = ("ks", "total_variation", "wasserstein")
"""Effects that are made along with the interval: what chance adds to them is known from resamples."""


@dataclass(frozen=True, slots=True)
class Task:
    """A run of pairs.

    Attributes:
        column: "normal", "poisson", "blocks", "missing" or "new_category".
        shift: by how much the batch's law is moved: in deviations, in the Poisson mean, or the share of rows.
        n: rows of a reference.
        m: rows of a batch.
        first: number of the first pair.
        pairs: how many.
        joint: whether joint detectors are asked.
        intervals: whether intervals are made.
    """

    column: str
    shift: float
    n: int
    m: int
    first: int
    pairs: int
    joint: bool
    intervals: bool


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does, the dearest first."""
    shifts = [population.shift_of_psi(p) for p in PSI]
    whole = []
    for joint in (False, True):
        pairs = COVERED_PAIRS[joint]
        for n, m in COVERED_SIZES:
            whole += [Task("normal", s, n, m, 0, pairs, joint, True) for s in shifts]
        whole += [Task("normal", s, *size, 0, k[joint], joint, False) for size, k in MEAN_SIZES.items() for s in SHIFTS]
    pairs = COVERED_PAIRS[False]
    whole += [Task("blocks", s, 2000, 2000, 0, pairs, False, True) for s in shifts]
    for n, m in COVERED_SIZES:
        whole += [Task("poisson", s, n, m, 0, pairs, False, True) for s in POISSON]
        whole += [Task(c, s, n, m, 0, pairs, False, True) for s in NEW_SHARE for c in ("missing", "new_category")]
    for task in sorted(whole, key=lambda t: (not t.joint, -t.n - t.m)):
        end, step = max(2, round(scale * task.pairs)), STEP[task.joint]
        for first in range(0, end, step):
            yield replace(task, first=first, pairs=min(step, end - first))


def wanted(task: Task) -> tuple[str, ...]:
    """The detectors that a task is for."""
    if task.joint:
        return tuple(n for n in DETECTORS if DETECTORS[n].joint)
    alone = {"missing": ("missing",), "new_category": ("unseen",)}
    if task.column in alone:
        return alone[task.column]
    return tuple(n for n in DETECTORS if not DETECTORS[n].joint and n not in ALONE)


def truth(detector: str, task: Task) -> float:
    """What the effect is between the populations."""
    if task.column in ("missing", "new_category"):
        return task.shift
    if task.joint:
        return population.joint_effect(detector, task.shift, task.n, task.m)
    return population.effect(detector, "poisson" if task.column == "poisson" else "normal", task.shift, task.n, task.m)


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """Draw the pairs of a task: sums of effects and of their squares, and how many intervals hold the truth."""
    found: dict[str, list[Outcome]] = {d: [] for d in detectors}
    width = 1 if task.joint else WIDTH
    # A joint detector's effect needs no draws; its interval needs their skewness, and so enough of them.
    joint = 199 if task.intervals else 19
    made = {d: get_detector(d, permutations=joint if task.joint else PERMUTATIONS) for d in detectors}
    end = task.first + task.pairs
    for lo in range(task.first, end, width):
        columns = [f"x{i}" for i in range(lo, min(end, lo + width))]
        kind = "categorical" if task.column == "new_category" else "numeric"
        block = BLOCK if task.column == "blocks" else None
        seed = (SEED, task.n, task.m, lo, _place(task))
        comparison = wide(seed, columns, task.n, task.m, _draw(task, 0.0), _draw(task, task.shift), kind, block)
        for name, detector in made.items():
            plan = Plan(0.05, 0.05, SEED + lo, intervals=task.intervals or name in RESAMPLED)
            found[name] += detector.outcomes(comparison, plan)
    return {name: _sums(outcomes, truth(name, task)) for name, outcomes in found.items()}


def _sums(outcomes: Sequence[Outcome], true: float) -> dict[str, Any]:
    effects = np.array([o.effect for o in outcomes], dtype=np.float64)
    intervals = [o.interval for o in outcomes if o.interval is not None]
    return {
        "pairs": len(outcomes),
        "truth": true,
        "effect": float(effects.sum()),
        "square": float((effects**2).sum()),
        "intervals": len(intervals),
        "covered": sum(low - 1e-12 <= true <= high + 1e-12 for low, high in intervals),
        "width": float(sum(high - low for low, high in intervals)),
    }


def _draw(task: Task, shift: float) -> Draw:
    if task.column in ("normal", "poisson"):
        return population.sample(task.column, shift)

    def blocks(rng: np.random.Generator, rows: int) -> Values:
        """Half of the variance, 1 in all, is the run's own."""
        effects = np.repeat(rng.standard_normal(-(-rows // BLOCK)), BLOCK)[:rows]
        made: Values = np.sqrt(0.5) * (effects + rng.standard_normal(rows)) + shift
        return made

    def missing(rng: np.random.Generator, rows: int) -> Values:
        return np.where(rng.random(rows) < 0.05 + shift, np.nan, rng.standard_normal(rows))

    def new_category(rng: np.random.Generator, rows: int) -> Values:
        return np.where(rng.random(rows) < shift, "new", np.array(list("abcde"))[rng.integers(0, 5, rows)])

    return {"blocks": blocks, "missing": missing, "new_category": new_category}[task.column]


def _place(task: Task) -> int:
    kinds = ("normal", "poisson", "blocks", "missing", "new_category")
    return (round(1e5 * task.shift) * len(kinds) + kinds.index(task.column)) * 4 + 2 * task.joint + task.intervals


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row a cell: truth, mean effect, ratio, coverage, and whether it holds."""
    summed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for task, found in kept.found.items():
        for name, sums in found.items():
            key = (name, task.column, task.shift, task.n, task.m, task.intervals)
            into = summed.setdefault(key, {"commits": set(), "truth": sums["truth"]})
            into["commits"].add(kept.commits[task, name])
            for field in ("pairs", "effect", "square", "intervals", "covered", "width"):
                into[field] = into.get(field, 0) + sums[field]
    return [_row(key, summed[key]) for key in sorted(summed)]


def _row(key: tuple[Any, ...], sums: Mapping[str, Any]) -> dict[str, Any]:
    detector, column, shift, n, m, intervals = key
    mean, true, k = sums["effect"] / sums["pairs"], sums["truth"], sums["pairs"]
    made = {
        "asked": "coverage" if intervals else "mean",
        "detector": detector,
        "column": column,
        "shift": shift,
        "n": n,
        "m": m,
        "pairs": k,
        "truth": _short(true),
        "mean": _short(mean),
        "standard_error": _short(np.sqrt(max(0.0, sums["square"] / k - mean**2) / k)),
    }
    if intervals:
        coverage = sums["covered"] / sums["intervals"] if sums["intervals"] else None
        made |= {
            "coverage": coverage,
            "mean_width": _short(sums["width"] / max(1, sums["intervals"])),
            # Ties and whole blocks are shown beside the cells that are asked for.
            "holds": coverage >= FLOOR if coverage is not None and column in HELD else None,
        }
    else:
        made |= {"ratio": round(mean / true, 4), "holds": bool(abs(mean / true - 1) <= NEAR)}
    return {**made, "commits": sorted(sums["commits"])}


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "permutations": PERMUTATIONS,
        "floor": FLOOR,
        "near": NEAR,
        "psi": PSI,
        "block": BLOCK,
    }


def told(sums: Mapping[str, Any]) -> str:
    """Mean effect over the truth, and coverage, for the log."""
    ratio = sums["effect"] / sums["pairs"] / sums["truth"] if sums["truth"] else float("nan")
    return f"{ratio:.3f}" + (f" ({sums['covered'] / sums['intervals']:.3f})" if sums["intervals"] else "")


STUDY = Study("effects", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
