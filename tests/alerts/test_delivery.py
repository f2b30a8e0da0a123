"""Messages are sent at least once, in order; what fails is tried again, what hangs holds nobody up."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

import accel_drift as ad
from accel_drift.alerts import claims, outbox
from accel_drift.alerts.delivery import Delivery
from accel_drift.alerts.events import Kind
from accel_drift.alerts.sinks import Message, Sink
from accel_drift.errors import ConfigError, HistoryError, SinkError
from accel_drift.history.alert_tables import messages, silences
from tests.alerts.samples import Clock, acknowledge, event, posted, rows


class Memory(Sink):
    """Keeps what it is sent; `wrong` says which messages it refuses."""

    def __init__(self, wrong: Any = lambda _message: False) -> None:
        self.keys: list[str] = []
        self.wrong = wrong

    def send(self, message: Message) -> None:
        if self.wrong(message):
            raise SinkError("not now")
        self.keys.append(message.key)


def _delivery(history: ad.History, clock: Clock, **sinks: Sink) -> Delivery:
    return Delivery(history, "churn", sinks, clock=clock, limit=5, poll=0.01, seed=1)


def _silence(history: ad.History, clock: Clock, hours: float) -> None:
    values = {
        "name": "churn", "rule": "*", "subject": "*", "starts_at": clock(), "ends_at": clock() + timedelta(hours=hours),
        "reason": "", "author": "", "created_at": clock(),
    }  # fmt: skip
    with history.engine.begin() as connection:
        connection.execute(insert(silences).values(values))


def test_every_sink_gets_its_messages_once(history: ad.History) -> None:
    clock, team, pager = Clock(), Memory(), Memory()
    posted(history, event(sinks=("team", "pager")), event("b"), event("c", sinks=("other",)))
    posted(history, event("d"), name="another monitor")
    with _delivery(history, clock, team=team, pager=pager) as delivery:
        assert delivery.flush(30)
    assert team.keys == ["a/opened/0/team", "b/opened/0/team"]
    assert pager.keys == ["a/opened/0/pager"]
    assert _delivery(history, clock, team=team, pager=pager).once() == 0
    assert len(team.keys) == 2
    assert [row["outcome"] for row in rows(history)] == ["sent", "sent", "sent", None, None]
    assert {row["attempts"] for row in rows(history)} == {0, 1}


def test_what_is_written_later_is_sent_too(history: ad.History) -> None:
    team = Memory()
    with _delivery(history, Clock(), team=team) as delivery:
        for i in range(5):
            posted(history, event(f"k{i}"))
            delivery.wake()
            assert delivery.flush(30)
    assert len(team.keys) == 5


def test_a_message_that_fails_is_tried_again_later_and_later(history: ad.History) -> None:
    clock, team = Clock(), Memory(wrong=lambda message: message.alert == "a")
    delivery = _delivery(history, clock, team=team)
    posted(history, event(), event("b"))
    pauses = []
    for attempt in range(1, 16):
        assert delivery.once() == 1
        row = rows(history)[0]
        assert (row["attempts"], row["error"], row["outcome"], row["claimed_by"]) == (attempt, "not now", None, None)
        pauses.append((row["due_at"] - clock.now).total_seconds())
        assert delivery.once() == 1
        assert rows(history)[0]["attempts"] == attempt
        clock.now = row["due_at"]
    assert team.keys == ["b/opened/0/team"]
    for attempt, pause in enumerate(pauses):
        assert min(3600, 2**attempt) <= pause <= min(3600, 1.5 * 2**attempt)
    team.wrong = lambda _message: False
    assert delivery.once() == 0
    assert rows(history)[0]["error"] is None
    assert team.keys[-1] == "a/opened/0/team"


def test_an_end_never_overtakes_its_beginning(history: ad.History) -> None:
    clock, team = Clock(), Memory(wrong=lambda message: message.kind == "opened")
    posted(history, event(), event(kind=Kind.RAISED, number=1), event(kind=Kind.RESOLVED), event("b", sinks=("team",)))
    delivery = _delivery(history, clock, team=team)
    delivery.once()
    clock.on(hours=2)
    delivery.once()
    assert team.keys == []
    assert len([row for row in rows(history) if row["attempts"]]) == 2
    team.wrong = lambda _message: False
    clock.on(hours=2)
    assert delivery.once() == 0
    assert [key for key in team.keys if key.startswith("a")] == [
        f"a/{k}/team" for k in ("opened/0", "raised/1", "resolved/0")
    ]


def test_a_message_is_given_up_after_days_and_the_log_says_so(
    history: ad.History, caplog: pytest.LogCaptureFixture
) -> None:
    clock, team = Clock(), Memory(wrong=lambda _message: True)
    posted(history, event())
    delivery = _delivery(history, clock, team=team)
    delivery.once()
    clock.on(days=6.9)
    assert delivery.once() == 1
    clock.on(days=0.2)
    with caplog.at_level(logging.ERROR, logger="accel_drift.alerts"):
        assert delivery.once() == 0
    (row,) = rows(history)
    assert (row["outcome"], row["error"], row["dropped_at"]) == (outbox.GIVEN_UP, "not now", clock.now)
    assert "given up" in caplog.text
    assert "a/opened/0/team: not now" in caplog.text


def test_a_sink_that_hangs_keeps_no_other_waiting(history: ad.History) -> None:
    entered, go = threading.Event(), threading.Event()

    class Hanging(Memory):
        def send(self, message: Message) -> None:
            entered.set()
            assert go.wait(60)
            super().send(message)

    hanging, team = Hanging(), Memory()
    delivery = Delivery(history, "churn", {"slow": hanging, "team": team}, limit=60, poll=0.01, clock=Clock())
    posted(history, event("a", sinks=("slow", "team")))
    with delivery:
        assert entered.wait(30)
        # It hangs from here on; another thread writes and sends meanwhile.
        for i in range(10):
            posted(history, event(f"k{i}", sinks=("slow", "team")))
        while len(team.keys) < 11:
            delivery.wake()
        assert hanging.keys == []
        go.set()
        assert delivery.flush(30)
    assert sorted(hanging.keys) == sorted(key.replace("/team", "/slow") for key in team.keys)


def test_an_answer_that_comes_too_late_counts_and_is_not_sent_again(history: ad.History) -> None:
    go, ended = threading.Event(), threading.Event()

    class Slow(Memory):
        def send(self, message: Message) -> None:
            assert go.wait(60)
            super().send(message)
            ended.set()

    clock, slow = Clock(), Slow()
    delivery = Delivery(history, "churn", {"slow": slow}, limit=0.01, clock=clock)
    posted(history, event(sinks=("slow",)))
    delivery.once()
    assert rows(history)[0]["error"] == "no answer within 0.01 s"
    clock.on(hours=1)
    assert delivery.once() == 1  # it is still on its way: no second one is sent
    go.set()
    assert ended.wait(30)
    delivery._channels[0]._late[1].wait(30)
    clock.on(hours=1)
    assert delivery.once() == 0
    assert slow.keys == ["a/opened/0/slow"]


def test_a_claim_of_a_process_that_is_gone_runs_out(history: ad.History) -> None:
    clock, team = Clock(), Memory()
    posted(history, event())
    gone = claims.Sender("churn", "team", "gone", timedelta(seconds=11), timedelta(days=7))
    taken = history._store.write(lambda c: claims.claim(c, gone, clock.now))
    assert taken is not None
    assert history._store.write(lambda c: claims.claim(c, gone, clock.now)) is None
    delivery = _delivery(history, clock, team=team)
    assert delivery.once() == 1
    assert team.keys == []
    clock.on(seconds=11)
    assert delivery.once() == 0
    assert team.keys == ["a/opened/0/team"]
    assert rows(history)[0]["attempts"] == 2


def test_two_processes_send_every_message_once(history: ad.History) -> None:
    team, other = Memory(), Memory()
    posted(history, *(event(f"k{i}") for i in range(60)))
    with _delivery(history, Clock(), team=team) as one, _delivery(history, Clock(), team=other) as two:
        assert one.flush(60)
        assert two.flush(60)
    assert sorted(team.keys + other.keys) == sorted(f"k{i}/opened/0/team" for i in range(60))


def test_what_was_sent_is_written_as_sent_though_the_database_fails_meanwhile(
    history: ad.History, monkeypatch: pytest.MonkeyPatch
) -> None:
    team, write, failures = Memory(), type(history._store).write, [3]

    def failing(store: Any, work: Any) -> Any:
        if team.keys and failures[0]:
            failures[0] -= 1
            raise HistoryError("locked")
        return write(store, work)

    posted(history, event())
    delivery = _delivery(history, Clock(), team=team)
    monkeypatch.setattr(type(history._store), "write", failing)
    monkeypatch.setattr("accel_drift.alerts.delivery._FIRST_S", 0.001)
    assert delivery.once() == 0
    assert failures == [0]
    assert team.keys == ["a/opened/0/team"]


def test_a_silence_ends_and_what_is_still_open_is_told(history: ad.History) -> None:
    clock, team = Clock(), Memory()
    _silence(history, clock, 2)
    posted(history, event(), event("b"))
    delivery = _delivery(history, clock, team=team)
    assert delivery.once() == 0
    clock.on(hours=1)
    posted(history, event("b", kind=Kind.RESOLVED), now=clock.now)
    clock.on(hours=1)
    assert delivery.once() == 0
    assert team.keys == ["a/opened/0/team"]
    assert [row["outcome"] for row in rows(history)] == ["sent", "silenced", "silenced"]


def test_the_end_of_an_alert_that_was_told_is_told_after_the_silence(history: ad.History) -> None:
    clock, team = Clock(), Memory()
    posted(history, event())
    delivery = _delivery(history, clock, team=team)
    delivery.once()
    _silence(history, clock, 2)
    posted(history, event(kind=Kind.RESOLVED), now=clock.now)
    delivery.once()
    assert len(team.keys) == 1
    clock.on(hours=2)
    delivery.once()
    assert team.keys == ["a/opened/0/team", "a/resolved/0/team"]


def test_a_silence_holds_what_waits_already(history: ad.History) -> None:
    clock, team = Clock(), Memory()
    posted(history, event(), event(kind=Kind.REMINDER, number=1))
    _silence(history, clock, 2)
    delivery = _delivery(history, clock, team=team)
    delivery.once()
    assert team.keys == []
    clock.on(hours=2)
    delivery.once()
    assert team.keys == ["a/opened/0/team", "a/reminder/1/team"]


def test_reminders_that_wait_are_dropped_once_somebody_acknowledged(history: ad.History) -> None:
    clock, team = Clock(), Memory()
    posted(history, event(), event(kind=Kind.REMINDER, number=1), event(kind=Kind.RESOLVED))
    acknowledge(history, "a")
    assert _delivery(history, clock, team=team).once() == 0
    assert team.keys == ["a/opened/0/team", "a/resolved/0/team"]
    assert rows(history)[1]["outcome"] == outbox.ACKNOWLEDGED


def test_a_body_that_nobody_can_read_holds_up_no_other(history: ad.History) -> None:
    team = Memory()
    posted(history, event(), event("b"))
    with history.engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == 1).values(body="{"))
    assert _delivery(history, Clock(), team=team).once() == 1
    assert team.keys == ["b/opened/0/team"]


def test_a_sink_that_raises_anything_is_tried_again(history: ad.History) -> None:
    class Broken(Sink):
        def send(self, message: Message) -> None:
            raise SystemExit(message.key)

    posted(history, event())
    assert _delivery(history, Clock(), team=Broken()).once() == 1
    assert rows(history)[0]["error"] == "SystemExit: a/opened/0/team"


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"patience_days": -1}, {"poll": float("nan")}, {"limit": "x"}])
def test_options_that_cannot_work_are_refused(sqlite_url: str, wrong: dict[str, Any]) -> None:
    with ad.History(sqlite_url) as history, pytest.raises(ConfigError, match="above 0"):
        Delivery(history, "churn", {}, **wrong)


def test_sinks_are_sinks(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history, pytest.raises(ConfigError, match="'team' is no"):
        Delivery(history, "churn", {"team": print})  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match="History"):
        Delivery("drift.db", "churn", {})  # type: ignore[arg-type]
