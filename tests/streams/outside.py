"""A detector of another package: every seventh value is a change. Its state has arrays of many types and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from accel_drift.backends import Backend
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE, Events


class Odds(NamedTuple):
    count: Any
    cube: Any
    small: Any
    words: Any
    flags: Any
    truth: Any
    nothing: Any
    host: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sevenths(StreamDetector):
    """Every seventh value.

    Attributes:
        every: seven.
    """

    name: ClassVar[str] = "sevenths"
    source: ClassVar[str] = "none"

    every: int = 7

    def start(self, streams: int, backend: Backend) -> Odds:
        rng = np.random.default_rng(7)
        cube = rng.standard_normal((2, 3, streams))
        cube[0, 0, 0], cube[1, 2, -1] = np.nan, -np.inf
        made = (
            np.zeros(streams, np.int64),
            cube,
            rng.integers(-9, 9, (4, streams), np.int32),
            rng.integers(0, 2**32, (1, streams), np.uint32),
            rng.integers(0, 255, (5, streams), np.uint8),
            rng.random((3, streams)) < 0.5,
            np.zeros((0, streams)),
        )
        return Odds._make([*map(backend.asarray, made), np.arange(streams)])

    def advance(self, state: Odds, window: Any, backend: Backend) -> tuple[Odds, Events]:
        assert type(state.cube) is type(backend.asarray(np.zeros(1)))
        assert isinstance(state.host, np.ndarray)
        values, count = backend.to_numpy(backend.asarray(window)), backend.to_numpy(state.count)
        counts = count + np.cumsum(~np.isnan(values), axis=0)
        t, s = np.nonzero((counts % self.every == 0) & ~np.isnan(values))
        last = counts[-1] if len(counts) else count
        cube = np.flip(backend.to_numpy(state.cube), axis=1) if len(counts) % 2 else backend.to_numpy(state.cube)
        events = Events(t, s, np.full(len(t), CHANGE), values[t, s], counts[t, s].astype(np.float64))
        return state._replace(count=backend.asarray(last), cube=backend.asarray(cube), host=state.host + 1), events
