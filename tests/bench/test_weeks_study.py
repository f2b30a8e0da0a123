"""The study of weeks: what a year is made of, and what the committed result holds."""

from __future__ import annotations

import numpy as np
import pytest

from bench import monitor_page, weeks_study
from bench.readme import newest
from bench.study import Kept


def test_a_year_keeps_its_flights_and_days_whole() -> None:
    whole, dealt = (weeks_study.flights(weeks_study.Task(sort, 3)) for sort in ("as it was", "dealt"))
    assert whole.num_rows == dealt.num_rows
    sizes = [np.sort(np.unique(t["date"].to_numpy(), return_counts=True)[1]) for t in (whole, dealt)]
    assert sizes[0].tolist() == sizes[1].tolist()
    assert (np.diff(dealt["date"].to_numpy().astype(int)) >= 0).all()


def test_one_week_of_arrivals_is_later() -> None:
    dealt, later = (weeks_study.flights(weeks_study.Task(sort, 3)) for sort in ("dealt", "later"))
    moved = np.nan_to_num(later["arr_delay"].to_numpy() - dealt["arr_delay"].to_numpy())
    days = np.unique(dealt["date"].to_numpy()[moved != 0])
    first = weeks_study._FIRST + 7 * weeks_study.later_week(3)
    assert days.tolist() == np.arange(first, first + 7).tolist()
    assert set(np.unique(moved).tolist()) == {0.0, weeks_study.LATER}


def test_days_have_too_few_blocks_and_say_so() -> None:
    task = weeks_study.Task("day by day", 0)
    found = weeks_study.work(task, ("monitor",))
    assert found["monitor"]["too_few_blocks"] == found["monitor"]["judged"] > 5
    assert found["monitor"]["tested"] == 0
    kept: Kept[weeks_study.Task] = Kept()
    kept.add(task, found, 1.0, "abc")
    (row,) = weeks_study.rows(kept)
    assert row["rate"] is None
    settings = weeks_study.settings()
    machine = {"created_at": "2026-01-01", "commit": "abc", "cores": 2, "load_average": 0.1}
    page = "\n".join(monitor_page.weeks({"settings": settings, "machine": machine, "cells": [row], "work_s": 60}))
    assert "windows of a day" in page


def test_the_committed_result_holds_what_is_promised() -> None:
    made = newest("weeks")
    if made is None:
        pytest.fail("there is no committed result; run bench/weeks_study.py")
    cells = {cell["sort"]: cell for cell in made["cells"]}
    assert cells["dealt"]["holds"]
    assert cells["dealt"]["tested"] >= 1_000
    assert cells["later"]["found"] >= 0.9 * cells["later"]["years"]
    assert cells["day by day"]["too_few_blocks"] == cells["day by day"]["judged"] > 0
