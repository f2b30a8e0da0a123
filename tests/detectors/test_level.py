"""The level and the power of every detector, by simulation with fixed seeds: the fixed part of the study of bench/.

The bound, 0.05 and 4.75 standard errors, is the project's; what these few pairs are for is a broken law, which shows
as a rate of 0.2 to 1 (see the cases that break one on purpose). The intervals play no part in a level, so they are
made of few resamples here.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector
from accel_drift.statistics import binned, intervals
from bench import level
from tests.detectors import cases

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

BY_COLUMN = tuple(n for n in cases.NAMES if not get_class(n).joint)
JOINT = tuple(n for n in cases.NAMES if get_class(n).joint)
SAME_TABLES = set(cases.BINNED) - {"psi", "chi_square"}
"""Other scores of the tables that PSI and chi-square are held to on every column: a column of each kind will do."""
PAIRS = 200
SIZES = ((100, 100), (100, 2000), (2000, 100), (500, 500))
"""The sizes where laws break: a small side, and n far from m. All nine are crossed in bench/."""


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "RESAMPLES", 5)


def _cells(detectors: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (d, c)
        for d in detectors
        for c in level.COLUMNS
        if level.applies(d, c) and (d not in SAME_TABLES or c in ("normal", "poisson", "zipf"))
    ]


def _detector(name: str, permutations: int = 99) -> Detector:
    return get_detector(name, permutations=permutations)


@pytest.mark.parametrize(("name", "column"), _cells(BY_COLUMN))
def test_level_by_column(name: str, column: str) -> None:
    for n, m in SIZES:
        found = level.rejections(_detector(name), column, n, m, PAIRS, seed=11)
        assert found.tested == found.pairs
        assert found.rate <= found.bound, f"{name} on {column}, {n} against {m}: {found.rate}"


@pytest.mark.parametrize(("name", "column"), _cells(JOINT))
def test_level_of_joint_detectors(name: str, column: str) -> None:
    for n, m in ((100, 100), (100, 500), (500, 100)):
        found = level.rejections(_detector(name), column, n, m, 60, seed=12)
        assert found.tested == found.pairs
        assert found.rate <= found.bound, f"{name} on {column}, {n} against {m}: {found.rate}"


@pytest.mark.parametrize("mode", ["groups", "calibration"])
def test_level_of_the_other_ways_of_mmd(mode: str) -> None:
    detector = ad.MMD(permutations=99, **{"mode" if mode == "groups" else "scale": mode})  # type: ignore[arg-type]
    for n, m in ((100, 400), (400, 100)):
        found = level.rejections(detector, "t2", n, m, 120, seed=13)
        assert found.rate <= found.bound


@pytest.mark.parametrize("bins", [5, 20])
@pytest.mark.parametrize("name", ["psi", "chi_square"])
@pytest.mark.parametrize("column", ["normal", "poisson"])
def test_level_with_many_bins_and_few_reference_rows(name: str, column: str, bins: int) -> None:
    """Where hypergeometric draws on the reference's own bins reject 9 to 36 % (STATISTICS section 0)."""
    for n, m in ((50, 1000),):
        found = level.rejections(get_detector(name, bins=bins, permutations=99), column, n, m, PAIRS, seed=14)
        assert found.tested == found.pairs
        assert found.rate <= found.bound, f"{name} on {column}, {n} against {m}: {found.rate}"


@pytest.mark.parametrize("name", ["psi", "chi_square", "unseen"])
def test_level_of_a_thousand_categories(name: str) -> None:
    """Where the reference's categories and a bin for the rest reject always."""
    mass = 1.0 / np.arange(1, 1001)

    def draw(rng: np.random.Generator, rows: int) -> level.Values:
        return rng.choice(1000, rows, p=mass / mass.sum()).astype(str)

    rejected = 0
    for seed in range(2):
        rng = np.random.default_rng([15, seed])
        columns = [f"x{i}" for i in range(50)]
        reference, batch = ({c: draw(rng, rows) for c in columns} for rows in (200, 600))
        fitted = get_detector(name, permutations=99, alpha=0.05, seed=seed).fit(
            reference, backend="numpy", kinds=dict.fromkeys(columns, "categorical")
        )
        rejected += int((np.asarray(fitted.detect(batch).p_value) <= 0.05).sum())
    assert level.Tally(rejected, 100, 100).rate <= level.Tally(rejected, 100, 100).bound


@pytest.mark.parametrize("name", [n for n in cases.NAMES if "numeric" in cases.kinds_of(n) and n != "missing"])
def test_power_half_a_deviation_at_500_rows(name: str) -> None:
    pairs = 100 if name in BY_COLUMN else 20
    found = level.rejections(
        _detector(name), "normal", 500, 500, pairs, seed=16, change=lambda rng, rows: rng.normal(0.5, 1, rows)
    )
    assert found.rate >= 0.9


def test_power_of_missing_and_unseen() -> None:
    def holes(rng: np.random.Generator, rows: int) -> level.Values:
        return np.where(rng.random(rows) < 0.13, np.nan, rng.normal(size=rows))

    def strange(rng: np.random.Generator, rows: int) -> level.Values:
        return np.where(rng.random(rows) < 0.1, "new", level.COLUMNS["zipf"](rng, rows))

    assert level.rejections(_detector("missing"), "missing", 500, 500, 100, seed=17, change=holes).rate >= 0.9
    assert level.rejections(_detector("unseen"), "zipf", 500, 500, 30, seed=17, change=strange).rate >= 0.9


def test_p_values_are_uniform_not_only_small_enough() -> None:
    """A test whose level is right by rejecting too rarely everywhere has lost its power somewhere."""
    for name in ("psi", "chi_square", "ks"):
        p = level.p_values(_detector(name, 199), "normal", 500, 100, 200, seed=18)
        # The largest gap from the uniform law, of 200 draws: above 0.19 less than once in a million.
        ordered = np.sort(p)
        assert np.abs(ordered - (np.arange(200) + 0.5) / 200).max() < 0.19


def test_one_shifted_column_in_fifty_is_found_at_the_defaults() -> None:
    rng = np.random.default_rng(19)
    reference = {f"x{i:02d}": rng.normal(size=2000) for i in range(50)}
    batch = {f"x{i:02d}": rng.normal(size=2000) + (i == 17) for i in range(50)}
    report = ad.compare(reference, batch, backend="numpy")
    assert report.drifted
    assert report.drifted_columns == ("x17",)
    (psi,) = (f for f in report.column("x17") if f.detector == "psi")
    assert psi.severity is ad.Severity.CRITICAL


def test_false_discovery_rate_over_clean_columns() -> None:
    """With nothing to discover every discovery is false: a report finds one in at most alpha of the cases."""
    found, repetitions = 0, 60
    for seed in range(repetitions):
        rng = np.random.default_rng([20, seed])
        reference, batch = ({f"x{i}": rng.normal(size=rows) for i in range(50)} for rows in (200, 150))
        detectors = [ad.PSI(permutations=99), ad.Missing(), ad.Unseen(), ad.MMD(permutations=99)]
        report = ad.compare(reference, batch, detectors, backend="numpy", alpha=0.05, min_effect=0.0, seed=seed)
        found += report.drifted
    assert found / repetitions <= level.Tally(found, repetitions, repetitions).bound


def test_false_discovery_rate_with_two_detectors_a_column() -> None:
    """Two detectors a column, one column in five drifted: the share of clean columns among those found."""
    false_share = []
    for seed in range(40):
        rng = np.random.default_rng([21, seed])
        reference = {f"x{i}": rng.normal(size=300) for i in range(20)}
        batch = {f"x{i}": rng.normal(size=300) + (i < 4) for i in range(20)}
        report = ad.compare(
            reference, batch, [ad.PSI(permutations=99), ad.KS()], backend="numpy", alpha=0.1, min_effect=0.0, seed=seed
        )
        assert {f"x{i}" for i in range(4)} <= set(report.drifted_columns)
        wrong = [c for c in report.drifted_columns if int(c[1:]) >= 4]
        false_share.append(len(wrong) / len(report.drifted_columns))
    # Each share lies in 0 ... 1 with a deviation below 0.13 (one or two of five): alpha and 4.75 standard errors.
    assert np.mean(false_share) <= 0.1 + 4.75 * 0.13 / np.sqrt(40)


@pytest.mark.parametrize("name", ["psi", "chi_square", "total_variation"])
def test_level_of_very_many_categories(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each a cell, or the rare ones merged by pooled counts: the reference's own most frequent would reject always."""
    monkeypatch.setattr(binned, "MOST_CATEGORIES", 50)
    found = level.rejections(_detector(name), "zipf", 500, 5000, 100, seed=22)
    assert found.tested == found.pairs
    assert found.rate <= found.bound


@pytest.mark.parametrize("m", [100, 600])
def test_level_of_bins_with_few_repeated_values(m: int) -> None:
    """Float32, and one value of half a percent of the rows that stands on a cut: nearly all that counts as few."""
    rng, cut, columns = np.random.default_rng([15, m]), stats.norm.ppf(0.3), 1500
    x, y = (rng.standard_normal((rows, columns)).astype(np.float32) for rows in (600, m))
    for side in (x, y):
        side[rng.random(side.shape) < 0.005] = cut
    findings = ad.PSI(permutations=199).fit(x, backend="numpy").detect(y).findings
    p = np.array([f.p_value for f in findings])
    few = np.array([f.p_method == "approximate" for f in findings])
    assert few.mean() > 0.8
    for level_wanted in (0.01, 0.05, 0.2):
        error = np.sqrt(level_wanted * (1 - level_wanted) / few.sum())
        assert abs((p[few] <= level_wanted).mean() - level_wanted) < 4 * error + 0.005


def test_repeated_values_that_could_move_a_cut_far_are_no_few() -> None:
    rng = np.random.default_rng(16)
    for rows, often, bins, expected in (
        (2000, 20, 10, "approximate"),
        (2000, 90, 10, "permutation"),
        (2000, 20, 40, "permutation"),
        (300, 2, 10, "permutation"),
    ):
        x, y = rng.standard_normal((2, rows))
        x[:often] = 0.7
        (found,) = ad.PSI(permutations=99, bins=bins).fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert found.p_method == expected
