"""Page-Hinkley finds what river's finds, and by the published sums what a plain loop finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from river import drift

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from tests.streams import shapes


@pytest.mark.parametrize("mode", ["up", "down", "both"])
@pytest.mark.parametrize("threshold", [50, 12])
def test_river_reports_the_same_indices(mode: Any, threshold: int) -> None:
    given = shapes.streams()
    found = ad.PageHinkley(variant="river", mode=mode, threshold=threshold).scan(np.stack([*given.values()], axis=1))
    wanted = [
        shapes.seen_by_river(drift.PageHinkley(mode=mode, threshold=threshold), values)[0] for values in given.values()
    ]
    assert sum(map(len, wanted)) > 20
    for s, changes in enumerate(wanted):
        assert found.of_stream(s).change_points.tolist() == changes
    assert len(found.warnings) == 0


def _plain(values: np.ndarray, delta: float, threshold: float) -> list[int]:
    """The published test: how far the sum of deviations has risen above its least, or fallen below its greatest."""
    found: list[int] = []
    n = mean = up = low = down = high = 0.0
    for i, x in enumerate(values.tolist()):
        n += 1
        mean += (x - mean) / n
        up, down = up + x - mean - delta, down + x - mean + delta
        low, high = min(low, up), max(high, down)
        if n >= 30 and max(up - low, high - down) > threshold:
            found.append(i)
            n = mean = up = low = down = high = 0.0
    return found


def test_the_published_sums_are_those_of_a_plain_loop(backend: Backend) -> None:
    given = shapes.streams("gaussian", "heavy")
    found = ad.PageHinkley(threshold=20, delta=0.1).scan(np.stack([*given.values()], axis=1)[:400], backend=backend)
    wanted = [_plain(values[:400], 0.1, 20) for values in given.values()]
    assert sum(map(len, wanted)) > 5
    assert [found.of_stream(s).change_points.tolist() for s in range(len(wanted))] == wanted


@pytest.mark.parametrize("moved", [2.0, -2.0])
@pytest.mark.parametrize("variant", ["paper", "river"])
def test_estimates_are_the_means_before_and_after(moved: float, variant: Any) -> None:
    values = np.random.default_rng(5).normal(10, 1, (3000, 40))
    values[2000:] += moved
    found = ad.PageHinkley(variant=variant, delta=0.3, threshold=40).scan(values).changes()
    assert len(found.of_stream(0)) == 1
    assert np.abs(found.before - 10).max() < 0.2
    assert np.abs(found.after - 10 - moved).max() < 1.5
    assert abs(found.after.mean() - 10 - moved) < 0.3


@pytest.mark.parametrize(
    "options", [{"delta": -1}, {"threshold": 0}, {"threshold": "a"}, {"alpha": 1.5}, {"min_instances": 1.5}]
)
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ad.PageHinkley(**options)
