"""Rows and what a history holds of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

import accel_drift as ad

START = datetime(2024, 1, 1, tzinfo=UTC)


def rows(n: int, seed: int, shift: float = 0.0, day: float | None = None) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {"x": rng.normal(shift, 1, n), "city": rng.choice(["Oslo", "Porto"], n)}
    if day is not None:
        hours = np.sort(rng.random(n)) * 24
        columns["at"] = [START + timedelta(days=day, hours=float(h)) for h in hours]
    return pa.table(columns)


def keys(history: ad.History, name: str = "m") -> list[tuple[str, int, bool]]:
    found = history.runs(name)
    return list(zip(*(found[c].to_pylist() for c in ("window", "rows", "drifted")), strict=True))
