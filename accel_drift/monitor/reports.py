"""Reports of windows: what the engine said, with which window it was, and what parts say beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from accel_drift._version import version
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.health import columns_of, health
from accel_drift.monitor.parts import Part, Told
from accel_drift.report import Report


def untested(batch: str, rows: int, why: str) -> Report:
    """A report of a window that could not be compared: it is a window all the same."""
    return Report(
        reference="reference",
        batch=batch,
        n_reference=0,
        n_batch=rows,
        drifted=False,
        severity=Severity.NONE,
        warnings=(f"nothing was compared: {why}",),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version(),
    )


def with_window(
    report: Report, cut: Cut, told: Sequence[Told], warnings: Sequence[str], weights: Mapping[str, float]
) -> Report:
    """The report with its window and its health, under these names in `settings`, and with what parts say.

    What a part finds counts as drift, and is not corrected for the other tests. Health is that of the window's columns:
    what is found of a model, such as its accuracy, is none. Weights of columns that it lacks are passed over.
    """
    findings = [finding for one in told for finding in one.findings]
    drifted = [finding for finding in findings if finding.status is Status.DRIFTED]
    window = {
        "key": cut.key,
        "number": cut.number,
        "start": None if cut.start is None else cut.start.isoformat(),
        "end": None if cut.end is None else cut.end.isoformat(),
        "rows": cut.rows.num_rows if isinstance(cut.rows, pa.Table) else report.n_batch,
    }
    of_columns = [finding for finding in findings if _of_column(finding, cut)]
    about = replace(report, findings=(*report.findings, *of_columns)) if of_columns else report
    found = health(about, weights={name: weights[name] for name in columns_of(about) & {*weights}})
    scores = {one.column: one.score for one in found.columns}
    said = {"value": found.value, "reason": found.reason, "columns": scores, "formula": found.formula}
    silent = [one.silent for one in told if one.silent]
    about_window = {"window": window, "health": said, **({"silent_parts": silent} if silent else {})}
    # One report is made, since each puts its findings in order.
    return replace(
        report,
        drifted=report.drifted or bool(drifted),
        severity=max((report.severity, *(f.severity for f in drifted)), key=lambda severity: severity.rank),
        findings=(*report.findings, *findings),
        warnings=(*report.warnings, *warnings, *(said for one in told for said in one.warnings)),
        notes=(*report.notes, *cut.notes, *(said for one in told for said in one.notes)),
        settings={**report.settings, **about_window},
    )


def _of_column(finding: Finding, cut: Cut) -> bool:
    return isinstance(cut.rows, pa.Table) and finding.column in cut.rows.column_names


def left_out(counts: Mapping[str, int]) -> list[str]:
    """What a reader should know of rows that entered no window."""
    return [f"{count:,} rows {_COUNTED[name]}: they are in no window" for name, count in counts.items() if count]


def numbers(
    report: Report,
    counts: Mapping[str, int],
    parts: Sequence[Part],
    told: Sequence[Told],
) -> tuple[Metric, ...]:
    """All numbers of a window that are no findings; of two of one name the later has its part's name before it."""
    value = report.settings["health"]["value"]
    made = {} if value is None else {"health": Metric("health", value)}
    made |= {name: Metric(name, count) for name, count in counts.items() if count}
    for part, one in zip(parts, told, strict=True):
        for metric in one.metrics:
            name = f"{part.name}.{metric.name}" if metric.name in made else metric.name
            made[name] = replace(metric, name=name)
    return tuple(made.values())


_COUNTED = {
    "late_rows": "came after all windows of their time were finished",
    "partly_late_rows": "came after some of the windows of their time were finished",
    "untimed_rows": "have no time",
    "dropped_rows": "were dropped before they came here",
    "ahead_rows": "are from the future, by the clock of this machine",
}
