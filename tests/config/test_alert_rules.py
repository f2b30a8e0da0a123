"""Rules in a configuration: read, checked with the line, and made into alerts of the monitor."""

from __future__ import annotations

from pathlib import Path

import pytest

import accel_drift as ad
from accel_drift.alerts import alerts_of
from accel_drift.config import Config, ConfigFileError, commented, effective
from accel_drift.rules import DEFAULT, Rule
from tests.monitor.samples import rows

HEAD = "data: {reference_path: june.csv}\nalerts:\n  sinks: {team: {kind: log}, boss: {kind: log}}\n  rules:\n"
RULES = """\
    - name: income
      when: income psi > 0.2 for 6 hours
      clear: 0.1
      severity: critical
      escalate_after: 1d
      escalate_to: [boss]
    - {name: all, when: 'majority of columns drifted', cooldown: 2h}
"""


def _load(tmp_path: Path, text: str) -> Config:
    (tmp_path / "drift.yaml").write_text(text)
    return Config.load(tmp_path / "drift.yaml", {})


def test_rules_are_made(tmp_path: Path) -> None:
    config = _load(tmp_path, HEAD + RULES)
    (made,) = alerts_of(config)
    assert made.rules == (
        Rule(
            name="income",
            when="income psi > 0.2 for 6 hours",
            clear=0.1,
            severity="critical",
            escalate_after="1d",
            escalate_to=("boss",),
        ),
        Rule(name="all", when="majority of columns drifted", cooldown="2h"),
    )
    assert made.sinks == ("team",)
    for write in (effective, commented):
        assert _load(tmp_path, write(config)).alerts == config.alerts


def test_without_rules_there_are_the_usual_ones_where_anybody_is_told(tmp_path: Path) -> None:
    config = _load(tmp_path, "data: {reference_path: june.csv}\nalerts:\n  sinks: {team: {kind: log}}\n")
    (made,) = alerts_of(config)
    assert made.rules == DEFAULT
    assert alerts_of(_load(tmp_path, "data: {reference_path: june.csv}\n")) == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("    - {name: a, when: income pis > 1}\n", 5, r"alerts.rules\[0\].when: .*character 8.*did you mean psi"),
        ("    - name: a\n      when: helth < 1\n", 6, "did you mean health"),
        ("    - {name: a, when: drifted, sink: [team]}\n", 5, "did you mean sinks"),
        ("    - {name: a, when: drifted, sinks: [taem]}\n", 5, "'a' names the sink 'taem'.*did you mean team"),
        ("    - {name: a, when: drifted}\n    - {name: a, when: drifted}\n", 6, "two rules of the name 'a'"),
        ("    - {name: a, when: x psi > 1, clear: 2}\n", 5, "at most"),
        ("    - {name: a, when: drifted, severity: bad}\n", 5, "watch, warning, critical"),
        ("    - {name: a, when: drifted, cooldown: long}\n", 5, "length of time"),
        ("    - {when: drifted}\n", 5, r"alerts\.rules\[0\] lacks name: what tells it from other rules"),
        ("    - {name: a}\n", 5, r"alerts\.rules\[0\] lacks when: the condition"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigFileError, match=words) as caught:
        _load(tmp_path, HEAD + text)
    assert caught.value.mistakes[0].line == line or not line


def test_all_that_rules_name_in_vain_is_told_at_once(tmp_path: Path) -> None:
    rules = (
        "    - {name: a, when: drifted, sinks: [taem]}\n"
        "    - {name: b, when: drifted, escalate_after: 1h, escalate_to: [bos, x]}\n"
        "    - {name: a, when: drifted}\n"
    )
    with pytest.raises(ConfigFileError) as caught:
        _load(tmp_path, HEAD + rules)
    assert [(one.line, one.text.partition(":")[0]) for one in caught.value.mistakes] == [
        (5, "alerts.rules[0].sinks[0]"),
        (6, "alerts.rules[1].escalate_to[0]"),
        (6, "alerts.rules[1].escalate_to[1]"),
        (7, "alerts.rules[2].name"),
    ]


def test_a_base_url_is_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"alerts\.base_url is no address"):
        _load(tmp_path, "data: {reference_path: june.csv}\nalerts: {base_url: drift.example.com}\n")


def test_the_configured_monitor_writes_alerts(tmp_path: Path) -> None:
    from sqlalchemy import select

    from accel_drift.history.alert_tables import alerts

    ad.Profile.fit(rows(2_000, 0), ["psi"], backend="numpy").save(tmp_path / "june.adp")
    config = Config.of(
        {
            "data": {"reference_path": f"{tmp_path}/june.adp"},
            "history": {"url": f"sqlite:///{tmp_path}/drift.db"},
            "alerts": {"rules": [{"name": "x", "when": "x psi > 0.5"}]},
        }
    )
    with config.monitor(followers=alerts_of(config)) as monitor:
        list(monitor.observe(rows(500, 1, shift=3)))
        assert monitor.history is not None
        with monitor.history.engine.begin() as connection:
            assert connection.execute(select(alerts.c.rule)).scalar() == "x"
