"""Ranks that rows of a cell share serve as well as their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from accel_drift.statistics.intraclass import alike, mid_ranks


def test_few_values_have_their_mid_ranks() -> None:
    rng = np.random.default_rng(1)
    for values in (rng.integers(0, 20, 900), rng.random(50) < 0.3, rng.binomial(4, 0.5, 700) / 8, np.zeros(0)):
        assert mid_ranks(values) == pytest.approx(stats.rankdata(values))


@pytest.mark.parametrize("cuts", [None, np.linspace(-3, 3, 127)])
def test_many_values_are_as_alike_within_blocks_as_by_their_own_ranks(cuts: np.ndarray | None) -> None:
    rng = np.random.default_rng(2)
    block = np.repeat(np.arange(200), 25)
    values = rng.normal(size=5_000) + 0.3 * rng.normal(size=200)[block]
    ranks = mid_ranks(values, cuts)
    assert np.abs(ranks - stats.rankdata(values)).max() <= 5_000 / 32
    found, exact = alike(ranks, block), alike(stats.rankdata(values), block)
    assert found is not None
    assert exact is not None
    assert found.design_effect == pytest.approx(exact.design_effect, rel=5e-3)
    assert found.worth_a_warning
