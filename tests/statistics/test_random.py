"""The laws of the random draws, and that a seed decides them all."""

from __future__ import annotations

from collections import Counter
from math import comb

import numpy as np
import pytest
from scipy import stats

from accel_drift.statistics import draws

FAR = 5.0
"""Standard errors that a right mean strays less than once in a million."""


def test_keys_differ_by_seed_and_by_purpose() -> None:
    keys = {
        draws.key(seed, *purpose).tobytes()
        for seed in (-1, 0, 1, 2**70)
        for purpose in (("a",), ("b",), ("a", "b"), ("ab",))
    }
    assert len(keys) == 16
    assert np.array_equal(draws.key(3, "x", 1), draws.key(3, "x", 1))


def test_uniforms_are_inside_and_even() -> None:
    u = draws.uniforms(draws.key(1, "even"), 0, 500, 40)
    assert ((u > 0) & (u < 1)).all()
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-6


def test_a_later_round_goes_on_where_the_first_stopped() -> None:
    args = np.array([[30, 5, 12, 3]]), np.array([20])
    streams = draws.keys(1, "g", ["a"])
    whole = draws.hypergeometric(streams, 0, 50, *args)
    parts = [draws.hypergeometric(streams, lo, hi - lo, *args) for lo, hi in ((0, 13), (13, 14), (14, 50))]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


def test_a_stream_depends_on_its_name_alone() -> None:
    three = draws.keys(1, "null", ["a", "b", "c"])
    assert np.array_equal(draws.keys(1, "null", ["c", "a"]), three[[2, 0]])
    assert np.array_equal(three[1], draws.key(1, "null", "b"))
    assert draws.keys(1, "null", []).shape == (0, 2)


@pytest.mark.statistical
def test_urns_of_their_own_for_every_draw() -> None:
    rng = np.random.default_rng(6)
    pooled, count = np.array([[40, 7, 0, 25], [3, 90, 5, 8]]), 20_000
    which = rng.integers(0, 2, count)
    rows = np.array([33, 50])[which]
    drawn = draws.hypergeometric_rows(draws.key(3, "r"), 5, pooled[which], rows)
    assert (drawn.sum(axis=1) == rows).all()
    for i, n in enumerate((33, 50)):
        share = pooled[i] / pooled[i].sum()
        found, variance = drawn[which == i], n * share * (1 - share) * (pooled[i].sum() - n) / (pooled[i].sum() - 1)
        assert (np.abs(found.mean(axis=0) - n * share) <= FAR * np.sqrt(variance / len(found)) + 1e-12).all()
        assert found.var(axis=0) == pytest.approx(variance, rel=FAR * np.sqrt(3 / len(found)))


@pytest.mark.statistical
def test_hypergeometric_moments_and_exchangeability() -> None:
    pooled, rows, count = np.array([40, 7, 7, 1, 0, 25]), 33, 20_000
    total = int(pooled.sum())
    drawn = draws.hypergeometric(draws.keys(2, "h", [""]), 0, count, pooled[None], np.array([rows]))[0]
    assert (drawn.sum(axis=1) == rows).all()
    assert ((drawn >= 0) & (drawn <= pooled)).all()
    share = pooled / total
    mean = rows * share
    variance = rows * share * (1 - share) * (total - rows) / (total - 1)
    there = variance > 0
    assert (np.abs(drawn.mean(axis=0) - mean)[there] <= FAR * np.sqrt(variance[there] / count)).all()
    # The sampling deviation of a variance is about sqrt(2 / count) of it.
    assert drawn.var(axis=0)[there] == pytest.approx(variance[there], rel=FAR * np.sqrt(3 / count))
    covariance = -rows * share[0] * share[5] * (total - rows) / (total - 1)
    assert np.cov(drawn[:, 0], drawn[:, 5])[0, 1] == pytest.approx(covariance, rel=0.1)
    # Cells of one size have one law, wherever they stand in the sequential scheme.
    levels = range(8)
    table = [[int((drawn[:, j] == v).sum()) for v in levels] for j in (1, 2)]
    used = [v for v in levels if sum(row[v] for row in table) > 20]
    assert float(stats.chi2_contingency(np.array(table)[:, used])[1]) > 1e-6


@pytest.mark.statistical
def test_hypergeometric_is_the_law_of_dealt_rows() -> None:
    pooled, rows = np.array([3, 2, 2]), 4
    drawn = draws.hypergeometric(draws.keys(3, "exact", [""]), 0, 30_000, pooled[None], np.array([rows]))[0]
    seen = Counter((int(a), int(b), int(c)) for a, b, c in drawn)
    chances = {
        (a, b, rows - a - b): comb(3, a) * comb(2, b) * comb(2, rows - a - b) / comb(7, rows)
        for a in range(4)
        for b in range(3)
        if 0 <= rows - a - b <= 2
    }
    assert seen.keys() == chances.keys()
    expected = [chances[k] * 30_000 for k in seen]
    assert stats.chisquare(list(seen.values()), expected).pvalue > 1e-6


@pytest.mark.statistical
def test_labellings_are_even_and_the_first_is_the_observed_one() -> None:
    e = draws.labels(draws.key(4, "l"), 0, 20_001, 6, 2)
    assert e[0].tolist() == [1, 1, 0, 0, 0, 0]
    assert (e.sum(axis=1) == 2).all()
    codes = (e[1:] << np.arange(6)).sum(axis=1)
    _, seen = np.unique(codes, return_counts=True)
    assert len(seen) == comb(6, 2)
    assert stats.chisquare(seen).pvalue > 1e-6


@pytest.mark.statistical
def test_every_subset_is_as_likely() -> None:
    chosen = [tuple(draws.subset(draws.key(seed, "s"), 5, 2).tolist()) for seed in range(4000)]
    assert all(list(c) == sorted(set(c)) for c in chosen)
    _, seen = np.unique([10 * a + b for a, b in chosen], return_counts=True)
    assert len(seen) == 10
    assert stats.chisquare(seen).pvalue > 1e-6


def test_subset_of_everything_is_everything() -> None:
    assert draws.subset(draws.key(0, "s"), 4, 9).tolist() == [0, 1, 2, 3]
