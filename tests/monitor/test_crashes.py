"""Killed at any moment, or with a database that fails, a monitor goes on with nothing lost and nothing twice."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, HistoryError, SourceError
from accel_drift.history.ledger import Ledger
from accel_drift.history.steps import Step
from tests.monitor.samples import keys, rows


class Killed(Exception):  # noqa: N818
    """The process ends here."""


def dying(monkeypatch: pytest.MonkeyPatch, rng: random.Random, share: float) -> None:
    """Writes fail before or after they are done, as when a process is killed around them."""
    write = Ledger.write

    def dies(self: Ledger, step: Step, *more: Any) -> bool:
        chance = rng.random()
        if chance < share / 2:
            raise Killed
        done = write(self, step, *more)
        if chance < share:
            raise Killed
        return done

    monkeypatch.setattr(Ledger, "write", dies)


SORTS = {
    "rows": ad.Windows(rows=70),
    "overlapping rows": ad.Windows(rows=70, every=30),
    "time": ad.Windows(time="12h", on="at", lateness="3h"),
    "batch": ad.Windows(by="batch"),
}


def _batches() -> list[mo.Batch]:
    return [mo.Batch(rows(50, i, shift=0.0 if i < 6 else 2.0, day=i / 2), f"message {i}") for i in range(12)]


@pytest.mark.parametrize(
    ("sort", "reference"), [*((sort, "fixed") for sort in SORTS), *((s, "trailing") for s in SORTS if s[:4] != "over")]
)
def test_killed_at_any_moment_it_goes_on_with_nothing_lost_and_nothing_twice(
    url: str, profile: ad.Profile, sort: str, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> ad.Monitor:
        compared = profile if reference == "fixed" else mo.Trailing(3, detectors=["psi"], backend="numpy")
        return ad.Monitor(compared, SORTS[sort], history=history, name=name)

    with ad.History(url) as history:
        list(made("whole").observe(_batches()))
        rng, deaths = random.Random(sort + reference), 0  # noqa: S311
        dying(monkeypatch, rng, 0.3)
        for _ in range(200):
            try:
                for _report in made("killed").observe(_batches()):
                    if rng.random() < 0.1:
                        raise Killed
                break
            except Killed:
                deaths += 1
        assert deaths > 1
        assert keys(history, "killed") == keys(history, "whole")
        columns = ["window", "place", "column", "detector", "statistic", "p_value"]
        assert history.findings("killed").select(columns) == history.findings("whole").select(columns)


def test_rows_that_no_window_needs_leave_the_database(history: ad.History, profile: ad.Profile) -> None:
    from sqlalchemy import func, select

    from accel_drift.history.tables import batches

    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")
    for i in range(5):
        list(monitor.observe([rows(130, i)]))
    with history.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(batches)).scalar() == 1
    list(monitor.finish())
    with history.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(batches)).scalar() == 0


def test_a_batch_of_windows_alone_writes_no_rows(history: ad.History, profile: ad.Profile) -> None:
    from sqlalchemy import select

    from accel_drift.history.tables import batches

    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")
    list(monitor.observe([mo.Batch(rows(100, 1), "a"), mo.Batch(rows(200, 1), "b")]))
    with history.engine.connect() as connection:
        assert connection.execute(select(batches.c.batch_key, batches.c.body)).all() == [("a", None), ("b", None)]


def test_without_rows_kept_files_are_read_again_and_others_are_lost_and_told(
    history: ad.History, profile: ad.Profile, tmp_path: Path
) -> None:
    def made() -> ad.Monitor:
        return ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m", keep_rows=False)

    pq.write_table(rows(60, 1), tmp_path / "a.parquet")
    assert list(made().observe(tmp_path / "a.parquet")) == []
    pq.write_table(rows(60, 2), tmp_path / "b.parquet")
    (report,) = made().observe(tmp_path / "b.parquet")
    assert report.batch == "rows 0-99"
    list(made().observe([rows(10, 3)]))
    monitor = made()
    (report,) = monitor.observe(rows(100, 4))
    assert report.batch == "rows 130-229"
    assert "10 rows of an unfinished window were not kept, and are lost with the last process" in report.warnings
    list(monitor.observe(tmp_path / "a.parquet"))
    pq.write_table(rows(61, 1), tmp_path / "c.parquet")
    list(monitor.observe(tmp_path / "c.parquet"))
    (tmp_path / "c.parquet").unlink()
    with pytest.raises(SourceError, match=r"c\.parquet, whose rows an unfinished window needs, is not there"):
        made()


def test_two_processes_of_one_monitor_are_told_apart(history: ad.History, profile: ad.Profile) -> None:
    first = ad.Monitor(profile, history=history, name="m")
    second = ad.Monitor(profile, history=history, name="m")
    list(first.observe(mo.Batch(rows(100, 1), "a")))
    with pytest.raises(HistoryError, match="another process runs the monitor 'm'"):
        list(second.observe(mo.Batch(rows(100, 2), "b")))
    assert history.runs("m").num_rows == 1


def test_another_sort_of_window_under_the_same_name_is_refused(history: ad.History, profile: ad.Profile) -> None:
    list(ad.Monitor(profile, ad.Windows(rows=50), history=history, name="m").observe(rows(100, 1)))
    with pytest.raises(ConfigError, match="begun with other windows: rows=50, every=50, and is given rows=60"):
        ad.Monitor(profile, ad.Windows(rows=60), history=history, name="m")
    with pytest.raises(ConfigError, match="was begun with other reference: none of these, and is given trailing=2"):
        ad.Monitor(mo.Trailing(2), ad.Windows(rows=50), history=history, name="m")


def test_when_the_database_fails_nothing_is_lost(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, broken = Ledger.write, [True]

    def failing(self: Ledger, *given: Any) -> bool:
        if broken[0]:
            raise HistoryError("the disk is full")
        return write(self, *given)

    monkeypatch.setattr(Ledger, "write", failing)
    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")
    batches = iter([rows(150, 1), rows(150, 2)])
    for _ in range(3):
        with pytest.raises(HistoryError, match="the disk is full"):
            list(monitor.observe(batches))
    broken[0] = False
    assert [report.batch for report in monitor.observe([rows(50, 3)])] == ["rows 0-99", "rows 100-199"]
    assert [key for key, _, _ in keys(history)] == ["rows 0-99", "rows 100-199"]


def test_an_answer_that_was_lost_is_no_second_window(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, lost = Ledger.write, [True]

    def deaf(self: Ledger, *given: Any) -> bool:
        done = write(self, *given)
        if lost[0]:
            lost[0] = False
            raise HistoryError("the server closed the connection")
        return done

    monkeypatch.setattr(Ledger, "write", deaf)
    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")
    with pytest.raises(HistoryError, match="closed the connection"):
        list(monitor.observe(rows(100, 1)))
    assert [report.batch for report in monitor.observe([rows(100, 2)])] == ["rows 0-99", "rows 100-199"]
    assert history.runs("m").num_rows == 2


def test_a_batch_that_could_not_be_looked_up_comes_again(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, calls = Ledger.found, list[int]()

    def failing(self: Ledger, *given: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) % 3:
            raise HistoryError("the database is locked")
        return found(self, *given, **more)

    monkeypatch.setattr(Ledger, "found", failing)
    monitor = ad.Monitor(profile, ad.Windows(rows=50), history=history, name="m")
    batches = iter([mo.Batch(rows(50, i), f"message {i}") for i in range(4)])
    told: list[str] = []
    for _ in range(8):
        with pytest.raises(HistoryError, match="locked"):
            told.extend(report.batch for report in monitor.observe(batches))
    told.extend(report.batch for report in monitor.observe(batches))
    assert told == ["rows 0-49", "rows 50-99", "rows 100-149", "rows 150-199"]
    assert len(calls) == 12
