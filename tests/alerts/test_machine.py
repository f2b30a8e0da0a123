"""Which alerts open and end, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import nan
from typing import Any

import pytest

from accel_drift.alerts.events import Kind
from accel_drift.alerts.machine import Machine
from accel_drift.history import Metric
from accel_drift.rules import Rule
from tests.alerts.reports import HOUR, START, finding, report, step, told


def machine(*when: str, **options: Any) -> Machine:
    """Rules r0, r1, ... of these conditions."""
    return Machine("m", [Rule(name=f"r{i}", when=one, **options) for i, one in enumerate(when)], ["team"])


def course(made: Machine, values: Sequence[float | None], column: str = "a") -> list[str]:
    """What happens in hourly windows with this PSI."""
    return [" ".join(told(step(made, i, {column: value}))) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("when", "values", "also", "numbers"),
    [
        ("a psi > 0.2", {"a": 0.3}, (), {}),
        ("a psi >= 0.2", {"a": 0.2}, (), {}),
        ("a psi < 0.2", {"a": 0.1}, (), {}),
        ("a psi <= 0.2", {"a": 0.2}, (), {}),
        ("a drifted", {"a": 0.2}, (), {}),
        ("a severity >= warning", {"a": 0.2}, (), {}),
        ("a psi drifted", {"a": 0.2}, (), {}),
        ("a p < 0.01", {"a": 0.001}, (), {}),
        ("a psi p < 0.01", {"a": 0.001}, (), {}),
        ('"a b" psi > 0.2', {"a b": 0.3}, (), {}),
        ("any column psi > 0.2", {"a": 0.0, "b": 0.3}, (), {}),
        ("every column psi > 0.2", {"a": 0.3, "b": 0.3, "c": None}, (), {}),
        ("majority of columns drifted", {"a": 0.3, "b": 0.3, "c": 0.0}, (), {}),
        ("50% of columns drifted", {"a": 0.3, "b": 0.0}, (), {}),
        ("every column psi < 0.2", {"a": 0.1, "b": 0.0}, (), {}),
        ("health < 60", {}, (), {"health": 59.0}),
        ("rows <= 100", {}, (), {}),
        ("f1 < 0.8", {}, (), {"f1": 0.79}),
        ('"my number" > 1', {}, (), {"my number": 2.0}),
        ("f1 drop > 5%", {}, (finding("f1", 0.06, "performance"),), {}),
        ("a missing > 5%", {}, (finding("a", 0.0, "missing", details={"missing_batch": 6}),), {}),
        ("a missing rise > 5%", {}, (finding("a", 0.06, "missing"),), {}),
        ("severity >= critical", {"a": 0.6}, (), {}),
        ("drifted", {"a": 0.2}, (), {}),
        ("a severity >= critical", {}, (), {"removed": ("a",)}),
        ("not a psi > 0.2", {"a": 0.1}, (), {}),
        ("a psi > 0.2 and b psi > 0.2", {"a": 0.3, "b": 0.3}, (), {}),
        ("a psi > 0.2 or b psi > 0.2", {"a": None, "b": 0.3}, (), {}),
        ("a psi > 0.2 and (b psi > 9 or not c psi > 9)", {"a": 0.3, "b": 0.3, "c": 0.1}, (), {}),
    ],
)
def test_a_condition_is_true_of_a_window(when: str, values: Any, also: Any, numbers: Any) -> None:
    assert told(step(machine(when), 0, values, *also, **numbers)) == ["opened r0"]


@pytest.mark.parametrize(
    ("when", "values", "numbers"),
    [
        ("a psi > 0.2", {"a": 0.2}, {}),
        ("a psi < 0.2", {"a": 0.2}, {}),
        ("majority of columns drifted", {"a": 0.3, "b": 0.0}, {}),
        ("51% of columns drifted", {"a": 0.3, "b": 0.0}, {}),
        ("any column drifted", {}, {}),
        ("every column drifted", {"a": None}, {}),
        ("a psi > 0.2", {"a": None}, {}),
        ("not a psi > 0.2", {"a": None}, {}),
        ("a psi > 0.2 and b psi > 0.2", {"a": 0.3, "b": None}, {}),
        ("f1 < 0.8", {"a": 1.0}, {"f1": nan}),
        ("f1 < 0.8", {"a": 1.0}, {}),
        ("not severity >= watch", {}, {}),
    ],
)
def test_a_condition_that_is_false_or_unknown_opens_nothing(when: str, values: Any, numbers: Any) -> None:
    assert step(machine(when), 0, values, **numbers) == []


def test_an_alert_opens_once_and_ends_once() -> None:
    assert course(machine("a psi > 0.2"), [0.3, 0.4, 0.1, 0.1, 0.3]) == [
        "opened r0",
        "",
        "resolved r0",
        "",
        "opened r0",
    ]


def test_what_is_unknown_neither_opens_nor_ends() -> None:
    made = machine("a psi > 0.2 for 3 windows")
    assert course(made, [0.3, None, 0.3, None, 0.3, None, 0.1]) == ["", "", "", "", "opened r0", "", "resolved r0"]


def test_windows_in_a_row() -> None:
    made = machine("a psi > 0.2 for 3 windows")
    assert course(made, [0.3, 0.3, 0.1, 0.3, 0.3, 0.3]) == ["", "", "", "", "", "opened r0"]


def test_a_length_of_time_is_from_the_first_windows_start_to_the_last_ones_end() -> None:
    made = machine("a psi > 0.2 for 3 hours")
    assert course(made, [0.3, 0.3, 0.1, 0.3, 0.3, 0.3]) == ["", "", "", "", "", "opened r0"]
    made = machine("a psi > 0.2 for 6 hours")
    assert told(step(made, 0, {"a": 0.3})) == []
    assert told(step(made, 5, {"a": 0.3})) == ["opened r0"]


def test_a_late_window_says_nothing_of_what_is_after_it() -> None:
    made = machine("a psi > 0.2 for 3 hours")
    assert [told(step(made, hour, {"a": value})) for hour, value in [(5, 0.3), (6, 0.3), (2, 0.1), (7, 0.3)]] == [
        *([],) * 3,
        ["opened r0"],
    ]
    assert told(step(made, 1, {"a": 0.1})) == []
    assert told(step(made, 8, {"a": 0.1})) == ["resolved r0"]
    # One that begins late begins at the latest end.
    assert [told(step(made, hour, {"a": 0.3})) for hour in (0, 9, 10, 11)] == [[], [], [], ["opened r0"]]


def test_overlapping_windows_hold_from_the_end_of_the_last_one_that_did_not() -> None:
    made = machine("a psi > 0.2 for 3 hours")
    seen = []
    for i, value in enumerate([0.1, 0.3, 0.3, 0.3]):
        end = START + i * HOUR
        seen.append(told(made.step(report({"a": value}), (), str(i), end - timedelta(hours=24), end)))
    assert seen == [[], [], [], ["opened r0"]]


def test_hysteresis() -> None:
    made = machine("a psi > 0.2", clear=0.1)
    assert course(made, [0.15, 0.3, 0.15, 0.11, 0.25, 0.1, 0.15]) == ["", "opened r0", "", "", "", "resolved r0", ""]
    made = machine("health < 60", clear=70)
    seen = [" ".join(told(step(made, i, {}, health=h))) for i, h in enumerate([65, 59, 65, 69.9, 70, 65])]
    assert seen == ["", "opened r0", "", "", "resolved r0", ""]


def test_it_ends_after_so_many_windows() -> None:
    made = machine("a psi > 0.2", resolve_after=2)
    assert course(made, [0.3, 0.1, 0.3, 0.1, None, 0.1]) == ["opened r0", "", "", "", "", "resolved r0"]


def test_what_would_open_in_a_cool_down_opens_after_it() -> None:
    made = machine("a psi > 0.2", cooldown="3h")
    assert course(made, [0.3, 0.1, 0.3, 0.3, 0.3, 0.3]) == ["opened r0", "resolved r0", "", "", "opened r0", ""]
    made = machine("a psi > 0.2", cooldown="3h")
    assert course(made, [0.3, 0.1, 0.3, 0.1, 0.1, 0.3])[2:] == ["", "", "", "opened r0"]


def test_reminders_and_escalation() -> None:
    made = machine("a psi > 0.2", remind_every="2h", escalate_after="3h", escalate_to=("boss",))
    events = [step(made, hour, {"a": 0.3 if hour < 9 else 0}) for hour in (0, 1, 2, 3, 8, 9)]
    assert [told(one) for one in events] == [
        ["opened r0"],
        [],
        ["reminder r0"],
        ["escalated r0"],
        ["reminder r0"],
        ["resolved r0"],
    ]
    assert [one.number for of in events for one in of] == [0, 1, 0, 2, 0]
    assert [one.sinks for of in events for one in of] == [
        *(("team",),) * 2,
        ("boss",),
        ("team",),
        ("team", "boss"),
    ]


def test_each_column_has_an_alert_of_its_own_that_gets_worse() -> None:
    made = machine("each column severity >= warning")
    assert told(step(made, 0, {"a": 0.3, "b": 0.0})) == ["opened r0 a"]
    assert told(step(made, 1, {"a": 0.6, "c": 0.6})) == ["raised r0 a", "opened r0 c"]
    (ended,) = step(made, 2, {"b": 0.0, "a": 0.0})
    assert (ended.kind, ended.subject, ended.severity) == (Kind.RESOLVED, "a", "critical")
    assert made.open == 1


def test_details_are_numbers_of_columns() -> None:
    (event,) = step(machine("any column psi > 0.2"), 0, {"a": 0.3, "b": 0.7, "c": 0.1})
    assert event.details["columns"] == {"b": 0.7, "a": 0.3}
    assert event.details["any column psi > 0.2"] == 0.7
    (event,) = step(machine("a psi > 0.2 or health < 50"), 0, {"a": 0.3})
    assert (event.details["a psi"], event.details["health"]) == (0.3, None)


def test_no_data_is_by_the_clock_and_ends_with_the_next_window() -> None:
    made = machine("no data for 2 hours", "a psi > 0.2")
    assert made.tick(START) == []
    assert made.tick(START + HOUR) == []
    assert told(step(made, 0, {"a": 0.3})) == ["opened r1"]
    assert made.tick(START + 2 * HOUR) == []
    assert made.tick(START + 2.9 * HOUR) == []
    assert told(made.tick(START + 3 * HOUR)) == ["opened r0"]
    assert made.tick(START + 9 * HOUR) == []
    assert told(step(made, 1, {"a": 0.3})) == ["resolved r0"]


def test_no_data_is_told_again_by_the_clock() -> None:
    made = machine("no data for 2 hours", remind_every="1h", escalate_after="2h", escalate_to=("boss",))
    seen = [told(made.tick(START + i * HOUR)) for i in range(6)]
    assert seen == [[], [], ["opened r0"], ["reminder r0"], ["reminder r0", "escalated r0"], ["reminder r0"]]
    (ended,) = step(made, 0, {})
    assert ended.at == START + 2 * HOUR  # it does not end before it began


def test_no_data_ends_when_a_window_comes_whatever_its_own_time() -> None:
    made = machine("no data for 2 hours", cooldown="1h")
    assert made.tick(START) == []
    (opened,) = made.tick(START + 5 * HOUR)
    arrived = START + 7 * HOUR
    (ended,) = made.step(report({}), (), "late", START, START + HOUR, arrived)
    assert (opened.at, ended.at) == (START + 5 * HOUR, arrived)


def test_late_labels() -> None:
    made = machine("f1 < 0.8 for 2 windows", "f1 drop > 0.1", "a psi > 0.2", "f1 < 0.9 and a psi > 0.2")
    assert told(step(made, 0, {"a": 0.3})) == ["opened r2"]
    assert told(step(made, 1, {"a": 0.3})) == []
    assert told(made.measured({"window 0": (Metric("f1", 0.7), Metric("f1_drop", 0.2))})) == ["opened r1", "opened r3"]
    assert made.measured({"window 0": (Metric("f1", 0.75),)}) == []  # the same window does not count twice
    assert told(made.measured({"window 1": (Metric("f1", 0.7),)})) == ["opened r0"]
    (one, other) = made.measured({"window 1": (Metric("f1", 0.95),)})
    assert told([one, other]) == ["resolved r0", "resolved r3"]
    (again,) = [e for e in made.measured({"window 1": (Metric("f1", 0.85),)}) if e.rule == "r3"]
    assert again.key != other.key


def pieces(made: Machine, kept: dict[str, bytes]) -> dict[str, bytes]:
    """What is written in all."""
    for name, body in made.changes().items():
        if body is None:
            kept.pop(name, None)
        else:
            kept[name] = body
    return kept


def test_late_labels_of_several_windows_at_once_are_all_written() -> None:
    made = machine("f1 < 0.8", "accuracy < 0.8")
    step(made, 0, {"a": 0.1})
    step(made, 1, {"a": 0.1})
    kept = pieces(made, {})
    assert len(made.measured({"window 0": (Metric("f1", 0.7),), "window 1": (Metric("accuracy", 0.7),)})) == 2
    after = machine("f1 < 0.8", "accuracy < 0.8")
    after.restore(pieces(made, kept))
    assert after.open == 2


def test_late_labels_count_no_window_of_a_rule_that_does_not_ask_for_them() -> None:
    made = machine("a psi > 0.2 for 2 windows", "f1 < 0.9 and a psi > 0.2")
    assert course(made, [0.1, 0.3]) == ["", ""]
    assert told(made.measured({"window 0": (Metric("f1", 0.95),)})) == []
    assert told(step(made, 2, {"a": 0.3})) == ["opened r0"]


def test_late_labels_are_held_beside_the_last_window_after_a_restart() -> None:
    made, after = (machine("f1 < 0.9 and a psi > 0.2") for _ in range(2))
    step(made, 0, {"a": 0.3})
    after.restore(pieces(made, {}))
    assert told(after.measured({"window 0": (Metric("f1", 0.7),)})) == ["opened r0"]


def test_a_clock_that_is_set_back_begins_to_wait_anew() -> None:
    made = machine("no data for 2 hours")
    seen = [told(made.tick(START + hours * HOUR)) for hours in (10, 5, 6, 7)]
    assert seen == [[], [], [], ["opened r0"]]


def test_the_cool_down_of_no_data_is_by_the_clock() -> None:
    made = machine("no data for 2 hours", cooldown="1h")
    assert [told(made.tick(START + hours * HOUR)) for hours in (0, 2)] == [[], ["opened r0"]]
    begin = START + 100 * HOUR
    assert told(made.step(report({}), (), "w", begin, begin + HOUR, START + 3 * HOUR)) == ["resolved r0"]
    assert told(made.tick(START + 5 * HOUR)) == ["opened r0"]


def test_an_alert_whose_rule_is_gone_or_changed_ends() -> None:
    rules = [Rule(name="x", when="a psi > 0.2"), Rule(name="y", when="a psi > 0.1"), Rule(name="z", when="drifted")]
    made = Machine("m", rules, ["team"])
    opened = {one.rule: one.key for one in step(made, 0, {"a": 0.3})}
    kept = pieces(made, {})
    after = Machine("m", [Rule(name="y", when="a psi > 0.15"), Rule(name="z", when="drifted", severity="critical")])
    after.restore(kept)
    assert after.open == 3
    events = step(after, 1, {"a": 0.3})
    assert told(events) == ["resolved x", "resolved y", "opened y"]
    assert [one.key for one in events[:2]] == [opened["x"], opened["y"]]
    assert "removed" in events[0].details["reason"]
    pieces(after, kept)
    last = Machine("m", rules, ["team"])
    last.restore(kept)
    assert told(step(last, 2, {"a": 0.3})) == ["resolved y", "opened x", "opened y"]


def test_quiet_windows_write_no_states() -> None:
    made = machine(*(f"c{i} psi > 0.2" for i in range(300)))
    step(made, 0, {f"c{i}": 0.3 for i in range(300)})
    assert len(made.changes()) > 30
    step(made, 1, {f"c{i}": 0.4 for i in range(300)})
    assert [*made.changes()] == ["clock"]
    step(made, 2, {f"c{i}": 0.4 for i in range(300)} | {"c7": 0.0})
    assert len(made.changes()) == 2
