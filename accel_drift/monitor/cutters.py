"""Which cutter makes which windows."""

from __future__ import annotations

from accel_drift.monitor.batch_cutter import BatchCutter
from accel_drift.monitor.cutting import Cutter
from accel_drift.monitor.row_cutter import RowCutter
from accel_drift.monitor.time_cutter import TimeCutter
from accel_drift.monitor.windows import Windows


def cutter(windows: Windows) -> Cutter:
    """What cuts such windows."""
    if windows.rows is not None:
        return RowCutter(windows)
    return BatchCutter(windows) if windows.by is not None else TimeCutter(windows)
