"""alibi-detect's MMDDriftOnline on streams that a study wrote to a file, under a Python of its own.

`first_alarms` writes the file and starts this file under that Python; `main` is what it runs there, and imports neither
the engine nor the rest of the bench. What the child prints last is one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]

PYTHON = "ACCEL_DRIFT_PEERS"
"""The variable that names that Python to the processes of a study."""


def first_alarms(
    reference: Rows, streams: tuple[Rows, Rows], *, ert: int, window: int, bootstraps: int, seed: int
) -> dict[str, Any]:
    """Learn a reference, and run streams to their first alarm.

    Args:
        reference: (n, d).
        streams: two lots of them, each (S, T, d).
        ert: the expected run time that is asked for, in rows.
        window: rows.
        bootstraps: draws that its thresholds are simulated with.
        seed: decides its random choices.

    Returns:
        "first", for each lot the number of rows up to the first alarm of each stream, 0 without one; "fit_cpu_s",
        seconds of a processor that learning took; and "version".

    Raises:
        RuntimeError: no Python is named, or alibi-detect failed under it.
    """
    cases = [(reference, streams)]
    told = all_first_alarms(cases, ert=ert, window=window, bootstraps=bootstraps, seed=seed)
    return {**told, "first": told["first"][0], "fit_cpu_s": told["fit_cpu_s"][0]}


def all_first_alarms(
    cases: Sequence[tuple[Rows, tuple[Rows, Rows]]], *, ert: int, window: int, bootstraps: int, seed: int
) -> dict[str, Any]:
    """The same of several references, each with its streams, in one process: "first" and "fit_cpu_s" are lists.

    Raises:
        RuntimeError: no Python is named, or alibi-detect failed under it.
    """
    if not os.environ.get(PYTHON):
        raise RuntimeError("alibi-detect runs under a Python of its own; name that by --peers, see bench/peers.txt")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streams.npz"
        lots: dict[str, Any] = {f"{name}{i}": rows for i, (reference, streams) in enumerate(cases)
                for name, rows in zip(("reference", "one", "other"), (reference, *streams), strict=True)}  # fmt: skip
        np.savez(path, numbers=np.array([len(cases), ert, window, bootstraps, seed]), **lots)
        command = [os.environ[PYTHON], "-I", __file__, str(path)]
        # A study runs several processes; threads of each would only wait for one another.
        alone = {**os.environ, "OMP_NUM_THREADS": "1"}
        made = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    if made.returncode:
        raise RuntimeError("alibi-detect failed: " + (made.stderr.strip().splitlines() or ["no word"])[-1])
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Of each reference: fit, then reset before each stream and give it row by row until it alarms."""
    warnings.simplefilter("ignore")
    torch, drift = import_module("torch"), import_module("alibi_detect.cd").MMDDriftOnline
    torch.set_num_threads(1)
    found, seconds = [], []
    with np.load(sys.argv[1]) as held:
        count, ert, window, bootstraps, seed = held["numbers"].tolist()
        for i in range(count):
            torch.manual_seed(seed)
            started = process_time()
            detector = drift(
                held[f"reference{i}"], ert=ert, window_size=window, n_bootstraps=bootstraps, backend="pytorch",
                device="cpu", verbose=False,
            )  # fmt: skip
            seconds.append(process_time() - started)
            found.append([[_first(detector, rows) for rows in held[f"{name}{i}"]] for name in ("one", "other")])
    print(json.dumps({"first": found, "fit_cpu_s": seconds, "version": version("alibi-detect")}))


def _first(detector: Any, rows: Rows) -> int:
    """The number of rows up to the first alarm, 0 without one."""
    detector.reset_state()
    return next((n for n, row in enumerate(rows, 1) if detector.predict(row)["data"]["is_drift"]), 0)


if __name__ == "__main__":
    main()
