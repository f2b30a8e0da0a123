"""A sink that lacks its secret is a dry run: its messages wait for the secret, and hold up nobody."""

from __future__ import annotations

import logging

import pytest

import accel_drift as ad
from accel_drift.alerts import claims, outbox
from accel_drift.alerts.delivery import Delivery
from accel_drift.alerts.events import Kind
from accel_drift.alerts.sinks import Message, Sink
from accel_drift.errors import SinkError
from tests.alerts.samples import Clock, event, posted, rows

OPENED, RAISED, RESOLVED = "a/opened/0/team", "a/raised/1/team", "a/resolved/0/team"


class Keyed(Sink):
    """Keeps what it is sent, where it has its secret and is not down."""

    def __init__(self, *, has: bool = False, down: bool = False) -> None:
        self.has, self.down = has, down
        self.keys: list[str] = []

    def missing(self) -> str | None:
        return None if self.has else "no URL"

    def send(self, message: Message) -> None:
        if self.down:
            raise SinkError("not now")
        self.keys.append(message.key)


def _delivery(history: ad.History, clock: Clock, team: Sink) -> Delivery:
    return Delivery(history, "churn", {"team": team}, clock=clock, limit=5, poll=0.01, seed=1)


def _became(history: ad.History) -> list[tuple[str | None, bool]]:
    """The outcome of each message, and whether it is dropped."""
    return [(row["outcome"], row["dropped_at"] is not None) for row in rows(history)]


def test_it_waits_and_the_log_says_so_once(history: ad.History, caplog: pytest.LogCaptureFixture) -> None:
    clock, team = Clock(), Keyed()
    posted(history, event(), event("b"))
    delivery = _delivery(history, clock, team)
    for _ in range(3):
        assert delivery.once() == 0
        clock.on(hours=1)
    found = rows(history)
    assert [(row["outcome"], row["error"], row["attempts"]) for row in found] == [(outbox.DRY_RUN, "no URL", 0)] * 2
    assert all(row["sent_at"] is row["dropped_at"] is row["claimed_by"] is None for row in found)
    assert caplog.messages == [f"churn: dry run, not sent to team: {k}/opened/0/team, it waits. no URL" for k in "ab"]
    assert team.keys == []


def test_it_is_sent_once_the_secret_is_set(history: ad.History) -> None:
    clock, team = Clock(), Keyed()
    posted(history, event(), event(kind=Kind.RAISED, number=1))
    delivery = _delivery(history, clock, team)
    delivery.once()
    team.has = True
    assert delivery.waiting() == 2
    assert delivery.once() == 0
    assert team.keys == [OPENED, RAISED]
    posted(history, event(kind=Kind.RESOLVED))
    assert delivery.once() == 0
    assert team.keys == [OPENED, RAISED, RESOLVED]
    assert [row["error"] for row in rows(history)] == [None] * 3


def test_a_process_without_the_secret_holds_up_none_that_has_it(
    history: ad.History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_AT_ONCE", 5)  # there are more than go into one transaction
    clock, team = Clock(), Keyed(has=True)
    posted(history, *(event(f"k{i}") for i in range(12)))
    assert _delivery(history, clock, Keyed()).once() == 0
    assert _became(history) == [(outbox.DRY_RUN, False)] * 12
    assert _delivery(history, clock, team).once() == 0
    assert len(team.keys) == 12


def test_what_goes_wrong_once_the_secret_is_set_is_a_failure(history: ad.History) -> None:
    clock, team = Clock(), Keyed()
    posted(history, event())
    delivery = _delivery(history, clock, team)
    delivery.once()
    team.has = team.down = True
    assert delivery.once() == 1
    (row,) = rows(history)
    assert (row["outcome"], row["error"], row["attempts"]) == (None, "not now", 1)


@pytest.mark.parametrize("later", [True, False], ids=["secret set later", "never set"])
def test_an_alert_that_ended_untold_is_not_told(history: ad.History, later: bool) -> None:
    clock, team = Clock(), Keyed()
    delivery = _delivery(history, clock, team)
    posted(history, event())
    assert delivery.once() == 0
    posted(history, event(kind=Kind.RESOLVED), event("b"))
    team.has = later
    assert delivery.once() == 0
    assert team.keys == (["b/opened/0/team"] if later else [])
    last = (outbox.SENT, False) if later else (outbox.DRY_RUN, False)
    assert _became(history) == [(outbox.DRY_RUN, True), (outbox.DRY_RUN, True), last]


def test_the_end_of_what_was_told_waits(history: ad.History) -> None:
    clock, team = Clock(), Keyed(has=True)
    delivery = _delivery(history, clock, team)
    posted(history, event())
    delivery.once()
    team.has = False
    posted(history, event(kind=Kind.RAISED, number=1), event(kind=Kind.RESOLVED))
    assert delivery.once() == 0
    assert _became(history)[1:] == [(outbox.DRY_RUN, True), (outbox.DRY_RUN, False)]
    team.has = True
    assert delivery.once() == 0
    assert team.keys == [OPENED, RESOLVED]


def test_what_was_tried_before_waits_as_a_failure(history: ad.History) -> None:
    clock, team = Clock(), Keyed(has=True, down=True)
    delivery = _delivery(history, clock, team)
    posted(history, event())
    assert delivery.once() == 1
    team.has = team.down = False
    posted(history, event(kind=Kind.RESOLVED))
    clock.on(hours=2)
    assert delivery.once() == 1
    opened, resolved = rows(history)
    assert (opened["outcome"], opened["error"], opened["attempts"]) == (None, "no URL", 2)
    assert (resolved["outcome"], resolved["dropped_at"]) == (outbox.DRY_RUN, None)
    team.has = True
    clock.on(hours=2)
    assert delivery.once() == 0
    assert team.keys == [OPENED, RESOLVED]


@pytest.mark.parametrize("later", [True, False], ids=["secret set later", "never set"])
def test_what_is_too_old_is_dropped_and_its_end_is_not_told(history: ad.History, later: bool) -> None:
    clock, team = Clock(), Keyed()
    delivery = _delivery(history, clock, team)
    posted(history, event())
    delivery.once()
    clock.on(days=6.9)
    delivery.once()
    assert _became(history) == [(outbox.DRY_RUN, False)]
    clock.on(days=0.2)
    team.has = later
    assert delivery.once() == 0
    posted(history, event(kind=Kind.RESOLVED), now=clock.now)
    team.has = True
    assert delivery.once() == 0
    assert team.keys == []
    assert _became(history)[0] == (outbox.DRY_RUN, True)


def test_what_got_worse_after_an_opening_too_old_is_told_with_its_end(history: ad.History) -> None:
    clock, team = Clock(), Keyed()
    delivery = _delivery(history, clock, team)
    posted(history, event())
    clock.on(days=8)
    delivery.once()
    team.has = True
    posted(history, event(kind=Kind.RAISED, number=1), now=clock.now)
    delivery.once()
    posted(history, event(kind=Kind.RESOLVED), now=clock.now)
    delivery.once()
    assert team.keys == [RAISED, RESOLVED]


def test_reminders_do_not_wait(history: ad.History) -> None:
    clock, team = Clock(), Keyed()
    delivery = _delivery(history, clock, team)
    posted(history, event(), event(kind=Kind.REMINDER, number=1), event(kind=Kind.REMINDER, number=2))
    delivery.once()
    team.has = True
    delivery.once()
    assert team.keys == [OPENED]
    assert _became(history) == [(outbox.SENT, False), *[(outbox.DRY_RUN, True)] * 2]


def test_threads_end_at_once_with_a_dry_run(history: ad.History, caplog: pytest.LogCaptureFixture) -> None:
    team = Keyed()
    posted(history, event())
    with caplog.at_level(logging.WARNING), _delivery(history, Clock(), team) as delivery:
        assert delivery.flush(30)
        while _became(history) != [(outbox.DRY_RUN, False)]:
            delivery.wake()
        team.has = True
        delivery.wake()
        assert delivery.flush(30)
    assert team.keys == [OPENED]


def test_a_sink_that_cannot_say_what_it_lacks_is_tried_again(history: ad.History) -> None:
    class Broken(Keyed):
        def missing(self) -> str | None:
            raise PermissionError("no")

    posted(history, event())
    assert _delivery(history, Clock(), Broken()).once() == 1
    assert rows(history)[0]["error"] == "PermissionError: no"
