"""A lead is found where there is one, at the promised rate only where there is none; else it says why not."""

from __future__ import annotations

import json
from typing import Any, get_args

import numpy as np
import pytest

from accel_drift.errors import ConfigError, DataError
from accel_drift.predictions import LeadLag, lead_lag
from accel_drift.predictions.cross_correlation import Sign, drawn
from accel_drift.predictions.lead import MOST_POINTS
from accel_drift.predictions.prewhitening import FEWEST_POINTS, prewhitened
from bench.published.lead_lag import permuted
from tests.predictions.pairs_of_series import WITH, WITHOUT, autoregressive, led, noise, share, week

PAIRS = 200
BEYOND = 0.125
"""Of 200 pairs at a chance of 0.05, more than 25 come once in 30,000 times."""


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def at(found: LeadLag, steps: int) -> Any:
    return next(lag for lag in found.lags if lag.steps == steps)


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 100])
@pytest.mark.parametrize(
    "name", ["white, 0.8 together", "autoregressive 0.9", "random walks", "growing noise", "heavy tails", "shared ramp"]
)
def test_without_a_lead_none_is_seen_but_by_chance(name: str, n: int) -> None:
    found = share(name, n, PAIRS, permutations=99)
    assert found["lead"] <= BEYOND
    assert max(found["p_first"], found["p_second"], found["p_asymmetry"]) <= BEYOND + 0.02  # see the docstring
    assert found["p_first"] > 0


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("shared step", 100), ("shared pulse", 100), ("readings of one", 300)])
def test_where_each_tells_of_the_other_no_lead_is_said(name: str, n: int) -> None:
    found = share(name, n, PAIRS, permutations=99)
    assert found["p_first"] > 0.05
    assert max(found["lead"], found["p_asymmetry"]) <= BEYOND


@pytest.mark.statistical
def test_permuted_times_alone_would_see_leads_between_series_that_remember() -> None:
    """Why the past is taken out: the same permutations of the raw ranks."""
    pairs = [WITHOUT["autoregressive 0.9"](rng(i), 100) for i in range(100)]
    assert np.mean([permuted(x, y, rng(i), 99).lead <= 0.05 for i, (x, y) in enumerate(pairs)]) > 0.3
    assert np.mean([(lead_lag(x, y, permutations=99).p_first or 0) <= 0.05 for x, y in pairs]) < 0.15


@pytest.mark.statistical
@pytest.mark.parametrize("name", WITH)
def test_a_lead_is_found_and_its_steps(name: str) -> None:
    steps = 1 if name.endswith("1") else 3
    found = [lead_lag(*WITH[name](rng(i, 3), 200), alternative="negative", permutations=199) for i in range(30)]
    assert np.mean([one.lead == steps for one in found]) > 0.8
    assert not [one for one in found if one.lead is not None and one.lead < 0]


@pytest.mark.parametrize("seed", range(3))
def test_mirrored_the_second_leads(seed: int) -> None:
    first, second = led(4, 1.0)(rng(seed), 200)
    one, other = lead_lag(first, second), lead_lag(second, first)
    assert (one.lead, other.lead) == (4, -4)
    assert (one.p_first, other.p_second) == (0.001, 0.001)
    assert at(one, 4).correlation == pytest.approx(at(other, -4).correlation)
    assert one.text.startswith("the first leads by 4 steps (p-values: first 0.001")
    assert other.text.startswith("the second leads by 4 steps")
    assert lead_lag(first, second, alternative="positive").lead is None
    assert at(one, 4).correlation < -at(one, 4).simultaneous
    assert lead_lag(*led(1, 2.0)(rng(seed), 200)).text.startswith("the first leads by 1 step (")


def test_each_telling_of_the_other_alike_is_no_lead() -> None:
    source, first, second = rng(5).normal(size=(3, 400))
    found = lead_lag(first + np.roll(source, 1), second + source)
    assert found.lead == -1
    both = lead_lag(first + np.roll(source, 1), second + source + np.roll(first, 1))
    assert both.lead is None
    assert both.p_first == both.p_second == 0.001
    assert both.text.startswith("no lead: each foretells the other (p-values")
    same = lead_lag(source, source)
    assert (same.p_asymmetry, same.lead) == (1.0, None)


def slow_correlation(a: Any, b: Any, step: int) -> tuple[float, float, int]:
    met = [(a[t], b[t + step]) for t in range(len(a)) if 0 <= t + step < len(b)]
    both = [(x, y) for x, y in met if not (np.isnan(x) or np.isnan(y))]
    product = sum(x * y for x, y in both)
    whole = np.sqrt(sum(x * x for x, _ in both) * sum(y * y for _, y in both))
    return product / whole, np.sqrt(sum((x * y) ** 2 for x, y in both)) / whole, len(both)


@pytest.mark.parametrize("missing", [0, 12])
def test_correlations_are_those_of_a_plain_loop(missing: int) -> None:
    x, y = noise(rng(9), 90, 0.5)
    x[rng(1).choice(90, missing, replace=False)] = np.nan
    y[rng(2).choice(90, missing // 2, replace=False)] = np.nan
    gone = np.isnan(x) | np.isnan(y)
    found = lead_lag(x, y, most=5)
    left = prewhitened(np.where(gone, np.nan, x), np.where(gone, np.nan, y))
    assert not isinstance(left, str)
    (a, b), order = left
    assert (np.isnan(a) == np.isnan(b)).all()
    assert found.points == np.count_nonzero(~np.isnan(a))
    assert (found.missing, found.order) == (int(gone.sum()), order)
    assert [lag.steps for lag in found.lags] == list(range(-5, 6))
    for lag in found.lags:
        correlation, error, pairs = slow_correlation(a, b, lag.steps)
        assert lag.correlation == pytest.approx(correlation, abs=1e-12)
        assert lag.pairs == pairs
        assert 1.2 < lag.pointwise / error < 2.8
        if lag.steps:
            assert lag.simultaneous is not None
            assert lag.simultaneous > lag.pointwise


@pytest.mark.parametrize("missing", [0, 9])
def test_differences_are_those_of_a_plain_loop(missing: int) -> None:
    x, y = noise(rng(19), 70, 0.6)
    x[rng(1).choice(70, missing, replace=False)] = np.nan
    y[np.isnan(x)] = np.nan
    made = drawn(x, y, 4, 99, 0, None)
    sides = prewhitened(x, y)
    assert not isinstance(made, str)
    assert not isinstance(sides, str)
    a, b = sides[0]
    for place, k in enumerate(range(1, 5)):
        w = a[:-k] * b[k:] - a[k:] * b[:-k]
        w = w[~np.isnan(w)]
        assert made.differences[place, 0] == pytest.approx(w.sum() / np.sqrt((w * w).sum()), abs=1e-9)
    for sign in get_args(Sign):
        more, less = (made.largest_difference(sign, side, 1) for side in (1, -1))
        assert np.maximum(more, less) == pytest.approx(np.abs(made.differences).max(axis=0))
    whole = made.largest_difference("two-sided", 1, 2)[0]
    ahead = np.abs(made.statistics[[6, 7, 8], 0]) > np.abs(made.statistics[[2, 1, 0], 0])
    assert whole == pytest.approx(max(np.where(ahead, 1, -1) * np.abs(made.differences[1:, 0])))


@pytest.mark.statistical
def test_the_bands_hold_at_their_rates() -> None:
    made = [lead_lag(*noise(rng(i, 4), 80), permutations=199, most=6) for i in range(200)]
    outside = np.array([[abs(lag.correlation) > lag.pointwise for lag in one.lags] for one in made])
    assert 0.03 < outside.mean() < 0.07  # at lag 0 as well
    assert outside[:, 6].mean() <= BEYOND
    beyond = [any(abs(g.correlation) > g.simultaneous for g in one.lags if g.simultaneous) for one in made]
    assert np.mean(beyond) <= BEYOND


def test_together_is_seen_at_lag_0_and_is_no_lead() -> None:
    found = lead_lag(*noise(rng(2), 200, 0.9))
    assert at(found, 0).correlation > 0.8 > at(found, 0).pointwise
    assert at(found, 0).simultaneous is None
    assert found.lead is None
    assert found.text.startswith("no lead (p-values")


def test_missing_values_leave_their_time_out_and_no_other() -> None:
    first, second = led(3, 1.0)(rng(1), 200)
    holes = rng(8).random(200) < 0.1
    found = lead_lag(np.where(holes, np.nan, first), second)
    assert (found.lead, found.missing) == (3, int(holes.sum()))
    other = [None if hole else float(value) for hole, value in zip(holes, second, strict=True)]
    assert lead_lag(first, other) == found


def test_ties_scales_and_outliers_are_taken() -> None:
    first, second = led(2, 1.5)(rng(3), 150)
    assert lead_lag(1e6 * first, 3 - second).p_first == lead_lag(first, second).p_first
    assert lead_lag(first + 1e12, second).p_first == lead_lag(first, second).p_first
    wild = first.copy()
    wild[75] = 1e9
    assert lead_lag(wild, second).lead == 2
    assert lead_lag(np.round(first), np.round(second)).lead == 2
    flags = lead_lag(first > 1, second > 1)
    assert flags.p_first is not None
    assert np.isfinite([lag.pointwise for lag in flags.lags]).all()
    rare = np.zeros(100)
    rare[50] = 1
    assert lead_lag(rare, np.roll(rare, 1)).p_first is not None


def test_a_week_that_both_share_is_taken_out() -> None:
    made = [week(rng(i), 140) for i in range(60)]
    assert np.mean([(lead_lag(x, y, permutations=99).p_first or 0) <= 0.05 for x, y in made]) > 0.1
    assert np.mean([(lead_lag(x, y, permutations=99, period=7).p_first or 0) <= 0.05 for x, y in made]) < 0.15


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (np.ones(50), np.arange(50) % 7, "of the first series, it is constant"),
        (np.arange(50) % 7, np.zeros(50), "of the second series, it is constant"),
        (np.arange(60.0), np.sin(np.arange(60)), "of the first series, nothing is left beside its trend"),
        (
            np.arange(10) % 3,
            np.arange(10) % 4,
            "fewer than 20 points have a value on both sides (10)",
        ),
        ([], [], "fewer than 20 points have a value on both sides (0)"),
        ([None] * 30, list(range(30)), "fewer than 20 points have a value on both sides (0)"),
    ],
)
def test_what_cannot_be_tested_says_why(first: Any, second: Any, reason: str) -> None:
    found = lead_lag(first, second)
    assert reason in found.reason
    assert (found.lead, found.p_first, found.p_second, found.p_asymmetry, found.lags) == (None, None, None, None, ())
    assert found.text == f"not tested: {found.reason}"
    json.dumps(found.to_dict(), allow_nan=False)


def test_too_few_points_that_meet_say_so() -> None:
    x, y = noise(rng(1), 60)
    assert "too few to take out a season of 20 steps" in lead_lag(x, y, period=20).reason
    x[::2], y[::2] = np.nan, np.nan
    odd = lead_lag(x, y, most=4)
    assert [lag.steps for lag in odd.lags] == [-4, -2, 0, 2, 4]
    assert "at no lag do 10 points meet" in lead_lag(x, y, most=1).reason


def test_the_shortest_and_the_longest_are_taken() -> None:
    assert lead_lag(*noise(rng(1), FEWEST_POINTS), permutations=99).p_first is not None
    found = lead_lag(*led(2)(rng(1), MOST_POINTS), permutations=99)
    assert found.lead == 2
    assert lead_lag(*noise(rng(1), 25), most=100, permutations=99).lags[-1].steps == 15


def test_the_seed_is_all_that_chance_hangs_on() -> None:
    x, y = noise(rng(1), 60)
    assert lead_lag(x, y, seed=1) == lead_lag(x, y, seed=1) != lead_lag(x, y, seed=2)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0] * 30, [1.0] * 29, "the first series has 30 points, and the second 29; give both at each time"),
        ([np.inf] * 30, [1.0] * 30, "infinite somewhere; give NaN"),
        (np.zeros(MOST_POINTS + 1), np.zeros(MOST_POINTS + 1), "at most 10,000 are taken; give the latest"),
        (["a"] * 30, [1.0] * 30, "first is no series of numbers"),
        ([1.0] * 30, np.zeros((30, 2)), "second is no series of numbers"),
        (3, [1.0], "first is no series of numbers"),
    ],
)
def test_wrong_series_are_refused(first: Any, second: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lead_lag(first, second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": 0}, "most is 0; it is a whole number of at least 1"),
        ({"permutations": 98}, "permutations is 98; it is a whole number of at least 99"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"alternative": "less"}, "alternative is 'less'; it is one of 'two-sided', 'positive', 'negative'"),
        ({"period": 1}, "period is 1; it is a whole number of at least 2"),
        ({"alpha": 0}, "alpha is 0"),
        ({"alpha": 1.5}, "alpha is 1.5"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        lead_lag([1.0] * 30, [2.0] * 30, **options)


def test_it_is_plain_json() -> None:
    made = json.loads(json.dumps(lead_lag(*noise(rng(1), 40), most=2).to_dict(), allow_nan=False))
    assert made["lags"][2]["simultaneous"] is None
    assert {"lead", "p_first", "text", "order", "points"} <= set(made)


@pytest.mark.parametrize("past", [0.0, 0.6, 0.9])
def test_what_is_left_remembers_and_trends_no_more(past: float) -> None:
    x, y = autoregressive(rng(2), 600, past)
    made = prewhitened(x + np.linspace(0, 50, 600), y - np.linspace(0, 9, 600) ** 2)
    assert not isinstance(made, str)
    left, order = made
    assert np.isnan(left[:, :order]).all()
    left = left[:, order:]
    assert left.mean(axis=1) == pytest.approx(0, abs=1e-12)
    for side in left:
        assert abs(np.corrcoef(side[1:], side[:-1])[0, 1]) < 0.1
        assert abs(np.corrcoef(side, np.arange(len(side)))[0, 1]) < 0.1
    assert order < 4
    assert order > 0 or past == 0
