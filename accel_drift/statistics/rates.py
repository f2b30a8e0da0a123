"""How fast this machine makes kernel sums: measured once for each backend, device and precision, and remembered."""

from __future__ import annotations

import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from accel_drift._version import version
from accel_drift.backends import Backend
from accel_drift.errors import SourceError
from accel_drift.files import write_text_atomically
from accel_drift.statistics.kernel_sums import EXP_WORK, row_sums
from accel_drift.statistics.rounding import Precision, rounded

_COLUMNS, _LABELLINGS = 32, 256
_ROWS = {False: 2048, True: 8192}
"""Rows to measure on, on a GPU or not: enough to fill it, and few enough for a fifth of a second in all."""

_RUNS = 3


class Rates(NamedTuple):
    """Seconds that a pair of rows costs: for each of its columns and `EXP_WORK` more, and for each labelling."""

    column_s: float
    label_s: float


@cache
def rates(backend: Backend, precision: Precision) -> Rates:
    """The rates here: those remembered in the user's cache folder, or else measured now."""
    name = f"{backend.name}, {backend.device}, {precision}, {version()}"
    path = folder() / "rates.json"
    try:
        return Rates(*(_positive(v) for v in _remembered(path)[name]))
    except (KeyError, TypeError, ValueError):
        found = measure(backend, precision)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, json.dumps({**_remembered(path), name: list(found)}, indent=1))
    except (OSError, SourceError):
        pass  # then this process alone remembers
    return found


def folder() -> Path:
    """Where the user's programs keep what they can make again."""
    local = os.environ.get("LOCALAPPDATA") if os.name == "nt" else None
    return Path(os.environ.get("XDG_CACHE_HOME") or local or Path.home() / ".cache") / "accel-drift"


def _remembered(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _positive(value: Any) -> float:
    if not isinstance(value, float) or not 0.0 < value < 1.0:
        raise ValueError(value)
    return value


def measure(backend: Backend, precision: Precision) -> Rates:
    """Time both sums on made-up rows: the fastest of a few runs, after one that compiles."""
    rows, b = _ROWS[backend.is_gpu], backend
    made = np.random.default_rng(0).normal(size=(rows, _COLUMNS)) / _COLUMNS**0.5
    with b.scope():
        z, unit = rounded(b.asarray(made - made.mean(axis=0)), precision, b)
        perms, numbers = (b.asarray(np.arange(many, dtype=np.uint32)) for many in (_LABELLINGS, rows))
        bits = b.kernels.permutation_labels(b.asarray(np.zeros(2, np.uint32)), perms, numbers, rows // 2)
        scales, ones = b.asarray(np.array([unit**2])), np.ones((rows, 1))

        def labels() -> None:
            b.to_numpy(b.kernels.pair_label_sums(z, bits, _LABELLINGS, "gaussian", scales)[0])

        pairs_s = _fastest(lambda: row_sums(b, z, ones, "gaussian", (unit**2,)))
        labels_s = _fastest(labels)
    pairs = rows**2 / 2
    column = pairs_s / (pairs * (_COLUMNS + EXP_WORK))
    # Noise may make the label sums the faster ones: never for nothing.
    return Rates(column, max(labels_s - pairs_s, 0.05 * labels_s) / (pairs * _LABELLINGS))


def _fastest(work: Any) -> float:
    work()
    times = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
