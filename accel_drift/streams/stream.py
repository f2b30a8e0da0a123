"""Streams that are watched as their values come, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accel_drift.backends import Backend, open_backend
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.options import at_least
from accel_drift.streams.base import Floats, StreamDetector, state_arrays
from accel_drift.streams.events import Events
from accel_drift.streams.values import check, window
from accel_drift.turns import Turn

if TYPE_CHECKING:
    from accel_drift.streams.file import Kept


class Stream:
    """S streams under one detector, in the middle of their values.

    Attributes:
        detector: what watches them.
        streams: how many there are.
        seen: values of each stream so far, missing ones included.
        names: of the streams, from the first table whose columns they were; None before there was one.
    """

    def __init__(self, detector: StreamDetector, streams: int = 1, *, backend: str | Backend = "auto") -> None:
        at_least(streams, 1, "streams", "the number of streams")
        self.detector, self.streams, self.seen = detector, streams, 0
        self.names: tuple[str, ...] | None = None
        self._backend, _ = open_backend(backend)
        self._state = detector.start(streams, self._backend)
        self._turn = Turn()

    def update(self, values: Any) -> Events:
        """Go on with the next values, (T,) or one number of a single stream, or (T, S); the events in them.

        Their indices count from the first value of all. Where it raises, nothing has changed.

        Raises:
            DataError: values are no numbers, infinite, not what the detector reads, of another number of streams, or a
                table whose columns have other names, or another order, than those of the first one.
        """
        with self._turn:
            return self._next(values)

    def _next(self, values: Any) -> Events:
        given, single, names = window(values, self._backend)
        if given.shape[1] != self.streams:
            raise DataError(
                f"values are of {given.shape[1]:,} streams, and {self.streams:,} are watched: give (T, {self.streams})"
            )
        if names and self.names and names != self.names:
            at = next(i for i, (new, old) in enumerate(zip(names, self.names, strict=True)) if new != old)
            raise DataError(
                f"column {at} is {names[at]!r}, and {self.names[at]!r} was there in the first table: give the columns "
                "in the order of Stream.names"
            )
        check(self.detector, given, self._backend, self.seen, single)
        self._state, events = self.detector.advance(self._state, given, self._backend)
        self.names = self.names or names
        events = replace(events, index=events.index + self.seen, single=single, names=self.names)
        self.seen += int(given.shape[0])
        return events

    def log_evidence(self) -> Floats | dict[str, float]:
        """How much speaks for a change in each stream, as natural logarithms, for `e_bh(..., log=True)`.

        Of `BoundedMean(guarantee="ever")` alone. Where a stream has not changed, its evidence is 1 or less on average
        whenever one stops to look: it is an e-value. What a stream changed with is not lost as the detector begins
        anew: at each change half of the evidence is kept for good and the other half goes on to be bet, so that after a
        change it is at least 1 / (2 `alpha`), with the `alpha` of the detector, and grows as long as the stream stays
        changed. To have `e_bh` name every stream that ever had a change, open the S streams with an `alpha` of at most
        that of `e_bh` / (2 S).

        Returns:
            (S,) logarithms; or name -> logarithm, where the streams have names.

        Raises:
            ConfigError: the detector has no e-values, or promises an average run length.

        >>> import numpy as np
        >>> from accel_drift import BoundedMean, e_bh
        >>> errors = np.random.default_rng(0).random((2000, 100)) < 0.1
        >>> errors[1000:, [3, 8]] = np.random.default_rng(1).random((1000, 2)) < 0.2
        >>> stream = BoundedMean(mean=0.1, alpha=0.05 / 200).open(100)
        >>> events = stream.update(errors)
        >>> np.flatnonzero(e_bh(stream.log_evidence(), log=True, alpha=0.05)).tolist()
        [3, 8]
        """
        found = self.detector.log_evidence(self._state, self._backend)
        return found if self.names is None else dict(zip(self.names, found.tolist(), strict=True))

    def reset(self, streams: Sequence[int | str] | None = None) -> None:
        """Forget what was seen of some streams: they go on as new ones, and indices of events count as before.

        What a detector promises begins anew as well: "ever" is the chance of a false alarm since the last reset.

        Args:
            streams: numbers from 0 on, or names; None for all.

        Raises:
            ConfigError: there is no such stream.
        """
        chosen = self._places(range(self.streams) if streams is None else streams)
        fresh, state = state_arrays(self.detector.start(self.streams, self._backend)), state_arrays(self._state)
        with self._backend.scope():
            arrays = {name: self._renewed(array, fresh[name], chosen) for name, array in state.items()}
        self._state = type(self._state)(**arrays)

    def _renewed(self, array: Any, fresh: Any, chosen: list[int]) -> Any:
        """An array of the state with what it begins with in some streams."""
        on_host = isinstance(array, np.ndarray)
        old = array.copy() if on_host else np.array(self._backend.to_numpy(array))
        new = fresh if on_host else self._backend.to_numpy(fresh)
        old[..., chosen] = 0  # where it has grown
        began: Any = (*map(slice, new.shape[:-1]), chosen)
        old[began] = new[..., chosen]
        return old if on_host else self._backend.asarray(old)

    def _places(self, streams: Any) -> list[int]:
        """Numbers of streams.

        Raises:
            ConfigError: one of them is no stream.
        """
        if isinstance(streams, str) or not isinstance(streams, Iterable):
            raise ConfigError(f"streams are {streams!r}; give a list of numbers or names")
        known = {name: i for i, name in enumerate(self.names or ())}
        found: list[int] = []
        for one in streams:
            place = known.get(one) if isinstance(one, str) else one
            if isinstance(place, bool) or not isinstance(place, Integral) or not 0 <= int(place) < self.streams:
                names = ", or one of Stream.names" if known else "; they have no names"
                raise ConfigError(f"there is no stream {one!r}: give numbers from 0 to {self.streams - 1:,}{names}")
            found.append(int(place))
        return found

    def __repr__(self) -> str:
        return f"<Stream: {self.streams:,} under {self.detector}, {self.seen:,} values seen>"

    def save(self, path: str | Path) -> None:
        """Write the detector and where its streams stand to one Arrow file, whole or not at all; never a pickle.

        Raises:
            ConfigError: the detector is not offered under its name, so that it could not be loaded again.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.streams.file import write

        write(self.kept(), Path(path))

    def kept(self) -> Kept:
        """What has to be kept to go on with these streams, with all arrays on the host."""
        from accel_drift.streams.file import Kept

        with self._backend.scope():
            arrays = {
                name: array if isinstance(array, np.ndarray) else self._backend.to_numpy(array)
                for name, array in state_arrays(self._state).items()
            }
        return Kept(self.detector, self.streams, self.seen, self.names, arrays)

    @classmethod
    def load(cls, path: str | Path, backend: str | Backend = "auto") -> Stream:
        """Streams as they stood when they were saved: what they say from here on is what they would have said.

        Args:
            path: of a file that `save` wrote, on whatever backend.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, of a later format, or of a
                detector that is not there.
        """
        from accel_drift.streams.file import read

        return cls.resumed(read(Path(path)), repr(str(path)), backend)

    @classmethod
    def resumed(cls, kept: Kept, origin: str, backend: str | Backend = "auto") -> Stream:
        """Streams that go on from what `kept` gave.

        Args:
            kept: what was kept.
            origin: where it is from, for messages.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            SourceError: the detector keeps other things.
        """
        made = cls(kept.detector, kept.streams, backend=backend)
        fresh = state_arrays(made._state)
        if [*fresh] != [*kept.arrays]:
            raise SourceError(
                f"{origin} holds {', '.join(kept.arrays)} of each stream, and {type(kept.detector).__name__} here "
                f"keeps {', '.join(fresh)}; load it with the version that saved it"
            )
        with made._backend.scope():
            # What the detector keeps on the host stays there.
            arrays = {
                name: array if isinstance(fresh[name], np.ndarray) else made._backend.asarray(array)
                for name, array in kept.arrays.items()
            }
        made._state, made.seen, made.names = type(made._state)(**arrays), kept.seen, kept.names
        return made


def scanned(detector: StreamDetector, values: Any, backend: str | Backend) -> Events:
    """See `StreamDetector.scan`."""
    opened, _ = open_backend(backend, values)
    given, single, names = window(values, opened)
    check(detector, given, opened, 0, single)
    state = detector.start(int(given.shape[1]), opened)
    _, events = detector.advance(state, given, opened)
    return replace(events, single=single, names=names)
