"""Thirty days and five quiet ones, watched from the command line: the promised alerts, and one new model."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

import accel_drift as ad
from accel_drift import retraining as re
from accel_drift.alerts.register import Register
from accel_drift.cli.app import run
from accel_drift.history.alert_tables import messages, requests
from tests import thirty_days
from tests.alerts.conftest import history, postgres_url, server, sqlite_url, url
from tests.monitor.samples import START
from tests.monitor.test_thirty_days import Killer, emptied, killer, said, with_predictions

__all__ = ["history", "killer", "postgres_url", "server", "sqlite_url", "url"]

pytestmark = pytest.mark.slow

KILLS = 50
MISTAKE = 2 << 8
"""What waitpid gives of a process that ended with 2."""

CONFIG = (
    thirty_days.CONFIG
    + """predictions: {score: chance}
confidence: {enabled: false}
alerts:
  sinks: {file: {kind: jsonl, path: alerts.jsonl}}
  rules:
    - {name: shifted, when: each column psi > 0.25 for 2 windows, clear: 0.15}
    - {name: model, when: accuracy < 0.6, severity: critical}
    - {name: several, when: 30% of columns psi > 0.3, cooldown: 3d}
history: {wait: 3}
retraining:
  enabled: true
  min_drift_windows: 3
  command: [sh, -c, 'echo "$ACCEL_DRIFT_REQUEST" >> trained.txt']
"""
)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a configuration and the days as files: thirty, and the first five again: nothing drifts there."""
    home = tmp_path_factory.mktemp("alerts")
    thirty_days.simulated(home)
    with_predictions(home / "stream")
    files = sorted((home / "stream" / "batches").iterdir())
    for number, file in enumerate(files[:5], 1):
        table = pq.read_table(file)
        later = pc.call_function("add", [table["event_time"], pa.scalar(timedelta(days=30))])
        place = table.column_names.index("event_time")
        later = later.cast(table.schema.field("event_time").type)
        pq.write_table(
            table.set_column(place, "event_time", later), file.with_name(f"{files[-1].stem}_{number}.parquet")
        )
    (home / "quick.yaml").write_text(CONFIG, encoding="utf-8")
    return home


def promised(history: ad.History) -> set[tuple[str, str, str, str | None]]:
    """Rule, column, window of the opening and of the end of all alerts, worked out from what the history holds."""
    found = history.findings("churn", detector="psi").to_pylist()
    accuracy = {row["window"]: row["value"] for row in history.metrics("churn", "accuracy").to_pylist()}
    windows = sorted(accuracy)
    columns = sorted({row["column"] for row in found})
    psi = {(row["column"], row["window"]): row["effect"] for row in found}
    made: set[tuple[str, str, str, str | None]] = set()

    def alerts(rule: str, column: str, opens: Any, ends: Any, pause: int = 0) -> None:
        opened, ended = "", -100
        for number, window in enumerate(windows):
            if opened and ends(number):
                made.add((rule, column, opened, window))
                opened, ended = "", number
            elif not opened and opens(number) and number >= ended + pause:
                opened = window
        if opened:
            made.add((rule, column, opened, None))

    for column in columns:
        values = [psi[column, window] for window in windows]
        alerts(
            "shifted", column, lambda i, v=values: i and min(v[i - 1 : i + 1]) > 0.25, lambda i, v=values: v[i] < 0.15
        )
    share = [sum(psi[column, window] > 0.3 for column in columns) / len(columns) for window in windows]
    alerts("several", "", lambda i: share[i] >= 0.3, lambda i: share[i] < 0.3, 3)
    alerts("model", "", lambda i: accuracy[windows[i]] < 0.6, lambda i: accuracy[windows[i]] >= 0.6)
    return made


def kept(history: ad.History) -> set[tuple[str, str, str, str | None]]:
    """The same of the alerts that there are."""
    told = Register(history, "churn").alerts(ended=True)
    found = [(one["rule"], one["subject"], one["opened_window"], one["resolved_window"]) for one in told]
    assert len(found) == len(set(found))
    return set(found)


def sent(file: Path) -> dict[str, list[str]]:
    """Alert -> kinds of its messages in the order of their first coming, counted by their keys."""
    keys: dict[str, tuple[str, str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        keys.setdefault(told["key"], (told["alert"], told["kind"]))
    kinds: dict[str, list[str]] = {}
    for alert, kind in keys.values():
        kinds.setdefault(alert, []).append(kind)
    return kinds


def check(history: ad.History, home: Path) -> None:
    """All that was promised is there, once, was told, ended, and a model was learned once."""
    alerts = promised(history)
    assert kept(history) == alerts
    assert {rule for rule, *_ in alerts} == {"shifted", "model", "several"}
    assert {end is not None for *_, end in alerts} == {True}
    (model,) = (alert for alert in alerts if alert[0] == "model")
    assert model == ("model", "", "2024-01-20T00:00:00Z", "2024-01-31T00:00:00Z")
    assert min(start for rule, _, start, _ in alerts if rule == "shifted")[:10] in (
        "2024-01-13",
        "2024-01-14",
        "2024-01-15",
    )
    told = sent(home / "alerts.jsonl")
    assert len(told) == len(alerts)
    assert {tuple(kinds) for kinds in told.values()} == {("opened", "resolved")}
    (asked,) = re.requests(history).to_pylist()
    assert asked["state"] == "done"
    assert {*(home / "trained.txt").read_text(encoding="utf-8").split()} == {asked["key"]}


@pytest.fixture(autouse=True)
def _anew(stream: Path) -> Iterator[None]:
    _swept(stream)
    yield
    _swept(stream)


def _swept(home: Path) -> None:
    for name in ("alerts.jsonl", "trained.txt"):
        (home / name).unlink(missing_ok=True)


def test_exactly_the_alerts_that_rules_promise(stream: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stream)
    monkeypatch.setenv("ACCEL_DRIFT_HISTORY__URL", url)
    for _ in range(2):
        assert run(["run", "--config", "quick.yaml", "--settle", "0", "--finish", "--quiet"]) == 0
    with ad.History(url) as history:
        check(history, stream)
    assert all(len(kinds) == 2 for kinds in sent(stream / "alerts.jsonl").values())
    lines = (stream / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines)
    assert len((stream / "trained.txt").read_text(encoding="utf-8").split()) == 1


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells of the end of a process")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_random_instants_the_same_alerts_are_told(
    killer: Killer, stream: Path, database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    base = "" if database == "sqlite" else str(request.getfixturevalue("postgres_url"))
    _swept(stream)
    long, status = killer(None, base or f"sqlite:///{tmp_path}/whole.db")
    assert status == 0
    rng, killed, rounds = random.Random(database), 0, 0  # noqa: S311
    while killed < KILLS:
        rounds += 1
        url = base or f"sqlite:///{tmp_path}/{rounds}.db"
        if base:
            emptied(url)
        _swept(stream)
        status = -1
        while status != 0:
            # Short lives: one run dies many times before it comes to its end.
            _, status = killer(rng.uniform(0, long / 4) if killed < KILLS else None, url)
            assert status in (0, signal.SIGKILL)
            killed += status != 0
            _claims_run_out(url)
        with ad.History(url) as there:
            check(there, stream)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells of the end of a process")
@pytest.mark.parametrize(("database", "stops"), [("sqlite", 12), ("postgresql", 5)])
def test_a_process_that_was_stopped_and_overtaken_tells_nothing_twice(
    killer: Killer,
    stream: Path,
    database: str,
    stops: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    base = "" if database == "sqlite" else str(request.getfixturevalue("postgres_url"))
    long, _ = killer(None, base or f"sqlite:///{tmp_path}/whole.db")
    whole = said(base or f"sqlite:///{tmp_path}/whole.db")
    rng, rounds, stopped, overtaken = random.Random(database), 0, 0, 0  # noqa: S311
    while stopped < stops or not overtaken:
        rounds += 1
        url = base or f"sqlite:///{tmp_path}/{rounds}.db"
        if base:
            emptied(url)
        _swept(stream)
        _, ended = killer(rng.uniform(0, long), url, "stop")
        if not os.WIFSTOPPED(ended):
            continue
        stopped += 1
        _, other = killer(None, url)
        _, first = killer(None, url, "go on")
        # Who was overtaken says so; where it held the database when it was stopped, the other waits in vain.
        assert {other, first} <= {0, MISTAKE}
        assert 0 in (other, first)
        overtaken += first == MISTAKE
        _claims_run_out(url)
        assert killer(None, url)[1] == 0
        assert said(url) == whole
        with ad.History(url) as there:
            check(there, stream)


def _claims_run_out(url: str) -> None:
    """What a dead process had in hand is free for others, as it is when some minutes went by."""
    with ad.History(url) as history, history.engine.begin() as connection:
        for table in (messages, requests):
            connection.execute(update(table).where(table.c.claimed_until.is_not(None)).values(claimed_until=START))
