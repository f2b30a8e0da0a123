"""Tolerance tests: how often "drift beyond eps" is claimed where the drift is just eps, and where it is twice that.

    python bench/tolerance_study.py --keep tolerance.jsonl
    python bench/tolerance_study.py --scale 0.05             # a quick look: fewer pairs, nothing written

The tolerance is each detector's first band. The shift whose effect between whole populations is eps, or 2 eps, is
found first (`population.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors import get_detector
from accel_drift.statistics.comparison import Plan
from bench import population
from bench.level import ALPHA, DETECTORS, Draw, Tally, Values, wide
from bench.study import Found, Kept, Study, main

SEED = 20_005
SIZES = ((2000, 2000), (2000, 500))
PAIRS = (1000, 200)
"""For detectors of columns, and for joint ones."""

STEP = 250
UNBANDED = {"cramer_von_mises": 0.01, "mmd": 0.02, "energy": 0.05}
"""Tolerances of the detectors without bands."""

SHARES = {"missing": 0.05, "unseen": 0.05}


@dataclass(frozen=True, slots=True)
class Task:
    """Pairs of one detector, whose drift is `times` its tolerance."""

    detector: str
    n: int
    m: int
    times: int
    first: int
    pairs: int


def tolerance(detector: str) -> float:
    """The eps of the study."""
    if detector in SHARES or detector in UNBANDED:
        return {**SHARES, **UNBANDED}[detector]
    first, *_ = DETECTORS[detector].bands or (0.01,)
    return float(first)


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    for d in DETECTORS:
        end = max(2, round(scale * PAIRS[DETECTORS[d].joint]))
        for n, m in SIZES:
            for times in (1, 2):
                yield from (Task(d, n, m, times, lo, min(STEP, end - lo)) for lo in range(0, end, STEP))


def wanted(task: Task) -> tuple[str, ...]:
    """The one detector of a task."""
    return (task.detector,)


@lru_cache(maxsize=64)
def shift(detector: str, n: int, m: int, times: int) -> float:
    """The shift in deviations whose effect is `times` the tolerance; of missing and unseen rows, their share."""
    target = times * tolerance(detector)
    if detector in SHARES:
        return target
    if DETECTORS[detector].joint:
        return population.shift_of_effect(target, lambda s: population.joint_effect(detector, s, n, m))
    return population.shift_of_effect(target, lambda s: population.effect(detector, "normal", s, n, m, 100_000))


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """How many pairs are said to have drifted beyond the tolerance."""
    (name,) = detectors
    detector = get_detector(name, tolerance=tolerance(name), permutations=99)
    width = 1 if detector.joint else 50
    reference, batch = _draws(name, shift(name, task.n, task.m, task.times))
    kind = "categorical" if name == "unseen" else "numeric"
    p: list[float | None] = []
    end = task.first + task.pairs
    for lo in range(task.first, end, width):
        columns = [f"x{i}" for i in range(lo, min(end, lo + width))]
        seed = (SEED, task.n, task.m, lo, task.times, sum(name.encode()))
        comparison = wide(seed, columns, task.n, task.m, reference, batch, kind)
        p += [o.p_value for o in detector.outcomes(comparison, Plan(ALPHA, ALPHA, SEED + lo, intervals=False))]
    return {name: {"found": sum(v is not None and v <= ALPHA for v in p), "pairs": len(p)}}


def _draws(name: str, by: float) -> tuple[Draw, Draw]:
    def missing(share: float) -> Draw:
        return lambda rng, rows: np.where(rng.random(rows) < share, np.nan, rng.standard_normal(rows))

    def new(share: float) -> Draw:
        def draw(rng: np.random.Generator, rows: int) -> Values:
            return np.where(rng.random(rows) < share, "new", np.array(list("abcde"))[rng.integers(0, 5, rows)])

        return draw

    if name == "missing":
        return missing(0.05), missing(0.05 + by)
    if name == "unseen":
        return new(0.0), new(by)
    return population.sample("normal", 0.0), population.sample("normal", by)


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each detector and size: the level at the tolerance, and the power at twice that."""
    summed: dict[tuple[str, int, int, int], tuple[int, int, set[str]]] = {}
    for task, found in kept.found.items():
        key = (task.detector, task.n, task.m, task.times)
        k, of, commits = summed.get(key, (0, 0, set()))
        count = found[task.detector]
        summed[key] = k + count["found"], of + count["pairs"], commits | {kept.commits[task, task.detector]}
    made = []
    for (name, n, m, times), (k, of, commits) in sorted(summed.items()):
        tally = Tally(k, of, of)
        made.append(
            {
                "detector": name,
                "n": n,
                "m": m,
                "tolerance": tolerance(name),
                "times": times,
                "shift": round(shift(name, n, m, times), 5),
                "pairs": of,
                "found": k,
                "rate": round(tally.rate, 5),
                "bound": round(tally.bound, 5) if times == 1 else None,
                "holds": bool(tally.rate <= tally.bound) if times == 1 else None,
                "commits": sorted(commits),
            }
        )
    return made


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"seed": SEED, "alpha": ALPHA, "standard_errors": 4.75}


def told(count: Mapping[str, Any]) -> str:
    """The share found, for the log."""
    return f"{count['found'] / count['pairs']:.3f}"


STUDY = Study("tolerance", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
