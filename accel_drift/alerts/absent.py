"""Rules that ask for what no window has: a column or a number that is misspelt, a detector that is not in use."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Sequence

from accel_drift.alerts.facts import Facts
from accel_drift.predictions.changed import METRICS
from accel_drift.rules import Rule, Series

LOG = logging.getLogger("accel_drift.alerts")
_MOST = 10
_LABELLED = "labelled_rows"
_AT_TIMES = frozenset({"health", "rows", "late_rows", "partly_late_rows", "untimed_rows", "dropped_rows", "ahead_rows"})
"""Numbers that every monitor can give, though not of every window."""
_WITH_LABELS = frozenset({*METRICS, "degraded", _LABELLED})


class Absent:
    """Logs a warning of every rule that asks for what no window has, once for each in a process.

    A number that labels bring is waited for where a part takes labels. What is said of a column waits while the column
    is gone or of another type.
    """

    _told: set[tuple[str, str, Series]] = set()  # noqa: RUF012  (of the process: a schedule makes alerts at every run)

    def __init__(self, monitor: str, rules: Iterable[Rule]) -> None:
        self._monitor = monitor
        self._asked: dict[Series, list[Rule]] = {}
        for rule in rules:
            for one in rule.condition.compares():
                self._asked.setdefault(one.series, []).append(rule)

    def look(self, facts: Facts) -> None:
        """A window was looked at: what it has is there, and of what it lacks a warning is logged."""
        for series in [*self._asked]:
            about = _about(series, facts)
            if about is None:
                continue
            for rule in self._asked.pop(series):
                if about and (key := (self._monitor, rule.identity, series)) not in self._told:
                    self._told.add(key)
                    LOG.warning("monitor %r, rule %r: %s", self._monitor, rule.name, about)


def _about(series: Series, facts: Facts) -> str | None:
    """What is wrong with a series; "" where nothing is, None where that is not known yet."""
    if series.over == "report":
        return _of_number(series, facts)
    if series.detector == "performance":
        if (series.name, series.detector) in facts.pairs:
            return ""
        return None if _LABELLED in facts.numbers else _without_labels(f"{series.name} drop")
    return _of_column(series, facts) if series.over == "column" else _of_columns(series, facts)


def _of_columns(series: Series, facts: Facts) -> str | None:
    found = {detector for _, detector in facts.pairs if detector}
    if series.detector in found or not series.detector:
        return ""
    if not found:
        return None
    return f"no window has had {series.detector!r} of any column; {_among('detectors in use', series, found)}"


def _of_column(series: Series, facts: Facts) -> str | None:
    if series.name in facts.changed:
        return None
    of = {detector for column, detector in facts.pairs if column == series.name and detector}
    if series.detector in of or (of and not series.detector):
        return ""
    if not facts.pairs:
        return None
    said = f"no window has had '{f'{series.name} {series.detector}'.strip()}'"
    if of:
        return f"{said}; {_among(f'detectors that look at {series.name}', series, of)}"
    single = {column for column, _ in facts.pairs if ", " not in column}  # those tested together have such names
    return f"{said}; {_among('columns', series, single)}"


def _of_number(series: Series, facts: Facts) -> str | None:
    name = series.name
    if series.aspect != "value" or name in facts.numbers or name in _AT_TIMES:
        return ""
    if name in _WITH_LABELS:
        return None if _LABELLED in facts.numbers else _without_labels(name)
    return f"no window has had the number {name!r} yet; {_among('numbers', series, facts.numbers)}"


def _without_labels(name: str) -> str:
    return (
        f"no window has had {name!r}, which takes predictions and labels; name them: predictions and data.label_column "
        "of a configuration, parts=[Performance(...)] of a monitor"
    )


def _among(what: str, series: Series, there: Iterable[str]) -> str:
    """What there is, and the nearest: `columns are age, income; did you mean income?`."""
    names: Sequence[str] = sorted(there)
    word = series.detector if what.startswith("detectors") else series.name
    lower = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.lower(), [*lower], n=1, cutoff=0.6)
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return f"{what} are {', '.join(names[:_MOST])}{more}" + (f"; did you mean {lower[near[0]]}?" if near else "")
