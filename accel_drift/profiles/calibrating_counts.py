"""Thresholds from the counts of a reference, of which no rows are at hand.

Of each column batches are drawn as they would be from its rows: so many rows from each cell as chance takes without
replacement. So thresholds `alone` are those of rows. Counts do not tell how columns go together, and thresholds
`together` allow for the worst: each column gets its share of the rate (Bonferroni), within which its statistics, which
come from the same draws, are calibrated together. Where columns depend on one another these are larger than need be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

import numpy as np

from accel_drift.data.read import Progress
from accel_drift.data.schema import Kind, Schema
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError
from accel_drift.profiles.calibrating import (
    LITTLE,
    check,
    enough,
    finite,
    interval,
    larger,
    nothing_left,
    unknown_together,
)
from accel_drift.profiles.screening import screen_counts
from accel_drift.profiles.thresholds import Calibration, Floats, Threshold, Thresholds, largest_rank, limits
from accel_drift.statistics import draws
from accel_drift.statistics.drawn_counts import DrawnColumn
from accel_drift.statistics.tallied import TalliedComparison
from accel_drift.statistics.tally import Tally

_AT_ONCE = 1 << 21
"""Counts of drawn batches in memory at a time."""

_TWICE = 2
"""How many times the resamples are drawn without which a column's share of the rate would be none: what is lost by
rounding to whole resamples is then at most a third."""


def calibrate(
    tally: Tally,
    schema: Schema,
    detectors: Sequence[Detector],
    asked: Calibration,
    told: str = "",
    progress: Progress | None = None,
) -> Thresholds:
    """Draw batches and find the thresholds.

    Args:
        tally: counts of the reference.
        schema: what its columns hold.
        detectors: whose statistics get thresholds.
        asked: the options.
        told: what is known of rows that are alike, or "".
        progress: called with (done, of, what).

    Raises:
        ConfigError: an option has a value that cannot work, or does not fit the reference.
        DataError: no column is left to compare.
    """
    _fits(tally, detectors, asked)
    screened = screen_counts(tally, tally, list(tally.cells.columns), [d.name for d in detectors])
    names = screened.names
    comparison = TalliedComparison.of(tally, tally, (schema, schema), names, screened.blind)
    members = sum(d.members(comparison) for d in detectors)
    count = asked.resamples or ceil((10 + _TWICE * (len(names) + members)) / asked.rate)
    enough(count, asked.rate)
    found: dict[str, dict[str, Floats]] = {}
    for i, name in enumerate(names):
        if progress is not None:
            progress(i, len(names), "columns")
        if made := _statistics(tally, name, comparison.kind(name), detectors, asked, count, name in screened.blind):
            found[name] = made
    if not found:
        raise nothing_left(detectors)
    marked, needed = _marked(found, detectors, asked.rate)
    kept, lost = finite(marked)
    rest = tally.rows - asked.rows
    return Thresholds(
        limits=kept,
        rows=int(asked.rows),
        rate=float(asked.rate),
        resamples=count,
        asked=asked.resamples,
        interval=interval(largest_rank(count, asked.rate), count),
        block=None,
        blocks=0,
        compared_with=rest,
        seed=int(asked.seed),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        warnings=(
            *lost,
            *larger(asked.rows, rest, tally.rows, tally.rows),
            *([f"{told}; thresholds of single rows are then too small"] if told else []),
            *unknown_together(needed),
        ),
    )


def _fits(tally: Tally, detectors: Sequence[Detector], asked: Calibration) -> None:
    check(asked)
    if asked.block is not None:
        raise ConfigError(
            f"block is {asked.block!r}, and a profile of counts keeps no blocks of rows to draw; leave block= out, or "
            'calibrate a profile with content="sample"'
        )
    if joint := [d.name for d in detectors if d.joint]:
        raise ConfigError(
            f"{', '.join(joint)}: counts of columns do not tell what batches of all columns together would be; leave "
            'that out, go by the p-values of score(), or calibrate a profile with content="sample"'
        )
    if 2 * asked.rows > tally.rows:
        raise ConfigError(
            f"rows is {asked.rows:,}, and the profile counts {tally.rows:,}: a batch is drawn from them and compared "
            f"with the others, so it has {tally.rows // 2:,} at most, and up to {tally.rows // LITTLE:,} cost little; "
            "give fewer, or count more"
        )


def _statistics(
    tally: Tally, name: str, what: Kind, detectors: Sequence[Detector], asked: Calibration, count: int, blind: bool
) -> dict[str, Floats]:
    """Detector -> (R,) statistics of a column's batches."""
    stream = draws.key(asked.seed, "thresholds", "counts", name)
    step = max(1, _AT_ONCE // tally.cells.columns[name].width)
    found: dict[str, Floats] = {}
    for first in range(0, count, step):
        which = range(first, min(first + step, count))
        column = DrawnColumn.of(tally, name, what, int(asked.rows), which, stream, blind)
        for d in detectors:
            if column.of_kind(*d.kinds):
                values = d.statistics(column)
                out = found.setdefault(d.name, np.full(count, np.nan))
                out[first : which.stop] = [values.get(n, np.nan) for n in column.names]
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def _marked(
    found: dict[str, dict[str, Floats]], detectors: Sequence[Detector], rate: float
) -> tuple[list[Threshold], int]:
    """Thresholds in the detectors' and the columns' order, and how many resamples would do where these are too few."""
    two_sided = {d.name: d.two_sided for d in detectors}
    marked: list[Threshold] = []
    needed = 0
    for name, made in found.items():
        keyed, two = {(d, name): values for d, values in made.items()}, [two_sided[d] for d in made]
        alone, _ = limits(keyed, two, rate)
        shared, lacking = limits(keyed, two, rate / len(found))
        marked += [replace(a, together=s.together) for a, s in zip(alone, shared, strict=True)]
        needed = max(needed, lacking)
    order = {d.name: i for i, d in enumerate(detectors)}
    return sorted(marked, key=lambda t: order[t.detector]), needed
