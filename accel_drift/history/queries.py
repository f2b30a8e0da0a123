"""Questions to a history; every answer is an Arrow table."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, Table, case, distinct, func, select

from accel_drift.errors import ConfigError
from accel_drift.finding import Severity, Status
from accel_drift.history.tables import findings, metrics, runs, series
from accel_drift.history.window import moment
from accel_drift.history.writing import named
from accel_drift.options import at_least, between

_TIME = pa.timestamp("us", tz="UTC")
_WINDOW = [("name", pa.string()), ("window", pa.string()), ("window_start", _TIME), ("window_end", _TIME)]
_NUMBERS = ("statistic", "effect", "interval_low", "interval_high", "p_value", "adjusted_p_value")

RUNS = pa.schema(
    [
        *_WINDOW,
        *((name, pa.int64()) for name in ("rows", "reference_rows")),
        ("drifted", pa.bool_()),
        *((name, pa.string()) for name in ("severity", "rule")),
        ("alpha", pa.float64()),
        ("findings", pa.int64()),
        *((name, _TIME) for name in ("created_at", "recorded_at")),
        *((name, pa.string()) for name in ("profile", "version", "reference", "batch", "remarks")),
    ]
)
FINDINGS = pa.schema(
    [
        *_WINDOW,
        ("place", pa.int64()),
        ("column", pa.string()),
        ("columns", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("detector", "status", "severity")),
        *((name, pa.float64()) for name in _NUMBERS),
        *((name, pa.string()) for name in ("p_method", "unit")),
        *((name, pa.int64()) for name in ("n_reference", "n_batch")),
        ("note", pa.string()),
    ]
)
METRICS = pa.schema(
    [
        *_WINDOW,
        ("metric", pa.string()),
        *((name, pa.float64()) for name in ("value", "low", "high")),
        ("rows", pa.int64()),
        ("recorded_at", _TIME),
    ]
)
TREND = pa.schema(
    [
        *_WINDOW[1:],
        *((name, pa.string()) for name in ("column", "detector", "status", "severity")),
        *((name, pa.float64()) for name in _NUMBERS),
        ("unit", pa.string()),
        ("n_batch", pa.int64()),
    ]
)
DRIFTED = pa.schema(
    [
        ("column", pa.string()),
        *((name, pa.int64()) for name in ("drifted", "windows")),
        ("share", pa.float64()),
        *((name, _TIME) for name in ("first", "last")),
        ("severity", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Span:
    """Which windows are asked for: those that lie in it wholly.

    Attributes:
        days: so many before `end`, or before the end of the monitor's last window.
        start: no window that starts before.
        end: no window that ends later.
    """

    days: float | None = None
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.days is not None:
            between(self.days, 0, 100_000, "days", "the time before the end that is asked for")
            if self.start is not None:
                raise ConfigError("give days or start, not both")
        for which in ("start", "end"):
            if getattr(self, which) is not None:
                object.__setattr__(self, which, moment(getattr(self, which), which))
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ConfigError(f"start is {self.start} and end is before, {self.end}")


def table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows of a database as an Arrow table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    lists = {i for i, field in enumerate(schema) if pa.types.is_list(field.type)}
    told: dict[str, list[str]] = {}
    arrays = []
    for i, field in enumerate(schema):
        values: Sequence[Any] = columns[i]
        if i in lists:
            values = [told[text] if text in told else told.setdefault(text, json.loads(text)) for text in values]
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


_JOINED = runs.join(findings, findings.c.run_id == runs.c.id).join(series, series.c.id == findings.c.series_id)


def picked(schema: pa.Schema) -> Select[*tuple[Any, ...]]:
    """All rows that a schema's table is made of; a caller adds conditions and an order."""
    if schema is RUNS:
        return select(*_columns(schema, runs))
    if schema is METRICS:
        joined = runs.join(metrics, metrics.c.run_id == runs.c.id)
        return select(*_columns(schema, metrics)).select_from(joined)
    return select(*_columns(schema, findings, series)).select_from(_JOINED)


def _columns(schema: pa.Schema, *homes: Table) -> list[Any]:
    """Those of the first table that has them, under the schema's names; which window it was, a run knows."""
    held = {"window": runs.c.window_key, **{name: runs.c[name] for name in ("name", "window_start", "window_end")}}
    for home in reversed(homes):
        held.update({name: column for name, column in home.c.items() if name not in _OF_RUN})
    return [held[name].label(name) for name in schema.names]


_OF_RUN = frozenset(name for name, _ in _WINDOW)


def names(connection: Connection) -> list[str]:
    """Monitors that have windows, in alphabetical order."""
    return sorted(connection.execute(select(runs.c.name).distinct()).scalars())


def within(connection: Connection, name: Any, span: Span) -> list[ColumnElement[bool]]:
    """What holds of the runs of a monitor that lie in a span.

    Raises:
        ConfigError: there is no such monitor.
    """
    named(name)
    last = connection.execute(select(func.max(runs.c.window_end)).where(runs.c.name == name)).scalar()
    if last is None:
        raise ConfigError(_unknown("monitor", name, names(connection)))
    start, end = span.start, span.end
    if span.days is not None:
        start = _before(end or last, span.days)
    held = [runs.c.name == name]
    if start is not None:
        held += [runs.c.window_end >= start, runs.c.window_start >= start]
    if end is not None:
        held.append(runs.c.window_end <= end)
    return held


def run_rows(connection: Connection, name: Any, span: Span, drifted: Any, last: Any = None) -> pa.Table:
    """Windows of a monitor, oldest first.

    Raises:
        ConfigError: there is no such monitor, or an option cannot work.
    """
    held = within(connection, name, span)
    if drifted is not None:
        held.append(runs.c.drifted == drifted)
    asked = picked(RUNS).where(*held)
    if last is None:
        return table(connection.execute(asked.order_by(runs.c.window_end, runs.c.id)).all(), RUNS)
    at_least(last, 1, "last", "so many of the latest windows")
    newest = asked.order_by(runs.c.window_end.desc(), runs.c.id.desc()).limit(last)
    return table(connection.execute(newest).all()[::-1], RUNS)


def finding_rows(
    connection: Connection, name: Any, column: Any, detector: Any, status: Any, span: Span, schema: pa.Schema
) -> pa.Table:
    """Findings of a monitor, oldest window first, the worst of a window first.

    Raises:
        ConfigError: there is no such monitor, or it never had such a column, detector or status.
    """
    held = within(connection, name, span)
    about = [series.c[which] == value for which, value in _about(column, detector)]
    if about:
        held.append(findings.c.series_id.in_(select(series.c.id).where(*about)))
    if status is not None:
        if status not in set(Status):
            raise ConfigError(_unknown("status", status, list(Status)))
        held.append(findings.c.status == str(status))
    asked = picked(schema).where(*held).order_by(runs.c.window_end, runs.c.id, findings.c.place)
    found = table(connection.execute(asked).all(), schema)
    if not found.num_rows:
        _refuse_unknown(connection, name, column, detector)
    return found


def latest(connection: Connection, name: Any) -> pa.Table:
    """Findings of the last window, the worst first.

    Raises:
        ConfigError: there is no such monitor.
    """
    within(connection, name, Span())
    last = select(runs.c.id).where(runs.c.name == name).order_by(runs.c.window_end.desc(), runs.c.id.desc()).limit(1)
    asked = picked(FINDINGS).where(runs.c.id == last.scalar_subquery()).order_by(findings.c.place)
    return table(connection.execute(asked).all(), FINDINGS)


def metric_rows(connection: Connection, name: Any, metric: Any, span: Span) -> pa.Table:
    """Metrics of a monitor, oldest window first.

    Raises:
        ConfigError: there is no such monitor, or it never had such a metric.
    """
    held = within(connection, name, span)
    if metric is not None:
        held.append(metrics.c.metric == metric)
    asked = picked(METRICS).where(*held).order_by(runs.c.window_end, runs.c.id, metrics.c.metric)
    found = table(connection.execute(asked).all(), METRICS)
    if not found.num_rows and metric is not None:
        joined = select(metrics.c.metric).distinct().join(runs, runs.c.id == metrics.c.run_id)
        there = sorted(connection.execute(joined.where(runs.c.name == name)).scalars())
        if metric not in there:
            raise ConfigError(_unknown("metric", metric, there, name))
    return found


_RANK = case(*((findings.c.severity == str(s), s.rank) for s in Severity), else_=0)


def drifted_columns(connection: Connection, name: Any, span: Span) -> pa.Table:
    """Columns that drifted in any window, in most windows first.

    Raises:
        ConfigError: there is no such monitor.
    """
    held = within(connection, name, span)
    hit = findings.c.status == str(Status.DRIFTED)
    drifted = func.count(distinct(case((hit, findings.c.run_id))))
    tested = case((findings.c.status.in_([str(s) for s in Status if s.tested]), findings.c.run_id))
    asked = (
        select(
            series.c.column,
            drifted,
            func.count(distinct(tested)),
            func.min(case((hit, runs.c.window_start))),
            func.max(case((hit, runs.c.window_end))),
            func.max(_RANK),
        )
        .select_from(
            runs.join(findings, findings.c.run_id == runs.c.id).join(series, series.c.id == findings.c.series_id)
        )
        .where(*held)
        .group_by(series.c.column)
        .having(drifted > 0)
        .order_by(drifted.desc(), series.c.column)
    )
    worst = list(Severity)
    rows = [
        (column, hits, windows, hits / windows, first, last, str(worst[rank]))
        for column, hits, windows, first, last, rank in connection.execute(asked)
    ]
    return table(rows, DRIFTED)


def _about(column: Any, detector: Any) -> list[tuple[str, Any]]:
    return [(which, value) for which, value in (("column", column), ("detector", detector)) if value is not None]


def _refuse_unknown(connection: Connection, name: str, column: Any, detector: Any) -> None:
    """Nothing was found: say so where a name is wrong, and not only the time."""
    pairs = select(series.c.column, series.c.detector).distinct()
    pairs = pairs.join(findings, findings.c.series_id == series.c.id).join(runs, runs.c.id == findings.c.run_id)
    there = connection.execute(pairs.where(runs.c.name == name)).all()
    for which, value, seen in (
        ("column", column, {c for c, _ in there}),
        ("detector", detector, {d for _, d in there}),
    ):
        if value is not None and value not in seen:
            raise ConfigError(_unknown(which, value, sorted(seen), name))
    if column is not None and detector is not None and (column, detector) not in {tuple(pair) for pair in there}:
        had = ", ".join(sorted(d for c, d in there if c == column))
        raise ConfigError(f"{detector!r} never looked at column {column!r} of {name!r}; {had} did")


def _unknown(what: str, value: Any, there: Sequence[str], monitor: str = "") -> str:
    """What is wrong with a name, and what was perhaps meant."""
    where = f" of {monitor!r}" if monitor else ""
    if not there:
        return f"the history has no {what} {value!r}{where}; it has none at all yet"
    near = difflib.get_close_matches(str(value), there, 3, 0.5) or list(there[:5])
    more = f" and {len(there) - len(near)} more" if len(there) > len(near) else ""
    return f"the history has no {what} {value!r}{where}; there are {', '.join(repr(str(n)) for n in near)}{more}"


def _before(end: datetime, days: float) -> datetime | None:
    try:
        return end - timedelta(days=days)
    except OverflowError:
        return None
