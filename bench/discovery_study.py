"""The false discovery rate over columns, with 4 and 10 detectors a column that say much the same.

    python bench/discovery_study.py --keep discovery.jsonl
    python bench/discovery_study.py --scale 0.02             # a quick look: fewer tables, nothing written

A table has 20 normal columns of which one has drifted, surely enough to be found by all. Every detector tests every
column and `decide` corrects as in a report. Beside it stands what Benjamini-Hochberg over all pairs of column and
detector gives, which controls another rate: ten findings of the one drift let more clean columns pass.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.calibration import adjust, decide, smallest_needed
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector
from accel_drift.finding import Status
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.outcome import Outcome
from bench.level import DETECTORS, compare
from bench.study import Found, Kept, Study, main

SEED = 20_004
ALPHA = 0.05
PERMUTATIONS = 199
COLUMNS = 20
ROWS = 200
SHIFT = 1.0
TABLES = 2000
STEP = 50
FOUR = ("psi", "kl", "jensen_shannon", "hellinger")


@dataclass(frozen=True, slots=True)
class Task:
    """Tables first ... first + tables."""

    first: int
    tables: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    total = max(2, round(scale * TABLES))
    yield from (Task(lo, min(STEP, total - lo)) for lo in range(0, total, STEP))


def wanted(task: Task) -> tuple[str, ...]:  # noqa: ARG001
    """How many detectors a column has."""
    return "4", "10"


def detectors() -> tuple[Detector, ...]:
    """Ten of numeric values: every one there is, and PSI once more in twice as many bins."""
    known = [n for n in DETECTORS if not DETECTORS[n].joint and not DETECTORS[n].alone]
    ordered = [*(n for n in FOUR if n in known), *(n for n in known if n not in FOUR)]
    made = [get_detector(n, permutations=PERMUTATIONS, min_effect=0.0) for n in ordered]
    return (*made, get_detector("psi", permutations=PERMUTATIONS, min_effect=0.0, bins=20))


def work(task: Task, sets: tuple[str, ...]) -> Found:
    """False shares among the columns found, added up."""
    counts: Found = {s: {"tables": 0, "found": 0} for s in sets}
    asked = detectors()
    for i in range(task.first, task.first + task.tables):
        comparison = _table(i)
        needed = smallest_needed(COLUMNS, len(asked), ALPHA, "bh")
        plan = Plan(ALPHA, needed, SEED + i, intervals=False)
        made = [[replace(o, min_effect=0.0) for o in d.outcomes(comparison, plan)] for d in asked]
        for s in sets:
            _count(counts[s], [o for some in made[: int(s)] for o in some])
    return counts


def _table(number: int) -> Any:
    rng = np.random.default_rng([SEED, number])
    reference = {f"x{j}": rng.standard_normal(ROWS) for j in range(COLUMNS)}
    batch = {f"x{j}": rng.standard_normal(ROWS) + SHIFT * (j == 0) for j in range(COLUMNS)}
    return compare(reference, batch, "numeric")


def _count(into: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    for name, found in (("two_levels", two_levels(outcomes, ALPHA)), ("one_level", one_level(outcomes, ALPHA))):
        share = len(found - {"x0"}) / max(1, len(found))
        into[f"{name}_false"] = into.get(f"{name}_false", 0.0) + share
        into[f"{name}_square"] = into.get(f"{name}_square", 0.0) + share**2
        into[f"{name}_drift"] = into.get(f"{name}_drift", 0) + ("x0" in found)
    into["tables"] += 1


def two_levels(outcomes: Sequence[Outcome], alpha: float) -> set[str]:
    """The columns found by a report's correction."""
    return {f.column for f in decide(outcomes, alpha=alpha) if f.status is Status.DRIFTED}


def one_level(outcomes: Sequence[Outcome], alpha: float) -> set[str]:
    """The columns found by Benjamini-Hochberg over all pairs of column and detector."""
    adjusted = adjust([1.0 if o.p_value is None else o.p_value for o in outcomes], "bh")
    return {o.column for o, p in zip(outcomes, adjusted, strict=True) if p <= alpha}


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each number of detectors and each correction: the false discovery rate over columns."""
    made = []
    asked = [d.name for d in detectors()]
    for s in ("4", "10"):
        some = [(found[s], kept.commits[task, s]) for task, found in kept.found.items() if s in found]
        tables = sum(count["tables"] for count, _ in some)
        for name in ("two_levels", "one_level"):
            if not tables:
                continue
            rate = sum(count[f"{name}_false"] for count, _ in some) / tables
            spread = sqrt(max(0.0, sum(count[f"{name}_square"] for count, _ in some) / tables - rate**2) / tables)
            made.append(
                {
                    "detectors": asked[: int(s)],
                    "correction": name,
                    "tables": tables,
                    "rate": round(rate, 5),
                    "standard_error": round(spread, 5),
                    "drift_found": round(sum(count[f"{name}_drift"] for count, _ in some) / tables, 4),
                    "bound": ALPHA,
                    "holds": bool(rate <= ALPHA) if name == "two_levels" else None,
                    "commits": sorted({commit for _, commit in some}),
                }
            )
    return made


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "alpha": ALPHA,
        "permutations": PERMUTATIONS,
        "columns": COLUMNS,
        "rows": ROWS,
        "shift": SHIFT,
    }


def told(count: Mapping[str, Any]) -> str:
    """The rates, for the log."""
    two, one = (count[f"{name}_false"] / count["tables"] for name in ("two_levels", "one_level"))
    return f"{two:.3f} (one level {one:.3f})"


STUDY = Study("discovery", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
