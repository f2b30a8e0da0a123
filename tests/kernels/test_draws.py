"""The random counts have the distributions that they claim."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from accel_drift.backends import Backend
from accel_drift_kernels.numba_cpu import pmf as scalar
from accel_drift_kernels.numba_cpu import urns
from accel_drift_kernels.numba_cpu.draws import _fill_normals
from accel_drift_kernels.portable import pmf as vector
from accel_drift_kernels.spec import NORMAL_FORM_VARIANCE
from tests.kernels.cases import urn_args

OPERATIONS = ("hypergeometric", "dirichlet_multinomial", "multinomial")
ONE_IN_A_MILLION = 1e-6


def lanes_of(backend: Backend) -> int:
    """Draws a test makes. array-api-strict is slow, and test_conformance holds it to the other sets' counts."""
    return 2_000 if backend.name == "strict" else 20_000


def draw(backend: Backend, op: str, cells: list[int], size: int, lanes: int, seed: int) -> np.ndarray:
    """`lanes` independent draws of one setting: a fifth of them of each of five columns."""
    keys = np.random.default_rng(seed).integers(0, 2**32, size=(5, 2), dtype=np.uint32)
    args = urn_args(op, keys, lanes // 5, np.tile(np.asarray(cells, dtype=np.int64), (5, 1)), np.full(5, size))
    counts = getattr(backend.kernels, op)(*(backend.asarray(a) if isinstance(a, np.ndarray) else a for a in args))
    return backend.to_numpy(counts).reshape(lanes, len(cells))


def cell_law(op: str, cells: list[int], size: int, j: int) -> Any:
    """The distribution of one cell alone, from SciPy."""
    total = sum(cells)
    if op == "hypergeometric":
        return stats.hypergeom(total, cells[j], size)
    if op == "multinomial":
        return stats.binom(size, cells[j] / total)
    return stats.betabinom(size, cells[j], total - cells[j])


SETTINGS = [
    ([10, 0, 25, 40], 30),
    ([1, 1, 1, 1], 2),
    ([900, 50, 7_000, 2_000], 4_000),
    ([40_000, 60_000, 1, 0], 50_000),
]


@pytest.mark.statistical
@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize(("cells", "size"), SETTINGS, ids=["few", "tiny", "thousands", "many"])
def test_every_cell_fits_its_law(op: str, cells: list[int], size: int, backend: Backend) -> None:
    lanes = lanes_of(backend)
    counts = draw(backend, op, cells, size, lanes, seed=41)
    assert counts.min() >= 0
    np.testing.assert_array_equal(counts.sum(axis=1), size)
    for j in range(len(cells)):
        if cells[j] == 0:
            assert not counts[:, j].any()
            continue
        law = cell_law(op, cells, size, j)
        # About twenty cells of equal chance, merged where the law is too coarse for so many.
        edges = np.unique(law.ppf(np.linspace(0, 1, 21)[1:-1]))
        expected = lanes * np.diff([0.0, *law.cdf(edges), 1.0])
        observed = np.bincount(np.searchsorted(edges, counts[:, j], side="left"), minlength=edges.size + 1)
        keep = expected > 5
        assert observed[~keep].sum() < 100
        if keep.sum() > 1:
            fit = stats.chisquare(observed[keep], expected[keep] * observed[keep].sum() / expected[keep].sum())
            assert fit.pvalue > ONE_IN_A_MILLION


@pytest.mark.statistical
@pytest.mark.parametrize("op", OPERATIONS)
def test_cells_together_fit_the_joint_law(op: str, backend: Backend) -> None:
    """Cell by cell could be right and the cells still dependent in a wrong way: count whole outcomes."""
    cells, size, lanes = [3, 1, 2, 0], 3, lanes_of(backend)
    counts = draw(backend, op, cells, size, lanes, seed=5)
    outcomes = [(a, b, size - a - b, 0) for a in range(size + 1) for b in range(size + 1 - a)]
    chance: list[float] = []
    for x in outcomes:
        ways = math.factorial(size) / math.prod(map(math.factorial, x))
        if op == "hypergeometric":
            p: Any = math.prod(math.comb(c, v) for c, v in zip(cells, x, strict=True)) / math.comb(6, size)
        elif op == "multinomial":
            p = ways * math.prod((c / 6) ** v for c, v in zip(cells, x, strict=True))
        else:
            p = ways * math.prod(special.poch(c, v) for c, v in zip(cells, x, strict=True)) / special.poch(6, size)
        chance.append(float(p))
    assert math.isclose(sum(chance), 1)
    observed = np.array([np.all(counts == x, axis=1).sum() for x in outcomes])
    possible = np.array(chance) > 0
    assert observed[~possible].sum() == 0
    fit = stats.chisquare(observed[possible], lanes * np.array(chance)[possible])
    assert fit.pvalue > ONE_IN_A_MILLION


@pytest.mark.statistical
@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize(
    ("cells", "size"),
    [
        ([500_000_000, 1_000_000_000, 300_000_000, 200_000_000], 900_000_000),
        ([2_000_000_000, 2_000_000_000, 7, 1_999_999_993], 2_000_000_000),
        ([90, 70, 60, 100], 160),
    ],
)
def test_moments_of_the_normal_form(op: str, cells: list[int], size: int, backend: Backend) -> None:
    lanes = lanes_of(backend)
    counts = draw(backend, op, cells, size, lanes, seed=6).astype(np.float64)
    np.testing.assert_array_equal(counts.sum(axis=1), size)
    total = sum(cells)
    for j, cell in enumerate(cells):
        p = cell / total
        mean, variance = size * p, size * p * (1 - p)
        if op == "hypergeometric":
            variance *= (total - size) / (total - 1)
        elif op == "dirichlet_multinomial":
            variance *= (total + size) / (total + 1)
        error = math.sqrt(variance / lanes)
        assert abs(counts[:, j].mean() - mean) < 5 * error
        if variance > 10:
            # The variance of a sample variance of normal numbers is 2 variance² / lanes.
            assert abs(counts[:, j].var() / variance - 1) < 5 * math.sqrt(2 / lanes)


@pytest.mark.parametrize(
    ("good", "bad", "draws"), [(40, 40, 80), (17, 10**6, 10**6), (600, 900, 700), (10**6, 30, 700_000), (120, 50, 60)]
)
def test_the_normal_form_is_the_law(good: int, bad: int, draws: int) -> None:
    """The distribution function of a bent normal number, rounded, at every count: never 2e-5 from the exact one."""
    total = good + bad
    draws = min(draws, total - 1)
    urn = float(draws), float(good), float(bad)
    for law, again in ((stats.hypergeom(total, good, draws), False), (stats.binom(draws, good / total), True)):
        wide = partial(urns.wide, again, *urn)
        if law.var() < NORMAL_FORM_VARIANCE:
            continue
        assert urns.variance(again, *urn) == pytest.approx(law.var())
        for x in np.unique(law.ppf(np.linspace(0.001, 0.999, 60))):
            low, high = -8.0, 8.0
            for _ in range(50):  # the largest normal number that still gives x, or less
                middle = (low + high) / 2
                low, high = (middle, high) if wide(middle) <= x else (low, middle)
            assert stats.norm.cdf(low) == pytest.approx(law.cdf(x), abs=2e-5)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    ("good", "bad", "draws"),
    [(30, 31, 29), (60, 900, 500), (3, 9, 1), (3, 9, 11), (1, 1, 1), (7, 4, 11), (12, 2_000_000_000, 1_000_000_000)],
)
def test_sums_shared_by_draws_are_those_of_each(again: bool, good: int, bad: int, draws: int) -> None:
    """Values looked up are those that adding up finds, and both are quantiles of the law in their order."""
    urn = again, float(draws), float(good), float(bad)
    sums, values = np.empty(urns.TERMS), np.empty(urns.TERMS)
    urns.fill_sums(*urn, sums, values)
    law: Any = stats.binom(draws, good / (good + bad)) if again else stats.hypergeom(good + bad, good, draws)
    inside = sums <= 1.0 + 1e-9
    np.testing.assert_allclose(np.diff(sums[inside], prepend=0.0), law.pmf(values[inside]), rtol=1e-5, atol=1e-12)
    (mode, p), found = urns.likely(*urn), 0
    for u in [*np.random.default_rng(2).random(200), 1e-15, 1 - 1e-15]:
        each = urns.narrow(*urn, mode, p, u)
        shared = urns.look_up(u, sums, values)
        assert shared in (each, -1.0)
        found += shared == each
    assert found > 150


@pytest.mark.statistical
@pytest.mark.parametrize(("a", "b", "m"), [(1, 3, 5_000), (40, 2, 90_000), (5, 95, 200_000), (255, 400, 100_000)])
def test_wide_beta_binomials_keep_their_skewness(a: int, b: int, m: int, backend: Backend) -> None:
    """At any variance a small shape parameter leaves a law that no normal form reaches."""
    lanes = lanes_of(backend)
    counts = draw(backend, "dirichlet_multinomial", [a, b, 0, 0], m, lanes, seed=7)[:, 0]
    grid = np.quantile(counts, np.linspace(0.01, 0.99, 50))
    want = stats.betabinom(m, a, b).cdf(np.floor(grid))
    got = np.mean(counts[:, None] <= np.floor(grid)[None, :], axis=0)
    # Dvoretzky-Kiefer-Wolfowitz: passed less than once in a million runs.
    assert np.abs(got - want).max() < math.sqrt(math.log(2 / ONE_IN_A_MILLION) / (2 * lanes))


@pytest.mark.parametrize("op", OPERATIONS)
def test_counts_stay_in_the_support(op: str, backend: Backend) -> None:
    """A bent normal number knows no bounds: small cells of large urns, nearly all rows drawn."""
    cells = np.array([[7, 0, 300, 2], [40, 30, 60, 50], [10**6, 10**8, 1, 10**9], [900, 25, 20, 10**4]])
    size = np.array([308, 175, 10**9, 10_940])
    keys = np.arange(8, dtype=np.uint32).reshape(4, 2)
    args = urn_args(op, keys, 400, cells, size)
    out = backend.to_numpy(
        getattr(backend.kernels, op)(*(backend.asarray(a) if isinstance(a, np.ndarray) else a for a in args))
    )
    np.testing.assert_array_equal(out.sum(axis=2), np.repeat(size[:, None], 400, axis=1))
    assert out.min() >= 0
    assert not out[:, :, cells.argmin(axis=1)][0, :, 0].any()
    if op == "hypergeometric":
        assert (out <= cells[:, None]).all()


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_draw_depends_on_its_key_and_number_alone(op: str, backend: Backend) -> None:
    rng = np.random.default_rng(9)
    keys, cells = rng.integers(0, 2**32, size=(3, 2), dtype=np.uint32), rng.integers(0, 50, size=(3, 4))
    size = cells.sum(axis=1) // 2

    def run(chosen: list[int], first: int, count: int) -> np.ndarray:
        args = urn_args(op, keys[chosen], count, cells[chosen], size[chosen], first)
        return backend.to_numpy(
            getattr(backend.kernels, op)(*(backend.asarray(a) if isinstance(a, np.ndarray) else a for a in args))
        )

    whole = run([0, 1, 2], 3, 20)
    np.testing.assert_array_equal(run([2, 0], 3, 20), whole[[2, 0]])
    np.testing.assert_array_equal(run([0, 1, 2], 10, 6), whole[:, 7:13])


def exact_hypergeometric(x: int, good: int, bad: int, draws: int) -> float:
    """A product of a few whole-number ratios: exact whatever the size of the urn, for few good ones."""
    chance = Fraction(math.comb(good, x))
    for i in range(x):
        chance *= Fraction(draws - i, good + bad - i)
    for i in range(good - x):
        chance *= Fraction(good + bad - draws - i, good + bad - x - i)
    return float(chance)


@pytest.mark.parametrize("draws", [1_000, 10**9, 1_999_999_990])
def test_probabilities_of_two_billion_rows(draws: int) -> None:
    """A difference of log-gammas is off by 1e-5 here."""
    good, bad = 12, 2_000_000_000
    for x in range(max(0, draws - bad), 13):
        want = exact_hypergeometric(x, good, bad, draws)
        args = [np.asarray([v], dtype=np.float64) for v in (x, good, bad, draws)]
        got = float(vector.hypergeometric_pmf(*args)[0])
        assert got == pytest.approx(want, rel=1e-6)
        assert scalar.hypergeometric_pmf(float(x), float(good), float(bad), float(draws)) == pytest.approx(
            got, rel=1e-9
        )


def test_probabilities_add_up_to_one() -> None:
    x = np.arange(301.0)
    m, p = np.full_like(x, 300.0), np.full_like(x, 0.3)
    assert math.isclose(float(vector.binomial_pmf(x, m, p, 1 - p).sum()), 1, rel_tol=1e-12)
    urn = [np.full_like(x, v) for v in (700.0, 400.0, 300.0)]
    assert math.isclose(float(vector.hypergeometric_pmf(x, *urn).sum()), 1, rel_tol=1e-12)


def test_normal_quantile_is_the_standard_librarys() -> None:
    u = np.concatenate([np.linspace(0.001, 0.999, 500), 10.0 ** -np.arange(1, 300, 7), [0.5, 0.075, 0.925]])
    want = [NormalDist().inv_cdf(v) for v in u]
    np.testing.assert_allclose(vector.normal_quantile(u), want, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose([scalar.normal_quantile(v) for v in u], want, rtol=1e-14, atol=1e-15)
    side_by_side = np.empty_like(u)
    _fill_normals(u, side_by_side)
    np.testing.assert_allclose(side_by_side, want, rtol=1e-14, atol=1e-15)
