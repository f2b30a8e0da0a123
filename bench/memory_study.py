"""Does a watcher's memory grow over 100,000 windows? -> results/memory-<date>.json

    python bench/memory_study.py                 # a quarter of an hour
    python bench/memory_study.py --windows 2000 --out quick/

Batches with keys are watched in one process: small windows and one cheap detector, each window in a transaction of its
own. Sampled is what the process holds of the machine's memory (resident set).
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

import numpy as np
import pyarrow as pa

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.files import write_text_atomically
from bench import machine
from bench.study import as_json

WINDOWS, ROWS, EACH, SAMPLES = 100_000, 20, 50, 20
"""Windows, rows of one, windows of a batch, samples of the memory."""


class Drawn(mo.Source):
    """Batches that are drawn as they are asked for.

    Args:
        windows: how many windows they make.
    """

    def __init__(self, windows: int) -> None:
        self._batches = -(-windows // EACH)

    def batches(self, monitor: ad.Monitor) -> Iterator[mo.Batch]:  # noqa: ARG002
        rng = np.random.default_rng(3)
        for number in range(self._batches):
            yield mo.Batch(pa.table({"x": rng.normal(size=ROWS * EACH)}), f"batch {number}")


def held() -> float:
    """MB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measured(windows: int, home: Path) -> list[dict[str, Any]]:
    """One line for each sample, the first after one hundredth of the windows."""
    profile = ad.Profile.fit({"x": np.random.default_rng(1).normal(size=500)}, ["missing"], backend="numpy")
    file, lines = home / "drift.db", []
    began, wanted = (
        time.perf_counter(),
        {max(1, windows // 100), *range(windows // SAMPLES, windows + 1, windows // SAMPLES)},
    )
    with ad.Monitor(profile, ad.Windows(rows=ROWS), history=f"sqlite:///{file}", name="m") as monitor:
        for number, _ in enumerate(mo.watch(monitor, Drawn(windows)), 1):
            if number in wanted:
                gc.collect()
                took = time.perf_counter() - began
                line = {"windows": number, "resident_mb": round(held(), 1), "seconds": round(took, 1)}
                lines.append({**line, "database_mb": round(file.stat().st_size / 1e6, 1), "holds": None})
                print(line, flush=True)
    return lines


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--out", type=Path, help="folder of the result; without it less than the whole is not written")
    given = parser.parse_args()
    before, began = machine.facts(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="accel-drift-bench-") as home:
        rows = measured(given.windows, Path(home))
    first, last = rows[0]["resident_mb"], rows[-1]["resident_mb"]
    settings = {
        "windows": given.windows,
        "rows": ROWS,
        "windows_of_a_batch": EACH,
        "grown_mb": round(last - first, 1),
        "versions": {name: version(name) for name in ("sqlalchemy", "pyarrow")},
    }
    print(settings)
    folder = given.out or (machine.RESULTS if given.windows == WINDOWS else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"memory-{datetime.now(UTC).date()}.json"
        write_text_atomically(path, as_json("memory", settings, rows, before, time.perf_counter() - began))
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
