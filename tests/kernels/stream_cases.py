"""Inputs of the operations on streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from accel_drift_kernels import reference
from accel_drift_kernels.spec import Windows


def walk(xp: Any) -> Callable[..., tuple[Any, ...]]:
    """A sum that an event sets back: of 1 where it passes a bound upwards, of 2 downwards."""

    def step(
        x: Any, n: Any, total: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, options: Any
    ) -> tuple[Any, ...]:
        bound, drift = options
        n, total = n + 1.0, total + x * drift
        above, below = total > bound, total < -bound
        event = xp.where(above, 1, xp.where(below, 2, 0))
        return (event, n, xp.sqrt(total * total), n, xp.where(above | below, 0.0, total), c, d, e, f, g, h)

    return step


def shift(xp: Any) -> Callable[..., tuple[Any, ...]]:
    """The last 16 values; an event where the newest is not of the oldest's sign, and large."""

    def step(
        x: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any,
        i: Any, j: Any, k: Any, m: Any, n: Any, o: Any, p: Any, q: Any, options: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        bound, drift = options
        turned = (x * q < 0.0) & (x * x > bound)
        return (xp.where(turned, 2, 0), q, x, drift * x, a, b, c, d, e, f, g, h, i, j, k, m, n, o, p)

    return step


def _args(moments: int, streams: int, dtype: Any = np.float64, rule: Any = walk, fields: int = 8) -> tuple[Any, ...]:
    rng = np.random.default_rng([moments, streams])
    values = (4 * rng.standard_normal((moments, streams))).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values[rng.random(values.shape) < 0.1] = np.nan
    state = np.zeros((fields, streams))
    state[1] = rng.standard_normal(streams)
    return rule, values, state, (6.0, 1.5)


def _unseen(streams: int, buckets: int) -> Windows:
    none, some = np.zeros(streams), np.zeros((1, buckets, streams))
    return np.zeros((1, streams), np.int64), some, some, none, none, np.zeros(streams, np.int64)


_LOOKS = (0.3, 2, 1, 4, False)


def _adaptive(moments: int, streams: int, dtype: Any = np.float64, buckets: int = 2, options: Any = _LOOKS) -> Any:
    """Streams of two levels that take turns, so that some windows are cut several times."""
    _, values, _, _ = _args(moments, streams, dtype)
    moved = values + (8 * (np.arange(moments) // 12 % 2)).astype(dtype)[:, None]
    return moved, _unseen(streams, buckets), options


def _resumed(moments: int, streams: int) -> Any:
    values, state, options = _adaptive(moments, streams)
    return values[::-1], reference.scan_windows(values, state, options)[:6], options


STREAM_CASES: dict[str, dict[str, tuple[Any, ...]]] = {
    "scan_streams": {
        "no-moment": _args(0, 3),
        "no-stream": _args(5, 0),
        "one": _args(40, 1),
        "float32": _args(30, 7, np.float32),
        "integers": _args(30, 5, np.int8),
        "more-than-a-block": _args(25, 70),
        "sixteen": _args(40, 70, rule=shift, fields=16),
        "sixteen-one": _args(40, 1, np.float32, rule=shift, fields=16),
        "by-stream": (walk, np.asfortranarray(_args(25, 6)[1]), *_args(25, 6)[2:]),
        "missing": (walk, np.full((4, 2), np.nan), *_args(4, 2)[2:]),
    },
    "scan_windows": {
        "no-moment": _adaptive(0, 3),
        "no-stream": _adaptive(5, 0),
        "one": _adaptive(300, 1),
        "float32": _adaptive(40, 7, np.float32),
        "integers": _adaptive(40, 5, np.int8),
        "more-than-a-block": _adaptive(60, 35, buckets=5),
        "by-stream": (np.asfortranarray(_adaptive(40, 6)[0]), *_adaptive(40, 6)[1:]),
        "missing": (np.full((4, 2), np.nan), *_adaptive(4, 2)[1:]),
        "constant": (np.full((70, 2), 0.1), *_adaptive(70, 2)[1:]),
        "far-from-0": (_adaptive(80, 3)[0] + 1e9, *_adaptive(80, 3)[1:]),
        "anew": _adaptive(80, 4, options=(0.3, 1, 2, 4, True)),
        "seldom": _adaptive(200, 4, buckets=3, options=(0.9, 45, 1, 0, False)),
        "resumed": _resumed(70, 4),
    },
}


def _windows(
    moments: int, streams: int, size: int = 12, recent: int = 4, rows: int = 0, keep: bool = True, dtype: Any = float
) -> tuple[Any, ...]:
    """Values with many ties and some moves, into windows of which some are full, some are not."""
    rng = np.random.default_rng([moments, streams, size])
    values = rng.integers(0, 6, (moments, streams)) + 4 * (np.arange(moments)[:, None] // 15 % 2)
    values = values.astype(dtype)
    if values.dtype.kind == "f":
        values[rng.random(values.shape) < 0.1] = np.nan
    count = np.arange(streams) * 5 % (3 * size)
    window, order = np.zeros((size, streams)), np.zeros((size, streams), np.int32)
    for s in range(streams):
        held = min(size, int(count[s]))
        window[:held, s] = rng.standard_normal(held)
        order[:held, s] = np.argsort(window[:held, s])
    state = window, order, count, count + 2**32 - 20
    samples = np.array([rng.permutation(size - recent)[:recent] for _ in range(rows)], np.int64).reshape(-1, recent)
    return values, state, np.array([7, 2**31], np.uint32), samples, recent, recent - 1, keep


STREAM_CASES["scan_ks_windows"] = {
    "no-moment": _windows(0, 3),
    "no-stream": _windows(5, 0),
    "one": _windows(60, 1),
    "from-nothing": _windows(60, 4, keep=False),
    "float32": _windows(40, 5, dtype=np.float32),
    "integers": _windows(40, 5, dtype=np.int8),
    "odd": _windows(50, 3, size=13, recent=5),
    "half": _windows(50, 3, size=6, recent=3),
    "recorded": _windows(60, 6, rows=7),
    "more-than-a-block": _windows(25, 35, keep=False, rows=3),
    "more-than-a-tile": _windows(1_100, 2),
    "missing": (np.full((4, 2), np.nan), *_windows(4, 2)[1:]),
}
