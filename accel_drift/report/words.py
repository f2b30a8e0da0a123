"""The sentences and number formats that the text and the HTML report share."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from accel_drift.finding import Finding, Severity, Status

if TYPE_CHECKING:
    from accel_drift.report.report import Report

STATUS_WORDS = {
    Status.DRIFTED: "drifted",
    Status.SIGNIFICANT_SMALL: "small",
    Status.STABLE: "stable",
    Status.TOO_FEW_ROWS: "too few rows",
    Status.TOO_FEW_BLOCKS: "too few blocks",
    Status.CONSTANT: "constant",
    Status.ALL_MISSING: "all missing",
    Status.NOT_COMPARABLE: "not comparable",
}

STATUS_MEANING = {
    Status.DRIFTED: "the difference is significant after correction and large enough to count",
    Status.SIGNIFICANT_SMALL: "the difference is real but smaller than what counts as drift",
    Status.STABLE: "no difference that chance would not give",
    Status.TOO_FEW_ROWS: "not tested: too few rows on one side",
    Status.TOO_FEW_BLOCKS: "not tested: too few whole blocks to permute",
    Status.CONSTANT: "not tested: one and the same value on both sides",
    Status.ALL_MISSING: "not tested: no value present on one side",
    Status.NOT_COMPARABLE: "not tested: the two sides cannot be compared",
}


def visible(text: str) -> str:
    """The text with characters that nobody sees (controls, direction marks, line ends) spelled out.

    Column names come from data: one with an escape sequence must not paint the terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def number(value: float | None, digits: int = 3) -> str:
    """A number short enough for a table: `0.0213`, `1,240`, `3.1e-07`; "-" where there is none."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    # Rounded first: 999.6 is 1,000 and must be written as such.
    rounded = float(f"{value:.{max(digits, 1) - 1}e}")
    size = abs(rounded)
    if size >= 1e7 or size < 1e-4:
        return f"{value:.{digits - 1}e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"


def count(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"


def short_count(value: int) -> str:
    """A count in at most five characters: `9,999`, `28.2k`, `1.24M`."""
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if value >= unit:
            return f"{number(value / (unit if name != 'k' else 1000))}{name}"
    return count(value)


def plural(amount: int, one: str) -> str:
    """`1 column`, `2 columns`."""
    return f"{amount:,} {one if amount == 1 else one + 's'}"


def p_text(value: float | None) -> str:
    """A p-value in at most six characters: `0.42`, `0.012`, `0.0002`, `3e-07`."""
    if value is None or math.isnan(value):
        return "-"
    if value >= 0.0999:
        return f"{value:.2f}"
    return f"{value:.3f}" if value >= 0.00995 else f"{value:.4f}" if value >= 0.0001 else f"{value:.0e}"


def effect_text(finding: Finding) -> str:
    """The effect to two digits, or as far as its interval reaches."""
    if finding.effect is None or finding.interval is None:
        return number(finding.effect, 2)
    return _fixed(finding.effect, _decimals(finding))


def interval_text(finding: Finding) -> str:
    """The effect's interval in brackets, both ends to the same decimals, or "" without one."""
    if finding.interval is None:
        return ""
    low, high = finding.interval
    decimals = _decimals(finding)
    return f"[{_fixed(low, decimals)}, {_fixed(high, decimals)}]"


def _decimals(finding: Finding) -> int:
    """Decimals that show two digits of the largest of the effect and its interval's ends."""
    values = [finding.effect or 0.0, *(finding.interval or ())]
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    return 2 if largest == 0 else min(6, max(0, 1 - math.floor(math.log10(largest))))


def _fixed(value: float, decimals: int) -> str:
    if not math.isfinite(value) or abs(value) >= 1e7:
        return number(value)
    text = f"{value:,.{decimals}f}"
    # "-0.00" is zero to these decimals.
    return text[1:] if float(text.replace(",", "")) == 0 and text.startswith("-") else text


def share(value: float) -> str:
    """A share in per cent: `12 %`, `0.4 %`."""
    percent = 100 * value
    if percent == 0:
        return "0 %"
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.05 else "< 0.1 %"


def place(finding: Finding) -> str:
    """Where a finding is: its column, or how many it joins."""
    if len(finding.columns) <= 1:
        return visible(finding.column)
    return plural(len(finding.columns), "column")


def verdict_words(finding: Finding) -> str:
    """Status and severity in at most fifteen characters: `DRIFT critical`, `small`, `too few rows`."""
    if finding.status is not Status.DRIFTED:
        return STATUS_WORDS[finding.status]
    return "DRIFT" if finding.severity is Severity.NONE else f"DRIFT {finding.severity}"


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
        return f"{'DRIFT' if report.drifted else 'NO DRIFT'}: 0 of {plural(compared, 'column')}"
    worst = found[0]
    if drifted:
        where = f"{len(drifted):,} of {plural(compared, 'column')}"
    else:
        where = f"in {plural(len(worst.columns), 'column')} together, in none alone"
    size = "" if worst.effect is None else f" {number(worst.effect, 2)}"
    line = f"{where}, worst {worst.severity}: {place(worst)} ({worst.detector}{size})"
    return f"DRIFT: {line}" if report.drifted else f"NO DRIFT by the rule {report.rule!r}, but {line}"


def remark(report: Report, finding: Finding) -> str:
    """What a person should read beside a finding: why it does not count, and the detector's own note."""
    # Whoever judged the finding may have said so already.
    said = finding.note.startswith("significant but small")
    small = finding.status is Status.SIGNIFICANT_SMALL and not said
    parts = [small_reason(report, finding)] if small else []
    if finding.note:
        parts.append(visible(finding.note))
    return "; ".join(parts)


def small_reason(report: Report, finding: Finding) -> str:
    """Why a significant finding does not count as drift."""
    least = report.least_effect(finding)
    if finding.effect is None:
        return "significant but small"
    size = f"significant but small: effect {number(finding.effect, 2)}"
    if least is None:
        return size
    bands = report.bands(finding)
    name = "first band" if bands and least == bands[0] else "min_effect"
    if abs(finding.effect) < least:
        return f"{size} < {name} {least:g}"
    return size


def detector_lines(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Each detector with the unit of its effect and the way its p-values were found."""
    units: dict[str, str] = {}
    methods: dict[str, dict[str, None]] = {}
    for finding in findings:
        if finding.unit:
            units[finding.detector] = finding.unit
        if finding.p_method:
            methods.setdefault(finding.detector, {})[finding.p_method] = None
    lines = []
    for detector in dict.fromkeys([*units, *methods]):
        parts = [f"effect in {units[detector]}"] if detector in units else []
        parts += [f"p-value {' or '.join(methods[detector])}"] if detector in methods else []
        lines.append((visible(detector), visible(", ".join(parts))))
    return lines


def detectable_line(report: Report) -> str:
    """Which shift of the mean the rows at hand are enough for, or "" where that was not worked out."""
    known = {name: value for name, value in report.detectable.items() if math.isfinite(value)}
    if not known:
        return ""
    worst = max(known, key=lambda name: known[name])
    if len(known) == 1:
        which = f"{number(known[worst], 2)} sd in {visible(worst)}"
    else:
        middle = statistics.median(known.values())
        which = f"{number(middle, 2)} sd in the median column, {number(known[worst], 2)} sd in {visible(worst)}"
    return f"Found with power 0.8 at these sizes: a shift of the mean by {which}"


def schema_lines(report: Report) -> list[str]:
    """The columns added, removed and retyped, one line each kind."""
    diff = report.schema_diff
    lines = []
    if diff.added:
        lines.append("only in the batch: " + ", ".join(visible(name) for name in diff.added))
    if diff.removed:
        lines.append("only in the reference: " + ", ".join(visible(name) for name in diff.removed))
    if diff.retyped:
        changes = (f"{visible(name)} ({was} -> {now})" for name, was, now in diff.retyped)
        lines.append("other type: " + ", ".join(changes))
    return lines


def sizes_line(report: Report) -> str:
    """Which two data sets, and how many rows each."""
    return (
        f"{visible(report.batch)} ({plural(report.n_batch, 'row')}) against "
        f"{visible(report.reference)} ({plural(report.n_reference, 'row')})"
    )
