"""A data set in Parquet files as a monitor meets it: numbers of several types, categories, truth values, and nulls.

It is written once, into a temporary folder that goes with the process that wrote it. Processes that it starts find it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_FOLDER = "ACCEL_DRIFT_BENCH_ROWS"
"""Variable of the environment with the folder of the process that wrote first."""

_HELD: list[tempfile.TemporaryDirectory[str]] = []
"""Keeps the folder until this process ends."""

FILE_ROWS = 2 << 20
"""Rows of a file at most: two row groups as pyarrow writes them."""


def dataset(rows: int) -> Path:
    """The folder with so many rows, 19 columns and some 80 bytes of a file each."""
    if _FOLDER not in os.environ:
        _HELD.append(tempfile.TemporaryDirectory(prefix="accel-drift-bench-"))
        os.environ[_FOLDER] = _HELD[-1].name
    folder = Path(os.environ[_FOLDER]) / str(rows)
    if not folder.is_dir():
        unfinished = folder.with_suffix(".part")
        unfinished.mkdir(exist_ok=True)
        for i, first in enumerate(range(0, rows, FILE_ROWS)):
            pq.write_table(_rows(min(FILE_ROWS, rows - first), i), unfinished / f"{i:04}.parquet")
        unfinished.rename(folder)
    return folder


def _rows(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng([16, seed])
    columns: dict[str, Any] = {f"f64_{j}": rng.standard_normal(n) for j in range(4)}
    columns |= {f"price_{j}": np.round(rng.exponential(20.0, n), 2) for j in range(2)}
    columns |= {f"f32_{j}": rng.standard_normal(n, dtype=np.float32) for j in range(5)}
    columns |= {f"i64_{j}": rng.integers(-(10**12), 10**12, n) for j in range(2)}
    columns["i32"] = rng.integers(0, 10**6, n, dtype=np.int32)
    made = {name: pa.array(values, mask=_holes(rng, n, j)) for j, (name, values) in enumerate(columns.items())}
    for name, many in (("city", 20), ("shop", 1000), ("grade", 5)):
        codes = pa.array(rng.integers(0, many, n, dtype=np.int32), mask=_holes(rng, n, many))
        made[name] = pa.DictionaryArray.from_arrays(codes, [f"{name} {k}" for k in range(many)])
    made |= {name: pa.array(rng.random(n) < 0.3) for name in ("paid", "new")}
    return pa.table(made)


def _holes(rng: np.random.Generator, n: int, which: int) -> Any:
    """Nulls in every other column, one row in twenty."""
    return None if which % 2 else rng.random(n, dtype=np.float32) < 0.05
