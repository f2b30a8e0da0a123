"""Rows in a day or an hour, as a report tells them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.data import read_table
from accel_drift.profiles.arrivals import rate_notes


def rows(days: float, rate: float, seed: int, start: str = "2024-03-01T12:00") -> dict[str, Any]:
    """Rows at random times, so many a day."""
    rng = np.random.default_rng(seed)
    count = int(rng.poisson(days * rate))
    seconds = np.sort(rng.integers(0, int(86_400 * days), count))
    return {"at": np.datetime64(start, "s") + seconds, "x": rng.normal(size=count)}


def notes(a: dict[str, Any], b: dict[str, Any], sizes: tuple[int, int] | None = None) -> list[str]:
    sides = read_table(a), read_table(b)
    return list(rate_notes(*sides, sizes or (sides[0].rows, sides[1].rows)))


def test_rows_a_day_and_their_ratio() -> None:
    a = {"at": np.repeat(np.arange("2024-01-01", "2024-01-13", dtype="M8[D]"), 50).astype("M8[s]"), "x": np.zeros(600)}
    b = {"at": np.repeat(np.arange("2024-02-01", "2024-02-06", dtype="M8[D]"), 100).astype("M8[s]"), "x": np.zeros(500)}
    assert notes(a, b) == [
        "rows a day by at: 50 in the reference, 100 in the batch; ratio 2, 95 % interval 2 to 2, from 10 and 3 days"
    ]
    # Of a sample the rate is that of all its rows.
    assert "500 in the reference, 100 in the batch; ratio 0.2" in notes(a, b, (6000, 500))[0]


def test_days_without_a_row_count() -> None:
    days = np.arange("2024-01-01", "2024-02-01", dtype="M8[D]").astype("M8[s]")
    every, other = ({"at": np.repeat(days[::step], 20), "x": np.zeros(20 * len(days[::step]))} for step in (1, 2))
    assert "20 in the reference, 9.655 in the batch" in notes(every, other)[0]


def test_short_data_are_told_by_the_hour_and_shorter_ones_not_at_all() -> None:
    assert notes(rows(2, 2400, 1), rows(1, 2400, 2))[0].startswith("rows an hour by at: ")
    assert notes(rows(0.2, 2400, 1), rows(0.2, 2400, 2)) == []
    assert notes({"x": np.zeros(9)}, {"x": np.zeros(9)}) == []


def test_the_interval_holds_the_ratio() -> None:
    held = 0
    for seed in range(40):
        (note,) = notes(rows(20, 40, seed), rows(20, 60, 1000 + seed))
        low, high = note.partition("interval ")[2].partition(",")[0].split(" to ")
        held += float(low) <= 1.5 <= float(high)
    assert held >= 33


def test_a_rate_is_told_and_not_tested() -> None:
    """A tenth of the rows is no drift."""
    report = ad.compare(rows(30, 100, 1), rows(30, 10, 2), ["psi"], backend="numpy")
    assert any(note.startswith("rows a day by at: ") for note in report.notes)
    assert not report.drifted


@pytest.mark.parametrize("kind", ["time64[us]", "timestamp[us, tz=Europe/Berlin]"])
def test_other_times(kind: str) -> None:
    import pyarrow as pa

    values = (np.arange(400) * 200_000_000).astype(np.int64)
    column = pa.Array.from_buffers(
        pa.time64("us") if kind.startswith("time64") else pa.timestamp("us", "Europe/Berlin"),
        400,
        [None, pa.py_buffer(values)],
    )
    made = notes({"at": column}, {"at": column})
    assert bool(made) == kind.startswith("timestamp")
