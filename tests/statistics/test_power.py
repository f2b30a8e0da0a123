"""Detectable shifts: held against simulated bridges, and against the engine's own tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from accel_drift.detectors import get_detector
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.power import detectable_shift
from bench import level, population
from bench.level import wide

COLUMN_NAMES = [n for n in level.DETECTORS if not level.DETECTORS[n].joint and n not in level.ALONE]


def _statistics(bridge: np.ndarray, u: np.ndarray, shift: float) -> dict[str, np.ndarray]:
    """Statistics of the limit of the difference of two distribution functions, (repetitions, points)."""
    density = np.exp(-(ndtri(u) ** 2) / 2) / np.sqrt(2 * np.pi)
    gap = bridge + shift * density
    ends = np.concatenate([np.zeros((len(gap), 1)), gap[:, 29:270:30], np.zeros((len(gap), 1))], axis=1)
    cells = np.diff(ends, axis=1)
    return {
        "ks": np.abs(gap).max(axis=1),
        "cramer_von_mises": (gap**2).mean(axis=1),
        "wasserstein": (np.abs(gap) / density).mean(axis=1),
        "total_variation": np.abs(cells).sum(axis=1) / 2,
        "psi": (cells**2).sum(axis=1),
    }


@pytest.mark.statistical
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_stated_shift_is_found_in_eighty_of_a_hundred_cases_in_the_limit(alpha: float) -> None:
    rng = np.random.default_rng(1)
    u = (np.arange(300) + 1) / 301
    walk = np.cumsum(rng.standard_normal((6000, 300)) / np.sqrt(301), axis=1)
    end = walk[:, -1:] + rng.standard_normal((6000, 1)) / np.sqrt(301)
    bridge = walk - u * end
    none = _statistics(bridge, u, 0.0)
    for name, still in none.items():
        # Sides of two rows each: the spread sqrt(1/2 + 1/2) is 1, the unit of the bridge.
        stated = detectable_shift(name, 2, 2, alpha, 10 if name in ("psi", "total_variation") else 0)
        assert stated is not None
        critical = np.quantile(still, 1 - alpha)
        power = [float((_statistics(bridge, u, s * stated)[name] > critical).mean()) for s in (0.85, 1.15)]
        assert power[0] < 0.8 < power[1], name


@pytest.mark.statistical
@pytest.mark.parametrize("name", COLUMN_NAMES)
def test_the_stated_shift_is_found_by_the_detector(name: str) -> None:
    n, m = 300, 200
    detector = get_detector(name, permutations=99)
    stated = detectable_shift(name, n, m, 0.05, getattr(detector, "bins", 0))
    assert stated is not None
    power = []
    for times in (0.75, 1.25):
        still, moved = (population.sample("normal", shift) for shift in (0.0, times * stated))
        comparison = wide((5, round(100 * times)), [f"x{i}" for i in range(200)], n, m, still, moved)
        outcomes = detector.outcomes(comparison, Plan(0.05, 0.05, 0, intervals=False))
        power.append(float(np.mean([(o.p_value or 0.0) <= 0.05 for o in outcomes])))
    # The rates have a standard error below 0.035: the shift of power 0.8 lies between.
    assert power[0] < 0.8 < power[1]


def test_shifts_shrink_with_rows_and_grow_with_smaller_levels() -> None:
    for name in ("ks", "wasserstein", "cramer_von_mises", "total_variation", "psi"):
        made = [
            detectable_shift(name, *given, 10) or 0.0
            for given in ((100, 100, 0.05), (1000, 100, 0.05), (1000, 1000, 0.05), (1000, 1000, 1e-6))
        ]
        assert made[0] > made[1] > made[2] > 0
        assert made[3] > made[2]


def test_extreme_levels_have_an_answer() -> None:
    for name in ("ks", "wasserstein", "cramer_von_mises", "total_variation", "psi"):
        for alpha in (1e-12, 0.5, 0.79, 0.8, 0.999):
            found = detectable_shift(name, 50, 50, alpha, 2)
            assert found is not None
            assert np.isfinite(found)
            assert (found == 0.0) == (alpha >= 0.8)


def test_nothing_is_claimed_of_unknown_detectors() -> None:
    assert detectable_shift("their_own", 100, 100, 0.05) is None
