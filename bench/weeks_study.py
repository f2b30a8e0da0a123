"""Weeks of real flights against the 26 weeks before, days as blocks -> results/weeks-<date>.json

    python bench/weeks_study.py --keep weeks.jsonl
    python bench/weeks_study.py --scale 0.05                 # a quick look: fewer years, nothing written

The year 2013 of flights from New York, watched by a monitor: a window is a week, the reference are the 26 weeks before
it, whole days are permuted. Where days are dealt to dates by lot nothing changes, and flights of a day go on sharing
its weather. Then arrivals of one of these weeks are made later. The year as it was has seasons.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.finding import Status
from accel_drift.report import Report
from bench import real_data
from bench.study import Found, Kept, Study, main

SEED = 30_001
ALPHA = 0.01
WEEKS = 26
DETECTORS = ("psi", "ks", "missing", "unseen")
YEARS = {"dealt": 40, "later": 20, "as it was": 1, "day by day": 1}
LATER = 15.0
"""Minutes by which arrivals of a week are made later."""

_FIRST = np.datetime64("2012-12-31")
"""A Monday: 365 days from it on are 52 whole weeks and a day."""


@dataclass(frozen=True, slots=True)
class Task:
    """One year: how it was made, and its number."""

    sort: str
    year: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    for sort, years in YEARS.items():
        yield from (Task(sort, year) for year in range(max(1, round(scale * years))))


def wanted(task: Task) -> tuple[str, ...]:  # noqa: ARG001
    """The one that is asked."""
    return ("monitor",)


def later_week(year: int) -> int:
    """The week, from 0, whose arrivals are made later."""
    return WEEKS + (7 * year) % WEEKS


def flights(task: Task) -> pa.Table:
    """The year's flights with their dates, in order."""
    table = real_data.flights()
    month, day = table["month"].to_numpy(), table["day"].to_numpy()
    first = np.array([np.datetime64("2013-01-01") + 0, *np.arange("2013-02", "2014-01", dtype="M8[M]").astype("M8[D]")])
    number = (first[month - 1] - np.datetime64("2013-01-01")).astype(int) + day - 1
    if task.sort in ("dealt", "later"):
        number = np.random.default_rng((SEED, task.year)).permutation(365)[number]
    order = np.argsort(number, kind="stable")
    number, rows = number[order], table.drop_columns(["month", "day"]).take(pa.array(order))
    if task.sort == "later":
        delay = rows["arr_delay"].to_numpy()
        delay = np.where(number // 7 == later_week(task.year), delay + LATER, delay)
        place = rows.column_names.index("arr_delay")
        rows = rows.set_column(place, "arr_delay", pa.array(delay, from_pandas=True))
    return rows.append_column("date", pa.array((_FIRST + number).astype("M8[D]")))


def work(task: Task, detectors: tuple[str, ...]) -> Found:  # noqa: ARG001
    """What the monitor says of the weeks that have a whole reference."""
    by_day = task.sort == "day by day"
    reference = mo.Trailing(WEEKS, detectors=list(DETECTORS), block="date:day", alpha=ALPHA, seed=task.year)
    monitor = ad.Monitor(reference, ad.Windows(time="1d" if by_day else "1w", on="date"))
    rows = flights(task)
    if by_day:
        # A few days are enough: none has blocks to permute.
        rows = rows.slice(0, int(np.searchsorted(rows["date"].to_numpy(), _FIRST + WEEKS + 10)))
    reports = [*monitor.observe([rows]), *monitor.finish()]
    judged = [report for report in reports if report.findings]
    tested = [report for report in judged if any(f.status.tested for f in report.findings)]
    return {"monitor": {"reports": len(reports), "judged": len(judged), "tested": len(tested), **_said(task, tested),
            "too_few_blocks": sum(_few(report) for report in judged)}}  # fmt: skip


def _said(task: Task, tested: list[Report]) -> dict[str, Any]:
    drifted = [report.settings["window"]["number"] for report in tested if report.drifted]
    planted = later_week(task.year) + 1 if task.sort == "later" else None
    found = [r for r in tested if r.settings["window"]["number"] == planted and "arr_delay" in r.drifted_columns]
    others = [number for number in drifted if number != planted]
    return {"drifted": len(others), "found": len(found)}


def _few(report: Report) -> bool:
    """Whether nothing was tested, and that for want of blocks."""
    statuses = {finding.status for finding in report.findings}
    return Status.TOO_FEW_BLOCKS in statuses and not any(status.tested for status in statuses)


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each sort of year."""
    made = []
    for sort in YEARS:
        runs = {task: found["monitor"] for task, found in kept.found.items() if task.sort == sort}
        if not runs:
            continue
        total = {name: sum(run[name] for run in runs.values()) for name in next(iter(runs.values()))}
        clean = total["tested"] - (len(runs) if sort == "later" else 0)
        rate = total["drifted"] / clean if clean else None
        # Weeks of a year share references: years are what is independent.
        shares = [run["drifted"] / run["tested"] for run in runs.values() if run["tested"]]
        error = float(np.std(shares, ddof=1)) / sqrt(len(shares)) if len(shares) > 1 else None
        made.append(
            {
                "sort": sort,
                "years": len(runs),
                **total,
                "rate": None if rate is None else round(rate, 5),
                "standard_error": None if error is None else round(error, 5),
                "holds": bool(rate - 4.75 * error <= ALPHA) if sort == "dealt" and rate is not None and error else None,
                "commits": sorted({kept.commits[task, "monitor"] for task in runs}),
            }
        )
    return made


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"seed": SEED, "alpha": ALPHA, "weeks": WEEKS, "detectors": list(DETECTORS), "later_minutes": LATER,
            "standard_errors": 4.75, "versions": real_data.versions()}  # fmt: skip


def told(count: Mapping[str, Any]) -> str:
    """The share of weeks called drift, for the log."""
    return f"{count['drifted']} of {count['tested']}, found {count['found']}"


STUDY = Study("weeks", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
