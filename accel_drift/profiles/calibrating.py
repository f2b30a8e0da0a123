"""Thresholds from a reference: batches are drawn from it, and their statistics are what chance alone makes.

A threshold that is known beforehand costs a batch nothing but its statistic, and it is a number that other systems can
hold. A p-value needs none: it relabels the rows of reference and batch together, which is exact for any sizes, and
allows for what this batch's own rows say of ties and tails. So p-values decide, and thresholds stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from math import ceil, comb, inf, isfinite
from typing import Any

import numpy as np

from accel_drift.backends import Backend
from accel_drift.data.calendar import block_ids
from accel_drift.data.read import Progress
from accel_drift.data.table import Table
from accel_drift.detectors.base import Detector
from accel_drift.detectors.matrix import MatrixDetector
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least, between
from accel_drift.profiles.scoring import Options, compared
from accel_drift.profiles.thresholds import Calibration, Floats, Threshold, Thresholds, largest_rank, limits
from accel_drift.statistics import draws
from accel_drift.statistics.resampled import Ints, Resamples

MOST_ROWS = 20_000
"""Rows that batches are drawn from at most, unless batches are large: of more, the next one changes nothing."""

_TIMES = 20
"""How many times a batch's rows they are at least, where the reference has them."""

LITTLE = 5
"""How many times a batch's rows the reference must have so that thresholds are larger by little."""

_FEW_BLOCKS = 50
"""Blocks of a reference below which the spread between blocks is itself known badly, and the rate is exceeded.

KS on days with a level each, batches of four or five days: a rate of 0.01 is 0.019 with 20 days, 0.015 with 30, 0.013
with 50 and 0.009 with 100 (2,400 batches each, of 60 references).
"""

_TOLD = 0.1
"""By what part a threshold is too large before it is told."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What batches are drawn from.

    Attributes:
        pool: the rows.
        size: rows of a batch, or blocks of it.
        units: rows in all, or blocks.
        blocks: (c,) block of each row, or None.
    """

    pool: Table
    size: int
    units: int
    blocks: Ints | None


def calibrate(
    held: Table,
    of: int,
    detectors: Sequence[Detector],
    backend: Backend,
    options: Options,
    asked: Calibration,
    progress: Progress | None = None,
) -> Thresholds:
    """Draw batches and find the thresholds.

    Args:
        held: the rows of a reference that are at hand.
        of: rows of the whole reference.
        detectors: whose statistics get thresholds.
        backend: where joint statistics are made.
        options: what batches are compared with.
        asked: the options.
        progress: called with (done, of, what).

    Raises:
        ConfigError: an option has a value that cannot work, or does not fit the reference.
        DataError: no column is left to compare.
    """
    check(asked)
    block = _block(held, of, options, asked)
    source = _of_rows(held, detectors, asked) if block is None else _of_blocks(held, of, detectors, block, asked)
    made = _resamples(source, detectors, backend, options, asked)
    found = _statistics(made, detectors, progress)
    if not found:
        raise nothing_left(detectors)
    two_sided = {d.name: d.two_sided for d in detectors}
    marked, needed = limits(found, [two_sided[name] for name, _ in found], asked.rate)
    kept, lost = finite(marked)
    rest = round(source.pool.rows * (1 - source.size / source.units))
    k = largest_rank(made.count, asked.rate)
    return Thresholds(
        limits=kept,
        rows=int(asked.rows),
        rate=float(asked.rate),
        resamples=made.count,
        asked=asked.resamples,
        interval=interval(k, made.count),
        block=block,
        blocks=0 if source.blocks is None else source.size,
        compared_with=rest,
        seed=int(asked.seed),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=(*lost, *_warnings(source, rest, of, held.rows, needed)),
    )


def check(asked: Calibration) -> None:
    """Refuse options that cannot work for any reference.

    Raises:
        ConfigError: one has a value that it cannot have.
    """
    at_least(asked.rows, 1, "rows", "rows of the batches that the thresholds are for")
    between(asked.rate, 0, 1, "rate", "share of batches without drift that may be over, such as 0.01")
    if asked.resamples is not None:
        at_least(asked.resamples, 1, "resamples", "batches drawn, such as 2,000, or None for as many as it takes")


def _block(held: Table, of: int, options: Options, asked: Calibration) -> str | int | None:
    block = options.block if asked.block is None else asked.block
    if options.block is not None and block != options.block:
        raise ConfigError(
            f"block is {block!r}, and the profile permutes {options.block!r}; leave block= out, or fit with another one"
        )
    if block is not None and options.block is None and held.rows < of:
        raise ConfigError(
            f"block is {block!r}, and of {of:,} rows the profile keeps {held.rows:,}, so no block is whole; fit with "
            f"sample_rows=None, or with block={block!r}"
        )
    return block


def _of_rows(held: Table, detectors: Sequence[Detector], asked: Calibration) -> _Source:
    size = int(asked.rows)
    most = int(min(max(MOST_ROWS, _TIMES * size), size + _joint_rows(detectors)))
    pool = held
    if held.rows > most:
        pool = held.take(draws.subset(draws.key(asked.seed, "thresholds", "pool"), held.rows, most))
    if 2 * size > pool.rows:
        raise ConfigError(
            f"rows is {size:,}, and the profile holds {held.rows:,} rows: a batch is drawn from them and compared with "
            f"the others, so it has {pool.rows // 2:,} at most, and up to {pool.rows // LITTLE:,} cost little; give "
            "fewer, or fit on more"
        )
    return _Source(pool, size, pool.rows, None)


def _of_blocks(held: Table, of: int, detectors: Sequence[Detector], block: str | int, asked: Calibration) -> _Source:
    ids, _ = block_ids(held, block)
    whole = np.flatnonzero(ids >= 0)
    pool, ids = held.take(whole), ids[whole]
    units = int(ids.max(initial=-1)) + 1
    mean = pool.rows / max(units, 1)
    # A profile that keeps some of the rows of each block thins a batch likewise.
    size = max(1, round(asked.rows * held.rows / of / mean)) if units else 1
    most = inf if block == getattr(detectors[0], "block", None) else size * mean + _joint_rows(detectors)
    if pool.rows > most:
        chosen = draws.subset(draws.key(asked.seed, "thresholds", "pool"), units, max(1, int(most / mean)))
        inside = np.flatnonzero(np.isin(ids, chosen))
        pool, ids, units = pool.take(inside), np.searchsorted(chosen, ids[inside]), len(chosen)
    if 2 * size > units or comb(units, size) + 1 < 1 / asked.rate:
        raise ConfigError(
            f"the reference has {units:,} whole blocks of {block!r}, and a batch of {asked.rows:,} rows has {size:,}; "
            f"a rate of {asked.rate:g} takes {ceil(1 / asked.rate) - 1:,} different batches, of half of the blocks at "
            "most: give shorter blocks, fewer rows, a higher rate or a longer reference"
        )
    return _Source(pool, size, units, ids)


def _joint_rows(detectors: Sequence[Detector]) -> float:
    """Rows of a reference that joint statistics look at: with more of them the others would not be like those."""
    most = [d.most_rows for d in detectors if isinstance(d, MatrixDetector)]
    return min((m for m in most if m is not None), default=inf)


def _resamples(
    source: _Source, detectors: Sequence[Detector], backend: Backend, options: Options, asked: Calibration
) -> Resamples:
    """The batches, and the columns that a report of one of them would compare."""
    stream = draws.key(asked.seed, "thresholds", "batches")

    def draw(first: int, count: int) -> Ints:
        # Labelling 0 is the observed one.
        return draws.marked(stream, first + 1, count, source.units, source.size)

    pool, rule = source.pool, options.block
    one = Resamples(pool, pool.schema.names, backend, 1, source.size, draw, source.blocks, rule)
    inside = one.marks(draw(0, 1))[0]
    rest, batch = (pool.take(np.flatnonzero(side)) for side in (~inside, inside))
    screened, tests = compared(rest, batch, detectors, backend, options)
    count = asked.resamples or ceil((10 + sum(d.members(tests) for d in detectors)) / asked.rate)
    every = comb(source.units, source.size)
    count = min(count, every)
    enough(count, asked.rate)
    return replace(one, names=screened.names, count=count, draw=_each(source) if count == every else draw)


def enough(count: int, rate: float) -> None:
    """Refuse a number of resamples that no threshold comes of.

    Raises:
        ConfigError: there are too few.
    """
    if largest_rank(count, rate) < 1:
        raise ConfigError(
            f"resamples is {count:,}, and a rate of {rate:g} takes {ceil(1 / rate) - 1:,} at least; give more, or "
            "leave it out"
        )


def _each(source: _Source) -> Callable[[int, int], Ints]:
    """Every batch there is, once."""
    all_of_them = np.array(list(combinations(range(source.units), source.size)), np.int64)
    return lambda first, count: all_of_them[first : first + count]


def _statistics(
    made: Resamples, detectors: Sequence[Detector], progress: Progress | None
) -> dict[tuple[str, str], Floats]:
    """The statistics of all batches by detector and column, in the detectors' and the columns' order."""
    tell: Callable[[int, int, str], Any] = progress if progress is not None else lambda *_: None
    found: dict[tuple[str, str], Floats] = {}
    by_column = [d for d in detectors if d.of_columns]
    if by_column:
        for name, which, column in made.columns():
            tell(which.start, made.count, "columns")
            for d in by_column:
                if column.of_kind(*d.kinds):
                    values = d.statistics(column)
                    out = found.setdefault((d.name, name), np.full(made.count, np.nan))
                    out[which] = [values.get(n, np.nan) for n in column.names]
    others = [d for d in detectors if not d.of_columns]
    for i, d in enumerate(others):
        tell(i, len(others), d.name)
        found |= {(d.name, name): values for name, values in d.of_resamples(made).items()}
    order = {d.name: i for i, d in enumerate(detectors)}
    known = (key for key, values in found.items() if not np.isnan(values).all())
    return {key: found[key] for key in sorted(known, key=lambda key: order[key[0]])}


def nothing_left(detectors: Sequence[Detector]) -> DataError:
    """No column has a statistic."""
    return DataError(f"no statistic of {', '.join(d.name for d in detectors)} is left to calibrate")


def finite(marked: Sequence[Threshold]) -> tuple[tuple[Threshold, ...], list[str]]:
    """Those that are numbers, and what is said of the others."""
    kept = tuple(t for t in marked if isfinite(t.alone))
    lost = [f"{t.detector} of {t.column}" for t in marked if not isfinite(t.alone)]
    why = "infinite, or without an answer, in more batches than may be over: no threshold"
    return kept, [f"{', '.join(lost)}: {why}"] if lost else []


def interval(k: int, count: int) -> tuple[float, float]:
    """The share beyond the k-th largest of R independent draws is Beta(k, R + 1 - k)."""
    from scipy.special import betaincinv

    low, high = (float(betaincinv(k, count + 1 - k, end)) for end in (0.025, 0.975))
    return low, high


def _warnings(source: _Source, rest: int, of: int, held: int, needed: int) -> list[str]:
    said = larger(source.pool.rows - rest, rest, of if source.blocks is None else held, of)
    if source.blocks is not None and source.units < _FEW_BLOCKS:
        said.append(
            f"the reference has {source.units} blocks: from so few it is badly known how much blocks differ, and more "
            "batches than the rate are over, with 20 blocks up to twice as many; 100 keep it"
        )
    return said + unknown_together(needed)


def larger(size: int, rest: int, compared_with: int, of: int) -> list[str]:
    """What is said where batches have so many rows that few are left to compare them with.

    Args:
        size: rows of a batch.
        rest: rows that it was compared with.
        compared_with: rows that batches to come are compared with.
        of: rows of the whole reference.
    """
    # What quadratic statistics are without drift: the sum of both sides' reciprocals.
    excess = (1 / size + 1 / rest) / (1 / size + 1 / compared_with) - 1
    told = (
        f"batches were compared with {rest:,} rows, not with all {of:,}: thresholds of squared scores are about "
        f"{excess:.0%} larger than need be, and weaker for it"
    )
    return [told] if excess > _TOLD else []


def unknown_together(needed: int) -> list[str]:
    """What is said where `needed` resamples would be, and there are fewer; nothing where it is 0."""
    told = (
        "no thresholds of all statistics together: with so many of them they take more resamples, "
        f"resamples={needed} at least"
    )
    return [told] if needed else []
