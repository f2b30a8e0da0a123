"""KS, Wasserstein and Cramér-von Mises: values against slow code, infinities, units, tolerance, parts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf, isfinite
from typing import Any

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector
from accel_drift.finding import Finding
from accel_drift.statistics import cvm_law, intervals
from tests import oracles
from tests.detectors.test_oracles import COMPARED, NUMERIC

ORDERED = ("ks", "wasserstein", "cramer_von_mises")
every = pytest.mark.parametrize("name", ORDERED)


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([70, *seed])


def _find(detector: Detector | str, reference: Any, batch: Any, backend: str | Backend = "numpy") -> Finding:
    made = get_detector(detector) if isinstance(detector, str) else detector
    fitted = made.fit({"x": reference}, backend=backend, kinds={"x": "numeric"})
    (found,) = fitted.detect({"x": batch}).findings
    return found


def _area_and_square(reference: Sequence[Any], batch: Sequence[Any]) -> tuple[float, float]:
    """Integrals of |F - G| dx and, times n m / (n + m), of (F - G)^2 dH, in fractions from the definitions."""
    a, b = oracles.known(reference), oracles.known(batch)
    values = sorted({*a, *b})
    gap = [Fraction(sum(v <= t for v in a), len(a)) - Fraction(sum(v <= t for v in b), len(b)) for t in values]
    square = sum(g * g * ((a + b).count(t)) for g, t in zip(gap, values, strict=True))
    t = float(square * len(a) * len(b) / (len(a) + len(b)) ** 2)
    area = Fraction(0)
    for g, low, high in zip(gap, values, values[1:], strict=False):
        if g and not (isfinite(low) and isfinite(high)):
            return inf, t
        area += abs(g) * (Fraction(high) - Fraction(low)) if g else 0
    return float(area), t


@pytest.mark.parametrize("case", NUMERIC)
def test_statistics_are_the_integrals(case: str, backend: Backend) -> None:
    area, square = _area_and_square(*COMPARED[case])
    for name, expected in (("wasserstein", area), ("cramer_von_mises", square)):
        fitted = get_detector(name).fit({"x": NUMERIC[case][0]}, backend=backend, kinds={"x": "numeric"})
        assert float(np.ravel(fitted.score({"x": NUMERIC[case][1]}))[0]) == pytest.approx(expected, rel=1e-9)


def test_statistics_are_scipys() -> None:
    rng = _rng(1)
    x, y = rng.normal(size=157), rng.normal(0.3, 1.2, 91)
    found = stats.cramervonmises_2samp(x, y, method="asymptotic")
    ours = _find("cramer_von_mises", x, y)
    assert ours.statistic == pytest.approx(found.statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(found.pvalue, rel=1e-6)
    assert _find("wasserstein", x, y).statistic == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-12)


def test_small_samples_come_near_the_exact_law() -> None:
    """Ten rows against fifteen: the permutation law, whose error is that of its draws."""
    for shift in (0.0, 0.6, 1.2):
        x, y = _rng(2).normal(size=10), _rng(3).normal(size=15) + shift
        exact = stats.cramervonmises_2samp(x, y, method="exact").pvalue
        ours = _find(ad.CramerVonMises(permutations=9_999), x, y)
        assert ours.p_method == "permutation"
        assert ours.p_value == pytest.approx(exact, abs=0.02)


def test_limit_law_keeps_its_digits_in_the_tail() -> None:
    """Anderson & Darling 1952, table 1; far out it falls like its first term, where 1 - P(W <= x) is only noise."""
    x = np.array([0.347304, 0.46136, 0.74346, 1.16786])
    assert cvm_law.limit_tail(x) == pytest.approx([0.1, 0.05, 0.01, 0.001], rel=2e-5)
    far = cvm_law.limit_tail(np.array([8.0, 9.0, 100.0]))
    assert far[1] / far[0] == pytest.approx(np.exp(-(np.pi**2) / 2) * np.sqrt(8 / 9), rel=0.01)
    assert 0 < far[2] < 1e-200
    assert cvm_law.limit_tail(np.array([0.0, 0.01])) == pytest.approx([1.0, 1.0])


def test_wasserstein_effect_is_in_reference_iqrs() -> None:
    rng = _rng(4)
    x, y = rng.normal(10, 4, 400), rng.normal(13, 4, 300)
    found = _find("wasserstein", x, y)
    q1, q3 = np.quantile(x, [0.25, 0.75])
    assert found.details["scale"] == pytest.approx(q3 - q1, rel=1e-12)
    assert found.statistic == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-12)
    # Resampling shows a little bias, and the effect is without it.
    assert 0.95 < found.effect / (found.statistic / found.details["scale"]) < 1.0
    again = _find("wasserstein", x * 1000 - 7, y * 1000 - 7)
    assert again.effect == pytest.approx(found.effect, rel=1e-9)
    assert again.p_value == found.p_value


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([0.0] * 60 + [1.0] * 20 + [5.0] * 20, 1.0),
        ([0.0] * 90 + [4.0] * 10, 4.0),
        ([0.0] * 99 + [5.0], 5 * np.sqrt(0.0099)),
    ],
    ids=["iqr", "5-95 %", "deviation"],
)
def test_scale_where_many_values_are_one(values: list[float], scale: float) -> None:
    found = _find("wasserstein", np.array(values), np.array(values) + 1)
    assert found.details["scale"] == pytest.approx(scale)
    assert found.statistic == pytest.approx(1.0)


def test_a_constant_reference_borrows_the_scale_of_all_rows() -> None:
    found = _find("wasserstein", np.zeros(100), _rng(5).normal(3, 1, 100))
    assert found.effect is not None
    assert 0.3 < found.effect < 3
    assert found.status is ad.Status.DRIFTED


def _with_ends(rows: int, low: int, high: int, seed: int, shift: float = 0.0) -> Any:
    return np.r_[_rng(seed).normal(size=rows) + shift, np.full(low, -inf), np.full(high, inf)]


def test_infinite_only_where_infinite_shares_differ(backend: Backend) -> None:
    same = _find("wasserstein", _with_ends(180, 10, 10, 6), _with_ends(90, 5, 5, 7, 0.5), backend)
    moved = stats.wasserstein_distance(_rng(6).normal(size=180), _rng(7).normal(size=90) + 0.5)
    assert same.statistic == pytest.approx(0.9 * moved)
    assert same.interval is not None
    assert isfinite(same.interval[1])
    other = _find("wasserstein", _with_ends(180, 10, 10, 6), _with_ends(89, 5, 6, 7), backend)
    assert other.statistic == other.effect == inf
    assert other.interval is not None
    assert other.interval[1] == inf
    assert other.interval[0] < 0.3  # such a share is what chance gives, and nothing else moved
    assert other.status is ad.Status.STABLE
    many = _find("wasserstein", _with_ends(180, 10, 10, 6), _with_ends(60, 5, 35, 7), backend)
    assert many.status is ad.Status.DRIFTED
    assert "nan" not in str(many.to_dict())


@every
@pytest.mark.parametrize(
    "sides",
    [
        (np.r_[[-1.7e308] * 30, [1.7e308] * 30], np.r_[[-1.7e308] * 30, [1.7e308] * 10]),
        (np.r_[[0.0] * 30, [5e-324] * 30], np.r_[[0.0] * 30, [5e-324] * 10, [1.7e308] * 3]),
        (np.r_[[-inf] * 30, [inf] * 30], np.r_[[-inf] * 30, [inf] * 29]),
        (np.r_[[0.0] * 60], np.r_[[0.0] * 30, [inf] * 30]),
        (np.r_[[-(2**63)] * 20, [2**63 - 1] * 9], np.r_[[2**63 - 1] * 20, [-5] * 9]),
    ],
    ids=["widest", "tiny and huge", "only infinities", "constant and infinite", "ends of int64"],
)
def test_extremes_give_numbers_and_no_warning(name: str, sides: tuple[Any, Any]) -> None:
    for reference, batch in (sides, sides[::-1]):
        found = _find(name, reference, batch)
        numbers = [found.statistic, found.effect, found.p_value, *(found.interval or ())]
        assert not any(v is None or np.isnan(v) for v in numbers)


def test_cramer_von_mises_effect_has_no_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mean over pairs is the population's integral, with ties and without, at shifts and at none."""
    monkeypatch.setattr(intervals, "RESAMPLES", 5)
    grid = np.linspace(-9, 9, 4001)
    for shift, digits in ((0.0, 9), (0.5, 9), (0.5, 1)):
        names = [f"x{i}" for i in range(80)]
        rng = _rng(8)
        reference = {c: rng.normal(size=60).round(digits) for c in names}
        batch = {c: (rng.normal(size=60) + shift).round(digits) for c in names}
        fitted = ad.CramerVonMises(permutations=19).fit(reference, backend="numpy")
        effects = [f.effect for f in fitted.detect(batch).findings if f.effect is not None]
        f, g = stats.norm.cdf(grid), stats.norm.cdf(grid - shift)
        truth = np.trapezoid((f - g) ** 2 * (stats.norm.pdf(grid) + stats.norm.pdf(grid - shift)) / 2, grid)
        assert np.mean(effects) == pytest.approx(truth, abs=4 * np.std(effects) / np.sqrt(len(effects)))


BOUNDARY = {"ks": 0.2, "wasserstein": 0.4, "cramer_von_mises": 0.02}
"""Effects put up with."""


def _shift_of(name: str, effect: float) -> float:
    """The shift of a normal column that has this effect."""
    if name == "ks":
        return float(2 * stats.norm.ppf((1 + effect) / 2))
    if name == "wasserstein":
        return float(effect * 2 * stats.norm.ppf(0.75))
    grid, shifts = np.linspace(-9, 9, 2001), np.linspace(0, 2, 201)
    f = stats.norm.cdf(grid)
    made = [
        np.trapezoid((f - stats.norm.cdf(grid - s)) ** 2 * (stats.norm.pdf(grid) + stats.norm.pdf(grid - s)) / 2, grid)
        for s in shifts
    ]
    return float(np.interp(effect, made, shifts))


@pytest.mark.statistical
@every
def test_tolerance_holds_its_level_at_the_boundary_and_finds_twice_as_much(name: str) -> None:
    rates = []
    pairs, rows = 100, 600
    for times in (1, 2):
        rng = _rng(9, times)
        names = [f"x{i}" for i in range(pairs)]
        reference = {c: rng.normal(size=rows) for c in names}
        shift = _shift_of(name, times * BOUNDARY[name])
        batch = {c: rng.normal(size=rows) + shift for c in names}
        detector = get_detector(name, tolerance=BOUNDARY[name], alpha=0.05)
        findings = detector.fit(reference, backend="numpy").detect(batch).findings
        assert {f.p_method for f in findings} == {"approximate"}
        assert {f.details["tolerance"] for f in findings} == {BOUNDARY[name]}
        rates.append(np.mean([f.p_value is not None and f.p_value <= 0.05 for f in findings]))
    assert rates[0] <= 0.05 + 4.75 * np.sqrt(0.05 * 0.95 / pairs)
    assert rates[1] >= 0.9


@every
def test_tolerance_and_blocks(name: str) -> None:
    rng = _rng(10)
    day = np.repeat(np.arange(30), 20)
    level = rng.normal(size=60)
    reference = {"day": day, "x": rng.normal(size=600) + level[day]}
    batch = {"day": day + 1000, "x": rng.normal(size=600) + level[30 + day] + 4}
    p = []
    for tolerance in (BOUNDARY[name], 0.9 if name == "ks" else 50.0):
        detector = get_detector(name, tolerance=tolerance, block="day")
        fitted = detector.fit(reference, columns=["day", "x"], backend="numpy")
        (found,) = (f for f in fitted.detect(batch).findings if f.column == "x")
        p.append(found.p_value or 0.0)
    assert p[0] < 0.01
    assert p[1] > 0.1


@every
def test_parts_add_up_and_say_where(name: str) -> None:
    rng = _rng(11)
    x, y = rng.normal(size=400), rng.normal(size=300) + 0.8
    x[:20] = np.nan
    found = _find(name, x, y)
    cells = [p for p in found.parts if p.kind == "bin" and not p.label.startswith("at ")]
    assert 10 <= len(cells) <= 16
    assert sum(p.reference or 0 for p in cells) == 380
    assert sum(p.batch or 0 for p in cells) == 300
    last = found.parts[-1]
    assert (last.label, last.kind, last.contribution, last.reference, last.batch) == ("missing", "missing", 0.0, 20, 0)
    assert last.direction == "less"
    sizes = [abs(p.contribution) for p in cells]
    assert sizes == sorted(sizes, reverse=True)
    assert {p.direction for p in cells if p.label.startswith("(-inf")} == {"less"}
    assert {p.direction for p in cells if p.label.endswith("inf)")} == {"more"}
    if name == "ks":
        assert sum(p.contribution for p in cells) == pytest.approx(0.0, abs=1e-12)
        return
    assert sum(p.share or 0.0 for p in cells) == pytest.approx(1.0)
    assert sum(p.contribution for p in cells) == pytest.approx(found.statistic, rel=0.03)


def test_ks_says_where_the_gap_is() -> None:
    found = _find("ks", np.arange(10), np.arange(10) + 4)
    first = found.parts[0]
    assert first.label == "at 3: 40% of reference and 0% of batch lie at or below"
    assert first.contribution == pytest.approx(-0.4)
    assert first.direction == "less"
    assert abs(first.contribution) == pytest.approx(found.statistic)
    assert {p.label for p in found.parts[1:]} == {str(v) for v in range(14)}


def test_cells_of_few_values_are_the_values() -> None:
    found = _find("wasserstein", np.repeat([0, 1, 5], 40), np.repeat([0, 1, 5], [40, 30, 50]))
    parts = {p.label: p for p in found.parts}
    assert parts.keys() == {"0", "1", "5"}
    assert parts["1"].contribution == pytest.approx(4 * 10 / 120)
    assert parts["1"].share == pytest.approx(1.0)
    assert (parts["5"].direction, parts["1"].direction, parts["0"].direction) == ("more", "less", "same")


@every
def test_no_parts_without_intervals(name: str) -> None:
    from accel_drift.statistics.comparison import Plan

    fitted = get_detector(name).fit({"x": _rng(12).normal(size=90)}, backend="numpy")
    comparison = fitted._compare({"x": _rng(13).normal(size=90)})
    (found,) = fitted.detector.outcomes(comparison, Plan(0.05, 0.05, 0, intervals=False))
    assert found.parts == ()
    assert found.interval is None
    assert found.effect is not None


@pytest.mark.statistical
@pytest.mark.parametrize("name", ["ks", "wasserstein", "total_variation"])
def test_mean_effect_is_near_the_truth_where_chance_adds_most(name: str) -> None:
    """200 columns of 100 rows a side: the raw scores are 1.2 to 2 times too large on average."""
    rng, shift, columns = _rng(77), 0.5, [f"x{i}" for i in range(200)]
    x, y = rng.normal(size=(100, 200)), rng.normal(size=(100, 200)) + shift
    made = get_detector(name, permutations=19).fit(dict(zip(columns, x.T, strict=True)), backend="numpy")
    found = made.detect(dict(zip(columns, y.T, strict=True))).findings
    cut = stats.norm.ppf(np.arange(11) / 10)
    true = {
        "ks": 2 * stats.norm.cdf(shift / 2) - 1,
        "wasserstein": shift / (2 * stats.norm.ppf(0.75)),
        "total_variation": np.abs(np.diff(stats.norm.cdf(cut - shift)) - 0.1).sum() / 2,
    }[name]
    assert np.mean([f.effect for f in found if f.effect is not None]) == pytest.approx(true, rel=0.15)


def test_ks_of_numbers_that_seldom_tie_needs_no_draws() -> None:
    rng = np.random.default_rng(12)
    x, y = (np.round(rng.normal(size=rows), 4) for rows in (4500, 3000))
    fit = ad.KS().fit
    (few,) = fit({"x": x}, backend="numpy").detect({"x": y}).findings
    (many,) = fit({"x": np.round(x, 2)}, backend="numpy").detect({"x": np.round(y, 2)}).findings
    assert (few.p_method, many.p_method) == ("asymptotic", "permutation")
    assert few.p_value == pytest.approx(many.p_value, abs=0.1)
    assert few.p_value is not None
    assert many.statistic <= few.statistic + 1e-12  # type: ignore[operator]
