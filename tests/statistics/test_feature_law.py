"""MMD from sums of features: the law, the sums against plain formulas, and what a profile of counts says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chi2

import accel_drift as ad
from accel_drift.data.read import read_table
from accel_drift.finding import Finding, Status
from accel_drift.statistics import chi_square_sums
from accel_drift.statistics.feature_law import LEAST, Law
from accel_drift.statistics.feature_map import FREQUENCIES, STEPS, FeatureMap
from accel_drift.statistics.feature_moments import FeatureMoments


@pytest.mark.parametrize("k", [1, 2, 3, 20, 128, 512])
@pytest.mark.parametrize("p", [0.999, 0.9, 0.5, 0.1, 0.01, 1e-9, 1e-40])
def test_equal_weights_give_the_chi_squared_law(k: int, p: float) -> None:
    assert chi_square_sums.tail(np.full(k, 0.3), 0.3 * float(chi2.isf(p, k))) == pytest.approx(p, rel=1e-7)


@pytest.mark.parametrize("value", [0.01, 1.0, 6.0, 40.0, 300.0])
def test_pairs_of_weights_give_a_sum_of_exponentials(value: float) -> None:
    """Two squares of one weight are exponential, and sums of those have a tail in closed form."""
    w = np.array([2.0, 0.7, 0.1])
    exact = sum(np.prod([a / (a - b) for b in w if b != a]) * np.exp(-value / (2 * a)) for a in w)
    found = chi_square_sums.tail(np.repeat(np.append(w, 1e-18), 2), value)
    assert found == pytest.approx(float(exact), rel=1e-9)


def test_a_tail_at_the_ends() -> None:
    assert chi_square_sums.tail(np.array([1.0, 0.5]), 0.0) == 1.0
    assert chi_square_sums.tail(np.zeros(3), 1.0) == 0.0
    assert chi_square_sums.tail(np.array([1.0]), 1e5) == 0.0


def _table(values: Any) -> Any:
    return read_table({f"c{j}": column for j, column in enumerate(np.asarray(values).T)}, name="it")


def _map(values: Any, count: int = FREQUENCIES, bandwidth: float | None = None, seed: int = 0) -> FeatureMap:
    table = _table(values)
    return FeatureMap.of(table, tuple(table.columns), bandwidth, count, seed)


def _moments(how: FeatureMap, values: Any) -> FeatureMoments:
    return FeatureMoments.zero(how.count).update(how.products(_table(values)))


def _features(how: FeatureMap, values: Any) -> Any:
    """Features of length 1 of each row, from the sums of that row alone."""
    return np.stack([_moments(how, row[None]).mean for row in np.asarray(values)])


def test_sums_are_those_of_the_rows_and_features_those_of_the_kernel() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 3)) * [1.0, 5.0, 0.1]
    how = _map(rng.normal(size=(400, 3)) * [1.0, 5.0, 0.1], 128, 1.5)
    found, phi = _moments(how, values), _features(how, values)
    assert found.mean == pytest.approx(phi.mean(axis=0), abs=1e-12)
    assert found.covariance == pytest.approx(np.cov(phi.T), abs=1e-12)
    z = values / [rule.width for rule in how.rules if not isinstance(rule, frozenset)]
    kernel = np.exp(-((z[:, None] - z[None]) ** 2).sum(axis=2) / (2 * 1.5**2))
    # 128 frequencies: errors of 1 / sqrt(2 * 128) at most, and 780 pairs.
    assert np.abs(phi @ phi.T - kernel).max() < 4.5 / np.sqrt(2 * 128)
    assert np.abs(np.linalg.norm(phi, axis=1) - 1).max() < 1 / STEPS


def test_the_law_is_that_of_relabellings() -> None:
    """Mean exactly, and the p-value about."""
    rng, n, m = np.random.default_rng(1), 60, 40
    pooled = np.concatenate([rng.standard_t(2, (n, 2)), rng.standard_t(2, (m, 2)) + 0.25])
    how = _map(rng.standard_t(2, (300, 2)), 32)
    phi = _features(how, pooled)
    law = Law.of(_moments(how, pooled[:n]), _moments(how, pooled[n:]))
    gram = phi @ phi.T
    np.fill_diagonal(gram, 0.0)

    def unbiased(e: Any) -> float:
        a, b = gram[np.ix_(e, e)].sum(), gram[np.ix_(~e, ~e)].sum()
        return float(a / (n * (n - 1)) + b / (m * (m - 1)) - 2 * gram[np.ix_(e, ~e)].sum() / (n * m))

    observed, draws = np.arange(n + m) < n, 4_000
    # Features have length 1 but for rounding, which the pairs of a row with itself feel.
    assert law.unbiased == pytest.approx(unbiased(observed), abs=1e-4)
    labels = [rng.permutation(observed) for _ in range(draws)]
    null = np.array([unbiased(e) for e in labels])
    biased = [float(((phi[e].mean(axis=0) - phi[~e].mean(axis=0)) ** 2).sum()) for e in labels]
    assert law.weights.sum() == pytest.approx(np.mean(biased), abs=5 * np.std(biased) / np.sqrt(draws))
    assert law.p_value == pytest.approx((null >= law.unbiased).mean(), abs=0.02)
    made = law.null(3, draws)
    for q, error in ((0.5, 0.1), (0.9, 0.2), (0.99, 0.6)):
        assert np.quantile(made, q) == pytest.approx(np.quantile(null, q), abs=error * float(null.std()))


def _heavy(rng: Any, rows: int) -> Any:
    return rng.standard_t(2, (rows, 6))


def _tied(rng: Any, rows: int) -> Any:
    return np.concatenate([np.floor(rng.exponential(1.0, (rows, 3))), rng.normal(size=(rows, 2))], axis=1)


@pytest.mark.statistical
@pytest.mark.parametrize("draw", [_heavy, _tied])
@pytest.mark.parametrize("sizes", [(400, LEAST), (300, 300)])
def test_level(draw: Any, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    how = _map(draw(rng, 500), 16)
    p = np.array([Law.of(*(_moments(how, draw(rng, k)) for k in sizes)).p_value for _ in range(200)])
    # Of 200 at 0.05 more than 27, and at 0.5 less than 66 or more than 134, come less than once in a million runs.
    assert (p <= 0.05).sum() <= 27
    assert 66 <= (p <= 0.5).sum() <= 134


def test_intervals_hold_the_true_value() -> None:
    """Of two normal laws, whose MMD² is known; the chance of the frequencies is a part of the error."""
    rng, shift, sigma, hits = np.random.default_rng(3), 0.8, 1.5, 0
    plan = rng.normal(size=(2_000, 2))
    for seed in range(100):
        how = _map(plan, FREQUENCIES, sigma, seed)
        width = np.array([rule.width for rule in how.rules if not isinstance(rule, frozenset)])
        far = (shift / width[0]) ** 2
        spread = 2 / width**2 + sigma**2
        true = 2 * float(np.prod(sigma / np.sqrt(spread))) * (1 - np.exp(-far / (2 * spread[0])))
        x, y = rng.normal(size=(300, 2)), rng.normal([shift, 0.0], 1.0, (200, 2))
        law = Law.of(_moments(how, x), _moments(how, y))
        from accel_drift.statistics.matrix_test import interval_of

        low, high = interval_of(law.unbiased, law.error, law.null(seed, 199))
        hits += low <= true <= high
    # 95 %: below 83 of 100 less than once in a million.
    assert hits >= 83


def _rows(n: int, seed: int, shift: float = 0.0) -> Any:
    rng = np.random.default_rng(seed)
    text = pa.array([f"k{v}" for v in rng.integers(0, 50, n)], mask=rng.random(n) < 0.1)
    number = pa.array(rng.normal(shift, 1.0, n), mask=rng.random(n) < 0.1)
    return pa.table({"a": number, "b": rng.normal(size=n), "flag": rng.random(n) < 0.3, "text": text})


def _mmd(report: Any) -> Finding:
    findings: tuple[Finding, ...] = report.findings
    (found,) = (f for f in findings if f.detector == "mmd")
    return found


def test_a_profile_of_counts_finds_what_one_of_rows_finds() -> None:
    reference, plan = _rows(3_000, 1), ad.Profile.plan(_rows(1_000, 2), ["mmd"])
    counted, sampled = ad.Profile.fit(reference, plan=plan), ad.Profile.fit(reference, ["mmd"])
    for shift, status in ((0.0, Status.STABLE), (0.8, Status.DRIFTED)):
        one, other = (_mmd(p.score(_rows(500, 5, shift))) for p in (counted, sampled))
        assert (one.status, one.p_method) == (status, "asymptotic")
        assert one.columns == ("a", "b", "flag", "text")
        assert one.interval is not None
        assert other.statistic is not None
        assert one.interval[0] <= other.statistic <= one.interval[1]
        assert one.details["bandwidth"] == pytest.approx(other.details["bandwidth"], rel=0.05)
    apart = ad.Profile.fit(reference, ["mmd"], content="aggregates")
    assert _mmd(apart.score(_rows(500, 5, 0.8))).status is Status.DRIFTED


def test_options_that_need_no_rows() -> None:
    made = ad.MMD(form="features", frequencies=16, bandwidth=2.0, estimator="biased", tolerance=0.001)
    finding = _mmd(ad.Profile.fit(_rows(900, 1), plan=ad.Profile.plan(_rows(500, 2), [made])).score(_rows(400, 3, 1.0)))
    facts = {"frequencies": 16, "bandwidth": 2.0, "estimator": "biased", "tolerance": 0.001, "scale": "plan"}
    assert facts.items() <= finding.details.items()
    assert finding.p_value is not None
    assert finding.p_value < 0.01
    assert finding.statistic is not None
    assert finding.statistic > 0.001


def test_what_is_not_tested_says_why() -> None:
    profile = ad.Profile.fit(_rows(500, 1), plan=ad.Profile.plan(_rows(300, 2), ["psi", "mmd"]))
    few = _mmd(profile.score(_rows(LEAST - 1, 3)))
    assert (few.status, few.p_value) == (Status.TOO_FEW_ROWS, None)
    assert "each side needs 20" in few.note
    less = _mmd(profile.score(_rows(100, 3).drop_columns(["b", "text"])))
    assert less.status is Status.NOT_COMPARABLE
    assert "no b, text to compare" in less.note


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_equal_rows_do_not_differ(value: float) -> None:
    same = {"x": np.full(100, value), "y": np.full(100, 3)}
    profile = ad.Profile.fit(same, plan=ad.Profile.plan(same, ["missing", "mmd"]))
    finding = _mmd(profile.score(same))
    assert (finding.statistic, finding.p_value, finding.note) == (0.0, 1.0, "no two rows differ")
    # A value that the plan's rows had not is another one.
    assert _mmd(profile.score({**same, "y": np.full(100, 4)})).status is Status.DRIFTED


@pytest.mark.parametrize(("rare", "method"), [(3, "approximate"), (100, "asymptotic")])
def test_few_rows_unlike_the_others_are_told(rare: int, method: str) -> None:
    flag = np.arange(2_000) < rare
    profile = ad.Profile.fit({"flag": flag}, plan=ad.Profile.plan({"flag": flag}, ["mmd"]))
    finding = _mmd(profile.score({"flag": flag[::5]}))
    assert (finding.p_method, "unlike the others" in finding.note) == (method, method == "approximate")


@pytest.mark.parametrize("bandwidth", [None, 1e-9, 1e9])
def test_rows_far_out_have_features_of_their_own(bandwidth: float | None) -> None:
    """Sums of phases are exact however far out values lie, so the order in which columns are added is no matter."""
    rng = np.random.default_rng(4)
    values = rng.choice([0.0, 1.5, -7e5, 1e18, -1e300, np.inf, -np.inf, np.nan], (12_001, 12)) + rng.normal(size=12)
    how = _map(rng.normal(size=(200, 12)), 24, bandwidth)
    whole = _moments(how, values)
    parts = [_moments(how, part) for part in np.array_split(values[rng.permutation(12_001)], [1, 8, 100, 5_000])]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    assert np.array_equal(merged.products, whole.products)
    again = FeatureMoments.of_packed(24, whole.packed)
    assert np.array_equal(again.products, whole.products)
    assert (whole.rows, len(whole.packed)) == (12_001, FeatureMoments.width(24))
