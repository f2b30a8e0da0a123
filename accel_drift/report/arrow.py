"""Findings and their parts as Arrow tables, and these as CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from accel_drift.files import write_bytes_atomically
from accel_drift.finding import Finding
from accel_drift.report.plain import plain

SCHEMA = pa.schema(
    [
        pa.field("column", pa.string(), nullable=False),
        pa.field("columns", pa.list_(pa.string()), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("statistic", pa.float64()),
        pa.field("p_value", pa.float64()),
        pa.field("p_method", pa.string(), nullable=False),
        pa.field("adjusted_p_value", pa.float64()),
        pa.field("effect", pa.float64()),
        pa.field("interval_low", pa.float64()),
        pa.field("interval_high", pa.float64()),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("n_reference", pa.int64(), nullable=False),
        pa.field("n_batch", pa.int64(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
        pa.field("details", pa.string(), nullable=False),
    ]
)
"""The columns, the same for every report, so that the tables of many reports can be stacked."""

PARTS_SCHEMA = pa.schema(
    [
        pa.field("column", pa.string(), nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("contribution", pa.float64()),
        pa.field("share", pa.float64()),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("reference", pa.int64()),
        pa.field("batch", pa.int64()),
        pa.field("row", pa.int64()),
        pa.field("side", pa.string(), nullable=False),
    ]
)
"""`place` is the part's place in its finding, from 1; the others are as in `finding.Part`."""


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """One row a finding, in the order given; `details` is JSON text; no answer is null, never NaN."""
    rows = [_row(finding) for finding in findings]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def parts_table(findings: Sequence[Finding]) -> pa.Table:
    """One row a part, findings in the order given; no answer is null, never NaN."""
    rows = [
        {
            "column": finding.column,
            "detector": finding.detector,
            "place": place,
            "label": part.label,
            "kind": part.kind,
            "contribution": _known(part.contribution),
            "share": _known(part.share),
            "direction": part.direction,
            "reference": part.reference,
            "batch": part.batch,
            "row": part.row,
            "side": part.side,
        }
        for finding in findings
        for place, part in enumerate(finding.parts, 1)
    ]
    return pa.Table.from_pylist(rows, schema=PARTS_SCHEMA)


def csv_text(table: pa.Table) -> str:
    """The table as CSV (RFC 4180, but lines end in a line feed): numbers to the last bit, lists as JSON, null empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for v in row.values()])
    return out.getvalue()


def write_parquet(table: pa.Table, path: str | Path, about: Mapping[str, str]) -> None:
    """Write the table, whole or not at all, with `about` in the file's own key-value metadata.

    Raises:
        SourceError: the folder does not exist, or the file cannot be written.
    """
    told = table.replace_schema_metadata({f"accel_drift.{name}": text for name, text in about.items()})
    write_bytes_atomically(path, lambda out: pq.write_table(told, out, compression="zstd"))


def _row(finding: Finding) -> dict[str, object]:
    low, high = (None, None) if finding.interval is None else finding.interval
    return {
        "column": finding.column,
        "columns": list(finding.columns),
        "detector": finding.detector,
        "status": str(finding.status),
        "severity": str(finding.severity),
        "statistic": _known(finding.statistic),
        "p_value": _known(finding.p_value),
        "p_method": finding.p_method,
        "adjusted_p_value": _known(finding.adjusted_p_value),
        "effect": _known(finding.effect),
        "interval_low": _known(low),
        "interval_high": _known(high),
        "unit": finding.unit,
        "n_reference": int(finding.n_reference),
        "n_batch": int(finding.n_batch),
        "note": finding.note,
        "details": json.dumps(plain(finding.details), ensure_ascii=False, allow_nan=False),
    }


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
