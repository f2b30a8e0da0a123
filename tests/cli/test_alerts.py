"""`alerts` on the command line: what is open and what became of messages, acknowledged, silenced, tested, delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import accel_drift as ad
from accel_drift.alerts.events import Kind
from tests.alerts.receivers import free_port
from tests.alerts.samples import event, posted, rows
from tests.cli.conftest import Cli, refused

YAML = """
name: churn
data: {reference_path: ref.csv}
history: {url: "sqlite:///drift.db"}
alerts:
  sinks:
    team: {kind: jsonl, path: alerts.jsonl}
    slack: {kind: apprise, secret: NO_SUCH_SLACK_URL}
"""
KEY = "0123456789abcdef"


@pytest.fixture
def told(folder: Path) -> Iterator[ad.History]:
    """Two alerts, one of which ended, whose messages wait."""
    (folder / "drift.yaml").write_text(YAML)
    now = datetime.now(UTC)
    with ad.History(f"sqlite:///{folder}/drift.db") as history:
        posted(history, event(KEY, sinks=("team",)), now=now)
        posted(history, event("fedcba", rule="age moved", subject="age", sinks=("slack",)), now=now)
        posted(history, event("fedcba", kind=Kind.RESOLVED, rule="age moved", subject="age", sinks=("slack",)), now=now)
        yield history


@pytest.mark.usefixtures("told")
def test_it_lists_open_alerts_and_with_all_those_that_ended(cli: Cli) -> None:
    ran = cli("alerts", "list", "--config", "drift.yaml")
    assert (ran.code, ran.err) == (0, "")
    head, line = ran.out.splitlines()
    assert head.split()[:5] == ["alert", "rule", "column", "severity", "state"]
    assert line.startswith(KEY[:12])
    assert line.split()[-4:] == ["0", "1", "0", "0"]
    assert len(cli("alerts", "list", "--history", "drift.db", "--name", "churn", "--all").out.splitlines()) == 3
    found = json.loads(cli("alerts", "list", "--config", "drift.yaml", "--all", "--json").out)
    assert [one["alert_key"] for one in found["alerts"]] == ["fedcba", KEY]
    assert found["silences"] == []


def test_a_name_that_the_history_does_not_know_is_told_which_it_knows(cli: Cli, told: ad.History) -> None:
    posted(told, event("abcd" * 4), event("abcd" * 3 + "efab"), name="other")
    for given in (("list",), ("show", KEY), ("ack", KEY), ("silence", "--for", "2h"), ("unsilence",)):
        refused(cli("alerts", *given, "--name", "chrun"), "no monitor 'chrun'; it has churn, other: give --name")
    refused(cli("alerts", "list"), "no monitor 'monitor'")
    refused(
        cli("alerts", "show", "abcdab", "--name", "other"),
        "several alerts begin with 'abcdab': abcdabcdabcdabcd, abcdabcdabcdefab; give more",
    )
    assert cli("alerts", "show", "abcdabcdabcda", "--name", "other").code == 0


def test_a_history_that_knows_nobody_has_no_alerts(cli: Cli, folder: Path) -> None:
    with ad.History(f"sqlite:///{folder}/drift.db"):
        assert cli("alerts", "list").out == "No alerts are open.\n"


def test_what_is_due_is_delivered_and_a_dry_run_says_so(cli: Cli, told: ad.History) -> None:
    ran = cli("alerts", "deliver", "--config", "drift.yaml", "--once")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.count("dry run, not sent to slack") == 2
    assert cli("alerts", "deliver", "--config", "drift.yaml", "--once").err == ""
    assert "NO_SUCH_SLACK_URL is not set" in ran.err
    assert [row["outcome"] for row in rows(told)] == ["sent", "dry run", "dry run"]
    assert len(Path("alerts.jsonl").read_text().splitlines()) == 1
    ran = cli("alerts", "show", "fedcba", "--config", "drift.yaml")
    assert ran.out.count("dry run") == 2
    last = cli("alerts", "list", "--config", "drift.yaml", "--all").out.splitlines()
    assert [line.split()[-4:] for line in last[1:]] == [["0", "0", "0", "2"], ["1", "0", "0", "0"]]
    assert "NO_SUCH_SLACK_URL is not set" in ran.out
    found = json.loads(cli("alerts", "show", KEY[:6], "--config", "drift.yaml", "--json").out)
    assert (found["alert_key"], found["messages"][0]["outcome"]) == (KEY, "sent")


def test_what_cannot_be_sent_is_exit_code_1(cli: Cli, told: ad.History) -> None:
    Path("alerts.jsonl").mkdir()
    ran = cli("alerts", "deliver", "--config", "drift.yaml", "--once")
    assert ran.code == 1
    assert "1 messages could not be sent; they are tried again." in ran.err
    assert "cannot write alerts.jsonl" in rows(told)[0]["error"]


@pytest.mark.usefixtures("told")
def test_an_alert_is_acknowledged_by_the_beginning_of_its_key(cli: Cli) -> None:
    assert cli("alerts", "ack", "0123", "--config", "drift.yaml", "--by", "Ada") == (0, "", f"Acknowledged {KEY}.\n")
    assert "Ada" in cli("alerts", "list", "--config", "drift.yaml").out
    refused(cli("alerts", "ack", "fedcba", "--config", "drift.yaml"), "the alert fedcba ended")
    refused(cli("alerts", "ack", "01", "--config", "drift.yaml"), "no alert '01'", "list --all")
    refused(cli("alerts", "show", "none", "--config", "drift.yaml"), "no alert 'none'")


def test_silences_hold_messages_and_end(cli: Cli, told: ad.History) -> None:
    given = ("--for", "2h", "--rule", "income*", "--reason", "a holiday", "--by", "Ada", "--config", "drift.yaml")
    ran = cli("alerts", "silence", *given)
    assert ran.code == 0
    assert ran.err.startswith("Silence 1 until ")
    assert "a holiday" in cli("alerts", "list", "--config", "drift.yaml").out
    assert cli("alerts", "deliver", "--config", "drift.yaml", "--once").code == 0
    assert not Path("alerts.jsonl").exists()
    refused(cli("alerts", "unsilence", "7", "--config", "drift.yaml"), "no silence 7; there are 1")
    assert cli("alerts", "unsilence", "--config", "drift.yaml").err == "Ended 1 silences.\n"
    assert cli("alerts", "deliver", "--config", "drift.yaml", "--once").code == 0
    assert Path("alerts.jsonl").exists()
    assert rows(told)[0]["outcome"] == "sent"
    refused(cli("alerts", "silence", "--for", "soon", "--name", "churn"), "--for is 'soon'")


def test_a_sink_is_tested_without_a_history_and_says_why_it_fails(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "drift.yaml").write_text(YAML)
    assert cli("alerts", "test", "team", "--config", "drift.yaml").code == 0
    assert len(Path("alerts.jsonl").read_text().splitlines()) == 1
    assert not Path("drift.db").exists()
    Path("alerts.jsonl").unlink()
    Path("alerts.jsonl").mkdir()
    ran = cli("alerts", "test", "team", "--config", "drift.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "Not sent: cannot write alerts.jsonl" in ran.err
    monkeypatch.setenv("NO_SUCH_SLACK_URL", f"json://someb0dy:pa55word@127.0.0.1:{free_port()}/t0ken")
    ran = cli("alerts", "test", "slack", "--config", "drift.yaml")
    assert ran.code == 1
    assert "Not sent: NO_SUCH_SLACK_URL did not take it" in ran.err
    assert "pa55word" not in ran.err
    refused(cli("alerts", "test", "team"), "give --config FILE")


def test_a_test_touches_nothing_that_waits(cli: Cli, told: ad.History) -> None:
    before = rows(told)
    assert cli("alerts", "test", "team", "--config", "drift.yaml").code == 0
    assert rows(told) == before
    assert len(Path("alerts.jsonl").read_text().splitlines()) == 1


@pytest.mark.usefixtures("told")
def test_a_sink_is_tested(cli: Cli) -> None:
    ran = cli("alerts", "test", "team", "--config", "drift.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Sent test/")
    assert json.loads(Path("alerts.jsonl").read_text().splitlines()[-1])["kind"] == "test"
    ran = cli("alerts", "test", "slack", "--config", "drift.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "Not sent (dry run): NO_SUCH_SLACK_URL is not set" in ran.err
    refused(cli("alerts", "test", "pager", "--config", "drift.yaml"), "no sink 'pager'; there are team, slack")


@pytest.mark.usefixtures("told")
def test_mistakes_are_told(cli: Cli) -> None:
    refused(cli("alerts", "deliver", "--once"), "give --config FILE")
    refused(cli("alerts", "list", "--config", "drift.yaml", "--name", "x"), "leave one out")
    refused(cli("alerts", "list", "--history", "none.db"), "there is no history none.db")
    refused(cli("alerts", "list", "--config", "drift.yaml", "--json", "x.json"), "--json writes to standard output")


def test_watching_sends_what_waits_before_it_ends(cli: Cli, folder: Path) -> None:
    (folder / "drift.yaml").write_text(
        f"{YAML}windows: {{rows: 100}}\n".replace("ref.csv}", "ref.csv, production_path: moved.csv}")
    )
    with ad.History(f"sqlite:///{folder}/drift.db") as history:
        posted(history, event(KEY, sinks=("team",)), now=datetime.now(UTC))
        ran = cli("run", "--config", "drift.yaml", "--quiet")
        assert ran.code == 0, ran.err
        assert rows(history)[0]["outcome"] == "sent"
    assert KEY in Path("alerts.jsonl").read_text()
