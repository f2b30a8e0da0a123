"""Every kind of sink delivers to a real receiver on this machine, also one that refuses, hangs or fails for a while."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift.alerts import secrets
from accel_drift.alerts.delivery import Delivery
from accel_drift.alerts.events import Kind
from accel_drift.alerts.sinks import Message, Sink, kinds, sink_of
from accel_drift.errors import ConfigError, SinkError
from tests.alerts import receivers
from tests.alerts.samples import NOW, Clock, event, posted, rows

KEYS = ["a/opened/0/team", "a/raised/1/team", "a/resolved/0/team"]
MESSAGE = Message(
    key="k/opened/0/team", alert="k", monitor="churn", rule="income moved", subject="income", kind="opened",
    severity="critical", window="w7", at=NOW.isoformat(), text="churn: income moved.", details={"psi": 0.3}, link=None,
)  # fmt: skip
Started = tuple[Sink, receivers.Received]


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    with receivers.http() as (port, got):
        monkeypatch.setenv("HOOK_URL", f"json://user:pa55word@127.0.0.1:{port}/hook/t0ken-of-ours?cto=2&rto=1")
        yield sink_of("apprise", secret="HOOK_URL"), got  # noqa: S106


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    with receivers.smtp() as (port, got):
        url = f"mailto://127.0.0.1:{port}?from=drift@example.com&to=team@example.com&mode=insecure&format=text&cto=1&rto=1"
        monkeypatch.setenv("MAIL_URL", url)
        yield sink_of("apprise", secret="MAIL_URL"), got  # noqa: S106


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    with receivers.http() as (port, got):
        monkeypatch.setenv("PD_KEY", "r0utingkey0fours0123456789abcdef")
        monkeypatch.setattr("accel_drift.alerts.sinks.pager._ANSWER_S", 1)
        yield sink_of("pagerduty", secret="PD_KEY", endpoint=f"http://127.0.0.1:{port}"), got  # noqa: S106


@pytest.fixture(params=["webhook", "mail", "pager"])
def started(request: pytest.FixtureRequest) -> Started:
    found: Started = request.getfixturevalue(request.param)
    return found


def _events() -> list[Any]:
    return [event(), event(kind=Kind.RAISED, number=1), event(kind=Kind.RESOLVED)]


def _delivered(history: ad.History, sink: Sink, got: receivers.Received, modes: list[str]) -> list[str]:
    """The keys that come in the end, where the receiver behaves so at first."""
    clock = Clock()
    delivery = Delivery(history, "churn", {"team": sink}, clock=clock, limit=20)
    posted(history, *_events())
    for mode in modes:
        got.mode = mode
        assert delivery.once() == 3
        clock.on(hours=1)
    got.mode = "well"
    assert delivery.once() == 0
    return got.keys()


@pytest.fixture
def history(sqlite_url: str) -> Iterator[ad.History]:
    with ad.History(sqlite_url) as made:
        yield made


def test_messages_come_once_and_in_order(history: ad.History, started: Started) -> None:
    assert _delivered(history, *started, []) == KEYS
    assert {row["outcome"] for row in rows(history)} == {"sent"}


@pytest.mark.parametrize("mode", ["500", "hang", "drop"])
def test_a_receiver_that_fails_for_a_while_gets_all_of_them(history: ad.History, started: Started, mode: str) -> None:
    assert _delivered(history, *started, [mode, mode]) == KEYS
    assert [row["attempts"] for row in rows(history)] == [3, 1, 1]


@pytest.mark.parametrize("which", ["webhook", "pager"])
def test_an_answer_that_is_lost_is_a_repeat_with_the_same_key(
    history: ad.History, request: pytest.FixtureRequest, which: str
) -> None:
    sink, got = request.getfixturevalue(which)
    assert _delivered(history, sink, got, ["late"]) == [KEYS[0], *KEYS]


def test_a_receiver_that_is_not_there_gets_all_once_it_is(history: ad.History, monkeypatch: pytest.MonkeyPatch) -> None:
    port, clock = receivers.free_port(), Clock()
    monkeypatch.setenv("HOOK_URL", f"json://127.0.0.1:{port}/hook")
    delivery = Delivery(history, "churn", {"team": sink_of("apprise", secret="HOOK_URL")}, clock=clock)  # noqa: S106
    posted(history, *_events())
    assert delivery.once() == 3
    assert "HOOK_URL did not take it" in rows(history)[0]["error"]
    clock.on(hours=1)
    with receivers.http(port) as (_, got):
        assert delivery.once() == 0
        assert got.keys() == KEYS


def test_a_webhook_gets_every_field(webhook: Started) -> None:
    sink, got = webhook
    sink.send(MESSAGE)
    (body,) = got.bodies
    assert body["key"] == MESSAGE.key
    assert body["title"] == "[critical] churn: income moved (income)"
    assert (body["alert"], body["kind"], body["severity"], body["window"]) == ("k", "opened", "critical", "w7")
    assert body["message"] == "churn: income moved.\nKey: k/opened/0/team"


def test_a_mail_has_the_key_in_a_header_and_in_its_text(mail: Started) -> None:
    sink, got = mail
    sink.send(MESSAGE)
    assert got.headers[0]["Subject"] == "[critical] churn: income moved (income)"
    assert got.headers[0]["Idempotency-Key"] == MESSAGE.key
    assert MESSAGE.key in got.bodies[0]["text"]
    assert got.bodies[0]["to"] == ["team@example.com"]


def test_pagerduty_gets_one_incident_an_alert(history: ad.History, pager: Started) -> None:
    sink, got = pager
    _delivered(history, sink, got, [])
    assert [body["event_action"] for body in got.bodies] == ["trigger", "trigger", "resolve"]
    assert {body["dedup_key"] for body in got.bodies} == {"a"}
    assert {body["routing_key"] for body in got.bodies} == {"r0utingkey0fours0123456789abcdef"}
    first = got.bodies[0]["payload"]
    assert (first["severity"], first["source"], first["component"]) == ("warning", "churn", "income")
    assert first["custom_details"]["key"] == KEYS[0]
    assert first["timestamp"] == NOW.isoformat()


def test_a_link_is_in_every_form(webhook: Started, pager: Started) -> None:
    from dataclasses import replace

    message = replace(MESSAGE, link="https://drift.example/alerts/k")
    for sink, got in (webhook, pager):
        sink.send(message)
        assert "https://drift.example/alerts/k" in json.dumps(got.bodies)
    assert pager[1].bodies[0]["links"][0]["href"] == message.link


def test_a_name_with_line_ends_makes_no_header(mail: Started) -> None:
    from dataclasses import replace

    sink, got = mail
    sink.send(replace(MESSAGE, rule="x\r\nBcc: all@example.com", text="a\0b\x1b[31m\ud800"))
    assert "Bcc" not in got.headers[0]
    assert got.headers[0]["Subject"].startswith("[critical] churn: x\\r\\nBcc")


def test_json_lines_grow_by_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "alerts.jsonl"
    file.write_bytes(b'{"torn')
    sink = sink_of("jsonl", path=str(file))
    sink.send(MESSAGE)
    sink.send(MESSAGE)
    torn, first, second = file.read_text().splitlines()
    assert torn == '{"torn'
    assert first == second
    assert Message(**json.loads(first)) == MESSAGE
    with pytest.raises(SinkError, match="cannot write"):
        sink_of("jsonl", path=str(tmp_path)).send(MESSAGE)


@pytest.mark.parametrize(("severity", "level"), [("critical", "ERROR"), ("warning", "WARNING"), ("watch", "INFO")])
def test_the_log_tells_by_severity(caplog: pytest.LogCaptureFixture, severity: str, level: str) -> None:
    from dataclasses import replace

    with caplog.at_level(logging.INFO, logger="accel_drift.alerts"):
        sink_of("log").send(replace(MESSAGE, severity=severity))
    assert caplog.records[0].levelname == level
    assert caplog.messages == ["churn: income moved. [k/opened/0/team]"]


class Room(Sink):
    """A sink of somebody else's."""

    def __init__(self, room: str) -> None:
        self.room = room

    def send(self, message: Message) -> None:
        raise SinkError(f"{self.room} is closed to {message.key}")


class NoSink:
    pass


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    group = "accel_drift.sinks"
    entries = [EntryPoint("room", f"{__name__}:Room", group), EntryPoint("nothing", f"{__name__}:NoSink", group)]

    def found(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [entry for entry in entries if entry.group == group and name in (None, entry.name)]

    monkeypatch.setattr("accel_drift.alerts.sinks.making.entry_points", found)


@pytest.mark.usefixtures("theirs")
def test_a_sink_of_another_distribution_is_found_by_its_entry_point() -> None:
    assert kinds() == ("apprise", "jsonl", "log", "nothing", "pagerduty", "room")
    with pytest.raises(SinkError, match="attic is closed to k/opened"):
        sink_of("room", room="attic").send(MESSAGE)


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sink_of("slack"), "no sink 'slack'; there are apprise, jsonl, log, nothing, pagerduty, room"),
        (lambda: sink_of("room"), "kind room takes room: missing"),
        (lambda: sink_of("nothing"), "derive its class"),
        (lambda: sink_of("apprise"), "needs a secret"),
        (lambda: sink_of("pagerduty"), "needs a secret"),
        (lambda: sink_of("jsonl"), "needs a path"),
        (lambda: sink_of("log", path="x"), "kind log takes nothing: got an unexpected"),
        (lambda: sink_of("pagerduty", secret="PD", endpoint="http://events.example"), "endpoint is no https"),  # noqa: S106
    ],
)
def test_what_cannot_be_made_is_refused_with_what_can(make: Callable[[], Sink], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


def test_a_plain_webhook_is_told_how_apprise_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "https://drift.example/services/t0kenOfOurHook")
    with pytest.raises(SinkError) as raised:
        sink_of("apprise", secret="HOOK_URL").send(MESSAGE)  # noqa: S106
    told = secrets.scrubbed(str(raised.value))
    assert "jsons://" in told
    assert "https://appriseit.com" in told
    assert "***" not in told


def test_a_reason_ends_with_no_dot_of_its_own(webhook: Started) -> None:
    sink, got = webhook
    got.mode = "500"
    with pytest.raises(SinkError) as raised:
        sink.send(MESSAGE)
    assert str(raised.value).endswith("error=500")
