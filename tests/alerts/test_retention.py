"""Alerts that ended leave with old windows; what is open, unsent or asked for stays, and the same alerts follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.alerts import Alerts, Rule
from accel_drift.alerts.events import Kind
from accel_drift.history import retention
from accel_drift.history.alert_tables import alerts, messages, requests, silences
from accel_drift.retraining.asked import Request, put
from tests.alerts.samples import event, posted
from tests.history.samples import FIRST, day, report
from tests.monitor.samples import rows

DAYS = 10


def _keys(history: ad.History) -> list[str]:
    with history.engine.begin() as connection:
        return [*connection.scalars(select(alerts.c.alert_key).order_by(alerts.c.id))]


def _sent(history: ad.History) -> None:
    """Everything was sent."""
    with history.engine.begin() as connection:
        values = {"sent_at": FIRST, "outcome": "sent"}
        connection.execute(update(messages).where(messages.c.dropped_at.is_(None)).values(values))


def _ended(history: ad.History, *days: int, name: str = "churn") -> None:
    """Alerts that opened and ended with the windows of these days."""
    for number in days:
        at, key = day(number).end, f"{name} {number}"
        posted(history, event(key, at=at), event(key, Kind.RESOLVED, at=at), name=name)


@pytest.fixture
def told(history: ad.History, monkeypatch: pytest.MonkeyPatch) -> ad.History:
    """Ten days of two monitors, with an alert a day; two are removed at a time."""
    monkeypatch.setattr(retention, "_PORTION", 2)
    for name in ("churn", "fraud"):
        for number in range(DAYS):
            history.record(name, report(), day(number))
        _ended(history, *range(DAYS), name=name)
    _sent(history)
    return history


@pytest.mark.parametrize(
    ("options", "stay"),
    [
        ({"older_than": 4}, 5),
        ({"older_than": FIRST + timedelta(days=6)}, 5),
        ({"keep": 3}, 7),
        ({"older_than": 4, "keep": 7}, 3),
        ({"older_than": 1, "keep": 3}, 7),
        ({"older_than": 3, "keep": 50}, 0),
        ({"keep": 0}, DAYS),
    ],
)
def test_alerts_leave_with_the_windows_in_which_they_ended(
    told: ad.History, options: dict[str, Any], stay: int
) -> None:
    told.prune(**options, name="churn")
    windows = told.runs("churn")["window"].to_pylist() if "churn" in told.names() else []
    assert windows == [f"day {number}" for number in range(stay, DAYS)]
    assert _keys(told) == [*(f"churn {n}" for n in range(stay, DAYS)), *(f"fraud {n}" for n in range(DAYS))]
    with told.engine.begin() as connection:
        left = set(connection.scalars(select(messages.c.message_key)))
    assert left == {f"{key}/{kind}/0/team" for key in _keys(told) for kind in ("opened", "resolved")}


def test_what_is_open_or_unsent_stays_whatever_its_age(told: ad.History) -> None:
    at = day(0).end
    posted(told, event("open", at=at))
    posted(told, event("held", at=at))
    _sent(told)
    posted(told, event("held", Kind.RESOLVED, at=at))
    told.prune(keep=0)
    assert _keys(told) == ["open", "held"]
    _sent(told)
    told.record("churn", report(), day(0))
    told.prune(keep=0)
    assert _keys(told) == ["open"]


def test_an_alert_stays_as_long_as_the_window_in_which_it_ended(told: ad.History) -> None:
    posted(told, event("long", at=day(0).end), event("long", Kind.RESOLVED, at=day(8).end))
    _sent(told)
    told.prune(keep=2)
    assert "long" in _keys(told)
    told.prune(keep=1)
    assert "long" not in _keys(told)


def test_silences_that_are_over_leave_and_requests_stay(told: ad.History) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    values = {
        "rule": "*", "subject": "*", "starts_at": FIRST, "reason": "", "author": "", "created_at": FIRST,
    }  # fmt: skip
    given = [("churn", day(1).end), ("churn", day(8).end), ("churn", later), ("fraud", day(1).end)]
    with told.engine.begin() as connection:
        connection.execute(insert(silences), [{**values, "name": name, "ends_at": end} for name, end in given])
        for number, state in enumerate(("done", "asked", "running", "failed")):
            put(connection, Request(f"r{number}", "churn", "p", f"day {number}", FIRST, "", {}, state=state))
    told.prune(older_than=4, name="churn")
    with told.engine.begin() as connection:
        left = connection.execute(select(silences.c.name, silences.c.ends_at).order_by(silences.c.id)).all()
        assert [tuple(row) for row in left] == given[1:]
        assert len(connection.execute(select(requests)).all()) == 4
    told.prune(keep=0)
    with told.engine.begin() as connection:
        assert [*connection.scalars(select(silences.c.ends_at))] == [later]


RULES = [
    Rule(name="row", when="x psi > 0.5 for 3 windows", remind_every="24h"),
    Rule(name="long", when="x psi > 0.5 for 40 hours", resolve_after=2),
    Rule(name="each", when="each column severity >= watch", cooldown="2d"),
]
SHIFTS = [0, 3, 3, 0, 3, 0, 3, 3, 3, 3, 0, 0, 0, 3, 3, 3, 0, 3]


def test_the_same_reports_give_the_same_alerts_whatever_was_removed(history: ad.History, tmp_path: Path) -> None:
    profile = ad.Profile.fit(rows(2_000, 0), ["psi"], backend="numpy")
    batches = [mo.Batch(rows(200, i, shift=shift, day=i), f"file {i}") for i, shift in enumerate(SHIFTS)]

    def observed(where: ad.History, given: list[mo.Batch]) -> None:
        follower = Alerts(RULES, ["team"], clock=lambda: FIRST)
        options: dict[str, Any] = {"history": where, "name": "m", "followers": [follower]}
        list(ad.Monitor(profile, ad.Windows(by="batch", on="at"), **options).observe(given))
        _sent(where)

    with ad.History(f"sqlite:///{tmp_path}/whole.db") as whole:
        observed(whole, batches)
        wanted = _everything(whole)
    assert {state for _, state, *_ in wanted["alerts"].values()} == {"open", "resolved"}
    seen: dict[str, dict[str, Any]] = {"alerts": {}, "messages": {}}
    for batch in batches:
        observed(history, [batch])
        for table, found in _everything(history).items():
            seen[table] |= found
        history.prune(keep=1)
    assert seen == wanted
    assert len(_keys(history)) < len(wanted["alerts"]) / 2


def _everything(history: ad.History) -> dict[str, dict[str, Any]]:
    wanted = ("alert_key", "state", "opened_window", "opened_at", "resolved_window", "resolved_at", "details")
    with history.engine.begin() as connection:
        found = connection.execute(select(*(alerts.c[name] for name in wanted))).all()
        told = connection.execute(select(messages.c.message_key, messages.c.body)).all()
    return {"alerts": {row.alert_key: tuple(row) for row in found}, "messages": {row[0]: row[1] for row in told}}
