"""Watches and streams are shared by threads, copied and sent to other processes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import accel_drift as ad

ROWS, CALLS = 30, 24


def reference(rows: int = 2_000) -> Any:
    """Rows (n, 2)."""
    return np.random.default_rng(0).normal(size=(rows, 2))


MAKERS: list[Callable[[], Any]] = [
    lambda: ad.KernelCUSUM(arl=1000, window=20).open(reference(), backend="numpy"),
    lambda: ad.SequentialTwoSample(kernel=False).open(reference(), backend="numpy"),
    lambda: ad.PageHinkley().open(2, backend="numpy"),
]
NAMES = ["row_watch", "watch", "stream"]


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_threads_take_turns(make: Callable[[], Any]) -> None:
    watch, rows = make(), reference(ROWS)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: watch.update(rows), range(CALLS)))
    if isinstance(watch, ad.Watch):
        assert sorted(look.number for look in found) == list(range(1, CALLS + 1))
        assert sorted(look.left or 0 for look in found) == [1_600 - ROWS * i for i in range(CALLS, 0, -1)]
    else:
        assert watch.seen == ROWS * CALLS
    if isinstance(watch, ad.RowWatch):
        assert sorted(alarms.first for alarms in found) == [ROWS * i for i in range(CALLS)]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))], ids=["copy", "pickle"])  # noqa: S301
@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_a_copy_goes_on_by_itself(make: Callable[[], Any], again: Callable[[Any], Any]) -> None:
    watch, rows = make(), reference(ROWS)
    watch.update(rows)
    twin = again(watch)
    one, other = watch.update(rows), twin.update(rows)
    assert repr(one) == repr(other)
    assert repr(watch) == repr(twin)
    watch.update(rows)
    assert repr(watch) != repr(twin)
