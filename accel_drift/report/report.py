"""One comparison of a batch with a reference: the findings, one verdict, and the forms to pass it on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from accel_drift.files import write_text_atomically
from accel_drift.finding import Finding, Severity, Status
from accel_drift.report.pictures import Distribution, NullPicture
from accel_drift.report.plain import plain

if TYPE_CHECKING:
    import pyarrow as pa

    from accel_drift.report.explanation import Explanation

FORMAT = 1
"""Number of the JSON form; it grows when a key changes its meaning."""


@runtime_checkable
class SchemaChanges(Protocol):
    """Columns that one side has and the other has not, or has with another type."""

    @property
    def added(self) -> Sequence[str]:
        """Columns of the batch that the reference lacks."""
        ...

    @property
    def removed(self) -> Sequence[str]:
        """Columns of the reference that the batch lacks."""
        ...

    @property
    def retyped(self) -> Sequence[tuple[str, str, str]]:
        """Columns of both whose type differs: name, type in the reference, type in the batch."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The three lists as plain JSON values."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """The plainest record of schema changes; empty where both sides have the same columns."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The three lists as plain JSON values."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "retyped": [{"column": name, "reference": was, "batch": now} for name, was, now in self.retyped],
        }


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Report:
    """What a comparison found, in numbers and words.

    Attributes:
        reference: name of the reference.
        batch: name of the batch.
        n_reference: rows of the reference.
        n_batch: rows of the batch.
        drifted: the verdict for the data set as a whole, by `rule`.
        severity: the worst severity among the findings.
        rule: how the verdict follows from the columns: fdr, any, majority or fraction.
        findings: one per column and detector, worst first (sorted here, whatever order they come in).
        schema_diff: columns added, removed or retyped.
        excluded: columns left out, with the reason.
        warnings: what may make the verdict wrong.
        notes: what a reader should know and need not act on.
        detectable: column -> smallest shift of the mean, in reference standard deviations, found with
            power 0.8.
        settings: every option that the result depends on. `bands` (detector -> watch, warning, critical)
            draws the lines between the severities, unless a finding has its own `details["bands"]`;
            `min_effect` is a number, or a mapping from detector to number; `command`, where given, is
            shown as the way to get this report again.
        distributions: counts per cell of each column pictured.
        nulls: null histograms.
        created_at: when, ISO 8601 in UTC.
        elapsed_s: seconds the comparison took.
        version: version of accel-drift.
    """

    reference: str
    batch: str
    n_reference: int
    n_batch: int
    drifted: bool
    severity: Severity
    rule: str = "fdr"
    findings: tuple[Finding, ...] = ()
    schema_diff: SchemaChanges = field(default_factory=ColumnChanges)
    excluded: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    detectable: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()
    nulls: tuple[NullPicture, ...] = ()
    created_at: str = ""
    elapsed_s: float = 0.0
    version: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", worst_first(self.findings, self.bands))

    @property
    def drifted_columns(self) -> tuple[str, ...]:
        """Columns that drifted by themselves, worst first; what drifted only jointly has no single column."""
        found = (f.column for f in self.findings if f.status is Status.DRIFTED and len(f.columns) == 1)
        return tuple(dict.fromkeys(found))

    @property
    def over_threshold(self) -> tuple[str, ...]:
        """Columns with a statistic over its own threshold, where the profile was calibrated."""
        return self._over("over_threshold")

    @property
    def over_together(self) -> tuple[str, ...]:
        """Columns with a statistic over its threshold of all together: none in all but `rate` of clean batches."""
        return self._over("over_together")

    def _over(self, which: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f.column for f in self.findings if f.details.get(which)))

    @property
    def compared_columns(self) -> tuple[str, ...]:
        """Columns that any detector looked at, in the order of the findings."""
        return tuple(dict.fromkeys(name for f in self.findings for name in f.columns))

    def column(self, name: str) -> tuple[Finding, ...]:
        """The findings of one column; those of joint detectors are under their joined name."""
        return tuple(f for f in self.findings if f.column == name)

    def explain(self, column: str, detector: str | None = None) -> Explanation:
        """What a column's findings are made of: cells and categories by their contribution, rows, columns.

        Args:
            column: a column's name; for a joint detector its joined name, or the detector's name.
            detector: only this detector's finding.

        Raises:
            ConfigError: the report has no finding of that column or detector.
        """
        from accel_drift.report.explanation import explain

        return explain(self, column, detector)

    def bands(self, finding: Finding) -> tuple[float, ...]:
        """Effects at which watch, warning and critical begin for this finding; () where it has none."""
        own = finding.details.get("bands")
        if own is None:
            own = (self.settings.get("bands") or {}).get(finding.detector)
        return tuple(map(float, own)) if own else ()

    def least_effect(self, finding: Finding) -> float | None:
        """The smallest effect that counts as drift: `min_effect` where it was set, else the first band."""
        least = finding.details.get("min_effect", self.settings.get("min_effect"))
        if isinstance(least, Mapping):
            least = least.get(finding.detector)
        if least is not None:
            return float(least)
        bands = self.bands(finding)
        return bands[0] if bands else None

    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain JSON values, without NaN or infinity."""
        return {
            "format": FORMAT,
            "reference": self.reference,
            "batch": self.batch,
            "n_reference": plain(self.n_reference),
            "n_batch": plain(self.n_batch),
            "drifted": bool(self.drifted),
            "severity": str(self.severity),
            "rule": self.rule,
            "drifted_columns": list(self.drifted_columns),
            "over_threshold": list(self.over_threshold),
            "over_together": list(self.over_together),
            "findings": [plain(f.to_dict()) for f in self.findings],
            "schema_diff": plain(self.schema_diff.to_dict()),
            "excluded": plain(self.excluded),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "detectable": plain(self.detectable),
            "settings": plain(self.settings),
            "distributions": [d.to_dict() for d in self.distributions],
            "nulls": [picture.to_dict() for picture in self.nulls],
            "created_at": self.created_at,
            "elapsed_s": plain(self.elapsed_s),
            "version": self.version,
        }

    def to_json(self, path: str | Path | None = None, indent: int | None = 2) -> str:
        """The report as JSON text, also written to `path` where one is given."""
        text = json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)
        if path is not None:
            write_text_atomically(path, text + "\n")
        return text

    def to_arrow(self) -> pa.Table:
        """The findings as an Arrow table, one row each."""
        from accel_drift.report.arrow import findings_table

        return findings_table(self.findings)

    def parts(self) -> pa.Table:
        """What every finding is made of as an Arrow table, one row a bin, category, column or row."""
        from accel_drift.report.arrow import parts_table

        return parts_table(self.findings)

    def to_csv(self, path: str | Path | None = None) -> str:
        """The findings as CSV, one row each under the names of `to_arrow`, also written to `path` where one is given.

        Lists and `details` are JSON text, an interval is two columns, and what has no answer is empty.
        """
        from accel_drift.report.arrow import csv_text

        text = csv_text(self.to_arrow())
        if path is not None:
            write_text_atomically(path, text)
        return text

    def to_parquet(self, path: str | Path) -> None:
        """Write the findings to a Parquet file, one row each, typed as in `to_arrow`.

        What is said of the comparison as a whole (verdict, sizes, version) stands in the file's metadata.
        """
        from accel_drift.report.arrow import write_parquet

        about = ("reference", "batch", "n_reference", "n_batch", "drifted", "severity", "rule", "created_at", "version")
        write_parquet(self.to_arrow(), path, {name: str(getattr(self, name)) for name in about})

    def to_pdf(self, path: str | Path, top: int | None = None) -> None:
        """Write the page to a PDF file, as it would be printed: seconds, and with hundreds of columns up to a minute.

        Args:
            path: the file.
            top: as in `to_html`.

        Raises:
            ExtraMissingError: weasyprint, or a library of the system that it needs, is not there.
        """
        from accel_drift.report.pdf import write

        write(self, path, top)

    def to_html(self, path: str | Path | None = None, top: int | None = None) -> str:
        """The report as one self-contained page, also written to `path` where one is given.

        Args:
            path: the file.
            top: columns that the page shows, the worst first; by default 200. The others are counted, so that a page
                is never much larger than a megabyte and a half; JSON, CSV and Parquet hold all.
        """
        from accel_drift.report.html import render

        page = render(self, top=top)
        if path is not None:
            write_text_atomically(path, page)
        return page

    def to_text(
        self, width: int | None = None, color: bool = False, verbose: bool = False, top: int | None = None
    ) -> str:
        """The report as text for a terminal.

        Args:
            width: characters a line; None means 100, or the terminal's width where `color` is set.
            color: colours and drawn lines; without it the text is plain ASCII.
            verbose: list every column, warning and reason, however many there are.
            top: list so many columns, the worst first. Without it all of up to 30, and of more those that are not
                stable, at most 100.
        """
        from accel_drift.report.terminal import render

        return render(self, width=width, color=color, verbose=verbose, top=top)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        from accel_drift.report.words import headline

        return f"<Report of {self.batch!r} against {self.reference!r}: {headline(self)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the page in a frame, so that its style stays its own."""
        from accel_drift.report.html import frame

        return frame(self)


_ORDER = {Status.DRIFTED: 0, Status.SIGNIFICANT_SMALL: 1, Status.STABLE: 3, Status.CONSTANT: 4}
_UNTESTED = 2


def worst_first(findings: Sequence[Finding], bands: Any = None) -> tuple[Finding, ...]:
    """Findings with the worst at the top: drifted, small but significant, without an answer, stable, constant.

    Within drifted: by severity, then by the effect in units of the first band, so that detectors with other
    scales can be compared; within the rest by the adjusted p-value. Ties keep the order given.
    """

    def key(finding: Finding) -> tuple[float, ...]:
        group = _ORDER.get(finding.status, _UNTESTED)
        p_value = 1.0 if finding.adjusted_p_value is None else finding.adjusted_p_value
        lines = bands(finding) if bands is not None else ()
        unit = lines[0] if lines and lines[0] > 0 else 1.0
        size = abs(finding.effect or 0.0) / unit
        if group == 0:
            return (group, -finding.severity.rank, -size, p_value)
        return (group, 0, p_value, -size)

    return tuple(sorted(findings, key=key))
