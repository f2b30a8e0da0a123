"""Whether the shift that a report calls detectable is found in 80 of 100 cases: simulated, and by the formula.

    python bench/detectable_study.py --keep detectable.jsonl
    python bench/detectable_study.py --scale 0.1             # a quick look: fewer pairs, nothing written

Normal columns are moved by six shifts around those that could be it, tested as in a report, and a probit line through
the shares found says where the power is 0.8.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors import get_detector
from accel_drift.statistics import power
from accel_drift.statistics.comparison import Plan
from bench import population
from bench.level import DETECTORS, wide
from bench.study import Found, Kept, Study, main

SEED = 20_003
PERMUTATIONS = 199
PAIRS = 200
SIZES = ((200, 200), (2000, 500), (20_000, 2000))
LEVELS = (0.05, 0.0005)
TIMES = (0.9, 1.05, 1.2, 1.35, 1.5, 1.7)
"""Shifts, as multiples of the one that a test of the mean finds with power 0.8."""

NEAR = 0.2


@dataclass(frozen=True, slots=True)
class Task:
    """Pairs of one size under one shift.

    Attributes:
        n: rows of a reference.
        m: rows of a batch.
        alpha: the level of the test.
        times: the shift, a number of `TIMES`.
        pairs: how many pairs.
    """

    n: int
    m: int
    alpha: float
    times: float
    pairs: int

    @property
    def shift(self) -> float:
        return self.times * float(ndtri(1 - self.alpha / 2) + ndtri(power.POWER)) * sqrt(1 / self.n + 1 / self.m)


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    for n, m in reversed(SIZES):
        for alpha in LEVELS:
            yield from (Task(n, m, alpha, times, max(20, round(scale * PAIRS))) for times in TIMES)


def wanted(task: Task) -> tuple[str, ...]:  # noqa: ARG001
    """Every detector of numeric columns for which a report says what is detectable."""
    return tuple(d for d in DETECTORS if not DETECTORS[d].joint and stated(d, 200, 200, 0.05) is not None)


def stated(detector: str, n: int, m: int, alpha: float) -> float | None:
    """What a report says."""
    return power.detectable_shift(detector, n, m, alpha, int(getattr(get_detector(detector), "bins", 0)))


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """How many of the pairs each detector finds."""
    found = dict.fromkeys(detectors, 0)
    width = 100
    for lo in range(0, task.pairs, width):
        columns = [f"x{i}" for i in range(lo, min(task.pairs, lo + width))]
        seed = (SEED, task.n, task.m, lo, round(100 * task.times), round(1e5 * task.alpha))
        batch = population.sample("normal", task.shift)
        comparison = wide(seed, columns, task.n, task.m, population.sample("normal", 0.0), batch)
        plan = Plan(task.alpha, task.alpha, SEED + lo, intervals=False)
        for d in detectors:
            outcomes = get_detector(d, permutations=PERMUTATIONS).outcomes(comparison, plan)
            found[d] += sum(o.p_value is not None and o.p_value <= task.alpha for o in outcomes)
    return {d: {"found": k, "pairs": task.pairs} for d, k in found.items()}


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each detector, size and level: stated and simulated shift, and their ratio."""
    lines: dict[tuple[Any, ...], list[tuple[float, int, int, str]]] = {}
    for task, by in kept.found.items():
        for d, v in by.items():
            line = lines.setdefault((d, task.n, task.m, task.alpha), [])
            line.append((task.shift, v["found"], v["pairs"], kept.commits[task, d]))
    return [_row(key, sorted(line)) for key, line in sorted(lines.items())]


def _row(key: tuple[Any, ...], line: list[tuple[float, int, int, str]]) -> dict[str, Any]:
    d, n, m, alpha = key
    simulated = shift_at(power.POWER, [(s, k, of) for s, k, of, _ in line])
    said = stated(d, n, m, alpha)
    ratio = said / simulated if said is not None else float("nan")
    return {
        "detector": d,
        "n": n,
        "m": m,
        "alpha": alpha,
        "stated": round(said or 0.0, 5),
        "simulated": round(simulated, 5),
        "ratio": round(ratio, 4),
        "found": [[round(s, 5), k, of] for s, k, of, _ in line],
        "holds": bool(abs(ratio - 1) <= NEAR),
        "commits": sorted({commit for *_, commit in line}),
    }


def shift_at(share: float, line: list[tuple[float, int, int]]) -> float:
    """Where a probit line through (shift, found, pairs) reaches a share found."""
    shift, found, pairs = (np.array(v, dtype=np.float64) for v in zip(*line, strict=True))
    observed = (found + 0.5) / (pairs + 1)
    z = ndtri(observed)
    # Delta-method weights: the variance of a probit is p (1 - p) over the squared density.
    weight = np.exp(-(z**2)) / (observed * (1 - observed)) * pairs
    slope, start = np.polyfit(shift, z, 1, w=np.sqrt(weight))
    return float((ndtri(share) - start) / slope)


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"seed": SEED, "permutations": PERMUTATIONS, "power": power.POWER, "near": NEAR, "times": TIMES}


def told(count: Mapping[str, Any]) -> str:
    """The share found, for the log."""
    return f"{count['found'] / count['pairs']:.2f}"


STUDY = Study("detectable", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
