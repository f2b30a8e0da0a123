"""When a model is asked to be learned again: laws over random windows and restarts, and each sort of policy by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accel_drift as ad
from accel_drift import retraining as re
from accel_drift.errors import ConfigError
from accel_drift.history import Metric
from accel_drift.history.steps import Recorded
from accel_drift.retraining.asked import REFUSED, Request
from tests.monitor.samples import rows
from tests.monitor.test_crashes import Killed, dying
from tests.retraining.windows import BEFORE, START, window

GATE = re.Gate(rows_per_day=1000, value_per_row=1, horizon_days=10, fixed_cost=500, metric="f1")


def followed(policy: re.Policy, windows: Sequence[Any], restarts: Sequence[int] = ()) -> list[Request]:
    """What is asked of windows, and of late numbers of earlier ones; before some the process starts anew."""
    pieces: dict[str, bytes] = {}
    asked: list[Request] = []
    follower = re.Retraining(policy)
    follower._monitor = "m"
    for place, one in enumerate(windows):
        if place in restarts:
            follower = re.Retraining(policy)
            follower._monitor = "m"
            follower.restore(pieces)
        work: Any = follower.follow(one) if isinstance(one, Recorded) else follower.measured(one, {})
        if work is not None:
            asked.append(work.keywords["request"])
        for name, body in follower.changes().items():
            if body is None:
                pieces.pop(name, None)
            else:
                pieces[name] = body
    return asked


def days(asked: Sequence[Request]) -> list[int]:
    return [int(one.window.removeprefix("day ")) for one in asked]


ANSWERS = st.lists(st.sampled_from([True, True, True, False, None]), max_size=60)


@settings(max_examples=200, deadline=None)
@given(ANSWERS, st.integers(1, 5), st.integers(0, 12), st.booleans(), st.sets(st.integers(0, 60)), st.booleans())
def test_laws_of_requests(
    answers: list[bool | None], least: int, cooldown: int, again: bool, restarts: set[int], concept: bool
) -> None:
    on = "concept_drift" if concept else "data_drift"
    policy = re.Policy(on=on, windows=least, cooldown=timedelta(days=cooldown), again=again)
    windows = [window(i, degraded=a) if concept else window(i, a) for i, a in enumerate(answers)]
    asked = followed(policy, windows)
    assert followed(policy, windows, sorted(restarts)) == asked
    assert len({one.key for one in asked}) == len(asked)
    for one in asked:
        listed = [w["drifted"] for w in one.data["windows"]]
        assert listed[0] is True
        assert listed.count(True) >= least
        assert False not in listed
        last = days([one])[0]
        assert listed == answers[last - len(listed) + 1 : last + 1]
    for before, after in pairwise(asked):
        assert after.asked_at - before.asked_at >= timedelta(days=cooldown)
        between = answers[days([before])[0] + 1 : days([after])[0] + 1]
        assert again or False in between
    if not again and cooldown == 0:
        assert len(asked) == _rows(answers, least)


def _rows(answers: Sequence[bool | None], least: int) -> int:
    """How many rows of drift are long enough."""
    found = count = 0
    for answer in answers:
        count = 0 if answer is False else count + (answer is True)
        found += answer is True and count == least
    return found


def test_a_request_says_which_data_and_why() -> None:
    policy = re.Policy(on="either", windows=2, strategy="replace", save_path="models/next.pkl")
    (asked,) = followed(policy, [window(0, False), window(1, True), window(2), window(3, True), window(4, True)])
    assert asked.window == "day 3"
    assert asked.asked_at == START + timedelta(days=4)
    assert asked.reason == "data drifted, or the model became worse, in 2 windows since day 1"
    assert asked.data["strategy"] == "replace"
    assert asked.data["save_path"] == "models/next.pkl"
    assert asked.data["reference"] == "digest"
    assert [w["key"] for w in asked.data["windows"]] == ["day 1", "day 2", "day 3"]
    assert (asked.data["start"], asked.data["rows"]) == ((START + timedelta(days=1)).isoformat(), 300)
    assert datetime.fromisoformat(asked.data["end"]) == asked.asked_at


def test_a_drift_that_goes_on_asks_once_or_after_every_cool_down() -> None:
    windows = [window(i, i > 1) for i in range(20)]
    assert days(followed(re.Policy(on="data_drift"), windows)) == [4]
    assert days(followed(re.Policy(on="data_drift", again=True), windows)) == [4, 11, 18]
    # A new drift within the cool-down waits for its end.
    windows = [window(i, i != 6) for i in range(20)]
    assert days(followed(re.Policy(on="data_drift", cooldown="10d"), windows)) == [2, 12]


def test_what_counts_is_what_the_policy_names() -> None:
    data, model = (
        [window(i, True, degraded=False) for i in range(5)],
        [window(i, False, degraded=True) for i in range(5)],
    )
    told = {
        on: (len(followed(re.Policy(on=on), data)), len(followed(re.Policy(on=on), model)))
        for on in ("data_drift", "concept_drift", "either")
    }
    assert told == {"data_drift": (1, 0), "concept_drift": (0, 1), "either": (1, 1)}


def test_more_errors_stand_until_they_become_fewer_or_the_performance_is_found_well() -> None:
    policy = re.Policy(on="concept_drift", windows=3)
    more, same, fewer = (
        [window(i, errors=which) for i in days_]
        for which, days_ in (("more", [1]), ("same", range(2, 9)), ("fewer", [2]))
    )
    assert days(followed(policy, [window(0, errors="same"), *more, *same])) == [3]
    assert followed(policy, [*more, *fewer, *same[1:]]) == []
    assert followed(policy, [*more, window(2, errors="same", degraded=False), *same[1:]]) == []
    assert days(followed(policy, [*more, window(2, True), window(3, True)])) == [3]


def test_f1_must_fall_by_more_than_the_drop_and_surely() -> None:
    policy = re.Policy(on="f1_drop", windows=2, f1_drop=0.05)
    for drop, asks in (((0.08, 0.01, 0.15), 1), ((0.08, -0.01, 0.17), 0), ((0.04, 0.03, 0.05), 0)):
        assert len(followed(policy, [window(i, drop=drop) for i in range(2)])) == asks
    (asked,) = followed(policy, [window(i, drop=(0.1, 0.05, 0.15)) for i in range(2)])
    assert asked.data["baseline"] == {}


def test_late_labels_change_what_windows_showed() -> None:
    policy = re.Policy(on="f1_drop", windows=2)
    first = window(0, drop=(0.0, -0.1, 0.1))
    late = {"day 1": (Metric("f1", 0.6, 0.55, 0.65),)}, {"day 2": (Metric("f1", 0.6, 0.55, 0.65),)}
    (asked,) = followed(policy, [first, window(1), window(2), window(3), *late])
    assert asked.window == "day 3"
    assert [w["drifted"] for w in asked.data["windows"]] == [True, True, None]
    assert asked.data["metrics"] == {"f1": 0.6}
    assert asked.data["baseline"] == {"f1": pytest.approx(BEFORE)}
    worse = {"day 1": (Metric("degraded", 1.0),)}, {"day 2": (Metric("degraded", 1.0),)}
    concept = re.Policy(on="concept_drift", windows=2)
    assert days(followed(concept, [window(0), window(1), window(2), *worse])) == [2]
    well = {"day 1": (Metric("degraded", 0.0),)}
    assert followed(concept, [window(0), window(1), window(2), worse[0], well, worse[1]]) == []


def test_a_gate_asks_where_it_pays() -> None:
    policy = re.Policy(on="f1_drop", windows=1, gate=GATE, cooldown="5d")
    dear, cheap, between = (0.2, 0.1, 0.3), (0.06, 0.001, 0.04), (0.06, 0.01, 0.3)
    (asked,) = followed(policy, [window(0, drop=dear)])
    assert asked.data["gate"]["recommend"] is True
    assert asked.data["gate"]["net"]["value"] == pytest.approx(1500)
    cheap = (0.06, 0.001, 0.06)
    small = replace(policy, gate=replace(GATE, fixed_cost=5000))
    refused = followed(small, [window(i, drop=cheap) for i in range(4)])
    assert [one.state for one in refused] == [REFUSED]
    assert refused[0].data["gate"]["asked"] is False
    assert "wait" in refused[0].reason
    # It does not settle it: 0 lies within. Once it does, the same drift asks, cool-down or not.
    both = followed(policy, [window(0, drop=between), window(1, drop=between), window(2, drop=dear)])
    assert [(one.state, one.window) for one in both] == [(REFUSED, "day 0"), ("asked", "day 2")]
    assert both[0].key != both[1].key
    willing = replace(policy, gate=replace(GATE, unclear=True))
    assert [one.state for one in followed(willing, [window(0, drop=between)])] == ["asked"]


def test_a_gate_without_a_measured_drop() -> None:
    policy = re.Policy(on="data_drift", windows=1, gate=GATE)
    (refused,) = followed(policy, [window(0, True)])
    assert refused.state == REFUSED
    assert "no drop of the f1 is known" in refused.reason
    (asked,) = followed(replace(policy, gate=replace(GATE, drop=0.2)), [window(0, True)])
    assert asked.data["gate"]["measured"] is False


def test_a_request_stands_in_the_history_with_its_window(history: ad.History) -> None:
    profile = ad.Profile.fit(rows(2_000, 0), ["psi"], backend="numpy")
    policy = re.Policy(on="data_drift", windows=2, cooldown="0s")
    for name in ("m", "n"):
        for i in range(6):
            monitor = ad.Monitor(
                profile, ad.Windows(rows=100), history=history, name=name, followers=[re.Retraining(policy)]
            )
            list(monitor.observe(rows(100, i + 1, shift=2.0 if i > 1 else 0.0)))
    table = re.requests(history, "m")
    assert table.num_rows == 1
    assert re.requests(history).num_rows == 2
    (asked,) = table.to_pylist()
    assert asked["state"] == "asked"
    assert asked["window"] == history.runs("m")["window"].to_pylist()[3]
    assert re.find(history, asked["key"][:8]).key == asked["key"]
    assert re.requests(history, state="done").num_rows == 0
    with pytest.raises(ConfigError, match="no request"):
        re.find(history, "z")
    with pytest.raises(ConfigError, match="key that begins"):
        re.find(history, "")
    assert re.cancel(history, asked["key"], START)
    assert not re.cancel(history, asked["key"], START)
    assert re.find(history, asked["key"]).state == "cancelled"


def test_killed_at_any_moment_the_same_is_asked(history: ad.History, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ad.Profile.fit(rows(2_000, 0), ["psi"], backend="numpy")
    policy = re.Policy(on="data_drift", windows=2, cooldown="0s")
    batches = [rows(80, i + 1, shift=2.0 if i in {2, 3, 4, 7, 10, 11, 12} else 0.0) for i in range(14)]

    def asked(name: str) -> list[tuple[str, str]]:
        told = re.requests(history, name).to_pylist()
        return [(one["window"], one["state"]) for one in told]

    def watch(name: str) -> None:
        monitor = ad.Monitor(
            profile, ad.Windows(by="file"), history=history, name=name, followers=[re.Retraining(policy)]
        )
        list(monitor.observe(ad.monitor.Batch(batch, f"file {i:02}") for i, batch in enumerate(batches)))

    watch("whole")
    assert asked("whole") == [("file 03", "asked"), ("file 11", "asked")]
    rng, deaths, done = random.Random(5), 0, False  # noqa: S311
    with monkeypatch.context() as patch:
        dying(patch, rng, 0.3)
        while not done:
            try:
                watch("killed")
                done = True
            except Killed:
                deaths += 1
    assert deaths > 1
    assert asked("killed") == asked("whole")


WRONG: list[Any] = [
    {"on": "weather"},
    {"windows": 0},
    {"strategy": "forget"},
    {"cooldown": "soon"},
    {"f1_drop": 2},
    {"gate": 3},
    {"save_path": 3},
    {"name": ""},
    {"again": 1},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_policies_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        re.Policy(**wrong)


def test_what_else_cannot_be() -> None:
    with pytest.raises(ConfigError, match="metric"):
        replace(GATE, metric="luck")
    with pytest.raises(ConfigError, match="rows_per_day"):
        replace(GATE, rows_per_day=0)
    with pytest.raises(ConfigError, match="history"):
        ad.Monitor(ad.monitor.Trailing(3), ad.Windows(rows=5), followers=[re.Retraining()])
    with pytest.raises(ConfigError, match="baseline"):
        re.Retraining(baseline={"f1": "high"})  # type: ignore[dict-item]
    wrong: Any = "often"
    with pytest.raises(ConfigError, match="policy"):
        re.Retraining(wrong)
