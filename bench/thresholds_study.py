"""Thresholds for a rate of false alarms: the rate they keep on fresh batches, beside fixed ones, and what they find.

    python bench/thresholds_study.py --keep thresholds.jsonl
    python bench/thresholds_study.py --scale 0.1              # a quick look: fewer references, nothing written

Every reference is drawn anew and calibrated, and fresh batches of the same law are held against its thresholds. All
thresholds and fixed rules of a reference see the same batches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

import accel_drift as ad
from bench.study import Found, Kept, Study, main

SEED = 20_014
RATES = (0.05, 0.01)
SHIFTS = (0.3, 0.5)
"""Deviations by which the mean of x moves."""

CLEAN, SHIFTED = 80, 20
"""Fresh batches of a reference, and those of each shift."""

A_TASK = 4
"""References of a task."""

ERRORS = 3.3
"""Standard errors over references on either side of an interval: 99.9 %."""

DAYS, ROWS_OF_A_DAY = 100, 20
FIXED = (("psi", 0.1), ("psi", 0.2), ("ks", 0.1))

Data = dict[str, Any]
Key = tuple[str, str]
Statistics = Mapping[str, Mapping[str, float]]


def independent(rng: np.random.Generator, rows: int, shift: float = 0.0) -> Data:
    """Numbers and categories that go together, with gaps and ties; rows are independent."""
    base = rng.normal(size=rows)
    weights = 1.0 / np.arange(1, 21)
    return {
        "x": base + shift,
        "y": np.where(rng.random(rows) < 0.1, np.nan, 0.8 * base + 0.6 * rng.normal(size=rows)),
        "count": rng.poisson(3, rows),
        "four": rng.choice(list("abcd"), rows, p=[0.5, 0.3, 0.15, 0.05]),
        "twenty": rng.choice([f"v{i:02d}" for i in range(20)], rows, p=weights / weights.sum()),
    }


def by_day(rng: np.random.Generator, rows: int, shift: float = 0.0) -> Data:
    """Rows of a day have a level in common, half of the variance, and a frequent category."""
    days = rows // ROWS_OF_A_DAY
    level = np.repeat(rng.normal(size=days), ROWS_OF_A_DAY)
    often = np.repeat(rng.integers(0, 4, days), ROWS_OF_A_DAY)
    category = np.where(rng.random(rows) < 0.5, often, rng.integers(0, 4, rows))
    return {
        "x": (level + rng.normal(size=rows)) / sqrt(2.0) + shift,
        "category": np.array(list("abcd"))[category],
        "day": np.repeat(np.arange(days), ROWS_OF_A_DAY),
    }


@dataclass(frozen=True, slots=True)
class Setting:
    """What a profile is fitted on and batches are.

    Attributes:
        rows: of a reference and of a batch.
        detectors: whose statistics get thresholds.
        draw: (generator, rows, shift) -> a data set.
        ways: how thresholds are found, and "fixed".
        references: how many.
    """

    rows: tuple[int, int]
    detectors: tuple[str, ...]
    draw: Callable[..., Data]
    ways: tuple[str, ...]
    references: int


SETTINGS: dict[str, Setting] = {
    "independent rows, 100 a batch": Setting(
        (2_500, 100), ("psi", "ks", "missing"), independent, ("rows", "counts", "fixed"), 60
    ),
    "independent rows, 400 a batch": Setting(
        (2_500, 400), ("psi", "ks", "missing"), independent, ("rows", "counts", "fixed"), 60
    ),
    "independent rows, MMD as well": Setting((1_000, 100), ("psi", "ks", "mmd"), independent, ("rows", "fixed"), 40),
    "days of 20 rows, 5 a batch": Setting(
        (DAYS * ROWS_OF_A_DAY, 5 * ROWS_OF_A_DAY), ("psi", "ks"), by_day, ("rows", "blocks", "fixed"), 120
    ),
}


@dataclass(frozen=True, slots=True)
class Task:
    """Some references of one setting."""

    setting: str
    first: int
    references: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    for name, setting in SETTINGS.items():
        count = max(A_TASK, round(scale * setting.references))
        yield from (Task(name, i, min(A_TASK, count - i)) for i in range(0, count, A_TASK))


def fitted(setting: Setting, way: str, reference: Data) -> ad.Profile:
    """The profile that a way of finding thresholds takes."""
    blocks = "day" in reference and way == "blocks"
    if "day" in reference and not blocks:
        reference = {name: values for name, values in reference.items() if name != "day"}
    content: Any = "aggregates" if way == "counts" else "sample"
    return ad.Profile.fit(
        reference, [*setting.detectors], backend="numpy", content=content, block="day" if blocks else None
    )


def _sort(way: str) -> str:
    """What makes the statistics that a way holds against its thresholds: rows or counts."""
    return "counts" if way == "counts" else "rows"


def scored(setting: Setting, way: str, reference: Data, batches: list[Data]) -> list[Statistics]:
    """The statistics of batches. Blocks change what these are held against, and not the statistics."""
    profile = fitted(setting, way, reference)
    return [profile.statistics({name: v for name, v in batch.items() if name != "day"}) for batch in batches]


def over(setting: Setting, way: str, reference: Data, found: list[Statistics]) -> dict[str, list[set[Key]]]:
    """Of each rate or rule which statistics of each batch are over; ("", "") for any of them together."""
    if way == "fixed":
        return {f"{d} > {most:g}": [_above(f[d], d, most) for f in found] for d, most in FIXED}
    profile, made = fitted(setting, way, reference), {}
    for rate in RATES:
        limits = profile.calibrated(setting.rows[1], rate).thresholds
        assert limits is not None  # noqa: S101
        judged = [limits.judge(f) for f in found]
        made[f"{rate:g}"] = [{*j.alone, *([("", "")] if j.alarm else [])} for j in judged]
    return made


def _above(statistics: Mapping[str, float], detector: str, most: float) -> set[Key]:
    named = {(detector, column) for column, value in statistics.items() if value > most}
    return named | {("", "")} if named else named


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """How many batches of each reference are over, by way, rate, and statistic."""
    setting, place = SETTINGS[task.setting], list(SETTINGS).index(task.setting)
    found: Found = {way: {} for way in detectors}
    for i in range(task.references):
        rng = np.random.default_rng([SEED, place, task.first + i])
        reference = setting.draw(rng, setting.rows[0])
        sets = {0.0: CLEAN, **dict.fromkeys(SHIFTS, SHIFTED)}
        moved = [shift for shift, count in sets.items() for _ in range(count)]
        batches = [setting.draw(rng, setting.rows[1], shift) for shift in moved]
        by_sort = {sort: scored(setting, sort, reference, batches) for sort in {_sort(way) for way in detectors}}
        for way in detectors:
            for rule, sides in over(setting, way, reference, by_sort[_sort(way)]).items():
                held = found[way].setdefault(rule, {})
                for shift in sets:
                    mine = [side for side, was in zip(sides, moved, strict=True) if was == shift]
                    for key in _keys(setting, reference, rule):
                        counts = held.setdefault("|".join((f"{shift:g}", *key)), [])
                        counts.append(sum(key in side for side in mine))
    return found


def _keys(setting: Setting, reference: Data, rule: str) -> list[Key]:
    """The statistics that are told of: missing values only where there are some."""
    numbers = [n for n, v in reference.items() if n != "day" and v.dtype.kind != "U"]
    columns = {"psi": [n for n in reference if n != "day"], "ks": numbers, "missing": ["y"], "mmd": [""]}
    wanted = [rule.split(" ")[0]] if ">" in rule else setting.detectors
    return [("", ""), *((d, column) for d in wanted for column in columns[d])]


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each setting, way, rate or rule, and statistic."""
    counts: dict[tuple[str, str, str], dict[str, list[int]]] = {}
    commits: dict[tuple[str, str, str], set[str]] = {}
    order = [replace(task, references=0) for task in tasks()]
    for task, found in sorted(kept.found.items(), key=lambda item: order.index(replace(item[0], references=0))):
        for way, rules in found.items():
            for rule, made in rules.items():
                held = counts.setdefault((task.setting, way, rule), {})
                commits.setdefault((task.setting, way, rule), set()).add(kept.commits[task, way])
                for key, one in made.items():
                    held.setdefault(key, []).extend(one)
    out = []
    for (setting, way, rule), held in sorted(counts.items(), key=_place):
        keys = [key.split("|")[1:] for key in held if key.startswith("0|")]
        for detector, column in keys:
            rate = None if way == "fixed" else float(rule)
            row: dict[str, Any] = {"setting": setting, "way": way, "rate": rate, "rule": rule if rate is None else "",
                   "detector": detector, "column": column}  # fmt: skip
            row |= _interval(np.array(held[f"0|{detector}|{column}"]) / CLEAN)
            row["found"] = {
                f"{s:g}": round(float(np.mean(held[f"{s:g}|{detector}|{column}"])) / SHIFTED, 4) for s in SHIFTS
            }
            # Thresholds of single rows promise nothing where rows of a day are alike.
            promised = rate is not None and (way != "rows" or "blocks" not in SETTINGS[setting].ways)
            row |= {"batches": CLEAN, "holds": bool(row["low"] <= rate) if promised and rate is not None else None}
            out.append(row | {"commits": sorted(commits[setting, way, rule])})
    return out


def _place(item: tuple[tuple[str, str, str], Any]) -> tuple[int, int, str]:
    (setting, way, rule), _ = item
    return list(SETTINGS).index(setting), SETTINGS[setting].ways.index(way), rule


def _interval(rates: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """The mean over references, and an interval from how much these differ."""
    mean, off = float(rates.mean()), ERRORS * float(rates.std(ddof=1)) / sqrt(len(rates))
    ends = {"share": mean, "low": max(0.0, mean - off), "high": mean + off}
    return {**{name: round(value, 5) for name, value in ends.items()}, "references": len(rates)}


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "standard_errors": ERRORS,
        "shifts": [*SHIFTS],
        "shifted": SHIFTED,
        "rows": {name: [*setting.rows] for name, setting in SETTINGS.items()},
    }


def told(found: Mapping[str, Any]) -> str:
    """Shares of clean batches with an alarm, for the log."""
    shares = {rule: np.mean(held["0||"]) / CLEAN for rule, held in found.items()}
    return "; ".join(f"{rule}: {share:.3f}" for rule, share in shares.items())


STUDY = Study("thresholds", Task, work, lambda task: SETTINGS[task.setting].ways, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
