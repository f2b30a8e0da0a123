"""Thirty days watched from the command line: both drifts stand in the history at their days, whatever kills it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

import accel_drift as ad
from accel_drift.cli.app import run
from tests import thirty_days
from tests.monitor import forking

ROOT = Path(__file__).resolve().parents[2]
FEATURES, LABELS = 12, 20
"""The days on which features, and the rule of labels, begin to change."""
CONFIG = thirty_days.CONFIG.replace("use: [psi]", "use: [psi, missing]") + "predictions: {score: chance}\n"

pytestmark = pytest.mark.slow


def with_predictions(folder: Path) -> None:
    """A logistic regression learned on the reference says its chance of every row."""
    files = [folder / "reference.parquet", *sorted((folder / "batches").iterdir())]
    weights: Any = None
    for file in files:
        table = pq.read_table(file)
        x = np.column_stack([np.ones(table.num_rows), *(table[f"x{i}"].to_numpy() for i in range(5))])
        y = table["label"].to_numpy()
        if weights is None:
            weights = np.zeros(6)
            for _ in range(20):
                p = 1 / (1 + np.exp(-x @ weights))
                weights += np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
        pq.write_table(table.append_column("chance", pa.array(1 / (1 + np.exp(-x @ weights)))), file)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a configuration, and the days as files."""
    home = tmp_path_factory.mktemp("thirty")
    thirty_days.simulated(home)
    with_predictions(home / "stream")
    (home / "drift.yaml").write_text(CONFIG, encoding="utf-8")
    quick = CONFIG.replace("psi, missing", "ks") + "confidence: {enabled: false}\n"
    (home / "quick.yaml").write_text(quick, encoding="utf-8")
    return home


COMMAND = ["run", "--config", "quick.yaml", "--settle", "0", "--finish", "--quiet"]


def days(history: ad.History, detectors: set[str]) -> list[int]:
    """The days on which any of these detectors found a drift."""
    found = history.findings("churn").to_pylist()
    return sorted({r["window_start"].day for r in found if r["detector"] in detectors and r["status"] == "drifted"})


def test_both_drifts_are_in_the_history_at_their_days(
    stream: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stream)
    monkeypatch.setenv("ACCEL_DRIFT_HISTORY__URL", url)
    watch = ["watch", "--config", "drift.yaml", "--settle", "0", "--until-idle", "0", "--finish", "--fail-on-drift"]
    assert run(watch) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"2024-01-{day:02}T00:00:00Z" for day in range(1, 31)]
    with ad.History(url) as history:
        runs = history.runs("churn")
        assert runs["rows"].to_pylist() == [400] * 30
        assert not any(runs["drifted"].to_pylist()[: FEATURES - 1])
        features = days(history, {"psi"})
        # Features move over four days, from nothing on.
        assert FEATURES <= features[0] <= FEATURES + 2
        assert features == list(range(features[0], 31))
        assert days(history, {"performance"}) == list(range(LABELS, 31))
        assert days(history, {"bounded_mean"})[0] == LABELS
        accuracy = history.metrics("churn", "accuracy")["value"].to_pylist()
        assert min(accuracy[: LABELS - 1]) > 0.75 > 0.25 > max(accuracy[LABELS - 1 :])


def test_labels_three_days_late_show_the_change_of_their_rule(
    stream: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACCEL_DRIFT_HISTORY__URL", url)
    text = CONFIG.replace(
        "production_path: stream/batches", "production_path: inbox, labels_path: labels, id_column: id"
    )
    Path("drift.yaml").write_text(text.replace("stream/", f"{stream}/stream/"), encoding="utf-8")
    Path("inbox").mkdir()
    Path("labels").mkdir()
    files = sorted((stream / "stream/batches").iterdir())
    assert len(files) == 30
    tables = [pq.read_table(file) for file in files]
    for day, table in enumerate(tables, 1):
        ids = pa.array([f"{day}-{row}" for row in range(table.num_rows)])
        tables[day - 1] = table.append_column("id", ids)
    said = ""
    for day in range(1, 34):
        if day <= 30:
            pq.write_table(tables[day - 1].drop_columns(["label"]), f"inbox/{day:02}.parquet")
        if day > 3:
            csv.write_csv(tables[day - 4].select(["id", "label"]), f"labels/{day - 3:02}.csv")
        last = ["--finish"] if day == 30 else []
        assert run(["run", "--config", "drift.yaml", "--settle", "0", *last]) == 0
        said += capsys.readouterr().out
    late = [line for line in said.splitlines() if "labels came" in line]
    windows = [line.split("  ")[0] for line in said.splitlines() if line not in late]
    assert windows == [f"2024-01-{day:02}T00:00:00Z" for day in range(1, 31)]
    # Each window is told once, as soon as its labels are there.
    assert [line.split()[1][:13] for line in late] == [f"2024-01-{day:02}T00" for day in range(LABELS, 31)]
    with ad.History(url) as history:
        assert history.metrics("churn", "labelled_rows")["value"].to_pylist() == [400.0] * 30
        accuracy = history.metrics("churn", "accuracy")["value"].to_pylist()
        assert min(accuracy[: LABELS - 1]) > 0.75 > 0.25 > max(accuracy[LABELS - 1 :])
        assert history.metrics("churn", "degraded")["value"].to_pylist()[LABELS - 2 : LABELS] == [0.0, 1.0]
        # Errors are seen in the first report after the labels of that day came.
        assert days(history, {"bounded_mean"})[0] in range(LABELS + 3, LABELS + 5)


class Killer(Protocol):
    """Runs the command on a database: see `forking`."""

    def __call__(self, delay: float | None, url: str, what: str = "kill") -> tuple[float, int]: ...


@pytest.fixture
def killer(stream: Path) -> Iterator[Killer]:
    """Runs the command on a database, for so many seconds at most: how long it ran, and how it ended."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.monitor.forking", *COMMAND],
        cwd=stream,
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def call(delay: float | None, url: str, what: str = "kill") -> tuple[float, int]:
        stdin.write(json.dumps([delay, url, what]) + "\n")
        stdin.flush()
        seconds, status = json.loads(stdout.readline())
        return float(seconds), int(status)

    try:
        assert stdout.readline() == forking.READY + "\n"
        yield call
    finally:
        process.kill()
        process.communicate()


def said(url: str) -> dict[str, pa.Table]:
    """All that the history says, but when it was written and the reference was learned."""
    with ad.History(url) as history:
        tables = {"runs": history.runs("churn"), "findings": history.findings("churn")}
        tables["metrics"] = history.metrics("churn")
    return {
        name: table.drop_columns([c for c in _WRITTEN if c in table.column_names]) for name, table in tables.items()
    }


_WRITTEN = ("created_at", "recorded_at", "profile")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells of the end of a process")
@pytest.mark.parametrize(("database", "kills"), [("sqlite", 50), ("postgresql", 12)])
def test_killed_at_random_instants_nothing_is_lost_and_nothing_is_there_twice(
    killer: Killer, database: str, kills: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    base = "" if database == "sqlite" else str(request.getfixturevalue("postgres_url"))
    rng = random.Random(database)  # noqa: S311
    whole_url = base or f"sqlite:///{tmp_path}/whole.db"
    killer(None, whole_url)
    whole = said(whole_url)
    assert whole["runs"].num_rows == 30
    if base:
        emptied(whole_url)
    long, status = killer(None, base or f"sqlite:///{tmp_path}/again.db")
    assert status == 0
    assert said(base or f"sqlite:///{tmp_path}/again.db") == whole
    killed = rounds = 0
    while killed < kills:
        rounds += 1
        url = base or f"sqlite:///{tmp_path}/{rounds}.db"
        if base:
            emptied(url)
        status = -1
        while status != 0:
            # Early in a life and late in it, as far as the run has come.
            _, status = killer(rng.uniform(0, long) if killed < kills else None, url)
            assert status in (0, signal.SIGKILL)
            killed += status != 0
        assert said(url) == whole


def emptied(url: str) -> None:
    """Remove all tables of a database."""
    from sqlalchemy import MetaData, create_engine, make_url

    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    found = MetaData()
    found.reflect(engine)
    found.drop_all(engine)
    engine.dispose()
