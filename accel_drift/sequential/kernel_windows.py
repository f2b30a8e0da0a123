"""How unlike a reference the newest rows of a stream are, at every row and for windows of every length at once.

Each number is added up from the rows of its window alone, in an order that does not depend on how the stream is cut
into calls, so that neither rounding errors add up nor cuts change a bit. Kernels of fixed shapes see to the rest: rows
are taken in tiles and blocks that begin at fixed row numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from accel_drift.backends import Backend
from accel_drift.statistics.kernel_sums import row_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TILE = 256
"""Rows of a stream that are compared with the reference together: a call of one row costs as much as one of these."""

_LEAST_BLOCK = 32
"""Rows of the smallest block of rows that are compared with one another."""


@dataclass(frozen=True)
class Summed:
    """The rows of a reference that all rows of a stream are compared with.

    Attributes:
        points: (n, p) in units of the bandwidth.
        within: mean kernel value of two different rows of them.
        backend: what computes.
    """

    points: Floats
    within: float
    backend: Backend

    @classmethod
    def of(cls, points: Floats, backend: Backend) -> Summed:
        """Of at least two rows."""
        n = len(points)
        with backend.scope():
            there = backend.asarray(points)
        sums = row_sums(backend, there, np.ones((n, 1)), "gaussian", (1.0,))
        return cls(points, float(sums.sum()) / (n * (n - 1)), backend)

    def means(self, points: Floats, first: int) -> Floats:
        """Mean kernel value of each of a stream's rows, of which the first has this number, with the rows: (T,)."""
        b, (there, ones), before = self.backend, self._there, first % _TILE
        tiles = -(-(before + len(points)) // _TILE)
        padded = np.zeros((tiles * _TILE, points.shape[1]))
        padded[before : before + len(points)] = points
        with b.scope():
            none, scales = b.asarray(np.zeros((_TILE, 0))), b.asarray(np.ones(1))
            made = [
                b.kernels.cross_row_sums(b.asarray(tile), there, ones, none, "gaussian", scales)[0]
                for tile in padded.reshape(tiles, _TILE, -1)
            ]
            sums = [np.asarray(b.to_numpy(part))[0, :, 0] for part in made]
        return np.concatenate([*sums, np.zeros(0)])[before : before + len(points)] / len(self.points)

    @cached_property
    def _there(self) -> tuple[Any, Any]:
        with self.backend.scope():
            return self.backend.asarray(self.points), self.backend.asarray(np.ones((len(self.points), 1)))


class Best(NamedTuple):
    """The largest statistic of windows that end at each row, and the length of that window."""

    statistic: Floats
    length: Ints


def block_rows(window: int) -> int:
    """Rows of a block: no window reaches further back than the block before that of its last row."""
    return max(window, _LEAST_BLOCK)


def kept_rows(window: int) -> int:
    """Rows before a new one that must be at hand: what `latest` needs of them, wherever blocks begin."""
    return 3 * block_rows(window)


def latest(points: Floats, first: int, window: int) -> Floats:
    """Kernel values of a stream's rows with those just before them.

    Args:
        points: (K + T, p): `kept_rows` before the first of T rows, 0 where the stream had not begun, and these.
        first: number of the first of the T rows.
        window: rows of the longest window, at least 2.

    Returns:
        (window - 1, window - 1 + T): with the row 1, 2, ... before, of the T rows and the window - 1 before these.
    """
    many, size = len(points) - kept_rows(window), block_rows(window)
    wanted = first - (window - 1)
    begin = (wanted // size - 1) * size
    have = points[kept_rows(window) - (first - begin) :]
    blocks = -(-len(have) // size)
    padded = np.zeros((blocks * size, points.shape[1]))
    padded[: len(have)] = have
    half = 0.5 * (padded * padded).sum(axis=1)
    x = padded.reshape(blocks, size, -1)
    products = x[1:] @ np.concatenate([x[:-1], x[1:]], axis=1).transpose(0, 2, 1)
    # Row i of a block with the row a lag before it: along a diagonal that begins left of the block's own columns.
    by_block, by_row, by_column = products.strides
    lagged = as_strided(
        products[:, :, size - 1 :],
        (window - 1, blocks - 1, size),
        (-by_column, by_block, by_row + by_column),
        writeable=False,
    )
    place, total = wanted - begin, window - 1 + many
    made = lagged.reshape(window - 1, -1)[:, place - size : place - size + total]
    earlier = as_strided(half[place - 1 :], made.shape, (-half.itemsize, half.itemsize), writeable=False)
    return np.asarray(np.exp(-np.maximum(half[place : place + total] + earlier - made, 0.0)))


def windows(lagged: Floats, means: Floats) -> Iterator[tuple[int, Floats, Floats]]:
    """For windows of 2, 3, ... rows the kernel values of their pairs, and the means of their rows, added up.

    Both grow by the newest row: those of the window one shorter that ended a row before are at hand. Wei & Xie 2022
    make their statistic of every length at once by the same recursion.

    Args:
        lagged: (w - 1, ..., N) kernel values with the row 1, 2, ... before; those before the N rows are not looked at.
        means: (..., N) mean kernel value with the reference.

    Yields:
        The length, then both sums of the windows that end at rows w - 1, ..., N - 1: (..., N - w + 1).
    """
    with_newest, pairs, sums, most = np.zeros_like(means), np.zeros_like(means), means, len(lagged)
    for lag in range(1, most + 1):
        with_newest = with_newest + lagged[lag - 1]
        pairs = pairs[..., :-1] + with_newest[..., lag:]
        sums = sums[..., :-1] + means[..., lag:]
        yield lag + 1, pairs[..., most - lag :], sums[..., most - lag :]


def scan(lagged: Floats, means: Floats, within: float, units: Floats) -> Best:
    """The unbiased squared MMD of windows against the reference in units of each length, the largest at each row.

    Args:
        lagged: as in `windows`.
        means: as in `windows`.
        within: mean kernel value of two rows of the reference.
        units: (w - 1,) what the statistic of 2, 3, ... rows is divided by; infinite where that length is not looked at.
    """
    looks = (*means.shape[:-1], means.shape[-1] - len(lagged))
    best, length = np.full(looks, -np.inf), np.zeros(looks, np.int64)
    for rows, pairs, sums in windows(lagged, means):
        if units[rows - 2] == np.inf:
            continue
        found = (2.0 / (rows * (rows - 1)) * pairs + within - 2.0 / rows * sums) / units[rows - 2]
        length[found > best] = rows
        best = np.maximum(best, found)
    return Best(best, length)
