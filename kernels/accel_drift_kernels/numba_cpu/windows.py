"""Windows of adaptive length over many streams: the buckets of a stream lie together, a stream is the loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads
from accel_drift_kernels.spec import Windows

_LANES = 16
"""Streams whose values are read together: two lines of the cache of each moment."""

_STEPS = 512
"""Moments that one stream is followed before the next, so that the values of all are still in the cache."""

_LARGE = 20_000
"""Values from which threads pay."""

_AT_ONCE = 32
"""Values that a window takes together, at most."""

_SURE = 1.0 - 1e-12
"""What is left of a bound for the rounding of its factors."""


@compiled
def _merge(counts: Any, buckets: Any, room: int) -> None:
    """Wherever a level has too many buckets, as many pairs of its oldest as need be become buckets of the next.

    Which pairs these are does not depend on when it is done: of all buckets that ever come to a level the first and
    second merge, then the third and fourth, and so on. So several values can be taken before.
    """
    sums, squares = buckets
    i, size = 0, 1.0
    while counts[i] > room:
        pairs = (counts[i] - room + 1) // 2
        k = counts[i + 1]
        inverse = 1.0 / size  # exact, as is every product with it
        for j in range(pairs):
            one, other = sums[i, 2 * j], sums[i, 2 * j + 1]
            apart = one * inverse - other * inverse
            sums[i + 1, k + j] = one + other
            squares[i + 1, k + j] = (
                squares[i, 2 * j] + squares[i, 2 * j + 1] + size * size * apart * apart * (0.5 * inverse)
            )
        counts[i] -= 2 * pairs
        counts[i + 1] = k + pairs
        for j in range(counts[i]):
            sums[i, j] = sums[i, 2 * pairs + j]
            squares[i, j] = squares[i, 2 * pairs + j]
        i, size = i + 1, 2.0 * size


@compiled
def _summed(x: Any, terms: Any, length: int, total: float, square: float, reach: float) -> tuple[float, float, float]:
    """Sum, squares and sum of the sizes of all values with some more of them."""
    for k in range(len(x)):
        terms[k] = total
        total += x[k]
        reach += abs(x[k])
    for k in range(len(x)):
        n = float(length + k)
        apart = x[k] - terms[k] / max(n, 1.0)
        terms[k] = n * apart * apart / (n + 1.0)
    for k in range(len(x)):
        square += terms[k]
    return total, square, reach


@compiled
def _is_alike(
    counts: Any, sums: Any, room: int, levels: int, length: int, total: float, square: float, log: float, reach: float
) -> bool:
    """Whether the means before and after any cut are surely close enough.

    With D = n m / (n + m) times their difference a cut needs D > sqrt(2 n m square log) / (n + m) + 2/3 log: this is
    the bound itself where `least` is 1, else it is less. D is the sum of the older values less n times the mean of
    all. `reach`, at least the sum of the sizes of the buckets' sums, tells how far rounding moves it.
    """
    whole, mean = float(length), total / length
    near = 4e-16 * (counts.sum() + 8.0) * (reach + abs(total))
    linear = 2.0 / 3.0 * log * _SURE - near
    under_root = 2.0 * max(square, 0.0) / (whole * whole) * log * _SURE
    n = apart = 0.0
    may_differ, size = False, float(1 << (levels - 1))
    for i in range(levels - 1, -1, -1):
        for j in range(room):
            # As many steps at every level: how many buckets it has is hard to foresee for the processor.
            there = j < counts[i]
            n += size if there else 0.0
            apart += sums[i, j] - mean * size if there else 0.0
            beyond = max(abs(apart) - linear, 0.0)
            may_differ |= not beyond * beyond <= under_root * (n * (whole - n))
        size *= 0.5
    return not may_differ


@compiled
def _can_be_cut(
    counts: Any, sums: Any, levels: int, length: int, total: float, square: float, log: float, least: int
) -> bool:
    """Whether the means before and after one of the cuts differ by more than the bound."""
    variance = max(square / length, 0.0)
    n, m, one, other = 0.0, float(length), 0.0, total
    for i in range(levels - 1, -1, -1):
        size = 2.0**i
        for j in range(counts[i]):
            n, m, one, other = n + size, m - size, one + sums[i, j], other - sums[i, j]
            if n >= least and m >= least:
                parts = 1.0 / (n - least + 1) + 1.0 / (m - least + 1)
                bound = math.sqrt(2.0 * parts * variance * log) + 2.0 / 3.0 * log * parts
                if abs(one / n - other / m) > bound:
                    return True
    return False


@compiled
def _dropped(counts: Any, buckets: Any, i: int, length: int, total: float, square: float) -> tuple[int, float, float]:
    """The window without its oldest bucket, one of level i: how many values are left, their sum and squares."""
    size, one, own = 2.0**i, buckets[0, i, 0], buckets[1, i, 0]
    counts[i] -= 1
    for j in range(counts[i]):
        buckets[0, i, j] = buckets[0, i, j + 1]
        buckets[1, i, j] = buckets[1, i, j + 1]
    length -= 1 << i
    total -= one
    apart = one / size - total / length
    square -= own + size * length * apart * apart / (size + length)
    return length, total, square


@compiled
def _shrunk(
    counts: Any, buckets: Any, room: int, length: int, total: float, square: float, reach: float, options: Any
) -> tuple[int, float, float, float]:
    """The window without its oldest buckets while it can be cut, and the sum of the values that it lost."""
    delta, least, lost, levels = options[0], options[2], 0.0, len(counts)
    while True:
        while levels > 1 and not counts[levels - 1]:
            levels -= 1
        log = math.log(2.0 * math.log(float(length)) / delta)
        if _is_alike(counts, buckets[0], room, levels, length, total, square, log, reach) or not _can_be_cut(
            counts, buckets[0], levels, length, total, square, log, least
        ):
            return length, total, square, lost
        lost += buckets[0, levels - 1, 0]
        length, total, square = _dropped(counts, buckets, levels - 1, length, total, square)


@compiled
def _scan(
    values: Any, counts: Any, buckets: Any, room: int, means: Any, seen: Any, options: Any, where: Any, told: Any
) -> int:
    """All values of one stream; how many events there were."""
    clock, grace, anew = options[1], options[3], options[4]
    total, square, ticks, terms = means[0], means[1], seen[0], np.empty(_AT_ONCE)
    length, found, t, reach = 0, 0, 0, 0.0
    for i in range(len(counts)):
        length += counts[i] << i
        for j in range(counts[i]):
            reach += abs(buckets[0, i, j])
    while t < len(values):
        due, held, count = clock - ticks % clock, counts[0], 0
        most = min(due, _AT_ONCE)
        while count < most and t < len(values):
            buckets[0, 0, held + count] = values[t]
            count += values[t] == values[t]
            t += 1
        total, square, reach = _summed(buckets[0, 0, held : held + count], terms, length, total, square, reach)
        counts[0] += count
        _merge(counts, buckets, room)
        length, ticks = length + count, ticks + count
        if count < due or length <= grace:
            continue
        before = length
        length, total, square, lost = _shrunk(counts, buckets, room, length, total, square, reach, options)
        if length < before:
            where[found] = t - 1
            told[found, 0], told[found, 1] = lost / (before - length), total / length
            found += 1
            if anew:
                counts[:] = 0
                length, ticks, total, square = 0, 0, 0.0, 0.0
    means[0], means[1], seen[0] = total, square, ticks
    return found


@compiled
def _scan_block(values: Any, first: int, lists: Any, options: Any, where: Any, told: Any) -> int:
    """Some streams one after the other; how many events there were."""
    counts, buckets, means, seen = lists
    levels, room = buckets.shape[2:]
    own, found = np.zeros((2, levels, room + _AT_ONCE)), 0
    for lane in range(values.shape[1]):
        s = first + lane
        own[:, :, :room] = buckets[s]
        some = _scan(
            values[:, lane], counts[s], own, room, means[s], seen[s : s + 1], options, where[found:, 0], told[found:]
        )
        buckets[s] = own[:, :, :room]
        where[found : found + some, 1] = s
        found += some
    return found


def scan_windows(values: Any, state: Windows, options: tuple[float, ...], /) -> tuple[Any, ...]:
    """See `spec.OPS["scan_windows"]`."""
    (moments, streams), room = values.shape, state[1].shape[1]
    delta, clock, least, grace, anew = options
    given = float(delta), int(clock), int(least), int(grace), bool(anew)
    longest = int((state[0].T << np.arange(len(state[0]))).sum(axis=1).max(initial=0)) + moments
    # M buckets at each of L levels hold M (2^L - 1) values.
    deep = max(len(state[0]), (longest // room + 1).bit_length())
    lists = _by_stream(state, deep)

    def work(first: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        lanes = min(_LANES, streams - first)
        steps = _STEPS * _LANES // lanes
        most, made = lanes * (steps // given[1] + 1), []
        for start in range(0, moments, steps):
            tile = frozen(np.asarray(values[start : start + steps, first : first + lanes], dtype=np.float64))
            where, told = np.empty((most, 2), np.int64), np.empty((most, 2))
            found = _scan_block(tile, first, lists, given, where, told)
            if found:
                where[:found, 0] += start
                made.append((where[:found], told[:found]))
        return _joined(made)

    where, told = _joined(on_threads(work, range(0, streams, _LANES), large=moments * streams > _LARGE))
    order = np.lexsort((where[:, 1], where[:, 0]))
    return *_by_level(lists), where[order], told[order]


def _by_stream(state: Windows, deep: int) -> tuple[npt.NDArray[Any], ...]:
    """The numbers of each stream together, sums beside squares, with room for `deep` levels."""
    levels, room, streams = state[1].shape
    counts, buckets = np.zeros((streams, deep), np.int64), np.zeros((streams, 2, deep, room))
    counts[:, :levels] = state[0].T
    for kind in (0, 1):
        buckets[:, kind, :levels] = np.moveaxis(state[1 + kind], -1, 0)
    return counts, buckets, np.stack(state[3:5], axis=1), np.array(state[5])


def _by_level(lists: tuple[npt.NDArray[Any], ...]) -> tuple[npt.NDArray[Any], ...]:
    """The reverse, without the levels that no stream has, and 0 where there is no bucket."""
    counts, buckets, means, seen = lists
    levels = int(np.flatnonzero(counts.any(axis=0)).max(initial=0)) + 1
    counts, there = counts[:, :levels], np.arange(buckets.shape[3]) < counts[:, :levels, None]
    parts = (np.where(there, buckets[:, kind, :levels], 0.0) for kind in (0, 1))
    by_level = (np.moveaxis(x, 0, -1) for x in (counts, *parts))
    return *(np.ascontiguousarray(x) for x in (*by_level, *means.T)), seen


def _joined(
    made: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    where = np.concatenate([np.empty((0, 2), np.int64), *(w for w, _ in made)])
    return where, np.concatenate([np.empty((0, 2)), *(t for _, t in made)])
