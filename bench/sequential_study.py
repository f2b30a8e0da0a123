"""Looking at every batch: what the three contracts promise, measured, and what becomes of them with a reused reference.

    python bench/sequential_study.py --keep sequential.jsonl
    python bench/sequential_study.py --scale 0.05            # a quick look: fewer runs, nothing written

A run goes to its first alarm. Runs of a two-sample test are columns side by side, so that they are those of the engine,
with its cells, bets and evidence; a look is one row a side. Where a reference is reused, every run has its own, and the
promise would have to hold over all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.backends import get_backend
from accel_drift.data.read import read_table
from accel_drift.sequential.cells import Columns
from accel_drift.sequential.evidence import STAKES, Evidence, Guarantee
from accel_drift.sequential.fdr import e_bh
from accel_drift.streams.bounded_mean import BoundedMean
from accel_drift.streams.stream import Stream
from bench.study import Found, Kept, Study, main

Floats = npt.NDArray[np.float64]

SEED = 20_007
ALPHA, ARL = 0.05, 10_000
"""Of the first and third contract, and 1 / alpha of the second."""

LOOKS, EARLY = 100_000, 20_000
RUNS = 1_000
ROWS = 1_000
"""Of a reused reference."""

ASIDE = 400
"""Rows that place the cells."""

SHARE = 0.1
"""Errors where nothing changes."""

COLUMNS, DRIFTED, SHIFT, TABLE_LOOKS = 20, 5, 0.3, 1_000
"""Columns of a table, and how many of them shift, in deviations, from the first look on."""

ERRORS = 4.75
GUARANTEES: tuple[Guarantee, ...] = ("ever", "run_length")
LEVELS: dict[str, float] = {"ever": ALPHA, "run_length": 1 / ARL}

REFERENCES = {
    "bounded_mean": ("known", "reused", "reused, tolerance"),
    "two_sample": ("fresh", "reused"),
    "p_values": ("fresh",),
    "e_bh": ("fresh",),
}
"""Where what nothing changed is like comes from, by test."""

STEPS = {"two_sample": 500, "e_bh": 50}
"""Runs, or tables, of a task."""

_WINDOW = 1_000
"""Looks that are drawn together."""


@dataclass(frozen=True, slots=True)
class Task:
    """Runs of one test; of e-BH tables."""

    test: str
    reference: str
    first: int
    runs: int
    looks: int

    def rng(self) -> np.random.Generator:
        """What its data are drawn by."""
        return np.random.default_rng((SEED, sum(self.test.encode()), sum(self.reference.encode()), self.first))


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    end = max(2, round(scale * RUNS))
    for test, references in REFERENCES.items():
        step, looks = STEPS.get(test, RUNS), TABLE_LOOKS if test == "e_bh" else LOOKS
        for reference in references:
            yield from (Task(test, reference, lo, min(step, end - lo), looks) for lo in range(0, end, step))


def wanted(task: Task) -> tuple[str, ...]:
    """The contracts of a task."""
    return ("fdr",) if task.test == "e_bh" else GUARANTEES


def work(task: Task, contracts: tuple[str, ...]) -> Found:
    """What became of each run under each contract."""
    if task.test == "e_bh":
        return {"fdr": discoveries(task)}
    if task.test == "bounded_mean":
        lengths = {contract: mean_lengths(task, contract) for contract in GUARANTEES}
    else:
        lengths = first_alarms(task)
    return {contract: counted(values, task.looks) for contract, values in lengths.items() if contract in contracts}


def counted(lengths: Floats, looks: int) -> dict[str, Any]:
    """Looks up to the first alarm, infinite without one, as counts that add up."""
    capped = np.minimum(lengths, looks)
    return {
        "runs": len(lengths),
        "early": int((lengths <= EARLY).sum()),
        "alarms": int((lengths <= looks).sum()),
        "sum": float(capped.sum()),
        "squares": float((capped**2).sum()),
    }


# Bounded means


def mean_lengths(task: Task, guarantee: Guarantee) -> Floats:
    """Values of errors up to the first alarm, of each run."""
    rng = task.rng()
    options: dict[str, Any] = {"alpha": LEVELS[guarantee], "guarantee": guarantee, "side": "both"}
    if task.reference == "known":
        return _first_change(BoundedMean(mean=SHARE, **options), rng, task.runs, task.looks)
    found = []
    for _ in range(task.runs):
        reference = (rng.random(ROWS) < SHARE).astype(np.float64)
        if task.reference == "reused":
            detector = BoundedMean(mean=float(reference.mean()), **options)
        else:
            detector = BoundedMean.from_reference(reference, **options)
        found.append(_first_change(detector, rng, 1, task.looks))
    return np.concatenate(found)


def _first_change(detector: BoundedMean, rng: np.random.Generator, runs: int, looks: int) -> Floats:
    lengths, stream = np.full(runs, inf), Stream(detector, runs, backend="numpy")
    window = max(_WINDOW, looks // runs)
    while stream.seen < looks:
        values = rng.random((min(window, looks - stream.seen), runs)) < SHARE
        changes = stream.update(values.astype(np.float64)).changes()
        np.minimum.at(lengths, changes.stream, changes.index + 1.0)
    return lengths


# Evidence of runs side by side


def first_alarms(task: Task) -> dict[Guarantee, Floats]:
    """Looks up to the first alarm of each run, under both contracts."""
    found: dict[Guarantee, Floats] = {contract: np.full(task.runs, inf) for contract in GUARANTEES}
    evidence = {contract: Evidence.start(contract, len(STAKES), task.runs) for contract in GUARANTEES}
    for look, log_e in enumerate(p_bets(task) if task.test == "p_values" else row_bets(task), 1):
        for contract in GUARANTEES:
            now = evidence[contract] = evidence[contract].add(log_e)
            reached = now.processes >= -log(LEVELS[contract])
            found[contract][reached] = np.minimum(found[contract][reached], look)
    return found


def p_bets(task: Task) -> Iterator[Floats]:
    """Log e-values of uniform p-values at every look, (G, runs)."""
    rng, powers = task.rng(), STAKES[:, None]
    for _ in range(task.looks):
        yield np.log(powers) + (powers - 1.0) * np.log(rng.random(task.runs))


def row_bets(task: Task) -> Iterator[Floats]:
    """Log e-values of one pair of rows at every look, (G, runs)."""
    rng = task.rng()

    def draw(rows: int) -> Floats:
        return rng.standard_normal((rows, task.runs))

    cells = Cells(draw(ASIDE))
    kept = cells.codes(draw(ROWS)) if task.reference == "reused" else None
    for lo in range(0, task.looks, _WINDOW):
        rows = min(_WINDOW, task.looks - lo)
        if kept is None:
            reference = cells.codes(draw(rows))
        else:
            reference = np.take_along_axis(kept, rng.integers(0, ROWS, (rows, task.runs)), axis=0)
        yield from cells.bets(cells.codes(draw(rows)), reference)


class Cells:
    """Columns of numbers in the cells of the two-sample test."""

    def __init__(self, aside: Floats) -> None:
        self._backend = get_backend("numpy")
        self._aside = read_table(aside, name="reference", backend=self._backend)
        self._columns = Columns(self._aside, SEED)

    def codes(self, values: Floats) -> npt.NDArray[np.int16]:
        """The cell of each number, (n, C)."""
        schema = self._aside.schema
        table = read_table(values, schema=schema, columns=schema.names, name="batch", backend=self._backend)
        return self._columns.codes(table)[0]

    def bets(self, batch: npt.NDArray[np.int16], reference: npt.NDArray[np.int16]) -> Iterator[Floats]:
        """Log e-values of each pair of rows by what was learned before it, (G, C)."""
        none = np.zeros((1, 0), np.int16)
        for i in range(len(batch)):
            yield self._columns.bet([batch[i : i + 1], none], [reference[i : i + 1], none], STAKES)


# Tables


def discoveries(task: Task) -> dict[str, Any]:
    """False discoveries of e-BH over columns, at the look of the first discovery and at the last look."""
    rng, columns = task.rng(), task.runs * COLUMNS
    drifted = np.arange(columns) % COLUMNS < DRIFTED

    def draw(rows: int) -> Floats:
        shared = np.repeat(rng.standard_normal((rows, task.runs)), COLUMNS, axis=1)
        return sqrt(0.5) * (shared + rng.standard_normal((rows, columns)))

    cells, evidence = Cells(draw(ASIDE)), Evidence.start("ever", len(STAKES), columns)
    batch, reference = cells.codes(draw(task.looks) + SHIFT * drifted), cells.codes(draw(task.looks))
    first = np.full(task.runs, np.nan)
    for log_e in cells.bets(batch, reference):
        evidence = evidence.add(log_e)
        tables = evidence.processes.reshape(task.runs, COLUMNS)
        # Without evidence of 1 / alpha in any column e-BH finds nothing.
        for i in np.flatnonzero(np.isnan(first) & (tables.max(axis=1) >= -log(ALPHA))):
            found = e_bh(tables[i], alpha=ALPHA, log=True)
            if found.any():
                first[i] = found[DRIFTED:].sum() / found.sum()
    last = [e_bh(table, alpha=ALPHA, log=True) for table in evidence.processes.reshape(task.runs, COLUMNS)]
    shares = np.array([found[DRIFTED:].sum() / max(found.sum(), 1) for found in last])
    made: dict[str, Any] = {"runs": task.runs, "right": int(sum(found[:DRIFTED].sum() for found in last))}
    for name, values in (("first", np.nan_to_num(first)), ("last", shares)):
        made |= {name: float(values.sum()), f"{name}_squares": float((values**2).sum())}
    return made


# The result


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each test, source of what is known, and contract."""
    summed: dict[tuple[str, str, str, int], dict[str, Any]] = {}
    commits: dict[tuple[str, str, str, int], set[str]] = {}
    for task, found in kept.found.items():
        for contract, count in found.items():
            key = (task.test, task.reference, contract, task.looks)
            held = summed.setdefault(key, dict.fromkeys(count, 0))
            summed[key] = {name: held[name] + value for name, value in count.items()}
            commits.setdefault(key, set()).add(kept.commits[task, contract])
    order = [(test, reference) for test, references in REFERENCES.items() for reference in references]
    made = []
    for key in sorted(summed, key=lambda k: (order.index(k[:2]), k[2])):
        named = dict(zip(("test", "reference", "contract", "looks"), key, strict=True))
        row = _rates(summed[key]) if key[2] == "fdr" else _lengths(key[1], key[2], summed[key])
        made.append({**named, **row, "commits": sorted(commits[key])})
    return made


def _lengths(reference: str, contract: str, count: Mapping[str, Any]) -> dict[str, Any]:
    """Shares with an alarm and the average, and whether the promise holds; a reused reference has none."""
    runs, rate = count["runs"], count["alarms"] / count["runs"]
    mean, error = _mean(count["sum"], count["squares"], runs)
    if reference == "reused":
        holds = None
    elif contract == "ever":
        holds = rate <= ALPHA + ERRORS * sqrt(ALPHA * (1 - ALPHA) / runs)
    else:
        holds = mean + ERRORS * error >= ARL
    told = {"runs": runs, "early": round(count["early"] / runs, 5), "rate": round(rate, 5)}
    return {**told, "mean": round(mean, 1), "standard_error": round(error, 1), "holds": holds}


def _rates(count: Mapping[str, Any]) -> dict[str, Any]:
    """False discovery rates at two times, and the share of the drifted columns that was found at the last."""
    runs = count["runs"]
    first, last = (_mean(count[name], count[f"{name}_squares"], runs) for name in ("first", "last"))
    return {
        "runs": runs,
        "first": round(first[0], 5),
        "last": round(last[0], 5),
        "power": round(count["right"] / (DRIFTED * runs), 5),
        "holds": all(mean - ERRORS * error <= ALPHA for mean, error in (first, last)),
    }


def _mean(total: float, squares: float, runs: int) -> tuple[float, float]:
    mean = total / runs
    return mean, sqrt(max(squares / runs - mean**2, 0.0) / max(runs - 1, 1))


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "alpha": ALPHA,
        "arl": ARL,
        "early": EARLY,
        "rows": ROWS,
        "share": SHARE,
        "columns": COLUMNS,
        "drifted": DRIFTED,
        "shift": SHIFT,
        "standard_errors": ERRORS,
    }


def told(count: Mapping[str, Any]) -> str:
    """What to log."""
    if "alarms" not in count:
        return f"FDR {count['last'] / count['runs']:.4f}"
    return f"{count['alarms']} of {count['runs']}, average {count['sum'] / count['runs']:,.0f}"


STUDY = Study("sequential", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
