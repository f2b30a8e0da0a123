"""What the walk of windows that are tested by their Kolmogorov-Smirnov distance means, one value after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accel_drift_kernels.reference_draws import threefry


def scan_ks_windows(
    values: Any, state: Any, key: Any, samples: Any, recent: int, least: int, keep: bool, /
) -> tuple[Any, ...]:
    """See `spec.OPS["scan_ks_windows"]`."""
    window, order, count, seen = (array.copy() for array in state)
    size, where, told = len(window), [], []
    for t, row in enumerate(values.tolist()):
        for s, x in enumerate(row):
            if math.isnan(x):
                continue
            number = int(seen[s])
            window[count[s] % size, s] = x
            count[s] += 1
            seen[s] += 1
            if count[s] < size:
                continue
            held = window[np.arange(count[s], count[s] + size) % size, s]
            if len(samples):
                chosen = samples[(count[s] - size) % len(samples)].tolist()
            else:
                chosen = _drawn(key, number, size - recent, recent)
            old, new = held[chosen], held[size - recent :]
            if max(abs(int((old <= v).sum()) - int((new <= v).sum())) for v in held) >= least:
                where.append((t, s))
                told.append((old.mean(), new.mean()))
                window[:, s] = 0.0
                window[:recent, s] = new if keep else 0.0
                count[s] = recent if keep else 0
    for s in range(window.shape[1]):
        order[:, s] = _order(window[:, s], int(count[s]))
    return window, order, count, seen, np.array(where, np.int64).reshape(-1, 2), np.array(told).reshape(-1, 2)


def _drawn(key: Any, number: int, total: int, wanted: int) -> list[int]:
    """The first cards of a deck of `total` that is shuffled from the front (Durstenfeld 1964)."""
    pairs = [threefry(int(key[0]), int(key[1]), number % 2**32, k) for k in range((wanted + 1) // 2)]
    words = [first for first, _ in pairs] + [second for _, second in pairs]
    deck = list(range(total))
    for i in range(wanted):
        j = i + words[i] * (total - i) // 2**32
        deck[i], deck[j] = deck[j], deck[i]
    return deck[:wanted]


def _order(window: Any, count: int) -> list[int]:
    """Slots by their values, of equal values the older one first; 0 behind those in use."""
    size = len(window)
    by_age = [c % size for c in range(max(0, count - size), count)]
    slots = sorted(by_age, key=lambda slot: float(window[slot]))
    return slots + [0] * (size - len(slots))
