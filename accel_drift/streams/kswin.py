"""KSWIN: the newest values are spread differently from those before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import comb
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.options import at_least, between
from accel_drift.statistics import draws, ks_law
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE, Events


class Windows(NamedTuple):
    """The last values of S streams.

    Attributes:
        window: (window_size, S) float64, a ring; 0 where it is not full.
        order: (window_size, S) int32, its slots in the order of their values, then of their age.
        count: (S,) int64 values since the window was begun.
        seen: (S,) int64 values of the stream, missing ones left out.
    """

    window: Any
    order: Any
    count: Any
    seen: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KSWIN(StreamDetector):
    """The newest values against as many of the older ones of a window, at every value; a change where they differ.

    The two are compared by their Kolmogorov-Smirnov distance. A change is a p-value of at most `alpha`, exact for
    values without ties, as in river: the level of one test. (The bound sqrt(-ln(alpha) / stat_size) that river's
    documentation gives has 0.0065 where 0.005 is asked for.) Tests follow one another at every value, so most streams
    without any change are reported sooner or later.

    The published variant goes on with the newest values after a change. River's starts from an empty window and, like
    its first author's program, asks for a distance above 0.1 as well, which decides only where stat_size is above some
    500. River draws by Python's generator, begun anew after each change; with those
    draws as `samples` the change points are river's.

    An event's `before` and `after` are the means of the older values that were drawn and of the newest ones. The draws
    follow from the seed and the number of the value in its stream, so a stream's events do not depend on the others.

    Attributes:
        alpha: largest p-value of a change; river's default, as those of the sizes are.
        window_size: values of a window, older and newest ones.
        stat_size: how many of them are the newest, at most half.
        seed: decides which of the older values are drawn.
        samples: rows of stat_size different positions among the older values, 0 the oldest, that tests use in place of
            drawn ones: row 0 at the first test of a window that began empty or anew, and so on; after the last row the
            first.
    """

    name: ClassVar[str] = "kswin"
    source: ClassVar[str] = "Raab, Heusinger & Schleif 2020, doi:10.1016/j.neucom.2019.11.111"
    strictness: ClassVar[tuple[str, ...]] = ("alpha",)
    falls: ClassVar[bool] = True

    alpha: float = 0.005
    window_size: int = 100
    stat_size: int = 30
    seed: int = 0
    samples: Sequence[Sequence[int]] | npt.NDArray[np.integer[Any]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super(KSWIN, self).__post_init__()
        between(self.alpha, 0.0, 1.0, "alpha", "the largest p-value of a change")
        at_least(self.stat_size, 2, "stat_size", "the newest values of a window")
        at_least(self.window_size, 2 * self.stat_size, "window_size", "twice stat_size or more")
        at_least(self.seed, 0, "seed", "the number that the draws follow from")
        few = min(self.stat_size, 500)  # no float is as small as the p-values of more
        if comb(2 * few, few) < 2 / self.alpha:
            raise ConfigError(
                f"alpha is {self.alpha:g} and stat_size {self.stat_size}: so few values never have so small a p-value; "
                "raise one of them"
            )
        if self.samples is not None:
            rows = _checked(self.samples, self.window_size - self.stat_size, self.stat_size)
            object.__setattr__(self, "samples", rows)

    def start(self, streams: int, backend: Backend) -> Windows:
        """See `StreamDetector.start`."""
        size = self.window_size
        none = np.zeros((size, streams)), np.zeros((size, streams), np.int32), *np.zeros((2, streams), np.int64)
        with backend.scope():
            return Windows(*(backend.asarray(array) for array in none))

    def advance(self, state: Windows, window: Any, backend: Backend) -> tuple[Windows, Events]:
        """See `StreamDetector.advance`."""
        river = self.variant == "river"
        samples = np.array(() if self.samples is None else self.samples, np.int64).reshape(-1, self.stat_size)
        least = _least(self.alpha, self.stat_size, 0.1 if river else 0.0)
        with backend.scope():
            *kept, where, told = backend.kernels.scan_ks_windows(
                backend.asarray(window),
                tuple(state),
                backend.asarray(draws.key(self.seed, self.name)),
                backend.asarray(samples),
                self.stat_size,
                least,
                not river,
            )
            index, stream = np.array(backend.to_numpy(where).T)
            before, after = np.array(backend.to_numpy(told).T)
        return Windows(*kept), Events(index, stream, np.full_like(index, CHANGE), before, after)


@lru_cache(maxsize=64)
def _least(alpha: float, size: int, above: float) -> int:
    """The smallest distance, in steps of 1 / size, that is a change."""
    steps = np.arange(size + 1)
    rows = np.full(size + 1, size)
    p, _ = ks_law.tails(steps / size, rows, rows)
    change = (p <= alpha) & (steps / size > above)
    change[-1] = True  # where alpha is just that p-value, rounding does not decide
    return int(np.argmax(change))


def _checked(samples: Any, total: int, size: int) -> tuple[tuple[int, ...], ...]:
    """Rows of `size` different positions below `total`, as tuples.

    Raises:
        ConfigError: they are something else.
    """
    wanted = f"samples are rows of {size} different positions from 0 to {total - 1}"
    try:
        rows: npt.NDArray[Any] = np.asarray(samples)
    except ValueError as error:
        raise ConfigError(f"{wanted}: {error}") from error
    if rows.dtype.kind not in "iu" or rows.ndim != 2 or rows.shape[1] != size or len(rows) == 0:
        raise ConfigError(f"{wanted}; an array of {rows.dtype} of shape {rows.shape} was given")
    ascending = np.sort(rows, axis=1)
    bad = (ascending[:, 0] < 0) | (ascending[:, -1] >= total) | (ascending[:, 1:] == ascending[:, :-1]).any(axis=1)
    if bad.any():
        raise ConfigError(f"{wanted}; those of row {int(np.argmax(bad))} are not")
    return tuple(tuple(row) for row in rows.tolist())


DETECTOR = KSWIN
