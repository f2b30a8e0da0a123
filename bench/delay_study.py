"""How soon a change is seen, at the run length without one that alibi-detect's MMDDriftOnline has.

    python bench/delay_study.py --peers peers/bin/python --keep delays.jsonl
    python bench/delay_study.py --peers peers/bin/python --scale 0.1    # a quick look, nothing written

All detectors get the same references and the same streams. An average run length that is asked for is met but roughly;
so that none sees a change sooner by alarming more often, a factor on our thresholds makes the average run length over
all references no less than alibi-detect's, which is taken as it comes. For this the highest statistics so far are kept
of each of our streams: they tell its first alarm at every factor.

alibi-detect's window is full of reference rows at the start, so that it looks from the first row on; ours look when
theirs is full. Run lengths are therefore counted as delays are: from after two windows, in streams without an alarm by
then. Counted from the start, the rows at which ours do not look would let them alarm more often in the others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.sequential.kernel_cusum import KernelCUSUM
from accel_drift.sequential.online import OnlineDetector
from accel_drift.sequential.online_mmd import OnlineMMD
from accel_drift.sequential.row_watch import RowWatch
from bench import online_peer
from bench.study import Found, Kept, Study, main

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SEED = 20_011
ARL, BOOTSTRAPS = 500, 5_000
"""Rows to a false alarm that all are asked for; alibi-detect recommends ten times as many draws for its thresholds."""

ROWS = 1_000
"""Of a reference."""

SETTINGS = {(2, 20, 1.0): 12, (2, 50, 0.5): 10, (20, 50, 1.0): 10}
"""Columns, window, shift -> references. The shift is a length in deviations, the same in every column."""

CALM, CHANGED = 60, 150
"""Streams of a reference: without a change, and with one after two windows."""

HORIZON, TAIL = 10_000, 2_000
"""Rows of a stream without a change, and after a change."""

ALIBI = "alibi_detect"
OURS: Mapping[str, type[OnlineDetector]] = {"online_mmd": OnlineMMD, "kernel_cusum": KernelCUSUM}
DETECTORS = (ALIBI, *OURS)
ERRORS = 2.0
"""Standard errors by which a delay may be above alibi-detect's."""

_FACTORS = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Task:
    """One reference and its streams."""

    columns: int
    window: int
    shift: float
    reference: int

    def draw(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The reference (n, d), streams without a change and with one, (S, T, d); as alibi-detect takes them."""
        rng = np.random.default_rng((SEED, self.columns, self.window, round(1000 * self.shift), self.reference))
        shapes = ((ROWS,), (CALM, HORIZON), (CHANGED, self.onset + TAIL))
        reference, calm, changed = (rng.standard_normal((*shape, self.columns), np.float32) for shape in shapes)
        changed[:, self.onset :] += np.float32(self.shift / sqrt(self.columns))
        return reference, calm, changed

    @property
    def onset(self) -> int:
        """Rows before the change."""
        return 2 * self.window


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does: each setting in turn, so that one may stop early."""
    counts = {setting: max(2, round(scale * count)) for setting, count in SETTINGS.items()}
    for i in range(max(counts.values())):
        yield from (Task(*setting, i) for setting, count in counts.items() if i < count)


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """Of each stream the rows at which the statistic was higher than ever before, and how high."""
    reference, calm, changed = task.draw()
    made: Found = {}
    if ALIBI in detectors:
        told = online_peer.first_alarms(
            reference, (calm, changed), ert=ARL, window=task.window, bootstraps=BOOTSTRAPS, seed=task.reference
        )
        calm_highs, changed_highs = ([alarm(first) for first in lot] for lot in told.pop("first"))
        made[ALIBI] = {"calm": calm_highs, "changed": changed_highs, **told}
    for name, kind in OURS.items():
        if name in detectors:
            made[name] = ours(kind(arl=ARL, window=task.window, seed=task.reference), reference, calm, changed)
    return made


def ours(detector: OnlineDetector, reference: Any, calm: Any, changed: Any) -> dict[str, Any]:
    """What became of one of our detectors: see `work`."""
    started = process_time()
    watch = detector.open(reference, backend="numpy")
    seconds = process_time() - started
    # After an alarm a stream begins anew, and its path would have a gap.
    learned = watch._learned._replace(threshold=inf)
    lots = ([highs(RowWatch(learned).update(rows).path / watch.threshold) for rows in lot] for lot in (calm, changed))
    return {**dict(zip(("calm", "changed"), lots, strict=True)), "fit_cpu_s": seconds}


def highs(path: Floats) -> tuple[list[int], list[float]]:
    """Rows, counted from 1, at which a path is above all that was before, and its values there."""
    values = np.where(np.isnan(path), 0.0, path)
    before = np.maximum.accumulate(np.concatenate([[0.0], values]))[:-1]
    at = np.flatnonzero(values > before)
    return (at + 1).tolist(), [round(v, 7) for v in values[at].tolist()]


def alarm(first: int) -> tuple[list[int], list[float]]:
    """A path that reaches its threshold at this row, or never."""
    return ([first], [1.0]) if first else ([], [])


# The result


class Streams:
    """The highs of the streams of several references, side by side.

    Attributes:
        rows: (R, S, K) rows of the highs; behind them how long streams are.
        values: (R, S, K) their values; behind them infinity.
    """

    def __init__(self, found: Sequence[Sequence[tuple[list[int], list[float]]]], length: int) -> None:
        most = 1 + max(len(rows) for streams in found for rows, _ in streams)
        shape = (len(found), len(found[0]), most)
        self.rows, self.values = np.full(shape, length), np.full(shape, inf)
        for i, streams in enumerate(found):
            for j, (rows, values) in enumerate(streams):
                self.rows[i, j, : len(rows)], self.values[i, j, : len(rows)] = rows, values

    def first(self, factor: float) -> Floats:
        """Rows up to the first alarm with the threshold times a factor, (R, S)."""
        at = (self.values >= factor).argmax(axis=2)
        return np.take_along_axis(self.rows, at[..., None], axis=2)[..., 0].astype(np.float64)


@dataclass(frozen=True)
class Runs:
    """What is known of one detector over references."""

    calm: Streams
    changed: Streams
    onset: int

    def lengths(self, factor: float) -> tuple[Floats, Floats]:
        """As `delays`, where nothing changes."""
        return self._late(self.calm, factor)

    def delays(self, factor: float) -> tuple[Floats, Floats]:
        """Rows from the change to the alarm added up, and in how many streams, (R,) each: those without one before."""
        return self._late(self.changed, factor)

    def factor(self, least: float, which: Flags) -> float:
        """The least one whose average run length is this, over some of the references."""
        low, high = _FACTORS
        for _ in range(40):
            middle = sqrt(low * high)
            low, high = (low, middle) if average(self.lengths(middle), which) >= least else (middle, high)
        return high

    def _late(self, streams: Streams, factor: float) -> tuple[Floats, Floats]:
        late = streams.first(factor) - self.onset
        return np.where(late > 0, late, 0.0).sum(axis=1), (late > 0).sum(axis=1).astype(np.float64)


def average(late: tuple[Floats, Floats], which: Flags) -> float:
    """Of what `Runs` adds up, over some of the references."""
    total, count = late
    return float(total[which].sum() / max(count[which].sum(), 1.0))


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each setting and detector."""
    made = []
    for setting in SETTINGS:
        done = [t for t in kept.found if (t.columns, t.window, t.shift) == setting and len(kept.found[t]) == 3]
        if len(done) < 2:
            continue
        onset, found = done[0].onset, {name: [kept.found[t][name] for t in done] for name in DETECTORS}
        runs = {
            name: Runs(
                Streams([f["calm"] for f in told], HORIZON), Streams([f["changed"] for f in told], onset + TAIL), onset
            )
            for name, told in found.items()
        }
        for name in DETECTORS:
            commits = sorted({kept.commits[t, name] for t in done})
            about = {"columns": setting[0], "window": setting[1], "shift": setting[2], "detector": name}
            row = compared(runs[name], None if name == ALIBI else runs[ALIBI])
            # Other work on the machine makes a fit longer, but hardly adds to what it takes of a processor.
            fit = float(np.median([f["fit_cpu_s"] for f in found[name] if "fit_cpu_s" in f]))
            version = {"version": found[name][0]["version"]} if name == ALIBI else {}
            made.append(
                {**about, "references": len(done), **row, "fit_cpu_s": round(fit, 2), **version, "commits": commits}
            )
    return made


def compared(mine: Runs, alibi: Runs | None) -> dict[str, Any]:
    """Run length and delay at the run length of another, and the difference of the delays.

    Errors are the jackknife's over references, with a factor found anew each time: that the factor errs is counted.
    """
    count = len(mine.calm.rows)
    every = np.ones(count, np.bool_)
    factor = 1.0 if alibi is None else mine.factor(average(alibi.lengths(1.0), every), every)
    whole = measured(mine, alibi, every)
    less = np.array([measured(mine, alibi, np.arange(count) != i) for i in range(count)])
    errors = np.sqrt((count - 1) / count * ((less - less.mean(axis=0)) ** 2).sum(axis=0))
    names = ("run_length", "delay", "difference")[: 2 if alibi is None else 3]
    made: dict[str, Any] = {"factor": round(factor, 4), "own": round(float(mine.calm.first(1.0).mean()), 1)}
    for name, value, error in zip(names, whole, errors, strict=False):
        made |= {name: round(value, 2), f"{name}_error": round(float(error), 2)}
    total, streams = mine.lengths(factor)
    low, high = np.quantile(total / np.maximum(streams, 1.0), (0.1, 0.9))
    late = int(mine.delays(factor)[1].sum())
    made |= {"from": round(float(low), 1), "to": round(float(high), 1), "streams": late}
    holds = None if alibi is None else bool(whole[2] <= ERRORS * errors[2])
    return {**made, "early": mine.changed.rows[..., 0].size - late, "holds": holds}


def measured(mine: Runs, alibi: Runs | None, which: Flags) -> tuple[float, float, float]:
    """Run length, delay, and difference of delays over some of the references."""
    if alibi is None:
        return average(mine.lengths(1.0), which), average(mine.delays(1.0), which), 0.0
    factor = mine.factor(average(alibi.lengths(1.0), which), which)
    delay = average(mine.delays(factor), which)
    return average(mine.lengths(factor), which), delay, delay - average(alibi.delays(1.0), which)


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "arl": ARL,
        "bootstraps": BOOTSTRAPS,
        "rows": ROWS,
        "calm": CALM,
        "changed": CHANGED,
        "horizon": HORIZON,
        "tail": TAIL,
        "standard_errors": ERRORS,
    }


def told(found: Mapping[str, Any]) -> str:
    """What to log."""
    first = Streams([found["calm"]], HORIZON).first(1.0).mean()
    return f"fit of {found['fit_cpu_s']:.1f} s, run length {first:,.0f}"


STUDY = Study("delays", Task, work, lambda _: DETECTORS, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
