"""Findings as an Arrow table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pyarrow as pa

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


def findings_table(findings: Sequence[Finding]) -> pa.Table:
    """One row a finding, in the order given; `details` is JSON text; no answer is null, never NaN."""
    rows = [_row(finding) for finding in findings]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


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
