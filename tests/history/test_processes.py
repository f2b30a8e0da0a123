"""Several real processes write at once and lose nothing; one that is killed leaves whole windows only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import accel_drift as ad
from tests.history.samples import day, report

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
FINDINGS = 12

pytestmark = pytest.mark.slow


@contextmanager
def writers(url: str, *tasks: tuple[str, int, int]) -> Iterator[list[subprocess.Popen[str]]]:
    """A process for each monitor and range of windows; all have opened the history and wait for a line."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.history.writer", url, name, str(first), str(last), str(FINDINGS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, first, last in tasks
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def ended(process: subprocess.Popen[str]) -> int:
    """How many windows it wrote."""
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    return int(told)


def whole(history: ad.History, name: str) -> list[str]:
    """The windows of a monitor, each with all of its findings and no other ones."""
    runs = history.runs(name)
    windows = [str(key) for key in runs["window"].to_pylist()]
    assert len(set(windows)) == len(windows)
    found = Counter(history.findings(name)["window"].to_pylist())
    assert found == dict.fromkeys(windows, FINDINGS)
    assert set(runs["findings"].to_pylist()) <= {FINDINGS}
    return windows


def test_processes_that_open_a_new_history_at_once_write_everything(url: str) -> None:
    # Two monitors, and windows that two processes both want to write: of these, one writes each.
    tasks = [("churn", 0, 30), ("churn", 15, 45), ("fraud", 0, 30)]
    with writers(url, *tasks) as started:
        for process in started:
            go(process)
        written = [ended(process) for process in started]
    assert written[0] + written[1] == 45
    assert written[2] == 30
    with ad.History(url) as history:
        assert whole(history, "churn") == [f"day {i}" for i in range(45)]
        assert whole(history, "fraud") == [f"day {i}" for i in range(30)]


def test_a_killed_writer_leaves_whole_windows_and_the_next_one_goes_on(url: str) -> None:
    chance = np.random.default_rng(4)
    seen: set[str] = set()
    with ad.History(url, wait=60) as history:
        for _ in range(6):
            with writers(url, ("churn", 0, 100_000)) as [process]:
                target = len(seen) + int(chance.integers(1, 15))
                go(process)
                # No clock: it is killed in the midst of its work, once so many windows are to be seen.
                while len(seen) < target:
                    seen = set(history.runs("churn")["window"].to_pylist()) if history.names() else set()
                process.send_signal(signal.SIGKILL)
                process.wait(PATIENCE_S)
            there = whole(history, "churn")
            assert set(there) >= seen
            assert there == [f"day {i}" for i in range(len(there))]
            seen = set(there)
        assert history.record("churn", report(), day(0)) is False
        assert history.record("churn", report(), day(100_000)) is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_connections_of_its_own(url: str) -> None:
    # In a Python of its own: JAX, which other tests have loaded here, warns of every fork.
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    command = [sys.executable, "-m", "tests.history.forked", url]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=True, timeout=PATIENCE_S)
    with ad.History(url) as history:
        assert history.runs("churn")["window"].to_pylist() == [f"day {i}" for i in range(40)]
