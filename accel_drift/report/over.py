"""What the pages say of thresholds, where the profile was calibrated: nothing where it was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from accel_drift.finding import Finding
from accel_drift.report import words

if TYPE_CHECKING:
    from accel_drift.report.report import Report

MARKS = {"": " ", "over": "+", "alarm": "!"}
"""What stands for each word where there is little room."""

_NAMED = 3


def any_threshold(findings: Sequence[Finding]) -> bool:
    """Whether any statistic was held against a threshold."""
    return any("threshold" in f.details for f in findings)


def word(finding: Finding) -> str:
    """`alarm` over the threshold of all statistics together, `over` over its own only, else ""."""
    return "alarm" if finding.details.get("over_together") else "over" if finding.details.get("over_threshold") else ""


def threshold_text(finding: Finding) -> str:
    """The threshold of a statistic alone, or ""."""
    return words.number(finding.details["threshold"]) if "threshold" in finding.details else ""


def marked(finding: Finding) -> str:
    """The same with a mark behind it."""
    text = threshold_text(finding)
    return text and f"{text} {MARKS[word(finding)]}"


def verdict(report: Report) -> tuple[str, str, str] | None:
    """What thresholds say of the batch: in a word, where, and their rate; None where none was applied."""
    if not any_threshold(report.findings):
        return None
    rate = f"{(report.settings.get('thresholds') or {}).get('rate', 0):g}"
    if not any("threshold_together" in f.details for f in report.findings):
        alone = _places(report, "over_threshold")
        return "not known", f"none of all together; over its own: {alone or 'none'}", rate
    over = _places(report, "over_together")
    return ("ALARM", f"over that of all together: {over}", rate) if over else ("no alarm", "all together", rate)


def line(report: Report) -> str:
    """The same in a line, or ""."""
    told = verdict(report)
    if told is None:
        return ""
    short, where, rate = told
    said = short if short == "no alarm" else f"{short}, {where}"
    return f"By thresholds (rate {rate}): {said} (the verdict above is that of p-values)"


def key(report: Report) -> str:
    """What the marks of the table mean."""
    told = verdict(report)
    rate = "" if told is None else f" (rate {told[2]})"
    return f"threshold: of each value alone{rate}; + is over it, ! is over that of all together, too"


def facts(findings: Sequence[Finding]) -> list[str]:
    """A line for each statistic that is over its threshold."""
    out = []
    for f in findings:
        if word(f):
            text = f"{f.detector}: {words.number(f.statistic)} is over its threshold of {threshold_text(f)}"
            if "threshold_together" in f.details:
                how = "and over" if word(f) == "alarm" else "and not over"
                text += f", {how} that of all together, {words.number(f.details['threshold_together'])}"
            out.append(text)
    return out


def _places(report: Report, which: str) -> str:
    names = list(dict.fromkeys(words.place(f) for f in report.findings if f.details.get(which)))
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
