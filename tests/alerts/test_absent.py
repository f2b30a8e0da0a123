"""A rule about what no window has is told in a warning, once; what may come yet is waited for."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.alerts import Alerts, Rule
from accel_drift.alerts.absent import Absent
from accel_drift.alerts.facts import Facts
from accel_drift.history import Metric
from tests.alerts.reports import finding, report
from tests.monitor.samples import rows


@pytest.fixture(autouse=True)
def _another_process(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(Absent, "_told", set())
    caplog.set_level(logging.WARNING, "accel_drift.alerts")


def _said(caplog: pytest.LogCaptureFixture, when: str, *windows: dict[str, Any]) -> list[str]:
    absent, facts = Absent("m", [Rule(name="a", when=when)]), Facts()
    for one in windows:
        numbers = [Metric(name, value) for name, value in one.get("numbers", {}).items()]
        values = one.get("values", {"income": 0.3, "age": None})
        facts.look(report(values, *one.get("also", ()), removed=one.get("removed", ())), numbers)
        absent.look(facts)
    return [record.getMessage() for record in caplog.records if record.name == "accel_drift.alerts"]


LABELS = {"labelled_rows": 0}
JOINT = finding("age, income", 0.1, "mmd", columns=("age", "income"))


@pytest.mark.parametrize(
    ("when", "window", "words"),
    [
        ("incom psi > 0.2", {}, "'a': no window has had 'incom psi'; columns are age, income; did you mean income?"),
        ("Income psi > 0.2", {}, "no window has had 'Income psi'; columns are age, income; did you mean income?"),
        ("incom drifted", {"also": (JOINT,)}, "had 'incom'; columns are age, income; did you mean income?"),
        ("income ks > 0.2", {}, "no window has had 'income ks'; detectors that look at income are psi"),
        ("income ks p < 0.2", {}, "no window has had 'income ks'"),
        ("any column ks > 0.2", {}, "no window has had 'ks' of any column; detectors in use are psi"),
        ("each column ks > 0.2", {}, "no window has had 'ks' of any column"),
        ("f1 < 0.8", {}, "no window has had 'f1', which takes predictions and labels"),
        ("f1 drop > 0.1", {}, "no window has had 'f1 drop', which takes predictions and labels"),
        ("estimated_f1 < 0.8", {}, "no window has had the number 'estimated_f1' yet; numbers are rows"),
        ('"rwos" > 3', {}, "the number 'rwos' yet; numbers are rows; did you mean rows?"),
        ("income psi > 0.2 or incom psi > 0.2", {}, "'incom psi'"),
    ],
)  # fmt: skip
def test_what_no_window_has_is_told_once(
    caplog: pytest.LogCaptureFixture, when: str, window: dict[str, Any], words: str
) -> None:
    (said,) = _said(caplog, when, window, window)
    assert words in said


@pytest.mark.parametrize(
    ("when", "windows"),
    [
        ("income psi > 0.2", [{}]),
        ("age psi > 0.2", [{}]),  # not tested, of too few rows
        ("each column severity >= watch", [{}]),
        ("any column drifted", [{}]),
        ("severity >= critical", [{}]),
        ("health < 60 or late_rows > 3", [{}]),
        ("no data for 2 hours", [{}]),
        ("f1 < 0.8 or f1 drop > 0.1 or degraded > 0", [{"numbers": LABELS}]),
        ("incom psi > 0.2", [{"values": {}}]),  # nothing was tested at all
        ("city psi > 0.2", [{"removed": ("city",)}, {"values": {"city": 0.1}}]),
    ],
)
def test_what_is_there_or_may_come_is_no_reason_to_warn(
    caplog: pytest.LogCaptureFixture, when: str, windows: list[dict[str, Any]]
) -> None:
    assert _said(caplog, when, *windows) == []


def test_what_was_there_once_may_be_gone(caplog: pytest.LogCaptureFixture) -> None:
    assert _said(caplog, "income psi > 0.2", {}, {"values": {"age": 0.1}}) == []


def test_a_monitor_tells_it_once_a_process(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    profile = ad.Profile.fit(rows(2_000, 0), ["psi"], backend="numpy")
    rules = [Rule(name="a", when="cty psi > 0.2"), Rule(name="b", when="city psi > 0.2")]

    def run(day: int) -> int:
        with ad.Monitor(
            profile, ad.Windows(by="batch"), history=f"sqlite:///{tmp_path}/drift.db", followers=[Alerts(rules)]
        ) as monitor:
            list(monitor.observe([mo.Batch(rows(200, day), f"file {day}")]))
        return len([record for record in caplog.records if record.name == "accel_drift.alerts"])

    assert [run(0), run(1)] == [1, 1]
    assert "did you mean city?" in caplog.text
    Absent._told.clear()
    assert run(2) == 2
