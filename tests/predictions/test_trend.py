"""The slope and its test agree with SciPy, the exact law with all orders, and nothing is found where nothing is."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from accel_drift.errors import ConfigError, DataError
from accel_drift.predictions import trend
from accel_drift.predictions.trend import EXACT_POINTS, MOST_POINTS

RNG = np.random.default_rng(7)


def series(n: int, kind: str, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng([n, seed])
    values = rng.integers(0, 5, n) if kind != "plain" else rng.normal(size=n)
    return values, rng.integers(0, 8, n) if kind == "ties in both" else rng.permutation(n) * 1.5


@pytest.mark.parametrize("n", [3, 7, 20, 60, 200])
@pytest.mark.parametrize("kind", ["plain", "ties", "ties in both"])
def test_the_slope_is_scipys(n: int, kind: str) -> None:
    values, at = series(n, kind)
    found, want = trend(values, at), stats.theilslopes(values, at)
    assert found.slope == pytest.approx(want.slope, abs=1e-12)
    if kind == "ties in both":  # SciPy's variance lacks what ties on both sides add
        assert found.low is not None
        assert found.high is not None
        assert found.low <= want.low_slope <= want.high_slope <= found.high
    else:
        assert found.low == pytest.approx(want.low_slope)
        assert found.high == pytest.approx(want.high_slope)
    assert found.tau == pytest.approx(stats.kendalltau(at, values).statistic, abs=1e-12)


@pytest.mark.parametrize("n", [3, 4, 5, 12, 33, EXACT_POINTS])
@pytest.mark.parametrize("alternative", ["two-sided", "rising", "falling"])
def test_without_ties_the_chance_is_scipys_exact_one(n: int, alternative: Any) -> None:
    words: dict[str, Any] = {"two-sided": "two-sided", "rising": "greater", "falling": "less"}
    for seed in range(5):
        values, at = series(n, "plain", seed)
        found = trend(values, at, alternative=alternative)
        want = stats.kendalltau(at, values, method="exact", alternative=words[alternative])
        assert found.p_value == pytest.approx(want.pvalue, rel=1e-9)
        assert found.p_method == "exact"


@pytest.mark.parametrize("values", [[1, 1, 2, 3, 3, 3], [0, 0, 0, 1, 2], [5, 4, 4, 1, 1, 0], [2, 2, 2, 2]])
@pytest.mark.parametrize("turned", [False, True], ids=["values", "times"])
def test_ties_on_one_side_have_the_law_of_all_orders(values: list[int], turned: bool) -> None:
    def statistic(y: Any) -> float:
        return float(sum(np.sign(y[j] - y[i]) for i in range(len(y)) for j in range(i + 1, len(y))))

    all_orders = np.array([statistic(y) for y in permutations(values)])
    line = np.arange(len(values))
    for alternative, beyond in (
        ("rising", all_orders >= statistic(values)),
        ("falling", all_orders <= statistic(values)),
        ("two-sided", np.abs(all_orders) >= abs(statistic(values))),
    ):
        found = trend(*((line, values) if turned else (values, line)), alternative=alternative)  # type: ignore[arg-type]
        assert found.p_value == pytest.approx(beyond.mean(), rel=1e-12)
        assert (found.kendall, found.p_method) == (statistic(values), "exact")


@pytest.mark.parametrize("kind", ["ties", "ties in both"])
def test_beyond_that_the_variance_is_scipys(kind: str) -> None:
    """SciPy takes nothing off for the steps of the statistic; the normal law is the same."""
    values, at = series(400, kind)
    found, want = trend(values, at), stats.kendalltau(at, values, method="asymptotic")
    deviation = abs(found.kendall) / stats.norm.isf(want.pvalue / 2)
    assert found.p_method == "asymptotic"
    assert found.p_value == pytest.approx(2 * stats.norm.sf((abs(found.kendall) - 1) / deviation), rel=1e-6)


@pytest.mark.statistical
@pytest.mark.parametrize("n", [5, 12, 40, 90])
@pytest.mark.parametrize("tied", [False, True])
def test_without_a_trend_false_alarms_are_as_promised(n: int, tied: bool) -> None:
    """1,000 series: 5 % is exceeded by 2 points with a chance of 0.2 %; above 30 points it is nearly reached."""
    rng = np.random.default_rng([n, tied])
    values = rng.standard_t(3, size=(1_000, n))
    alarms = sum(trend(y.round() if tied else y).p_value <= 0.05 for y in values) / 1_000
    assert alarms <= 0.07
    assert alarms >= 0.03 or n < 30


@pytest.mark.statistical
@pytest.mark.parametrize("n", [10, 50])
def test_the_interval_holds_the_slope(n: int) -> None:
    """1,000 series: a coverage of 95 % falls below 93 % with a chance of 0.3 %."""
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(1_000):
        found = trend(0.3 * np.arange(n) + rng.laplace(size=n))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.3 <= found.high
    assert held >= 930


def test_one_sided_questions_look_one_way() -> None:
    fall = -np.arange(20.0)
    assert trend(fall, alternative="falling").p_value < 1e-12
    assert trend(fall, alternative="rising").p_value == 1.0
    assert trend(fall).p_value == 2 * trend(fall, alternative="falling").p_value


def test_neighbours_that_hang_together_are_told() -> None:
    noise = RNG.normal(size=400)
    carried = np.convolve(noise, 0.8 ** np.arange(20))[:400]
    apart, together = trend(noise).autocorrelation, trend(carried).autocorrelation
    assert apart is not None
    assert abs(apart) < 0.2
    assert together is not None
    assert together > 0.6
    assert trend([1.0, 2.0, 3.0, 4.0]).autocorrelation is None


def test_points_without_a_value_are_left_out_and_counted() -> None:
    with_gaps: list[Any] = [1.0, None, 2.0, float("nan"), 3.5, 3.0]
    found = trend(with_gaps)
    assert found == trend([1.0, 2.0, 3.5, 3.0, None, None], [0, 2, 4, 5, 6, 7])
    assert (found.points, found.missing) == (4, 2)


def test_one_time_or_one_value_has_no_trend() -> None:
    still, at_once = trend([2.0] * 9), trend(np.arange(9), [1.0] * 9)
    assert (still.slope, still.p_value, still.tau) == (0.0, 1.0, None)
    assert (at_once.slope, at_once.low, at_once.p_value, at_once.tau) == (None, None, 1.0, None)


@pytest.mark.parametrize(
    ("values", "at", "says"),
    [
        ([1.0, 2.0], None, "2 points with a value"),
        (np.arange(MOST_POINTS + 1), None, "3,001 points.*longer windows"),
        ([1.0, np.nan, 2.0], None, "2 points"),
        ([1.0, 2.0, np.inf], None, "infinite"),
        ([1.0, 2.0, 3.0], [1, 2], "values have 3 points, and at has 2"),
        (["a", "b", "c"], None, "values is no series"),
        (np.zeros((3, 2)), None, "values is no series"),
        ([1.0, 2.0, 3.0], ["a", "b", "c"], "at is no series"),
        (None, None, "values is no series"),
    ],
)
def test_what_is_no_series_is_refused(values: Any, at: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        trend(values, at)


def test_there_are_three_alternatives() -> None:
    with pytest.raises(ConfigError, match="'two-sided', 'rising', 'falling'"):
        trend([1.0, 2.0, 3.0], alternative="greater")  # type: ignore[arg-type]
