"""Rules that run down many streams of values at once: vector registers hold streams, time is the loop."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from accel_drift_kernels.numba_cpu import scalars
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads
from accel_drift_kernels.spec import Rule

_LANES = 64
"""Streams that go down time together: their state stays in the first-level cache."""

_STEPS = 1024
"""Moments of a tile that is copied, where values do not lie stream beside stream as float64."""

_ROOM = 4096
"""Events that a call has room for, at least one for each of its streams; then it returns and is called again."""

_LARGE = 50_000
"""Values from which threads pay."""


def _eight(step: Any) -> Any:
    """A moment of streams with 8 numbers of state each: all their first ones, then all their second ones, and so on.

    The distances are constants, so that no time goes into finding out whether these runs overlap.
    """

    def moment(row: Any, lanes: int, f: Any, options: Any, event: Any, before: Any, after: Any) -> Any:
        seen = np.uint8(0)
        for s in range(lanes):
            x = row[s]
            there = x == x
            code, before[s], after[s], a, b, c, d, e, g, h, i = step(
                x, f[s], f[_LANES + s], f[2 * _LANES + s], f[3 * _LANES + s],
                f[4 * _LANES + s], f[5 * _LANES + s], f[6 * _LANES + s], f[7 * _LANES + s], options,
            )  # fmt: skip
            f[s] = a if there else f[s]
            f[_LANES + s] = b if there else f[_LANES + s]
            f[2 * _LANES + s] = c if there else f[2 * _LANES + s]
            f[3 * _LANES + s] = d if there else f[3 * _LANES + s]
            f[4 * _LANES + s] = e if there else f[4 * _LANES + s]
            f[5 * _LANES + s] = g if there else f[5 * _LANES + s]
            f[6 * _LANES + s] = h if there else f[6 * _LANES + s]
            f[7 * _LANES + s] = i if there else f[7 * _LANES + s]
            number = np.uint8(code) if there else np.uint8(0)
            event[s] = number
            seen |= number
        return seen

    return moment


def _sixteen(step: Any) -> Any:
    """The same with 16, written out too: the loop over a tuple of however many would not be vectorised."""

    def moment(row: Any, lanes: int, f: Any, options: Any, event: Any, before: Any, after: Any) -> Any:
        seen = np.uint8(0)
        for s in range(lanes):
            x = row[s]
            there = x == x
            code, before[s], after[s], a, b, c, d, e, g, h, i, j, k, m, n, o, p, q, r = step(
                x, f[s], f[_LANES + s], f[2 * _LANES + s], f[3 * _LANES + s],
                f[4 * _LANES + s], f[5 * _LANES + s], f[6 * _LANES + s], f[7 * _LANES + s],
                f[8 * _LANES + s], f[9 * _LANES + s], f[10 * _LANES + s], f[11 * _LANES + s],
                f[12 * _LANES + s], f[13 * _LANES + s], f[14 * _LANES + s], f[15 * _LANES + s], options,
            )  # fmt: skip
            f[s] = a if there else f[s]
            f[_LANES + s] = b if there else f[_LANES + s]
            f[2 * _LANES + s] = c if there else f[2 * _LANES + s]
            f[3 * _LANES + s] = d if there else f[3 * _LANES + s]
            f[4 * _LANES + s] = e if there else f[4 * _LANES + s]
            f[5 * _LANES + s] = g if there else f[5 * _LANES + s]
            f[6 * _LANES + s] = h if there else f[6 * _LANES + s]
            f[7 * _LANES + s] = i if there else f[7 * _LANES + s]
            f[8 * _LANES + s] = j if there else f[8 * _LANES + s]
            f[9 * _LANES + s] = k if there else f[9 * _LANES + s]
            f[10 * _LANES + s] = m if there else f[10 * _LANES + s]
            f[11 * _LANES + s] = n if there else f[11 * _LANES + s]
            f[12 * _LANES + s] = o if there else f[12 * _LANES + s]
            f[13 * _LANES + s] = p if there else f[13 * _LANES + s]
            f[14 * _LANES + s] = q if there else f[14 * _LANES + s]
            f[15 * _LANES + s] = r if there else f[15 * _LANES + s]
            number = np.uint8(code) if there else np.uint8(0)
            event[s] = number
            seen |= number
        return seen

    return moment


def _scanner(moment: Any) -> Any:
    @compiled
    def scan(values: Any, first: int, lanes: int, start: int, f: Any, options: Any, where: Any, told: Any) -> Any:
        event = np.zeros(_LANES, dtype=np.uint8)
        before, after = np.empty(_LANES), np.empty(_LANES)
        found = 0
        for t in range(start, values.shape[0]):
            if found + lanes > where.shape[0]:
                return t, found
            if moment(values[t, first : first + lanes], lanes, f, options, event, before, after):
                for s in range(lanes):
                    if event[s]:
                        where[found, 0], where[found, 1], where[found, 2] = t, s, event[s]
                        told[found, 0], told[found, 1] = before[s], after[s]
                        found += 1
        return values.shape[0], found

    return scan


def _inlined(function: Any, name: str) -> Any:
    """Machine code is kept on disk under a name that tells rules apart; Numba would draw a new one each time."""
    made: Any = njit(inline="always")(function)
    made._set_uuid(sha256(name.encode()).hexdigest())
    return made


@cache
def _compiled(rule: Rule, fields: int) -> Any:
    code = rule.__code__
    name = repr((rule.__module__, rule.__qualname__, code.co_code))
    step = _inlined(rule(scalars), name)
    return _scanner(_inlined((_eight if fields == 8 else _sixteen)(step), name + "moment"))


def scan_streams(
    rule: Rule, values: Any, state: Any, options: tuple[float, ...], /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """See `spec.OPS["scan_streams"]`."""
    scan, (moments, streams) = _compiled(rule, len(state)), values.shape
    state = np.array(state, dtype=np.float64)
    at_once = values.dtype == np.float64 and values.flags.c_contiguous

    def work(first: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        lanes = min(_LANES, streams - first)
        f = np.zeros(len(state) * _LANES)
        mine = f.reshape(-1, _LANES)[:, :lanes]
        mine[:] = state[:, first : first + lanes]
        made = []
        for t in range(0, moments, moments if at_once else _STEPS):
            if at_once:
                tile, offset = values, first
            else:
                tile = np.ascontiguousarray(values[t : t + _STEPS, first : first + lanes], dtype=np.float64)
                offset = 0
            made += _events(scan, tile, (offset, lanes), f, options, (t, first))
        state[:, first : first + lanes] = mine
        return _joined(made)

    blocks = range(0, streams, _LANES) if moments else range(0)
    where, told = _joined(on_threads(work, blocks, large=moments * streams > _LARGE))
    order = np.lexsort((where[:, 1], where[:, 0]))
    return state, where[order], told[order]


def _events(
    scan: Any, tile: Any, columns: tuple[int, int], f: Any, options: tuple[float, ...], corner: tuple[int, int]
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """The events of a tile whose first value stands at `corner` (moment, stream) of all."""
    made, t = [], 0
    while t < len(tile):
        where, told = np.empty((_ROOM, 3), np.int64), np.empty((_ROOM, 2))
        t, found = scan(tile, *columns, t, f, options, where, told)
        if found:
            where[:found, :2] += corner
            made.append((where[:found], told[:found]))
    return made


def _joined(
    made: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    where = np.concatenate([np.empty((0, 3), np.int64), *(w for w, _ in made)])
    return where, np.concatenate([np.empty((0, 2)), *(t for _, t in made)])
