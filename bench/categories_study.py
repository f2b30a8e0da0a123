"""Columns of very many categories: false alarms where nothing drifted, and drift among the rare ones.

    python bench/categories_study.py --keep runs.jsonl   # everything; can be stopped and taken up again
    python bench/categories_study.py --scale 0.02        # a quick look, nothing written

Categories follow Zipf's law; which of them is frequent has nothing to do with its name. Raw p-values are held against
0.05, with the bound of the level study.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.data.schema import Kind
from accel_drift.detectors import get_detector
from accel_drift.statistics.binned import MOST_CATEGORIES
from accel_drift.statistics.comparison import Plan
from bench.level import ALPHA, DETECTORS, STANDARD_ERRORS, Draw, Tally, Values, wide
from bench.study import Found, Kept, Study, main

SEED = 50_001
PERMUTATIONS = 99
SIZES = ((500, 5000), (2000, 2000), (20_000, 20_000))
PAIRS = {1_000: 500, 100_000: 200}
"""Categories -> pairs of a cell without drift."""

POWER = (10_000, 50_000, 50_000)
"""Categories, n and m where something drifts."""

POWER_PAIRS = 100
STEP = 50
NAMES = tuple(n for n, d in DETECTORS.items() if Kind.CATEGORICAL in d.kinds and not d.joint and n != "missing")
FREQUENT = 1000
CHANGES: Mapping[str, str] = {
    "families": f"100 families of neighbouring names grow or shrink by about a fifth, outside the {FREQUENT:,} most "
    "frequent",
    "neighbours": f"half of the rows of a name move to the next one, outside the {FREQUENT:,} most frequent",
    "vanished": f"a tenth of the categories outside the {FREQUENT:,} most frequent has no row in the batch",
    "new": "2 % of the rows in 200 categories that the reference does not have",
}


@dataclass(frozen=True, slots=True)
class Task:
    """A run of pairs: so many categories, n and m rows, numbers first ... first + pairs, and the drift or ""."""

    categories: int
    n: int
    m: int
    change: str
    first: int
    pairs: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    cells = [(k, n, m, "", pairs) for k, pairs in PAIRS.items() for n, m in SIZES]
    cells += [(*POWER, change, POWER_PAIRS) for change in CHANGES]
    for k, n, m, change, pairs in cells:
        end = max(2, round(scale * pairs))
        yield from (Task(k, n, m, change, lo, min(STEP, end - lo)) for lo in range(0, end, STEP))


def wanted(_: Task) -> tuple[str, ...]:
    """The detectors of single columns of categories, all on the same pairs."""
    return NAMES


@lru_cache(maxsize=8)
def weights(categories: int, change: str) -> npt.NDArray[np.float64]:
    """Chance of each category in the order of the names, before or after a change; new ones come last."""
    rng = np.random.default_rng([SEED, categories])
    rank = rng.permutation(categories)
    mass = 1.0 / (1 + rank)
    rare = rank >= FREQUENT
    moved = mass.copy()
    if change == "families":
        family = np.arange(categories) * 100 // categories
        moved *= np.exp(rng.normal(0, 0.2, 100))[family]
    elif change == "neighbours":
        pair = np.flatnonzero(rare[:-1:2] & rare[1::2]) * 2
        moved[pair + 1] += moved[pair] / 2
        moved[pair] /= 2
    elif change == "vanished":
        moved[rare & (rng.random(categories) < 0.1)] = 0.0
    # The rare ones have as many rows as before, so that only what is among them tells.
    moved = np.where(rare, moved * (mass[rare].sum() / moved[rare].sum() if rare.any() else 1.0), mass)
    moved /= moved.sum()
    return np.concatenate([0.98 * moved, np.full(200, 0.02 / 200)]) if change == "new" else moved


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """How many pairs each detector rejects."""
    columns = [f"x{i}" for i in range(task.first, task.first + task.pairs)]
    seed = (SEED, task.categories, task.n, task.m, task.first, ["", *CHANGES].index(task.change))
    sides = _draw(task.categories, ""), _draw(task.categories, task.change)
    comparison = wide(seed, columns, task.n, task.m, *sides, "categorical")
    plan = Plan(ALPHA, ALPHA, SEED + task.first, intervals=False)
    made = {name: get_detector(name, permutations=PERMUTATIONS).outcomes(comparison, plan) for name in detectors}
    return {
        name: {"rejected": sum(o.p_value is not None and o.p_value <= ALPHA for o in found), "pairs": len(found)}
        for name, found in made.items()
    }


def _draw(categories: int, change: str) -> Draw:
    upto = np.cumsum(weights(categories, change))

    def draw(rng: np.random.Generator, rows: int) -> Values:
        place = np.searchsorted(upto, rng.random(rows) * upto[-1], side="right")
        return np.char.add("c", np.char.zfill(place.astype("U6"), 6))

    return draw


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row a cell: rate and, without drift, whether it holds its bound."""
    summed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for task, found in kept.found.items():
        for name, count in found.items():
            key = (task.change, task.categories, task.n, task.m, name)
            into = summed.setdefault(key, {"rejected": 0, "pairs": 0, "commits": set()})
            into["commits"].add(kept.commits[task, name])
            for field in ("rejected", "pairs"):
                into[field] += count[field]
    made = []
    for (change, k, n, m, name), count in sorted(summed.items(), key=lambda item: item[0]):
        tally = Tally(count["rejected"], count["pairs"], count["pairs"])
        made.append(
            {
                "detector": name,
                "categories": k,
                "n": n,
                "m": m,
                "change": change,
                "pairs": tally.pairs,
                "rejected": tally.rejected,
                "rate": round(tally.rate, 5),
                "bound": None if change else round(tally.bound, 5),
                "holds": None if change else bool(tally.rate <= tally.bound),
                "commits": sorted(count["commits"]),
            }
        )
    return made


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "alpha": ALPHA,
        "standard_errors": STANDARD_ERRORS,
        "permutations": PERMUTATIONS,
        "seed": SEED,
        "cells": MOST_CATEGORIES,
        "changes": dict(CHANGES),
    }


def told(count: Mapping[str, Any]) -> str:
    """The rate, for the log."""
    return f"{count['rejected'] / count['pairs']:.3f}"


STUDY = Study("categories", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
