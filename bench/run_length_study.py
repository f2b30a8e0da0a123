"""Run lengths of streams that do not change: at every detector's defaults, and where an average was asked for.

    python bench/run_length_study.py --keep run_lengths.jsonl
    python bench/run_length_study.py --scale 0.05             # a quick look: fewer streams, nothing written

A calibrated detector is measured on streams drawn anew. Both averages err, so that the two are compared by the standard
error of their difference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.streams import get_class, names
from accel_drift.streams.base import StreamDetector, Variant
from bench.study import Found, Kept, Study, main

SEED = 20_006
STREAMS, SLOW = 4_000, {"adwin": 500}
"""Streams a task; fewer of a detector that takes long over each."""

LENGTH = 10_000
"""Values of the streams whose share with an alarm is told; and the average run length that is asked for."""

HORIZON = 500_000
ERRORS = 3.3
"""Standard errors by which a measured average may differ from what was asked for."""

NULLS = {
    "normal": "normal, mean 0, deviation 1",
    "uniform": "uniform on 0 to 1",
    "errors 5 %": "errors, 5 %",
    "errors 20 %": "errors, 20 %",
    "errors 50 %": "errors, 50 %",
}
READ = {
    "numbers": ("normal", "uniform", "errors 20 %"),
    "shares": ("uniform", "errors 5 %", "errors 20 %", "errors 50 %"),
    "errors": ("errors 5 %", "errors 20 %", "errors 50 %"),
}
"""Nulls by what a detector reads."""

ASKED = {"numbers": "normal", "shares": "errors 20 %", "errors": "errors 20 %"}
"""Those on which an average is asked for."""

KNOWN: dict[str, dict[str, Any]] = {"cusum": {"mean": 0.0, "deviation": 1.0}, "ewma": {"mean": 0.0, "deviation": 1.0}}
"""Charts are measured with mean and deviation given, too."""

ELSEWHERE = {"bounded_mean"}
"""What it promises of a known mean has a study of its own."""

ALIKE = {"cusum", "ewma", "ddm"}
"""Detectors whose variants are the same."""


@dataclass(frozen=True, slots=True)
class Task:
    """One detector on one null; `arl` 0 at its defaults."""

    detector: str
    variant: Variant
    known: bool
    null: str
    arl: int
    streams: int

    def make(self) -> StreamDetector:
        """The detector."""
        return get_class(self.detector)(variant=self.variant, **(KNOWN[self.detector] if self.known else {}))


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    for name in sorted(set(names()) - ELSEWHERE):
        streams = max(100, round(scale * SLOW.get(name, STREAMS)))
        nulls = READ[get_class(name).reads]
        variants: tuple[Variant, ...] = ("paper",) if name in ALIKE else ("paper", "river")
        for variant in variants:
            yield from (Task(name, variant, False, null, 0, streams) for null in nulls)
            yield Task(name, variant, False, ASKED[get_class(name).reads], LENGTH, streams)
        if name in KNOWN:
            yield from (Task(name, "paper", True, "normal", arl, streams) for arl in (0, LENGTH))


def values(null: str) -> Any:
    """What `run_length` takes for a null."""
    if null == "uniform":
        return (np.arange(10_000) + 0.5) / 10_000
    return "normal" if null == "normal" else (np.arange(100) < int(null.split()[1])).astype(np.float64)


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """Run lengths, and what the deciding option came to."""
    (name,) = detectors
    detector, null = task.make(), values(task.null)
    if task.arl:
        detector = detector.calibrate(null, arl=task.arl, seed=SEED)
    horizon = 20 * task.arl or HORIZON
    found = detector.run_length(null, runs=task.streams, horizon=horizon, seed=SEED + 1, backend="numpy")
    option = detector.strictness[0]
    return {
        name: {
            "option": option,
            "at": getattr(detector, option),
            "within": found.share_within(LENGTH),
            "median": found.median,
            "mean": found.mean,
            "standard_error": found.standard_error,
            "streams": task.streams,
            "alarmed": found.alarmed,
            "horizon": horizon,
        }
    }


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each task."""
    made = []
    order = [replace(task, streams=0) for task in tasks()]
    for task, found in sorted(kept.found.items(), key=lambda item: order.index(replace(item[0], streams=0))):
        told = found[task.detector]
        named = {"detector": task.detector, "variant": task.variant, "known": task.known, "null": task.null}
        row = {**named, "arl": task.arl or None, **told, "holds": None, "commits": [kept.commits[task, task.detector]]}
        if task.arl:
            apart = (told["mean"] - task.arl) / (sqrt(told["streams"] / 10_000 + 1) * told["standard_error"])
            row["holds"] = bool(apart > -ERRORS and (apart < ERRORS or task.detector == "kswin"))
        made.append(row)
    return made


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {"seed": SEED, "length": LENGTH, "standard_errors": ERRORS, "nulls": NULLS}


def told(found: Mapping[str, Any]) -> str:
    """The average, for the log."""
    return f"{found['option']} {found['at']:.4g}: {found['mean']:,.0f} ({found['within']:.3f} within {LENGTH:,})"


STUDY = Study("run_lengths", Task, work, lambda task: (task.detector,), rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
