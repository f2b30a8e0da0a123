"""A study's summary as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from accel_drift.evaluation import ranking
from accel_drift.evaluation.summary import MEANING, TIMES, Line
from accel_drift.evaluation.trial import OK
from accel_drift.evaluation.wording import brief, number, told

if TYPE_CHECKING:
    from accel_drift.evaluation.results import Results

SHOWN = {
    "false_alarm_rate": "false alarms",
    "false_alarm_rate_after": "false alarms after onset",
    "detection_rate": "detection",
    "found": "seeds found",
    "delay_batches": "delay, batches",
    "auc": "AUC",
    "cohens_d": "Cohen's d",
    "f1": "F1",
    "f1_best": "F1, best threshold",
    "run_length": "run length",
    "alarmed_before": "alarm before onset",
    "stability": "stability",
}
"""The measures of the tables for readers and what they are called there; `Results.summary` has all."""

TIMED = {"fit_seconds": "fit, s", "batch_ms": "ms a batch"}
"""The times of these tables, beside the measures."""


def render(results: Results, weights: Mapping[str, float]) -> str:
    """The text: one table a scenario, what failed, and what the measures are."""
    values = ranking.composites(results.lines, weights)
    parts = ["# Evaluation of detectors", heading(results)]
    for scene in results.scenarios:
        mine = ranked(results.lines, values, scene)
        head = ["contender", *SHOWN.values(), "composite", *TIMED.values()]
        rows = [head, ["---"] * len(head), *(_cells(line, value) for line, value in mine)]
        parts += [f"## {_escaped(scene)}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
        failed = failures([line for line, _ in mine])
        if failed:
            parts.append("\n".join(f"- {_escaped(text)}" for text in failed))
    told_of = [f"- {name}: {meaning}" for name, meaning in meanings(weights)]
    parts += ["## What the measures are", "\n".join(told_of)]
    return "\n\n".join(parts) + "\n"


def heading(results: Results) -> str:
    """One paragraph: how many seeds, what intervals are, what dummies are."""
    seeds = max((line.seeds for line in results.lines), default=0)
    ends = (
        f"{seeds:,} seeds; in parentheses the 95 % interval over seeds."
        if seeds > 1
        else "One seed, which says nothing of others: there are no intervals."
    )
    return f"{ends} Contenders marked (dummy) do not look at the data: what they reach, too, is worth nothing."


def ranked(lines: list[Line], values: list[float | None], scene: str) -> list[tuple[Line, float | None]]:
    """The lines of a scenario with their composites, the best first."""
    mine = [(line, value) for line, value in zip(lines, values, strict=True) if line.scenario == scene]
    return sorted(mine, key=lambda pair: -1.0 if pair[1] is None else pair[1], reverse=True)


def failures(lines: list[Line]) -> list[str]:
    """What failed, one sentence a contender."""
    made = []
    for line in lines:
        if line.status != OK:
            what = [f"the reference was refused for {line.refused} of {line.seeds} seeds"] if line.refused else []
            what += [f"{line.errors:,} of {line.batches:,} batches raised"] if line.errors else []
            made.append(f"{line.contender}: {' and '.join(what)}; first: {line.message}")
    return made


def meanings(weights: Mapping[str, float]) -> list[tuple[str, str]]:
    """Name and meaning of each column of the tables, in their order."""
    return [
        *((SHOWN[name], MEANING[name]) for name in SHOWN),
        ("composite", composite_told(weights)),
        *((TIMED[name], TIMES[name]) for name in TIMED),
    ]


def composite_told(weights: Mapping[str, float]) -> str:
    """What the composite is made of."""
    made = "; ".join(f"{name} ({ranking.MEANING[name]}) weighs {number(weight)}" for name, weight in weights.items())
    return f"weighted mean, where {made}. Other weights give another order"


def times_told(line: Line) -> list[str]:
    """The times of a line as texts; below a thousandth nobody needs their digits."""
    return [brief(line.times[name]) for name in TIMED]


def _cells(line: Line, composite: float | None) -> list[str]:
    name = _escaped(line.contender) + (" (dummy)" if line.dummy else "")
    return [name, *(told(line.measures[measure]) for measure in SHOWN), number(composite), *times_told(line)]


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
