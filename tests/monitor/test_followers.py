"""Followers hear of every window once; what they write stands with it or not at all; sources know where to go on."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, HistoryError
from accel_drift.history import Window
from accel_drift.history.ledger import Ledger
from accel_drift.history.steps import Recorded
from tests.monitor.samples import rows
from tests.monitor.test_crashes import Killed, dying


class Counting(mo.Follower):
    """Counts windows, and writes one row for each into a table of its own."""

    def __init__(self, name: str = "counting") -> None:
        self.name, self.seen, self.ticks, self.late = name, 0, 0, dict[str, Any]()

    def follow(self, window: Recorded) -> Any:
        self.seen += 1
        row = {"number": self.seen, "key": window.window.key}
        return lambda connection: connection.execute(text("INSERT INTO counted VALUES (:number, :key)"), row)

    def measured(self, found: Mapping[str, tuple[ad.Metric, ...]], windows: Mapping[str, Window]) -> None:
        self.late |= {key: (metrics, windows.get(key)) for key, metrics in found.items()}

    def tick(self, now: datetime) -> Any:
        self.ticks += 1
        row = {"number": -self.ticks, "key": now.isoformat()}
        return lambda connection: connection.execute(text("INSERT INTO counted VALUES (:number, :key)"), row)

    def changes(self) -> Mapping[str, bytes | None]:
        return {"seen": str(self.seen).encode()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        self.seen = int(pieces.get("seen", b"0"))


def _counted(history: ad.History) -> list[tuple[int, str]]:
    with history.engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT number, key FROM counted ORDER BY number"))]


@pytest.fixture
def counted(history: ad.History) -> ad.History:
    with history.engine.begin() as connection:
        connection.execute(text("CREATE TABLE counted (number INTEGER NOT NULL, key TEXT NOT NULL)"))
    return history


def test_killed_at_any_moment_a_follower_heard_of_every_window_once(
    counted: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [mo.Batch(rows(50, i), f"message {i}", {"topic/0": i + 1}) for i in range(12)]
    rng, deaths = random.Random(3), 0  # noqa: S311
    dying(monkeypatch, rng, 0.3)
    for _ in range(200):
        try:
            monitor = ad.Monitor(profile, ad.Windows(rows=70), history=counted, name="m", followers=[Counting()])
            for _report in monitor.observe(batches[monitor.positions.get("topic/0", 0) :]):
                pass
            break
        except Killed:
            deaths += 1
    assert deaths > 1
    assert _counted(counted) == [(i + 1, key) for i, key in enumerate(counted.runs("m")["window"].to_pylist())]
    assert len(_counted(counted)) == 600 // 70


def test_a_position_is_where_the_last_batch_that_was_written_ended(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=1000), history=history, name="m")
    assert monitor.positions == {}
    list(monitor.observe([mo.Batch(rows(5, 0), position={"a": 7, "b": [1, "x"]}), mo.Batch(rows(5, 1))]))
    list(monitor.observe(mo.Batch(rows(5, 2), position={"a": 9})))
    assert monitor.positions == {"a": 9, "b": [1, "x"]}

    def failing(*_given: Any) -> bool:
        raise HistoryError("no")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write", failing)
        with pytest.raises(HistoryError):
            list(monitor.observe(mo.Batch(rows(5, 3), position={"a": 11})))
    assert ad.Monitor(profile, ad.Windows(rows=1000), history=history, name="m").positions["a"] == 9


def test_what_a_follower_cannot_write_takes_the_window_with_it(history: ad.History, profile: ad.Profile) -> None:
    follower = Counting()  # its table is not there
    monitor = ad.Monitor(profile, ad.Windows(rows=50), history=history, name="m", followers=[follower])
    with pytest.raises(HistoryError, match="counted"):
        list(monitor.observe(rows(50, 0)))
    assert history.names() == []
    with history.engine.begin() as connection:
        connection.execute(text("CREATE TABLE counted (number INTEGER NOT NULL, key TEXT NOT NULL)"))
    (report,) = monitor.observe([])
    assert report.n_batch == 50
    assert _counted(history) == [(1, history.runs("m")["window"].to_pylist()[0])]


def test_time_that_passes_is_told_and_written(counted: ad.History, profile: ad.Profile) -> None:
    follower = Counting()
    monitor = ad.Monitor(profile, ad.Windows(rows=50), history=counted, name="m", followers=[follower])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monitor.tick(now)
    monitor.tick()
    assert _counted(counted)[-1] == (-1, now.isoformat())
    assert follower.ticks == 2
    with pytest.raises(ConfigError, match="time zone"):
        monitor.tick(datetime(2026, 1, 1))


def test_late_labels_are_told(profile: ad.Profile) -> None:
    follower = Counting()
    part = mo.Performance(predicted="city", id="id", classes=["Oslo", "Porto"])
    monitor = ad.Monitor(profile, ad.Windows(by="batch"), name="m", parts=[part], followers=[follower])
    table = rows(50, 0).append_column("id", pa.array(range(50)))
    (report,) = monitor.observe(table)
    monitor.label(table["id"], table["city"])
    assert [*follower.late] == [report.settings["window"]["key"]]


def test_late_labels_are_told_with_the_times_of_windows_the_earliest_first(
    counted: ad.History, profile: ad.Profile
) -> None:
    follower = Counting()
    part = mo.Performance(predicted="city", id="id", classes=["Oslo", "Porto"])
    windows = ad.Windows(by="batch", on="at")
    monitor = ad.Monitor(profile, windows, history=counted, name="m", parts=[part], followers=[follower])
    tables = [rows(50, i, day=i).append_column("id", pa.array(range(50 * i, 50 * i + 50))) for i in range(3)]
    for i, table in enumerate(tables):
        list(monitor.observe(mo.Batch(table, f"file {i}")))
    for table in (tables[2], tables[0]):
        monitor.label(table["id"][:20], table["city"][:20])
    assert len(follower.late) == 2
    everything = pa.concat_tables([*reversed(tables)])
    follower.late = {}
    monitor.label(everything["id"], everything["city"])
    written = counted.runs("m").to_pylist()
    found = [(key, one.start, one.end) for key, (_, one) in follower.late.items()]
    assert found == [(row["window"], row["window_start"], row["window_end"]) for row in written]


@pytest.mark.parametrize("wrong", [3, ["x"], [Counting(), Counting()], [Counting("a/b")], [Counting("part")]])
def test_followers_that_cannot_be(profile: ad.Profile, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="follower"):
        ad.Monitor(profile, followers=wrong, parts=[mo.Streams("adwin", ["x"], name="part")])
