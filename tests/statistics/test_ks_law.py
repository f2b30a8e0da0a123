"""The law of the largest gap against counted paths and the limit law."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from accel_drift.backends import get_backend
from accel_drift.statistics import draws, ks_law
from accel_drift.statistics.tail import SMALLEST

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def _paths(steps: Counts, n: Counts, m: Counts) -> Floats:
    return np.asarray(get_backend("numpy").kernels.lattice_tail(steps, n, m))


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000, 4000])
def test_of_two_even_sides_is_that_of_counted_paths(n: int) -> None:
    steps = np.unique(np.linspace(0, n, 40).astype(np.int64))
    size = np.full(len(steps), n)
    p, methods = ks_law.tails(steps / n, size, size)
    assert set(methods) == {"exact"}
    assert np.all((p >= 0) & (p <= 1))
    assert p == pytest.approx(np.maximum(_paths(steps * n, size, size), SMALLEST), rel=1e-10)


def test_columns_of_every_size_side_by_side() -> None:
    n, m = np.array([7, 2000, 50_000, 30_000, 50_000]), np.array([7, 2999, 50_000, 20_000, 50_000])
    d = np.array([3 / 7, 0.04, 0.0086, 0.012, 0.0])
    p, methods = ks_law.tails(d, n, m)
    assert methods == ["exact", "exact", "exact", "asymptotic", "exact"]
    assert p[0] == pytest.approx(_paths(np.array([21]), n[:1], m[:1])[0])
    assert p[2] == pytest.approx(stats.kstwobign.sf(d[2] * np.sqrt(25_000)), rel=0.02)
    assert p[4] == 1.0


@pytest.mark.parametrize(("n", "m"), [(4000, 1000), (3000, 2000), (4500, 500)])
def test_limit_law_takes_over_where_it_is_close(n: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = np.round(np.sqrt((n + m) * n * m) * np.array([0.6, 1.0, 1.36, 1.63, 2.2]) / np.gcd(n, m)) * np.gcd(n, m)
    case = steps / (n * m), np.full(5, n), np.full(5, m)
    exact, counted = ks_law.tails(*case)
    monkeypatch.setattr(ks_law, "EXACT_ROWS", n + m - 1)
    limit, methods = ks_law.tails(*case)
    assert (set(counted), set(methods)) == ({"exact"}, {"asymptotic"})
    np.testing.assert_allclose(limit[:4], exact[:4], rtol=0.03)
    assert limit[4] == pytest.approx(exact[4], rel=0.06)


def test_errors_are_those_of_drawn_samples() -> None:
    rng = np.random.default_rng(7)
    n, m = 400, 250
    drawn = [stats.ks_2samp(rng.random(n), rng.random(m), method="asymp").statistic for _ in range(2000)]
    made = ks_law.errors(np.array([n, 10]), np.array([m, 10]), 500)
    assert made.shape == (2, 500)
    assert np.quantile(made[0], [0.1, 0.5, 0.95]) == pytest.approx(np.quantile(drawn, [0.1, 0.5, 0.95]), rel=0.05)
    assert np.quantile(made[0], 0.95) >= np.quantile(drawn, 0.95) * 0.99
    assert (made[0] ** 2).mean() == pytest.approx(np.pi**2 / 12 * (1 / n + 1 / m), rel=0.01)


@pytest.mark.parametrize("weights", [np.ones(128), np.r_[np.full(40, 3.0), np.ones(50)]], ids=["alike", "unlike"])
def test_law_on_cells_is_that_of_relabelled_counts(weights: Floats) -> None:
    n, m = 9_000, 2_500
    pooled = np.round(weights / weights.sum() * (n + m)).astype(np.int64)
    pooled[0] += n + m - pooled.sum()
    a = draws.hypergeometric(draws.keys(2, "cells", [""]), 0, 60_000, pooled[None], np.array([n]))[0]
    gaps = np.abs(np.cumsum(a, axis=1) / n - np.cumsum(pooled - a, axis=1) / m).max(axis=1)
    d = np.quantile(gaps, [0.2, 0.5, 0.8, 0.95, 0.99])
    p = ks_law.on_cells(d, np.tile(pooled, (5, 1)), np.full(5, n), np.full(5, m))
    drawn = (gaps[:, None] >= d).mean(axis=0)
    assert np.all(p >= drawn * [0.98, 0.97, 0.96, 0.94, 0.9])
    assert np.all(p <= drawn * [1.05, 1.08, 1.1, 1.15, 1.25])


def test_nothing_apart_is_no_evidence() -> None:
    assert ks_law.on_cells(np.zeros(1), np.ones((1, 100), np.int64) * 100, np.array([5000]), np.array([5000])) == 1.0
