"""P-values from draws: never 0, ties count, more rounds keep the level, and a fitted tail is near the true one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from accel_drift.statistics import tail
from accel_drift.statistics.tail import fitted_tail

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def test_ties_count_against_drift() -> None:
    null = np.array([[1.0, 1.0 + 1e-15, 1.0 - 1e-15, 0.5, 2.0]])
    assert tail.at_least(null, np.array([1.0])).tolist() == [4]
    assert tail.at_least(np.array([[0.0, 0.0]]), np.array([0.0])).tolist() == [2]


@pytest.mark.parametrize("permutations", [19, 99, 999])
@pytest.mark.parametrize("needed", [0.5, 0.01, 2e-4, 1e-6])
def test_rounds_reach_what_the_correction_needs(permutations: int, needed: float) -> None:
    totals = tail.rounds(permutations, needed)
    assert totals[0] == permutations
    assert 1 / (1 + totals[-1]) <= needed
    assert all(b == 10 * (a + 1) - 1 for a, b in pairwise(totals))
    assert len(totals) == 1 or 1 / (1 + totals[-2]) > needed


def test_a_need_that_nothing_meets_ends_somewhere() -> None:
    assert 10**6 <= tail.rounds(999, 0.0)[-1] < 10**9


def test_p_value_is_one_and_the_exceedances_over_one_and_the_draws() -> None:
    def draw(columns: Places, first: int, count: int) -> Floats:
        return np.tile(np.arange(first, first + count, dtype=np.float64), (len(columns), 1))

    found = tail.sequential(np.array([0.0, 50.0, 99.0, 1e9]), draw, 99, 0.5)
    assert found.p_value.tolist() == [1.0, 0.5, 0.01, 0.01]
    assert found.draws.tolist() == [99] * 4
    assert found.first.shape == (4, 99)
    assert found.mean.tolist() == [49.0] * 4


def test_only_columns_with_few_exceedances_go_on() -> None:
    asked: list[tuple[list[int], int, int]] = []

    def draw(columns: Places, first: int, count: int) -> Floats:
        asked.append((columns.tolist(), first, count))
        return np.zeros((len(columns), count))

    found = tail.sequential(np.array([0.0, 1.0]), draw, 99, 1e-3)
    assert asked == [([0, 1], 0, 99), ([1], 99, 900)]
    assert found.p_value.tolist() == [1.0, 1e-3]


@pytest.mark.parametrize("at_once", [1, 700, 5000])
def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """However many draws are in memory at a time, and however many columns."""
    made = np.random.default_rng(4).random((7, 999))

    def draw(columns: Places, first: int, count: int) -> Floats:
        assert columns.size * count * 3 <= max(at_once, 3)
        return made[columns, first : first + count]

    monkeypatch.setattr(tail, "_AT_ONCE", at_once)
    found = tail.sequential(np.linspace(0.5, 2, 7), draw, 99, 1e-3, 3)
    hits = (made >= np.linspace(0.5, 2, 7)[:, None]).cumsum(axis=1)
    done = np.where(hits[:, 98] >= tail.ENOUGH, 99, 999)
    assert found.draws.tolist() == done.tolist()
    assert found.p_value == pytest.approx((1 + hits[np.arange(7), done - 1]) / (1 + done))


def test_a_round_that_all_columns_together_make_too_dear_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    null = np.random.default_rng(5).chisquare(8, (4, 999))
    monkeypatch.setattr(tail, "_AFFORDABLE_ROUND", 3 * 900)
    found = tail.sequential(np.full(4, 60.0), lambda c, first, n: null[c, first : first + n], 99, 1e-3)
    assert found.draws.tolist() == [99] * 4
    assert found.fitted.all()
    few = tail.sequential(np.array([0.0, 60.0, 60.0]), lambda c, first, n: null[c, first : first + n], 99, 1e-3)
    assert few.draws.tolist() == [99, 999, 999]
    assert not few.fitted.any()


def test_a_column_far_beyond_makes_no_round_for_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before `_CERTAIN` draws, and a column whose fitted tail is near the needed p-value makes them all."""
    null = np.random.default_rng(6).chisquare(8, (3, 9999))
    observed = np.array([1e3, 35.0, 1e3])
    null[2, 700] = 2e3  # what happens once in ten thousand is seen

    def found(certain: int) -> tail.Tail:
        monkeypatch.setattr(tail, "_CERTAIN", certain)
        return tail.sequential(observed, lambda c, first, n: null[c, first : first + n], 99, 1e-4)

    early, late = found(999), found(9999)
    assert early.draws.tolist() == [999, 9999, 9999]
    assert early.fitted.tolist() == [True, False, False]
    assert early.p_value[0] == tail.FITTED
    assert early.p_value[2] == 2e-4
    assert late.draws.tolist() == [9999] * 3
    assert not late.fitted.any()


def test_no_columns() -> None:
    assert tail.sequential(np.zeros(0), lambda *_: np.zeros((0, 1)), 99, 0.01).p_value.shape == (0,)


@pytest.mark.statistical
def test_going_on_keeps_the_level_at_every_threshold() -> None:
    """Besag & Clifford 1991: however it stops, P(p <= t) <= t."""
    columns = 20_000
    rng = np.random.default_rng(1)
    streams = [np.random.default_rng([2, j]) for j in range(columns)]
    found = tail.sequential(
        rng.random(columns), lambda c, _, count: np.array([streams[j].random(count) for j in c]), 99, 1e-3
    )
    assert (found.p_value > 0).all()
    for t in (0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.11, 0.12, 0.2, 0.5):
        bound = stats.binom.isf(1e-6, columns, t)
        assert (found.p_value <= t).sum() <= bound
        assert (found.p_value <= t).sum() >= stats.binom.ppf(1e-6, columns, 0.8 * t)


@pytest.mark.statistical
@pytest.mark.parametrize("shape", [0.5, 4.0])
def test_leaving_early_keeps_the_level(monkeypatch: pytest.MonkeyPatch, shape: float) -> None:
    """Skewed laws, fitted to 99 draws: hardly a column without drift is said to lie beyond them."""
    monkeypatch.setattr(tail, "_CERTAIN", 99)
    columns, rng = 20_000, np.random.default_rng(3)
    streams = [np.random.default_rng([4, j]) for j in range(columns)]
    observed = rng.gamma(shape, size=columns)
    found = tail.sequential(
        observed, lambda c, _, count: np.array([streams[j].gamma(shape, size=count) for j in c]), 99, 1e-3
    )
    assert found.fitted.sum() <= 1
    for t in (0.001, 0.002, 0.005, 0.01, 0.05):
        assert (found.p_value <= t).sum() <= stats.binom.isf(1e-6, columns, t)


@pytest.mark.statistical
@pytest.mark.parametrize("law", [stats.gamma(2.0), stats.chi2(8), stats.gamma(20.0, loc=-20.0), stats.norm()])
def test_fitted_tail_is_near_the_true_one(law: stats.rv_continuous) -> None:
    null = np.asarray(law.rvs(size=999, random_state=3), dtype=np.float64)
    for p in (0.05, 1e-2, 1e-3, 1e-4):
        fitted = fitted_tail(null, float(law.isf(p)))
        assert 0 < fitted < 1
        assert abs(np.log10(fitted / p)) < 0.25 * (1 + abs(np.log10(p)))
    assert fitted_tail(null, 1e6) > 0


def test_fitted_tail_of_draws_that_are_all_one() -> None:
    """With no spread there is no law to fit: what is beyond all draws gets what the draws allow."""
    assert fitted_tail(np.ones(99), 2.0) == 0.01
    assert fitted_tail(np.array([0.1 + 0.2, 0.3] * 5), 0.9) == 1 / 11
