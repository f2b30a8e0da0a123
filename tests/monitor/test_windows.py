"""Windows say what they mean, and refuse what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.errors import ConfigError
from accel_drift.monitor.windows import Grid, Length, as_datetime, length


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "none of them is given"),
        ({"rows": 10, "by": "file"}, "rows and by is given"),
        ({"rows": 0}, "rows is 0"),
        ({"rows": True}, "rows is True"),
        ({"rows": 10, "every": 0}, "every is 0"),
        ({"rows": 10, "every": "1h"}, "every is '1h'"),
        ({"rows": 10, "on": 3}, "on is 3"),
        ({"rows": 10, "lateness": "1h"}, "lateness is for windows of time"),
        ({"by": "day"}, "by is 'day'"),
        ({"by": "file", "every": 2}, "every is the step"),
        ({"time": "1h"}, "need on="),
        ({"time": "1m", "on": "t"}, "time is '1m'"),
        ({"time": "0s", "on": "t"}, "time is '0s'"),
        ({"time": "-1h", "on": "t"}, "time is '-1h'"),
        ({"time": 3, "on": "t"}, "time is 3"),
        ({"time": "101w", "on": "t", "every": "1mo"}, "whole number of steps"),
        ({"time": "1h", "on": "t", "every": "7min"}, "whole number of steps"),
        ({"time": "1h", "on": "t", "ahead": "1mo"}, "months differ"),
        ({"time": "1h", "on": "t", "origin": "noon"}, "origin is 'noon'"),
        ({"time": "1mo", "on": "t", "origin": "2024-01-02"}, "months begin with the calendar"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ad.Windows(**options)


@pytest.mark.parametrize(
    ("given", "us"),
    [
        ("30s", 30e6),
        ("15min", 900e6),
        ("1.5h", 5400e6),
        ("2 d", 172800e6),
        ("1w", 604800e6),
        (timedelta(hours=1), 36e8),
    ],
)
def test_lengths_of_time(given: Any, us: float) -> None:
    assert length(given, "time") == Length(us=int(us))


def test_weeks_begin_on_mondays_and_an_origin_moves_them() -> None:
    monday = ad.Windows(time="1w", on="t")
    assert as_datetime(Grid(monday.step, monday.origin_us).start(2800)).weekday() == 0
    moved = ad.Windows(time="1w", on="t", origin="2024-01-03T06:00")
    start = as_datetime(Grid(moved.step, moved.origin_us).start(0))
    assert start == datetime(2024, 1, 3, 6, tzinfo=UTC)


@pytest.mark.parametrize("step", [Length(months=1), Length(months=3), Length(us=3_600_000_000), Length(us=7)])
def test_every_time_lies_in_the_stretch_that_is_its_own(step: Length) -> None:
    grid = Grid(step, 5 if step.us else 0)
    times = np.random.default_rng(0).integers(-(10**15), 2 * 10**15, 500)
    for time, place in zip(times.tolist(), grid.place(times).tolist(), strict=True):
        assert grid.start(place) <= time < grid.start(place + 1)
