"""Sinks of a configuration: what each kind needs, and that no secret stands in it nor in what is said of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from accel_drift.alerts.sinks import making
from accel_drift.config import Config, alert_sections, effective
from accel_drift.config.writing import commented
from accel_drift.errors import ConfigError

SINKS: dict[str, Any] = {
    "team": {"kind": "apprise", "secret": "SLACK_WEBHOOK_URL"},
    "pager": {"kind": "pagerduty", "secret": "PD_KEY", "options": {"endpoint": "https://events.eu.pagerduty.com"}},
    "file": {"kind": "jsonl", "path": "alerts.jsonl"},
    "log": {"kind": "log"},
}
DATA = {"reference_path": "june.csv"}
VALUES = [
    "slack://TokenA/TokenB/TokenC", "https://hooks.slack.com/services/T0/B0/x1y2z3x1y2z3x1y2z3", "R0123456789ABCDEFGH",
    "0123456789abcdef0123456789abcdef", "pa55 word!",
]  # fmt: skip


def _config(sinks: dict[str, Any]) -> Config:
    return Config.of({"data": DATA, "alerts": {"sinks": sinks}})


def test_sinks_are_read_and_made() -> None:
    made = making.sinks_of(_config(SINKS).alerts.sinks)
    assert list(made) == ["team", "pager", "file", "log"]
    assert repr(made["team"]) == "Apprise(secret=Secret(name='SLACK_WEBHOOK_URL'))"
    assert alert_sections.OURS == making.OURS


@pytest.mark.parametrize("write", [effective, commented])
def test_they_are_written_and_read_again(tmp_path: Path, write: Any) -> None:
    config = _config(SINKS)
    (tmp_path / "drift.yaml").write_text(write(config))
    assert Config.load(tmp_path / "drift.yaml", {}).alerts == config.alerts


def test_a_variable_names_a_secret_too(tmp_path: Path) -> None:
    (tmp_path / "drift.yaml").write_text("data: {reference_path: june.csv}\nalerts: {sinks: {team: {kind: log}}}\n")
    given = {"ACCEL_DRIFT_ALERTS__SINKS__TEAM__KIND": "pagerduty", "ACCEL_DRIFT_ALERTS__SINKS__TEAM__SECRET": "PD_KEY"}
    given["ACCEL_DRIFT_SECRETS"] = "/run/secrets"
    team = Config.load(tmp_path / "drift.yaml", given).alerts.sinks["team"]
    assert (team.kind, team.secret) == ("pagerduty", "PD_KEY")


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ({"kind": "apprise"}, "alerts.sinks.team.secret is null; apprise needs the name of what holds its URL"),
        ({"kind": "pagerduty"}, "its routing key"),
        ({"kind": "jsonl"}, "alerts.sinks.team.path is the file of kind jsonl"),
        ({"kind": "log", "path": "x"}, "nowhere else"),
        ({"kind": "aprise", "secret": "X"}, "alerts.sinks.team.kind is 'aprise'; there are .*did you mean apprise"),
        ({"kind": "log", "colour": 1}, "there is no key alerts.sinks.team.colour"),
        ({}, "kind"),
    ],
)
def test_what_lacks_is_said(sink: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _config({"team": sink})


@pytest.mark.parametrize("value", [*VALUES, 12345678901234567890])
def test_a_secret_itself_is_refused_and_not_repeated(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"alerts.sinks.team.secret holds a value.*secret: SLACK_URL") as raised:
        _config({"team": {"kind": "apprise", "secret": value}})
    assert str(value) not in str(raised.value)
    (tmp_path / "drift.yaml").write_text(f"alerts:\n  sinks:\n    team: {{kind: apprise, secret: '{value}'}}\n")
    with pytest.raises(ConfigError) as raised:
        Config.load(tmp_path / "drift.yaml", {})
    assert str(value) not in str(raised.value)
    assert re.search(r"drift.yaml:3: alerts.sinks.team.secret", str(raised.value))


@pytest.mark.parametrize(
    "more",
    [
        {"url": VALUES[0]}, {"routing_key": VALUES[2]}, {"path": "https://me:pw1234@host/x"},
        {"options": {"token": "abcdefgh"}}, {"options": {"deep": [{"where": "https://me:pw1234@host/x"}]}},
        {"options": {"where": VALUES[1]}}, {"options": {"where": "https://host/x?token=abcdefgh"}},
    ],
)  # fmt: skip
def test_a_secret_anywhere_else_is_refused_and_not_repeated(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="secret") as raised:
        _config({"team": {"kind": "log", **more}})
    said = str(raised.value)
    assert "SLACK_URL" in said
    assert not any(part in said for part in (*VALUES, "pw1234", "abcdefgh"))
