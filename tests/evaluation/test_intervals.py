"""Intervals over seeds hold what they say as often as they say, also where batches of a seed are alike."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from accel_drift.errors import DataError
from accel_drift.evaluation import intervals


def test_a_mean_has_the_interval_of_student() -> None:
    values = [0.2, 0.5, 0.4, 0.9]
    made = intervals.mean(values)
    theirs = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (made.value, made.low, made.high) == pytest.approx((0.5, theirs.low, theirs.high))
    assert intervals.mean([*values, np.nan]) == made
    assert intervals.mean(values, bounds=(0.3, 0.7)).low == 0.3


@pytest.mark.parametrize("hits", [0, 1, 7, 20])
def test_clopper_and_pearson_are_those_of_scipy(hits: int) -> None:
    theirs = binomtest(hits, 20).proportion_ci(0.95, "exact")
    assert intervals.clopper_pearson(hits, 20) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("hits", [[0, 0, 0], [10, 10, 10], [5, 5, 5]])
def test_seeds_that_agree_count_batch_by_batch(hits: list[int]) -> None:
    made = intervals.share(hits, [10, 10, 10])
    assert (made.low, made.high) == pytest.approx(intervals.clopper_pearson(sum(hits), 30))


def test_seeds_that_differ_widen_the_interval() -> None:
    alike, apart = intervals.share([5, 5, 5, 5], [10] * 4), intervals.share([0, 10, 0, 10], [10] * 4)
    assert alike.value == apart.value == 0.5
    assert apart.low is not None
    assert alike.low is not None
    assert apart.low < 0.1 < 0.3 < alike.low


def test_one_seed_has_no_interval() -> None:
    assert intervals.mean([0.3]) == intervals.Estimate(0.3)
    assert intervals.share([3], [10]) == intervals.Estimate(0.3)
    assert intervals.area([1.0], 10) == intervals.Estimate(1.0)


def test_equal_values_claim_no_certainty() -> None:
    assert intervals.mean([2.0, 2.0, 2.0]) == intervals.Estimate(2.0)
    made = intervals.area([1.0, 1.0], 20)
    assert made.low == pytest.approx(0.025 ** (1 / 20))
    assert intervals.area([0.0, 0.0], 20).high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_nothing_is_made_of_nothing() -> None:
    assert intervals.mean([]).value is intervals.share([], []).value is intervals.run_length(0, 0).value is None


def test_a_run_length_counts_censored_runs() -> None:
    assert intervals.run_length(120, 3).value == 40
    made = intervals.run_length(120, 0)
    assert made.value == made.high == inf
    # Of a run length of 120 / ln 40 no alarm in 120 batches has a chance of 2.5 %.
    assert made.low == pytest.approx(120 / np.log(40))


def test_no_run_is_shorter_than_one_batch() -> None:
    made = intervals.run_length(20, 20)
    assert (made.value, made.low) == (1, 1)
    assert made.high is not None
    assert 1 < made.high < 2


def test_more_hits_than_batches_are_told() -> None:
    with pytest.raises(DataError, match="between 0 and"):
        intervals.share([3], [2])


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_share_covers_where_seeds_differ(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covered = []
    for _ in range(400):
        # Shares of seeds are Beta(1, 9): mean 0.1, and batches of one seed are much alike.
        hits = rng.binomial(25, rng.beta(1, 9, 20))
        made = intervals.share(hits, [25] * 20)
        assert made.low is not None
        assert made.high is not None
        covered.append(made.low <= 0.1 <= made.high)
    # At 0.95 fewer than 365 of 400 have a chance of 1e-3; the interval errs on the wide side.
    assert sum(covered) >= 365
