"""What a joint test's statistic is made of: the rows least like the other side, and what each column adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import draws
from accel_drift.statistics.kernel_sums import Floats, Ints, Kernel
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.linear_forms import Statistic
from accel_drift.statistics.matrix_rows import Rows, dense

WITNESSES = 10
"""Rows named a side."""

_BUDGET = 1.2e8
"""Pairs of rows, both ways, times columns that are looked at at most to say what each column adds."""

_ENOUGH = 3.2e7
"""The same where the test itself looked at fewer pairs: 500 rows a side of 32 columns.

So many name the column of a shift in one column that a test against a large reference does not miss.
"""

_WIDE = 200
"""Columns from which on the kernel without each is made from what every column adds to the pairs' distances.

That grows with the columns. The kernel of the rows without each column grows with their square, but costs little at a
time: there are long products in it.
"""

_AT_ONCE = 1 << 16
"""Squared differences, of pairs of rows along columns, made at a time: temporaries of that size stay in a CPU's cache.
"""


def rows(form: Statistic, held: Rows) -> tuple[Part, ...]:
    """The rows of each side that are least like the other, the largest witness value first, batch rows before.

    A row's number is its place in the data as the caller gave it.
    """
    values = form.witness
    found = []
    for side, table, first in (("batch", held.batch, form.n), ("reference", held.reference, 0)):
        mine = values[first : first + table.rows]
        place = np.arange(table.rows) if table.origin is None else table.origin
        # Ties by the row's number, so that the order of the rows held does not matter.
        most = min(WITNESSES, len(mine))
        top = np.flatnonzero(mine >= np.partition(mine, len(mine) - most)[len(mine) - most])
        order = top[np.lexsort((place[top], -mine[top]))[:most]]
        found += [_row(side, int(place[i]), float(mine[i])) for i in order]
    return tuple(found)


def _row(side: str, row: int, value: float) -> Part:
    return Part(label=f"row {row}", kind="row", contribution=value, row=row, side=side)


def columns(
    kernel: KernelSums, names: Sequence[str], owner: npt.NDArray[np.int64], seed: int
) -> tuple[tuple[Part, ...], tuple[int, int]]:
    """How much smaller the unbiased statistic is without each column, the largest part first; and the rows looked at.

    Same rows, same bandwidth, the column's differences left out. Parts need not add up to the statistic, and of two
    columns that say the same each adds little. It is done on a seeded part of the rows, the same number a side where
    there are so many, which costs about as many pairs as the test itself did.

    Args:
        kernel: the test's kernel.
        names: the columns.
        owner: for each matrix column the place of its column in `names`, ascending; a category or an embedding has
            several.
        seed: decides the rows.
    """
    few, held = _fewer(kernel, len(names), seed)
    if len(names) >= _WIDE:
        whole, without = _by_differences(few, owner)
    else:
        whole, without = few.unbiased, [_without(few, owner != j) for j in range(len(names))]
    made = [(name, whole - rest) for name, rest in zip(names, without, strict=True)]
    made.sort(key=lambda pair: -pair[1])
    parts = tuple(
        Part(label=name, kind="column", contribution=part, share=part / whole if whole > 0 else None)
        for name, part in made
    )
    return parts, held


def _without(kernel: KernelSums, rest: npt.NDArray[np.bool_]) -> float:
    """The statistic of some of the matrix columns; the others become 0, so that shapes stay what they are."""
    b = kernel.backend
    with b.scope():
        kept = kernel.z * b.xp.astype(b.asarray(rest), kernel.z.dtype)
    return replace(kernel, z=kept, reference=None).unbiased


def _by_differences(kernel: KernelSums, owner: npt.NDArray[np.int64]) -> tuple[float, list[float]]:
    """The statistic, and that without each column, on the host from each pair of rows along each column.

    The distance without a column is added up from the other columns. Taken off the whole it would be lost where rows
    are far apart along that column alone.
    """
    z = kernel.backend.to_numpy(kernel.z).astype(np.float64)
    one, other = np.triu_indices(len(z), 1)
    weights = _weights(kernel, one, other)
    starts, (factor,) = np.flatnonzero(np.diff(owner, prepend=-1)), kernel.factors[:1]
    whole, without, step = 0.0, np.zeros(len(starts)), max(1, _AT_ONCE // len(owner))
    for lo in range(0, len(one), step):
        part = slice(lo, lo + step)
        along = factor * (z[one[part]] - z[other[part]]) ** 2
        if len(starts) < len(owner):
            along = np.add.reduceat(along, starts, axis=1)
        rest = np.zeros_like(along)
        np.cumsum(along[:, :-1], axis=1, out=rest[:, 1:])
        every = rest[:, -1] + along[:, -1]
        rest[:, :-1] += np.cumsum(along[:, :0:-1], axis=1)[:, ::-1]
        whole += float(weights[part] @ _kernel_of(every, kernel.kernel))
        without += weights[part] @ _kernel_of(rest, kernel.kernel)
    return whole, without.tolist()


def _weights(kernel: KernelSums, one: Ints, other: Ints) -> Floats:
    """What the kernel of each pair of different rows counts for in the unbiased statistic."""
    side = (np.arange(kernel.rows) >= kernel.n).astype(np.int64)
    unit = kernel.groups if kernel.apart and kernel.groups is not None else np.arange(kernel.rows)
    within, apart = side[one] == side[other], unit[one] != unit[other]
    pairs = np.bincount(side[one[within & apart]], minlength=2)
    across = -2.0 / (kernel.n * (kernel.rows - kernel.n))
    return np.where(within, apart / np.maximum(pairs, 1)[side[one]], across)


def _kernel_of(h: Floats, kernel: Kernel) -> Floats:
    """The kernel of squared distances in bandwidths."""
    if kernel == "gaussian":
        return np.exp(-0.5 * h)
    return np.exp(-np.sqrt(h)) if kernel == "laplace" else -np.sqrt(h)


def _fewer(kernel: KernelSums, count: int, seed: int) -> tuple[KernelSums, tuple[int, int]]:
    """The kernel on as many rows as the work allows, at least two a side, and how many of each side those are."""
    n, m = kernel.n, kernel.rows - kernel.n
    allowed = round(sqrt(min(_BUDGET, max(_ENOUGH, kernel.pairs)) / max(count, 1)))
    # The error of a mean over pairs is that of its smaller side: sides of one size are the most accurate.
    one = max(2, min(n, m, allowed // 2))
    other = max(2, min(max(n, m), allowed - one))
    sizes = [one, other] if n <= m else [other, one]
    if sum(sizes) == kernel.rows and (kernel.groups is None or kernel.blocks):
        return kernel, (n, m)
    mine, theirs = (
        draws.subset(draws.key(seed, "mmd", "parts", place), side, size)
        for place, (side, size) in enumerate(zip((n, m), sizes, strict=True))
    )
    chosen = np.concatenate([mine, theirs + n])
    groups, n_groups = None, (0, 0)
    if kernel.blocks and kernel.groups is not None:
        (a, first), (b, second) = dense(kernel.groups[mine]), dense(kernel.groups[theirs + n])
        groups, n_groups = np.concatenate([a, b + first]), (first, first + second)
    with kernel.backend.scope():
        z = kernel.backend.xp.take(kernel.z, kernel.backend.asarray(chosen), axis=0)
    few = replace(kernel, z=z, n=len(mine), groups=groups, n_groups=n_groups, reference=None)
    return few, (len(mine), len(theirs))
