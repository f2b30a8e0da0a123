"""What watches say of real streams: false alarms where nothing changed, alarms and delays where something did."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.stats import binom

from accel_drift import KS, MMD, KernelCUSUM, OnlineMMD, Sequential, SequentialTwoSample
from accel_drift.sequential.base import SequentialTest
from accel_drift.sequential.online import OnlineDetector
from bench import online_peer
from bench.real_watched import Stream, Watched, watched

ALPHA = 0.01
"""How often a watch under "ever" may raise a false alarm, at however many looks."""

ARL = 2_000
"""Rows to a false alarm on average that are asked for."""

DEALS, OF_ROWS, OF_ALIBI = 40, 20, 2
"""Deals of a stream; fewer for what looks at every row, whose thresholds take a second, or tens of seconds."""

MOVED = 5
"""Deals at most whose changed batches are watched."""

BOOTSTRAPS = 5 * ARL
UNLIKELY = 1e-4
"""How seldom what is promised brings more alarms than the bound."""

TWO_SAMPLE, PER_BATCH, ONLINE, CUSUM = "SequentialTwoSample", "Sequential", "OnlineMMD", "KernelCUSUM"
ALIBI, RIVER = "alibi-detect MMDDriftOnline", "river ADWIN"
BY_LOOKS, BY_ROWS, PEERS = (TWO_SAMPLE, PER_BATCH), (ONLINE, CUSUM), (ALIBI, RIVER)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alarmed:
    """When one stream raised its first alarm.

    Attributes:
        looks: and rows: how many were seen up to it, or in all where there was none.
        alarm: whether there was one.
        warned: whether the reference was warned of when the watch was opened.
    """

    looks: int
    rows: int
    alarm: bool
    warned: bool = False


def wanted(group: str) -> tuple[str, ...]:
    """The detectors that a stream is for: other libraries where they are there."""
    made = [*BY_LOOKS]
    if watched()[group].window:
        made += BY_ROWS
    if watched()[group].small and os.environ.get(online_peer.PYTHON):
        made.append(ALIBI)
    return (*made, *([RIVER] if find_spec("river") else []))


def answer(name: str, group: str, deals: int) -> dict[str, Any]:
    """What a detector says of so many deals of a stream; what is slow of fewer."""
    one = watched()[group]
    count = min(deals, DEALS if name in BY_LOOKS else OF_ALIBI if name == ALIBI else OF_ROWS)
    streams = [one.stream(i) for i in range(count)]
    moved = streams[:MOVED]
    if name == ALIBI:
        calm_runs, moved_runs, about = _alibi(streams, one.window)
    else:
        run, about = _runner(name, one)
        calm_runs = [run(s.reference, s.calm, i) for i, s in enumerate(streams)]
        moved_runs = [run(s.reference, s.moved, i) for i, s in enumerate(moved)]
    return {
        "streams": count,
        "looks": len(streams[0].calm),
        "rows": sum(batch.num_rows for batch in streams[0].calm),
        "alarmed": sum(r.alarm for r in calm_runs),
        "warned": sum(r.warned for r in calm_runs),
        "moved_streams": len(moved_runs),
        "moved_looks": len(streams[0].moved),
        "moved_rows": sum(batch.num_rows for batch in streams[0].moved),
        "moved_alarmed": sum(r.alarm for r in moved_runs),
        "delay_looks": _median([r.looks if r.alarm else None for r in moved_runs]),
        "delay_rows": _median([r.rows if r.alarm else None for r in moved_runs]),
        **about,
    }


def bound(name: str, told: Mapping[str, Any]) -> int:
    """The most streams among those without a change in which a promise that is kept may bring an alarm.

    Runs to an alarm of a row detector are taken to be exponential.
    """
    rate = ALPHA if name in BY_LOOKS else 1.0 - exp(-told["rows"] / ARL)
    return int(binom.ppf(1 - UNLIKELY, told["streams"], rate))


def row(group: str, name: str, told: Mapping[str, Any], commit: str) -> dict[str, Any]:
    """One row of the result; ours are held to what they promise, where rows are dealt one by one."""
    one = watched()[group]
    most = bound(name, told) if one.fair and name != RIVER else None
    return {
        "group": group,
        "about": "watched",
        "detector": name,
        "why": one.why,
        "moved": one.moved,
        "fair": one.fair,
        "window": one.window,
        **told,
        "bound": most,
        "holds": told["alarmed"] <= most if most is not None and name not in PEERS else None,
        "commits": [commit],
    }


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"alpha": ALPHA, "arl": ARL, "unlikely": UNLIKELY, "bootstraps": BOOTSTRAPS}


def told(found: Mapping[str, Any]) -> str:
    """A word for the log."""
    return (
        f"{found['alarmed']} of {found['streams']}, changed {found['moved_alarmed']} of {found['moved_streams']} "
        f"after {found['delay_looks']} looks, {found['delay_rows']} rows"
    )


Run = Callable[[pa.Table, Sequence[pa.Table], int], Alarmed]


def _runner(name: str, one: Watched) -> tuple[Run, dict[str, Any]]:
    """What runs one stream, and what is known of it."""
    if name == RIVER:
        return _river, {"version": version("river")}
    return (_looked if name in BY_LOOKS else _rowed)(name, one), {}


def _looked(name: str, one: Watched) -> Run:
    """A watch that sees batch after batch, until it alarms or its reference is used up."""

    def run(reference: pa.Table, batches: Sequence[pa.Table], seed: int) -> Alarmed:
        test: SequentialTest = SequentialTwoSample(alpha=ALPHA, seed=seed)
        if name == PER_BATCH:
            test = Sequential(MMD() if one.joint else KS(), alpha=ALPHA, seed=seed)
        watch, warned = _opened(test, reference)
        seen = 0
        for number, batch in enumerate(batches, 1):
            if watch.left == 0:
                return Alarmed(number - 1, seen, False, warned)
            seen += batch.num_rows
            if watch.update(batch).alarm:
                return Alarmed(number, seen, True, warned)
        return Alarmed(len(batches), seen, False, warned)

    return run


def _rowed(name: str, one: Watched) -> Run:
    """A watch that looks at every row."""
    kind = {ONLINE: OnlineMMD, CUSUM: KernelCUSUM}[name]

    def run(reference: pa.Table, batches: Sequence[pa.Table], seed: int) -> Alarmed:
        detector: OnlineDetector = kind(arl=ARL, window=one.window, seed=seed)
        watch, warned = _opened(detector, reference)
        found = watch.update(pa.concat_tables(batches)).row
        return _first(int(found[0]) + 1 if len(found) else 0, batches, warned)

    return run


def _opened(detector: Any, reference: pa.Table) -> tuple[Any, bool]:
    """A watch, and whether the reference was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        watch = detector.open(reference, backend="numpy")
    return watch, any("more false alarms than promised" in str(w.message) for w in said)


def _first(row: int, batches: Sequence[pa.Table], warned: bool = False) -> Alarmed:
    """Of the number of rows up to the first alarm, 0 without one."""
    ends = np.cumsum([batch.num_rows for batch in batches])
    seen = row or int(ends[-1])
    return Alarmed(int(np.searchsorted(ends, seen)) + 1, seen, row > 0, warned)


def _river(reference: pa.Table, batches: Sequence[pa.Table], _seed: int) -> Alarmed:
    """ADWIN at its defaults on every column of numbers, scaled to the reference's range, which it sees first."""
    adwin = import_module("river.drift").ADWIN
    known, rows = _numbers(reference), _numbers(pa.concat_tables(batches))
    low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    wide = np.where(high > low, high - low, 1.0)
    first = 0
    for before, after in zip(((known - low) / wide).T, ((rows - low) / wide).T, strict=True):
        one = adwin()
        for value in before[~np.isnan(before)].tolist():
            one.update(value)
        for number, value in enumerate(after[: first - 1 if first else None].tolist(), 1):
            if value == value:
                one.update(value)
                if one.drift_detected:
                    first = number
                    break
    return _first(first, batches)


def _alibi(streams: Sequence[Stream], window: int) -> tuple[list[Alarmed], list[Alarmed], dict[str, Any]]:
    """MMDDriftOnline on rows with every number, scaled by the reference."""
    cases, places = [], []
    for s in streams:
        known = _numbers(s.reference)
        mean, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
        lots, at = [], []
        for table in (s.reference, pa.concat_tables(s.calm), pa.concat_tables(s.moved)):
            rows = (_numbers(table) - mean) / np.where(spread > 0, spread, 1.0)
            whole = np.flatnonzero(~np.isnan(rows).any(axis=1))
            lots.append(rows[whole].astype(np.float32))
            at.append(whole)
        cases.append((lots[0], (lots[1][None], lots[2][None])))
        places.append(at[1:])
    made = online_peer.all_first_alarms(cases, ert=ARL, window=window, bootstraps=BOOTSTRAPS, seed=0)
    runs: list[list[Alarmed]] = [[], []]
    for s, at, first in zip(streams, places, made["first"], strict=True):
        for i, batches in enumerate((s.calm, s.moved)):
            (number,) = first[i]
            runs[i].append(_first(int(at[i][number - 1]) + 1 if number else 0, batches))
    return runs[0], runs[1], {"version": made["version"]}


def _numbers(table: pa.Table) -> Floats:
    """Its columns of numbers and embeddings, (n, d); NaN where there is none."""
    parts = []
    for column in table.columns:
        if pa.types.is_fixed_size_list(column.type):
            flat = column.combine_chunks().flatten().to_numpy()
            parts.append(flat.reshape(table.num_rows, -1))
        elif not pa.types.is_string(column.type):
            parts.append(column.to_numpy().astype(np.float64)[:, None])
    return np.concatenate(parts, axis=1)


def _median(values: Sequence[int | None]) -> int | None:
    """The middle one, where those without a value come last."""
    ordered = sorted(values, key=lambda v: (v is None, v or 0))
    return ordered[(len(ordered) - 1) // 2]
