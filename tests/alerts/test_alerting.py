"""Alerts of a monitor stand in the history with the window that brought them about, once each, whatever happens."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import delete, select

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.alerts import Alerts, Rule
from accel_drift.errors import ConfigError
from accel_drift.history.alert_tables import alerts, column_states, messages
from accel_drift.predictions import performance
from tests.monitor.samples import rows
from tests.monitor.test_crashes import Killed, dying
from tests.monitor.test_performance_part import BASE, part
from tests.monitor.test_performance_part import rows as predicted

CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
RULES = [
    Rule(name="x", when="x psi > 0.5 for 2 windows", severity="critical", remind_every="12h"),
    Rule(name="each", when="each column severity >= watch", sinks=("pager",)),
]
SHIFTS = [0, 0, 0, 3, 3, 3, 3, 3, 0, 0, 0, 3]


@pytest.fixture(scope="module")
def profile() -> ad.Profile:
    return ad.Profile.fit(rows(2_000, 0), ["psi", "missing"], backend="numpy")


def _batches() -> list[mo.Batch]:
    return [mo.Batch(rows(200, i, shift=shift, day=i), f"file {i}") for i, shift in enumerate(SHIFTS)]


def _monitor(history: ad.History, profile: ad.Profile, name: str = "m", **options: Any) -> ad.Monitor:
    follower = Alerts(options.pop("rules", RULES), ["team"], clock=lambda: CLOCK, **options)
    windows = ad.Windows(by="batch", on="at")
    return ad.Monitor(profile, windows, history=history, name=name, followers=[follower])


def _all(history: ad.History, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with history.engine.begin() as connection:
        found = connection.execute(select(*(table.c[c] for c in columns)).order_by(*table.primary_key.columns))
        return [tuple(row) for row in found]


ALERT = ("rule", "subject", "severity", "state", "opened_window", "resolved_window")


def _whole(history: ad.History) -> dict[str, Any]:
    return {
        "alerts": _all(history, alerts, "alert_key", *ALERT, "opened_at", "resolved_at", "details"),
        "messages": _all(history, messages, "message_key", "kind", "body"),
        "states": _all(history, column_states, "column", "severity", "since_window", "since"),
    }


def test_alerts_messages_and_standing_are_written(history: ad.History, profile: ad.Profile) -> None:
    with _monitor(history, profile, base_url="https://drift.example/") as monitor:
        keys = [report.settings["window"]["key"] for report in monitor.observe(_batches())]
    assert _all(history, alerts, *ALERT) == [
        ("each", "x", "critical", "resolved", keys[3], keys[8]),
        ("x", "", "critical", "resolved", keys[4], keys[8]),
        ("each", "x", "critical", "open", keys[11], None),
    ]
    told = [(sink, kind) for sink, kind in _all(history, messages, "sink", "kind")]
    assert told == [
        ("pager", "opened"),
        ("team", "opened"),
        *(("team", "reminder"),) * 3,
        ("team", "resolved"),
        ("pager", "resolved"),
        ("pager", "opened"),
    ]
    body = json.loads(_all(history, messages, "body")[1][0])
    assert body["details"]["x psi"] > 0.5
    assert body["link"].startswith("https://drift.example/alerts/")
    states = {column: (severity, since) for column, severity, since in _all(
        history, column_states, "column", "severity", "since_window"
    )}  # fmt: skip
    assert states == {"": ("critical", keys[11]), "x": ("critical", keys[11]), "city": ("healthy", keys[0])}


def test_of_an_alert_that_somebody_deleted_nothing_more_is_told(history: ad.History, profile: ad.Profile) -> None:
    monitor = _monitor(history, profile)
    list(monitor.observe(_batches()[:7]))
    with history.engine.begin() as connection:
        connection.execute(delete(messages))
        connection.execute(delete(alerts))
    list(monitor.observe(_batches()[7:]))
    assert _all(history, alerts, "rule", "state") == [("each", "open")]
    assert _all(history, messages, "sink", "kind") == [("pager", "opened")]


def test_killed_at_any_moment_the_same_alerts_stand_there(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with ad.History(f"sqlite:///{tmp_path}/other.db") as other:
        list(_monitor(other, profile).observe(_batches()))
        wanted = _whole(other)
    assert len(wanted["messages"]) >= 5
    rng, deaths = random.Random(5), 0  # noqa: S311
    dying(monkeypatch, rng, 0.3)
    for _ in range(200):
        try:
            list(_monitor(history, profile).observe(_batches()))
            break
        except Killed:
            deaths += 1
    assert deaths > 1
    assert _whole(history) == wanted


def test_no_data_is_written(history: ad.History, profile: ad.Profile) -> None:
    monitor = _monitor(history, profile, rules=[Rule(name="still there", when="no data for 2 hours")])
    list(monitor.observe(_batches()[:3]))
    monitor.tick(CLOCK)
    monitor.tick(CLOCK + timedelta(hours=3))
    assert _all(history, alerts, "rule", "state") == [("still there", "open")]
    monitor = _monitor(history, profile, rules=[Rule(name="still there", when="no data for 2 hours")])
    monitor.tick(CLOCK + timedelta(hours=4))
    list(monitor.observe(_batches()[3:]))
    assert _all(history, alerts, "rule", "state") == [("still there", "resolved")]
    assert _all(history, messages, "kind") == [("opened",), ("resolved",)]


@pytest.mark.parametrize("windows", [0, 3])
def test_a_process_that_begins_anew_goes_on_waiting_for_data(
    history: ad.History, profile: ad.Profile, windows: int
) -> None:
    rules = [Rule(name="still there", when="no data for 2 hours")]
    monitor = _monitor(history, profile, rules=rules)
    list(monitor.observe(_batches()[:windows]))
    for minutes in (0, 50, 110):
        monitor = _monitor(history, profile, rules=rules)
        monitor.tick(CLOCK + timedelta(minutes=minutes))
        assert _all(history, alerts, "rule") == []
    _monitor(history, profile, rules=rules).tick(CLOCK + timedelta(minutes=120))
    assert _all(history, alerts, "rule", "state") == [("still there", "open")]


def test_late_labels_open_and_end_alerts(history: ad.History, profile: ad.Profile) -> None:
    part = mo.Performance(predicted="city", id="id", classes=["Oslo", "Porto"])
    follower = Alerts([Rule(name="f1", when="f1 < 0.8")], ["team"])
    monitor = ad.Monitor(profile, ad.Windows(by="batch"), history=history, name="m", parts=[part], followers=[follower])
    table = rows(100, 0).append_column("id", pa.array(range(100)))
    list(monitor.observe(table))
    assert follower.open == 0
    wrong = ["Porto" if city == "Oslo" else "Oslo" for city in table["city"].to_pylist()]
    monitor.label(table["id"][:50], wrong[:50])
    assert _all(history, alerts, "rule", "state") == [("f1", "open")]
    other = rows(100, 1).append_column("id", pa.array(range(100, 200)))
    list(monitor.observe(other))
    assert follower.open == 1  # nothing is known of that window yet
    monitor.label(other["id"], other["city"])
    assert _all(history, alerts, "rule", "state") == [("f1", "resolved")]


WORSE = (*range(3, 7),)


@pytest.mark.parametrize("anew", [False, True])
def test_a_drop_that_labels_show_three_windows_later_opens_at_its_window(history: ad.History, anew: bool) -> None:
    options: dict[str, Any] = {"label": None, "id": "id", "metrics": ("f1", "log_loss")}
    options["baseline"] = performance(BASE["p"], BASE["y"], classes=["no", "yes"])
    rules = [
        Rule(name="f1", when="f1 drop > 0.1 for 2 windows"),
        Rule(name="loss", when="log_loss drop > 0.1"),
        Rule(name="known", when="f1 drop > 0.1 and rows >= 300"),
    ]

    def made() -> ad.Monitor:
        follower = Alerts(rules, ["team"])
        windows = ad.Windows(by="batch")
        return ad.Monitor(fitted, windows, history=history, name="m", parts=[part(**options)], followers=[follower])

    batches = [predicted(300, 1 + i, 0.4 if i in WORSE else 0.1) for i in range(10)]
    fitted = ad.Profile.fit(BASE, ["ks"], columns=["x"], backend="numpy")
    monitor, keys = made(), []
    for day in range(len(batches) + 3):
        monitor = made() if anew else monitor
        if day < len(batches):
            (one,) = monitor.observe([batches[day].drop_columns(["y"])])
            keys.append(one.settings["window"]["key"])
        if day >= 3:
            late = batches[day - 3]
            for some in (late.slice(0, 120), late.slice(120), late.slice(0, 50)):
                monitor.label(some["id"], some["y"])
    known = ("rule", "opened_window", "resolved_window")
    ended = keys[WORSE[-1] + 1]
    assert sorted(_all(history, alerts, *known)) == [
        ("f1", keys[WORSE[1]], ended),
        ("known", keys[WORSE[0]], ended),
        ("loss", keys[WORSE[0]], ended),
    ]
    assert len(_all(history, messages, "id")) == 6
    drops = history.metrics("m", "f1_drop").to_pylist()
    assert [row["value"] > 0.1 for row in drops] == [i in WORSE for i in range(10)]
    assert all(row["low"] < row["value"] < row["high"] and row["rows"] == 300 for row in drops)


def test_hundreds_of_alerts_in_a_window(history: ad.History, profile: ad.Profile) -> None:
    rules = [Rule(name=f"r{i}", when=f"x psi > {i / 1000}") for i in range(1_200)]
    monitor = _monitor(history, profile, rules=rules)
    list(monitor.observe(_batches()[3:5]))
    assert len(_all(history, alerts, "id")) == len(_all(history, messages, "id")) == 1_200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rules": ["x psi > 0.2"]}, "is no rule"),
        ({"rules": [RULES[0], RULES[0]]}, "two rules are called 'x'"),
        ({"sinks": "team"}, "list of names"),
        ({"base_url": "drift.example"}, "https://"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Alerts(**options)


def test_alerts_need_a_history(profile: ad.Profile) -> None:
    with pytest.raises(ConfigError, match="history"):
        ad.Monitor(profile, followers=[Alerts()])
    with pytest.raises(ConfigError, match="follow no monitor"):
        Alerts().changes()
