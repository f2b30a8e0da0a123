"""The kernel two-sample statistic from random features: a cost that grows with the rows, not with their square.

A labelling's statistic needs the sum of the marked rows' features and no more. Frequencies are drawn without a look at
the rows, so that the level is exact whatever their number; few of them cost power.
Source: Zhao & Meng, FastMMD, Neural Comput. 27 (2015), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws
from accel_drift.statistics.kernel_sums import Estimator, Floats, Ints, Sums, mmd2
from accel_drift.statistics.kernel_test import OfKernel, witness_error
from accel_drift.statistics.random_features import STEPS, FeatureTotals, chunks, embed, frequencies

_LABELLINGS = 1024
"""Labellings in one pass over the rows: their bits and sums must fit in memory."""


@dataclass(frozen=True)
class FeatureSums(OfKernel):
    """What `KernelSums` says of the same rows and labellings, from random features of its first scale.

    Attributes:
        kernel: the rows; its kernel is gaussian.
        count: frequencies, R.
    """

    count: int

    @property
    def rows(self) -> int:
        """Pooled rows, N."""
        return self.kernel.rows

    @property
    def work(self) -> float:
        """Multiplications of one labelling of single rows."""
        return 2.0 * self.rows * self.count

    def mmd2(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, float]:
        """The statistic of labellings first ... first + count, (count,), and the size of its rounding errors.

        Labelling 0 is the observed one; they are those of `KernelSums`.
        """
        stream = draws.key(self.kernel.seed, "mmd", "labels")
        deal = self._by_rows if self.kernel.groups is None else self._by_groups
        made = []
        for lo in range(first, first + count, _LABELLINGS):
            sums = deal(stream, lo, min(_LABELLINGS, first + count - lo), estimator)
            made.append(mmd2(sums, self.rows, estimator, self.kernel.diagonal)[0])
        # Of the mean kernel with the rows' own, which may be near 0 where the features' kernel is small.
        return np.concatenate(made), (float((self._all**2).sum()) + self.rows) / self.rows**2

    def _by_rows(self, stream: npt.NDArray[np.uint32], first: int, count: int, _: Estimator) -> Sums:
        b, xp = self.kernel.backend, self.kernel.backend.xp
        with b.scope():
            perms, rows = (
                b.asarray(np.arange(lo, hi, dtype=np.uint32)) for lo, hi in ((first, first + count), (0, self.rows))
            )
            bits = b.kernels.permutation_labels(b.asarray(stream), perms, rows, self.n)
            turns, shifts = b.asarray(self._turns), b.asarray(np.arange(8, dtype=np.uint8))
            sums = b.asarray(np.zeros((count, 2 * self.count)))
            for part in chunks(self.rows, self.count):
                ones = xp.reshape((bits[part, :][:, :, None] >> shifts) & 1, (part.stop - part.start, -1))[:, :count]
                # Whole numbers below 2^53: exact in any order.
                sums += xp.matrix_transpose(xp.astype(ones, xp.float64)) @ embed(self._z[part, :], turns, b)
            marked = b.to_numpy(sums) / self._unit
        n = np.full(count, float(self.n))
        return self._sums(marked, n, n, n, float(self.rows), float(self.rows))

    def _by_groups(self, stream: npt.NDArray[np.uint32], first: int, count: int, estimator: Estimator) -> Sums:
        mine, groups = self.kernel.n_groups
        e = draws.labels(stream, first, count, groups, mine).astype(np.float64)
        sizes, (own, pairs) = self._totals.rows.astype(np.float64), self._left_out(estimator)
        marked = (e @ self._totals.sums) / self._unit
        return self._sums(marked, e @ sizes, e @ own, e @ pairs, float(own.sum()), float(pairs.sum()))

    def _sums(self, marked: Floats, n: Floats, own: Floats, alike: Floats, own_of_all: float, all_alike: float) -> Sums:
        """Kernel sums from sums of features of the marked rows, (P, 2 R), less those of pairs that are left out."""
        quad, linear = (marked**2).sum(axis=1) - own, marked @ self._all - own
        total = np.array([(self._all**2).sum() - own_of_all])
        return Sums(quad[None], linear[None], total, n, alike, all_alike)

    def _left_out(self, estimator: Estimator) -> tuple[Floats, Floats]:
        """Kernel sum and number of the pairs within each group that count for nothing: (G,) twice."""
        sizes = self._totals.rows.astype(np.float64)
        if self.kernel.apart and estimator == "unbiased":
            return ((self._totals.sums / self._unit) ** 2).sum(axis=1), sizes**2
        return sizes, sizes

    @property
    def _unit(self) -> float:
        """Steps of features of length 1."""
        return STEPS * sqrt(self.count)

    @cached_property
    def _z(self) -> Any:
        """Rows in units of the bandwidth, as floats that angles can be made of."""
        xp = self.kernel.backend.xp
        with self.kernel.backend.scope():
            z, scale = self.kernel.z, self.kernel.factors[0]
            if scale == 1.0 and z.dtype in (xp.float32, xp.float64):
                return z
            return xp.astype(z, xp.float64) * sqrt(scale)

    @cached_property
    def _turns(self) -> Floats:
        return frequencies(self.kernel.seed, int(self.kernel.z.shape[1]), self.count)

    @cached_property
    def _totals(self) -> FeatureTotals:
        """Sums of the groups, or of the two sides where single rows are dealt; those of a reference may be kept."""
        ids, groups, mine, n = self.kernel.groups, self.kernel.n_groups[1], self._mine, self.n
        if ids is None:
            ids, groups = (np.arange(self.rows) >= n).astype(np.int64), 2
        reference = self.kernel.reference
        # A column that the batch alone has moves the frequencies of those after it.
        if reference is None or reference.z.shape[1] != self.kernel.z.shape[1]:
            return self._summed(slice(None), ids, groups)
        name = ("features", self.count, self.kernel.seed, np.bincount(ids[:n]).tobytes())
        first = reference.kept.get(name, lambda: self._summed(slice(n), ids[:n], mine))
        return first.beside(self._summed(slice(n, None), ids[n:] - mine, groups - mine))

    def _summed(self, rows: slice, ids: Ints, groups: int) -> FeatureTotals:
        return FeatureTotals.zero(self._turns, groups).update(self._z[rows, :], self.kernel.backend, ids)

    @cached_property
    def _sides(self) -> Floats:
        """Sums of features of length 1 of reference and batch, (2, 2 R)."""
        sums, unit = self._totals.sums, self._unit
        return np.asarray(np.stack([sums[: self._mine].sum(axis=0), sums[self._mine :].sum(axis=0)]) / unit)

    @property
    def _all(self) -> Floats:
        return np.asarray(self._sides.sum(axis=0))

    @cached_property
    def witness(self) -> Floats:
        """As of `KernelSums`, (N,): one more pass over the rows."""
        b, xp, n, groups = self.kernel.backend, self.kernel.backend.xp, self.n, self.kernel.groups
        apart = groups is not None and self.kernel.apart
        sides, own = np.empty((self.rows, 2)), np.ones(self.rows)
        with b.scope():
            turns, means = b.asarray(self._turns), b.asarray(self._sides.T)
            blocks = b.asarray(self._totals.sums / self._unit) if apart else None
            for part in chunks(self.rows, self.count, cached=not b.is_gpu):
                features = embed(self._z[part, :], turns, b) / self._unit
                sides[part] = b.to_numpy(features @ means)
                if groups is not None and apart:
                    mates = xp.take(blocks, b.asarray(groups[part]), axis=0)
                    own[part] = b.to_numpy(xp.sum(features * mates, axis=1))
        mine, other = (np.concatenate([sides[:n, i], sides[n:, 1 - i]]) for i in (0, 1))
        size = np.array([n, self.rows - n])
        return np.asarray((mine - own) * np.repeat(size / self._pairs, size) - other / np.repeat(size[::-1], size))

    def standard_error(self) -> float:
        """Standard error of the unbiased statistic as an estimate of the Gaussian kernel's, not of these features'.

        The variance of the witness values is that of other rows; that of the statistics of single frequencies, which
        are drawn independently, that of other frequencies. Some noise of the rows is in both.
        """
        rows = witness_error(self.witness, self.n, self.kernel.groups if self.kernel.blocks else None)
        each = self._by_frequency
        return sqrt(rows**2 + float(each.var(ddof=1)) / len(each)) if len(each) > 1 else rows

    @property
    def _by_frequency(self) -> Floats:
        """The unbiased statistic of each frequency alone, (R,); their mean is that of all."""
        sums, (x, y), mine = self._totals.sums / self._unit, self._sides, self._mine
        own = np.repeat(self._totals.rows[:, None].astype(np.float64), self.count, axis=1)
        if self.kernel.apart:
            own = self._products(sums, sums)
        first = (self._products(x, x) - own[:mine].sum(axis=0)) / self._pairs[0]
        second = (self._products(y, y) - own[mine:].sum(axis=0)) / self._pairs[1]
        return np.asarray(first + second - 2.0 * self._products(x, y) / (self.n * (self.rows - self.n)))

    def _products(self, a: Floats, b: Floats) -> Floats:
        """Inner products of sums of features, frequency by frequency: (..., R), as large as that of all."""
        return np.asarray(self.count * (a * b).reshape(*a.shape[:-1], 2, self.count).sum(axis=-2))

    @property
    def _pairs(self) -> Floats:
        """Ordered pairs within reference and batch that count, (2,)."""
        alike, mine = self._left_out("unbiased")[1], self._mine
        sides = np.array([self.n, self.rows - self.n], dtype=np.float64)
        return np.asarray(np.maximum(sides**2 - [alike[:mine].sum(), alike[mine:].sum()], 1.0))

    @property
    def _mine(self) -> int:
        """Groups of the reference."""
        return 1 if self.kernel.groups is None else self.kernel.n_groups[0]
