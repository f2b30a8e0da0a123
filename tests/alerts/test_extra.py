"""Without the extra, alerts say what to install."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
sys.modules["sqlalchemy"] = None
from accel_drift.cli.app import run
sys.exit(run(["alerts", "list"]))
"""


def test_what_is_missing_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'accel-drift[monitor]'" in done.stderr
    assert "Traceback" not in done.stderr
