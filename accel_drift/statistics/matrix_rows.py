"""Which rows take part in a joint test: a cap on their number, a part for calibration, and their groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import Table
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws
from accel_drift.statistics.comparison import Comparison

Mode = Literal["rows", "groups"]
Scale = Literal["pooled", "calibration", "reference"]
Ints = npt.NDArray[np.int64]

GROUPS_A_SIDE = 32
"""Groups of rows on the smaller side when `group_size` is left open: less than 0.01 of power is lost."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that take part.

    Attributes:
        reference: n rows of the reference.
        batch: m rows of the batch.
        groups: (n + m,) group of each pooled row, ascending, reference groups first; None where single rows are dealt.
        n_groups: groups of the reference, and groups in all.
        blocks: whether the groups are blocks of rows that vary together, and not dealt by chance.
        calibration: reference rows that decide the scale and nothing else, or None.
        note: what was left out, or "".
    """

    reference: Table
    batch: Table
    groups: Ints | None
    n_groups: tuple[int, int]
    blocks: bool
    calibration: Table | None
    note: str


def choose(
    comparison: Comparison, *, mode: Mode, group_size: int | None, scale: Scale, max_rows: int | None, seed: int
) -> Rows:
    """Draw calibration rows, cut down to `max_rows`, deal into groups; every choice by the seed.

    Raises:
        ConfigError: calibration rows are asked for where whole blocks are permuted.
    """
    own, other = (np.arange(rows, dtype=np.int64) for rows in comparison.rows)
    calibration = None
    if scale == "calibration":
        if comparison.groups is not None:
            raise ConfigError('scale="calibration" takes single rows out of blocks; use scale="pooled" with block=')
        n = len(own)
        chosen = draws.subset(draws.key(seed, "mmd", "calibration"), n, max(2, min(n // 5, 2000)))
        calibration = comparison.reference.take(chosen)
        own = np.setdiff1d(own, chosen)
    own, other, note = _cap(own, other, max_rows, comparison.groups is not None, seed)
    ids: Ints | None = None
    n_groups = (0, 0)
    if comparison.groups is not None:
        own, a, first = _by_block(own, comparison.groups.reference)
        other, b, second = _by_block(other, comparison.groups.batch)
        ids, n_groups = np.concatenate([a, b + first]), (first, first + second)
    elif mode == "groups":
        own, other, ids, n_groups, dropped = _deal(own, other, group_size, seed)
        note = "; ".join(filter(None, [note, dropped]))
    sides = comparison.reference.take(own), comparison.batch.take(other)
    return Rows(*sides, ids, n_groups, comparison.groups is not None, calibration, note)


def _cap(own: Ints, other: Ints, max_rows: int | None, blocked: bool, seed: int) -> tuple[Ints, Ints, str]:
    """At most `max_rows` a side; blocks are thinned at one rate, since they must stay exchangeable."""
    n, m = len(own), len(other)
    if max_rows is None or max(n, m) <= max_rows:
        return own, other, ""
    sizes = [min(n, max_rows), min(m, max_rows)]
    if blocked:
        rate = max_rows / max(n, m)
        sizes = [max(2, round(n * rate)), max(2, round(m * rate))]
    own, other = (
        side[draws.subset(draws.key(seed, "mmd", "rows", place), len(side), size)]
        for place, (side, size) in enumerate(zip((own, other), sizes, strict=True))
    )
    note = f"on {len(own):,} of {n:,} reference rows and {len(other):,} of {m:,} batch rows, drawn by seed {seed}"
    return own, other, note


def _by_block(rows: Ints, blocks: Ints) -> tuple[Ints, Ints, int]:
    """The rows in the order of their blocks, the block of each, without gaps, and how many blocks there are."""
    rows = rows[np.argsort(blocks[rows], kind="stable")]
    return rows, *dense(blocks[rows])


def _deal(own: Ints, other: Ints, group_size: int | None, seed: int) -> tuple[Ints, Ints, Ints, tuple[int, int], str]:
    """Groups of one size inside each side; rows left over are dropped by the seed."""
    size = group_size or max(1, min(len(own), len(other)) // GROUPS_A_SIDE)
    dealt, count = [], []
    for place, side in enumerate((own, other)):
        w = draws.words(draws.key(seed, "mmd", "groups", place), 0, 1, len(side))[0, 0]
        whole = len(side) // size
        dealt.append(side[np.argsort(w, kind="stable")[: whole * size]])
        count.append(whole)
    left = len(own) + len(other) - size * sum(count)
    ids = np.repeat(np.arange(sum(count), dtype=np.int64), size)
    note = f"{sum(count)} groups of {size} rows" + (f", {left} rows left over dropped by the seed" if left else "")
    return dealt[0], dealt[1], ids, (count[0], sum(count)), note


def dense(ids: Ints) -> tuple[Ints, int]:
    """Group numbers without gaps, from 0, and how many there are."""
    values, numbers = np.unique(ids, return_inverse=True)
    return numbers.astype(np.int64), len(values)
