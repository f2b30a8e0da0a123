"""What a column's findings are made of, in a form to read and to pass on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.report.plain import plain

if TYPE_CHECKING:
    from accel_drift.report.report import Report


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """The findings of one column with their parts, the worst finding first.

    Attributes:
        column: the column's name.
        findings: its findings; `finding.parts` stand with the largest contribution first.
    """

    column: str
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain JSON values."""
        return {"column": self.column, "findings": [plain(f.to_dict()) for f in self.findings]}

    def __str__(self) -> str:
        return "\n".join(line for f in self.findings for line in _lines(f))

    def __repr__(self) -> str:
        return f"<Explanation of {self.column!r}: {', '.join(f.detector for f in self.findings)}>"


def explain(report: Report, column: str, detector: str | None = None) -> Explanation:
    """The findings of `column`, or of the joint detector of that name. Arguments as in `Report.explain`."""
    found = [f for f in report.findings if column in (f.column, f.detector if len(f.columns) > 1 else f.column)]
    if not found:
        raise ConfigError(_unknown("column", column, [f.column for f in report.findings]))
    chosen = [f for f in found if detector in (None, f.detector)]
    if not chosen:
        raise ConfigError(_unknown("detector", str(detector), [f.detector for f in found]))
    return Explanation(found[0].column, tuple(chosen))


def _unknown(what: str, name: str, there: Iterable[str]) -> str:
    known = list(dict.fromkeys(there))
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6) or known[:12]
    return f"the report has no finding of {what} {name!r}; there are {', '.join(near)}"


def _lines(finding: Finding) -> list[str]:
    head = f"{finding.detector} {finding.status}: {finding.column}"
    return [head, *(f"  {part.label}: {part.contribution:.3g} {part.direction}".rstrip() for part in finding.parts)]
