"""Which rows take part in a joint test: a cap on their number, a part for calibration, and their groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import Table
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.matrix_options import Options

Ints = npt.NDArray[np.int64]

GROUPS_A_SIDE = 32
"""Groups of rows on the smaller side when `group_size` is left open: less than 0.01 of power is lost."""

GROUPS_A_TILE = 16
"""Groups of the smaller side that every tile of the incomplete form is to have."""

_CALIBRATING = 2000
"""Rows at most that decide the scale and nothing else."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that take part.

    Attributes:
        reference: n rows of the reference.
        batch: m rows of the batch.
        groups: (n + m,) group of each pooled row, ascending, reference groups first; None where single rows are dealt.
        n_groups: groups of the reference, and groups in all.
        size: rows of each group where groups are dealt, else 0.
        blocks: whether the groups are blocks of rows that vary together, and not dealt by chance.
        calibration: reference rows that decide the scale and nothing else, or None.
        note: what was left out, or "".
    """

    reference: Table
    batch: Table
    groups: Ints | None
    n_groups: tuple[int, int]
    size: int
    blocks: bool
    calibration: Table | None
    note: str


class _Side(NamedTuple):
    """Rows of one side: their table, how many there were before the cap and before whole groups, and how many groups.

    Of the reference also its calibration rows.
    """

    rows: Table
    before: int
    capped: int
    groups: int
    calibration: Table | None


def choose(comparison: Comparison, options: Options, mode: str, seed: int) -> Rows:
    """Draw calibration rows, cut down to `most_rows`, deal into groups where `mode` is "groups"; all by the seed.

    Raises:
        ConfigError: calibration rows are asked for where whole blocks are permuted.
    """
    if comparison.groups is not None:
        return _blocks(comparison, options, seed)
    size = _group_size(comparison.rows, options) if mode == "groups" else 0
    if options.scale == "calibration":
        name = ("rows", comparison.names, size, options.most_rows, seed)
        mine = comparison.kept.get(name, lambda: _side(comparison.reference, 0, size, options, seed))
    else:
        mine = _side(comparison.reference, 0, size, options, seed)
    theirs = _side(comparison.batch, 1, size, options, seed)
    total = mine.groups + theirs.groups
    ids = np.repeat(np.arange(total, dtype=np.int64), size) if size else None
    note = _capped(mine, theirs, seed)
    if size:
        left = mine.capped + theirs.capped - size * total
        dealt = f"{total} groups of {size} rows" + (f", {left} rows left over dropped by the seed" if left else "")
        note = "; ".join(filter(None, [note, dealt]))
    return Rows(mine.rows, theirs.rows, ids, (mine.groups, total), size, False, mine.calibration, note)


def _group_size(rows: tuple[int, int], options: Options) -> int:
    if options.group_size is not None:
        return options.group_size
    n, m = sizes(rows, options)
    groups = GROUPS_A_SIDE
    if options.shape.form == "incomplete":
        groups = max(groups, GROUPS_A_TILE * ((n + m) // options.shape.size))
    size = max(1, min(n, m) // groups)
    # Batches of many sizes are to share the sums of the reference's groups, so few group sizes are used.
    return 1 << (size.bit_length() - 1) if options.scale == "calibration" else size


def sizes(rows: tuple[int, int], options: Options) -> tuple[int, int]:
    """Rows of either side that take part where no blocks are permuted, before whole groups are made of them."""
    n, m = rows
    if options.scale == "calibration":
        n -= _calibrating(n)
    most = options.most_rows or max(n, m)
    return min(n, most), min(m, most)


def _calibrating(n: int) -> int:
    # Of two rows one is left, so that there is a side that has too few.
    return max(1, min(n - 1, max(2, min(n // 5, _CALIBRATING))))


def _side(table: Table, place: int, size: int, options: Options, seed: int) -> _Side:
    """Rows of the reference (place 0) or the batch (place 1). What is chosen depends on that side alone."""
    own, calibration = np.arange(table.rows, dtype=np.int64), None
    if place == 0 and options.scale == "calibration":
        chosen = draws.subset(draws.key(seed, "mmd", "calibration"), len(own), _calibrating(len(own)))
        calibration, own = table.take(chosen), np.setdiff1d(own, chosen)
    before = len(own)
    if options.most_rows is not None and before > options.most_rows:
        own = own[draws.subset(draws.key(seed, "mmd", "rows", place), before, options.most_rows)]
    capped, groups = len(own), 0
    if size:
        w = draws.words(draws.key(seed, "mmd", "groups", place), 0, 1, capped)[0, 0]
        groups = capped // size
        own = own[np.argsort(w, kind="stable")[: groups * size]]
    return _Side(table.take(own), before, capped, groups, calibration)


def _capped(mine: _Side, theirs: _Side, seed: int) -> str:
    if (mine.capped, theirs.capped) == (mine.before, theirs.before):
        return ""
    return _said((mine.capped, mine.before), (theirs.capped, theirs.before), seed)


def _said(mine: tuple[int, int], theirs: tuple[int, int], seed: int) -> str:
    (a, n), (b, m) = mine, theirs
    return f"on {a:,} of {n:,} reference rows and {b:,} of {m:,} batch rows, drawn by seed {seed}"


def _blocks(comparison: Comparison, options: Options, seed: int) -> Rows:
    """Whole blocks as groups; above the cap both sides are thinned at one rate, for blocks must stay exchangeable."""
    assert comparison.groups is not None  # noqa: S101
    if options.scale == "calibration":
        raise ConfigError('scale="calibration" takes single rows out of blocks; use scale="pooled" with block=')
    own, other = (np.arange(rows, dtype=np.int64) for rows in comparison.rows)
    (n, m), note = comparison.rows, ""
    if options.most_rows is not None and max(n, m) > options.most_rows:
        rate = options.most_rows / max(n, m)
        own, other = (
            side[draws.subset(draws.key(seed, "mmd", "rows", place), len(side), max(2, round(len(side) * rate)))]
            for place, side in enumerate((own, other))
        )
        note = _said((len(own), n), (len(other), m), seed)
    own, a, first = _by_block(own, comparison.groups.reference)
    other, b, second = _by_block(other, comparison.groups.batch)
    ids, n_groups = np.concatenate([a, b + first]), (first, first + second)
    return Rows(comparison.reference.take(own), comparison.batch.take(other), ids, n_groups, 0, True, None, note)


def _by_block(rows: Ints, blocks: Ints) -> tuple[Ints, Ints, int]:
    """The rows in the order of their blocks, the block of each, without gaps, and how many blocks there are."""
    rows = rows[np.argsort(blocks[rows], kind="stable")]
    return rows, *dense(blocks[rows])


def dense(ids: Ints) -> tuple[Ints, int]:
    """Group numbers without gaps, from 0, and how many there are."""
    values, numbers = np.unique(ids, return_inverse=True)
    return numbers.astype(np.int64), len(values)
