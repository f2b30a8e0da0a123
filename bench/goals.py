"""What is wanted of the measurements, and whether it was met: ratios of what one run measured, never bare times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import median
from typing import Any, TypeAlias

import numpy as np

Record: TypeAlias = Mapping[str, Any]
"""One question of a result, as `run.measure` makes it."""

Measure: TypeAlias = Callable[[Sequence[Record]], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of a case.

    Attributes:
        text: what is measured, in words.
        measure: the questions of the case at all its sizes -> the number; None where something was not measured.
        bound: what the number is held against.
        unit: "x", "%", "MB" or "".
        most: whether the bound is the most that is wanted; otherwise it is the least.
        reason: why it is missed, where it is and the reason is known; "{}" in it is the number of `because`.
        because: the number that the reason rests on, measured in the same run.
        device: where it is wanted, "cpu" or "gpu".
    """

    text: str
    measure: Measure
    bound: float
    unit: str = "x"
    most: bool = False
    reason: str = ""
    because: Measure | None = None
    device: str = "cpu"


def judge(case: str, goals: Sequence[Goal], questions: Sequence[Record]) -> list[dict[str, Any]]:
    """Each goal with its number and whether it was met, as plain values; met is None where nothing was measured."""
    made = []
    for goal in goals:
        value = goal.measure(questions)
        met = None if value is None else bool(value <= goal.bound if goal.most else value >= goal.bound)
        made.append(
            {
                "case": case,
                "text": goal.text,
                "value": None if value is None else float(f"{value:.3g}"),
                "unit": goal.unit,
                "at_most" if goal.most else "at_least": goal.bound,
                "met": met,
                "reason": _reason(goal, questions) if met is False else "",
            }
        )
    return made


def _reason(goal: Goal, questions: Sequence[Record]) -> str:
    number = None if goal.because is None else goal.because(questions)
    return goal.reason.format("(not measured)" if number is None else f"{number:.2g}")


def row(question: Record, name: str) -> Mapping[str, Any] | None:
    """A contender's row, or None where it did not take part."""
    return next((c for c in question["contenders"] if c["name"] == name), None)


def ratio(question: Record, ours: str, other: str) -> float | None:
    """How many times longer the other takes: the median over rounds of the ratio within a round.

    One that was timed apart has no rounds with ours: the ratio of the medians.
    """
    a, b = row(question, ours), row(question, other)
    if a is None or b is None or a["median_s"] is None or b["median_s"] is None:
        return None
    if "library" in (a["role"], b["role"]):
        return float(b["median_s"] / a["median_s"])
    return float(median(y / x for x, y in zip(a["warm_s"], b["warm_s"], strict=True)))


def faster(ours: str, other: str) -> Measure:
    """How many times faster ours is."""
    return lambda questions: ratio(questions[-1], ours, other)


def slower(ours: str, other: str) -> Measure:
    """How many times the other's time ours takes."""
    return lambda questions: ratio(questions[-1], other, ours)


def fraction(name: str) -> Measure:
    """Percent of the floor."""

    def measure(questions: Sequence[Record]) -> float | None:
        found = row(questions[-1], name)
        share = None if found is None else found["fraction_of_floor"]
        return None if share is None else 100.0 * share

    return measure


def floor_over(floor: str, name: str) -> Measure:
    """A floor over the time of a contender, which may have found a way with fewer operations."""

    def measure(questions: Sequence[Record]) -> float | None:
        least, found = questions[-1].get("floors", {}).get(floor), row(questions[-1], name)
        return None if least is None or found is None else float(least["seconds"] / found["median_s"])

    return measure


def memory_share(ours: str, other: str) -> Measure:
    """Ours over the other's peak of memory."""

    def measure(questions: Sequence[Record]) -> float | None:
        mine, theirs = peak(ours)(questions), peak(other)(questions)
        return mine / theirs if mine is not None and theirs else None

    return measure


def peak(name: str) -> Measure:
    """Peak of memory above the inputs, in MB."""

    def measure(questions: Sequence[Record]) -> float | None:
        found = row(questions[-1], name)
        return None if found is None or found["peak_mb"] is None else float(found["peak_mb"])

    return measure


def process(name: str) -> Measure:
    """Peak of all memory of a process that makes the inputs and calls a contender once, in MB."""

    def measure(questions: Sequence[Record]) -> float | None:
        found = row(questions[-1], name)
        return None if found is None else found.get("process_mb")

    return measure


def counted(name: str) -> Measure:
    """What was counted."""

    def measure(questions: Sequence[Record]) -> float | None:
        found = questions[-1].get("counts", {}).get(name)
        return None if found is None else float(found)

    return measure


def exponent(name: str, field: str, size: str, least: int = 0) -> Measure:
    """The power of the size that a field of the rows grows with: the slope through the logarithms, of 3 sizes or more.

    Args:
        name: the contender.
        field: of its rows, such as "fastest_s".
        size: the size that grows.
        least: sizes below it are left out; what does not grow has its share there.
    """

    def measure(questions: Sequence[Record]) -> float | None:
        found = [(q["sizes"][size], row(q, name)) for q in questions if q["sizes"][size] >= least]
        points = [(log(n), log(r[field])) for n, r in found if r is not None and r[field]]
        if len(points) < 3:
            return None
        x, y = np.array(points).T
        return float(np.polyfit(x, y, 1)[0])

    return measure
