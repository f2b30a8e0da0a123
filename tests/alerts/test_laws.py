"""Laws of the state machine, over random reports and restarts, beside a model of it in plain words."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.alerts.events import Event, Kind
from accel_drift.alerts.machine import Machine
from accel_drift.history import Metric, Window
from accel_drift.rules import Rule
from tests.alerts.reports import HOUR, START, report
from tests.alerts.test_machine import pieces

LEVEL, CLEAR = 0.5, 0.3
COLUMNS = ("a", "b", "c")
VALUES = st.sampled_from([None, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9])
STEPS = st.lists(
    st.tuples(st.integers(-3, 4), st.fixed_dictionaries(dict.fromkeys(COLUMNS, VALUES)), st.booleans()),
    min_size=1,
    max_size=40,
)


@dataclass(frozen=True)
class Options:
    """What a rule about psi > 0.5 may say beside it."""

    windows: int
    hours: int
    clear: float | None
    resolve_after: int
    cooldown: int | None
    remind: int | None
    escalate: int | None

    def rules(self) -> list[Rule]:
        """One about a column, one about each, and others beside them."""
        hold = f" for {self.windows} windows" if self.windows > 1 else f" for {self.hours} hours" if self.hours else ""
        given: dict[str, Any] = {
            "clear": self.clear,
            "resolve_after": self.resolve_after,
            "cooldown": self.cooldown and f"{self.cooldown}h",
            "remind_every": self.remind and f"{self.remind}h",
            "escalate_after": self.escalate and f"{self.escalate}h",
            "escalate_to": ("boss",) if self.escalate else (),
        }
        return [
            Rule(name="each", when=f"each column psi > {LEVEL}{hold}", **given),
            Rule(name="one", when=f"a psi > {LEVEL}{hold}", **given),
            Rule(name="worse", when="each column severity >= watch"),
            Rule(name="joined", when="a psi > 0.2 and not (b psi > 0.5 or c psi <= 0.3) for 2 windows"),
            Rule(name="many", when="majority of columns psi >= 0.5", clear=CLEAR),
        ]


OPTIONS = st.builds(
    Options,
    windows=st.integers(1, 3),
    hours=st.integers(0, 5),
    clear=st.sampled_from([None, CLEAR]),
    resolve_after=st.integers(1, 3),
    cooldown=st.sampled_from([None, 1, 4]),
    remind=st.sampled_from([None, 1, 3]),
    escalate=st.sampled_from([None, 2]),
)


def run(rules: list[Rule], steps: Any, restarts: bool) -> list[list[Event]]:
    """What happens, window by window; with restarts where a step says so."""
    machine, kept, hour, found = Machine("m", rules, ["team"]), dict[str, bytes](), 0, []
    for i, (by, values, again) in enumerate(steps):
        hour += by
        begin = START + hour * HOUR
        found.append(machine.step(report(values), (), f"window {i}", begin, begin + HOUR))
        kept = pieces(machine, kept)
        if again and restarts:
            machine = Machine("m", rules, ["team"])
            machine.restore(kept)
    return found


@dataclass
class Model:
    """A rule `psi > 0.5` on one column, said without arrays."""

    options: Options
    count: int = 0
    since: int = 0
    falses: int = 0
    opened: bool = False
    until: int = -(10**9)
    remind: float = float("inf")
    escalate: float = float("inf")
    told: list[str] = field(default_factory=list)

    def step(self, value: float | None, end: int, before: int) -> list[str]:
        """A window: the kinds of what happens. Times are hours."""
        options, now = self.options, max(before, end)
        level = LEVEL if not self.opened or options.clear is None else options.clear
        true = value is not None and value > level
        false = value is not None and value <= level and not (end < before and self.since > end)
        told: list[str] = []
        if self.opened:
            self.falses = 0 if true else self.falses + false
            if self.falses >= options.resolve_after:
                self.opened, self.count, self.falses = False, 0, 0
                self.until = now + (options.cooldown or 0)
                return ["resolved"]
            if self.remind <= now:
                told.append("reminder")
                while self.remind <= now:
                    self.remind += options.remind or 0
            if self.escalate <= now:
                told.append("escalated")
                self.escalate = float("inf")
            return told
        if true:
            self.since = max(end - 1, before) if self.count == 0 else self.since
            self.count += 1
        elif false:
            self.count = 0
        hours = options.hours if options.windows == 1 else 0
        if true and self.count >= options.windows and now - self.since >= hours and now >= self.until:
            self.opened, self.falses = True, 0
            self.remind = now + options.remind if options.remind else float("inf")
            self.escalate = now + options.escalate if options.escalate else float("inf")
            return ["opened"]
        return []


@given(OPTIONS, STEPS)
def test_the_machine_does_as_the_model_does(options: Options, steps: Any) -> None:
    found = run(options.rules(), steps, restarts=False)
    models: defaultdict[tuple[str, str], Model] = defaultdict(lambda: Model(options))
    hour, before = 0, -(10**9)
    for (by, values, _), events in zip(steps, found, strict=True):
        hour += by
        wanted = []
        for rule, subjects in (("each", COLUMNS), ("one", ("",))):
            for subject in subjects:
                kinds = models[rule, subject].step(values[subject or "a"], hour + 1, before)
                wanted += [(rule, subject, kind) for kind in kinds]
        before = max(before, hour + 1)
        assert [(e.rule, e.subject, str(e.kind)) for e in events if e.rule in ("each", "one")] == wanted


@given(OPTIONS, STEPS)
def test_restarts_change_nothing(options: Options, steps: Any) -> None:
    assert run(options.rules(), steps, restarts=True) == run(options.rules(), steps, restarts=False)


@given(OPTIONS, STEPS, st.randoms(use_true_random=False))
def test_other_rules_and_their_order_change_nothing(options: Options, steps: Any, rng: random.Random) -> None:
    rules = options.rules()
    rng.shuffle(rules)
    mixed = run([*rules, Rule(name="new", when="b psi > 0.9 or a psi > 0.2")], steps, restarts=False)
    for rule in rules:
        alone = [one for of in run([rule], steps, restarts=True) for one in of]
        assert [one for of in mixed for one in of if one.rule == rule.name] == alone


@given(OPTIONS, STEPS)
def test_laws_of_alerts(options: Options, steps: Any) -> None:
    rules = {rule.name: rule for rule in options.rules()}
    courses: defaultdict[str, list[Event]] = defaultdict(list)
    ended: dict[tuple[str, str], Event] = {}
    opened: dict[tuple[str, str], str] = {}
    for event in (one for of in run([*rules.values()], steps, restarts=True) for one in of):
        about = event.rule, event.subject
        courses[event.key].append(event)
        if event.kind is Kind.OPENED:
            assert about not in opened
            opened[about] = event.key
            if about in ended:
                cooldown = rules[event.rule].us("cooldown") or 0
                assert (event.at - ended[about].at).total_seconds() * 1e6 >= cooldown
        else:
            assert opened[about] == event.key
        if event.kind is Kind.RESOLVED:
            ended[about] = event
            del opened[about]
    for course in courses.values():
        assert course[0].kind is Kind.OPENED
        assert sum(one.kind is Kind.OPENED for one in course) == 1
        assert all(one.kind is not Kind.RESOLVED for one in course[:-1])
        said = [(one.kind, one.number) for one in course]
        assert len({*said}) == len(said)
        ranks = [one.severity.rank for one in course]
        assert ranks == sorted(ranks)


@given(st.lists(st.sampled_from([None, 0.31, 0.4, 0.5]), max_size=30), st.booleans())
def test_nothing_flaps_inside_the_band(values: list[float | None], first: bool) -> None:
    rules = [Rule(name="r", when=f"a psi > {LEVEL}", clear=CLEAR)]
    steps = [(1, {"a": 0.9 if first else 0.1}, True), *((1, {"a": value}, True) for value in values)]
    assert len([one for of in run(rules, steps, restarts=True) for one in of]) == int(first)


@pytest.mark.parametrize("seed", range(3))
def test_many_rules_do_as_each_does_alone(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    rules = [
        Rule(
            name=f"r{i}",
            when=f"{rng.choice(COLUMNS)} psi {rng.choice(['>', '<', '>=', '<='])} 0.{rng.randint(1, 9)}"
            + rng.choice(["", " for 2 windows", " for 3 hours", " or b psi > 0.6 and not a psi > 0.4"]),
            cooldown=rng.choice([None, "2h"]),
            resolve_after=rng.randint(1, 2),
        )
        for i in range(60)
    ]
    values = [None, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9]
    steps = [
        (rng.randint(-1, 2), {name: rng.choice(values) for name in COLUMNS}, rng.random() < 0.3) for _ in range(60)
    ]
    together = [one for of in run(rules, steps, restarts=True) for one in of]
    assert len(together) > 200
    for rule in rules:
        alone = [one for of in run([rule], steps, restarts=False) for one in of]
        assert [one for one in together if one.rule == rule.name] == alone


LABELLED = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([None, 0.1, 0.4, 0.6, 0.9]), st.integers(0, 6), st.booleans()),
    min_size=1,
    max_size=30,
)


@given(st.integers(1, 3), st.integers(0, 5), st.sampled_from([None, 0.7]), st.integers(1, 2), LABELLED, st.booleans())
def test_labels_that_come_late_in_order_open_and_end_the_same_alerts_at_the_same_times(
    windows: int, hours: int, clear: float | None, resolve_after: int, steps: Any, twice: bool
) -> None:
    hold = f" for {windows} windows" if windows > 1 else f" for {hours} hours" if hours else ""
    more: dict[str, Any] = {"clear": clear, "resolve_after": resolve_after, "cooldown": "2h"}
    rules = [Rule(name="f1", when=f"f1 < 0.5{hold}", **more), Rule(name="other", when="a psi > 0.5")]
    prompt, late, kept = Machine("m", rules), Machine("m", rules), dict[str, bytes]()
    wanted, found, waiting, hour = [], [], list[tuple[Window, Metric]](), 0
    for i, (by, value, lag, again) in enumerate(steps):
        hour += by
        window = Window(f"window {i}", START + hour * HOUR, START + (hour + 1) * HOUR)
        given = (Metric("f1", value),)
        begin, end = window.start, window.end
        assert begin is not None
        assert end is not None
        wanted += prompt.step(report({"a": 0.1}), given, window.key, begin, end)
        found += late.step(report({"a": 0.1}), (), window.key, begin, end)
        waiting.append((window, given[0]))
        if lag == 0 or i + 1 == len(steps):
            for one, metric in waiting:
                found += late.measured({one.key: (metric,)}, {one.key: one})
                found += late.measured({one.key: (metric,)}, {one.key: one}) if twice else []
            waiting = []
        kept = pieces(late, kept)
        if again:
            late = Machine("m", rules)
            late.restore(kept)
    assert [(e.key, e.kind, e.window, e.at) for e in found] == [(e.key, e.kind, e.window, e.at) for e in wanted]
    assert [e.details["since"] for e in found] == [e.details["since"] for e in wanted]


@pytest.mark.parametrize(("last", "opened"), [(0.1, ["window 2"]), (0.9, [])])
def test_labels_in_parts_count_no_window_twice(last: float, opened: list[str]) -> None:
    made = Machine("m", [Rule(name="f1", when="f1 < 0.5 for 3 windows")])
    when = {f"window {i}": Window(f"window {i}", START + i * HOUR, START + (i + 1) * HOUR) for i in range(3)}
    found = []
    for numbers in ((0.1,), (0.1, 0.1), (0.1, 0.1, last)):
        came = {key: (Metric("f1", value),) for key, value in zip(when, numbers, strict=False)}
        found += made.measured(came, when)
    assert [event.window for event in found] == opened
