"""What goes wrong around a watcher while files arrive: afterwards the history is as if nothing had been."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import event

import accel_drift as ad
from accel_drift import monitor as mo
from tests.cli.test_app import START, environment
from tests.monitor.samples import keys, rows
from tests.monitor.test_folder import Clock, clock, inbox, made, put

__all__ = ["clock", "inbox"]

WINDOWS = ad.Windows(rows=560)


def seen(
    folder: Path, profile: ad.Profile, history: ad.History, clock: Clock, name: str = "m", **more: Any
) -> list[str]:
    """The windows of one watch; of windows of rows, unless it is said otherwise."""
    monitor = ad.Monitor(profile, more.pop("windows", WINDOWS), history=history, name=name)
    given = {"poll": 5.0, "until_idle": 60.0, "wait": clock.wait, "clock": clock, **more}
    return [report.batch for report in mo.watch(monitor, made(folder, clock), **given)]


def same(history: ad.History, other: ad.History) -> bool:
    columns = ["window", "place", "column", "detector", "status", "statistic", "p_value"]
    both = [h.findings("m").select(columns) for h in (history, other)]
    return keys(history) == keys(other) and bool(both[0] == both[1])


@pytest.fixture
def whole(inbox: Path, profile: ad.Profile, tmp_path: Path, clock: Clock) -> ad.History:
    """What an undisturbed watch of eight files says."""
    for number in range(8):
        put(inbox / f"{number}.parquet", number, n=400)
    history = ad.History(f"sqlite:///{tmp_path}/undisturbed.db")
    assert len(seen(inbox, profile, history, clock)) == 5
    return history


def test_a_disk_that_is_full_for_a_while(
    whole: ad.History, inbox: Path, profile: ad.Profile, sqlite_url: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with ad.History(sqlite_url, wait=0) as history:
        free, told = [True], list[str]()

        @event.listens_for(history.engine, "checkout")
        def limited(connection: Any, _record: Any, _proxy: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={1_000_000 if free[0] else 1}")

        def filled(what: str) -> None:
            if what.endswith("0.parquet") and not told:
                free[0] = False
                told.append(what)

        def wait(seconds: float) -> None:
            free[0] = True
            clock.wait(seconds)

        history.engine.dispose()
        assert len(seen(inbox, profile, history, clock, wait=wait, tell=filled)) == 5
        assert same(history, whole)
        assert len([r for r in caplog.records if "the disk is full" in r.getMessage()]) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of the size of files")
def test_a_file_system_that_takes_no_more(whole: ad.History, inbox: Path, profile: ad.Profile, sqlite_url: str) -> None:
    profile.save(inbox.parent / "profile.adp")
    command = [
        *START,
        "run",
        "profile.adp",
        "inbox",
        "--rows",
        "560",
        "--history",
        sqlite_url,
        "--name",
        "m",
        "--settle",
        "0",
    ]

    def run(size: int) -> subprocess.CompletedProcess[str]:
        # A limit that the shell sets: of blocks of 1024 bytes.
        shell = ["bash", "-c", f'ulimit -f {size}; exec "$@"', "bash", *command] if size else command
        return subprocess.run(
            shell, cwd=inbox.parent, env=environment(), capture_output=True, text=True, timeout=120, check=False
        )

    with ad.History(sqlite_url):
        pass
    taken = Path(sqlite_url.removeprefix("sqlite:///")).stat().st_size // 1024
    ended = run(taken + 24)
    assert ended.returncode == 2, ended.stderr
    assert "could not be" in ended.stderr
    assert len(ended.stdout.splitlines()) < 5
    assert run(0).returncode == 0
    with ad.History(sqlite_url) as history:
        assert same(history, whole)


def test_a_database_that_another_holds(
    whole: ad.History, inbox: Path, profile: ad.Profile, sqlite_url: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    told: list[str] = []
    with ad.History(sqlite_url, wait=0.01) as history:

        def wait(seconds: float) -> None:
            if other.in_transaction:
                other.execute("ROLLBACK")
            clock.wait(seconds)

        def locked(what: str) -> None:
            if what.endswith("3.parquet") and not told:
                other.execute("BEGIN IMMEDIATE")
                told.append(what)

        assert len(seen(inbox, profile, history, clock, wait=wait, tell=locked)) == 5
        assert same(history, whole)
    held = [r for r in caplog.records if "another process held its lock" in r.getMessage()]
    other.close()
    assert len(held) == 1


def test_columns_that_come_go_and_change_within_the_stream(
    history: ad.History, profile: ad.Profile, inbox: Path, clock: Clock
) -> None:
    table = rows(50, 1)
    words = pa.array([f"{value:.3f}" for value in table["x"].to_pylist()])
    for number, changed in enumerate(
        [
            table,
            table.append_column("new", pa.array(range(50))),
            table.drop_columns(["x"]),
            table.set_column(0, "x", words),
            pa.table({"other": [1, 2, 3]}),
            rows(60, 9),
        ]
    ):
        pq.write_table(changed, inbox / f"{number}.parquet")
    monitor = ad.Monitor(profile, ad.Windows(by="file"), history=history, name="m")
    found = list(mo.watch(monitor, made(inbox, clock), until_idle=0, wait=clock.wait, clock=clock))
    changes = [report.schema_diff.to_dict() for report in found]
    assert changes[1]["added"] == ["new"]
    assert changes[2]["removed"] == ["x"]
    assert [change["column"] for change in changes[3]["retyped"]] in ([], ["x"])
    assert "nothing was compared" in found[4].warnings[0]
    assert not found[5].drifted
    assert len(keys(history)) == 6
    # In windows that take rows of several files, none is lost.
    windows = seen(inbox, profile, history, clock, name="rows", windows=ad.Windows(rows=70))
    assert len(windows) == (50 * 4 + 3 + 60) // 70


def test_clocks_that_jump(history: ad.History, profile: ad.Profile, inbox: Path, clock: Clock) -> None:
    days = ad.Windows(time="1d", on="at")
    for day in range(4):
        pq.write_table(rows(50, day, day=day), inbox / f"{day}.parquet")
    pq.write_table(rows(50, 9, day=40_000), inbox / "2b.parquet")  # rows from a century ahead
    for name, ahead in {"1.parquet": 1e8, "2.parquet": -1e9}.items():  # times of files that are wrong
        at = (inbox / name).stat().st_mtime + ahead
        os.utime(inbox / name, (at, at))
    assert len(seen(inbox, profile, history, clock, windows=days)) == 3
    assert history.metrics("m", "ahead_rows")["value"].to_pylist() == [50.0]
    assert seen(inbox, profile, history, clock, windows=days) == []
    (inbox / "4.parquet").write_bytes(b"PAR1 half")
    times = iter([0.0] + [1e12] * 99)  # the wall clock jumps; files settle by one that does not
    folder = mo.Folder(inbox, clock=clock, now=lambda: next(times))
    monitor = ad.Monitor(profile, days, history=history, name="m")
    list(mo.watch(monitor, folder, until_idle=20, wait=clock.wait, clock=clock))
    assert monitor.seen("4.parquet")
    pq.write_table(rows(50, 4, day=4), inbox / "4.parquet")
    assert seen(inbox, profile, history, clock, windows=days) == ["2024-01-04T00:00:00Z"]
