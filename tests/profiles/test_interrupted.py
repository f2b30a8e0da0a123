"""A fit that is killed, or a disk that is full, leaves no half of a profile."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift.errors import SourceError
from tests.profiles.test_merge import rows

KILLED = """
import os, signal, sys
import accel_drift as ad
from accel_drift import files
from accel_drift.data import streams
from accel_drift.statistics.tally import Tally

streams.FEWEST_ROWS = streams.MOST_VALUES = 100
where, plan, data, out = sys.argv[1:]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if where == "counting":
    whole, seen = Tally.update, []
    Tally.update = lambda *a: die() if len(seen) > 1 else seen.append(0) or whole(*a)
elif where == "renaming":
    files.os.replace = die
elif where == "writing":
    import pyarrow as pa
    pa.ipc.RecordBatchFileWriter.write_batch = lambda self, batch: die()
ad.Profile.fit(data, plan=ad.Plan.load(plan)).save(out)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ad.Profile.plan(rows(300, 1), ["psi"]).save(tmp_path / "plan.adp")
    pq.write_table(rows(900, 2), tmp_path / "data.parquet")
    return tmp_path


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not there")
@pytest.mark.parametrize("where", ["counting", "writing", "renaming"])
def test_killed_at_any_point_the_old_profile_stays(folder: Path, where: str) -> None:
    out = folder / "it.adp"
    ad.Profile.fit(rows(100, 3), plan=ad.Plan.load(folder / "plan.adp")).save(out)
    before = out.read_bytes()
    files = [str(folder / name) for name in ("plan.adp", "data.parquet", "it.adp")]
    ran = subprocess.run([sys.executable, "-c", KILLED, where, *files], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert out.read_bytes() == before
    ran = subprocess.run([sys.executable, "-c", KILLED, "nowhere", *files], check=False)
    assert ran.returncode == 0
    assert ad.Profile.load(out).contents()["rows_of_reference"] == 900


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, out: Any, room: int) -> None:
        self._out, self._room = out, room

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._out.write(data))


@pytest.mark.parametrize("room", [0, 3_000])
def test_a_full_disk_is_told_and_nothing_is_lost(folder: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "it.adp"
    profile = ad.Profile.fit(rows(100, 3), plan=ad.Plan.load(folder / "plan.adp"))
    profile.save(out)
    before, there = out.read_bytes(), sorted(folder.iterdir())
    whole = os.fdopen
    monkeypatch.setattr("accel_drift.files.os.fdopen", lambda *a: FullDisk(whole(*a), room))
    with pytest.raises(SourceError, match=r"cannot write .*it\.adp: No space left on device"):
        profile.save(out)
    assert out.read_bytes() == before
    assert sorted(folder.iterdir()) == there


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_is_full(folder: Path) -> None:
    profile = ad.Profile.fit({"x": np.arange(50.0)}, ["psi"], content="aggregates")
    for thing in (profile, ad.Plan.load(folder / "plan.adp")):
        with pytest.raises(SourceError, match="cannot write /dev/full: No space left on device"):
            thing.save("/dev/full")
