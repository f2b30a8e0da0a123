"""The sums are those by hand, the answer follows the interval, and wrong input is told what is right."""

from __future__ import annotations

import json
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.errors import ConfigError, DataError
from accel_drift.monitor.cost import cost_benefit
from accel_drift.predictions import Estimate

GIVEN: dict[str, Any] = {
    "rows_per_day": 10_000,
    "value_per_row": 0.5,
    "horizon_days": 30,
    "fixed_cost": 5_000,
    "drop": Estimate(0.08, 0.05, 0.11),
}


def test_the_sums_are_those_by_hand() -> None:
    found = cost_benefit(**GIVEN, compute_cost=500, recovered=0.5, delay_days=6)
    assert found.loss == pytest.approx((12_000, 7_500, 16_500))
    assert found.avoided == pytest.approx((4_800, 3_000, 6_600))  # half of it, on 24 of 30 days
    assert found.cost == 5_500
    assert found.net == pytest.approx((-700, -2_500, 1_100))
    assert found.break_even_days == pytest.approx((6 + 27.5, 6 + 20, 6 + 44))
    assert found.break_even_drop == pytest.approx(5_500 / (10_000 * 0.5 * 0.5 * 24))
    assert found.recommend is None
    assert found.text == "unclear: learning again brings -2,500 to 1,100 over 30 days"


def test_a_drop_at_break_even_brings_nothing_over_the_horizon() -> None:
    edge = cost_benefit(**GIVEN, delay_days=3).break_even_drop
    found = cost_benefit(**{**GIVEN, "drop": edge}, delay_days=3)
    assert found.net.value == pytest.approx(0, abs=1e-9)
    assert found.break_even_days.value == pytest.approx(30)


@pytest.mark.parametrize(
    ("cost", "answer", "text"),
    [
        (5_000, True, "learn again: it brings 2,500 to 11,500 over 30 days"),
        (20_000, False, "wait: it brings -12,500 to -3,500 over 30 days"),
        (12_000, None, "unclear: learning again brings -4,500 to 4,500 over 30 days"),
        (7_500, None, "unclear: learning again brings 0 to 9,000 over 30 days"),
    ],
)
def test_the_whole_interval_decides(cost: float, answer: bool | None, text: str) -> None:
    found = cost_benefit(**{**GIVEN, "fixed_cost": cost})
    assert found.recommend is answer
    assert found.text == text


def test_a_drop_without_an_interval_leaves_it_open_and_a_known_one_does_not() -> None:
    open_ = cost_benefit(**{**GIVEN, "drop": Estimate(0.08, None, None)})
    assert (open_.recommend, open_.net.low, open_.break_even_days.low) == (None, None, None)
    assert open_.text == "unclear: the drop has no interval; its estimate brings 7,000 over 30 days"
    known = cost_benefit(**{**GIVEN, "drop": 0.08})
    assert (known.recommend, known.text) == (True, "learn again: it brings 7,000 over 30 days")


def test_a_model_that_became_better_never_pays_a_new_one() -> None:
    found = cost_benefit(**{**GIVEN, "drop": Estimate(-0.02, -0.05, 0.01)})
    assert found.loss.value == pytest.approx(-3_000)
    assert found.break_even_days.value == inf
    assert found.break_even_days.high == inf
    assert found.break_even_days.low == pytest.approx(100)
    assert found.recommend is False


def test_a_new_model_that_comes_after_the_horizon_saves_nothing() -> None:
    found = cost_benefit(**GIVEN, delay_days=40)
    assert (found.avoided.value, found.break_even_drop, found.recommend) == (0.0, None, False)


@pytest.mark.parametrize("name", ["rows_per_day", "value_per_row", "horizon_days"])
@pytest.mark.parametrize("value", [0, -1, nan, inf, "3", None, True])
def test_what_must_be_above_0_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} is .*; it is a number above 0"):
        cost_benefit(**{**GIVEN, name: value})


@pytest.mark.parametrize("name", ["fixed_cost", "compute_cost", "delay_days"])
@pytest.mark.parametrize("value", [-1, nan, inf, "3", None, True])
def test_what_must_not_be_below_0_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} is .*; it is a number from 0 up"):
        cost_benefit(**{**GIVEN, name: value})


@pytest.mark.parametrize("value", [0, -0.5, 1.01, nan, "1", None])
def test_what_is_no_share_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"recovered is .*; it is a share above 0 to 1"):
        cost_benefit(**GIVEN, recovered=value)


@pytest.mark.parametrize(
    "drop", [None, nan, inf, "0.1", True, (0.1,), (0.1, 0.2, 0.3), (0.1, None, 0.3), (nan, 0, 1), (0.1, 0.0, inf), {}]
)
def test_what_is_no_drop_is_refused(drop: Any) -> None:
    with pytest.raises(DataError, match=r"drop is .*; it is an Estimate or \(value, low, high\)"):
        cost_benefit(**{**GIVEN, "drop": drop})


def test_numbers_that_overflow_are_refused() -> None:
    with pytest.raises(ConfigError, match="too large"):
        cost_benefit(**{**GIVEN, "rows_per_day": 1e300, "value_per_row": 1e300})


def test_it_is_plain_json() -> None:
    made = json.loads(json.dumps(cost_benefit(**{**GIVEN, "drop": (-0.01, -0.02, 0.0)}).to_dict(), allow_nan=False))
    assert made["break_even_days"] == {"value": "inf", "low": "inf", "high": "inf"}
    assert made["drop"] == {"value": -0.01, "low": -0.02, "high": 0.0}
    assert made["recommend"] is False
    assert made["text"].startswith("wait")


@given(
    st.floats(-1, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1e6),
    st.floats(0.01, 1),
    st.floats(0, 60),
)
def test_a_larger_drop_is_never_less_worth_mending(
    value: float, below: float, above: float, cost: float, recovered: float, delay: float
) -> None:
    drop = Estimate(value, value - below, value + above)
    found = cost_benefit(**{**GIVEN, "drop": drop, "fixed_cost": cost}, recovered=recovered, delay_days=delay)
    assert found.net.low is not None
    assert found.net.high is not None
    assert found.net.low <= found.net.value <= found.net.high
    days = found.break_even_days
    assert days.low is not None
    assert days.high is not None
    assert days.low <= days.value <= days.high
    if found.recommend:
        assert days.high <= 30 + 1e-9
    if found.recommend is False and cost > 0:
        assert days.low >= 30 - 1e-9 or delay >= 30
