"""Windows of streams that are tested at every value by their Kolmogorov-Smirnov distance.

A window's slots are a ring in time. Beside it stand its values in ascending order with their slots, of equal values
the older one first: one value goes and one comes by counting and a shift, and a test is one pass over signs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, spans
from accel_drift_kernels.numba_cpu.words import threefry

_STEPS = 1024
"""Moments of a tile that is copied, stream after stream."""

_LARGE = 2_000
"""Values from which threads pay."""


@compiled
def _open(count: int, recent: int, ring: Any, slots: Any, ascending: Any, sign: Any) -> None:
    """The values in ascending order, and 1 as the sign of each newest one's slot, 0 elsewhere."""
    for i in range(ring.size):
        ascending[i], sign[i] = ring[slots[i]], 0
    for back in range(1, min(recent, count) + 1):
        sign[(count - back) % ring.size] = 1


@compiled
def _replace(x: float, slot: int, n: int, ring: Any, ascending: Any, slots: Any) -> None:
    """Put x into a slot, out of which the oldest value goes where all are taken; n are."""
    # Counting is faster than a search by halves: it has no branch, and vector instructions count eight at a time.
    old, hole, place = ring[slot], 0, 0
    for i in range(n):
        hole += ascending[i] < old
        place += ascending[i] <= x
    hole = hole if n == ring.size else n
    if hole < place:
        place -= 1
        for i in range(hole, place):
            ascending[i] = ascending[i + 1]
            slots[i] = slots[i + 1]
    else:
        for i in range(hole, place, -1):
            ascending[i] = ascending[i - 1]
            slots[i] = slots[i - 1]
    ring[slot], ascending[place], slots[place] = x, x, slot


@compiled
def _draw(key: Any, number: int, recent: int, words: Any, deck: Any) -> None:
    """Shuffle the front of a deck (Durstenfeld 1964): its first cards are a sample without replacement."""
    first, second, total, half = words[0], words[1], deck.size, (recent + 1) >> 1
    for k in range(first.size):
        first[k], second[k] = threefry(key[0], key[1], np.uint32(number), np.uint32(k))
    for i in range(total):
        deck[i] = i
    for i in range(recent):
        word = first[i] if i < half else second[i - half]
        j = i + np.int64((np.uint64(word) * np.uint64(total - i)) >> np.uint64(32))
        deck[i], deck[j] = deck[j], deck[i]


@compiled
def _mark(sign: Any, oldest: int, chosen: Any, recent: int, value: int) -> None:
    for i in range(recent):
        slot = oldest + chosen[i]
        sign[slot - sign.size if slot >= sign.size else slot] = value


@compiled
def _distance(ascending: Any, slots: Any, sign: Any) -> int:
    """The largest sum of signs up to the end of a tie group, either way."""
    total, most, last = 0, 0, slots.size - 1
    for i in range(last):
        total += sign[slots[i]]
        far = abs(total)
        most = max(most, far if ascending[i] != ascending[i + 1] else 0)
    return most


@compiled
def _means(ring: Any, sign: Any, recent: int) -> Any:
    before, after = 0.0, 0.0
    for slot in range(ring.size):
        before += ring[slot] if sign[slot] < 0 else 0.0
        after += ring[slot] if sign[slot] > 0 else 0.0
    return before / recent, after / recent


@compiled
def _restart(oldest: int, kept: int, ring: Any, ascending: Any, slots: Any, sign: Any) -> None:
    """Leave the newest `kept` values, or none, in the first slots."""
    size, n, time = ring.size, 0, ring.copy()
    first = oldest + size - kept
    for i in range(size):
        slot = (slots[i] - first) % size
        if slot < kept:
            ascending[n], slots[n] = ascending[i], slot
            n += 1
    for i in range(size):
        ring[i] = time[(first + i) % size] if i < kept else 0.0
        sign[i] = 1 if i < kept else 0
    ascending[kept:] = 0.0
    slots[kept:] = 0


@compiled
def _scan(
    values: Any,
    window: Any,
    order: Any,
    counts: Any,
    key: Any,
    samples: Any,
    recent: int,
    least: int,
    keep: bool,
    where: Any,
    told: Any,
) -> int:
    """Go down the rows of `values`, each a stream; change the state, return how many events there were."""
    size, found = window.shape[1], 0
    # More words than asked for, so that they fill vector registers.
    words, deck = np.empty((2, (recent + 31) // 32 * 16), np.uint32), np.empty(size - recent, np.int64)
    ascending, sign = np.empty(size), np.empty(size, np.int64)
    for s in range(values.shape[0]):
        ring, slots, count, seen = window[s], order[s], counts[0, s], counts[1, s]
        _open(count, recent, ring, slots, ascending, sign)
        slot, leaving = count % size, (count - recent) % size
        for t in range(values.shape[1]):
            x = values[s, t]
            if x != x:
                continue
            _replace(x, slot, min(count, size), ring, ascending, slots)
            sign[leaving], sign[slot] = 0, 1
            slot = slot + 1 if slot + 1 < size else 0
            leaving = leaving + 1 if leaving + 1 < size else 0
            count, seen = count + 1, seen + 1
            if count < size:
                continue
            if samples.shape[0] > 0:
                chosen = samples[(count - size) % samples.shape[0]]
            else:
                _draw(key, seen - 1, recent, words, deck)
                chosen = deck
            _mark(sign, slot, chosen, recent, -1)
            if _distance(ascending, slots, sign) >= least:
                where[found, 0], where[found, 1] = t, s
                told[found, 0], told[found, 1] = _means(ring, sign, recent)
                found += 1
                count = recent if keep else 0
                _restart(slot, count, ring, ascending, slots, sign)
                slot, leaving = count, (count - recent) % size
            else:
                _mark(sign, slot, chosen, recent, 0)
        counts[0, s], counts[1, s] = count, seen
    return found


def scan_ks_windows(
    values: Any, state: Any, key: Any, samples: Any, recent: int, least: int, keep: bool, /
) -> tuple[npt.NDArray[Any], ...]:
    """See `spec.OPS["scan_ks_windows"]`."""
    # Each stream's own numbers lie together while it is gone down.
    window, order = (np.array(array.T, order="C") for array in state[:2])
    counts = np.array(state[2:], dtype=np.int64)
    moments, streams = values.shape
    chosen = np.array(samples, dtype=np.int64, order="C")
    key = np.array(key, dtype=np.uint32)
    size = window.shape[1]

    def work(span: tuple[int, int]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
        lanes, made = slice(*span), []
        own = window[lanes], order[lanes], np.ascontiguousarray(counts[:, lanes])
        for t in range(0, moments, _STEPS):
            tile = np.array(values[t : t + _STEPS, lanes].T, dtype=np.float64, order="C")
            # Between two changes of a stream lie as many values as its window still lacks after one.
            room = len(tile) * (1 + tile.shape[1] // (size - recent))
            where, told = np.empty((room, 2), np.int64), np.empty((room, 2))
            found = _scan(tile, *own, key, chosen, recent, least, keep, where, told)
            if found:
                where[:found] += t, span[0]
                made.append((where[:found], told[:found]))
        counts[:, lanes] = own[2]
        return made

    done = on_threads(work, spans(streams, 1), large=moments * streams > _LARGE)
    made = [some for each in done for some in each]
    where = np.concatenate([np.empty((0, 2), np.int64), *(w for w, _ in made)])
    told = np.concatenate([np.empty((0, 2)), *(told for _, told in made)])
    by_time = np.lexsort((where[:, 1], where[:, 0]))
    return np.array(window.T), np.array(order.T), counts[0].copy(), counts[1].copy(), where[by_time], told[by_time]
