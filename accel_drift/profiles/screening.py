"""Which columns enter a comparison, and what must be said of those that do not.

A column that tells when a row was made, or which thing it is about, drifts by nature: nothing is learned from testing
it. The rules are few and each is printed with the columns that it left out. A column that the caller names is never
left out, unless it is a time: `kinds` says what of it to compare. A column that separates the two sides perfectly is
warned of in any case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.calendar import UNITS, block_ids
from accel_drift.data.numbers import counted_in, finest
from accel_drift.data.schema import NULL_TYPE, Kind, SchemaDiff, common, diff
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn
from accel_drift.errors import ConfigError
from accel_drift.statistics.fixed_cells import NumberCells, TextCells
from accel_drift.statistics.intraclass import DESIGN_EFFECT, Alike, alike, mid_ranks
from accel_drift.statistics.tally import Tally

ENOUGH_ROWS = 20
"""Rows a side from which order and separation mean anything."""

ENOUGH_BLOCKS = 10
"""Blocks a side from which permuting them can give a small p-value; longer blocks are named after shorter ones."""

_MOST_IN_A_CELL = 0.2
"""Share of a column's values in a cell of several."""

_FEW_OUTSIDE, _MANY_OUTSIDE = 0.002, 0.05
"""Shares of a column's values beyond all cells' ends that are worth a word: where distances are asked for, and else."""

_MOST_TAKEN = 0.5
"""Share of the buckets of categories that the reference fills."""

_CORRELATED, _SURE = 0.1, 3.72
"""Rank correlation of a row with the one before from which it is worth a word, and its standard errors: p = 1e-4."""

_NEIGHBOURS = 20_000
"""Rows that are compared with the one before: enough for a standard error of 0.007."""

_MEASURED_ROWS = 200_000
_MEASURED_COLUMNS = 50


@dataclass
class Screened:
    """The columns compared, those left out with the reason, warnings, and columns whose values are left out."""

    names: tuple[str, ...] = ()
    excluded: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    blind: frozenset[str] = frozenset()


def screen(reference: Table, batch: Table, named: Collection[str], block: str | int | None) -> Screened:
    """Decide which of the common columns are compared.

    Args:
        reference: the reference's rows.
        batch: the batch's rows.
        named: columns that the caller asked for by name.
        block: the block rule; its column is permuted by, not compared.

    Raises:
        SchemaError: the two have no column in common.
    """
    # What the caller dropped from the reference is dropped from the batch, too: the first reason is the one to give.
    out = Screened(excluded={**batch.excluded, **reference.excluded})
    if not reference.columns:
        return out
    out.warnings += changed(diff(reference.schema, batch.schema))
    names = []
    for name in common(reference.schema, batch.schema):
        a, b = reference.columns[name], batch.columns[name]
        apart = separates(a, b)
        reason = _left_out(name, a, b, reference, block, apart, name in named)
        if apart and not reason.startswith("block:"):
            out.warnings.append(
                f"{name} separates the two sides perfectly: no value occurs on both"
                + ("; it is left out" if reason else "; if it is a clock or a key, drop it")
            )
        if reason:
            out.excluded[name] = reason
        else:
            names.append(name)
            if (value := _only_value(a, b)) is not None:
                out.excluded[name] = f"constant: every row holds {value}"
    out.names = tuple(names)
    return out


def screen_counts(reference: Tally, batch: Tally, names: Sequence[str], detectors: Collection[str]) -> Screened:
    """Decide the same where only counts in fixed cells are at hand.

    Args:
        reference: counts of the reference.
        batch: counts of the batch.
        names: columns that were counted on both sides.
        detectors: names of those that will look at them.
    """
    out = Screened(names=tuple(names))
    for name in names:
        cells = reference.cells.columns[name]
        values = cells.width - (2 if isinstance(cells, NumberCells) else 1)
        a, b = (tally.of(name)[:values] > 0 for tally in (reference, batch))
        present = [tally.rows - tally.missing(name) for tally in (reference, batch)]
        if min(present) >= ENOUGH_ROWS and values > 2 and not (a & b).any():
            out.warnings.append(
                f"{name} separates the two sides perfectly: no cell has rows of both; drop it if it is a clock or a key"
            )
        if isinstance(cells, NumberCells) and (said := _blind(name, cells, reference, batch, detectors)):
            out.warnings.append(said)
        if isinstance(cells, NumberCells) and not _told_apart(cells, reference.of(name)):
            out.excluded[name] = "values: the plan's cells do not tell those of the reference apart"
            out.blind |= {name}
        if isinstance(cells, TextCells) and (share := cells.taken(reference.of(name))) > _MOST_TAKEN:
            out.warnings.append(
                f"{name}: rare categories share {cells.buckets:,} buckets, {share:.0%} of which the reference fills; "
                "new categories and drift among rare ones are hard to see, or not at all"
            )
        filled = np.flatnonzero(a | b)
        if len(filled) == 1 and present == [reference.rows, batch.rows] and (value := cells.only(int(filled[0]))):
            out.excluded[name] = f"constant: every row holds {value}"
    return out


def _told_apart(cells: NumberCells, counts: npt.NDArray[np.int64]) -> bool:
    """Whether no cell of several values holds most of a reference's."""
    return int(counts[:-2].sum()) < ENOUGH_ROWS or cells.fullest(counts) <= _MOST_IN_A_CELL


def _blind(name: str, cells: NumberCells, reference: Tally, batch: Tally, detectors: Collection[str]) -> str:
    """What counts cannot say of a column, or ""."""
    a, b = reference.of(name), batch.of(name)
    if not _told_apart(cells, a):
        return (
            f"{name}: its values are not compared, {cells.fullest(a):.0%} of the reference's values lie in one cell of "
            "the plan, whose rows had nothing like them; plan again on rows like those of the reference"
        )
    shares = [cells.outside(side) / max(int(side[:-2].sum()), 1) for side in (a, b)]
    far = "wasserstein" in detectors
    if max(shares) < (_FEW_OUTSIDE if far else _MANY_OUTSIDE):
        return ""
    return (
        f"{name}: {shares[1]:.1%} of the batch's values and {shares[0]:.1%} of the reference's lie beyond all cells of "
        "the plan, far from what its rows had; how far was not counted"
        + (", so a wasserstein distance may be far off" if far else ", nor what drifts among them")
    )


def without_embeddings(screened: Screened, *sides: Table) -> Screened:
    """The same without embedding columns, for detectors that each look at one value a row."""
    out = [n for n in screened.names if any(isinstance(side.columns[n], EmbeddingColumn) for side in sides)]
    why = "embedding: no chosen detector compares embeddings; mmd does"
    names = tuple(n for n in screened.names if n not in out)
    return Screened(names, {**screened.excluded, **dict.fromkeys(out, why)}, screened.warnings)


def changed(changes: SchemaDiff) -> list[str]:
    """Warnings of columns that cannot be compared any more: a verdict without them is not the verdict asked for."""
    gone = [f"{', '.join(changes.removed)}: in the reference and not in the batch"] if changes.removed else []
    other = [f"{name}: {was} in the reference, {now} in the batch; not compared" for name, was, now in changes.retyped]
    return gone + other


def separates(a: TableColumn, b: TableColumn) -> bool:
    """Whether the values of the two sides do not overlap: disjoint ranges, or no category in common."""
    if min(a.rows, b.rows) < ENOUGH_ROWS or a.missing == a.rows or b.missing == b.rows:
        return False
    if isinstance(a, NumericColumn) and isinstance(b, NumericColumn):
        if a.kind is b.kind is Kind.TIMESTAMP and a.unit != b.unit:
            unit = finest((a.unit, b.unit))
            a, b = (replace(column, values=counted_in(unit, column), unit=unit) for column in (a, b))
        (low, high), (least, most) = a.bounds(), b.bounds()
        if high < least or most < low:
            return True
        fractions = "f" in (a.dtype.kind, b.dtype.kind)
        return not fractions and not _overlap(a.present_values(), b.present_values())
    if isinstance(a, CategoricalColumn) and isinstance(b, CategoricalColumn):
        return set(a.used()).isdisjoint(b.used())
    return False


def alike_rows(
    sides: Sequence[Table],
    names: tuple[str, ...],
    excluded: Collection[str],
    cuts: Mapping[str, npt.NDArray[Any]] | None = None,
    *,
    trusted: str = "row permutation",
    so: str = "p-values are too small",
) -> tuple[str, str]:
    """Whether rows are more alike within blocks than chance makes them: what is said of it, and the block; else "".

    The worst comes first, but those that are too few to permute come last: five whole weeks a side make no test.
    Candidates are the calendar units of every timestamp, the clock-like columns that were left out, and runs of
    consecutive rows. Of each candidate the column that suffers most is given.

    Args:
        sides: the rows of each side.
        names: columns that are compared.
        excluded: columns that were left out.
        cuts: numeric column -> where its pooled rows are cut into many cells, where that is known.
        trusted: what is said to hold where rows are hardly alike.
        so: what is said to follow where they are.
    """
    found: list[tuple[str | int, str, Alike]] = []
    few: set[str | int] = set()
    for side in sides:
        rows, measured = _measured(side, names, _MEASURED_ROWS)
        ranks = {n: _ranks(rows.columns[n], (cuts or {}).get(n)) for n in measured}
        for block, ids in _candidates(rows, excluded):
            if ids.max() + 1 < ENOUGH_BLOCKS:
                few.add(block)
            for name in measured:
                there = rows.columns[name].mask()
                known = alike(ranks[name][ids[there] >= 0], ids[there & (ids >= 0)])
                if known is not None and known.worth_a_warning:
                    found.append((block, name, known))
    worst: dict[str | int, tuple[str, Alike]] = {}
    for block, name, known in found:
        if block not in worst or known.design_effect > worst[block][1].design_effect:
            worst[block] = (name, known)
    order = sorted(worst, key=lambda b: (b in few, -worst[b][1].design_effect))
    if not order:
        return "", ""
    (name, known), others = worst[order[0]], ", ".join(map(repr, order[1:4]))
    within = f"runs of {order[0]} rows" if isinstance(order[0], int) else order[0]
    said = (
        f"rows are alike within {within}{f' (also {others})' if others else ''}: for {name} the design effect is "
        f"{known.design_effect:.1f} (intraclass correlation {known.correlation:.2f}; {trusted} is trusted below "
        f"{DESIGN_EFFECT}), so {so}"
    )
    return said, repr(order[0])


def correlated_rows(side: Table, names: tuple[str, ...]) -> tuple[str, float]:
    """The column in which a row is most like the one before, and their rank correlation; "" where chance may make it.

    Args:
        side: the rows, in the order in which they came.
        names: columns that are compared.
    """
    worst, most = "", 0.0
    rows, measured = _measured(side, names, _NEIGHBOURS)
    for name in measured:
        ranks = _ranks(rows.columns[name], None)
        away = ranks - ranks.mean() if len(ranks) else ranks
        square = float((away * away).sum())
        found = float((away[1:] * away[:-1]).sum()) / square if square else 0.0
        if found > max(most, _CORRELATED, _SURE / max(len(ranks), 1) ** 0.5):
            worst, most = name, found
    return worst, most


def _measured(side: Table, names: tuple[str, ...], most: int) -> tuple[Table, list[str]]:
    """The first rows, and the columns that are looked at."""
    rows = side.take(np.arange(min(side.rows, most)))
    return rows, [n for n in names if not isinstance(rows.columns[n], EmbeddingColumn)][:_MEASURED_COLUMNS]


def _ranks(column: TableColumn, cuts: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
    """Ranks of the values that are there; of categories, whether it is the most frequent one."""
    if isinstance(column, NumericColumn):
        return mid_ranks(column.on_host().present_values(), cuts)
    assert isinstance(column, CategoricalColumn)  # noqa: S101
    codes = column.codes[column.codes >= 0]
    return mid_ranks(codes == (np.bincount(codes).argmax() if len(codes) else 0))


def _left_out(
    name: str, a: TableColumn, b: TableColumn, reference: Table, block: str | int | None, apart: bool, named: bool
) -> str:
    column = reference.schema.get(name)
    if isinstance(block, str) and name in (block, block.rpartition(":")[0]):
        return f"block: rows are permuted by {block}"
    kinds = {side.kind for side in (a, b)}
    if Kind.TIMESTAMP in kinds:
        as_number = f"kinds={{{name!r}: 'gaps'}} compares the seconds between rows, 'numeric' the time as a number"
        return f"timestamp: it says when a row was made, not what it looks like; {as_number}"
    if named or (column is not None and column.type == NULL_TYPE):
        return ""
    if Kind.IDENTIFIER in kinds:
        return f"identifier-like: {column.reason if column and column.reason else 'it names things'}"
    if not _whole(a) or not _whole(b) or min(a.rows, b.rows) < ENOUGH_ROWS:
        return ""
    if apart and _constant(a) and _constant(b):
        return "separates the two sides perfectly: one value on each, like a stamp"
    if counts_up(a) and counts_up(b):
        return "identifier-like: whole numbers that never fall down the rows of either side, a counter or a clock"
    return ""


def _candidates(rows: Table, excluded: Collection[str]) -> Iterator[tuple[str | int, npt.NDArray[np.int64]]]:
    for name in rows.schema.of(Kind.TIMESTAMP):
        yield from _units(rows, name)
    for name in excluded:
        column = rows.columns.get(name)
        if isinstance(column, NumericColumn) and column.kind is Kind.NUMERIC and _ordered(column):
            yield name, block_ids(rows, name)[0]
    if rows.rows >= 4 * ENOUGH_ROWS:
        run = max(ENOUGH_ROWS, round(rows.rows**0.5))
        yield run, block_ids(rows, run)[0]


def _units(rows: Table, name: str) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    for unit in UNITS:
        try:
            ids, _ = block_ids(rows, f"{name}:{unit}")
        except ConfigError:  # times of day have no calendar
            return
        if 3 <= ids.max() + 1 <= rows.rows // 2:
            yield f"{name}:{unit}", ids


def _overlap(x: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> bool:
    """Whether whole numbers share a value. Numbers that hardly repeat overlap when they interleave."""
    a, b = np.unique(x), np.unique(y)
    return 2 * len(a) > len(x) or 2 * len(b) > len(y) or len(np.intersect1d(a, b, assume_unique=True)) > 0


def _whole(column: TableColumn) -> bool:
    return isinstance(column, NumericColumn) and column.dtype.kind in "iu" and column.missing < column.rows


def counts_up(column: TableColumn) -> bool:
    """Whether a column holds whole numbers that never fall down the rows."""
    return _whole(column) and _ordered(column)


def _ordered(column: TableColumn) -> bool:
    if not isinstance(column, NumericColumn):
        return False
    if column.rows - column.missing < ENOUGH_ROWS:
        return False
    low, high = column.bounds()
    return bool(low != high) and column.ascends()


def _constant(column: TableColumn) -> bool:
    return isinstance(column, NumericColumn) and len(set(column.bounds())) == 1


def _only_value(a: TableColumn, b: TableColumn) -> str | None:
    """The value that every present row of both sides holds, or None."""
    seen: set[object] = set()
    if a.missing or b.missing:  # a value that comes or goes is news
        return None
    for column in (a, b):
        if isinstance(column, EmbeddingColumn):
            return None
        if isinstance(column, CategoricalColumn):
            if np.count_nonzero(column.counts()) > 1:
                return None
            seen |= set(column.used())
        else:
            seen |= set(column.bounds() if column.rows else ())
    return str(seen.pop()) if len(seen) == 1 else None
