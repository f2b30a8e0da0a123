"""What every detector of streams is: a frozen record of options that goes down S streams, value by value.

It has a state of arrays, `advance` makes the next state and the events of a window of values, and nothing else
changes: how a stream is cut into windows makes no difference, not in the last bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.streams.events import Events

if TYPE_CHECKING:
    from accel_drift.streams.stream import Stream

State: TypeAlias = Any
"""A NamedTuple of arrays; the last axis of each is the streams."""

Variant: TypeAlias = Literal["paper", "river"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDetector(ABC):
    """Options that mean the same for every detector of streams.

    Attributes:
        reads: what its values are: "numbers", finite ones; "shares", numbers from 0 to 1; "errors", 0 or 1.
        variant: where the method as published and the library river differ: "paper" or "river".
    """

    name: ClassVar[str]
    source: ClassVar[str]
    reads: ClassVar[str] = "numbers"

    variant: Variant = "paper"

    def __post_init__(self) -> None:
        if self.variant not in ("paper", "river"):
            raise ConfigError(f"variant is {self.variant!r}; there are 'paper' and 'river'")

    @abstractmethod
    def start(self, streams: int, backend: Backend) -> State:
        """The state of streams of which nothing was seen."""

    @abstractmethod
    def advance(self, state: State, window: Any, backend: Backend) -> tuple[State, Events]:
        """The state after a window of values (T, S), and the events in it; index 0 is its first value."""

    def scan(self, values: Any, *, backend: str | Backend = "auto") -> Events:
        """The events in whole streams.

        Args:
            values: (T,) values of one stream or (T, S) of S streams, time downwards; NaN and null are passed over.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            DataError: values are no numbers, infinite, or not what the detector reads.
        """
        from accel_drift.streams.stream import scanned

        return scanned(self, values, backend)

    def open(self, streams: int = 1, *, backend: str | Backend = "auto") -> Stream:
        """Streams that are watched as their values come: see `accel_drift.streams.stream.Stream`."""
        from accel_drift.streams.stream import Stream

        return Stream(self, streams, backend=backend)

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"detector": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}


def state_arrays(state: State) -> Mapping[str, Any]:
    """The arrays of a state by name."""
    made: Mapping[str, Any] = state._asdict()
    return made
