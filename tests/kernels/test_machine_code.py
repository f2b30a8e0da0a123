"""Machine code that is kept on disk goes out of date with every file that it is made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import accel_drift_kernels

_FAR = "from accel_drift_kernels.numba_cpu.threads import compiled\n@compiled\ndef far(x): return x + {}\n"
_NEAR = """
from accel_drift_kernels.numba_cpu.far import far
from accel_drift_kernels.numba_cpu.threads import compiled
from accel_drift_kernels.spec import ADDED
@compiled
def near(x): return far(x) + ADDED
"""
_ASK = (
    "from accel_drift_kernels.numba_cpu.near import near; "
    "print(near(0), sum(near.stats.cache_hits.values()), sum(near.stats.cache_misses.values()))"
)


def _copied(to: Path) -> Path:
    """A copy of the kernels with a loop that calls one of another file and holds a constant of a third."""
    package = to / "accel_drift_kernels"
    source = Path(accel_drift_kernels.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__", "jax_xla", "cupy_cuda", "cuda"))
    (package / "numba_cpu" / "far.py").write_text(_FAR.format(1))
    (package / "numba_cpu" / "near.py").write_text(_NEAR)
    with (package / "spec.py").open("a") as spec:
        spec.write("ADDED = 10\n")
    return package


def _asked(package: Path) -> list[int]:
    """What the loop returns in a new process, and how often its machine code was found on disk, and was not."""
    paths = [str(package.parent), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NUMBA_CACHE_DIR": str(package.parent / "kept")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.slow
def test_an_edit_of_another_file_is_compiled(tmp_path: Path) -> None:
    package = _copied(tmp_path)
    assert _asked(package) == [11, 0, 1]
    assert _asked(package) == [11, 1, 0]
    (package / "numba_cpu" / "far.py").write_text(_FAR.format(2))
    assert _asked(package) == [12, 0, 1]
    spec = package / "spec.py"
    spec.write_text(spec.read_text().replace("ADDED = 10", "ADDED = 20"))
    assert _asked(package) == [22, 0, 1]


def test_without_the_stamp_of_numba_nothing_is_kept(tmp_path: Path) -> None:
    """A Numba that holds its stamp elsewhere: the kernels still open, and compile anew."""
    package = _copied(tmp_path)
    threads = package / "numba_cpu" / "threads.py"
    threads.write_text(threads.read_text().replace("_source_stamp", "stamp_of_no_numba"))
    assert _asked(package) == [11, 0, 1]
    assert not list((tmp_path / "kept").rglob("*.nbi"))
