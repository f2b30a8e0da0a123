"""Joint tests under blocks and under a tolerance: mean effect, level, power."""

from __future__ import annotations

import numpy as np
import pytest

from accel_drift.backends import get_backend
from accel_drift.detectors import get_detector
from accel_drift.statistics.comparison import Plan

pytestmark = pytest.mark.statistical
joint = pytest.mark.parametrize("name", ["mmd", "energy"])


@joint
def test_pairs_within_a_block_do_not_look_like_drift(name: str) -> None:
    """Rows of a block share half their variance. With all pairs the mean effect is one deviation above 0."""
    found, rejected = [], 0
    for seed in range(40):
        rng = np.random.default_rng([70, seed])
        x, y = (np.repeat(rng.normal(size=(g, 2)), 6, axis=0) + rng.normal(size=(6 * g, 2)) for g in (20, 15))
        fitted = get_detector(name, permutations=99, block=6).fit(x, backend=get_backend("numpy"))
        plan = Plan(0.05, 0.05, seed, intervals=False)
        (made,) = fitted.detector.outcomes(fitted._compare(y), plan)
        found.append(made.statistic)
        rejected += made.p_value is not None and made.p_value <= 0.05
    values = np.array(found, dtype=float)
    # 4.75 standard errors of a mean of 40, and of a share of 0.05.
    assert abs(values.mean()) < 4.75 * values.std() / np.sqrt(40)
    assert rejected / 40 <= 0.05 + 4.75 * np.sqrt(0.05 * 0.95 / 40)


@joint
def test_tolerance_lets_small_drifts_pass_and_finds_large_ones(name: str) -> None:
    rng = np.random.default_rng(71)
    x, y = rng.normal(size=(300, 2)), rng.normal(0.5, 1, (250, 2))
    (plain,) = get_detector(name, permutations=99).fit(x, backend="numpy").detect(y).findings
    assert plain.statistic is not None
    for times, below in ((0.3, True), (1.0, False), (2.0, False)):
        detector = get_detector(name, permutations=99, tolerance=times * plain.statistic)
        (found,) = detector.fit(x, backend="numpy").detect(y).findings
        assert found.statistic == pytest.approx(plain.statistic)
        assert found.p_method == "approximate"
        assert found.details["tolerance"] == times * plain.statistic
        assert found.p_value is not None
        assert (found.p_value < 0.01) == below
        if times == 1.0:
            assert found.p_value == pytest.approx(0.5)
