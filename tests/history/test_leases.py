"""A lease is held by one at a time, and by the next when it ran out; between threads, processes, and after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift.errors import ConfigError, HistoryError
from accel_drift.history import store
from accel_drift.history.alert_tables import leases
from accel_drift.history.leases import Lease, database_time

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_one_holds_it_and_when_it_ran_out_the_next(history: ad.History) -> None:
    clock = Clock()
    ours, theirs = (Lease(history, "churn", 60, holder=name, clock=clock) for name in ("ours", "theirs"))
    other = Lease(history, "fraud", 60, holder="theirs", clock=clock)
    assert not ours.renew()
    assert ours.acquire()
    assert ours.acquire()
    assert not theirs.acquire()
    assert not theirs.renew()
    assert other.acquire()
    theirs.release()  # of what is not theirs: nothing
    clock.go(59)
    assert not theirs.acquire()
    assert ours.renew()
    clock.go(59)
    assert not theirs.acquire()
    clock.go(1)
    assert theirs.acquire()
    assert not ours.renew()
    ours.release()
    assert theirs.renew()
    theirs.release()
    assert ours.acquire()


def test_one_that_ran_out_and_that_nobody_took_can_be_renewed(history: ad.History) -> None:
    clock = Clock()
    lease = Lease(history, "churn", 60, clock=clock)
    assert lease.acquire()
    clock.go(3600)
    assert lease.renew()
    assert not Lease(history, "churn", 60, clock=clock).acquire()


def test_the_databases_clock_counts(history: ad.History) -> None:
    before = history._store.read(database_time)
    lease = Lease(history, "churn", 100)
    assert lease.acquire()
    ends = history._store.read(lambda connection: connection.execute(leases.select()).one().ends_at)
    assert timedelta(seconds=100) <= ends - before < timedelta(seconds=100 + PATIENCE_S)
    assert before.utcoffset() == timedelta()


def test_it_is_renewed_while_it_is_kept_and_given_back_at_the_end(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history:
        lease, renewed = Lease(history, "churn", 0.03), threading.Event()

        def renew() -> bool:
            renewed.set()
            return Lease.renew(lease)

        lease.renew = renew  # type: ignore[method-assign]
        assert lease.acquire()
        with lease.kept() as lost:
            assert renewed.wait(PATIENCE_S)
        assert Lease(history, "churn").acquire()
        assert not lost.is_set()
        # Somebody else has it: it is lost, and stays theirs.
        with lease.kept() as lost:
            assert lost.wait(PATIENCE_S)
        assert not lease.acquire()


def test_a_database_that_fails_meanwhile_loses_no_lease(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history:
        lease, tries = Lease(history, "churn", 0.03), threading.Semaphore(0)

        def fails() -> bool:
            tries.release()
            raise HistoryError("it does not answer")

        lease.renew = lease.release = fails  # type: ignore[method-assign, assignment]
        assert lease.acquire()
        with lease.kept() as lost:
            for _ in range(3):
                assert tries.acquire(timeout=PATIENCE_S)
        assert not lost.is_set()


@pytest.mark.parametrize(
    ("given", "says"), [(("",), "name"), ((3,), "name"), (("a", 0), "how long"), (("a", "b"), "how long")]
)
def test_what_cannot_be(sqlite_url: str, given: tuple[Any, ...], says: str) -> None:
    with ad.History(sqlite_url) as history, pytest.raises(ConfigError, match=says):
        Lease(history, *given)


def started(url: str, notes: Path, rounds: int) -> subprocess.Popen[str]:
    """A process that has opened the history."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.history.holder", url, str(notes), str(rounds)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


@pytest.mark.slow
def test_processes_take_turns(url: str, tmp_path: Path) -> None:
    notes, rounds = tmp_path / "notes", 25
    processes = [started(url, notes, rounds) for _ in range(3)]
    try:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(PATIENCE_S) for process in processes] == [0, 0, 0]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    lines = notes.read_text().splitlines()
    assert len(lines) == 2 * rounds * len(processes)
    # Whoever went in comes out before the next goes in.
    assert all(a.replace(" in", " out") == b for a, b in zip(lines[::2], lines[1::2], strict=True))


@pytest.mark.slow
def test_a_lease_of_a_dead_process_runs_out(url: str, tmp_path: Path) -> None:
    process = started(url, tmp_path / "notes", -1)
    process.kill()
    process.communicate()
    with ad.History(url, wait=60) as history:
        now = datetime.now(UTC)
        assert not Lease(history, "churn", 60).acquire()
        assert not Lease(history, "churn", 60, clock=lambda: now + timedelta(seconds=300)).acquire()
        assert Lease(history, "churn", 60, clock=lambda: now + timedelta(seconds=700)).acquire()


def test_a_writer_that_waits_for_anothers_lock_is_told_so(postgres_url: str) -> None:
    with ad.History(postgres_url) as first, ad.History(postgres_url, wait=0.1) as other:
        assert Lease(first, "churn").acquire()
        with first.engine.begin() as connection:
            connection.execute(leases.delete())
            with pytest.raises(HistoryError, match=r"another process held its lock for 0\.1 s"):
                Lease(other, "churn").acquire()


def test_one_that_stopped_with_a_lock_in_its_hands_holds_nobody_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "IDLE_MS", 100)
    with ad.History(postgres_url) as stopped, ad.History(postgres_url, wait=PATIENCE_S) as other:
        assert Lease(stopped, "churn").acquire()
        tries = 0

        def work(connection: Any) -> int:
            nonlocal tries
            tries += 1
            changed = connection.execute(leases.update().values(holder="stopped"))
            if tries == 1:
                # This process does nothing until the other one, which waits for its lock, has it.
                later = Lease(other, "churn", clock=lambda: datetime.now(UTC) + timedelta(seconds=700))
                assert later.acquire()
                connection.execute(leases.update().values(holder="stopped"))
            return int(changed.rowcount)

        assert stopped._store.write(work) == 1
        assert tries == 2
