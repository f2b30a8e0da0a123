"""One number for a window: 100 where nothing drifted, 0 where every column is beyond recognition."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import fsum, isnan, sqrt
from typing import Any

from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Severity
from accel_drift.options import is_finite
from accel_drift.report import Report
from accel_drift.report.plain import plain
from accel_drift.report.words import STATUS_WORDS, number

LINES = (0.25, 0.5, 0.75)
"""Scores where watch, warning and critical begin."""

FORMULA = (
    "100 (1 - sqrt(sum of weight score^2 / sum of weight)), over columns that were tested, are gone or of another "
    "type. A column's score is that of its worst finding: 0 where it did not drift; "
    f"{LINES[0]:g}, {LINES[1]:g} and {LINES[2]:g} at the effects where watch, warning and critical begin, straight "
    f"between them, and 1 - {1 - LINES[2]:g} critical / effect beyond; without such effects the number of its "
    "severity; 1 where the column is gone or of another type."
)


@dataclass(frozen=True, slots=True)
class ColumnHealth:
    """What one column adds.

    Attributes:
        column: its name; of a joint finding the names joined with ", ".
        score: from 0, it did not drift, to 1.
        weight: how much it counts.
        severity: of its worst finding; critical where it is gone or of another type.
        detector: that made the worst finding; "" where the column is gone or of another type.
        reason: the score in words.
    """

    column: str
    score: float
    weight: float
    severity: Severity
    detector: str
    reason: str


@dataclass(frozen=True, slots=True)
class Health:
    """How healthy a window is.

    Attributes:
        value: 0 to 100; None where no column with a weight was tested, is gone or of another type.
        columns: what each adds, the worst first; a joint finding is a column of its own.
        untested: columns that do not count -> why.
        added: columns that the reference lacks; they do not count.
        reason: why there is no value, or "".
        formula: how the value follows from the scores and weights of `columns`.
    """

    value: float | None
    columns: tuple[ColumnHealth, ...]
    untested: Mapping[str, str]
    added: tuple[str, ...]
    reason: str = ""
    formula: str = FORMULA

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        made: dict[str, Any] = plain(asdict(self))
        return made


def health(report: Report, *, weights: Mapping[str, float] | None = None) -> Health:
    """How healthy a window is, from the severities over its columns.

    The quadratic mean of the scores is taken from 1: one bad column of many counts for more than its share, and many
    for more than one. A clean report has exactly 100. Scores say how large a drift is, once it is beyond chance; what
    is not, or is too small to count, has 0. Columns that were not tested do not count, neither for nor against: values
    of windows with other columns untested are of other columns.

    Args:
        report: of one window.
        weights: column -> how much it counts, from 0 up; 1 where it is not named. A joint finding is named by its
            columns' names joined with ", ".

    Raises:
        DataError: it is no report.
        ConfigError: a weight is no number from 0 up, or of no column of the report.

    >>> import accel_drift as ad
    >>> rows = {"age": [x / 7 for x in range(500)], "income": [x / 9 for x in range(500)]}
    >>> seen = ad.compare(rows, {**rows, "income": [2 * x for x in rows["income"]]}, ["psi"], seed=0)
    >>> found = health(seen)
    >>> round(found.value, 1), [(c.column, round(c.score, 2)) for c in found.columns]
    (33.6, [('income', 0.94), ('age', 0.0)])
    >>> round(health(seen, weights={"age": 9}).value, 1)
    70.3
    """
    given: Any = report
    if not isinstance(given, Report):
        raise DataError(f"{type(given).__name__} is no Report; give what compare or score returned")
    changed = dict.fromkeys(report.schema_diff.removed, "the column is gone")
    changed |= {name: f"the column is {now}, and was {was}" for name, was, now in report.schema_diff.retyped}
    made: dict[str, ColumnHealth] = {}
    untested = {name: why for name, why in report.excluded.items() if name not in changed}
    for finding in report.findings:
        name = finding.column
        if name in changed:
            continue
        if not finding.status.tested:
            untested.setdefault(name, finding.note or STATUS_WORDS[finding.status])
            continue
        one = _scored(finding, report.bands(finding))
        if name not in made or one.score > made[name].score:
            made[name] = one
    for name, why in changed.items():
        made[name] = ColumnHealth(name, 1.0, 1.0, Severity.CRITICAL, "", why)
    untested = {name: why for name, why in untested.items() if name not in made}
    added = tuple(report.schema_diff.added)
    known = _weights(weights, columns_of(report))
    columns = tuple(
        ColumnHealth(c.column, c.score, known.get(c.column, 1.0), c.severity, c.detector, c.reason)
        for c in sorted(made.values(), key=lambda c: -c.score)
    )
    value = _value(columns)
    return Health(value, columns, untested, added, "" if value is not None else _no_value(columns, untested))


def _scored(finding: Finding, bands: tuple[float, ...]) -> ColumnHealth:
    score = _score(finding, bands)
    told = f"{finding.detector} {number(finding.effect)}"
    if finding.severity is Severity.NONE:
        told += f": {STATUS_WORDS[finding.status]}"
    elif len(bands) == len(LINES):
        told += f": {finding.severity}, which begins at {bands[finding.severity.rank - 1]:g}"
    else:
        told += f": {finding.severity}, on a scale without lines"
    return ColumnHealth(finding.column, score, 1.0, finding.severity, finding.detector, told)


def _score(finding: Finding, bands: tuple[float, ...]) -> float:
    """From 0 to 1. The severity says between which lines the effect lies: what was judged may be a part of it."""
    rank = finding.severity.rank
    if rank == 0:
        return 0.0
    start, effect = LINES[rank - 1], abs(finding.effect if finding.effect is not None else 0.0)
    if len(bands) != len(LINES) or isnan(effect) or effect <= bands[rank - 1]:
        return start
    begins = bands[rank - 1]
    if rank == len(LINES):
        return 1 - (1 - start) * max(begins, 0.0) / effect
    ends = bands[rank]
    return start + (LINES[rank] - start) * min(1.0, (effect - begins) / (ends - begins)) if ends > begins else start


def _value(columns: tuple[ColumnHealth, ...]) -> float | None:
    whole = fsum(c.weight for c in columns)
    if whole == 0:
        return None
    return 100 * (1 - min(1.0, sqrt(fsum(c.weight / whole * c.score**2 for c in columns))))


def _no_value(columns: tuple[ColumnHealth, ...], untested: Mapping[str, str]) -> str:
    if columns:
        return "every column that was tested has the weight 0"
    if not untested:
        return "there are no columns"
    name, why = next(iter(untested.items()))
    more = f", and {len(untested) - 1:,} more" if len(untested) > 1 else ""
    return f"no column was tested ({name}: {why}{more})"


def columns_of(report: Report) -> set[str]:
    """All columns that a weight can be given to."""
    changed = {name for name, _, _ in report.schema_diff.retyped} | {*report.schema_diff.removed}
    there = {*report.excluded, *report.schema_diff.added, *report.compared_columns}
    return there | changed | {finding.column for finding in report.findings}


def checked_weights(given: Any) -> dict[str, float]:
    """Column -> how much it counts.

    Raises:
        ConfigError: it is no such mapping, or a weight is no number from 0 up.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"weights is {given!r}; give a mapping from columns to numbers, such as {{'income': 2}}")
    for name, weight in given.items():
        if not (is_finite(weight) and weight >= 0):
            raise ConfigError(f"the weight of {name!r} is {weight!r}; it is a number from 0 up")
    return {name: float(weight) for name, weight in given.items()}


def _weights(given: Any, known: set[str]) -> dict[str, float]:
    weights = checked_weights(given)
    for name in weights:
        if name not in known:
            near = difflib.get_close_matches(str(name), sorted(known), 3, 0.5) or sorted(known)[:5]
            raise ConfigError(f"weights names {name!r}, which the report lacks; it has {', '.join(map(repr, near))}")
    return weights
