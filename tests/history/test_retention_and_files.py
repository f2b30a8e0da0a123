"""Old windows leave with all that is theirs; exported files hold everything, and give it back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Table, func, select, update

import accel_drift as ad
from accel_drift.alerts.events import Kind
from accel_drift.errors import ConfigError, SourceError
from accel_drift.history import Metric, retention
from accel_drift.history.alert_tables import alerts, messages, requests
from accel_drift.history.tables import findings, metrics
from accel_drift.retraining.asked import STATES, Request, put
from tests.alerts.samples import event, posted
from tests.history.samples import FIRST, day, finding, report

DAYS = 7


@pytest.fixture
def told(history: ad.History, monkeypatch: pytest.MonkeyPatch) -> ad.History:
    """A week of two monitors; windows are removed two at a time."""
    monkeypatch.setattr(retention, "_PORTION", 2)
    for number in range(DAYS):
        for name in ("churn", "fraud"):
            found = [finding("income", 0.03 * number), finding("nul\0", float("nan"), columns=("x", "y"))]
            history.record(name, report(found), day(number), metrics=[Metric("accuracy", 0.9, 0.8, 1.0, number)])
    return history


def kept(history: ad.History, name: str = "churn") -> list[str]:
    return [str(key) for key in history.runs(name)["window"].to_pylist()]


def rows(history: ad.History) -> tuple[int, int]:
    """Findings and metrics that are there, whether or not a window leads to them."""
    with history.engine.begin() as connection:
        found = [connection.execute(select(func.count()).select_from(t)).scalar() for t in (findings, metrics)]
    return int(found[0] or 0), int(found[1] or 0)


@pytest.mark.parametrize("older", [2, 2.0, timedelta(days=2), FIRST + timedelta(days=5)])
def test_windows_that_end_before_an_age_leave_with_all_that_is_theirs(told: ad.History, older: object) -> None:
    assert told.prune(older_than=older) == 2 * 4  # type: ignore[arg-type]
    assert kept(told) == kept(told, "fraud") == ["day 4", "day 5", "day 6"]
    assert rows(told) == (2 * 3 * 2, 2 * 3)
    assert told.prune(older_than=older) == 0  # type: ignore[arg-type]


def test_the_last_windows_stay_whatever_their_age(told: ad.History) -> None:
    assert told.prune(keep=2, name="churn") == 5
    assert (kept(told), len(kept(told, "fraud"))) == (["day 5", "day 6"], DAYS)
    assert told.prune(older_than=0.5, keep=3) == 4
    assert (len(kept(told)), kept(told, "fraud")) == (2, ["day 4", "day 5", "day 6"])


def test_a_window_that_left_is_new_again(told: ad.History) -> None:
    told.prune(keep=1)
    assert told.record("churn", report(), day(0)) is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "say which windows leave"),
        ({"keep": -1}, "keep is -1"),
        ({"keep": 1.5}, "keep is 1.5"),
        ({"older_than": -1}, "older_than is -1"),
        ({"older_than": "90 days"}, "older_than is '90 days'"),
        ({"keep": 1, "name": "chrun"}, "no monitor 'chrun'"),
    ],
)
def test_what_would_remove_the_wrong_windows_is_refused(
    told: ad.History, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        told.prune(**options)  # type: ignore[arg-type]
    assert len(kept(told)) == DAYS


def test_exported_files_give_everything_back(told: ad.History, tmp_path: Path) -> None:
    home = told.export(tmp_path / "deep" / "out")
    assert pq.read_table(home / "findings.parquet").num_rows == 2 * 2 * DAYS
    with ad.History(f"sqlite:///{tmp_path}/other.db") as other:
        other.record("churn", report([finding(effect=0.7)]), day(0))
        assert other.restore(home) == 2 * DAYS - 1
        assert other.latest("churn").equals(told.latest("churn"))
        # What was there stays as it was.
        assert other.findings("churn", end=FIRST + timedelta(days=1))["effect"].to_pylist() == [0.7]
        assert other.findings("fraud").equals(told.findings("fraud"))
        assert other.runs("fraud").equals(told.runs("fraud"))
        assert other.metrics("fraud").equals(told.metrics("fraud"))
        assert other.restore(home) == 0


def test_what_was_removed_comes_back_from_files(told: ad.History, tmp_path: Path) -> None:
    before = told.findings("churn")
    told.export(tmp_path / "out")
    told.prune(keep=1)
    assert told.restore(tmp_path / "out") == 2 * (DAYS - 1)
    assert told.findings("churn").equals(before)


def test_an_empty_history_exports_empty_files(history: ad.History, tmp_path: Path) -> None:
    home = history.export(tmp_path / "out")
    assert pq.read_table(home / "runs.parquet").num_rows == 0
    assert history.restore(home) == 0


def test_files_that_are_no_export_are_refused(told: ad.History, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no .*metrics\.parquet"):
        told.restore(tmp_path)
    home = told.export(tmp_path / "out")
    runs = pq.read_table(home / "runs.parquet")
    table = pq.read_table(home / "findings.parquet")
    for damaged in (table.slice(1), table.slice(0, 9), table.take(pa.array([1, 0, *range(2, 28)])).slice(1)):
        pq.write_table(damaged, home / "findings.parquet")
        told.prune(keep=0)
        with pytest.raises(SourceError, match="do not belong together"):
            told.restore(home)
    pq.write_table(runs, home / "findings.parquet")
    with pytest.raises(SourceError, match="its columns are other ones"):
        told.restore(home)
    (home / "findings.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SourceError, match="cannot read"):
        told.restore(home)


def test_a_folder_that_cannot_be_made_is_an_error(told: ad.History, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="cannot write to the folder"):
        told.export(tmp_path / "file" / "out")


@pytest.fixture
def alerted(told: ad.History) -> ad.History:
    """An alert that ended, one that ended with a message unsent, one that is open; requests of every state."""
    for key in ("over", "unsent", "open"):
        at = day(1).end
        posted(told, event(key, at=at, subject="nul\0"))
        if key != "open":
            posted(told, event(key, Kind.RESOLVED, at=at))
    sent = {"sent_at": FIRST, "outcome": "sent", "attempts": 2, "claimed_by": None}
    with told.engine.begin() as connection:
        wanted = messages.c.message_key != "unsent/resolved/0/team"
        connection.execute(update(messages).where(wanted).values(sent))
        for state in STATES:
            put(connection, Request(state, "churn", "p", "day 1", FIRST, "why", {"rows": 5}, state=state))
    return told


def everything(history: ad.History, table: Table) -> list[dict[str, Any]]:
    """Rows without their numbers."""
    with history.engine.begin() as connection:
        found = [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]
    return [{name: value for name, value in row.items() if name not in ("id", "alert_id")} for row in found]


def test_exported_files_have_all_that_alerts_wrote_and_give_back_what_is_over(
    alerted: ad.History, tmp_path: Path
) -> None:
    home = alerted.export(tmp_path / "out")
    for name, table in (("alerts", alerts), ("messages", messages), ("requests", requests)):
        file = pq.read_table(home / f"{name}.parquet")
        left_out = {"claimed_by", "claimed_until"}
        wanted = [{k: v for k, v in row.items() if k not in left_out} for row in everything(alerted, table)]
        assert file.select([*wanted[0]]).to_pylist() == wanted
    assert pq.read_table(home / "messages.parquet")["alert_key"].to_pylist()[:2] == ["over", "over"]
    with ad.History(f"sqlite:///{tmp_path}/other.db") as other:
        for number in (2 * DAYS, 0):
            assert other.restore(home) == number
            assert everything(other, alerts) == everything(alerted, alerts)[:2]
            assert everything(other, messages) == everything(alerted, messages)[:3]
            over = [row for row in everything(alerted, requests) if row["state"] not in ("asked", "running")]
            assert everything(other, requests) == over
            assert len(over) == len(STATES) - 2
        with other.engine.begin() as connection:
            joined = select(alerts.c.alert_key, messages.c.message_key).join_from(messages, alerts)
            assert all(message.startswith(key) for key, message in connection.execute(joined))


def test_alerts_that_were_removed_come_back_and_what_is_there_stays(alerted: ad.History, tmp_path: Path) -> None:
    before = {row["alert_key"]: row for row in everything(alerted, alerts)}
    told = {row["message_key"]: row for row in everything(alerted, messages)}
    alerted.export(tmp_path / "out")
    alerted.prune(keep=1)
    assert [row["alert_key"] for row in everything(alerted, alerts)] == ["unsent", "open"]
    assert alerted.restore(tmp_path / "out") == 2 * (DAYS - 1)
    assert {row["alert_key"]: row for row in everything(alerted, alerts)} == before
    assert {row["message_key"]: row for row in everything(alerted, messages)} == told


def test_files_of_an_earlier_version_have_no_alerts(alerted: ad.History, tmp_path: Path) -> None:
    home = alerted.export(tmp_path / "out")
    for name in ("alerts", "messages", "requests"):
        (home / f"{name}.parquet").unlink()
    with ad.History(f"sqlite:///{tmp_path}/other.db") as other:
        assert other.restore(home) == 2 * DAYS
        assert everything(other, alerts) == []
