"""Files of labels that come later than their rows: before them, in parts, twice, half-written, and killed between."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, HistoryError, SourceError
from accel_drift.history.ledger import Ledger
from accel_drift.monitor.watching import watch
from tests.monitor.test_crashes import Killed, dying
from tests.monitor.test_folder import Clock, clock
from tests.monitor.test_performance_part import BASE, part, reference, rows

__all__ = ["clock", "reference"]
Made = Callable[..., ad.Monitor]
DAYS = 4


@pytest.fixture
def made(history: ad.History, reference: ad.Profile) -> Made:
    def make(name: str = "m", **options: Any) -> ad.Monitor:
        given = part(**{"id": "id", "baseline": BASE, **options})
        return ad.Monitor(reference, ad.Windows(by="file"), history=history, name=name, parts=[given])

    return make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with four files of rows without labels, and an empty one for labels."""
    for name in ("inbox", "labels"):
        (tmp_path / name).mkdir()
    for day in range(DAYS):
        pq.write_table(rows(100, 1 + day).drop_columns(["y"]), tmp_path / f"inbox/{day}.parquet")
    return tmp_path


def late(day: int, first: int = 0, count: int = 100, wrong: float = 0.1) -> pa.Table:
    return rows(100, 1 + day, wrong).select(["id", "y"]).slice(first, count)


def folder(home: Path, clock: Clock, **options: Any) -> mo.LabelFolder:
    given = {"id": "id", "label": "y", "clock": clock, "now": lambda: 0.0, **options}
    return mo.LabelFolder(given.pop("path", home / "labels"), **given)


def seen(monitor: ad.Monitor, home: Path, clock: Clock, labels: mo.LabelFolder, idle: float = 0.0) -> list[ad.Report]:
    inbox = mo.Folder(home / "inbox", clock=clock, now=lambda: 0.0)
    return list(watch(monitor, inbox, labels=labels, until_idle=idle, wait=clock.wait, clock=clock))


def labelled(history: ad.History, name: str = "m") -> list[float]:
    found: list[float] = history.metrics(name, "labelled_rows")["value"].to_pylist()
    return found


def test_they_change_the_numbers_of_windows_before_each_file_once(
    made: Made, history: ad.History, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(seen(made(), home, clock, folder(home, clock))) == DAYS
    assert labelled(history) == [0.0] * DAYS
    pq.write_table(late(0), home / "labels/0.parquet")
    pc.write_csv(late(1, 0, 30), home / "labels/1.csv")
    pq.write_table(pa.concat_tables([late(1, 30), late(2, 50)]), home / "labels/2.parquet")
    assert seen(made(), home, clock, folder(home, clock)) == []
    assert labelled(history) == [100.0, 100.0, 50.0, 0.0]
    assert history.metrics("m", "accuracy")["rows"].to_pylist() == [100, 100, 50]
    called: list[object] = []
    monkeypatch.setattr(mo.LabelFolder, "read", lambda _self, batch: called.append(batch))
    seen(made(), home, clock, folder(home, clock, now=lambda: 1e12))
    assert called == []


def test_a_file_may_come_before_its_rows(made: Made, history: ad.History, home: Path, clock: Clock) -> None:
    held = (home / "inbox").rename(home / "held")
    (home / "inbox").mkdir()
    pq.write_table(pa.concat_tables([late(0), late(3)]), home / "labels/all.parquet")
    assert seen(made(), home, clock, folder(home, clock)) == []
    (home / "inbox").rmdir()
    held.rename(home / "inbox")
    assert len(seen(made(), home, clock, folder(home, clock))) == DAYS
    assert labelled(history) == [100.0, 0.0, 0.0, 100.0]


def test_labels_whose_classes_are_not_known_wait_and_are_never_passed_over(
    made: Made, history: ad.History, home: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for file in (home / "inbox").iterdir():
        file.unlink()
    pq.write_table(late(0), home / "labels/0.parquet")
    seen(made(baseline=None, classes=None), home, clock, folder(home, clock, patience=0), idle=300.0)
    assert caplog.text.count("classes=[...]") == 1
    monitor = made(baseline=None)
    seen(monitor, home, clock, folder(home, clock, patience=0))
    assert "passed over" not in caplog.text
    own = monitor._parts[0]
    assert isinstance(own, mo.Performance)
    assert own.counts["unknown"] == 100
    pq.write_table(rows(100, 1).drop_columns(["y"]), home / "inbox/0.parquet")
    seen(monitor, home, clock, folder(home, clock))
    assert labelled(history) == [100.0]


def test_a_file_that_grows_and_one_that_takes_labels_back(
    made: Made, history: ad.History, home: Path, clock: Clock
) -> None:
    monitor, path = made(), home / "labels.csv"
    pc.write_csv(late(0, 0, 40), path)
    labels = folder(home, clock, path=path, now=lambda: 1e12)
    pq.write_table(late(3), home / "beside.parquet")
    seen(monitor, home, clock, labels)
    assert labelled(history) == [40.0, 0.0, 0.0, 0.0]
    pc.write_csv(pa.concat_tables([late(0), late(1)]), path)
    seen(monitor, home, clock, labels)
    assert labelled(history) == [100.0, 100.0, 0.0, 0.0]
    before = history.metrics("m", "accuracy")["value"].to_pylist()
    pc.write_csv(late(0, wrong=0.6), path)
    seen(made(), home, clock, folder(home, clock, path=path))
    assert labelled(history) == [100.0, 100.0, 0.0, 0.0]
    after = history.metrics("m", "accuracy")["value"].to_pylist()
    assert (after[0] < before[0], after[1]) == (True, before[1])


def test_half_a_file_is_waited_for_and_what_cannot_be_read_is_passed_over_and_told(
    made: Made, history: ad.History, home: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pq.write_table(late(0), home / "0.parquet")
    whole, monitor = (home / "0.parquet").read_bytes(), made()
    (home / "labels/0.parquet").write_bytes(whole[:200])
    pq.write_table(late(1).rename_columns(["id", "label"]), home / "labels/1.parquet")
    pq.write_table(late(2), home / "labels/2.parquet")
    clock.plan[30.0] = lambda: (home / "labels/0.parquet").write_bytes(whole)
    assert len(seen(monitor, home, clock, folder(home, clock), idle=90.0)) == DAYS
    assert labelled(history) == [100.0, 0.0, 100.0, 0.0]
    assert "labels: 0.parquet cannot be read yet" in caplog.text
    pq.write_table(rows(50, 9), home / "inbox/9.parquet")
    (report,) = seen(monitor, home, clock, folder(home, clock))
    (told,) = [warning for warning in report.warnings if "passed over" in warning]
    told = told.replace(" (ids in 'id', labels in 'y')", "")
    assert "labels: 1.parquet was passed over: it has no column 'y'; there are 'id', 'label'" in told
    assert "label_column" in told
    pq.write_table(late(1), home / "labels/1.parquet")
    seen(monitor, home, clock, folder(home, clock))
    assert labelled(history)[:DAYS] == [100.0, 100.0, 100.0, 0.0]


@pytest.mark.parametrize("wrong", [{"id": "idd"}, {"label": "z"}])
def test_what_was_passed_over_is_taken_once_its_columns_are_named_right(
    made: Made, history: ad.History, home: Path, clock: Clock, wrong: dict[str, str]
) -> None:
    pq.write_table(late(0), home / "labels/0.parquet")
    for _ in range(2):  # and told once
        seen(made(), home, clock, folder(home, clock, patience=0, **wrong))
    with made() as monitor:
        assert labelled(history) == [0.0] * DAYS
        seen(monitor, home, clock, folder(home, clock, patience=0))
        assert labelled(history)[0] == 100.0
        pq.write_table(rows(50, 9), home / "inbox/9.parquet")
        (report,) = seen(monitor, home, clock, folder(home, clock))
    assert len([warning for warning in report.warnings if "labels: 0.parquet" in warning]) == 1


def test_a_window_that_labels_show_to_be_degraded_is_told_once(
    made: Made, home: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def go() -> list[str]:
        told.clear()
        with made(tolerance={"accuracy": 0.05}, metrics=["accuracy"], detector=None) as monitor:
            inbox = mo.Folder(home / "inbox", clock=clock, now=lambda: 0.0)
            for _ in watch(
                monitor, inbox, labels=folder(home, clock), until_idle=0, wait=clock.wait, clock=clock, late=told.append
            ):
                pass
        return list(told)

    assert go() == []
    pq.write_table(late(0, wrong=0.6), home / "labels/0.parquet")
    pq.write_table(late(1), home / "labels/1.parquet")
    (text,) = go()
    assert re.fullmatch(r"window 0.parquet: labels came, accuracy fell by 0\.[3-6]\d?, more than 0\.05", text)
    assert caplog.text.count(f"m: {text}") == 1
    pq.write_table(late(0, wrong=0.7), home / "labels/2.parquet")  # other labels of the same rows
    assert go() == []
    # A report that knew it is enough.
    pq.write_table(rows(100, 9, 0.6), home / "inbox/9.parquet")
    assert go() == []
    pq.write_table(late(9 - 1, wrong=0.6), home / "labels/9.parquet")
    assert go() == []


def test_killed_between_labels_it_goes_on_with_none_lost_and_none_twice(
    made: Made, history: ad.History, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(DAYS):
        pq.write_table(late(day, 0, 60), home / f"labels/{day}a.parquet")
        pq.write_table(late(day, 50), home / f"labels/{day}b.parquet")
    seen(made("whole"), home, clock, folder(home, clock))
    rng, deaths = random.Random(3), 0  # noqa: S311
    dying(monkeypatch, rng, 0.4)
    for _ in range(200):
        try:
            seen(made("killed"), home, clock, folder(home, clock))
            break
        except Killed:
            deaths += 1
    assert deaths > 3
    assert labelled(history, "killed") == labelled(history, "whole") == [100.0] * DAYS
    counts = []
    for name in ("whole", "killed"):
        with made(name) as monitor:
            own = monitor._parts[0]
            assert isinstance(own, mo.Performance)
            counts.append(own.counts)
    # The ten that stand in two files come again once, not as often as it was killed.
    assert counts[0] == counts[1]
    assert (counts[0]["joined"], counts[0]["repeated"]) == (400, 40)
    columns = ["window", "metric", "value", "low", "high", "rows"]
    both = [history.metrics(name).select(columns).to_pylist() for name in ("whole", "killed")]
    assert both[0] == both[1]


def test_when_the_database_fails_labels_come_again(
    made: Made, history: ad.History, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = made()
    seen(monitor, home, clock, folder(home, clock))
    write, broken = Ledger.write, [True] * 3

    def failing(self: Ledger, *given: Any) -> bool:
        if broken:
            broken.pop()
            raise HistoryError("the disk is full")
        return write(self, *given)

    monkeypatch.setattr(Ledger, "write", failing)
    pq.write_table(late(0), home / "labels/0.parquet")
    seen(monitor, home, clock, folder(home, clock), idle=60.0)
    assert labelled(history) == [100.0, 0.0, 0.0, 0.0]
    assert broken == []


def test_labels_of_a_key_count_once(made: Made, history: ad.History) -> None:
    monitor, table = made(), rows(100, 1)
    list(monitor.observe([mo.Batch(table.drop_columns(["y"]), "a")]))
    assert monitor.label(table["id"][:50], table["y"][:50], key="labels 1") == 1
    assert monitor.label(table["id"], table["y"], key="labels 1") == 0
    assert labelled(history) == [50.0]
    assert made().label(table["id"], table["y"], key="labels 1", digest="") == 0
    assert monitor.taken(["labels 1"]).keys() == {"labels 1"}


def test_mistakes_are_told_before_anything_is_watched(
    made: Made, reference: ad.Profile, home: Path, clock: Clock
) -> None:
    with pytest.raises(SourceError, match="no folder or file of labels"):
        folder(home, clock, path=home / "none")
    with pytest.raises(ConfigError, match="label is ''"):
        folder(home, clock, label="")
    bare = ad.Monitor(reference, ad.Windows(by="file"))
    with pytest.raises(ConfigError, match="no part of the monitor takes labels"):
        watch(bare, mo.Folder(home / "inbox"), labels=folder(home, clock))
    assert made().takes_labels


def test_a_source_that_ends_waits_for_labels_that_settle(
    made: Made, history: ad.History, home: Path, clock: Clock
) -> None:
    pq.write_table(late(0), home / "labels/0.parquet")
    files = mo.Dataset(home / "inbox", whole=True)
    found = list(watch(made(), files, labels=folder(home, clock), wait=clock.wait, clock=clock))
    assert (len(found), clock.at) == (DAYS, 2.0)
    assert labelled(history) == [100.0, 0.0, 0.0, 0.0]
