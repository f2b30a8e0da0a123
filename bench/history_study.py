"""How long does a history of a million findings take to write and to ask? -> results/history-<date>.json

    python bench/history_study.py                 # SQLite, and PostgreSQL where there is one; some four minutes
    python bench/history_study.py --windows 200 --out quick/

Hourly windows of 50 columns and three detectors are written one by one, as a monitor does. Each question is asked again
and again, in turns with the others. Beside it stands DuckDB on the Parquet files that `export` wrote,
for the same rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from sqlite3 import sqlite_version
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

import duckdb
import numpy as np

from accel_drift.files import write_text_atomically
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import History, Window
from accel_drift.report import Report
from bench import machine
from bench.study import as_json
from tests import postgres

COLUMNS, DETECTORS = 50, ("psi", "ks", "chi_square")
WINDOWS, ASKED = 6_667, 15
DAYS = (30, 60, 90)
COLUMN, DETECTOR = "column 7", "psi"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

Ask = Callable[[], int]


def report(rng: np.random.Generator) -> Report:
    """One window's report: effects are drawn, some columns drift."""
    effects = rng.exponential(0.03, (COLUMNS, len(DETECTORS)))
    found = [
        _finding(f"column {i}", detector, float(effects[i, j]))
        for i in range(COLUMNS)
        for j, detector in enumerate(DETECTORS)
    ]
    worst = max((f.severity for f in found), key=lambda s: s.rank)
    drifted = worst is not Severity.NONE
    return Report(
        reference="reference", batch="batch", n_reference=100_000, n_batch=10_000, drifted=drifted, severity=worst,
        findings=tuple(found), settings={"alpha": 0.01},
    )  # fmt: skip


def _finding(column: str, detector: str, effect: float) -> Finding:
    drifted = effect > 0.1
    return Finding(
        column=column,
        columns=(column,),
        detector=detector,
        status=Status.DRIFTED if drifted else Status.STABLE,
        severity=Severity.WATCH if drifted else Severity.NONE,
        statistic=effect,
        p_value=0.001 if drifted else 0.3,
        p_method="permutation",
        adjusted_p_value=0.003 if drifted else 0.6,
        effect=effect,
        interval=(effect / 2, effect * 2),
        unit="PSI",
        n_reference=100_000,
        n_batch=10_000,
    )


def fill(history: History, windows: int) -> list[float]:
    """Write all windows; the seconds that each took."""
    rng, took = np.random.default_rng(12), []
    for number in range(windows):
        made, start = report(rng), FIRST + number * HOUR
        began = time.perf_counter()
        history.record("churn", made, Window(f"hour {number}", start, start + HOUR))
        took.append(time.perf_counter() - began)
    return took


def questions(history: History) -> dict[str, Ask]:
    """What is asked: each gives the rows of its answer."""
    asked: dict[str, Ask] = {
        f"trend, {days} days": lambda days=days: (
            history.trend(  # type: ignore[misc]
                "churn", column=COLUMN, detector=DETECTOR, days=days
            ).num_rows
        )
        for days in DAYS
    }
    asked["latest"] = lambda: history.latest("churn").num_rows
    asked["runs, 90 days"] = lambda: history.runs("churn", days=90).num_rows
    asked["drifted_columns, 90 days"] = lambda: history.drifted_columns("churn", days=90).num_rows
    return asked


def beside(folder: Path, windows: int) -> dict[str, Ask]:
    """The same trends by DuckDB from exported files."""
    end = FIRST + windows * HOUR
    sql = (
        f"SELECT window_end, effect FROM '{folder}/findings.parquet' WHERE name = 'churn' AND \"column\" = ? "  # noqa: S608
        "AND detector = ? AND window_start >= ? ORDER BY window_end"
    )

    def ask(days: int) -> int:
        given = [COLUMN, DETECTOR, end - timedelta(days=days)]
        return int(duckdb.connect().sql(sql, params=given).to_arrow_table().num_rows)

    return {f"trend, {days} days": lambda days=days: ask(days) for days in DAYS}  # type: ignore[misc]


def timed(asked: Mapping[str, Ask], times: int) -> dict[str, tuple[int, list[float]]]:
    """Rows and seconds of every question, asked in turns after once for nothing."""
    rows = {name: ask() for name, ask in asked.items()}
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(times):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            took[name].append(time.perf_counter() - began)
    return {name: (rows[name], took[name]) for name in asked}


def cell(database: str, asked: str, rows: int, took: list[float]) -> dict[str, Any]:
    """One line of the result."""
    told = {"median_ms": 1e3 * median(took), "fastest_ms": 1e3 * min(took), "slowest_ms": 1e3 * max(took)}
    rounded = {name: float(f"{value:.3g}") for name, value in told.items()}
    return {"database": database, "asked": asked, "rows": rows, "times": len(took), **rounded, "holds": None}


@contextmanager
def databases(home: Path) -> Iterator[dict[str, str]]:
    """Name -> URL of those that there are."""
    here = {"SQLite": f"sqlite:///{home}/drift.db"}
    if postgres.why_not() is not None:
        yield here
        return
    with postgres.server() as url:
        yield {**here, "PostgreSQL": url}


def measured(windows: int, home: Path) -> list[dict[str, Any]]:
    """All lines of the result."""
    rows = []
    with databases(home) as there:
        for name, url in there.items():
            with History(url) as history:
                rows.append(cell(name, "record", COLUMNS * len(DETECTORS), fill(history, windows)))
                if name == "PostgreSQL":
                    # What its own housekeeping does within a minute.
                    with history.engine.begin() as connection:
                        connection.exec_driver_sql("ANALYZE")
                rows += [cell(name, asked, *found) for asked, found in timed(questions(history), ASKED).items()]
                if name == "SQLite":
                    folder = history.export(home / "exported")
                    found = timed(beside(folder, windows), ASKED)
                    rows += [cell("DuckDB on exported Parquet", asked, *told) for asked, told in found.items()]
            print(name, "done", flush=True)
    return rows


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--out", type=Path, help="folder of the result; without it less than the whole is not written")
    given = parser.parse_args()
    before, began = machine.facts(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="accel-drift-bench-") as home:
        rows = measured(given.windows, Path(home))
        size = Path(home, "drift.db").stat().st_size
    settings = {
        "windows": given.windows,
        "findings": given.windows * COLUMNS * len(DETECTORS),
        "columns": COLUMNS,
        "detectors": DETECTORS,
        "sqlite_bytes": size,
        "versions": {name: version(name) for name in ("sqlalchemy", "psycopg", "duckdb")} | {"sqlite": sqlite_version},
    }
    for row in rows:
        print(row)
    folder = given.out or (machine.RESULTS if given.windows == WINDOWS else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"history-{datetime.now(UTC).date()}.json"
        write_text_atomically(path, as_json("history", settings, rows, before, time.perf_counter() - began))
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
