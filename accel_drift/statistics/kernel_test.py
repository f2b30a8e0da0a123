"""The kernel two-sample statistic from a few sums.

With e the 0/1 column that marks the reference and K the kernel matrix with a zero diagonal, e'Ke is the sum within the
reference; e'K1 less that is the sum across, and what is left of 1'K1 the sum within the batch. So one product of K
with many labellings gives the statistic of each. With the kernel -|x - y| the statistic is the energy distance.
Source: Gretton et al., JMLR 13 (2012), eqs. 3 and 5, lemma 6; Sejdinovic et al., Ann. Statist. 41 (2013), theorem 22.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.statistics import draws

Floats = npt.NDArray[np.float64]
Estimator = Literal["unbiased", "biased"]
Kernel = Literal["gaussian", "distance"]

_LABELLINGS = 1024
"""Labellings in one pass over the kernel matrix: their bits and one tile of them must fit in memory."""


class Sums(NamedTuple):
    """Kernel sums of labellings, and how many rows and pairs each marks: (P,) all, totals numbers.

    `alike` counts the ordered pairs within the marked rows that `quad` leaves out (a row with itself, or all pairs of
    one block), `all_alike` those of all rows.
    """

    quad: Floats
    linear: Floats
    total: float
    marked: Floats
    alike: Floats
    all_alike: float


def mmd2(sums: Sums, rows: int, estimator: Estimator, diagonal: float) -> Floats:
    """Squared maximum mean discrepancy of each labelling, (P,). The unbiased one may be negative.

    `diagonal` is the kernel of a row with itself, which the biased form counts.
    """
    n, m = sums.marked, rows - sums.marked
    within, batch = sums.quad, sums.total - 2.0 * sums.linear + sums.quad
    across = sums.linear - sums.quad
    if estimator == "unbiased":
        # A labelling of blocks may leave one row on a side: nothing is within it.
        pairs = np.maximum(n**2 - sums.alike, 1.0), np.maximum(m**2 - (sums.all_alike - sums.alike), 1.0)
        return np.asarray(within / pairs[0] + batch / pairs[1] - 2.0 * across / (n * m))
    return np.asarray((within + diagonal * n) / n**2 + (batch + diagonal * m) / m**2 - 2.0 * across / (n * m))


class BlockSums(NamedTuple):
    """Kernel sums with the diagonal left out, and the rows of each group.

    Shapes: between groups (G, G); of each row with its own group (N,) and with each side (N, 2); sizes (G,).
    """

    between: Floats
    own: Floats
    sides: Floats
    sizes: Floats


@dataclass(frozen=True)
class KernelSums:
    """The kernel matrix of pooled rows, asked for its sums and never stored.

    Attributes:
        z: (N, d) pooled rows divided by the bandwidth, reference first, on the backend's device.
        n: reference rows.
        backend: where the sums are made.
        seed: decides the labellings.
        groups: group of each row, reference groups first, or None when single rows are dealt.
        n_groups: groups of the reference, and groups in all.
        kernel: "gaussian", or "distance" for the energy distance.
        blocks: whether the groups are blocks of rows that vary together, and not dealt by chance.
    """

    z: Any
    n: int
    backend: Backend
    seed: int
    groups: npt.NDArray[np.int64] | None = None
    n_groups: tuple[int, int] = (0, 0)
    kernel: Kernel = "gaussian"
    blocks: bool = False

    @property
    def rows(self) -> int:
        """Pooled rows, N."""
        return int(self.z.shape[0])

    @property
    def apart(self) -> bool:
        """Whether the unbiased form leaves out the pairs within one block.

        Rows of one block are alike whatever the two populations are, so such pairs would make each side look more
        like itself than like the other where nothing drifts. With a single block on a side there are no other pairs.
        """
        return self.blocks and min(self.n_groups[0], self.n_groups[1] - self.n_groups[0]) > 1

    def mmd2(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, float]:
        """The statistic of labellings first ... first + count, and the mean kernel between different rows.

        Labelling 0 is the observed one. The mean kernel is the scale of the statistic's rounding errors.
        """
        stream = draws.key(self.seed, "mmd", "labels")
        diagonal = 1.0 if self.kernel == "gaussian" else 0.0
        made, total = [], 0.0
        for lo in range(first, first + count, _LABELLINGS):
            many = min(_LABELLINGS, first + count - lo)
            if self.groups is None:
                sums = self._by_rows(stream, lo, many)
            else:
                sums = self._by_groups(stream, lo, many, estimator)
            made.append(mmd2(sums, self.rows, estimator, diagonal))
            total = sums.total
        return np.concatenate(made), abs(total) / max(self.rows * (self.rows - 1), 1)

    def _by_rows(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        b = self.backend
        with b.scope():
            perms, rows = (
                b.asarray(np.arange(lo, hi, dtype=np.uint32)) for lo, hi in ((first, first + count), (0, self.rows))
            )
            bits = b.kernels.permutation_labels(b.asarray(stream), perms, rows, self.n)
            made = b.kernels.pair_label_sums(self.z, bits, count, self.kernel, b.asarray(np.ones(1)))
            quad, linear, total = (b.to_numpy(s)[0] for s in made)
        marked = np.full(count, float(self.n))
        return Sums(quad, linear, float(total), marked, marked, float(self.rows))

    def _by_groups(self, stream: npt.NDArray[np.uint32], first: int, count: int, estimator: Estimator) -> Sums:
        e = draws.labels(stream, first, count, self.n_groups[1], self.n_groups[0]).astype(np.float64)
        between, sizes = self._blocks.between, self._blocks.sizes
        alike = sizes
        if self.apart and estimator == "unbiased":
            between, alike = between - np.diag(np.diag(between)), sizes**2
        linear = e @ between
        quad = np.einsum("pg,pg->p", linear, e)
        return Sums(quad, linear.sum(axis=1), float(between.sum()), e @ sizes, e @ alike, float(alike.sum()))

    @cached_property
    def _blocks(self) -> BlockSums:
        assert self.groups is not None  # noqa: S101
        (mine, g), ids = self.n_groups, self.groups
        between, own, sides = np.empty((g, g)), np.empty(self.rows), np.zeros((self.rows, 2))
        for lo in range(0, g, 256):
            hi = min(g, lo + 256)
            sums = self.row_sums((ids[:, None] == np.arange(lo, hi)).astype(np.float64))
            for c in range(hi - lo):
                between[:, lo + c] = np.bincount(ids, weights=sums[:, c], minlength=g)
            inside = np.flatnonzero((ids >= lo) & (ids < hi))
            own[inside] = sums[inside, ids[inside] - lo]
            cut = min(max(mine - lo, 0), hi - lo)
            sides += np.stack([sums[:, :cut].sum(axis=1), sums[:, cut:].sum(axis=1)], axis=1)
        sizes = np.bincount(ids, minlength=g).astype(np.float64)
        return BlockSums((between + between.T) / 2, own, sides, sizes)

    def row_sums(self, weights: Floats) -> Floats:
        """K @ weights, zero diagonal: (N, q)."""
        with self.backend.scope():
            b = self.backend
            made = b.kernels.pair_row_sums(self.z, b.asarray(weights), self.kernel, b.asarray(np.ones(1)))
            return np.asarray(b.to_numpy(made)[0])

    @cached_property
    def witness(self) -> Floats:
        """How much more each row is like its own side than like the other, (N,): its mean kernel to each.

        The mean over the reference's rows and that over the batch's add up to the unbiased statistic.
        Source: Gretton et al. 2012, section 2.3.
        """
        n, m = self.n, self.rows - self.n
        sides = self._side_sums if self.groups is None else self._blocks.sides
        own = np.concatenate([sides[:n, 0], sides[n:, 1]])
        other = np.concatenate([sides[:n, 1] / m, sides[n:, 0] / n])
        alike = np.array([n, m], dtype=np.float64)
        if self.apart:
            own = own - self._blocks.own
            mine = self.n_groups[0]
            alike = np.array([(self._blocks.sizes[part] ** 2).sum() for part in (slice(mine), slice(mine, None))])
        pairs = np.maximum(np.array([n, m]) ** 2 - alike, 1.0)
        return np.asarray(own * np.repeat(np.array([n, m]) / pairs, [n, m]) - other)

    @property
    def unbiased(self) -> float:
        """The unbiased statistic of the observed labelling, from the witness values."""
        return float(self.witness[: self.n].mean() + self.witness[self.n :].mean())

    @cached_property
    def _side_sums(self) -> Floats:
        mark = np.zeros((self.rows, 2))
        mark[: self.n, 0], mark[self.n :, 1] = 1.0, 1.0
        return self.row_sums(mark)

    def standard_error(self) -> float:
        """Standard error of the unbiased statistic, from the variance of the witness values.

        Rows of one block vary together, so with blocks the variance is that of block means. Where nothing drifts the
        values' own noise makes it larger than the spread, by up to 1.4 times. Source: Serfling 1980, section 5.5.
        """
        return 2.0 * sqrt(sum(self._variance_of_mean(side) for side in (slice(None, self.n), slice(self.n, None))))

    def _variance_of_mean(self, side: slice) -> float:
        values = self.witness[side]
        if self.groups is None or not self.blocks:
            return float(values.var(ddof=1)) / len(values)
        _, block = np.unique(self.groups[side], return_inverse=True)
        excess = np.bincount(block, weights=values - values.mean())
        return float((excess**2).sum()) * len(excess) / max(len(excess) - 1, 1) / len(values) ** 2
