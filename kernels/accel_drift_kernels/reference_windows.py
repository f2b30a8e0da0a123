"""What the windows of adaptive length mean: lists of buckets, one value after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from accel_drift_kernels.spec import Windows


@dataclass
class _Window:
    """One stream: `levels[i]` lists (sum, squares) of its buckets of 2^i values, the oldest first."""

    levels: list[list[tuple[float, float]]] = field(default_factory=lambda: [[]])
    total: float = 0.0
    square: float = 0.0
    seen: int = 0

    def length(self) -> int:
        return sum(len(level) << i for i, level in enumerate(self.levels))

    def add(self, x: float, room: int) -> None:
        before = self.length()
        self.levels[0].append((x, 0.0))
        if before:
            apart = x - self.total / before
            self.square += before * apart * apart / (before + 1)
        self.total += x
        self.seen += 1
        for i, level in enumerate(self.levels):
            if len(level) > room:
                (one, own), (other, others) = level[:2]
                del level[:2]
                size = 2.0**i
                apart = one / size - other / size
                if i + 1 == len(self.levels):
                    self.levels.append([])
                self.levels[i + 1].append((one + other, own + others + size * size * apart * apart / (size + size)))

    def has_changed(self, delta: float, least: int) -> bool:
        length = self.length()
        older, newer, older_sum, newer_sum = 0, length, 0.0, self.total
        for i, level in reversed([*enumerate(self.levels)]):
            for one, _ in level:
                older, newer = older + 2**i, newer - 2**i
                older_sum, newer_sum = older_sum + one, newer_sum - one
                if min(older, newer) >= least:
                    parts = 1.0 / (older - least + 1) + 1.0 / (newer - least + 1)
                    log = math.log(2.0 * math.log(length) / delta)
                    variance = max(self.square / length, 0.0)
                    bound = math.sqrt(2.0 * parts * variance * log) + 2.0 / 3.0 * log * parts
                    if abs(older_sum / older - newer_sum / newer) > bound:
                        return True
        return False

    def drop(self) -> float:
        """Without its oldest bucket; the sum of that."""
        size = 2 ** (len(self.levels) - 1)
        one, own = self.levels[-1].pop(0)
        if not self.levels[-1]:
            self.levels.pop()
        left = self.length()
        self.total -= one
        apart = one / size - self.total / left
        self.square -= own + size * left * apart * apart / (size + left)
        return one


def _followed(window: _Window, x: float, room: int, options: tuple[float, ...]) -> tuple[float, float] | None:
    """The window with one more value; where it was cut, the means of what it lost and of what is left."""
    delta, clock, least, grace, _ = options
    window.add(x, room)
    length, lost = window.length(), 0.0
    if window.seen % int(clock) or length <= grace:
        return None
    while window.has_changed(delta, int(least)):
        lost += window.drop()
    left = window.length()
    return None if left == length else (lost / (length - left), window.total / left)


def _opened(state: Windows, s: int) -> _Window:
    counts, sums, squares, total, square, seen = (x[..., s].tolist() for x in state)
    used = [i for i, count in enumerate(counts) if count or i == 0]
    levels = [[*zip(sums[i][: counts[i]], squares[i][: counts[i]], strict=True)] for i in used]
    return _Window(levels, total, square, seen)


def _closed(windows: list[_Window], room: int) -> Windows:
    levels = max([1, *(len(w.levels) for w in windows)])
    counts = np.zeros((levels, len(windows)), np.int64)
    sums, squares = (np.zeros((levels, room, len(windows))) for _ in range(2))
    for s, window in enumerate(windows):
        for i, level in enumerate(window.levels):
            counts[i, s] = len(level)
            for j, bucket in enumerate(level):
                sums[i, j, s], squares[i, j, s] = bucket
    total, square = (np.array([getattr(w, name) for w in windows], np.float64) for name in ("total", "square"))
    return counts, sums, squares, total, square, np.array([w.seen for w in windows], np.int64)


def scan_windows(values: Any, state: Windows, options: tuple[float, ...], /) -> tuple[Any, ...]:
    """See `spec.OPS["scan_windows"]`."""
    room = state[1].shape[1]
    windows = [_opened(state, s) for s in range(values.shape[1])]
    where, told = [], []
    for t, row in enumerate(values.tolist()):
        for s, x in enumerate(row):
            means = None if math.isnan(x) else _followed(windows[s], float(x), room, options)
            if means:
                where.append((t, s))
                told.append(means)
                if options[-1]:
                    windows[s] = _Window()
    return (
        *_closed(windows, room),
        np.array(where, np.int64).reshape(-1, 2),
        np.array(told, np.float64).reshape(-1, 2),
    )
