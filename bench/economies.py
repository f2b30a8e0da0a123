"""What a study of many thousand pairs leaves out of the engine's work without changing what is tested.

Detectors of one column draw the same relabelled tables from the same stream: a study keeps them from one detector to
the next. One thread a process, since the study runs several processes. These two change no bit of any p-value (a test
says so). Only the median distance above 2,000 pooled rows is another number: that of 20,000 seeded pairs and not of a
million. Either way it is a function of the pooled rows alone, all that a permutation test asks of its bandwidth.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

import numpy as np

from accel_drift.statistics import distances, nulls
from accel_drift_kernels.numba_cpu import threads

MEDIAN_PAIRS = 20_000
_HELD = 260
"""Relabelled tables held: those of one wide table of columns."""


@contextmanager
def economies() -> Iterator[None]:
    """Install the savings for the time of a `with` block."""
    with ExitStack() as stack:
        for module, name, instead in (
            (nulls, "relabel", remembered(nulls.relabel)),
            (nulls, "untied_bins", remembered(nulls.untied_bins)),
            (distances, "_PAIRS", MEDIAN_PAIRS),
            (threads, "thread_count", _one),
        ):
            stack.enter_context(patch.object(module, name, instead))
        yield


def remembered(draw: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    """Keep the latest draws by the contents of their arguments."""
    held: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()

    @wraps(draw)
    def again(*given: Any) -> tuple[Any, Any]:
        key = tuple(_content(x) for x in given)
        if key not in held:
            made = draw(*given)
            for side in made:
                side.flags.writeable = False  # whoever changes it would change another detector's draws
            held[key] = made
            if len(held) > _HELD:
                held.popitem(last=False)
        return held[key]

    return again


def _content(x: Any) -> Hashable:
    if isinstance(x, np.ndarray):
        return x.shape, x.tobytes()
    return tuple(_content(part) for part in x) if isinstance(x, tuple) else x


def _one() -> int:
    return 1
