"""What `watch` and `schedule` show to Prometheus, and to who asks whether they live."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accel_drift.cli import metering
from accel_drift.config import Config
from tests.cli.conftest import Cli, refused
from tests.cli.test_app import START, environment
from tests.cli.test_schedule import config

PATIENCE_S = 120
TOLD = re.compile(r"Metrics: (http://127\.0\.0\.1:\d+)/metrics, and /live and /ready\n")

pytestmark = pytest.mark.usefixtures("folder")


@contextmanager
def running(*args: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A command that shows its numbers at a free port: the address, and the process."""
    process = subprocess.Popen(
        [*START, *args], text=True, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        told = TOLD.fullmatch(process.stderr.readline())
        assert told is not None
        yield told[1], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def asked(address: str) -> str:
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:  # noqa: S310
        return str(answer.read().decode())


@pytest.mark.slow
def test_watch_shows_what_it_saw() -> None:
    Path("inbox").mkdir()
    shutil.copy("moved.parquet", "inbox/1.parquet")
    command = ("watch", "ref.parquet", "inbox", "--detectors", "psi", "--backend", "numpy", "--settle", "0")
    with running(*command, "--metrics-port", "0") as (address, process):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1.parquet")
        text = asked(f"{address}/metrics")
        assert 'accel_drift_windows_total{monitor="monitor"} 1.0' in text
        assert 'accel_drift_column_severity{column="x",monitor="monitor"} 3.0' in text
        assert asked(f"{address}/live") == asked(f"{address}/ready") == "yes\n"


@pytest.mark.slow
def test_schedule_shows_all_of_its_monitors() -> None:
    files = config("churn", every="1s"), config("fraud", every="1w", more="metrics: {port: 0, columns: 1}\n")
    with running("schedule", "--config", files[0], "--config", files[1]) as (address, process):
        assert asked(f"{address}/live") == asked(f"{address}/ready") == "yes\n"
        assert process.stdout is not None
        assert process.stdout.readline().startswith("churn: moved.parquet")
        text = asked(f"{address}/metrics")
        assert 'accel_drift_windows_total{monitor="churn"} 1.0' in text
        assert 'accel_drift_database_up{monitor="fraud"} 1.0' in text
        assert 'column="other"' in text


def test_nothing_listens_unless_it_is_asked_for(cli: Cli) -> None:
    made = Config.of({"data": {"reference_path": "a"}})
    with metering.board(None, made.metrics, {}, quiet=True) as board:
        assert board is None
    refused(cli("watch", "ref.parquet", "same.parquet", "--metrics-port", "70000"), "--metrics-port")
