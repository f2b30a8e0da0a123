"""Drift too slow for any one window: a trend of the effects over many of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.calibration import adjust
from accel_drift.errors import ConfigError
from accel_drift.predictions.trend import FEWEST_POINTS, MOST_POINTS, Alternative, trend

SLOW = pa.schema(
    [
        *((name, pa.string()) for name in ("column", "detector", "unit")),
        *((name, pa.float64()) for name in ("slope", "low", "high", "p_value", "adjusted_p_value")),
        ("p_method", pa.string()),
        *((name, pa.int64()) for name in ("points", "missing")),
        ("autocorrelation", pa.float64()),
    ]
)
_DAY = timedelta(days=1)
_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
_NONE: dict[str, Any] = dict.fromkeys(("slope", "low", "high", "p_value", "p_method", "autocorrelation"))


def slow_drift(found: pa.Table, alternative: Alternative) -> pa.Table:
    """The trend of each series of effects in a table of `History.trend`, the surest first.

    Raises:
        ConfigError: a series has more windows than a trend takes, or there is no such alternative.
    """
    places: dict[tuple[str, str, str], list[int]] = {}
    about = zip(*(found[name].to_pylist() for name in ("column", "detector", "unit")), strict=True)
    for place, key in enumerate(about):
        places.setdefault(key, []).append(place)
    effects = _finite(found["effect"].to_pylist())
    days = np.asarray([(end - _SINCE) / _DAY for end in found["window_end"].to_pylist()], dtype=np.float64)
    rows = [
        dict(zip(("column", "detector", "unit"), key, strict=True)) | _row(key, effects[own], days[own], alternative)
        for key, own in places.items()
    ]
    tested = [row for row in rows if row["p_value"] is not None]
    p_values = np.asarray([row["p_value"] for row in tested], dtype=np.float64)
    for row, adjusted in zip(tested, adjust(p_values, "bh").tolist(), strict=True):
        row["adjusted_p_value"] = adjusted
    rows.sort(key=lambda row: 2.0 if row["p_value"] is None else row["p_value"])
    return pa.Table.from_pylist(rows, schema=SLOW)


def _row(
    key: tuple[str, str, str], effects: npt.NDArray[np.float64], days: npt.NDArray[np.float64], alternative: Alternative
) -> dict[str, Any]:
    there = int(np.count_nonzero(~np.isnan(effects)))
    if there > MOST_POINTS:
        raise ConfigError(
            f"{key[1]} on {key[0]!r:.100} has {there:,} windows in this time; a trend takes at most {MOST_POINTS:,}; "
            "ask for fewer days, or look at longer windows"
        )
    if there < FEWEST_POINTS:
        return {**_NONE, "points": there, "missing": len(effects) - there, "adjusted_p_value": None}
    return asdict(trend(effects, days - days[0], alternative=alternative))


def _finite(values: list[float | None]) -> npt.NDArray[np.float64]:
    """No number where there is none, or an infinite one: it has a rank, and no slope."""
    numbers = np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
    numbers[np.isinf(numbers)] = np.nan
    return numbers
