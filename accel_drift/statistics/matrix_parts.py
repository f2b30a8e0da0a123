"""What a joint test's statistic is made of: the rows least like the other side, and what each column adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import draws
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
        owner: for each matrix column the place of its column in `names`; a category or an embedding has several.
        seed: decides the rows.
    """
    few, held = _fewer(kernel, len(names), seed)
    whole = few.unbiased
    made = [(name, whole - _without(few, owner != j)) for j, name in enumerate(names)]
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
