"""Messages are written with what they tell of, once, and held back or left out where somebody said so."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert

import accel_drift as ad
from accel_drift.alerts import outbox
from accel_drift.alerts.events import Kind
from accel_drift.finding import Severity
from accel_drift.history.alert_tables import silences
from tests.alerts.samples import NOW, acknowledge, event, posted, rows


def _silence(history: ad.History, rule: str = "*", subject: str = "*", hours: float = 2.0, name: str = "churn") -> None:
    values = {
        "name": name, "rule": rule, "subject": subject, "starts_at": NOW, "ends_at": NOW + timedelta(hours=hours),
        "reason": "", "author": "", "created_at": NOW,
    }  # fmt: skip
    with history.engine.begin() as connection:
        connection.execute(insert(silences).values(values))


def test_a_message_for_every_sink_says_what_happened(history: ad.History) -> None:
    posted(history, event(sinks=("team", "pager", "team")), base_url="https://drift.example/")
    found = rows(history)
    assert [row["message_key"] for row in found] == ["a/opened/0/team", "a/opened/0/pager"]
    body = json.loads(found[1]["body"])
    assert body == {
        "key": "a/opened/0/pager", "alert": "a", "monitor": "churn", "rule": "income moved", "subject": "income",
        "kind": "opened", "severity": "warning", "window": "w7", "at": "2026-03-01T12:00:00+00:00",
        "text": "churn: income moved (income) is warning at 2026-03-01 12:00 UTC. psi: 0.3125.",
        "details": {"psi": 0.3125}, "link": "https://drift.example/alerts/a",
    }  # fmt: skip
    assert all(row["due_at"] == NOW and row["attempts"] == 0 and row["outcome"] is None for row in found)


def test_posting_again_changes_nothing(history: ad.History) -> None:
    posted(history, event(), event("b"))
    before = rows(history)
    posted(history, event(severity=Severity.CRITICAL), event("b"), now=NOW + timedelta(hours=1))
    assert rows(history) == before
    posted(history, event(kind=Kind.REMINDER, number=1), event(kind=Kind.REMINDER, number=2))
    assert len(rows(history)) == 4


def test_what_is_not_committed_is_not_there(history: ad.History) -> None:
    def work(connection: Any) -> None:
        assert outbox.post(connection, "churn", [event("b")], {"b": 1}, NOW) == 1
        raise ZeroDivisionError

    posted(history, event())
    with pytest.raises(ZeroDivisionError):
        history._store.write(work)
    assert [row["message_key"] for row in rows(history)] == ["a/opened/0/team"]


def test_many_events_are_one_statement(history: ad.History) -> None:
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    many = [event(f"k{i}", sinks=("team", "pager")) for i in range(100)]
    posted(history, *(event(f"k{i}", sinks=()) for i in range(100)))
    sql_event.listen(history.engine, "before_cursor_execute", hear)
    posted(history, *many)
    assert sum("INSERT INTO drift_messages" in one for one in said) == 1
    assert len(rows(history)) == 200


@pytest.mark.parametrize(
    ("rule", "subject", "held"),
    [("*", "*", True), ("income*", "*", True), ("*", "age", False), ("age moved", "*", False), ("*", "inc*", True)],
)
def test_what_is_silenced_waits_for_the_end(history: ad.History, rule: str, subject: str, held: bool) -> None:
    _silence(history, rule, subject)
    _silence(history, name="another", hours=9)
    posted(history, event(), event(kind=Kind.REMINDER, number=1))
    opened, reminder = rows(history)
    assert opened["due_at"] == NOW + timedelta(hours=2 if held else 0)
    assert (opened["silenced_until"] is not None) == held
    assert opened["outcome"] is None
    assert reminder["outcome"] == (outbox.SILENCED if held else None)
    assert (reminder["dropped_at"] is not None) == held


def test_a_silence_that_ended_holds_nothing(history: ad.History) -> None:
    _silence(history)
    posted(history, event(), now=NOW + timedelta(hours=2))
    assert rows(history)[0]["silenced_until"] is None


def test_nobody_nags_about_an_acknowledged_alert(history: ad.History) -> None:
    posted(history, event(), event("b"))
    acknowledge(history, "a")
    kinds = (Kind.RAISED, Kind.REMINDER, Kind.ESCALATED, Kind.RESOLVED)
    posted(history, *(event(key, kind=kind, number=1) for kind in kinds for key in "ab"))
    found = [row["message_key"] for row in rows(history)]
    assert [key for key in found if key.startswith("a/")] == [f"a/{kind}/team" for kind in ("opened/0", "raised/1")] + [
        "a/resolved/1/team"
    ]
    assert sum(key.startswith("b/") for key in found) == 5


def test_names_of_columns_are_any_text(history: ad.History) -> None:
    posted(history, event(subject="a\0b\\c", details={"columns": 3, "share": 1 / 3, "list": [1]}))
    body = json.loads(rows(history)[0]["body"])
    assert body["subject"] == "a\0b\\c"
    assert body["text"].endswith("columns: 3, share: 0.3333.")
