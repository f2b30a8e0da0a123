"""Jobs are run when they are due, by one process at a time, whatever becomes of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import accel_drift as ad
from accel_drift.errors import DataError, HistoryError, SecondMonitorError
from accel_drift.history.alert_tables import leases
from accel_drift.history.leases import Lease
from accel_drift.schedule import Job, Runner, Schedule, jobs
from accel_drift.schedule.runner import INTERRUPTED

START = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
HOURLY = Schedule(every="1h")
PATIENCE_S = 60


class Killed(BaseException):
    """Ends a run as a kill does: nothing of it is written."""


class World:
    """A clock, and a job that notes when it was run, and lasts so long."""

    def __init__(self, history: ad.History) -> None:
        self.history, self.now, self.runs, self.lasts = history, START, list[datetime](), timedelta()
        self.fails: BaseException | None = None

    def runner(self, schedule: Schedule = HOURLY, name: str = "churn") -> Runner:
        return Runner(Job(name, schedule, self.history, self.run), clock=lambda: self.now)

    def run(self) -> str:
        self.runs.append(self.now)
        self.now += self.lasts
        if self.fails is not None:
            raise self.fails
        return "3 windows"

    def look(self, runner: Runner, *minutes: float) -> list[float]:
        """Look at these minutes after the start; the minutes of the runs."""
        before = len(self.runs)
        for minute in minutes:
            self.now = max(self.now, START + timedelta(minutes=minute))
            runner.look()
        return [(at - START).total_seconds() / 60 for at in self.runs[before:]]

    def standing(self, name: str = "churn") -> jobs.Standing:
        found = jobs.standing(self.history, name)
        assert found is not None
        return found


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with ad.History(sqlite_url) as history:
        yield World(history)


def test_a_job_is_run_once_each_time_it_is_due(history: ad.History) -> None:
    world = World(history)
    runner = world.runner()
    assert world.look(runner, 0, 30, 59.9, 60, 60, 61, 119, 121, 180) == [60, 121, 180]
    assert world.standing() == (
        "every 1h", START + timedelta(hours=3), world.now, world.now, False, "3 windows"
    )  # fmt: skip


def test_it_looks_again_when_the_job_is_due_and_now_and_then(world: World) -> None:
    runner = world.runner()
    world.now = START + timedelta(minutes=59, seconds=50)
    assert runner.look() == 10
    world.now = START
    assert runner.look() == 30


@pytest.mark.parametrize(("missed", "late"), [("run", [300.0]), ("skip", [])])
def test_what_was_missed_while_nothing_ran_is_done_once_or_not_at_all(
    world: World, missed: Any, late: list[float]
) -> None:
    schedule = Schedule(every="1h", missed=missed)
    assert world.look(world.runner(schedule), 0, 60) == [60]
    # Down from the first to the fifth hour.
    world.now = START + timedelta(minutes=300)
    again = world.runner(schedule)
    assert world.look(again, 300, 301, 359) == late
    assert world.look(again, 360) == [360]


@pytest.mark.parametrize("missed", ["run", "skip"])
def test_a_run_longer_than_the_interval_is_followed_by_one(world: World, missed: Any) -> None:
    runner = world.runner(Schedule(every="1h", missed=missed))
    world.look(runner, 0)
    world.lasts = timedelta(minutes=200)
    assert world.look(runner, 60) == [60]
    world.lasts = timedelta()
    assert world.look(runner, 260, 261, 290, 300) == [260, 300]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (DataError("cannot read postgresql://me:secret@here/db"), "cannot read postgresql://me:***@here/db"),
        (ValueError("x" * 5_000), f"ValueError: {'x' * (jobs.LONGEST - 12)}"),
    ],
)
def test_a_run_that_fails_is_written_down_and_the_next_is_done(world: World, error: Exception, says: str) -> None:
    runner, world.fails = world.runner(), error
    assert world.look(runner, 0, 60, 61) == [60]
    assert world.standing()[4:] == (True, says)
    world.fails = None
    assert world.look(runner, 120) == [120]
    assert world.standing()[4:] == (False, "3 windows")


@pytest.mark.parametrize(("missed", "again"), [("run", [61.0]), ("skip", [])])
def test_a_run_that_was_killed_is_done_again(world: World, missed: Any, again: list[float]) -> None:
    schedule = Schedule(every="1h", missed=missed)
    runner = world.runner(schedule)
    world.look(runner, 0)
    world.fails = Killed()
    with pytest.raises(Killed):
        world.look(runner, 60)
    assert world.standing().ended_at is None
    world.now, world.fails = START + timedelta(minutes=61), None
    assert world.look(world.runner(schedule), 61, 62) == again


def test_a_run_that_was_interrupted_says_so_lets_go_and_is_done_again(history: ad.History) -> None:
    world = World(history)
    runner, world.fails = world.runner(), KeyboardInterrupt()
    world.look(runner, 0)
    with pytest.raises(KeyboardInterrupt):
        world.look(runner, 60)
    assert world.standing()[2:] == (world.now, world.now, False, INTERRUPTED)
    assert not jobs.runs(history, "churn")
    world.fails = None
    assert world.look(world.runner(), 60, 61) == [60]


@pytest.mark.parametrize("late", [None, KeyboardInterrupt(), SecondMonitorError("another process runs it")])
def test_a_process_that_was_overtaken_says_nothing(history: ad.History, late: BaseException | None) -> None:
    world = World(history)
    ours, theirs = world.runner(), world.runner()
    world.look(ours, 0)

    def stopped() -> str:
        # Past its lease: another process takes it, and does what is due then, too.
        history._store.write(lambda connection: connection.execute(leases.update().values(ends_at=START)))
        assert world.look(theirs, 60, 120) == [60, 120]
        if late is not None:
            raise late
        return "late"

    object.__setattr__(ours.job, "run", stopped)
    world.now = START + timedelta(minutes=60)
    with suppress(KeyboardInterrupt):
        ours.look()
    assert world.standing()[1:] == (START + timedelta(hours=2), world.now, world.now, False, "3 windows")
    assert world.look(theirs, 121) == []


def test_two_processes_use_each_time_once(history: ad.History) -> None:
    world = World(history)
    ours, theirs = world.runner(), world.runner()
    world.look(ours, 0)
    assert world.look(theirs, 60) == [60]
    assert world.look(ours, 60, 61) == []
    assert world.look(ours, 120) == [120]
    assert world.look(theirs, 120) == []


def test_while_another_process_runs_it_it_is_left_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    runner = world.runner()
    world.look(runner, 0)
    theirs = Lease(world.history, "schedule/churn")
    assert not jobs.runs(world.history, "churn")
    assert theirs.acquire()
    assert jobs.runs(world.history, "churn")
    assert world.look(runner, 60, 61) == []
    assert caplog.messages == ["churn: another process runs it; this one waits for its turn"]
    theirs.release()
    assert world.look(runner, 62) == [62]
    # Given back: nothing keeps the next one.
    assert theirs.acquire()


def test_one_that_another_process_ran_while_the_lease_was_waited_for_is_not_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = world.runner()
    world.look(runner, 0)
    taken: Callable[[Lease], bool] = Lease.acquire

    def acquire(lease: Lease) -> bool:
        jobs.put(world.history, "churn", due_at=START + timedelta(hours=1))
        return taken(lease)

    monkeypatch.setattr(Lease, "acquire", acquire)
    assert world.look(runner, 60) == []


def test_another_schedule_is_due_from_now_on(world: World) -> None:
    world.look(world.runner(), 0, 60)
    world.now = START + timedelta(minutes=300)
    assert world.look(world.runner(Schedule(cron="10 * * * *")), 300, 309, 310) == [310]
    assert world.standing().schedule == "10 * * * * (UTC)"


def test_a_loop_outlives_a_database_that_fails_and_ends_when_it_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, looks = world.runner(), 0

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            return super().wait(0)

    stop = Stop()

    def look() -> float:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise HistoryError("it does not answer")
        stop.set()
        return 30

    monkeypatch.setattr(runner, "look", look)
    runner.loop(stop)
    assert looks == 3


def test_a_loop_ends_where_the_run_is_interrupted(world: World) -> None:
    runner, world.fails = world.runner(), KeyboardInterrupt()
    world.look(runner, 0)
    world.now += timedelta(hours=1)
    runner.loop(threading.Event())
    assert len(world.runs) == 1
