"""Intervals hold the truth where a bootstrap alone would not."""

from __future__ import annotations

import numpy as np
import pytest

from accel_drift.detectors import get_detector
from accel_drift.statistics import intervals

COLUMNS, RUN, RUNS, SHIFT = 150, 10, 40, 0.6


@pytest.mark.statistical
def test_whole_runs_drawn_again_hold_the_truth() -> None:
    """Runs of rows that share half of their variance: the basic bootstrap holds the truth in about 80 % of cases."""
    rng = np.random.default_rng(31)

    def side(shift: float, runs: int = RUNS) -> dict[str, np.ndarray]:
        shared = np.repeat(rng.standard_normal((runs, COLUMNS)), RUN, axis=0)
        made = np.sqrt(0.5) * (shared + rng.standard_normal((runs * RUN, COLUMNS))) + shift
        return {f"x{i}": made[:, i] for i in range(COLUMNS)}

    populations = {
        n: v.ravel() for n, v in {"r": rng.standard_normal(400_000), "b": rng.standard_normal(400_000)}.items()
    }
    large = get_detector("psi", permutations=19).fit({"x": populations["r"]}, backend="numpy")
    true = float(np.squeeze(large.score({"x": populations["b"] + SHIFT})))
    fitted = get_detector("psi", permutations=199, block=RUN).fit(side(0.0), backend="numpy")
    found = [f.interval for f in fitted.detect(side(SHIFT)).findings if f.interval is not None]
    assert len(found) == COLUMNS
    assert np.mean([low <= true <= high for low, high in found]) > 0.85


def test_infinite_resamples_leave_the_basic_interval() -> None:
    errors = np.array([[0.1, np.inf, 0.2, -0.1], [0.1, 0.3, 0.2, -0.1]])
    made = intervals.Bootstrap(np.array([0.5, 0.5]), errors)
    found = intervals.of_quadratic(made, np.array([0.1, 0.1]), np.array([[0.1, 0.2], [0.1, 0.2]]))
    basic = made.interval()
    assert [end[0] for end in found] == [end[0] for end in basic]
    assert [end[1] for end in found] != [end[1] for end in basic]


def test_a_score_without_growing_variance_has_the_normal_interval() -> None:
    spread = np.array([[-1.0, 1.0]])
    low, high = intervals.of_quadratic(intervals.Bootstrap(np.array([5.0]), spread), np.array([1.0]), spread)
    assert (low[0], high[0]) == pytest.approx((4.0 - 1.959963984540054, 4.0 + 1.959963984540054))


def test_chance_is_taken_off_in_squares() -> None:
    assert intervals.less_chance(np.array([5.0, 1.0]), np.array([[3.0, -3.0], [2.0, 2.0]])).tolist() == [4.0, 0.0]


def test_infinite_draws_are_left_out_of_the_variance() -> None:
    errors, null = np.array([[0.2, 0.3, -0.4]]), np.array([[0.1, np.inf, 0.2, 0.4]])
    made = intervals.Bootstrap(np.array([0.9]), errors)
    with_far = intervals.of_quadratic(made, np.array([0.1]), null)
    without = intervals.of_quadratic(made, np.array([0.1]), null[:, [0, 2, 3]])
    assert np.concatenate(with_far) == pytest.approx(np.concatenate(without))
