"""The full level study: how often each detector rejects where nothing drifted, and whether it finds what did.

    python bench/level_study.py --keep runs.jsonl   # everything; can be stopped and taken up again
    python bench/level_study.py --scale 0.02     # a quick look: fewer pairs in every cell, nothing written

A cell is one detector on one kind of column at one n and m. Raw p-values are held against 0.05; the bound is 4.75
standard errors above it, which a valid test exceeds about once in a million cells. Detectors that look at single
columns share each pair of data sets; every pair is drawn anew for every column kind and size.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.backends import get_backend
from accel_drift.data.read import read_table
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector
from accel_drift.files import write_text_atomically
from accel_drift.statistics.comparison import Comparison, Plan, pair_tables
from bench import machine
from bench.economies import MEDIAN_PAIRS, economies
from bench.level import ALPHA, CATEGORICAL, COLUMNS, SIZES, WIDTH, Draw, Tally, Values, applies

SEED = 20_001
PERMUTATIONS = 99
"""5 of 1 + 99 is the level exactly: a p-value of at most 0.05 is as likely under no drift as with any more of them."""

ALSO_AT = 0.01
"""A second level that is counted, for the reader; it has no bound."""

COUNT_PAIRS = 5000
JOINT_PAIRS = 1000
BLOCK_PAIRS = 2000
BLOCK = 20
POWER_FLOOR = 0.9

SINGLE = ("psi", "ks", "chi_square", "missing", "unseen")
JOINT: Mapping[str, Mapping[str, Any]] = {
    "mmd rows": {"mode": "rows"},
    "mmd groups": {"mode": "groups"},
    "mmd rows, calibration scale": {"mode": "rows", "scale": "calibration"},
    "mmd rows, float32": {"mode": "rows", "precision": "float32"},
}
JOINT_COLUMNS = {"numeric": 5, "categorical": 1}
"""Columns of one kind that MMD takes together; a column of 200 categories is a matrix of 32 already."""

JOINT_SIZES: Mapping[str, frozenset[tuple[int, int]]] = {
    "mmd rows": frozenset((n, m) for n in SIZES for m in SIZES),
    "mmd groups": frozenset({(100, 100), (500, 500), (500, 100)}),
    "mmd rows, calibration scale": frozenset({(100, 500), (500, 500)}),
    "mmd rows, float32": frozenset({(500, 500)}),
}
"""Where each variant of MMD is studied: rows, the default, everywhere."""


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


DRAWS: Mapping[str, Draw] = {**COLUMNS, "block_effects": _block_effects, "block_missing": _block_missing}
CHANGES: Mapping[str, tuple[Draw, str]] = {
    "shift": (_shifted, "mean moved by 0.5 standard deviations"),
    "more_missing": (_more_missing, "missing share from 0.05 to 0.15"),
    "new_category": (_new_category, "10 % of rows in a category that the reference does not have"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A run of pairs that one process draws and tests.

    Attributes:
        what: "single": detectors of columns; "joint": MMD.
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


@dataclass(slots=True)
class Count:
    """Rejections of one detector."""

    rejected: int = 0
    also: int = 0
    tested: int = 0
    pairs: int = 0

    def add(self, p_values: list[float | None]) -> None:
        known = np.array([p for p in p_values if p is not None])
        self.rejected += int((known <= ALPHA).sum())
        self.also += int((known <= ALSO_AT).sum())
        self.tested += len(known)
        self.pairs += len(p_values)


Done: TypeAlias = tuple[dict[str, Count], float]
"""What a task counted, and the seconds it took."""


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does, in runs of a minute or so; `scale` shortens every cell."""
    count, joint, block = (max(1, round(scale * k)) for k in (COUNT_PAIRS, JOINT_PAIRS, BLOCK_PAIRS))
    whole = [Task("joint", c, n, m, 0, joint) for c in COLUMNS if c != "zipf_missing" for n in SIZES for m in SIZES]
    whole.append(Task("joint", "zipf_missing", 500, 500, 0, joint))
    whole += [Task("single", c, n, m, 0, count) for c in COLUMNS for n in SIZES for m in SIZES]
    whole += [Task("single", c, 500, 500, 0, count, rounds=True) for c in COLUMNS]
    for column in ("block_effects", "block_missing"):
        whole += [Task("single", column, n, m, 0, block, block=BLOCK) for n in SIZES for m in SIZES]
    whole += [Task("joint", "block_effects", n, 500, 0, joint, block=BLOCK) for n in SIZES]
    drifts = (("normal", "shift"), ("missing", "more_missing"), ("zipf", "new_category"))
    whole += [Task("single", column, 500, 500, 0, joint, change) for column, change in drifts]
    whole.append(Task("joint", "normal", 500, 500, 0, joint, "shift"))
    # The main question first, extras after it; of each the dearest first, so that no long run is left over at the end.
    for task in sorted(whole, key=lambda t: (_extra(t), t.what == "joint", -(t.n + t.m))):
        step = 1000 if task.what == "single" else 250
        for first in range(0, task.pairs, step):
            yield replace(task, first=first, pairs=min(step, task.pairs - first))


def _extra(task: Task) -> bool:
    """Whether a run is about more than rows of one plain column kind without drift."""
    return bool(task.change) or task.block is not None or task.rounds or task.column == "zipf_missing"


def run(task: Task) -> dict[str, Count]:
    """Draw the pairs of a task and test them: detector -> counts."""
    return _single(task) if task.what == "single" else _joint(task)


def _single(task: Task) -> dict[str, Count]:
    made = {d: get_detector(d, permutations=PERMUTATIONS) for d in SINGLE if _applies(d, task.column)}
    found = {d: Count() for d in made}
    smallest = ALPHA / WIDTH if task.rounds else ALPHA
    for lo in range(task.first, task.first + task.pairs, WIDTH):
        width = min(WIDTH, task.first + task.pairs - lo)
        comparison = _compare(task, lo, width)
        plan = Plan(ALPHA, smallest, SEED + lo, intervals=False)
        for name, detector in made.items():
            found[name].add(_p_values(detector, comparison, plan))
    return found


def _joint(task: Task) -> dict[str, Count]:
    width = JOINT_COLUMNS["categorical" if task.column in CATEGORICAL else "numeric"]
    wanted = [k for k in JOINT if (task.n, task.m) in JOINT_SIZES[k]] if task.block is None else ["mmd rows"]
    made = {name: get_detector("mmd", permutations=PERMUTATIONS, **JOINT[name]) for name in wanted}
    found = {name: Count() for name in made}
    for i in range(task.first, task.first + task.pairs):
        comparison = _compare(task, i, width if not task.change else 1)
        plan = Plan(ALPHA, ALPHA, SEED + i, intervals=False)
        for name, detector in made.items():
            found[name].add(_p_values(detector, comparison, plan))
    return found


def _p_values(detector: Detector, comparison: Comparison, plan: Plan) -> list[float | None]:
    return [None if o.untested is not None else o.p_value for o in detector.outcomes(comparison, plan)]


def _applies(detector: str, column: str) -> bool:
    if column not in COLUMNS:
        return detector == "missing" if column == "block_missing" else detector in ("psi", "ks", "chi_square")
    return applies(detector, column)


def _compare(task: Task, first: int, width: int) -> Comparison:
    """Columns first ... first + width of a table, every one drawn by itself."""
    names = tuple(f"x{i}" for i in range(first, first + width))
    rng = np.random.default_rng([SEED, task.n, task.m, first, _place(task)])
    draw = DRAWS[task.column]
    other = CHANGES[task.change][0] if task.change else draw
    reference = {name: _arrow(draw(rng, task.n)) for name in names}
    batch = {name: _arrow(other(rng, task.m)) for name in names}
    kinds = dict.fromkeys(names, "categorical" if task.column in CATEGORICAL else "numeric")
    a = read_table(reference, kinds=kinds, name="reference")
    b = read_table(batch, schema=a.schema, columns=names, name="batch")
    return pair_tables(a, b, names, get_backend("numpy"), task.block)


def _arrow(values: Values) -> Any:
    """Texts as Arrow, which reads them sooner; numbers as they are."""
    return values if values.dtype.kind in "fi" else pa.array(values.tolist())


def _place(task: Task) -> int:
    """A number for all that distinguishes one kind of task from another, so that no two share their data."""
    kinds = [(w, c, x, r) for w in ("single", "joint") for c in DRAWS for x in ("", *CHANGES) for r in (False, True)]
    return kinds.index((task.what, task.column, task.change, task.rounds))


def cells(counted: Mapping[Task, Mapping[str, Count]]) -> list[dict[str, Any]]:
    """One row a cell: rate, bound and whether it holds."""
    summed: dict[tuple[Any, ...], Count] = {}
    for task, found in counted.items():
        for name, count in found.items():
            label = f"{name}, further rounds" if task.rounds else (f"{name}, blocks" if task.block else name)
            into = summed.setdefault((label, task.column, task.n, task.m, task.change), Count())
            for field, value in asdict(count).items():
                setattr(into, field, getattr(into, field) + value)
    rows = [_row(key, count) for key, count in summed.items()]
    return sorted(rows, key=lambda r: (r["change"], r["detector"], r["column"], r["n"], r["m"]))


def _row(key: tuple[Any, ...], count: Count) -> dict[str, Any]:
    detector, column, n, m, change = key
    tally = Tally(count.rejected, count.tested, count.pairs)
    bound = POWER_FLOOR if change else tally.bound
    return {
        "detector": detector,
        "column": column,
        "n": n,
        "m": m,
        "change": change,
        "pairs": count.pairs,
        "tested": count.tested,
        "rejected": count.rejected,
        "rate": round(tally.rate, 5),
        "rate_at_0.01": round(count.also / count.pairs, 5),
        "bound": round(bound, 5),
        "holds": None if change and not _has_floor(detector, change) else bool((tally.rate >= bound) == bool(change)),
    }


def _has_floor(detector: str, change: str) -> bool:
    """Which detector must find which drift."""
    if change == "shift":
        return detector in ("psi", "ks", "chi_square") or detector.startswith("mmd")
    return detector == {"more_missing": "missing", "new_category": "unseen"}[change]


def study(todo: list[Task], processes: int, kept: Path | None, say: Callable[[str], None]) -> dict[Task, Done]:
    """Run tasks in processes of their own; what `kept` holds already is not run again."""
    done = _read(kept)
    left = [t for t in todo if t not in done]
    say(f"{len(todo)} runs, {len(todo) - len(left)} of them done before")
    started = time.perf_counter()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(timed, t): t for t in left}
        for i, finished in enumerate(as_completed(waiting), 1):
            task = waiting[finished]
            done[task] = counted, seconds = finished.result()
            if kept is not None:
                with kept.open("a", encoding="utf-8") as out:
                    counts = {k: asdict(v) for k, v in counted.items()}
                    out.write(json.dumps([asdict(task), counts, seconds]) + "\n")
            rates = ", ".join(f"{k} {v.rejected / v.pairs:.3f}" for k, v in counted.items())
            at = time.perf_counter() - started
            say(f"{i}/{len(left)} {at:.0f} s: {task.what} {task.column} {task.n}/{task.m} {task.change} "
                f"+{task.first} in {seconds:.1f} s: {rates}")  # fmt: skip
    return {t: done[t] for t in todo}


def timed(task: Task) -> Done:
    """Run a task and say how long it took."""
    started = time.perf_counter()
    with economies():
        return run(task), time.perf_counter() - started


def _read(kept: Path | None) -> dict[Task, Done]:
    if kept is None or not kept.exists():
        return {}
    lines = (json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines())
    return {Task(**task): ({k: Count(**v) for k, v in counts.items()}, took) for task, counts, took in lines}


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the pairs; below 1 nothing is written")
    parser.add_argument("--processes", type=int, default=machine.cores())
    parser.add_argument("--as-is", action="store_true", help="run nothing, write what the kept file holds")
    parser.add_argument("--keep", type=Path, help="a file for finished runs, so that a study can be taken up again")
    given = parser.parse_args(words)
    before = machine.facts()
    if given.as_is:
        done = _read(given.keep)
    else:
        done = study(list(tasks(given.scale)), given.processes, given.keep, lambda s: print(s, flush=True))
    rows = cells({task: counts for task, (counts, _) in done.items()})
    failed = [r for r in rows if r["holds"] is False]
    for row in failed:
        print("beyond its bound:", row)
    if given.scale >= 1:
        path = machine.RESULTS / f"level-{datetime.now(UTC).date()}.json"
        write_text_atomically(path, as_json(rows, before, sum(took for _, took in done.values())))
        print(f"wrote {path.name}")
    print(f"{len(rows)} cells, {len(failed)} beyond their bound")
    return 1 if failed else 0


def as_json(rows: list[dict[str, Any]], before: Mapping[str, Any], work_s: float) -> str:
    """The committed form: what was asked, on what, and one line a cell."""
    head = {
        "study": "level",
        "machine": dict(before),
        "work_s": round(work_s),
        "settings": {
            "alpha": ALPHA,
            "standard_errors": 4.75,
            "power_floor": POWER_FLOOR,
            "permutations": PERMUTATIONS,
            "columns_of_mmd": JOINT_COLUMNS,
            "seed": SEED,
            "pairs": {"single": COUNT_PAIRS, "joint": JOINT_PAIRS, "blocks": BLOCK_PAIRS},
            "block": BLOCK,
            "median_pairs_above_2000_rows": MEDIAN_PAIRS,
            "changes": {name: text for name, (_, text) in CHANGES.items()},
        },
    }
    text = json.dumps(head, indent=1)[:-2] + ',\n "cells": [\n'
    return text + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]\n}\n"


if __name__ == "__main__":
    sys.exit(main())
