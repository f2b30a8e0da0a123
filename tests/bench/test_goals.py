"""Goals: measured on hand-made rows, judged, and missing where something was not measured."""

from __future__ import annotations

from typing import Any

import pytest

from bench import goals
from bench.goals import Goal


def _question(**rows: dict[str, Any]) -> dict[str, Any]:
    plain = {"role": "ours", "median_s": 1.0, "fraction_of_floor": None, "peak_mb": None}
    return {"sizes": {"n": 1}, "contenders": [{"name": name, **plain, **row} for name, row in rows.items()]}


def test_ratios_are_taken_within_rounds_and_of_medians_for_libraries() -> None:
    # The machine was ten times slower in the second round.
    ours = {"warm_s": [1.0, 10.0, 2.0], "median_s": 2.0}
    peer = {"warm_s": [3.0, 30.0, 4.0], "median_s": 4.0}
    question = _question(ours=ours, peer=peer, library={"role": "library", "median_s": 50.0})
    assert goals.faster("ours", "peer")([question]) == 3.0
    assert goals.slower("ours", "peer")([question]) == pytest.approx(1 / 3)
    assert goals.faster("ours", "library")([question]) == 25.0
    assert goals.faster("ours", "nobody")([question]) is None


def test_a_library_that_failed_leaves_a_goal_unmeasured() -> None:
    question = _question(ours={"median_s": 2.0}, library={"role": "library", "median_s": None})
    assert goals.faster("ours", "library")([question]) is None


def test_memory_and_fractions() -> None:
    question = _question(ours={"peak_mb": 10.0, "fraction_of_floor": 0.5}, peer={"peak_mb": 200.0})
    assert goals.memory_share("ours", "peer")([question]) == 0.05
    assert goals.peak("ours")([question]) == 10.0
    assert goals.process("ours")([question]) is None
    assert goals.process("ours")([_question(ours={"process_mb": 300.0})]) == 300.0
    assert goals.fraction("ours")([question]) == 50.0
    assert goals.fraction("peer")([question]) is None


def test_growth_is_the_slope_through_logarithms() -> None:
    questions = [{**_question(ours={"fastest_s": 3.0 * n**2}), "sizes": {"n": n}} for n in (10, 20, 40, 80)]
    questions[0]["contenders"][0]["fastest_s"] = 1e9
    assert goals.exponent("ours", "fastest_s", "n", least=20)(questions) == pytest.approx(2.0)
    assert goals.exponent("ours", "fastest_s", "n", least=40)(questions) is None


def test_goals_are_judged_and_reasons_given_only_where_missed() -> None:
    def goal(bound: float, most: bool) -> Goal:
        return Goal("text", lambda _: 2.0, bound, most=most, reason="why")

    made = goals.judge("case", [goal(1.0, most=False), goal(3.0, most=False), goal(1.0, most=True)], [])
    assert [(g["met"], g["reason"]) for g in made] == [(True, ""), (False, "why"), (False, "why")]
    (unknown,) = goals.judge("case", [Goal("text", lambda _: None, 1.0)], [])
    assert unknown["met"] is None
    assert unknown["value"] is None


def test_a_reason_names_the_number_that_it_rests_on() -> None:
    question = {**_question(ours={"median_s": 2.0}), "floors": {"product": {"seconds": 5.0}}}
    rests = goals.floor_over("product", "ours")
    assert goals.floor_over("other", "ours")([question]) is None
    goal = Goal("text", lambda _: 3.0, 1.0, most=True, reason="the floor is {} times that", because=rests)
    (missed,) = goals.judge("case", [goal], [question])
    assert missed["reason"] == "the floor is 2.5 times that"
    (unknown,) = goals.judge("case", [goal], [_question(ours={})])
    assert unknown["reason"] == "the floor is (not measured) times that"
