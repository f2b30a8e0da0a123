"""Windows of all lengths at once: the numbers, the promise, and which windows see which change."""

from __future__ import annotations

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from tests.sequential.test_online_mmd import mmd2, moved, normal


def test_it_is_the_plain_loop(backend: Backend) -> None:
    watch = ad.KernelCUSUM(arl=300, window=14, shortest=4, seed=4).open(normal(200, 2, 0), backend=backend)
    stream = moved(2)[200:420]
    found, x = watch.update(stream), watch._points(stream)
    reference, deviations, start, rows = watch._learned.reference.points, watch._learned.deviations, 0, []
    for i in range(len(x)):
        if i - start < 13:
            assert np.isnan(found.path[i])
            continue
        each = [mmd2(reference, x[i - size + 1 : i + 1]) / deviations[size - 2] for size in range(4, 15)]
        assert found.path[i] == pytest.approx(max(each), rel=1e-8)
        if max(each) >= watch.threshold:
            rows.append(i)
            start = i + 1
    assert found.row.tolist() == rows
    assert len(rows) > 3


def test_one_length_is_online_mmd_in_other_units() -> None:
    reference, x = normal(200, 2, 0), moved(2)
    one = ad.KernelCUSUM(arl=300, window=20, shortest=20).open(reference, backend="numpy")
    other = ad.OnlineMMD(arl=300, window=20).open(reference, backend="numpy")
    unit = other._learned.deviations[-1]
    assert one.threshold * unit == pytest.approx(other.threshold)
    mine, its = one.update(x), other.update(x)
    np.testing.assert_allclose(mine.path * unit, its.path, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(mine.row, its.row)


@pytest.mark.statistical
def test_the_run_length_holds_on_average_over_references() -> None:
    """16 references, 20,000 rows each. Over 30 it is 520 on average; single ones are from 400 to 750."""
    rates = []
    for seed in range(16):
        watch = ad.KernelCUSUM(arl=500, window=40, seed=seed).open(normal(1000, 3, 50 + seed), backend="numpy")
        rates.append(len(watch.update(normal(20_000, 3, 150 + seed))) / 20_000)
    assert 380 < 1 / np.mean(rates) < 850


@pytest.mark.statistical
def test_short_windows_see_large_changes_sooner() -> None:
    """Against one window as long as the longest, at the same run length."""

    def delays(detector: ad.KernelCUSUM | ad.OnlineMMD, shift: float) -> float:
        found = []
        for seed in range(8):
            watch = detector.open(normal(600, 2, 300 + seed), backend="numpy")
            for stream in range(4):
                x = normal(400, 2, 1000 * seed + stream)
                x[100:] += shift
                rows = ad.RowWatch(watch._learned).update(x).row
                found.append(int(rows[np.searchsorted(rows, 100)]) - 100)
        return float(np.mean(found))

    cusum, window = ad.KernelCUSUM(arl=1000, window=100), ad.OnlineMMD(arl=1000, window=100)
    assert delays(cusum, 2.0) < 0.7 * delays(window, 2.0)


@pytest.mark.parametrize(("window", "shortest"), [(100, 1), (100, 101), (100, 2.5), (1, 1)])
def test_options_that_cannot_work(window: int, shortest: int) -> None:
    with pytest.raises(ConfigError, match=r"shortest|window"):
        ad.KernelCUSUM(window=window, shortest=shortest)
