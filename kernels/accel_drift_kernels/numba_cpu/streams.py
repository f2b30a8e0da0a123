"""Rules that run down many streams of values at once: vector registers hold streams, time is the loop."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from accel_drift_kernels.numba_cpu import scalars
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, thread_count
from accel_drift_kernels.spec import Rule

_LANES = 64
"""Streams that go down time together: their state stays in the first-level cache."""

_STEPS, _STRIP, _LONGEST = 256, 2048, 1 << 16
"""Moments and streams of a tile: groups of lanes go down it one after another, so that the memory pages in which its
moments lie are known to the processor. It is copied where values do not lie stream beside stream as float64. A tile of
fewer streams has more moments, up to the longest."""

_ROOM = 4096
"""Events that a call has room for, at least one for each of its lanes; then it returns and is called again."""

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
    def scan(
        values: Any, corner: Any, first: int, streams: int, begin: int, fields: Any, options: Any, where: Any, told: Any
    ) -> Any:
        """Go on with a tile at step `begin`, all moments of one group of lanes after those of the group before.

        Returns the step at which there was no more room for events, or the number of steps; and how many there were.
        """
        event = np.zeros(_LANES, dtype=np.uint8)
        before, after = np.empty(_LANES), np.empty(_LANES)
        moments, found = values.shape[0], 0
        start = begin % moments
        for group in range(begin // moments, fields.shape[0]):
            f, lane = fields[group], group * _LANES
            lanes = min(_LANES, streams - lane)
            for t in range(start, moments):
                if found + lanes > where.shape[0]:
                    return group * moments + t, found
                row = values[t, first + lane : first + lane + lanes]
                if moment(row, lanes, f, options, event, before, after):
                    for s in range(lanes):
                        if event[s]:
                            where[found, 0], where[found, 1], where[found, 2] = (
                                corner[0] + t, corner[1] + lane + s, event[s],
                            )  # fmt: skip
                            told[found, 0], told[found, 1] = before[s], after[s]
                            found += 1
            start = 0
        return fields.shape[0] * moments, found

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
    (moments, streams), count = values.shape, len(state)
    scan, groups = _compiled(rule, count), -(-streams // _LANES)
    padded = np.zeros((count, groups * _LANES))
    padded[:, :streams] = state
    fields = padded.reshape(count, groups, _LANES).swapaxes(0, 1).reshape(groups, count * _LANES)
    at_once = values.dtype == np.float64 and values.flags.c_contiguous
    strip = min(_STRIP, max(-(-groups // thread_count()), 1) * _LANES)

    def work(first: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        some = min(strip, streams - first)
        mine = fields[first // _LANES : -(-(first + some) // _LANES)]
        where, told, made = np.empty((_ROOM, 3), np.int64), np.empty((_ROOM, 2)), []
        steps = min(_STEPS * max(_STRIP // some, 1), _LONGEST)
        for t in range(0, moments, steps):
            tile, offset, step, parts = values[t : t + steps], first, 0, []
            if not at_once:
                tile, offset = np.ascontiguousarray(tile[:, first : first + some], dtype=np.float64), 0
            while step < len(mine) * len(tile):
                step, found = scan(tile, (t, first), offset, some, step, mine, options, where, told)
                parts.append((where[:found].copy(), told[:found].copy()))
            at, estimates = _joined(parts)
            if len(at) > 1:
                # Groups come in the order of their streams: by time alone. Small numbers are sorted by their digits.
                order = np.argsort((at[:, 0] - t).astype(np.uint16), kind="stable")
                at, estimates = at[order], estimates[order]
            made.append((at, estimates))
        return _joined(made)

    strips = range(0, streams, strip) if moments else range(0)
    where, told = _joined(on_threads(work, strips, large=moments * streams > _LARGE))
    state = fields.reshape(groups, count, _LANES).swapaxes(0, 1).reshape(count, groups * _LANES)[:, :streams].copy()
    if len(strips) > 1:  # each is in order
        order = np.argsort(where[:, 0] * streams + where[:, 1], kind="stable")
        where, told = where[order], told[order]
    return state, where, told


def _joined(
    made: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    if len(made) == 1:  # as in every call that goes on with a single value
        return made[0]
    where = np.concatenate([np.empty((0, 3), np.int64), *(w for w, _ in made)])
    return where, np.concatenate([np.empty((0, 2)), *(t for _, t in made)])
