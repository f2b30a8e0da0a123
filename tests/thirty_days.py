"""Thirty days as files, and the configuration that watches them, for tests of several folders."""

from __future__ import annotations

from pathlib import Path

from accel_drift.cli.app import run

CONFIG = """
name: churn
data: {reference_path: stream/reference.parquet, production_path: stream/batches, label_column: label}
columns: {drop: [event_time]}
drift: {backend: numpy}
detectors: {use: [psi]}
windows: {time: 1d, on: event_time}
logging: {level: error}
"""
"""To be read in the folder of `simulated`."""


def simulated(home: Path) -> None:
    """Make the days below `stream`: features move from day 12 on, the labels' rule changes on day 20."""
    made = ["simulate", "thirty_days", "--out", str(home / "stream"), "--rows", "400", "--magnitude", "1", "-q"]
    assert run(made) == 0
