"""Detectors of ours, of other libraries and fixed thresholds on drift of a known kind, through the package's harness.

    python bench/evaluation_study.py --keep evaluation.jsonl --peers peers/bin/python
    python bench/evaluation_study.py --scale 0.1     # a quick look: two seeds

`--peers` names a Python that has the libraries of peers.txt; without it they are left out, river aside. Nothing is
measured here by code of its own: scenarios are of `accel_drift.synthetic`, everything else of `accel_drift.evaluation`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift import evaluation as ev
from accel_drift.evaluation.dummies import dummies
from accel_drift.evaluation.summary import MEASURES
from accel_drift.evaluation.trial import TIMES, schema
from bench.evaluated import asked, contenders
from bench.evaluated.libraries import LIBRARIES, PYTHON, installed
from bench.study import Found, Kept, Study, main

SEEDS = 20
SCENARIO, POWER = "scenario", "power"
WITH_ALL = ("healthy", "sudden")
"""The scenarios that all contenders are asked about, for all seeds: some take a second a batch."""


@dataclass(frozen=True, slots=True)
class Task:
    """A scenario, or a kind of drift with batches of so many rows.

    Attributes:
        part: "scenario" or "power".
        what: which scenario, or which drift.
        rows: of a batch.
        seeds: how many.
    """

    part: str
    what: str
    rows: int
    seeds: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    seeds = max(2, round(scale * SEEDS))
    few = max(2, seeds // 2)
    for name in asked.SCENARIOS:
        yield Task(SCENARIO, name, asked.ROWS, seeds if name in WITH_ALL else few)
    # One half of the seeds has to hold enough clean batches for the threshold of the other.
    enough = max(few, 2 * round(1 / asked.RATE) // asked.BATCHES)
    for name in asked.DRIFTS:
        sizes = asked.SIZES if name == asked.BY_SIZE and scale >= 1 else asked.SIZES[:1]
        yield from (Task(POWER, name, rows, enough) for rows in sizes)


def wanted(task: Task) -> tuple[str, ...]:
    """The contenders of a task; the dummies come with them."""
    if task.part == POWER:
        return tuple(contenders.BY_BATCH)
    if task.what not in WITH_ALL:
        return tuple(name for name in contenders.ON_SCENARIOS if name not in contenders.SLOW)
    return (*contenders.ON_SCENARIOS, *(LIBRARIES if os.environ.get(PYTHON) else ()))


def work(task: Task, names: tuple[str, ...]) -> Found:
    """The rows of a scenario's trials, or the points of a curve of power, by contender."""
    known = {**contenders.ON_SCENARIOS, **LIBRARIES}
    mine = {name: known[name] for name in names}
    if task.part == SCENARIO:
        trials = ev.Evaluation(mine, {task.what: asked.SCENARIOS[task.what]}, seeds=task.seeds, rate=contenders.ALPHA)
        return _by_contender(_whole(trials.run()))
    drift, magnitudes = asked.DRIFTS[task.what]
    curves = ev.power(
        mine,
        drift=drift,
        magnitudes=magnitudes,
        rows=task.rows,
        rate=asked.RATE,
        seeds=task.seeds,
        batches=asked.BATCHES,
        population=asked.POPULATION,
    )
    return _by_contender(curves.table)


def _whole(results: ev.Results) -> Any:
    """Answers and times in one table, as a result is made of."""
    table = results.table
    for name in TIMES:
        table = table.append_column(name, results.times[name])
    return table.select(schema().names)


def _by_contender(table: Any) -> Found:
    """Contender -> its rows by column, as plain values."""
    made: Found = {}
    for row in table.to_pylist():
        columns = made.setdefault(row["contender"], {name: [] for name in table.column_names})
        for name, value in row.items():
            columns[name].append(value)
    return made


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """A cell for each contender and scenario, and for each contender, drift, size and magnitude."""
    made: list[dict[str, Any]] = []
    for task, by in kept.found.items():
        cells = _scenario(by) if task.part == SCENARIO else _power(by)
        facts = {"part": task.part, "what": task.what, "batch_rows": task.rows, "seeds": task.seeds}
        made += [{**facts, **cell, "commits": [kept.commits[task, cell["contender"]]]} for cell in cells]
    return made


def _scenario(by: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    names = frozenset(dummies(contenders.ALPHA))
    ordered = [by[name] for name in sorted(by, key=lambda n: n in names)]
    table = pa.concat_tables([pa.Table.from_pydict(dict(columns), schema=schema()) for columns in ordered])
    for row in ev.Results(table, names).summary().to_pylist():
        measures = {
            name: [_plain(row[f"{name}{end}"]) for end in ("", "_low", "_high")]
            for name in MEASURES
            if row[name] is not None
        }
        told = {key: row[key] for key in ("contender", "dummy", "errors", "failed_seeds", "message", "rank")}
        yield {**told, "composite": _plain(row["composite"]), "measures": measures, "holds": _held(row)}


def _held(row: Mapping[str, Any]) -> bool | None:
    """Whether a level that is promised lies within the interval; None where none is, or clean batches are few."""
    if row["scenario"] != "healthy":
        return None
    tests, watches = ({row["contender"]} & set(some) for some in (contenders.TESTS, contenders.WATCHES))
    name = "false_alarm_rate" if tests else "alarmed_before" if watches else None
    return None if name is None else bool((row[f"{name}_low"] or 0.0) <= contenders.ALPHA and not row["errors"])


def _power(by: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for name, columns in by.items():
        for i, magnitude in enumerate(columns["magnitude"]):
            rate, own = (
                [_plain(columns[key][i]) for key in keys]
                for keys in (("rate", "rate_low", "rate_high"), ("own_rate", "own_low", "own_high"))
            )
            yield {
                "contender": name,
                "dummy": columns["dummy"][i],
                "magnitude": magnitude,
                "rate": rate,
                "own": own,
                "holds": None,
            }


def _plain(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(f"{value:.6g}")


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "alpha": contenders.ALPHA,
        "rate": asked.RATE,
        "clean_batches": asked.BATCHES,
        "reference": asked.REFERENCE,
        "scenarios": {name: str(scenario(0).batches) for name, scenario in asked.SCENARIOS.items()},
        "units": {name: each.drift(each.magnitudes[0]).unit for name, each in asked.DRIFTS.items()},
        "libraries": installed() if os.environ.get(PYTHON) else {},
    }


def told(found: Mapping[str, Any]) -> str:
    """The share of alarms, for the log."""
    alarms = found.get("alarm")
    if alarms is None:
        return "/".join("?" if rate is None else f"{rate:.2f}" for rate in found["rate"])
    return f"{sum(bool(a) for a in alarms) / len(alarms):.2f}"


STUDY = Study("evaluation", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
