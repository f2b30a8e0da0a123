"""Detectors whose state is a few numbers and whose step is a rule: see `Kernels.scan_streams`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from accel_drift.backends import Backend
from accel_drift.streams.base import State, StreamDetector
from accel_drift.streams.events import Events

FIELDS = (8, 16)
"""How many numbers a rule may keep of each stream."""


class Numbers(NamedTuple):
    """The state of S streams: float64 of (8, S), or of (16, S) where a rule needs more."""

    fields: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDetector(StreamDetector):
    """A detector that is one rule: its file says what a value does to a few numbers of state."""

    @staticmethod
    @abstractmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """What one more value does to the numbers of a stream: see `accel_drift_kernels.spec.Rule`."""

    @abstractmethod
    def empty(self) -> tuple[float, ...]:
        """The numbers of a stream of which nothing was seen, at most 16."""

    @abstractmethod
    def options(self) -> tuple[float, ...]:
        """What the rule is given beside value and state."""

    def start(self, streams: int, backend: Backend) -> State:
        """See `StreamDetector.start`."""
        empty = self.empty()
        column = np.zeros(min(count for count in FIELDS if count >= len(empty)))
        column[: len(empty)] = empty
        with backend.scope():
            return Numbers(backend.asarray(np.repeat(column[:, None], streams, axis=1)))

    def advance(self, state: State, window: Any, backend: Backend) -> tuple[State, Events]:
        """See `StreamDetector.advance`."""
        options = tuple(float(x) for x in self.options())
        with backend.scope():
            fields, where, told = backend.kernels.scan_streams(
                self.rule, backend.asarray(window), state.fields, options
            )
            where, told = backend.to_numpy(where), backend.to_numpy(told)
        events = (np.ascontiguousarray(column) for column in (*where.T, *told.T))
        return state._replace(fields=fields), Events(*events)  # type: ignore[arg-type]
