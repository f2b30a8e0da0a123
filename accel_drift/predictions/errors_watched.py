"""Concept drift, watched on the errors of a model: 0 where a prediction is right, 1 where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.predictions.joining import Rows
from accel_drift.predictions.performance import Performance
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.bounded_mean import BoundedMean
from accel_drift.streams.events import CHANGE
from accel_drift.streams.file import of_plain, to_plain
from accel_drift.streams.stream import Stream

Detector: TypeAlias = StreamDetector | Literal["auto"] | None


@dataclass(frozen=True, slots=True)
class ConceptDrift:
    """Where the errors of a model changed, or may be about to.

    Attributes:
        window: the window of the labelled row after which it was seen.
        id: the id of that row.
        index: how many rows with a prediction were labelled before it.
        kind: "change" or "warning".
        before: the detector's estimate of the share of errors until then.
        after: its estimate of it now.
    """

    window: str
    id: str | None
    index: int
    kind: str
    before: float
    after: float


class Errors:
    """The errors of labelled rows, under a detector of streams.

    Attributes:
        detector: what watches them; None where nothing does.
    """

    def __init__(self, detector: StreamDetector | None, backend: str | Backend) -> None:
        self.detector = detector
        self._stream = None if detector is None else Stream(detector, 1, backend=backend)

    def take(self, fresh: Sequence[tuple[Rows, int]]) -> tuple[ConceptDrift, ...]:
        """Go on with rows that got their label, as (window, row) in order; what was seen."""
        judged = [(rows, row) for rows, row in fresh if rows.said[row] >= 0]
        if self._stream is None or not judged:
            return ()
        first = self._stream.seen
        found = self._stream.update(np.array([float(rows.said[row] != rows.truth[row]) for rows, row in judged]))
        seen = []
        for index, kind, before, after in zip(found.index, found.kind, found.before, found.after, strict=True):
            rows, row = judged[int(index) - first]
            told = "change" if kind == CHANGE else "warning"
            seen.append(ConceptDrift(rows.key, rows.ids[row], int(index), told, float(before), float(after)))
        return tuple(seen)

    def to_plain(self) -> Any:
        """The stream as plain JSON values; None without one."""
        return None if self._stream is None else to_plain(self._stream.kept())

    @classmethod
    def of_plain(cls, given: Any, origin: str, backend: str | Backend) -> Errors:
        """From what `to_plain` made, as it stood then."""
        made = cls(None, backend)
        if given is not None:
            made._stream = Stream.resumed(of_plain(given, origin), origin, backend)
            made.detector = made._stream.detector
        return made


def detector_of(wanted: Any, baseline: Performance | None, alpha: float) -> StreamDetector | None:
    """What watches the errors: by default bets against the share of errors of the baseline.

    Raises:
        ConfigError: there is no such detector, or the baseline has too few rows.
    """
    if wanted is None or isinstance(wanted, StreamDetector):
        return wanted
    if wanted != "auto":
        raise ConfigError(
            f"detector is {wanted!r}; give a detector of streams, such as ad.ADWIN() or ad.DDM(), 'auto', or None"
        )
    if baseline is None or baseline.accuracy is None:
        return None
    wrong = round(baseline.labelled * (1 - baseline.accuracy.value))
    try:
        return BoundedMean.from_reference(np.repeat([0.0, 1.0], [baseline.labelled - wrong, wrong]), alpha=alpha)
    except (ConfigError, DataError) as error:
        raise ConfigError(
            f"the baseline's errors, {wrong:,} of {baseline.labelled:,} rows, cannot be watched for more: {error}; "
            "give a larger baseline, a detector of your own, or detector=None"
        ) from error
