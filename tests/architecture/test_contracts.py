"""The import contracts hold, and each is seen to fail on an import that breaks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Planted(NamedTuple):
    """A forbidden import, the file it is put into, and the contract that must speak up."""

    file: str
    line: str
    contract: str


LAYERS = "each layer knows only those below it"
ARRAYS = "only backends name an array library"
SYNTHETIC = "synthetic drift knows NumPy alone"
KERNELS = "kernels know nothing of drift"
# A file that is not there is made, so that little here hangs on the name of one module.
PLANTED = [
    Planted("accel_drift/statistics/planted.py", "import accel_drift.detectors.planted", LAYERS),
    Planted("accel_drift/errors.py", "import accel_drift.finding", LAYERS),
    Planted("accel_drift/newcomer.py", "", LAYERS),
    Planted("accel_drift/statistics/planted.py", "import accel_drift_kernels", "only backends reach the kernels"),
    Planted("accel_drift/demo.py", "import accel_drift.evaluation", "only the command line uses the evaluation"),
    Planted("accel_drift/detectors/planted.py", "import jax", ARRAYS),
    Planted("accel_drift/statistics/planted.py", "import numba", ARRAYS),
    Planted("accel_drift/report/planted.py", "import accel_drift.data", "a report knows only findings"),
    Planted("accel_drift/synthetic/planted.py", "import scipy.stats", SYNTHETIC),
    Planted("accel_drift/synthetic/planted.py", "import accel_drift.finding", SYNTHETIC),
    Planted("accel_drift/synthetic/planted.py", "import accel_drift.data", LAYERS),
    Planted("kernels/accel_drift_kernels/planted.py", "import accel_drift.errors", KERNELS),
    Planted("kernels/accel_drift_kernels/planted.py", "import scipy.special", KERNELS),
    Planted(
        "kernels/accel_drift_kernels/reference.py",
        "import accel_drift_kernels.portable",
        "the oracle stands alone",
    ),
    Planted(
        "accel_drift/detectors/planted.py",
        "import accel_drift.detectors.psi",
        "detectors do not lean on one another",
    ),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what import-linter looks at."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "accel_drift", tmp_path / "accel_drift", ignore=ignore)
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on `tree`, whatever else is installed."""
    path = os.pathsep.join([str(tree), str(tree / "kernels")])
    run = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", run, "--no-cache", "--no-logo"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_tree_keeps_every_contract(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p.file}: {p.line or 'unplaced'}")
def test_a_planted_import_is_found(tree: Path, planted: Planted) -> None:
    target = tree / planted.file
    target.parent.mkdir(exist_ok=True)
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(f"{before}\n{planted.line}\n", encoding="utf-8")
    done = lint(tree)
    assert done.returncode != 0, f"not found: {planted}\n{done.stdout}"
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert any(planted.contract in line for line in broken), done.stdout + done.stderr
