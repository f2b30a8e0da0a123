"""ADWIN: a window that grows while its values are alike and loses the older ones once they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from accel_drift.backends import Backend
from accel_drift.options import at_least, between
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE, Events


class Window(NamedTuple):
    """The windows of S streams: buckets of 2^i values at level i < L, at most `max_buckets` M each, the oldest first.

    Attributes:
        counts: (L, S) int64 buckets of each level.
        sums: (L, M, S) sum of the values of each bucket.
        squares: (L, M, S) squared distances of these values to their mean, summed.
        total: (S,) sum of all values.
        square: (S,) squared distances of all values to their mean, summed.
        seen: (S,) int64 values so far.
    """

    counts: Any
    sums: Any
    squares: Any
    total: Any
    square: Any
    seen: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ADWIN(StreamDetector):
    """The latest values, as many as have one mean; a change where the means before and after some cut differ.

    The values are kept as sums of 1, 2, 4, ... of them, so a window of n values takes about max_buckets log2(n)
    buckets, and cuts lie between these. Two means differ if they are further apart than
    sqrt(2 q v d) + 2 / 3 q d with d = ln(2 ln(n) / delta), the window's variance v, and q the sum of the reciprocals
    of the two parts' lengths, each less `min_window_length` - 1: equation 3.1 of the paper for ln n cuts, as its
    authors' program has it. The oldest bucket is dropped until no two parts differ. A change point tells the mean
    of what was dropped then and that of what was kept. Going on, the published detector has the values that it
    kept; river's drops these too and starts from nothing.

    The bound is meant for values from 0 to 1. Of wider ones the window is cut more often than `delta` says, and of
    narrower ones less often: scale them.

    Attributes:
        delta: about the chance that a look sees a change where there is none.
        clock: values from one look for a change to the next.
        max_buckets: buckets of one length before two become one, at least 2: more of them are more places of a cut,
            and more work.
        min_window_length: values that either part must have.
        grace_period: values in the window up to which no change is looked for. The defaults of all options are those
            of the authors' program, MOA, and of river.
    """

    name: ClassVar[str] = "adwin"
    source: ClassVar[str] = "Bifet & Gavalda 2007, doi:10.1137/1.9781611972771.42"
    strictness: ClassVar[tuple[str, ...]] = ("delta",)
    falls: ClassVar[bool] = True

    delta: float = 0.002
    clock: int = 32
    max_buckets: int = 5
    min_window_length: int = 5
    grace_period: int = 10

    def __post_init__(self) -> None:
        super(ADWIN, self).__post_init__()
        between(self.delta, 0, 1, "delta", "the chance of a false change at a look")
        at_least(self.clock, 1, "clock", "values from one look for a change to the next")
        at_least(self.max_buckets, 2, "max_buckets", "buckets of one length before two become one")
        at_least(self.min_window_length, 1, "min_window_length", "values that either part of the window must have")
        at_least(self.grace_period, 0, "grace_period", "values in the window up to which no change is looked for")

    def start(self, streams: int, backend: Backend) -> Window:
        """See `StreamDetector.start`."""
        buckets = np.zeros((1, self.max_buckets, streams))
        none, counts = np.zeros(streams), np.zeros((1, streams), np.int64)
        with backend.scope():
            arrays = (counts, buckets, buckets, none, none, counts[0])
            return Window(*(backend.asarray(x) for x in arrays))

    def advance(self, state: Window, window: Any, backend: Backend) -> tuple[Window, Events]:
        """See `StreamDetector.advance`."""
        options = self.delta, self.clock, self.min_window_length, self.grace_period, self.variant == "river"
        with backend.scope():
            *arrays, where, told = backend.kernels.scan_windows(backend.asarray(window), tuple(state), options)
            where, told = backend.to_numpy(where), backend.to_numpy(told)
        index, stream, before, after = (np.ascontiguousarray(column) for column in (*where.T, *told.T))
        return Window(*arrays), Events(index, stream, np.full(len(index), CHANGE), before, after)


DETECTOR = ADWIN
