"""Files as they arrive: half written, unreadable, twice there, changed, gone, and too many to remember."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, HistoryError, SecondMonitorError, SourceError
from accel_drift.history.ledger import Ledger
from accel_drift.history.steps import Step
from accel_drift.monitor import sources
from accel_drift.monitor.watching import watch
from tests.monitor.samples import keys, rows


class Clock:
    """A clock that goes on when somebody waits; at some times something happens."""

    def __init__(self) -> None:
        self.at, self.plan = 0.0, dict[float, Callable[[], object]]()

    def __call__(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        end = self.at + max(seconds, 1e-3)
        for moment in sorted(m for m in self.plan if m <= end):
            self.at = max(self.at, moment)
            self.plan.pop(moment)()
        self.at = end


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def monitor(history: ad.History, profile: ad.Profile) -> ad.Monitor:
    return ad.Monitor(profile, ad.Windows(by="file"), history=history, name="m")


def put(path: Path, seed: int, n: int = 50) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows(n, seed), path)


def seen(monitor: ad.Monitor, folder: mo.Folder, clock: Clock, idle: float = 0.0, **more: Any) -> list[str]:
    found = watch(monitor, folder, poll=5.0, until_idle=idle, wait=clock.wait, clock=clock, **more)
    return [report.batch for report in found]


def made(inbox: Path, clock: Clock, **options: Any) -> mo.Folder:
    return mo.Folder(inbox, clock=clock, now=lambda: 0.0, **options)


def test_files_are_taken_in_the_order_of_their_paths_each_once(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    for place, name in enumerate(["b.parquet", "2024/day=2/x.parquet", "a.parquet"]):
        put(inbox / name, place)
    for name in (".a.parquet", "_b.parquet", "c.parquet.part", "d.tmp", "_hidden/e.parquet", ".git/f.parquet"):
        put(inbox / name, 9)
    folder = made(inbox, clock)
    assert seen(monitor, folder, clock) == ["2024/day=2/x.parquet", "a.parquet", "b.parquet"]
    assert clock.at == 2.0  # what was there had to settle
    put(inbox / "c.parquet", 7)
    assert seen(monitor, folder, clock) == ["c.parquet"]
    assert seen(monitor, made(inbox, clock), clock) == []


def test_the_folder_may_move(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    put(inbox / "a.parquet", 1)
    assert seen(monitor, made(inbox, clock), clock) == ["a.parquet"]
    moved = inbox.rename(inbox.with_name("elsewhere"))
    put(moved / "b.parquet", 2)
    assert seen(monitor, made(moved, clock), clock) == ["b.parquet"]


def test_by_time_of_change_and_by_pattern(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    for place, name in enumerate(["c.parquet", "b.parquet", "a.csv", "a.parquet"]):
        put(inbox / name, place)
        os.utime(inbox / name, (place, place))
    folder = made(inbox, clock, order="time", patterns=["*.parquet"])
    assert seen(monitor, folder, clock) == ["c.parquet", "b.parquet", "a.parquet"]


def test_a_file_that_is_still_written_is_waited_for(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    whole = inbox.parent / "whole.parquet"
    put(whole, 1)
    half = inbox / "a.parquet"
    for moment, share in {0.5: 0.3, 1.5: 0.6, 6.0: 0.9, 9.0: 1.0}.items():
        part = whole.read_bytes()[: int(whole.stat().st_size * share)]
        clock.plan[moment] = lambda part=part: half.write_bytes(part)  # type: ignore[misc]
    put(inbox / "b.parquet", 2)
    said: list[str] = []
    assert seen(monitor, made(inbox, clock), clock, idle=30.0, tell=said.append) == ["b.parquet", "a.parquet"]
    assert said.count("reading a.parquet") <= 2  # once it looked whole between two writes


def test_whether_data_lack_is_asked_only_after_what_waits_was_read(
    monitor: ad.Monitor, inbox: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox / "a.parquet", 1)
    asked: list[int] = []
    monkeypatch.setattr(monitor, "tick", lambda: asked.append(int(clock() > 0)))
    found = seen(monitor, mo.Folder(inbox, clock=clock, now=lambda: (inbox / "a.parquet").stat().st_mtime), clock)
    assert (found, asked) == (["a.parquet"], [1])


def test_half_a_file_that_stays_is_passed_over_and_is_a_new_batch_when_it_is_mended(
    monitor: ad.Monitor, history: ad.History, inbox: Path, clock: Clock
) -> None:
    put(inbox / "a.parquet", 1)
    whole = (inbox / "a.parquet").read_bytes()
    (inbox / "a.parquet").write_bytes(whole[:-9])
    folder = made(inbox, clock, patience=60)
    assert seen(monitor, folder, clock, idle=50.0) == []
    assert not monitor.seen("a.parquet")
    put(inbox / "b.parquet", 2)
    clock.plan[clock.at + 60] = lambda: put(inbox / "c.parquet", 3)
    found = list(watch(monitor, folder, until_idle=70.0, wait=clock.wait, clock=clock))
    assert [report.batch for report in found] == ["b.parquet", "c.parquet"]
    assert [w for w in found[1].warnings if w.startswith("a.parquet was passed over: ") and "Parquet" in w]
    assert monitor.seen("a.parquet")
    (inbox / "a.parquet").write_bytes(whole)
    later = ad.Monitor(monitor._reference, monitor.windows, history=history, name="m")
    (key,) = seen(later, made(inbox, clock), clock)
    assert key.startswith("a.parquet#")
    assert seen(later, made(inbox, clock), clock) == []


def test_old_files_that_cannot_be_read_are_passed_over_at_once(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    (inbox / "a.parquet").write_bytes(b"PAR1 no")
    folder = mo.Folder(inbox, clock=clock, now=lambda: (inbox / "a.parquet").stat().st_mtime + 61)
    assert seen(monitor, folder, clock) == []
    assert monitor.seen("a.parquet")


def test_files_of_the_same_content_count_once_and_one_that_changed_counts_anew(
    monitor: ad.Monitor, history: ad.History, inbox: Path, clock: Clock
) -> None:
    folder = made(inbox, clock)
    put(inbox / "a.parquet", 1)
    (inbox / "b.parquet").write_bytes((inbox / "a.parquet").read_bytes())
    (inbox / "c.parquet").write_bytes((inbox / "a.parquet").read_bytes())
    assert seen(monitor, folder, clock) == ["a.parquet"]
    put(inbox / "b.parquet", 2)
    (key,) = seen(monitor, folder, clock)
    assert key.startswith("b.parquet#")
    put(inbox / "a.parquet", 3)
    again = ad.Monitor(monitor._reference, monitor.windows, history=history, name="m")
    (key,) = seen(again, made(inbox, clock), clock)
    assert key.startswith("a.parquet#")
    put(inbox / "a.parquet", 1)  # as it was at first
    assert seen(again, made(inbox, clock), clock) == []
    assert len(keys(history)) == 3


def test_a_file_that_changes_while_it_is_read_is_read_again(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    put(inbox / "a.parquet", 1)
    folder, found = made(inbox, clock), []
    for report in watch(monitor, folder, until_idle=3, wait=clock.wait, clock=clock):
        found.append(report.batch)
        if len(found) == 1:
            put(inbox / "a.parquet", 2, n=60)
    assert [name.partition("#")[0] for name in found] == ["a.parquet", "a.parquet"]


def test_a_file_that_goes_away_is_no_error(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    for name in "abc":
        put(inbox / f"{name}.parquet", ord(name))
    reports = watch(monitor, made(inbox, clock, settle=0), until_idle=0, wait=clock.wait, clock=clock)
    assert next(reports).batch == "a.parquet"
    (inbox / "b.parquet").unlink()
    assert [report.batch for report in reports] == ["c.parquet"]
    assert not monitor.seen("b.parquet")


def test_what_was_seen_is_asked_of_the_history_and_not_remembered(
    monitor: ad.Monitor, inbox: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 4)
    monkeypatch.setattr(sources, "_AT_ONCE", 3)
    for number in range(12):
        put(inbox / f"{number:02}.parquet", number)
    folder, most = made(inbox, clock), 0

    def counted(_what: str) -> None:
        nonlocal most
        most = max(most, len(folder._waiting))

    found = seen(monitor, folder, clock, tell=counted)
    assert found == [f"{number:02}.parquet" for number in range(12)]
    assert most == 6  # two times three were asked for
    assert len(folder._known) == 12
    for path in inbox.iterdir():
        path.unlink()
    assert seen(monitor, folder, clock) == []
    assert not folder._known


@pytest.mark.parametrize("options", [{"order": "size"}, {"settle": -1}, {"patience": float("nan")}])
def test_options_that_cannot_work(inbox: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        mo.Folder(inbox, **options)


def test_a_folder_that_is_not_there_or_goes_away(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        mo.Folder(inbox / "no")
    folder = made(inbox, clock)
    inbox.rmdir()
    with pytest.raises(SourceError, match="is not there any more"):
        seen(monitor, folder, clock)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read(monitor: ad.Monitor, inbox: Path, clock: Clock) -> None:
    folder = made(inbox, clock)
    inbox.chmod(0)
    try:
        with pytest.raises(SourceError, match="cannot be read: Permission denied"):
            seen(monitor, folder, clock)
    finally:
        inbox.chmod(0o700)


def test_a_database_that_fails_is_tried_again_and_nothing_is_lost(
    monitor: ad.Monitor, history: ad.History, inbox: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        put(inbox / f"{number}.parquet", number)
    write, calls = Ledger.write, iter(range(1_000))

    def failing(self: Ledger, step: Step, *more: Any) -> bool:
        number = next(calls)
        if number % 3 == 1:
            raise HistoryError("the disk is full")
        done = write(self, step, *more)
        if number % 5 == 2:
            raise HistoryError("the answer was lost")
        return done

    monkeypatch.setattr(Ledger, "write", failing)
    assert seen(monitor, made(inbox, clock), clock, idle=60) == [f"{number}.parquet" for number in range(4)]
    assert [key for key, _, _ in keys(history)] == [f"{number}.parquet" for number in range(4)]
    monkeypatch.setattr(Ledger, "write", lambda *_: (_ for _ in ()).throw(HistoryError("the disk is full")))
    put(inbox / "4.parquet", 4)
    with pytest.raises(HistoryError, match="the disk is full"):
        seen(monitor, made(inbox, clock), clock, idle=60)
    monkeypatch.setattr(Ledger, "write", write)
    assert seen(monitor, made(inbox, clock), clock) == ["4.parquet"]


def test_a_second_process_is_told_so_at_once(
    monitor: ad.Monitor, history: ad.History, inbox: Path, clock: Clock
) -> None:
    second = ad.Monitor(monitor._reference, monitor.windows, history=history, name="m")
    put(inbox / "a.parquet", 1)
    assert seen(monitor, made(inbox, clock), clock) == ["a.parquet"]
    put(inbox / "b.parquet", 2)
    with pytest.raises(SecondMonitorError, match="another process runs the monitor"):
        seen(second, made(inbox, clock), clock, idle=1_000)
