"""The kernel two-sample statistic of many labellings, and what explains it.

One product of the kernel matrix with many labellings gives the sums of each (`kernel_sums`), and so its statistic. With
the kernel -|x - y| that is the energy distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.statistics import draws
from accel_drift.statistics.kernel_sums import (
    EXP_WORK,
    GATHERED,
    LABELLINGS,
    Deal,
    Estimator,
    Floats,
    Ints,
    Kernel,
    ReferenceSums,
    Sums,
    gathered,
    group_sums,
    mmd2,
    multiplied,
    row_sums,
    without_diagonal,
)

_GATHER_PAYS = 5
"""Gathering the sums of k marked groups beats a product with all G from about G = 5 k."""

_SUBSET_PAIR = 3
"""What the multiplications of a pair in a subset cost, in those of a pair in the product with all labels: those are in
long rows, and one addition serves several labellings."""

_SUBSET_WORK = 1_000_000
"""What one more subset costs apart from its pairs, in the same unit: a call, and its rows picked out."""

_OWN_ROWS = 512
"""Rows of neighbouring blocks whose sums with their own block are made at a time."""


def small_side_pays(few: int, rows: int, columns: int) -> bool:
    """Whether the pairs within a labelling's smaller side cost less than its part in a product with all labels."""
    return _SUBSET_PAIR * few**2 * (columns + EXP_WORK) + _SUBSET_WORK < rows**2


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
        reference: sums within the first n rows, made for another batch perhaps. It must be of the same rows, but for
            columns that are 0 in all of them: whoever changes z leaves it out.
        unit: the bandwidth is so many times shorter than 1 in z, for rows in whole steps; 1 with a reference.
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
    reference: ReferenceSums | None = None
    unit: float = 1.0

    @property
    def rows(self) -> int:
        """Pooled rows, N."""
        return int(self.z.shape[0])

    @property
    def work(self) -> float:
        """Multiplications of one labelling of single rows."""
        return float(self.rows) ** 2

    @property
    def pairs(self) -> float:
        """Pairs of rows, both ways, whose kernel a test needs: those within a reference may be kept."""
        return float(self.rows) ** 2 - (float(self.n) ** 2 if self.reference is not None else 0.0)

    @property
    def apart(self) -> bool:
        """Whether the unbiased form leaves out the pairs within one block.

        Rows of one block are alike whatever the two populations are, so such pairs would make each side look more
        like itself than like the other where nothing drifts. With a single block on a side there are no other pairs.
        """
        return self.blocks and min(self.n_groups[0], self.n_groups[1] - self.n_groups[0]) > 1

    @property
    def factors(self) -> tuple[float, ...]:
        """The scales for rows as they are in z."""
        return tuple(scale * self.unit**2 for scale in self.scales)

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
        made, total, step = [], np.zeros(len(self.scales)), LABELLINGS
        if self.groups is None and self.by_subsets:
            step = min(step, max(1, GATHERED // self._smaller))
        for lo in range(first, first + count, step):
            many = min(step, first + count - lo)
            if self.groups is not None:
                sums = self._by_groups(stream, lo, many, estimator)
            elif self.by_subsets:
                sums = self._by_subsets(stream, lo, many)
            else:
                sums = self._by_rows(stream, lo, many)
            made.append(mmd2(sums, self.rows, estimator, self.diagonal))
            total = sums.total
        return np.concatenate(made, axis=1), np.abs(total) / max(self.rows * (self.rows - 1), 1)

    @property
    def _smaller(self) -> int:
        return min(self.n, self.rows - self.n)

    @property
    def by_subsets(self) -> bool:
        """Whether rows are dealt by the pairs within each labelling's smaller side, not by a product with all labels.

        Both need the row sums. Beyond those a labelling costs so many multiplications; the choice must not depend on
        how many labellings are asked for, since all of a test are made in the same way.
        """
        return small_side_pays(self._smaller, self.rows, int(self.z.shape[1]))

    def _by_rows(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        b = self.backend
        with b.scope():
            perms, rows = (
                b.asarray(np.arange(lo, hi, dtype=np.uint32)) for lo, hi in ((first, first + count), (0, self.rows))
            )
            bits = b.kernels.permutation_labels(b.asarray(stream), perms, rows, self.n)
            made = b.kernels.pair_label_sums(self.z, bits, count, self.kernel, b.asarray(np.array(self.factors)))
            quad, linear, total = (b.to_numpy(s) for s in made)
        marked = np.full(count, float(self.n))
        return Sums(quad, linear, total, marked, marked, float(self.rows))

    def _by_subsets(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        chosen = draws.marked(stream, first, count, self.rows, self.n)
        b = self.backend
        with b.scope():
            scales = b.asarray(np.array(self.factors))
            quad = b.to_numpy(b.kernels.subset_pair_sums(self.z, b.asarray(chosen), self.kernel, scales))
        sums = self._sides.sum(axis=2)
        marked = np.full(count, float(self._smaller))
        return Sums(quad, sums[:, chosen].sum(axis=2), sums.sum(axis=1), marked, marked, float(self.rows))

    def _by_groups(self, stream: npt.NDArray[np.uint32], first: int, count: int, estimator: Estimator) -> Sums:
        (mine, groups), alike = self.n_groups, self._sizes
        few = min(mine, groups - mine) * _GATHER_PAYS < groups
        if few and self.reference is not None:
            return self._by_kept_groups(self.reference, Deal(stream, first, count, groups))
        between = self._between
        if self.apart and estimator == "unbiased":
            between, alike = without_diagonal(between), self._sizes**2
        total = between.sum(axis=(1, 2))
        if few:
            chosen = draws.marked(stream, first, count, groups, mine)
            quad, linear = gathered(between, chosen), between.sum(axis=2)[:, chosen].sum(axis=2)
            marked, alike_marked = (sizes[chosen].sum(axis=1) for sizes in (self._sizes, alike))
        else:
            e = draws.labels(stream, first, count, groups, mine).astype(np.float64)
            quad, linear = multiplied(between, e)
            marked, alike_marked = e @ self._sizes, e @ alike
        return Sums(quad, linear, total, marked, alike_marked, float(alike.sum()))

    def _by_kept_groups(self, reference: ReferenceSums, deal: Deal) -> Sums:
        """As `_by_groups`, from what was kept of the reference's groups; they are no blocks, so none is left out."""
        mine, new, sizes = self.n_groups[0], self._new, self._sizes
        chosen, quad = reference.dealt(self._ends[:mine], self.factors, deal)
        across = new[:, :, :mine].sum(axis=1)
        rows = np.concatenate([reference.group_rows(self._ends[:mine], self.factors) + across, new.sum(axis=2)], axis=1)
        marked = sizes[chosen].sum(axis=1)
        linear = rows[:, chosen].sum(axis=2)
        return Sums(quad + gathered(new, chosen, mine), linear, rows.sum(axis=1), marked, marked, float(sizes.sum()))

    @cached_property
    def _ends(self) -> Ints:
        return np.cumsum(np.bincount(self.groups, minlength=self.n_groups[1])).astype(np.int64)  # type: ignore[arg-type]

    @cached_property
    def _sizes(self) -> Floats:
        return np.diff(self._ends, prepend=0).astype(np.float64)

    @cached_property
    def _between(self) -> Floats:
        """Sums between groups, diagonal left out: (S, G, G)."""
        ends, mine = self._ends, self.n_groups[0]
        return self._group_sums(ends, mine, self.factors, None if self.reference is None else self._new)

    @cached_property
    def _new(self) -> Floats:
        """Those between the batch's groups and all groups: (S, H, G)."""
        return self._of_batch(self._ends, self.n_groups[0], self.factors)

    def _group_sums(self, ends: Ints, mine: int, scales: tuple[float, ...], new: Floats | None = None) -> Floats:
        """Sums between groups of which the first `mine` are the reference's; `new` those of the batch's, if known."""
        if self.reference is None:
            return group_sums(self.backend, self.z, ends, self.kernel, scales)
        new = self._of_batch(ends, mine, scales) if new is None else new
        out = np.empty((len(scales), len(ends), len(ends)))
        out[:, :mine, :mine] = self.reference.groups(ends[:mine], scales)
        out[:, mine:], out[:, :mine, mine:] = new, new[:, :, :mine].swapaxes(1, 2)
        return out

    def _of_batch(self, ends: Ints, mine: int, scales: tuple[float, ...]) -> Floats:
        b, n, second = self.backend, self.n, ends[mine:] - self.n
        new = np.empty((len(scales), len(second), len(ends)))
        new[:, :, mine:] = group_sums(b, self.z[n:, :], second, self.kernel, scales)
        with b.scope():
            y, x, s = b.asarray(second), b.asarray(ends[:mine]), b.asarray(np.array(scales))
            across = b.kernels.cross_group_sums(self.z[n:, :], y, self.z[:n, :], x, self.kernel, s)
            new[:, :, :mine] = b.to_numpy(across)
        return new

    @cached_property
    def witness(self) -> Floats:
        """How much more each row is like its own side than like the other, (N,): its mean kernel to each.

        The mean over the reference's rows and that over the batch's add up to the unbiased statistic.
        Source: Gretton et al. 2012, section 2.3.
        """
        n, m = self.n, self.rows - self.n
        sides = self._sides[0]
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
            ends, sizes, mine = self._ends, self._sizes, self.n_groups[0]
        else:
            ends, mine = np.array([self.n, self.rows], dtype=np.int64), 1
            sizes = np.array([self.n, self.rows - self.n], dtype=np.float64)
        between, alike = self._group_sums(ends, mine, self.factors[:1]), sizes
        if self.apart:
            between, alike = without_diagonal(between), sizes**2
        e = (np.arange(len(sizes)) < mine).astype(np.float64)[None]
        sums = Sums(*multiplied(between, e), between.sum(axis=(1, 2)), e @ sizes, e @ alike, float(alike.sum()))
        return float(mmd2(sums, self.rows, "unbiased", self.diagonal)[0, 0])

    @cached_property
    def _sides(self) -> Floats:
        """Kernel sum of each row with each side, (S, N, 2)."""
        b, n, k, scales = self.backend, self.n, self.kernel, self.factors
        ones = [np.ones((rows, 1)) for rows in (n, self.rows - n)]
        if self.reference is None:
            mark = np.zeros((self.rows, 2))
            mark[:n, 0], mark[n:, 1] = 1.0, 1.0
            return row_sums(b, self.z, mark, k, scales)
        out = np.empty((len(scales), self.rows, 2))
        x, y = self.z[:n, :], self.z[n:, :]
        out[:, :n, 0] = self.reference.rows(scales)
        out[:, n:, 1] = row_sums(b, y, ones[1], k, scales)[..., 0]
        with b.scope():
            s, (one, other) = b.asarray(np.array(scales)), (b.asarray(o) for o in ones)
            made = b.kernels.cross_row_sums(x, y, other, one, k, s)
            out[:, :n, 1], out[:, n:, 0] = (b.to_numpy(sums)[..., 0] for sums in made)
        return out

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
            own_block = (member[:, None] == np.arange(upto - block)).astype(np.float64)
            sums = row_sums(self.backend, self.z[part, :], own_block, self.kernel, self.factors[:1])[0]
            own[part] = sums[np.arange(len(member)), member]
            block = upto
        return own

    def spread(self) -> tuple[Floats, Floats]:
        """Mean square between different units (rows, or groups) of the centred kernel, (S,), and of the kernel itself.

        Centred means less the units' own means, which no labelling's unbiased statistic sees; of single rows it is the
        variance of the statistic over all labellings but for a factor that n and m decide. Needs a kernel whose square
        is one of its kind. Source: U-centring, Szekely & Rizzo, Ann. Statist. 42 (2014), eq. 2.2.
        """
        if self.groups is None:
            squared = tuple((4.0 if self.kernel == "laplace" else 2.0) * s for s in self.factors)
            ends = np.array([self.n, self.rows], dtype=np.int64)
            squares = self._group_sums(ends, 1, squared).sum(axis=(1, 2))
            sums, units = self._sides.sum(axis=2), self.rows
        else:
            between = without_diagonal(self._between) / self._sizes.mean() ** 2
            squares, sums, units = (between**2).sum(axis=(1, 2)), between.sum(axis=2), self.n_groups[1]
        own = 2.0 * (sums**2).sum(axis=1) / max(units - 2, 1)
        mean = sums.sum(axis=1) ** 2 / max((units - 1) * (units - 2), 1)
        pairs = max(units * (units - 1), 1)
        return np.maximum(squares - own + mean, 0.0) / pairs, squares / pairs

    def standard_error(self) -> float:
        """Standard error of the unbiased statistic, from the variance of the witness values.

        Rows of one block vary together, so with blocks the variance is that of block means. Where nothing drifts the
        values' own noise makes it larger than the spread, by up to 1.4 times. Source: Serfling 1980, section 5.5.
        """
        return witness_error(self.witness, self.n, self.groups if self.blocks else None)


@dataclass(frozen=True)
class OfKernel:
    """A statistic of the rows and labellings of a kernel that is not made of the kernel's own sums.

    Attributes:
        kernel: the rows.
    """

    kernel: KernelSums

    @property
    def n(self) -> int:
        """Reference rows."""
        return self.kernel.n

    @property
    def groups(self) -> Ints | None:
        """Group of each row, or None."""
        return self.kernel.groups


def witness_error(witness: Floats, n: int, blocks: Ints | None) -> float:
    """Twice the standard error of the sum of the sides' mean witness values.

    Args:
        witness: (N,) values, the reference's first.
        n: reference rows.
        blocks: (N,) block of each row where rows of one vary together, or None.
    """
    sides = (slice(None, n), slice(n, None))
    return 2.0 * sqrt(sum(_variance_of_mean(witness[s], None if blocks is None else blocks[s]) for s in sides))


def _variance_of_mean(values: Floats, blocks: Ints | None) -> float:
    if blocks is None:
        return float(values.var(ddof=1)) / len(values)
    _, block = np.unique(blocks, return_inverse=True)
    excess = np.bincount(block, weights=values - values.mean())
    return float((excess**2).sum()) * len(excess) / max(len(excess) - 1, 1) / len(values) ** 2
