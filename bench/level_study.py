"""The full level study: how often each detector rejects where nothing drifted, and whether it finds what did.

    python bench/level_study.py --keep runs.jsonl   # everything; can be stopped and taken up again
    python bench/level_study.py --keep runs.jsonl --detectors kl,energy --columns normal,t2   # a part of it
    python bench/level_study.py --keep runs.jsonl --as-is   # writes what the file holds
    python bench/level_study.py --scale 0.02     # a quick look: fewer pairs in every cell, nothing written

A cell is one detector on one kind of column at one n and m. Raw p-values are held against 0.05; the bound is 4.75
standard errors above it, which a valid test exceeds about once in a million cells. Detectors that look at single
columns share each pair of data sets; every pair is drawn anew for every column kind and size. Data whose rows come in
runs that are alike is tested twice: with whole runs permuted, as it should be, and with rows permuted, to show why.
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
from accel_drift.statistics.comparison import Comparison, Plan
from bench.economies import MEDIAN_PAIRS
from bench.level import ALPHA, CATEGORICAL, COLUMNS, DETECTORS, SIZES, WIDTH, Draw, Tally, Values, applies, wide
from bench.study import Found, Kept, Study, main

SEED = 20_001
PERMUTATIONS = 99
"""5 of 1 + 99 is the level exactly: a p-value of at most 0.05 is as likely under no drift as with any more of them."""

ALSO_AT = 0.01
"""A second level that is counted, for the reader; it has no bound."""

PAIRS = {"single": 2000, "joint": 500}
MORE_PAIRS = {"single": 5000, "joint": 1000}
"""Of the detectors that were studied first, whose earlier runs are kept."""

FIRST = ("psi", "ks", "chi_square", "missing", "unseen", "mmd rows", "mmd groups", "mmd rows, calibration scale", "mmd rows, float32")  # fmt: skip  # noqa: E501

STEP = {"single": 1000, "joint": 250}
POWER_PAIRS = 1000
BLOCK = 20
POWER_FLOOR = 0.9

SINGLE = tuple(n for n in DETECTORS if not DETECTORS[n].joint)
ALL_SIZES = frozenset((n, m) for n in SIZES for m in SIZES)
JOINT: Mapping[str, Mapping[str, Any]] = {
    "mmd rows": {"mode": "rows"},
    "mmd groups": {"mode": "groups"},
    "mmd rows, calibration scale": {"mode": "rows", "scale": "calibration"},
    "mmd rows, float32": {"mode": "rows", "precision": "float32"},
    **{n: {} for n in DETECTORS if DETECTORS[n].joint and n != "mmd"},
}
JOINT_COLUMNS = {"numeric": 5, "categorical": 1}
"""Columns of one kind that a joint detector takes; a column of 200 categories is a matrix of 32 already."""

JOINT_SIZES: Mapping[str, frozenset[tuple[int, int]]] = {
    "mmd groups": frozenset({(100, 100), (500, 500), (500, 100)}),
    "mmd rows, calibration scale": frozenset({(100, 500), (500, 500)}),
    "mmd rows, float32": frozenset({(500, 500)}),
}
"""Where variants of MMD are studied; all others everywhere."""


def _shifted(rng: np.random.Generator, rows: int) -> Values:
    return rng.standard_normal(rows) + 0.5


def _more_missing(rng: np.random.Generator, rows: int) -> Values:
    return np.where(rng.random(rows) < 0.15, np.nan, rng.standard_normal(rows))


def _new_category(rng: np.random.Generator, rows: int) -> Values:
    return np.where(rng.random(rows) < 0.1, "new", COLUMNS["zipf"](rng, rows))


def _block_effects(rng: np.random.Generator, rows: int) -> Values:
    """Runs of `BLOCK` rows that share a part: the intraclass correlation is one half."""
    effects = np.repeat(rng.standard_normal(-(-rows // BLOCK)), BLOCK)[:rows]
    return effects + rng.standard_normal(rows)


def _block_missing(rng: np.random.Generator, rows: int) -> Values:
    """Whole runs with a few or with many missing rows."""
    share = np.repeat(rng.choice([0.01, 0.3], -(-rows // BLOCK)), BLOCK)[:rows]
    return np.where(rng.random(rows) < share, np.nan, _block_effects(rng, rows))


def _block_zipf(rng: np.random.Generator, rows: int) -> Values:
    """Runs of rows half of which are in the run's own category."""
    own = np.repeat(COLUMNS["zipf"](rng, -(-rows // BLOCK)), BLOCK)[:rows]
    return np.where(rng.random(rows) < 0.5, own, COLUMNS["zipf"](rng, rows))


DRAWS: Mapping[str, Draw] = {
    **COLUMNS,
    "block_effects": _block_effects,
    "block_missing": _block_missing,
    "block_zipf": _block_zipf,
}
CHANGES: Mapping[str, tuple[Draw, str]] = {
    "shift": (_shifted, "mean moved by 0.5 standard deviations"),
    "more_missing": (_more_missing, "missing share from 0.05 to 0.15"),
    "new_category": (_new_category, "10 % of rows in a category that the reference does not have"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A run of pairs that one process draws and tests.

    Attributes:
        what: "single": detectors of columns; "joint": of all columns together.
        column: kind of column, a name of `DRAWS`.
        n: rows of a reference.
        m: rows of a batch.
        first: number of the first pair.
        pairs: how many.
        change: name of the drift in `CHANGES`, or "".
        block: rows of a permutable block, or None.
        rounds: whether further rounds of permutations are drawn for small p-values.
    """

    what: str
    column: str
    n: int
    m: int
    first: int
    pairs: int
    change: str = ""
    block: int | None = None
    rounds: bool = False

    @property
    def kind(self) -> str:
        return "categorical" if self.column in CATEGORICAL or self.column == "block_zipf" else "numeric"


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does, in runs of a minute or so; `scale` shortens every cell."""
    short = {k: max(1, round(scale * v)) for k, v in MORE_PAIRS.items()}
    whole = [Task("joint", c, n, m, 0, short["joint"]) for c in COLUMNS if c != "zipf_missing" for n, m in ALL_SIZES]
    whole.append(Task("joint", "zipf_missing", 500, 500, 0, short["joint"]))
    whole += [Task("single", c, n, m, 0, short["single"]) for c in COLUMNS for n, m in ALL_SIZES]
    count, joint, power = (max(1, round(scale * k)) for k in (PAIRS["single"], PAIRS["joint"], POWER_PAIRS))
    whole += [Task("single", c, 500, 500, 0, count, rounds=True) for c in COLUMNS]
    for column in ("block_effects", "block_missing", "block_zipf"):
        whole += [Task("single", column, n, m, 0, count, block=BLOCK) for n, m in ALL_SIZES]
        whole.append(Task("single", column, 500, 500, 0, count))
    whole += [Task("joint", "block_effects", n, 500, 0, joint, block=BLOCK) for n in SIZES]
    whole.append(Task("joint", "block_effects", 500, 500, 0, joint))
    drifts = (("normal", "shift"), ("missing", "more_missing"), ("zipf", "new_category"))
    whole += [Task("single", column, 500, 500, 0, power, change) for column, change in drifts]
    whole.append(Task("joint", "normal", 500, 500, 0, power, "shift"))
    # The first pairs of every cell before more of any, so that a study broken off has them all; of these the dearest
    # first, so that no long run is left over at the end.
    ordered = sorted(whole, key=lambda t: (_extra(t), t.what == "joint", -(t.n + t.m), t.n, t.column))
    runs = [replace(t, first=lo, pairs=min(STEP[t.what], t.pairs - lo)) for t in ordered
            for lo in range(0, t.pairs, STEP[t.what])]  # fmt: skip
    yield from sorted(runs, key=lambda t: t.first // STEP[t.what])


def _extra(task: Task) -> bool:
    """Whether a run is about more than rows of one plain column kind without drift."""
    return (
        bool(task.change) or task.block is not None or task.rounds or task.column not in set(COLUMNS) - {"zipf_missing"}
    )


def wanted(task: Task) -> tuple[str, ...]:
    """The detectors that a task is for."""
    if task.what == "single":
        found = [d for d in SINGLE if _applies(d, task.column)]
    elif task.column == "block_effects":
        found = [d for d in JOINT if d not in JOINT_SIZES]
    else:
        found = [d for d in JOINT if (task.n, task.m) in JOINT_SIZES.get(d, ALL_SIZES)]
    return tuple(d for d in found if task.change or task.first < PAIRS[task.what] or d in FIRST)


def _applies(detector: str, column: str) -> bool:
    if column in COLUMNS:
        return applies(detector, column)
    if column == "block_missing":
        return detector == "missing"
    kind = "categorical" if column == "block_zipf" else "numeric"
    return detector != "missing" and kind in {str(k) for k in DETECTORS[detector].kinds}


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """Draw the pairs of a task and test them: rejections at both levels, pairs tested, pairs."""
    found: dict[str, list[float | None]] = {d: [] for d in detectors}
    options = {d: (d.split()[0], JOINT.get(d, {})) for d in detectors}
    made = {d: get_detector(name, permutations=PERMUTATIONS, **o) for d, (name, o) in options.items()}
    smallest = ALPHA / WIDTH if task.rounds else ALPHA
    for first, width in _tables(task):
        plan = Plan(ALPHA, smallest, SEED + first, intervals=False)
        comparison = _compare(task, first, width)
        for name, detector in made.items():
            outcomes = detector.outcomes(comparison, plan)
            found[name] += [None if o.untested is not None else o.p_value for o in outcomes]
    return {name: _count(p) for name, p in found.items()}


def _tables(task: Task) -> Iterator[tuple[int, int]]:
    """First column and number of columns of each table of a task: a joint detector takes one pair at a time."""
    if task.what == "joint":
        width = 1 if task.change else JOINT_COLUMNS[task.kind]
        yield from ((i, width) for i in range(task.first, task.first + task.pairs))
    else:
        end = task.first + task.pairs
        yield from ((lo, min(WIDTH, end - lo)) for lo in range(task.first, end, WIDTH))


def _count(p_values: Sequence[float | None]) -> dict[str, int]:
    known = np.array([p for p in p_values if p is not None])
    at, also = (int((known <= level).sum()) for level in (ALPHA, ALSO_AT))
    return {"rejected": at, "also": also, "tested": len(known), "pairs": len(p_values)}


def _compare(task: Task, first: int, width: int) -> Comparison:
    """Columns first ... first + width of a table, every one drawn by itself."""
    draw = DRAWS[task.column]
    other = CHANGES[task.change][0] if task.change else draw
    columns = [f"x{i}" for i in range(first, first + width)]
    seed = (SEED, task.n, task.m, first, _place(task))
    return wide(seed, columns, task.n, task.m, draw, other, task.kind, task.block)


def _place(task: Task) -> int:
    """A number for all that distinguishes one kind of data from another, so that no two share theirs.

    The same rows are permuted in blocks and one by one, so that these two can be compared.
    """
    columns, changes = list(DRAWS), ["", *CHANGES]
    of_change = 2 * changes.index(task.change) + task.rounds
    # The first nine columns are numbered as in earlier runs, whose results are kept.
    of_column = columns.index(task.column) + 9 * (task.what == "joint") if columns.index(task.column) < 9 else 18
    return 8 * of_column + of_change


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row a cell: rate, bound and whether it holds."""
    summed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for task, found in kept.found.items():
        for name, count in found.items():
            key = (name + _ways(task), task.column, task.n, task.m, task.change)
            into = summed.setdefault(key, {"commits": set()})
            into["commits"].add(kept.commits[task, name])
            for field, value in count.items():
                into[field] = into.get(field, 0) + value
    made = [_row(key, count) for key, count in summed.items()]
    return sorted(made, key=lambda r: (r["change"], r["detector"], r["column"], r["n"], r["m"]))


def _ways(task: Task) -> str:
    if task.rounds:
        return ", further rounds"
    if task.block:
        return ", blocks"
    return ", rows of blocks" if task.column.startswith("block") else ""


def _row(key: tuple[Any, ...], count: Mapping[str, Any]) -> dict[str, Any]:
    detector, column, n, m, change = key
    tally = Tally(count["rejected"], count["tested"], count["pairs"])
    bound = POWER_FLOOR if change else tally.bound
    judged = _has_floor(detector, change) if change else "rows of blocks" not in detector
    return {
        "detector": detector,
        "column": column,
        "n": n,
        "m": m,
        "change": change,
        "pairs": tally.pairs,
        "tested": tally.tested,
        "rejected": tally.rejected,
        "rate": round(tally.rate, 5),
        "rate_at_0.01": round(count["also"] / tally.pairs, 5),
        "bound": round(bound, 5),
        "holds": bool((tally.rate >= bound) == bool(change)) if judged else None,
        "commits": sorted(count["commits"]),
    }


def _has_floor(detector: str, change: str) -> bool:
    """Which detector must find which drift."""
    if change == "shift":
        return detector not in ("missing", "unseen")
    return detector == {"more_missing": "missing", "new_category": "unseen"}[change]


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "alpha": ALPHA,
        "standard_errors": 4.75,
        "power_floor": POWER_FLOOR,
        "permutations": PERMUTATIONS,
        "columns_of_joint": JOINT_COLUMNS,
        "seed": SEED,
        "block": BLOCK,
        "median_pairs_above_2000_rows": MEDIAN_PAIRS,
        "changes": {name: text for name, (_, text) in CHANGES.items()},
    }


def told(count: Mapping[str, Any]) -> str:
    """The rate, for the log."""
    return f"{count['rejected'] / count['pairs']:.3f}"


STUDY = Study("level", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
