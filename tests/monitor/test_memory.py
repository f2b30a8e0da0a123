"""A watcher holds no more after many windows than after a few."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

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
    held = {}
    tracemalloc.start()
    try:
        for number, _ in enumerate(mo.watch(monitor, Many()), 1):
            if number in (100, 300):
                gc.collect()
                held[number] = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # Less than 250 bytes a window: a report, or a key that was remembered, is more.
    assert held[300] - held[100] < 50_000
