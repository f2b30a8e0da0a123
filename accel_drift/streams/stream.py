"""Streams that are watched as their values come, with a state that can be kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift.backends import Backend, open_backend
from accel_drift.errors import DataError, SourceError
from accel_drift.options import at_least
from accel_drift.streams.base import StreamDetector, state_arrays
from accel_drift.streams.events import Events
from accel_drift.streams.values import check, window


class Stream:
    """S streams under one detector, in the middle of their values.

    Attributes:
        detector: what watches them.
        streams: how many there are.
        seen: values of each stream so far, missing ones included.
    """

    def __init__(self, detector: StreamDetector, streams: int = 1, *, backend: str | Backend = "auto") -> None:
        at_least(streams, 1, "streams", "the number of streams")
        self.detector, self.streams, self.seen = detector, streams, 0
        self._backend, _ = open_backend(backend)
        self._state = detector.start(streams, self._backend)

    def update(self, values: Any) -> Events:
        """Go on with the next values, (T,) of a single stream or (T, S); the events in them.

        Their indices count from the first value of all. Where it raises, nothing has changed.

        Raises:
            DataError: values are no numbers, infinite, not what the detector reads, or of another number of streams.
        """
        given, single = window(values, self._backend)
        if given.shape[1] != self.streams:
            raise DataError(
                f"values are of {given.shape[1]:,} streams, and {self.streams:,} are watched: give (T, {self.streams})"
            )
        check(self.detector, given, self._backend, self.seen, single and self.streams == 1)
        self._state, events = self.detector.advance(self._state, given, self._backend)
        events = replace(events, index=events.index + self.seen, single=single and self.streams == 1)
        self.seen += int(given.shape[0])
        return events

    def __repr__(self) -> str:
        return f"<Stream: {self.streams:,} under {self.detector}, {self.seen:,} values seen>"

    def save(self, path: str | Path) -> None:
        """Write the detector and where its streams stand to one Arrow file, whole or not at all; never a pickle.

        Raises:
            ConfigError: the detector is not offered under its name, so that it could not be loaded again.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.streams.file import Kept, write

        with self._backend.scope():
            arrays = {
                name: array if isinstance(array, np.ndarray) else self._backend.to_numpy(array)
                for name, array in state_arrays(self._state).items()
            }
        write(Kept(self.detector, self.streams, self.seen, arrays), Path(path))

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

        kept = read(Path(path))
        made = cls(kept.detector, kept.streams, backend=backend)
        fresh = state_arrays(made._state)
        if [*fresh] != [*kept.arrays]:
            raise SourceError(
                f"{str(path)!r} holds {', '.join(kept.arrays)} of each stream, and {type(kept.detector).__name__} here "
                f"keeps {', '.join(fresh)}; load it with the version that saved it"
            )
        with made._backend.scope():
            # What the detector keeps on the host stays there.
            arrays = {
                name: array if isinstance(fresh[name], np.ndarray) else made._backend.asarray(array)
                for name, array in kept.arrays.items()
            }
        made._state, made.seen = type(made._state)(**arrays), kept.seen
        return made


def scanned(detector: StreamDetector, values: Any, backend: str | Backend) -> Events:
    """See `StreamDetector.scan`."""
    opened, _ = open_backend(backend, values)
    given, single = window(values, opened)
    check(detector, given, opened, 0, single)
    state = detector.start(int(given.shape[1]), opened)
    _, events = detector.advance(state, given, opened)
    return replace(events, single=single)
