"""Random Fourier features of rows, and sums of them that merge.

The Gaussian kernel of two rows is the mean cosine of the angle between them over random frequencies, so sums of cosines
and sines of a set of rows stand for the set: what the kernel says of two sets is an inner product of their sums.

All is in whole numbers. A row has the same features whatever rows are beside it, on every backend, and sums of features
do not depend on any order: parts of a data set that were summed apart merge to what one pass gives, bit for bit.
Source: Rahimi & Recht, Random features for large-scale kernel machines, NIPS 2007, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import pi
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS = 1 << 20
"""Steps between 0 and 1 that a feature is rounded to. 64 bits hold the sums of 2^43 rows."""

_TURN = 1 << 14
"""Steps of a whole turn that a phase is rounded to: features are at most 2e-4 from the exact ones, kernels 1e-8."""

_Z_STEPS = 1 << 20
_F_STEPS = 1 << 16
"""Steps of one bandwidth and of one turn a bandwidth. Products of the two are whole, and exact up to 2^17 turns."""

_AT_ONCE = 1 << 20
"""Features made at a time."""

_CACHED = 1 << 15
"""Features made at a time where few are done with them: temporaries of that size stay in a CPU's cache."""

_GROUPS = 1024
"""Groups whose sums are made at a time."""


def frequencies(seed: int, columns: int, count: int) -> Floats:
    """Frequencies of a Gaussian kernel with bandwidth 1, in turns: (d, R). More of them begin with the same ones."""
    from scipy.special import ndtri

    u = draws.uniforms(draws.key(seed, "mmd", "frequencies"), 0, columns, count)
    return np.asarray(np.round(ndtri(u) * (_F_STEPS / (2.0 * pi))) / _F_STEPS, dtype=np.float64)


@cache
def cosines() -> Ints:
    """Cosines of one turn's phases in steps, (T,). One table for all backends: none of them computes a cosine."""
    return np.asarray(np.round(np.cos(np.arange(_TURN) * (2.0 * pi / _TURN)) * STEPS), dtype=np.int64)


def embed(z: Any, turns: Any, backend: Backend) -> Any:
    """Features of rows: cosines, then sines, in steps, (n, 2 R), whole numbers as float64.

    Args:
        z: (n, d) rows in units of the bandwidth, on the device.
        turns: (d, R) frequencies, on the device.
        backend: what computes.
    """
    xp = backend.xp
    phase = xp.astype(xp.round((whole_steps(z, backend) @ turns) * _TURN), xp.int64)
    place = xp.concat([phase, phase - _TURN // 4], axis=1) & (_TURN - 1)
    table = xp.astype(backend.asarray(cosines()), xp.float64)
    return xp.reshape(xp.take(table, xp.reshape(place, (-1,)), axis=0), place.shape)


def whole_steps(z: Any, backend: Backend) -> Any:
    """Rows rounded so that their products with frequencies are exact."""
    xp = backend.xp
    steps = xp.round(xp.astype(z, xp.float64) * _Z_STEPS) / _Z_STEPS
    # Frequencies are whole steps too, so each comes round to the same phase after so many bandwidths: taking those off
    # keeps the products of rows far out exact.
    return steps - xp.round(steps / _F_STEPS) * _F_STEPS


def chunks(rows: int, count: int, *, cached: bool = False) -> Iterator[slice]:
    """Runs of rows whose features of `count` frequencies are made at a time; `cached` for short ones."""
    step = max(1, (_CACHED if cached else _AT_ONCE) // max(2 * count, 1))
    for lo in range(0, rows, step):
        yield slice(lo, min(lo + step, rows))


@dataclass(frozen=True)
class FeatureTotals:
    """Sums of the features of rows, by group: all that a test of mean embeddings needs of any number of rows.

    A summary: `zero`, then `update` with rows, `merge` with another, `finish` to read it. The order does not matter,
    to the bit. It holds no rows, and its size does not grow with them: 16 G R bytes.

    Attributes:
        turns: (d, R) frequencies.
        sums: (G, 2 R) sums of cosines and of sines, in steps.
        rows: (G,) rows of each group.
    """

    turns: Floats
    sums: Ints
    rows: Ints

    @classmethod
    def zero(cls, turns: Floats, groups: int = 1) -> FeatureTotals:
        """Of no rows."""
        count = turns.shape[1]
        return cls(turns, np.zeros((groups, 2 * count), np.int64), np.zeros(groups, np.int64))

    def update(self, z: Any, backend: Backend, groups: Ints | None = None) -> FeatureTotals:
        """With more rows.

        Args:
            z: (n, d) rows in units of the bandwidth, on the backend's device.
            backend: what computes.
            groups: (n,) group of each row; None for the first.
        """
        ids = np.zeros(int(z.shape[0]), np.int64) if groups is None else groups
        rows, sums = np.bincount(ids, minlength=len(self.rows)).astype(np.int64), self.sums.copy()
        ends = np.cumsum(rows)
        with backend.scope():
            if (np.diff(ids) < 0).any():
                z = backend.xp.take(z, backend.asarray(np.argsort(ids, kind="stable")), axis=0)
            turns, table = backend.asarray(self.turns), backend.asarray(cosines())
            for lo in range(0, len(ends), _GROUPS):
                some = ends[lo : lo + _GROUPS]
                first = int(some[0] - rows[lo])
                near = whole_steps(z[first : int(some[-1]), :], backend)
                made = backend.kernels.phase_totals(near, turns, table, backend.asarray(some - first))
                sums[lo : lo + _GROUPS] += backend.to_numpy(made)
        return replace(self, sums=sums, rows=self.rows + rows)

    def merge(self, other: FeatureTotals) -> FeatureTotals:
        """With the rows of another.

        Raises:
            ConfigError: the other was made with different frequencies or groups.
        """
        if self.sums.shape != other.sums.shape or not np.array_equal(self.turns, other.turns):
            raise ConfigError(
                f"sums of {other.turns.shape[1]} random features in {len(other.rows)} groups do not merge with those "
                f"of {self.turns.shape[1]} in {len(self.rows)}, or their frequencies differ: use one seed, one number"
            )
        return replace(self, sums=self.sums + other.sums, rows=self.rows + other.rows)

    def beside(self, other: FeatureTotals) -> FeatureTotals:
        """With the groups of another, made with the same frequencies, after these."""
        sums, rows = (np.concatenate(both) for both in ((self.sums, other.sums), (self.rows, other.rows)))
        return replace(self, sums=sums, rows=rows)

    def finish(self) -> Floats:
        """Sums of features of length 1, (G, 2 R): inner products of two groups are their kernel sums."""
        return np.asarray(self.sums / (STEPS * np.sqrt(max(self.turns.shape[1], 1))))
