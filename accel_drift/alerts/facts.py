"""The numbers of a window that rules ask for, as an array: NaN where a window has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from math import ceil, nan
from typing import Any, NamedTuple

import numpy as np

from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.report import Report
from accel_drift.rules import Series

_MISSING = "missing"
_PERFORMANCE = "performance"


class _Numbers(NamedTuple):
    """What is known of one column, by one detector or by all."""

    value: float
    share: float
    p: float
    severity: float
    drifted: float


_UNKNOWN = _Numbers(nan, nan, nan, nan, nan)


class Facts:
    """Keeps a place for every series that is asked for, and fills them from reports.

    The value of a detector is the effect of its finding, and the statistic where there is no effect, such as for a
    finding that does not judge a size. A column is as severe as its worst finding that was tested, and critical where
    it is gone or of another type. A window in which nothing was tested has no severity.

    Attributes:
        values: (2 k,) of k series the numbers of the last window, and after them the same with the other sign.
        columns: all that findings of the last window are about, one by one; what `each column` goes over.
        changed: columns that are gone from it, or of another type.
    """

    def __init__(self) -> None:
        self.values = np.full(0, nan)
        self.columns: tuple[str, ...] = ()
        self.changed: frozenset[str] = frozenset()
        self._places: dict[Series, int] = {}
        self._known: dict[tuple[str, str], _Numbers] = {}
        self._own: frozenset[str] = frozenset()
        self._numbers: dict[str, float] = {}
        self._whole = _UNKNOWN

    def __len__(self) -> int:
        return len(self._places)

    @property
    def pairs(self) -> Collection[tuple[str, str]]:
        """Columns with the detectors that told something of them in the last window, if only that it is unknown."""
        return self._known.keys()

    @property
    def numbers(self) -> Collection[str]:
        """Names of the numbers that the last window as a whole has."""
        return self._numbers.keys()

    def place(self, series: Series) -> int:
        """Where the number of a series stands, from now on."""
        return self._places.setdefault(series, len(self._places))

    def look(self, report: Report, metrics: Iterable[Metric]) -> None:
        """Take a report's findings in; `read` then has the numbers."""
        self._known = _by_column(report)
        self.columns = tuple(dict.fromkeys(column for column, _ in self._known))
        self.changed = frozenset(column for column, _ in _changed(report))
        health = report.settings.get("health", {}).get("columns")
        single = {column for finding in report.findings if len(finding.columns) == 1 for column in finding.columns}
        single |= self.changed
        self._own = frozenset(single if health is None else single & {*health})
        tested = any(finding.status.tested for finding in report.findings) or bool(_changed(report))
        self._numbers = {one.name: nan if one.value is None else float(one.value) for one in metrics}
        self._numbers = {"rows": float(report.n_batch)} | self._numbers
        worst = max((float(numbers.severity) for numbers in self._known.values() if numbers.severity >= 0), default=0.0)
        self._whole = _UNKNOWN
        if tested:
            severity = max(worst, float(report.severity.rank))
            self._whole = _UNKNOWN._replace(severity=severity, drifted=float(report.drifted or bool(_changed(report))))

    def read(self) -> None:
        """Fill `values` from what was looked at."""
        count = len(self._places)
        values = np.full(count, nan)
        over: dict[tuple[str, str], Any] = {}
        for series, place in self._places.items():
            values[place] = self._of(series, over)
        self.values = np.concatenate((values, -values))

    def remeasured(self, metrics: Iterable[Metric], kept: Mapping[Series, float]) -> list[int]:
        """Fill `values` with numbers that came late, and with those that were kept of other series; NaN the rest.

        Returns:
            Places of the series whose numbers came.
        """
        came = {one.name: nan if one.value is None else float(one.value) for one in metrics}
        values = np.full(len(self._places), nan)
        places = []
        for series, place in self._places.items():
            name = f"{series.name}_drop" if series.detector == _PERFORMANCE else series.name
            if may_be_late(series) and name in came:
                values[place] = came[name]
                places.append(place)
            elif series in kept:
                values[place] = kept[series]
        self.values = np.concatenate((values, -values))
        return places

    def known(self, series: Series) -> float:
        """The number of a series in the last window, NaN where there is none."""
        place = self._places.get(series)
        return nan if place is None or place >= len(self.values) // 2 else float(self.values[place])

    def severities(self) -> dict[str, float]:
        """How severe each column is that was tested, and the window as a whole as column ""; 0 none to 3 critical."""
        found = {column: float(of.severity) for (column, by), of in self._known.items() if not by}
        found[""] = float(self._whole.severity)
        return {column: severity for column, severity in found.items() if severity == severity}

    def among(self, series: Series) -> dict[str, float]:
        """Of a series over many columns the number of each."""
        found = {name: self._of_column(name, series) for name in self._own}
        return {name: value for name, value in found.items() if value == value}

    def _of(self, series: Series, over: dict[tuple[str, str], Any]) -> float:
        if series.over == "report":
            if series.aspect == "value":
                return self._numbers.get(series.name, nan)
            return float(getattr(self._whole, series.aspect))
        if series.over == "column":
            return self._of_column(series.name, series)
        if series.over == "each":
            return nan
        about = (series.detector, series.aspect)
        if about not in over:
            over[about] = np.sort(np.array([*self.among(series).values()], dtype=float))
        ordered = over[about]
        if not len(ordered):
            return nan
        enough = min(max(1, ceil(series.share * len(ordered) - 1e-9)), len(ordered))
        return float(ordered[-enough] if series.largest else ordered[enough - 1])

    def _of_column(self, column: str, series: Series) -> float:
        found = self._known.get((column, series.detector))
        return nan if found is None else float(getattr(found, series.aspect))


def may_be_late(series: Series) -> bool:
    """Whether it is a number that labels can bring after the window was finished."""
    return series.aspect == "value" and (series.over == "report" or series.detector == _PERFORMANCE)


def _changed(report: Report) -> tuple[tuple[str, str], ...]:
    """Columns that are gone or of another type, as keys."""
    gone = [*report.schema_diff.removed, *(name for name, _, _ in report.schema_diff.retyped)]
    return tuple((name, "") for name in gone)


def _by_column(report: Report) -> dict[tuple[str, str], _Numbers]:
    """(column, detector) -> numbers, and (column, "") -> those of all of its findings together."""
    known: dict[tuple[str, str], _Numbers] = {}
    together: defaultdict[str, list[_Numbers]] = defaultdict(list)
    for finding in report.findings:
        numbers = _numbers(finding)
        known[finding.column, finding.detector] = numbers
        together[finding.column].append(numbers)
    for column, of in together.items():
        known[column, ""] = _Numbers(nan, nan, *(_worst([one[i] for one in of], i == _P) for i in range(_P, 5)))
    critical = float(Severity.CRITICAL.rank)
    for key in _changed(report):
        known[key] = known.get(key, _UNKNOWN)._replace(severity=critical, drifted=1.0)
    return known


_P = _Numbers._fields.index("p")


def _worst(of: list[float], least: bool) -> float:
    there = [value for value in of if value == value]
    if not there:
        return nan
    return min(there) if least else max(there)


def _numbers(finding: Finding) -> _Numbers:
    value = finding.statistic if finding.effect is None else finding.effect
    adjusted = finding.adjusted_p_value
    share = nan
    if finding.detector == _MISSING and finding.n_batch:
        count = finding.details.get("missing_batch")
        share = nan if count is None else count / finding.n_batch
    tested = finding.status.tested
    return _Numbers(
        nan if value is None else float(value),
        share,
        nan if adjusted is None else float(adjusted),
        float(finding.severity.rank) if tested else nan,
        float(finding.status is Status.DRIFTED) if tested else nan,
    )
