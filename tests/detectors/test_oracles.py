"""Every detector's statistic, and what else has a closed form, against slow independent code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector
from tests import oracles

TIGHT = 1e-9


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([20, *seed])


def _holes(values: npt.NDArray[Any], rng: np.random.Generator, share: float = 0.1) -> npt.NDArray[Any]:
    return np.where(rng.random(len(values)) < share, np.nan, values)


def numeric_pairs() -> dict[str, tuple[Any, Any]]:
    rng = _rng(1)
    big = 2**53
    return {
        "no ties": (rng.normal(size=157), rng.normal(0.2, 1, 91)),
        "few rows": (rng.normal(size=7), rng.normal(size=4)),
        "one bin a row": (rng.normal(size=10), rng.normal(size=33)),
        "ties": (rng.poisson(3, 120).astype(float), rng.poisson(4, 211).astype(float)),
        "mostly zeros": (np.where(rng.random(200) < 0.75, 0.0, rng.normal(size=200)), rng.normal(size=80).round(1)),
        "missing": (_holes(rng.normal(size=150), rng), _holes(rng.normal(0.5, 2, 99), rng, 0.3)),
        "infinite": (
            np.r_[rng.normal(size=40), [np.inf] * 12, [-np.inf] * 9],
            np.r_[rng.normal(size=25), [np.inf] * 3, [-np.inf] * 11, [np.nan] * 2],
        ),
        "integers": (rng.integers(-5, 6, 130), rng.integers(-6, 9, 77)),
        "beyond 2**53": (big + rng.integers(0, 9, 90), big + rng.integers(2, 11, 61)),
        "unsigned beyond 2**63": (
            np.uint64(2**63) + rng.integers(0, 9, 90).astype(np.uint64),
            np.uint64(2**63) + rng.integers(2, 11, 61).astype(np.uint64),
        ),
        "the ends of int64": (
            np.array([-(2**63), 2**63 - 1, 0, 5] * 9),
            np.array([-(2**63), 2**63 - 1, 2**63 - 2, 5] * 7),
        ),
        "float32": (rng.normal(size=140).astype(np.float32), rng.normal(0.3, 1, 88).astype(np.float32)),
        "float32 meets float64": (rng.normal(size=60).round(1).astype(np.float32), rng.normal(size=70).round(1)),
        "whole meets broken": (rng.integers(0, 9, 50), rng.integers(0, 18, 66) / 2),
        "int8": (rng.integers(-128, 128, 90).astype(np.int8), rng.integers(-128, 100, 61).astype(np.int8)),
    }


def categorical_pairs() -> dict[str, tuple[list[Any], list[Any]]]:
    rng = _rng(2)

    def draw(letters: str, rows: int, holes: float = 0.0) -> list[Any]:
        return [None if rng.random() < holes else str(c) for c in rng.choice(list(letters), rows)]

    return {
        "same categories": (draw("aabc", 120), draw("abcc", 70)),
        "missing": (draw("abcd", 90, 0.1), draw("abcd", 110, 0.25)),
        "unseen": (draw("ab", 60), draw("abxyz", 75, 0.05)),
        "all new": (draw("abc", 40), draw("xyz", 30)),
        "gone": (draw("abcdef", 80), draw("a", 25)),
    }


NUMERIC = numeric_pairs()


def _compared(x: Any, y: Any) -> tuple[Any, Any]:
    """The two sides in the type in which they are compared, where both hold floats."""
    coarse = np.float32 if np.float32 in (x.dtype, y.dtype) else np.float64
    return (x.astype(coarse), y.astype(coarse)) if x.dtype.kind == y.dtype.kind == "f" else (x, y)


COMPARED = {case: _compared(*pair) for case, pair in NUMERIC.items()}
CATEGORICAL = categorical_pairs()


def _score(detector: Detector, pair: tuple[Any, Any], backend: Backend, kind: str) -> float:
    fitted = detector.fit({"x": pair[0]}, backend=backend, kinds={"x": kind})
    return float(np.ravel(fitted.score({"x": pair[1]}))[0])


@pytest.mark.parametrize("case", NUMERIC)
@pytest.mark.parametrize("bins", [10, 33])
def test_psi_of_numbers(case: str, bins: int, backend: Backend) -> None:
    expected = oracles.psi(oracles.quantile_cells(*COMPARED[case], bins))
    assert _score(ad.PSI(bins=bins), NUMERIC[case], backend, "numeric") == pytest.approx(expected, rel=TIGHT)


@pytest.mark.parametrize("case", NUMERIC)
@pytest.mark.parametrize("bins", [3])
def test_chi_square_of_numbers(case: str, bins: int, backend: Backend) -> None:
    expected = oracles.chi_square(oracles.quantile_cells(*COMPARED[case], bins))
    found = _score(ad.ChiSquare(bins=bins), NUMERIC[case], backend, "numeric")
    assert found == pytest.approx(expected, rel=TIGHT, abs=1e-12)


@pytest.mark.parametrize("case", NUMERIC)
def test_ks_distance(case: str, backend: Backend) -> None:
    expected = oracles.ks_distance(*COMPARED[case])
    assert _score(ad.KS(), NUMERIC[case], backend, "numeric") == pytest.approx(expected, rel=TIGHT)


@pytest.mark.parametrize("case", NUMERIC)
def test_missing_share_of_numbers(case: str, backend: Backend) -> None:
    expected = oracles.missing_gap(*NUMERIC[case])
    assert _score(ad.Missing(), NUMERIC[case], backend, "numeric") == pytest.approx(expected, rel=TIGHT)


@pytest.mark.parametrize("case", CATEGORICAL)
@pytest.mark.parametrize("pseudo_count", [0.01, 0.5, 2.0])
def test_psi_of_categories(case: str, pseudo_count: float, backend: Backend) -> None:
    expected = oracles.psi(oracles.category_cells(*CATEGORICAL[case]), pseudo_count)
    found = _score(ad.PSI(pseudo_count=pseudo_count), CATEGORICAL[case], backend, "categorical")
    assert found == pytest.approx(expected, rel=TIGHT)


@pytest.mark.parametrize("case", CATEGORICAL)
def test_other_scores_of_categories(case: str, backend: Backend) -> None:
    pair = CATEGORICAL[case]
    cells = oracles.category_cells(*pair)
    for detector, expected in (
        (ad.ChiSquare(), oracles.chi_square(cells)),
        (ad.Missing(), oracles.missing_gap(*pair)),
        (ad.Unseen(), oracles.unseen_share(*pair)),
    ):
        assert _score(detector, pair, backend, "categorical") == pytest.approx(expected, rel=TIGHT, abs=1e-15)


@pytest.mark.parametrize("case", CATEGORICAL)
def test_effect_of_chi_square_is_the_corrected_v(case: str) -> None:
    pair = CATEGORICAL[case]
    (found,) = ad.ChiSquare().fit({"x": pair[0]}, backend="numpy").detect({"x": pair[1]}).findings
    assert found.effect == pytest.approx(oracles.cramers_v(oracles.category_cells(*pair)), rel=TIGHT, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 300), (40, 40), (157, 91), (500, 2000), (2_600, 2_400), (9_000, 9_000)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_ks_p_value_is_scipys_exact_one(n: int, m: int, shift: float) -> None:
    rng = _rng(3, n, m)
    x, y = rng.normal(size=n), rng.normal(size=m) + shift
    (found,) = ad.KS().fit({"x": x}, backend="numpy").detect({"x": y}).findings
    if found.p_value is None:
        assert found.status is ad.Status.TOO_FEW_ROWS
        return
    assert found.p_method == "exact"
    # SciPy counts paths, and says itself where that count overflows; a p-value below 1e-250 is beyond it.
    assert found.p_value == pytest.approx(oracles.ks_exact(x, y), rel=TIGHT, abs=1e-250)


@pytest.mark.parametrize(("n", "m"), [(2_501, 2_500), (2_000, 60_000), (50_000, 49_000)])
def test_ks_p_value_of_many_rows_is_kolmogorovs(n: int, m: int) -> None:
    rng = _rng(4, n, m)
    for shift in (0.0, 0.01, 0.02):
        x, y = rng.normal(size=n), rng.normal(size=m) + shift
        (found,) = ad.KS().fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert found.p_method == "asymptotic"
        assert found.statistic is not None
        assert found.p_value == pytest.approx(oracles.ks_limit(found.statistic, n, m), abs=1e-3)


@pytest.mark.parametrize(
    ("a", "n", "b", "m"),
    [(0, 40, 9, 30), (3, 50, 3, 20), (1, 5, 0, 7), (10, 100, 30, 90), (39, 40, 2, 41), (5, 900, 9, 60)],
)
def test_missing_p_value_and_interval(a: int, n: int, b: int, m: int) -> None:
    x, y = (np.r_[np.full(k, np.nan), np.arange(rows - k) + 0.5] for k, rows in ((a, n), (b, m)))
    (found,) = ad.Missing().fit({"x": x}, backend="numpy").detect({"x": y}).findings
    assert found.p_value == pytest.approx(oracles.missing_p(a, n, b, m), rel=TIGHT)
    assert found.interval == pytest.approx(oracles.newcombe(a, n, b, m), rel=1e-6, abs=1e-9)


def test_missing_p_value_is_fishers_where_the_sides_are_equal() -> None:
    # With n = m the order by share difference is the order by probability.
    for a, b in ((0, 5), (3, 9), (20, 21), (0, 30)):
        x, y = (np.r_[np.full(k, np.nan), np.arange(60 - k) + 0.5] for k in (a, b))
        (found,) = ad.Missing().fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert found.p_value == pytest.approx(stats.fisher_exact(np.array([[a, 60 - a], [b, 60 - b]]))[1], rel=1e-7)


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize(("n", "m", "d"), [(2, 4, 1), (32, 15, 1), (60, 46, 5), (25, 90, 12)])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_mmd_is_the_gram_formula(n: int, m: int, d: int, offset: float, estimator: str, backend: Backend) -> None:
    rng = _rng(5, n, m, d)
    # These N make an odd number of pairs, so that the median is one of them: see the test below.
    # Whole steps of 2**-20 survive the offset without rounding.
    data = np.round((rng.normal(size=(n + m, d)) + 0.1) * 2**20) / 2**20 + offset
    z = oracles.scaled(list(data.T))
    expected = oracles.mmd2(z, n, oracles.median_distance(z), estimator)
    found = ad.MMD(estimator=estimator).fit(data[:n], backend=backend).score(data[n:])  # type: ignore[arg-type]
    assert found == pytest.approx(expected, rel=TIGHT, abs=1e-12)


def test_mmd_median_of_an_even_number_of_pairs() -> None:
    data = _rng(10).normal(size=(48, 1))
    z = oracles.scaled(list(data.T))
    expected = oracles.mmd2(z, 31, oracles.median_distance(z))
    assert ad.MMD().fit(data[:31], backend="numpy").score(data[31:]) == pytest.approx(expected, rel=TIGHT)


@pytest.mark.parametrize("bandwidth", [0.05, 1, 7.5])
def test_mmd_with_a_bandwidth_given(bandwidth: float, backend: Backend) -> None:
    rng = _rng(6)
    data = rng.normal(size=(70, 3))
    expected = oracles.mmd2(oracles.scaled(list(data.T)), 30, bandwidth)
    found = ad.MMD(bandwidth=bandwidth).fit(data[:30], backend=backend).score(data[30:])
    assert found == pytest.approx(expected, rel=TIGHT, abs=1e-12)


def test_mmd_of_categories_puts_different_rows_at_distance_one() -> None:
    rng = _rng(7)
    letters = rng.choice(list("abcd"), 91)
    z = (letters[:, None] == np.array(list("abcd"))[None, :]) / np.sqrt(2)
    assert oracles.distances(z).max() == pytest.approx(1)
    expected = oracles.mmd2(z, 40, oracles.median_distance(z))
    found = ad.MMD().fit({"x": letters[:40]}, backend="numpy").score({"x": letters[40:]})
    assert found == pytest.approx(expected, rel=TIGHT)


def test_mmd_missing_value_is_the_centre_and_an_indicator() -> None:
    rng = _rng(8)
    v = rng.normal(size=82)
    hole = rng.random(82) < 0.2
    there = v[~hole]
    centre, width = np.median(there), np.subtract(*np.percentile(there, [75, 25]))
    z = np.stack([np.where(hole, 0.0, (v - centre) / width), hole.astype(float)], axis=1)
    x = np.where(hole, np.nan, v)
    expected = oracles.mmd2(z, 50, oracles.median_distance(z))
    found = ad.MMD().fit({"x": x[:50]}, backend="numpy").score({"x": x[50:]})
    assert found == pytest.approx(expected, rel=TIGHT)


def test_mmd_float32_is_near_float64() -> None:
    rng = _rng(9)
    x, y = rng.normal(size=(200, 8)), rng.normal(0.2, 1, (150, 8))
    pair = [get_detector("mmd", precision=p).fit(x, backend="numpy").detect(y) for p in ("float64", "float32")]
    # STATISTICS section 9: within 1e-5 of the null's standard deviation, which here is above 1e-3.
    assert pair[0].statistic == pytest.approx(float(pair[1].statistic), abs=1e-7)
    assert pair[0].p_value == pair[1].p_value


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize(("n", "m", "d"), [(2, 4, 1), (32, 15, 1), (60, 46, 5), (25, 90, 12)])
def test_energy_is_the_formula(n: int, m: int, d: int, estimator: str, backend: Backend) -> None:
    data = _rng(15, n, m, d).normal(size=(n + m, d))
    expected = oracles.energy(oracles.scaled(list(data.T)), n, estimator)
    found = ad.Energy(estimator=estimator).fit(data[:n], backend=backend).score(data[n:])  # type: ignore[arg-type]
    assert found == pytest.approx(expected, rel=TIGHT, abs=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_energy_of_one_column_is_the_square_of_scipys(tied: bool) -> None:
    data = _rng(16).normal(0.2, 2, 140)
    data = np.round(data) if tied else data
    z = oracles.scaled([data])[:, 0]
    found = ad.Energy(estimator="biased").fit(data[:80], backend="numpy").score(data[80:])
    assert found == pytest.approx(float(stats.energy_distance(z[:80], z[80:])) ** 2, rel=TIGHT)


def test_energy_float32_is_near_float64() -> None:
    rng = _rng(17)
    x, y = rng.normal(size=(200, 8)).round(1), rng.normal(0.2, 1, (150, 8)).round(1)
    pair = [get_detector("energy", precision=p).fit(x, backend="numpy").detect(y) for p in ("float64", "float32")]
    assert pair[0].statistic == pytest.approx(float(pair[1].statistic), abs=1e-6)
    assert pair[0].p_value == pair[1].p_value
