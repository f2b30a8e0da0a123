"""The work of `evaluate`: from names to a study, its files and a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ConfigError

if TYPE_CHECKING:
    from accel_drift.evaluation import Evaluation, Results

_SHOWN = {
    "false_alarm_rate": "false alarms",
    "false_alarm_rate_after": "after onset",
    "detection_rate": "detection",
    "delay_batches": "delay, batches",
    "auc": "AUC",
}
_AFTER = "false_alarm_rate_after"
"""Shown where a scenario has clean batches after its onset."""


def study(scenarios: Sequence[str] | None, detectors: Sequence[str] | None, seeds: int, **options: Any) -> Evaluation:
    """What was asked for.

    Raises:
        ConfigError: there is no such scenario or detector, or an option has a value that cannot work.
    """
    from accel_drift.evaluation import Evaluation, Named

    scenes = ["healthy", "sudden"] if scenarios is None else scenarios
    given = {name: value for name, value in options.items() if value is not None}
    names = ["psi", "ks", "mmd"] if detectors is None else detectors
    for option, listed in (("scenarios", scenes), ("detectors", names)):
        if not listed:
            raise ConfigError(f"--{option} names nothing; give names separated by commas, or leave it out")
        if len(set(listed)) < len(listed):
            raise ConfigError(f"--{option} names one twice; name each once")
    contenders = {name: _contender(name) for name in names}
    return Evaluation(contenders, {scene: Named(scene, given) for scene in scenes}, seeds=seeds)


def write(results: Results, folder: Path) -> list[str]:
    """Write what came out beside the trials; the names of the files.

    Raises:
        SourceError: they cannot be written.
    """
    results.to_parquet(folder / "results.parquet")
    results.to_markdown(folder / "report.md")
    results.to_html(folder / "report.html")
    return ["results.parquet", "report.md", "report.html"]


def told(results: Results) -> str:
    """A table for each scenario, the best first, and what failed."""
    from accel_drift.evaluation.markdown import failures, heading, ranked
    from accel_drift.evaluation.ranking import checked, composites
    from accel_drift.evaluation.wording import number
    from accel_drift.evaluation.wording import told as in_words

    values = composites(results.lines, checked(None))
    parts = [heading(results)]
    for scene in results.scenarios:
        mine = ranked(results.lines, values, scene)
        shown = [m for m in _SHOWN if m != _AFTER or any(line.measures[m].value is not None for line, _ in mine)]
        rows = [[scene, *(_SHOWN[measure] for measure in shown), "composite"]]
        for line, value in mine:
            name = line.contender + (" (dummy)" if line.dummy else "")
            rows.append([name, *(in_words(line.measures[measure]) for measure in shown), number(value)])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        parts += ["", *("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)]
        parts += [f"Failed: {text}" for text in failures([line for line, _ in mine])]
    return "\n".join(parts)


def _contender(name: str) -> Any:
    """A detector of batches, several for one verdict, or a detector of streams."""
    from accel_drift import detectors, streams

    if "+" in name:
        return [detectors.get_detector(part.strip()) for part in name.split("+")]
    if name in detectors.names():
        return detectors.get_detector(name)
    if name in streams.names():
        return streams.get_class(name)()
    raise ConfigError(
        f"there is no detector {name!r}; there are {', '.join(detectors.names())}, and of streams "
        f"{', '.join(streams.names())}"
    )
