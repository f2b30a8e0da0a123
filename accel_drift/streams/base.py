"""What every detector of streams is: a frozen record of options that goes down S streams, value by value.

It has a state of arrays, `advance` makes the next state and the events of a window of values, and nothing else
changes: how a stream is cut into windows makes no difference, not in the last bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.options import plain
from accel_drift.streams.events import Events

if TYPE_CHECKING:
    from accel_drift.streams.run_lengths import RunLengths
    from accel_drift.streams.stream import Stream

State: TypeAlias = Any
"""A NamedTuple of arrays; the last axis of each is the streams. Where another one grows, what is new begins with 0."""

Floats: TypeAlias = npt.NDArray[np.float64]

Variant: TypeAlias = Literal["paper", "river"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDetector(ABC):
    """Options that mean the same for every detector of streams.

    Attributes:
        reads: what its values are: "numbers", finite ones; "shares", numbers from 0 to 1; "errors", 0 or 1.
        variant: where the method as published and the library river differ: "paper" or "river".
        strictness: the option that says how much it takes to be a change, then that of a warning, which moves with it.
        falls: whether these are shares or chances, of which a lower one takes more; else a higher number does.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    reads: ClassVar[str] = "numbers"
    strictness: ClassVar[tuple[str, ...]] = ()
    falls: ClassVar[bool] = False

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

    def log_evidence(self, state: State, backend: Backend) -> Floats:  # noqa: ARG002
        """(S,) logarithms of e-values in a state: see `Stream.log_evidence`.

        Raises:
            ConfigError: the detector has none.
        """
        raise ConfigError(
            f"{type(self).__name__} has no e-values, for what it computes has no bound where nothing changes; "
            'BoundedMean(guarantee="ever") has'
        )

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

    def run_length(
        self,
        null: Any,
        *,
        runs: int = 10_000,
        horizon: int = 100_000,
        block: int = 1,
        seed: int = 0,
        backend: str | Backend = "auto",
    ) -> RunLengths:
        """How many values streams that do not change take until the first false alarm.

        Streams are drawn from the null and scanned until their first change point; learning and waiting count.

        Args:
            null: values of a stream that does not change, (N,), or of several, (N, C), each of which as many streams
                are drawn from; or "normal", for detectors that read any number: mean 0 and deviation 1, or those that
                the detector is given.
            runs: streams that are simulated; the standard error of the average is about the average over their root.
            horizon: values after which a stream is followed no further.
            block: values that are drawn together as they follow one another (Kuensch 1989, doi:10.1214/aos/1176347265),
                a hundred times as long as neighbours are alike; 1 where values do not depend on one another.
            seed: decides what is drawn.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            ConfigError: there is no such null, block or number of runs.
            DataError: the values are not what the detector reads.
        """
        from accel_drift.streams.run_lengths import run_length

        return run_length(self, null, runs=runs, horizon=horizon, block=block, seed=seed, backend=backend)

    def calibrate(
        self,
        null: Any,
        *,
        arl: float,
        runs: int = 10_000,
        block: int = 1,
        seed: int = 0,
        backend: str | Backend = "auto",
    ) -> Self:
        """The same detector with a wanted average run length: of streams like the null, one alarm in `arl` values.

        The option that decides when there is a change is searched (`strictness`), and that of warnings moves with it;
        the others stay. The average is that of streams simulated from the null, by the standard error of `runs` of
        them, and each counts as at most 20 `arl`: DDM and HDDM-A alarm less and less often, so that some streams never
        do. Where no value of the option gives just `arl`, the average is the next longer one, with a warning where it
        is off by a tenth. It is as true as the null: a few hundred values say little about what one in 10,000 is
        like. Watching S streams, there is an alarm in any of them S times as often.

        Args:
            null: as for `run_length`.
            arl: the average run length without a change, in values of a stream; above 1 and below 1e7.
            runs: streams that are simulated.
            block: as for `run_length`.
            seed: decides what is drawn.
            backend: where to compute.

        Raises:
            ConfigError: the detector cannot have such an average; or as for `run_length`.
            DataError: the values are not what the detector reads.
        """
        from accel_drift.streams.run_lengths import calibrate

        return calibrate(self, null, arl=arl, runs=runs, block=block, seed=seed, backend=backend)

    def can_calibrate(self) -> None:
        """Whether an option decides how often it alarms, so that `calibrate` can search it.

        Raises:
            ConfigError: there is none.
        """
        if not self.strictness:
            raise ConfigError(f"{type(self).__name__} does not say which of its options decides how often it alarms")

    @property
    def in_control(self) -> tuple[float, float]:
        """Mean and deviation of the normal values that the null "normal" means."""
        return 0.0, 1.0

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"detector": self.name, **plain(self)}


def state_arrays(state: State) -> Mapping[str, Any]:
    """The arrays of a state by name."""
    made: Mapping[str, Any] = state._asdict()
    return made
