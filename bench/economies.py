"""What a study of many thousand pairs leaves out of the engine's work without changing what is tested.

One thread a process, since the study runs several processes: that changes no bit of any p-value (a test says so). Only
the median distance above 2,000 pooled rows is another number: that of 20,000 seeded pairs and not of a million. Either
way it is a function of the pooled rows alone, all that a permutation test asks of its bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from accel_drift.statistics import distances
from accel_drift_kernels.numba_cpu import threads

MEDIAN_PAIRS = 20_000


@contextmanager
def economies() -> Iterator[None]:
    """Install the savings for the time of a `with` block."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(distances, "_PAIRS", MEDIAN_PAIRS))
        stack.enter_context(patch.object(threads, "thread_count", _one))
        yield


def _one() -> int:
    return 1
