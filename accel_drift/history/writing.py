"""From a report to rows of the tables, and these into the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history.tables import findings, metrics, runs, series
from accel_drift.history.window import NAME_LENGTH, Metric, Window, known, text
from accel_drift.options import is_finite
from accel_drift.report import Report
from accel_drift.report.plain import plain


class Subject(NamedTuple):
    """What findings of many windows are about."""

    detector: str
    column: str
    columns: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Entry:
    """All that is written of one window.

    Attributes:
        run: its row.
        findings: each with what it is about.
        metrics: their rows.
    """

    run: dict[str, Any]
    findings: Sequence[tuple[Subject, dict[str, Any]]]
    metrics: Sequence[dict[str, Any]]


def entry(name: Any, report: Any, window: Any, profile: Any, given: Iterable[Metric]) -> Entry:
    """The rows of a report.

    Raises:
        ConfigError: what is given is no report, no window, or cannot be written.
    """
    named(name)
    if not isinstance(report, Report):
        raise ConfigError(f"report is a {type(report).__name__}; a history records the Report of one window")
    if not isinstance(window, Window):
        raise ConfigError(
            f"window is {window!r:.100}; it is a accel_drift.history.Window(key, start, end), such as "
            "Window('2026-11-23T10', start, end)"
        )
    if not isinstance(profile, str):
        raise ConfigError(f"profile is {profile!r:.100}; it is a text that names the reference, such as a digest")
    now = datetime.now(UTC)
    made = _made_at(report.created_at, now)
    alpha = report.settings.get("alpha")
    run = {
        "name": name,
        "window_key": window.key,
        "window_start": window.start or made,
        "window_end": window.end or made,
        "rows": int(report.n_batch),
        "reference_rows": int(report.n_reference),
        "drifted": bool(report.drifted),
        "severity": str(Severity(report.severity)),
        "rule": sound(report.rule),
        "alpha": float(alpha) if alpha is not None and is_finite(alpha) else None,
        "findings": len(report.findings),
        "created_at": made,
        "recorded_at": now,
        "profile": sound(profile),
        "version": sound(report.version),
        "reference": sound(report.reference),
        "batch": sound(report.batch),
        "remarks": sound(_remarks(report)),
    }
    rows = [_finding_row(finding, place) for place, finding in enumerate(report.findings, 1)]
    return Entry(run, rows, metric_rows(given, now))


def named(name: Any) -> None:
    """Refuse what is no name of a monitor.

    Raises:
        ConfigError: it is none.
    """
    text(name, NAME_LENGTH, "the name of a monitor", "churn")


def metric_rows(given: Iterable[Metric], now: datetime) -> list[dict[str, Any]]:
    """The rows of metrics, without their run.

    Raises:
        ConfigError: one is no metric, or one name stands twice.
    """
    rows: dict[str, dict[str, Any]] = {}
    for metric in (given,) if isinstance(given, Metric) else given:
        if not isinstance(metric, Metric):
            raise ConfigError(
                f"a metric is {metric!r:.100}; it is a accel_drift.history.Metric, such as Metric('accuracy', 0.93)"
            )
        if metric.name in rows:
            raise ConfigError(f"metric {metric.name!r} is given twice; a window has one of each name")
        rows[metric.name] = {
            "metric": metric.name,
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "rows": metric.rows,
            "recorded_at": now,
        }
    return list(rows.values())


def write(connection: Connection, given: Entry, met: Mapping[Subject, int]) -> dict[Subject, int] | None:
    """Write a window that is not there yet.

    Args:
        connection: in a transaction.
        given: the window.
        met: numbers of subjects that are known to be in the database.

    Returns:
        The numbers of its subjects; None where the window is there already, and nothing was written.
    """
    put = upsert(connection)(runs).values(given.run).on_conflict_do_nothing(index_elements=["name", "window_key"])
    run = connection.execute(put.returning(runs.c.id)).scalar()
    if run is None:
        return None
    numbers = _numbered(connection, {subject for subject, _ in given.findings}, met)
    if given.findings:
        rows = [{**row, "run_id": run, "series_id": numbers[subject]} for subject, row in given.findings]
        connection.execute(insert(findings), rows)
    if given.metrics:
        connection.execute(insert(metrics), [{**row, "run_id": run} for row in given.metrics])
    return numbers


def measure(connection: Connection, name: str, key: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add metrics to a window, or give them newer values; how many are new or other than they were.

    Raises:
        ConfigError: there is no such window.
    """
    changed = measure_known(connection, name, key, rows)
    if changed is None:
        raise ConfigError(f"monitor {name!r} has no window {key!r}; record its report before what labels say of it")
    return changed


def measure_known(connection: Connection, name: str, key: str, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The same; None where there is no such window, as after it was pruned."""
    run = connection.execute(select(runs.c.id).where(runs.c.name == name, runs.c.window_key == key)).scalar()
    if run is None:
        return None
    changed = 0
    for row in rows:
        put = upsert(connection)(metrics).values({**row, "run_id": run})
        told = {column: put.excluded[column] for column in row if column != "metric"}
        other = or_(*(metrics.c[column].is_distinct_from(put.excluded[column]) for column in _VALUES))
        put = put.on_conflict_do_update(index_elements=["run_id", "metric"], set_=told, where=other)
        changed += connection.execute(put.returning(metrics.c.metric)).scalar() is not None
    return changed


_VALUES = ("value", "low", "high", "rows")


def upsert(connection: Connection) -> Callable[[Any], Any]:
    """The insert of this database that may meet a row which is there."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _numbered(connection: Connection, wanted: set[Subject], met: Mapping[Subject, int]) -> dict[Subject, int]:
    """The number of every subject; those that are new are written."""
    numbers = {subject: met[subject] for subject in wanted if subject in met}
    # In one order everywhere: two writers that wait for each other's rows would wait for ever.
    new = sorted(((_digest(subject), subject) for subject in wanted if subject not in met), key=lambda pair: pair[0])
    if not new:
        return numbers
    put = upsert(connection)(series).on_conflict_do_nothing(index_elements=["digest"])
    rows = [
        {
            "digest": digest,
            "detector": subject.detector,
            "column": subject.column,
            "columns": json.dumps(subject.columns),
            "unit": subject.unit,
        }
        for digest, subject in new
    ]
    connection.execute(put, rows)
    found: dict[str, int] = {}
    for first in range(0, len(new), _AT_ONCE):
        asked = [digest for digest, _ in new[first : first + _AT_ONCE]]
        there = connection.execute(select(series.c.digest, series.c.id).where(series.c.digest.in_(asked)))
        found.update((digest, number) for digest, number in there)
    return numbers | {subject: found[digest] for digest, subject in new}


_AT_ONCE = 5_000
"""Digests asked for in one statement; databases take some 30,000 parameters."""


def _digest(subject: Subject) -> str:
    told = json.dumps([subject.detector, subject.column, subject.columns, subject.unit])
    return blake2b(told.encode(), digest_size=16).hexdigest()


def _finding_row(finding: Finding, place: int) -> tuple[Subject, dict[str, Any]]:
    low, high = (None, None) if finding.interval is None else finding.interval
    row = {
        "place": place,
        "status": str(Status(finding.status)),
        "severity": str(Severity(finding.severity)),
        "statistic": _number(finding.statistic, "statistic", finding),
        "effect": _number(finding.effect, "effect", finding),
        "interval_low": _number(low, "interval", finding),
        "interval_high": _number(high, "interval", finding),
        "p_value": _number(finding.p_value, "p-value", finding),
        "adjusted_p_value": _number(finding.adjusted_p_value, "adjusted p-value", finding),
        "p_method": sound(finding.p_method),
        "n_reference": int(finding.n_reference),
        "n_batch": int(finding.n_batch),
        "note": sound(finding.note),
    }
    columns = tuple(sound(column) for column in finding.columns)
    return Subject(sound(finding.detector), sound(finding.column), columns, sound(finding.unit)), row


def _number(value: Any, what: str, finding: Finding) -> float | None:
    """As `known`, which is asked only of what is no plain number: a window has hundreds."""
    if value is None or (type(value) is float and value == value and value):
        return value
    return known(value, f"{what} of {finding.detector} on {finding.column!r:.100}")


def sound(told: str) -> str:
    """The text as UTF-8 can hold it: half of a surrogate pair, which has no form there, is spelled out."""
    return told if told.isascii() else told.encode("utf-8", "backslashreplace").decode()


def _remarks(report: Report) -> str:
    """What else the report says, as JSON: parts that say nothing are left out."""
    told = {
        "warnings": list(report.warnings),
        "notes": list(report.notes),
        "excluded": plain(report.excluded),
        "schema": {kind: changes for kind, changes in plain(report.schema_diff.to_dict()).items() if changes},
    }
    return json.dumps({kind: said for kind, said in told.items() if said}, ensure_ascii=False, allow_nan=False)


def _made_at(told: str, now: datetime) -> datetime:
    """When a report was made; a report that was put together by hand need not say."""
    if not told:
        return now
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        raise ConfigError(f"the report's created_at is {told!r}; it is a time in ISO 8601") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
