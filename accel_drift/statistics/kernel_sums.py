"""Sums of kernel matrices of pooled rows, and the statistic that they make up.

With e the 0/1 column that marks one side and K the kernel matrix with a zero diagonal, e'Ke is the sum within that
side; e'K1 less that is the sum across, and what is left of 1'K1 the sum within the other.
Source: Gretton et al., JMLR 13 (2012), eqs. 3 and 5, lemma 6; Sejdinovic et al., Ann. Statist. 41 (2013), theorem 22.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.statistics import draws
from accel_drift.statistics.kept import Kept

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Estimator = Literal["unbiased", "biased"]
Kernel = Literal["gaussian", "laplace", "distance"]

EXP_WORK = 20
"""What the kernel of one pair costs beside its distance, in columns."""

GATHERED = 1 << 21
"""Rows of subsets in memory at a time."""

LABELLINGS = 1024
"""Labellings in one pass over the kernel matrix: their bits and one tile of them must fit in memory."""

_DEALT = 64
"""Numbers of a batch's groups for which labellings are kept: batches of one group size have 32 to 64 by default."""


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


class Deal(NamedTuple):
    """Labellings first ... first + many of a number of groups, on a stream of draws."""

    stream: npt.NDArray[np.uint32]
    first: int
    many: int
    groups: int

    def marked(self, mine: int) -> Ints:
        """The groups on the smaller side, of which the reference's is `mine`, ascending: (P, k)."""
        return draws.marked(self.stream, self.first, self.many, self.groups, mine)


@dataclass(frozen=True)
class ReferenceSums:
    """Kernel sums within one reference, each made when first asked for and then kept.

    Attributes:
        z: (n, d) its rows about the origin.
        backend: where the sums are made.
        kernel: as in `KernelSums`.
        kept: the sums made.
        labelled: what labellings say of its groups.
    """

    z: Any
    backend: Backend
    kernel: Kernel
    kept: Kept = field(default_factory=Kept)
    labelled: Kept = field(default_factory=lambda: Kept(_DEALT))

    def rows(self, scales: tuple[float, ...]) -> Floats:
        """Sum of each row with all others: (S, n)."""
        ones = np.ones((int(self.z.shape[0]), 1))
        return self.kept.get(
            ("rows", scales), lambda: row_sums(self.backend, self.z, ones, self.kernel, scales)[..., 0]
        )

    def groups(self, ends: Ints, scales: tuple[float, ...]) -> Floats:
        """Sums between runs of rows, diagonal left out: (S, G, G)."""
        name = ("groups", ends.tobytes(), scales)
        return self.kept.get(name, lambda: group_sums(self.backend, self.z, ends, self.kernel, scales))

    def group_rows(self, ends: Ints, scales: tuple[float, ...]) -> Floats:
        """Sum of each run with all of them: (S, G)."""
        name = ("group rows", ends.tobytes(), scales)
        return self.kept.get(name, lambda: self.groups(ends, scales).sum(axis=2))

    def dealt(self, ends: Ints, scales: tuple[float, ...], deal: Deal) -> tuple[Ints, Floats]:
        """The groups that labellings mark, (P, k), and what those of the reference among them add to e'Ke, (S, P).

        Both are the same for every batch of as many groups, so those of the first labellings are kept.
        """

        def made() -> tuple[npt.NDArray[np.int32], Floats]:
            chosen = deal.marked(len(ends))
            return chosen.astype(np.int32), gathered(self.groups(ends, scales), chosen)

        if deal.first >= LABELLINGS:
            chosen, quad = made()
        else:
            name = (ends.tobytes(), scales, deal.stream.tobytes(), *deal[1:])
            chosen, quad = self.labelled.get(name, made)
        return chosen.astype(np.int64), quad


def without_diagonal(between: Floats) -> Floats:
    """Group sums (S, G, G) with nothing within a group."""
    g = np.arange(between.shape[1])
    rest = between.copy()
    rest[:, g, g] = 0.0
    return rest


def multiplied(between: Floats, e: Floats) -> tuple[Floats, Floats]:
    """Values e'Me and e'M1, (S, P) each, of group sums M (S, G, G) and labellings e (P, G)."""
    y = e @ between
    return np.einsum("spg,pg->sp", y, e), y.sum(axis=2)


def gathered(between: Floats, chosen: Ints, first: int = 0) -> Floats:
    """What pairs of marked groups add to e'Me whose later group is one of first ... first + L: (S, P).

    M are symmetric group sums. A group with itself counts once, two groups twice.

    Args:
        between: (S, L, W) rows of M, of those groups with groups 0 ... W, W = first + L.
        chosen: (P, k) numbers of the groups that each labelling marks, ascending.
        first: the first of the later groups.
    """
    many, width = between.shape[1:]
    quad = np.zeros((len(between), len(chosen)))
    for place in range(chosen.shape[1]):
        last = chosen[:, place]
        held = np.flatnonzero((last >= first) & (last < first + many))
        if len(held) == 0:
            continue
        # One row of M a labelling: up to the diagonal, which counts once.
        row = ((last[held] - first) * width)[:, None]
        pairs = row + chosen[held, :place]
        own = (row[:, 0] + last[held]).ravel()
        for s, sums in enumerate(between):
            flat = sums.ravel()
            quad[s, held] += flat.take(own) + 2.0 * flat.take(pairs).sum(axis=1)
    return quad


def group_sums(b: Backend, z: Any, ends: Ints, kernel: Kernel, scales: tuple[float, ...]) -> Floats:
    """Sums between runs of rows, zero diagonal, on the host: (S, G, G)."""
    with b.scope():
        made = b.kernels.pair_group_sums(z, b.asarray(ends), kernel, b.asarray(np.array(scales)))
        return np.asarray(b.to_numpy(made))


def row_sums(b: Backend, z: Any, weights: Floats, kernel: Kernel, scales: tuple[float, ...]) -> Floats:
    """K @ weights, zero diagonal, on the host: (S, N, q)."""
    with b.scope():
        made = b.kernels.pair_row_sums(z, b.asarray(weights), kernel, b.asarray(np.array(scales)))
        return np.asarray(b.to_numpy(made))
