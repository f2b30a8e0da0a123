"""The kernel two-sample statistic from a few sums.

With e the 0/1 column that marks one side and K the kernel matrix with a zero diagonal, e'Ke is the sum within that
side; e'K1 less that is the sum across, and what is left of 1'K1 the sum within the other. So one product of K with
many labellings gives the statistic of each. With the kernel -|x - y| the statistic is the energy distance.
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
Ints = npt.NDArray[np.int64]
Estimator = Literal["unbiased", "biased"]
Kernel = Literal["gaussian", "laplace", "distance"]

_LABELLINGS = 1024
"""Labellings in one pass over the kernel matrix: their bits and one tile of them must fit in memory."""

_GATHERED = 1 << 21
"""Sums between groups gathered at a time."""

_GATHER_PAYS = 10
"""Gathering the sums of k marked groups beats a product with all G from about G = 10 k."""

_OWN_ROWS = 512
"""Rows of neighbouring blocks whose sums with their own block are made at a time."""


class Sums(NamedTuple):
    """Kernel sums of labellings, and how many rows and pairs each marks.

    Shapes: quad and linear (S, P), total (S,), one row a scale; marked and alike (P,). `alike` counts the ordered pairs
    within the marked rows that `quad` leaves out (a row with itself, or all pairs of one block), `all_alike` those of
    all rows. Which side is marked does not matter.
    """

    quad: Floats
    linear: Floats
    total: Floats
    marked: Floats
    alike: Floats
    all_alike: float


def mmd2(sums: Sums, rows: int, estimator: Estimator, diagonal: float) -> Floats:
    """Squared maximum mean discrepancy of each labelling at each scale, (S, P). The unbiased one may be negative.

    `diagonal` is the kernel of a row with itself, which the biased form counts.
    """
    n, m = sums.marked, rows - sums.marked
    within, batch = sums.quad, sums.total[:, None] - 2.0 * sums.linear + sums.quad
    across = sums.linear - sums.quad
    if estimator == "unbiased":
        # A labelling of blocks may leave one row on a side: nothing is within it.
        pairs = np.maximum(n**2 - sums.alike, 1.0), np.maximum(m**2 - (sums.all_alike - sums.alike), 1.0)
        return np.asarray(within / pairs[0] + batch / pairs[1] - 2.0 * across / (n * m))
    return np.asarray((within + diagonal * n) / n**2 + (batch + diagonal * m) / m**2 - 2.0 * across / (n * m))


@dataclass(frozen=True)
class KernelSums:
    """The kernel matrix of pooled rows, asked for its sums and never stored.

    The statistic of labellings and what explains it are apart: the null alone costs one pass over the pairs of rows,
    witness values and errors one more when they are asked for.

    Attributes:
        z: (N, d) pooled rows divided by the bandwidth, reference first, on the backend's device.
        n: reference rows.
        backend: where the sums are made.
        seed: decides the labellings.
        groups: (N,) group of each row, ascending, reference groups first; None when single rows are dealt.
        n_groups: groups of the reference, and groups in all.
        kernel: "gaussian" or "laplace", or "distance" for the energy distance.
        blocks: whether the groups are blocks of rows that vary together, and not dealt by chance.
        scales: factors of the squared distances: 1 / l² stands for a bandwidth l times as long. What explains the
            statistic is of the first.
    """

    z: Any
    n: int
    backend: Backend
    seed: int
    groups: Ints | None = None
    n_groups: tuple[int, int] = (0, 0)
    kernel: Kernel = "gaussian"
    blocks: bool = False
    scales: tuple[float, ...] = (1.0,)

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

    @property
    def diagonal(self) -> float:
        """The kernel of a row with itself."""
        return 0.0 if self.kernel == "distance" else 1.0

    def mmd2(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, float]:
        """The statistic of labellings first ... first + count at the first scale, (count,), and its mean kernel."""
        made, mean = self.grid(first, count, estimator)
        return made[0], float(mean[0])

    def grid(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, Floats]:
        """The statistic of labellings first ... first + count at every scale, (S, count), from one pass over the pairs.

        Labelling 0 is the observed one. With them, (S,), the mean kernel between different rows: the scale of the
        statistic's rounding errors.
        """
        stream = draws.key(self.seed, "mmd", "labels")
        made, total = [], np.zeros(len(self.scales))
        for lo in range(first, first + count, _LABELLINGS):
            many = min(_LABELLINGS, first + count - lo)
            if self.groups is None:
                sums = self._by_rows(stream, lo, many)
            else:
                sums = self._by_groups(stream, lo, many, estimator)
            made.append(mmd2(sums, self.rows, estimator, self.diagonal))
            total = sums.total
        return np.concatenate(made, axis=1), np.abs(total) / max(self.rows * (self.rows - 1), 1)

    def _by_rows(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        b = self.backend
        with b.scope():
            perms, rows = (
                b.asarray(np.arange(lo, hi, dtype=np.uint32)) for lo, hi in ((first, first + count), (0, self.rows))
            )
            bits = b.kernels.permutation_labels(b.asarray(stream), perms, rows, self.n)
            made = b.kernels.pair_label_sums(self.z, bits, count, self.kernel, b.asarray(np.array(self.scales)))
            quad, linear, total = (b.to_numpy(s) for s in made)
        marked = np.full(count, float(self.n))
        return Sums(quad, linear, total, marked, marked, float(self.rows))

    def _by_groups(self, stream: npt.NDArray[np.uint32], first: int, count: int, estimator: Estimator) -> Sums:
        between, alike = self._between, self._sizes
        if self.apart and estimator == "unbiased":
            between, alike = _without_diagonal(between), self._sizes**2
        mine, groups = self.n_groups
        e = draws.labels(stream, first, count, groups, mine)
        if 2 * mine > groups:
            e = 1 - e
        quad, linear = _label_sums(between, e)
        return Sums(quad, linear, between.sum(axis=(1, 2)), e @ self._sizes, e @ alike, float(alike.sum()))

    @cached_property
    def _ends(self) -> Ints:
        return np.cumsum(np.bincount(self.groups, minlength=self.n_groups[1])).astype(np.int64)  # type: ignore[arg-type]

    @cached_property
    def _sizes(self) -> Floats:
        return np.diff(self._ends, prepend=0).astype(np.float64)

    @cached_property
    def _between(self) -> Floats:
        """Sums between groups, diagonal left out: (S, G, G)."""
        return self._group_sums(self._ends, self.scales)

    def _group_sums(self, ends: Ints, scales: tuple[float, ...]) -> Floats:
        with self.backend.scope():
            b = self.backend
            made = b.kernels.pair_group_sums(self.z, b.asarray(ends), self.kernel, b.asarray(np.array(scales)))
            return np.asarray(b.to_numpy(made))

    def row_sums(self, weights: Floats, rows: slice = slice(None)) -> Floats:
        """K @ weights at the first scale, zero diagonal, of some of the rows: (N, q)."""
        with self.backend.scope():
            b = self.backend
            scale = b.asarray(np.array(self.scales[:1]))
            made = b.kernels.pair_row_sums(self.z[rows, :], b.asarray(weights), self.kernel, scale)
            return np.asarray(b.to_numpy(made)[0])

    @cached_property
    def witness(self) -> Floats:
        """How much more each row is like its own side than like the other, (N,): its mean kernel to each.

        The mean over the reference's rows and that over the batch's add up to the unbiased statistic.
        Source: Gretton et al. 2012, section 2.3.
        """
        n, m = self.n, self.rows - self.n
        sides = self._sides
        own = np.concatenate([sides[:n, 0], sides[n:, 1]])
        other = np.concatenate([sides[:n, 1] / m, sides[n:, 0] / n])
        alike = np.array([n, m], dtype=np.float64)
        if self.apart:
            own = own - self._own
            mine = self.n_groups[0]
            alike = np.array([(self._sizes[part] ** 2).sum() for part in (slice(mine), slice(mine, None))])
        pairs = np.maximum(np.array([n, m]) ** 2 - alike, 1.0)
        return np.asarray(own * np.repeat(np.array([n, m]) / pairs, [n, m]) - other)

    @property
    def unbiased(self) -> float:
        """The unbiased statistic of the observed labelling at the first scale, whatever is dealt."""
        if self.apart:
            between, sizes, mine = self._group_sums(self._ends, self.scales[:1]), self._sizes, self.n_groups[0]
            between, alike = _without_diagonal(between), sizes**2
        else:
            sizes = np.array([self.n, self.rows - self.n], dtype=np.float64)
            between, alike, mine = self._group_sums(np.cumsum(sizes).astype(np.int64), self.scales[:1]), sizes, 1
        e = (np.arange(len(sizes)) < mine).astype(np.int64)[None]
        sums = Sums(*_label_sums(between, e), between.sum(axis=(1, 2)), e @ sizes, e @ alike, float(alike.sum()))
        return float(mmd2(sums, self.rows, "unbiased", self.diagonal)[0, 0])

    @cached_property
    def _sides(self) -> Floats:
        """Kernel sum of each row with each side, (N, 2)."""
        mark = np.zeros((self.rows, 2))
        mark[: self.n, 0], mark[self.n :, 1] = 1.0, 1.0
        return self.row_sums(mark)

    @cached_property
    def _own(self) -> Floats:
        """Kernel sum of each row with its own block, (N,): a few neighbouring blocks at a time."""
        assert self.groups is not None  # noqa: S101
        own, ends, block = np.empty(self.rows), self._ends, 0
        while block < len(ends):
            start = int(ends[block - 1]) if block else 0
            upto = max(block + 1, int(np.searchsorted(ends, start + _OWN_ROWS, side="right")))
            part = slice(start, int(ends[upto - 1]))
            member = self.groups[part] - block
            sums = self.row_sums((member[:, None] == np.arange(upto - block)).astype(np.float64), part)
            own[part] = sums[np.arange(len(member)), member]
            block = upto
        return own

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


def _without_diagonal(between: Floats) -> Floats:
    g = np.arange(between.shape[1])
    rest = between.copy()
    rest[:, g, g] = 0.0
    return rest


def _label_sums(between: Floats, e: Ints) -> tuple[Floats, Floats]:
    """Values e'Me and e'M1, (S, P) each, of group sums M (S, G, G) and labellings e (P, G) of equally many groups."""
    marked = int(e[0].sum())
    if marked * _GATHER_PAYS > e.shape[1]:
        y = e.astype(np.float64) @ between
        return np.einsum("spg,pg->sp", y, e), y.sum(axis=2)
    chosen = np.nonzero(e)[1].reshape(len(e), marked)
    quad, step = np.empty((len(between), len(e))), max(1, _GATHERED // max(marked**2, 1))
    for lo in range(0, len(e), step):
        some = chosen[lo : lo + step]
        for s, sums in enumerate(between):
            quad[s, lo : lo + step] = sums[some[:, :, None], some[:, None, :]].sum(axis=(1, 2))
    return quad, between.sum(axis=2)[:, chosen].sum(axis=2)
