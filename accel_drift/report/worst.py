"""Which columns of a wide report are shown, and a line for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Status
from accel_drift.report import words

if TYPE_CHECKING:
    from accel_drift.report.report import Report

PAGE_COLUMNS = 200
"""Columns on a page where the caller does not say how many: about a megabyte and a half."""


def check(top: Any) -> None:
    """Refuse a number of columns that shows nothing.

    Raises:
        ConfigError: it is no whole number of at least 1.
    """
    if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
        raise ConfigError(f"top is {top!r}; it is how many of the worst columns are shown, such as 20")


def worst_columns(report: Report, top: int) -> list[Finding]:
    """The findings of so many columns, the worst first; those of joint tests come on top of that number."""
    names = dict.fromkeys(f.column for f in report.findings if len(f.columns) == 1)
    kept = set(list(names)[:top])
    return [f for f in report.findings if f.column in kept or len(f.columns) > 1]


def loud_columns(report: Report, top: int) -> list[Finding]:
    """Likewise, without the columns that are stable."""
    worst = {f.column: f.status for f in reversed(report.findings)}  # the first finding of a column is its worst
    return [f for f in worst_columns(report, top) if len(f.columns) > 1 or worst[f.column] is not Status.STABLE]


def more_line(report: Report, shown: Collection[Finding]) -> str:
    """How many columns are not shown and how they ended, or "": `and 987 more columns, all stable`."""
    known = {f.column for f in shown}
    rest: dict[str, Status] = {}
    for finding in report.findings:
        if finding.column not in known:
            rest.setdefault(finding.column, finding.status)
    if not rest:
        return ""
    ended = Counter(words.STATUS_WORDS[status] for status in rest.values())
    told = ", ".join(f"{count:,} {word}" for word, count in ended.items())
    if len(ended) == 1:
        told = f"{'all ' if len(rest) > 1 else ''}{next(iter(ended))}"
    return f"and {words.plural(len(rest), 'more column')}, {told}"


def some(lines: Sequence[str], most: int, what: str) -> list[str]:
    """At most so many lines, and how many more there are: `... and 40 more warnings`."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"... and {len(lines) - most:,} more {what}"]
