"""The study of thresholds on tiny sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import thresholds_study as study
from bench.study import Kept
from bench.thresholds_page import thresholds


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CLEAN", 3), ("SHIFTED", 2), ("SHIFTS", (0.3, 9.0)), ("RATES", (0.1,)), ("A_TASK", 2)):
        monkeypatch.setattr(study, name, value)
    for name, setting in study.SETTINGS.items():
        sizes = {"days of 20 rows, 5 a batch": (400, 60)}.get(name, (200, 30))
        monkeypatch.setitem(study.SETTINGS, name, replace(setting, rows=sizes, references=2))


@pytest.mark.usefixtures("small")
def test_every_way_is_told_with_its_rate_and_what_it_finds() -> None:
    kept: Kept[study.Task] = Kept()
    tasks = list(study.tasks())
    assert [task.setting for task in tasks] == list(study.SETTINGS)
    for task in tasks:
        kept.add(task, study.work(task, study.STUDY.wanted(task)), 1.0, "a")
    made = study.rows(kept)
    judged = {(c["setting"], c["way"]) for c in made if c["holds"] is not None}
    days = "days of 20 rows, 5 a batch"
    assert {way for _, way in judged} == {"rows", "counts", "blocks"}
    assert (days, "blocks") in judged
    assert (days, "rows") not in judged
    for c in made:
        assert 0 <= c["low"] <= c["share"] <= c["high"]
        assert (c["references"], c["batches"]) == (2, 3)
        assert (c["way"] == "fixed") == (c["rate"] is None) == bool(c["rule"])
        if not c["detector"] and c["way"] != "blocks":
            assert c["found"]["9"] == 1.0
    statistics = {(c["detector"], c["column"]) for c in made if c["setting"].endswith("MMD as well")}
    assert ("mmd", "") in statistics
    assert ("missing", "y") not in statistics
    result: dict[str, Any] = {
        "cells": made, "settings": study.settings(), "work_s": 60, "machine": {"created_at": "2000-01-01T00:00"}
    }  # fmt: skip
    page = "\n".join(thresholds(result))
    for name in study.SETTINGS:
        assert f"{name} against" in page
    assert "| whole days drawn | 10% |" in page
    assert "KS > 0.1, nothing drifted" in page


@pytest.mark.usefixtures("small")
def test_blocks_do_not_change_the_statistics() -> None:
    setting = study.SETTINGS["days of 20 rows, 5 a batch"]
    rng = np.random.default_rng(0)
    reference, batch = setting.draw(rng, 400), setting.draw(rng, 60)
    whole = study.fitted(setting, "blocks", reference).statistics(batch)
    (single,) = study.scored(setting, "rows", reference, [batch])
    for name, found in single.items():
        assert whole[name] == pytest.approx(dict(found))


def test_a_rate_that_the_interval_lies_above_is_not_held() -> None:
    task = study.Task("independent rows, MMD as well", 0, 4)
    for over, holds in (([80, 80, 79, 80], False), ([4, 0, 8, 4], True), ([0, 0, 0, 1], True)):
        kept: Kept[study.Task] = Kept()
        shifted = {f"{s:g}||": [20] * 4 for s in study.SHIFTS}
        kept.add(task, {"rows": {"0.05": {"0||": over, **shifted}}}, 1.0, "a")
        (row,) = study.rows(kept)
        assert row["holds"] is holds
        assert row["share"] == pytest.approx(sum(over) / 320, abs=1e-4)
