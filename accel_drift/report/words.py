"""The sentences and number formats that the text and the HTML report share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from accel_drift.finding import Finding, Severity, Status

if TYPE_CHECKING:
    from accel_drift.report.report import Report

STATUS_WORDS = {
    Status.DRIFTED: "drifted",
    Status.SIGNIFICANT_SMALL: "small but significant",
    Status.STABLE: "stable",
    Status.TOO_FEW_ROWS: "too few rows",
    Status.TOO_FEW_BLOCKS: "too few blocks",
    Status.CONSTANT: "constant",
    Status.ALL_MISSING: "all missing",
    Status.NOT_COMPARABLE: "not comparable",
}


def number(value: float | None, digits: int = 3) -> str:
    """A number short enough for a table: `0.0213`, `1,240`, `3.1e-07`; "-" where there is none."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-4:
        return f"{value:.{digits - 1}e}"
    if size >= 1000:
        return f"{value:,.0f}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{value:.{decimals}f}"


def count(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"


def plural(amount: int, one: str, many: str | None = None) -> str:
    """`1 column`, `2 columns`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def p_text(value: float | None) -> str:
    """A p-value to two digits; what is below a ten-thousandth in powers of ten."""
    return "-" if value is None else number(value, 2)


def interval_text(interval: tuple[float, float] | None) -> str:
    """An interval in brackets, or "" without one."""
    return "" if interval is None else f"[{number(interval[0], 2)}, {number(interval[1], 2)}]"


def place(finding: Finding) -> str:
    """Where a finding is: its column, or how many together."""
    return finding.column if len(finding.columns) == 1 else f"{plural(len(finding.columns), 'column')} together"


def headline(report: Report) -> str:
    """The verdict in one line."""
    if not report.findings:
        return "NO ANSWER: nothing was compared"
    compared, drifted = len(report.compared_columns), report.drifted_columns
    if not any(f.status.tested for f in report.findings):
        why = dict.fromkeys(STATUS_WORDS[f.status] for f in report.findings)
        return f"NO ANSWER: none of {plural(compared, 'column')} could be tested ({', '.join(why)})"
    found = [f for f in report.findings if f.status is Status.DRIFTED]
    if not found:
        head = "DRIFT" if report.drifted else "NO DRIFT"
        return f"{head}: 0 of {plural(compared, 'column')}"
    worst = found[0]
    if drifted:
        where = f"{len(drifted)} of {plural(compared, 'column')}"
    else:
        where = f"in {plural(len(worst.columns), 'column')} together, in none alone"
    size = "" if worst.effect is None else f" {number(worst.effect, 2)}"
    line = f"{where}, worst {worst.severity}: {place(worst)} ({worst.detector}{size})"
    return f"DRIFT: {line}" if report.drifted else f"NO DRIFT by the rule {report.rule!r}: {line}"


def small_reason(finding: Finding, bands: tuple[float, ...], min_effect: float | None = None) -> str:
    """Why a significant finding does not count as drift."""
    least = min_effect if min_effect is not None else (bands[0] if bands else None)
    effect = "" if finding.effect is None else f": effect {number(finding.effect, 2)}"
    if least is None or finding.effect is None:
        return f"significant but small{effect}"
    name = "the least that counts" if min_effect is not None else "first band"
    return f"significant but small{effect} < {name} {number(least, 2)}"


def severity_word(severity: Severity) -> str:
    """The severity, or "-" for none."""
    return "-" if severity is Severity.NONE else str(severity)
