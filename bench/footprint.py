"""Memory and first call of one contender, each in a process of its own: `measure` starts it, `main` is it."""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(1, str(ROOT / "kernels"))

_STATUS = Path("/proc/self/status")


def measure(case: str, sizes: dict[str, int], backends: list[str], contender: str) -> dict[str, Any]:
    """What a fresh process says of a contender.

    `first_call_s` are the seconds of its first call; `process_mb` all that the process held at its peak until then,
    inputs and libraries included; `peak_mb` what a later call needs at its peak above the inputs.

    Compiled kernels that the disk holds are used, as they would be by a user's second run. {} where the process
    failed (out of memory) or the system keeps no such account.
    """
    asked = json.dumps({"case": case, "sizes": sizes, "backends": backends, "contender": contender})
    made = subprocess.run([sys.executable, __file__, asked], capture_output=True, text=True, check=False, cwd=ROOT)
    if made.returncode:
        return {}
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def main() -> None:
    from accel_drift.backends import get_backend
    from bench.cases import find

    asked = json.loads(sys.argv[1])
    backends = [get_backend(name) for name in asked["backends"]]
    call = find(asked["case"]).ask(asked["sizes"], backends).contenders[asked["contender"]].compute
    started = perf_counter()
    call()
    told: dict[str, Any] = {"first_call_s": perf_counter() - started}
    if _STATUS.is_file():
        # The system's other account of this, ru_maxrss, begins with what the parent held.
        told["process_mb"] = _kilobytes("VmHWM") / 1024
    give_back()
    if reset_peak():
        before = _kilobytes("VmRSS")
        call()
        told["peak_mb"] = max(0.0, _kilobytes("VmHWM") - before) / 1024
    print(json.dumps(told))


def give_back() -> None:
    """Hand what the first call freed back to the system: memory that is used again would not show in the peak."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def reset_peak() -> bool:
    """Let the peak start again at what is held now; False where the system cannot (anything but Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return _STATUS.is_file()


def _kilobytes(field: str) -> float:
    lines = (line.split() for line in _STATUS.read_text(encoding="ascii").splitlines())
    return float(next(words[1] for words in lines if words[0] == f"{field}:"))


if __name__ == "__main__":
    main()
