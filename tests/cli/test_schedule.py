"""`schedule` on the command line: monitors are run by the clock, a fault of one stops no other, signals end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

import accel_drift as ad
from accel_drift.cli import scheduled
from accel_drift.config import Config
from accel_drift.errors import HistoryError
from accel_drift.history.leases import Lease
from accel_drift.schedule import Runner, Schedule, jobs
from tests.cli.conftest import Cli, refused
from tests.cli.test_app import START, environment

PATIENCE_S = 120


def config(name: str, *, every: str = "1h", production: str = "moved.parquet", more: str = "") -> str:
    """The name of a configuration's file, which is written."""
    Path(f"{name}.yaml").write_text(
        f"name: {name}\ndata: {{reference_path: ref.parquet, production_path: {production}}}\n"
        f"detectors: {{use: [psi]}}\ndrift: {{backend: numpy}}\nschedule: {{every: {every}}}\n{more}",
        encoding="utf-8",
    )
    return f"{name}.yaml"


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two jobs is run once, at ten o'clock, one after the other; then it ends."""
    turn, done = threading.Lock(), list[Runner]()

    def loop(runner: Runner, stop: threading.Event) -> None:
        with turn:
            runner._clock = lambda: datetime(2026, 6, 1, 10, tzinfo=UTC)
            jobs.put(runner.job.history, runner.job.name, schedule="every 1h", due_at=datetime(2026, 6, 1, tzinfo=UTC))
            runner.look()
            done.append(runner)
        if len(done) == 2:
            stop.set()

    monkeypatch.setattr(Runner, "loop", loop)


@pytest.mark.usefixtures("once")
def test_each_is_run_and_the_fault_of_one_stops_no_other(cli: Cli) -> None:
    files = config("churn"), config("fraud", production="nowhere.parquet")
    ran = cli("schedule", "--config", files[0], "--config", files[1])
    assert ran.code == 0
    assert ran.out == "churn: moved.parquet  200 rows  drift, critical: x\n"
    assert "WARNING: fraud: the run failed: " in ran.err
    assert "nowhere.parquet" in ran.err
    ran = cli("schedule", "--config", files[0], "--config", files[1], "--list")
    head, churn, fraud = ran.out.splitlines()
    assert head.split("  ")[0] == "monitor"
    assert "every 1h" in churn
    assert "2026-06-01 10:00:00Z" in churn
    assert "1 windows, 1 drifted" in churn
    assert churn.endswith("due")
    assert not cli("schedule", "--config", config("churn", every="1h, missed: skip"), "--list").out.endswith("due\n")
    assert "failed: " in fraud
    assert cli("history", "list", "drift.db").out == "churn\n"


@pytest.mark.usefixtures("once")
def test_lines_of_json(cli: Cli) -> None:
    ran = cli("schedule", "--config", config("churn"), "--config", config("fraud", production="same.parquet"), "--json")
    assert sorted(json.loads(line)["drifted"] for line in ran.out.splitlines()) == [False, True]


def test_the_list_makes_no_history(cli: Cli, folder: Path) -> None:
    ran = cli("schedule", "--list", "--config", config("churn"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1].split()[:3] == ["churn", "every", "1h"]
    assert not (folder / "drift.db").exists()


def test_a_run_that_never_ended_is_told(cli: Cli) -> None:
    file = config("churn")
    with ad.History("sqlite:///drift.db") as history:
        now = datetime.now(UTC)
        jobs.put(history, "churn", schedule="every 1h", due_at=now, started_at=now)
        assert "was killed" in cli("schedule", "--list", "--config", file).out
        assert Lease(history, jobs.lease_of("churn")).acquire()
    told = cli("schedule", "--list", "--config", file).out
    assert "  runs  " in told
    assert "was killed" not in told


def test_what_cannot_be(cli: Cli) -> None:
    refused(cli("schedule"), "which monitors?")
    refused(cli("schedule", "--config", config("churn", production="'-'")), "names no folder")
    file = config("churn")
    refused(cli("schedule", "--config", file, "--config", file), "the name 'churn' in the same history")
    refused(cli("schedule", "--config", file, "--json", "a.json"), "> windows.jsonl")
    refused(cli("schedule", "--config", config("churn", every="1mo")), "schedule.every", "of months")
    Path(file).write_text("data: {reference_path: ref.parquet}\n", encoding="utf-8")
    refused(cli("schedule", "--config", file), "has no schedule")
    Path(file).write_text("data: {reference_path: a}\nschedule: {cron: 0 6 * * 9}\n", encoding="utf-8")
    refused(cli("schedule", "--config", file), "churn.yaml:2", "0 to 7")


def test_a_schedule_of_a_configuration(folder: Path) -> None:
    assert Config.load(folder / config("churn")).schedule.made() == Schedule(every="1h")
    cron = {"cron": "0 6 * * mon", "zone": "Europe/Berlin", "missed": "skip"}
    made = Config.of({"data": {"reference_path": "a"}, "schedule": cron}).schedule.made()
    assert made == Schedule(cron="0 6 * * mon", zone="Europe/Berlin", missed="skip")
    assert Config.of({"data": {"reference_path": "a"}}).schedule.made() is None


def test_a_history_that_cannot_be_opened_is_a_mistake_at_once(folder: Path) -> None:
    (folder / "drift.db").write_bytes(b"x" * 4096)
    with pytest.raises(HistoryError):
        scheduled.run([Path(config("churn"))], {"json": None, "log_format": None, "quiet": False})


def test_a_history_that_was_removed_is_not_made_anew(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()

    def loop(runner: Runner, stop: threading.Event) -> None:
        """The file goes away while the reference is read, and the run comes to its history afterwards."""
        aside = (folder / "drift.db").rename(folder / "aside.db")
        with pytest.raises(HistoryError) as found:
            runner.job.run()
        told.append(str(found.value))
        aside.rename(folder / "drift.db")
        told.append(runner.job.run())
        stop.set()

    monkeypatch.setattr(Runner, "loop", loop)
    assert cli("schedule", "--config", config("churn")).code == 0
    assert told[0].startswith("the history sqlite:///drift.db was removed or replaced while it was in use")
    assert told[1:] == ["1 windows, 1 drifted"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_runs_until_a_signal_and_goes_on_later(cli: Cli) -> None:
    file = config("churn", every="1s", more="windows: {rows: 50}\n")
    process = subprocess.Popen(
        [*START, "schedule", "--config", file], text=True, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "rows 0-49  50 rows  drift, critical: x\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert err.endswith("interrupted\n")
    ran = cli("run", "--config", file)
    assert ran.code == 0
    assert cli("history", "runs", "drift.db", "churn").out.count("\nrows ") == 4
