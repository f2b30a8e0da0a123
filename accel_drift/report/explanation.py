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
    import pyarrow as pa

    from accel_drift.report.report import Report


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """The findings of one column with their parts, the worst finding first.

    `str()` gives tables for a terminal, a notebook shows them with bars, and `to_dict`, `to_arrow` pass them on.

    Attributes:
        column: the column's name; of a joint finding the names joined with ", ".
        findings: its findings; `finding.parts` stand with the largest contribution first.
    """

    column: str
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain JSON values; `moved` says in words what each finding is about."""
        from accel_drift.report.moves import moved

        findings = [{**plain(f.to_dict()), "moved": moved(f)} for f in self.findings]
        return {"column": self.column, "findings": findings}

    def to_arrow(self) -> pa.Table:
        """The parts as an Arrow table, one row each, in the columns of `Report.parts`."""
        from accel_drift.report.arrow import parts_table

        return parts_table(self.findings)

    def to_text(self, width: int | None = None, color: bool = False, most: int = 15) -> str:
        """The explanation as text for a terminal.

        Args:
            width: characters a line; None means 100, or the terminal's width where `color` is set.
            color: colours; without it the text is plain ASCII, names in the data excepted.
            most: parts of a finding that are listed; the others are counted.
        """
        from accel_drift.report.explanation_text import ExplanationText
        from accel_drift.report.terminal import captured

        return captured(ExplanationText(self, most=most), width=width, color=color)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Explanation of {self.column!r}: {', '.join(f.detector for f in self.findings)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the same tables, with bars."""
        from accel_drift.report.explanation_html import render

        return render(self)


def explain(report: Report, column: str, detector: str | None = None) -> Explanation:
    """The findings of `column`, or of the joint detector of that name. Arguments as in `Report.explain`.

    Raises:
        ConfigError: the report has no finding of that column or detector.
    """
    found = [f for f in report.findings if column in (f.column, f.detector if len(f.columns) > 1 else f.column)]
    if not found:
        raise ConfigError(_no_column(report, str(column)))
    chosen = [f for f in found if detector in (None, f.detector)]
    if not chosen:
        there = ", ".join(dict.fromkeys(f.detector for f in found))
        raise ConfigError(f"the report has no finding of detector {detector!r} on {column!r}; there are {there}")
    return Explanation(found[0].column, tuple(chosen))


def _no_column(report: Report, name: str) -> str:
    """Why there is nothing to explain, and what was most likely meant."""
    if name in report.excluded:
        return f"column {name!r} was left out of the comparison: {report.excluded[name]}"
    if any(name in f.columns for f in report.findings):
        joint = _listed(f.detector for f in report.findings if name in f.columns)
        return f"column {name!r} was compared only together with others; ask for {joint}"
    single = [f.column if len(f.columns) == 1 else f.detector for f in report.findings]
    known = list(dict.fromkeys(single))
    if not known:
        return f"the report has no findings, so none of column {name!r}"
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f"did you mean {_listed(near)}?" if near else f"there are {_listed(known)}"
    return f"the report has no finding of column {name!r}; {hint}"


def _listed(names: Iterable[str], most: int = 12) -> str:
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(repr(name) for name in found[:most]) + more
