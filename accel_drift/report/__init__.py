"""Reports: what a comparison found, as text, JSON, Arrow and one HTML page."""

from __future__ import annotations

from accel_drift.report.pictures import Distribution, NullPicture
from accel_drift.report.report import ColumnChanges, Report, SchemaChanges

__all__ = ["ColumnChanges", "Distribution", "NullPicture", "Report", "SchemaChanges"]
