"""How long streams that do not change go on without an alarm: measured, and set to what is wanted.

Thousands of streams are drawn and scanned at once, each until its first change point. Control charts have integral
equations for this (Page 1954); the other detectors have none, and values in production are seldom normal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import inf, log, sqrt
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, open_backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least, between
from accel_drift.streams.base import State, StreamDetector, state_arrays
from accel_drift.streams.values import check, window

D = TypeVar("D", bound=StreamDetector)

LONGEST = 1e7
"""Averages that are simulated are shorter: one takes runs times as many values, and more than once."""

_OFF, _FEW = 0.1, 1000
"""A warning says where the average is off by more than a tenth, or comes from fewer values that are all different."""

_HORIZON = 20
"""Run lengths count as at most this many times the wanted average. Those of an exponential law, as most detectors have
from some time on, lose nothing by it (2e-9); those with a tail too heavy for a mean get one."""

_FIRST, _VALUES = 256, 1 << 21
"""Values of each stream in the first window, and of all in any window."""

_MOST = 1 << 27
"""Values of a block of all streams: a gigabyte."""

_PARTS = 8
"""A window is drawn by as many generators, so that what is drawn does not depend on the number of threads."""


@dataclass(frozen=True, slots=True, eq=False)
class RunLengths:
    """How many values R streams took until their first change point, that one counted.

    Attributes:
        lengths: (R,) values; the horizon where no change was reported up to it.
        alarmed: how many of the streams had a change point.
        horizon: values after which a stream was followed no further.
    """

    lengths: npt.NDArray[np.int64]
    alarmed: int
    horizon: int

    @property
    def mean(self) -> float:
        """The average run length, of lengths of at most `horizon`: too small where streams had no alarm up to it."""
        return float(self.lengths.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return float(self.lengths.std(ddof=1) / sqrt(len(self.lengths)))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the average run length; without an upper end where streams had no alarm."""
        high = self.mean + 1.96 * self.standard_error if self.alarmed == len(self.lengths) else inf
        return self.mean - 1.96 * self.standard_error, high

    @property
    def median(self) -> float:
        """Values after which half of the streams had an alarm; the horizon where fewer had one."""
        return float(np.median(self.lengths))

    def share_within(self, values: int) -> float:
        """Share of streams that had an alarm within so many values.

        Raises:
            ConfigError: some streams had none, and were not followed as long.
        """
        at_least(values, 1, "values", "how long streams are")
        if values > self.horizon and self.alarmed < len(self.lengths):
            raise ConfigError(f"values is {values:,}, and each stream was followed for {self.horizon:,}; raise horizon")
        alarms = np.sort(self.lengths)[: self.alarmed]
        return float(np.searchsorted(alarms, values, side="right") / len(self.lengths))

    def __repr__(self) -> str:
        (low, high), runs = self.interval, len(self.lengths)
        mean = f"{self.mean:,.0f} values on average (95 %: {low:,.0f} to {high:,.0f})"
        if self.alarmed < runs:
            mean = f"at least {low:,.0f} values on average (95 %)"
        median = f"{self.median:,.0f}" if 2 * self.alarmed > runs else f"above {self.horizon:,}"
        return (
            f"<RunLengths: {mean}, median {median}; {self.alarmed:,} of {runs:,} streams alarmed within "
            f"{self.horizon:,}>"
        )


def run_length(
    detector: StreamDetector, null: Any, *, runs: int, horizon: int, block: int, seed: int, backend: str | Backend
) -> RunLengths:
    """See `StreamDetector.run_length`."""
    at_least(runs, 2, "runs", "streams that are simulated")
    at_least(horizon, 1, "horizon", "values after which a stream is followed no further")
    at_least(seed, 0, "seed", "the number that the streams follow from")
    opened, _ = open_backend(backend)
    return _simulate(detector, _law(detector, null, block, runs), _Run(runs, horizon, (seed,)), opened)


def calibrate(detector: D, null: Any, *, arl: float, runs: int, block: int, seed: int, backend: str | Backend) -> D:
    """See `StreamDetector.calibrate`.

    Raises:
        ConfigError: an option is none, or the detector does not say what decides, or cannot have such an average.
    """
    between(arl, 1, LONGEST, "arl", "the average run length without a change, in values")
    at_least(runs, 100, "runs", "streams that are simulated")
    at_least(seed, 0, "seed", "the number that the streams follow from")
    detector.can_calibrate()
    opened, _ = open_backend(backend)
    law, horizon = _law(detector, null, block, runs), int(_HORIZON * arl)
    if law.values is not None and len(np.unique(law.values)) == law.values.size < _FEW:
        warnings.warn(
            f"null holds {law.values.size:,} values, and an average run length of {arl:,.6g} depends on what is rarer: "
            "give some thousand",
            stacklevel=3,
        )

    def measure(bar: float, streams: int, number: int, enough: float) -> RunLengths:
        return _simulate(_at(detector, bar), law, _Run(streams, horizon, (seed, number), enough), opened)

    bar, found = _search(detector, measure, arl, runs)
    if found is not None and not abs(found.mean / arl - 1) < _OFF:
        least = "at least " if found.alarmed < runs else ""
        warnings.warn(
            f"no {detector.strictness[0]} of {type(detector).__name__} has an average run length of {arl:,.6g} on "
            f"these values: the next longer one, {least}{found.mean:,.0f}, is taken",
            stacklevel=3,
        )
    return _at(detector, bar)


# What is drawn


class _Law(NamedTuple):
    """Streams that do not change: normal values, or blocks drawn from (N, C) values; a stream keeps to a column."""

    values: npt.NDArray[np.float64] | None
    block: int = 1
    normal: tuple[float, float] = (0.0, 1.0)

    def draw(self, seed: tuple[int, ...], moments: int, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(moments, streams) values; a window begins with a new block."""
        drawn = np.empty((moments, len(columns)))
        step = -(-moments // _PARTS)
        step += -step % self.block
        parts = [(i, drawn[lo : lo + step]) for i, lo in enumerate(range(0, moments, step))]
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda part: self._fill(np.random.default_rng((*seed, part[0])), part[1], columns), parts))
        return drawn

    def _fill(self, rng: np.random.Generator, out: npt.NDArray[np.float64], columns: npt.NDArray[np.int64]) -> None:
        if self.values is None:
            rng.standard_normal(out=out)
            out *= self.normal[1]
            out += self.normal[0]
            return
        count, streams = self.values.shape
        starts = rng.integers(0, count, (-(-len(out) // self.block), out.shape[1]), np.int64)
        if self.block > 1:
            starts = (np.repeat(starts, self.block, axis=0)[: len(out)].T + np.arange(len(out)) % self.block).T % count
        self.values.take(starts if streams == 1 else starts * streams + columns, out=out, mode="clip")


def _law(detector: StreamDetector, null: Any, block: int, runs: int) -> _Law:
    """What `null` and `block` ask for.

    Raises:
        ConfigError: there is no such law, or block is no length of one.
        DataError: values are not what the detector reads, or fewer than two.
    """
    at_least(block, 1, "block", "values that are drawn together")
    if isinstance(null, str):
        if null != "normal":
            raise ConfigError(f'null is {null!r}; it is "normal" or values of streams that do not change')
        if detector.reads != "numbers":
            raise ConfigError(
                f'null is "normal", and {type(detector).__name__} does not read such values: give values of streams '
                "that do not change"
            )
        if block != 1:
            raise ConfigError(f'block is {block}; blocks are drawn from given values, and null is "normal"')
        return _Law(None, normal=detector.in_control)
    host, _ = open_backend("numpy")
    given, single, _ = window(null, host)
    check(detector, given, host, 0, single)
    if len(given) < 2 or given.shape[1] == 0:
        raise DataError(
            f"null holds {len(given)} values of {given.shape[1]} streams; give many of one or more that did not change"
        )
    if block > len(given):
        raise ConfigError(f"block is {block:,}, and null holds {len(given):,} values of a stream")
    if block > 1 and block * runs > _MOST:
        raise ConfigError(
            f"block is {block:,} and runs {runs:,}: together at most {_MOST:,}, for all are drawn at once"
        )
    return _Law(np.ascontiguousarray(given, dtype=np.float64), block)


# How long a stream goes on


class _Run(NamedTuple):
    """What to simulate: streams, values of each at most, seeds, and an average beyond which it is not followed."""

    streams: int
    horizon: int
    seed: tuple[int, ...]
    enough: float = inf


def _simulate(detector: StreamDetector, law: _Law, run: _Run, backend: Backend) -> RunLengths:
    """Streams until their first alarm; those that had one leave as soon as they are half of those scanned."""
    state, who = detector.start(run.streams, backend), np.arange(run.streams)
    lengths, alarmed = np.full(run.streams, run.horizon), np.zeros(run.streams, np.bool_)
    seen = number = 0
    while seen < run.horizon and not alarmed.all():
        moments = min(_window(seen, len(who), law.block), run.horizon - seen)
        columns = who if law.values is None else who % law.values.shape[1]
        drawn = law.draw((*run.seed, number), moments, columns)
        state, events = detector.advance(state, drawn, backend)
        changes = events.changes()
        streams, first = np.unique(changes.stream, return_index=True)
        streams, first = streams[~alarmed[who[streams]]], first[~alarmed[who[streams]]]
        lengths[who[streams]], alarmed[who[streams]] = seen + changes.index[first] + 1, True
        seen, number = seen + moments, number + 1
        if (~alarmed).sum() <= len(who) // 2:
            kept = np.argsort(alarmed[who], kind="stable")[: max(len(who) // 2, 1)]
            state, who = _select(state, kept, backend), who[kept]
        if np.minimum(lengths, seen).mean() > run.enough:
            break
    return RunLengths(np.minimum(lengths, seen), int(alarmed.sum()), seen)


def _window(seen: int, streams: int, block: int) -> int:
    """Values of the next window: a quarter of those seen, so that little is scanned for nothing; whole blocks."""
    most = max(_VALUES // streams, 1)
    grown = 1 << max(seen // 4, _FIRST).bit_length() - 1
    moments = min(grown, most)
    return moments + -moments % block


def _select(state: State, kept: npt.NDArray[np.int64], backend: Backend) -> State:
    """The state of some of the streams."""
    with backend.scope():
        on_device = backend.asarray(kept)
        arrays = {
            name: array[..., kept] if isinstance(array, np.ndarray) else backend.xp.take(array, on_device, axis=-1)
            for name, array in state_arrays(state).items()
        }
    return type(state)(**arrays)


# The option at which it is as long as is wanted


def _bar(detector: StreamDetector) -> float:
    """How much it takes to be a change, above 0."""
    value: float = getattr(detector, detector.strictness[0])
    return -log(value) if detector.falls else value


def _at(detector: D, bar: float) -> D:
    """The same detector at another bar; that of warnings keeps its share of it.

    Raises:
        ConfigError: the detector cannot have it.
    """
    share = bar / _bar(detector)
    now = {name: getattr(detector, name) for name in detector.strictness}
    return replace(detector, **{k: v**share if detector.falls else v * share for k, v in now.items()})


Measure: TypeAlias = Callable[[float, int, int, float], RunLengths]
"""Run lengths at a bar: streams, a number that their seed follows from, an average beyond which to stop."""


def _search(detector: StreamDetector, measure: Measure, arl: float, runs: int) -> tuple[float, RunLengths | None]:
    """The bar whose average run length is `arl` within a standard error; or where none is, the least with a longer one.

    In that case its run lengths are told, too.

    Raises:
        ConfigError: every bar has a longer average, or a shorter one.
    """
    first = _bar(detector)
    low, high = 0.0, inf
    below, above = 0.0, inf
    bar, step = first, 1.5
    for number in range(200):
        try:
            found = measure(bar, max(runs // 16, 50), 2 * number, 2 * arl)
            if abs(log(found.mean / arl)) < 4 * found.standard_error / found.mean:
                found = measure(bar, runs, 2 * number + 1, 2 * arl)
                if abs(found.mean - arl) <= found.standard_error:
                    return bar, None
            mean = found.mean
        except ConfigError:  # it takes more than can ever be
            mean = inf
        if mean < arl:
            low, below = bar, mean
        else:
            high, above = bar, mean
        if low == 0.0 and high < 1e-6 * first:
            raise _unreachable(detector, arl, measure(high, runs, 2 * number + 1, inf), "more")
        if high - low <= 1e-4 * high if high < inf else low > 1e6 * first:
            if above == inf:
                raise _unreachable(detector, arl, measure(low, runs, 2 * number + 1, inf), "less")
            return high, measure(high, runs, 2 * number + 1, inf)
        bar, step = _next(low, high, below, above, arl, step)
    raise AssertionError("halving an interval two hundred times leaves one")  # pragma: no cover


def _unreachable(detector: StreamDetector, arl: float, found: RunLengths, ask: str) -> ConfigError:
    """Why there is no such average: that of the most, or the least, eager detector."""
    name, option = type(detector).__name__, detector.strictness[0]
    if found.alarmed == 0:
        return ConfigError(f"{name} never alarms on these values, at whatever {option}: null has to vary")
    end = "or more" if ask == "more" else "at most"
    return ConfigError(
        f"arl is {arl:,.6g}, and with its other options {name} has about {found.mean:,.0f} {end} on these values, at "
        f"whatever {option}: ask for {ask}"
    )


def _next(low: float, high: float, below: float, above: float, arl: float, step: float) -> tuple[float, float]:
    """The next bar to try, and by how much to go on where one side is not known yet."""
    if high == inf:
        return low * step, step * 1.5
    if low == 0.0:
        return high / step, step * 1.5
    # Averages grow about exponentially with the bar; an average that was not followed to its end says little.
    straight = above < 1.9 * arl and below > 0
    share = log(arl / below) / log(above / below) if straight else 0.5
    return low + (high - low) * min(max(share, 0.1), 0.9), step
