"""Bounds of a mean hold for laws of which all is known, and are no wider than simpler ones."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import rel_entr
from scipy.stats import binom

from accel_drift.statistics.mean_bounds import least_tolerance


def errors(n: int, ones: int) -> np.ndarray:
    return (np.arange(n) < ones).astype(np.float64)


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("n", [2, 30, 200])
@pytest.mark.parametrize("above", [True, False])
def test_errors_are_further_off_as_seldom_as_is_said(p: float, n: int, above: bool) -> None:
    """Exactly: every number of errors, by its chance."""
    chance, missed = 0.1, 0.0
    for ones in range(n + 1):
        tolerance = least_tolerance(errors(n, ones), chance, above=above)
        missed += binom.pmf(ones, n, p) * ((p - ones / n if above else ones / n - p) > tolerance)
    assert missed <= chance
    assert missed > 0 or n < 200 or p in (0.01, 0.9)  # it is not so wide that it says nothing


def test_values_of_a_small_spread_are_known_better_than_errors() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.beta(2, 38, (400, 3000))
    tolerances = np.array([least_tolerance(values, 0.05, above=True) for values in drawn])
    assert (drawn.mean(axis=1) + tolerances < 0.05).mean() <= 0.05
    same = least_tolerance(errors(3000, 150), 0.05, above=True)
    assert (tolerances < 0.6 * same).all()
    spread = drawn[0].var(ddof=1)
    wanted = sqrt(2 * spread * log(80) / 3000) + 7 * log(80) / (3 * 2999)
    assert least_tolerance(drawn[0], 0.05, above=False) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("n", "ones"), [(50, 0), (50, 1), (1000, 500), (1000, 999)])
def test_it_is_where_the_divergence_comes_to_the_cost(n: int, ones: int) -> None:
    mean, cost = ones / n, log(2 / 0.01) / n
    wanted = brentq(lambda m: rel_entr(mean, m) + rel_entr(1 - mean, 1 - m) - cost, mean, 1 - 1e-15, xtol=1e-14)
    found = least_tolerance(errors(n, ones), 0.01, above=True)
    assert found == pytest.approx(wanted - mean, rel=1e-6)
    assert found <= sqrt(log(2 / 0.01) / (2 * n))
    assert found == pytest.approx(least_tolerance(1 - errors(n, ones), 0.01, above=False), rel=1e-9)


def test_a_mean_cannot_be_beyond_1() -> None:
    assert least_tolerance(np.ones(40), 0.01, above=True) == 0
    assert least_tolerance(np.zeros(40), 0.01, above=False) == 0
    assert 0 < least_tolerance(np.ones(40), 0.01, above=False) < 0.2
