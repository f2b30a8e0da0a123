"""The kernel two-sample statistic from a few sums.

With e the 0/1 column that marks the reference and K the kernel matrix with a zero diagonal, e'Ke is the sum within the
reference; e'K1 less that is the sum across, and what is left of 1'K1 the sum within the batch. So one product of K
with many labellings gives the statistic of each. Source: Gretton et al., JMLR 13 (2012), eqs. 3 and 5, lemma 6.
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

_LABELLINGS = 1024
"""Labellings in one pass over the kernel matrix: their bits and one tile of them must fit in memory."""


class Sums(NamedTuple):
    """Kernel sums of labellings, and how many rows each marks: (P,) all, total a number."""

    quad: Floats
    linear: Floats
    total: float
    marked: Floats


def mmd2(sums: Sums, rows: int, estimator: Estimator) -> Floats:
    """Squared maximum mean discrepancy of each labelling, (P,). The unbiased one may be negative."""
    n, m = sums.marked, rows - sums.marked
    within, batch = sums.quad, sums.total - 2.0 * sums.linear + sums.quad
    across = sums.linear - sums.quad
    if estimator == "unbiased":
        # A labelling of blocks may leave one row on a side: nothing is within it.
        pairs = np.maximum(n * (n - 1), 1.0), np.maximum(m * (m - 1), 1.0)
        return np.asarray(within / pairs[0] + batch / pairs[1] - 2.0 * across / (n * m))
    return np.asarray((within + n) / n**2 + (batch + m) / m**2 - 2.0 * across / (n * m))


@dataclass(frozen=True)
class KernelSums:
    """The kernel matrix of pooled rows, asked for its sums and never stored.

    Attributes:
        z: (N, d) pooled rows divided by the bandwidth, reference first, on the host.
        n: reference rows.
        groups: block of each row, reference blocks first, or None when single rows are dealt.
        n_groups: blocks of the reference, and blocks in all.
        backend: where the sums are made.
        seed: decides the labellings.
    """

    z: npt.NDArray[Any]
    n: int
    backend: Backend
    seed: int
    groups: npt.NDArray[np.int64] | None = None
    n_groups: tuple[int, int] = (0, 0)

    @cached_property
    def _device(self) -> Any:
        return self.backend.asarray(self.z)

    def mmd2(self, first: int, count: int, estimator: Estimator) -> tuple[Floats, float]:
        """The statistic of labellings first ... first + count, and the mean kernel between different rows.

        Labelling 0 is the observed one. The mean kernel is the scale of the statistic's rounding errors.
        """
        stream = draws.key(self.seed, "mmd", "labels")
        make = self._by_rows if self.groups is None else self._by_blocks
        parts = [
            make(stream, lo, min(_LABELLINGS, first + count - lo)) for lo in range(first, first + count, _LABELLINGS)
        ]
        rows = len(self.z)
        made = np.concatenate([mmd2(sums, rows, estimator) for sums in parts])
        return made, parts[0].total / max(rows * (rows - 1), 1)

    def _by_rows(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        b = self.backend
        with b.scope():
            perms, rows = (
                b.asarray(np.arange(lo, hi, dtype=np.uint32)) for lo, hi in ((first, first + count), (0, len(self.z)))
            )
            bits = b.kernels.permutation_labels(b.asarray(stream), perms, rows, self.n)
            quad, linear, total = (b.to_numpy(s) for s in b.kernels.rbf_label_sums(self._device, bits, count))
        return Sums(quad, linear, float(total), np.full(count, float(self.n)))

    def _by_blocks(self, stream: npt.NDArray[np.uint32], first: int, count: int) -> Sums:
        total = self.n_groups[1]
        e = draws.labels(stream, first, count, total, self.n_groups[0]).astype(np.float64)
        sums, sizes = self._block_sums
        linear = e @ sums
        quad = np.einsum("pg,pg->p", linear, e)
        return Sums(quad, linear.sum(axis=1), float(sums.sum()), e @ sizes)

    @cached_property
    def _block_sums(self) -> tuple[Floats, Floats]:
        """Kernel sums between blocks (G, G), zero diagonal rows left out, and rows of each block (G,)."""
        assert self.groups is not None  # noqa: S101
        g = self.n_groups[1]
        out = np.empty((g, g))
        for lo in range(0, g, 256):
            hi = min(g, lo + 256)
            member = (self.groups[:, None] == np.arange(lo, hi)).astype(np.float64)
            rows = self.row_sums(member)
            for c in range(hi - lo):
                out[:, lo + c] = np.bincount(self.groups, weights=rows[:, c], minlength=g)
        return (out + out.T) / 2, np.bincount(self.groups, minlength=g).astype(np.float64)

    def row_sums(self, weights: Floats) -> Floats:
        """K @ weights, zero diagonal: (N, q)."""
        with self.backend.scope():
            made = self.backend.kernels.rbf_row_sums(self._device, self.backend.asarray(weights))
            return self.backend.to_numpy(made)

    def standard_error(self) -> float:
        """Standard error of the unbiased statistic away from the null, from the variance of its row sums.

        Each row's witness value is its mean kernel to its own side less that to the other. Rows of one block vary
        together, so with blocks the variance is that of block means. Source: Serfling 1980, section 5.5.
        """
        n, m = self.n, len(self.z) - self.n
        mark = np.zeros((len(self.z), 2))
        mark[:n, 0], mark[n:, 1] = 1.0, 1.0
        to_reference, to_batch = self.row_sums(mark).T
        g = np.concatenate(
            [
                to_reference[:n] / (n - 1) - to_batch[:n] / m,
                to_batch[n:] / (m - 1) - to_reference[n:] / n,
            ]
        )
        return 2.0 * sqrt(sum(self._variance_of_mean(g, side) for side in (slice(None, n), slice(n, None))))

    def _variance_of_mean(self, g: Floats, side: slice) -> float:
        values = g[side]
        if self.groups is None:
            return float(values.var(ddof=1)) / len(values)
        _, block = np.unique(self.groups[side], return_inverse=True)
        excess = np.bincount(block, weights=values - values.mean())
        return float((excess**2).sum()) * len(excess) / max(len(excess) - 1, 1) / len(values) ** 2
