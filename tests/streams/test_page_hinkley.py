"""Page-Hinkley finds what river's finds, and by the published sums what a plain loop finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from river import drift

import accel_drift as ad
from accel_drift.backends import Backend
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
