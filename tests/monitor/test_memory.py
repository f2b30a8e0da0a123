"""A watcher holds no more after many windows than after a few."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import accel_drift as ad
from accel_drift import monitor as mo
from tests.monitor.samples import rows


class Many(mo.Source):
    """Batches with keys, drawn as they are asked for."""

    def batches(self, monitor: ad.Monitor) -> Iterator[mo.Batch]:  # noqa: ARG002
        for number in range(150):
            yield mo.Batch(rows(20, number), f"batch {number}")


def test_memory_does_not_grow_with_windows(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=history, name="m")
    held = []
    tracemalloc.start()
    try:
        for number, _ in enumerate(mo.watch(monitor, Many()), 1):
            if number % 50 == 0:
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # What is kept for each window is kept in every stretch of them; a cache that fills, or what another
    # thread makes meanwhile, is in one. Below 250 bytes a window: a report, or a remembered key, is more.
    growth = [after - before for before, after in pairwise(held)]
    assert min(growth[1:]) < 50 * 250, growth
