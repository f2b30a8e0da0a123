"""The study of looking at every batch, on tiny sizes."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log

import numpy as np
import pytest

from accel_drift.sequential.evidence import STAKES, Evidence, Guarantee
from bench import sequential_study as study
from bench import studies_page
from bench.study import Kept


def test_every_test_reference_and_contract_is_told_and_shown() -> None:
    kept: Kept[study.Task] = Kept()
    made = [t for t in study.tasks(0.01) if t.first == 0]
    for task in made:
        small = replace(task, runs=3, looks=60 if task.test != "bounded_mean" else 500)
        kept.add(small, study.work(small, study.wanted(small)), 1.0, "a")
    rows = study.rows(kept)
    asked = [(r["test"], r["reference"]) for r in rows if r["contract"] in ("ever", "fdr")]
    assert asked == [(test, reference) for test, references in study.REFERENCES.items() for reference in references]
    assert all(r["runs"] == 3 for r in rows)
    assert {r["reference"] for r in rows if r["holds"] is None} == {"reused"}
    machine = {"created_at": "2000-01-01T00:00"}
    result = {"cells": rows, "settings": study.settings(), "work_s": 60, "machine": machine}
    page = "\n".join(studies_page.PARTS["sequential"](result))
    assert '| BoundedMean, errors of 10% | reused, tolerance | "run_length" | 3 |' in page
    assert "false discovery rate" in page


def test_all_runs_are_there_once_and_look_as_often_as_promised() -> None:
    runs: dict[tuple[str, str], list[int]] = {}
    for t in study.tasks():
        runs.setdefault((t.test, t.reference), []).extend(range(t.first, t.first + t.runs))
        assert t.looks == (study.TABLE_LOOKS if t.test == "e_bh" else 100_000)
    assert all(numbers == list(range(1000)) for numbers in runs.values())


def test_looks_are_counted_up_to_the_first_alarm() -> None:
    count = study.counted(np.array([5.0, 20_001.0, inf, 30.0]), 100_000)
    assert (count["early"], count["alarms"]) == (2, 3)
    assert count["sum"] == 5 + 20_001 + 100_000 + 30


@pytest.mark.parametrize("guarantee", study.GUARANTEES)
def test_the_first_alarm_is_where_evidence_first_suffices(
    guarantee: Guarantee, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many runs at an alpha so large that some alarm, each followed by itself."""
    monkeypatch.setitem(study.LEVELS, guarantee, {"ever": 0.7, "run_length": 0.01}[guarantee])
    task = study.Task("two_sample", "fresh", 0, 40, 80)
    found = study.first_alarms(task)[guarantee]
    each = np.array(list(study.row_bets(task)))
    assert 0 < np.isfinite(found).sum() < task.runs
    for run in range(task.runs):
        evidence, reached = Evidence.start(guarantee, len(STAKES), 1), inf
        for look, log_e in enumerate(each, 1):
            evidence = evidence.add(log_e[:, run : run + 1])
            if evidence.total >= -log(study.LEVELS[guarantee]):
                reached = min(reached, look)
        assert found[run] == reached


def test_a_reused_reference_repeats_its_rows_and_a_fresh_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "ROWS", 2)
    seen: dict[str, list[np.ndarray]] = {"fresh": [], "reused": []}
    bets = study.Cells.bets
    for reference, held in seen.items():

        def spy(self: study.Cells, batch: np.ndarray, rows: np.ndarray, to: list[np.ndarray] = held) -> object:
            to.append(rows)
            return bets(self, batch, rows)

        monkeypatch.setattr(study.Cells, "bets", spy)
        list(study.row_bets(study.Task("two_sample", reference, 0, 3, 100)))
    assert all(len(np.unique(column)) <= 2 for column in seen["reused"][0].T)
    assert all(len(np.unique(column)) > 20 for column in seen["fresh"][0].T)


def test_broken_promises_are_seen() -> None:
    runs, looks = 1000, 100_000
    many = study.counted(np.where(np.arange(runs) < 90, 10.0, inf), looks)
    few = study.counted(np.where(np.arange(runs) < 60, 10.0, inf), looks)
    soon = study.counted(np.random.default_rng(1).exponential(8_000.0, runs), looks)
    late = study.counted(np.random.default_rng(1).exponential(12_000.0, runs), looks)
    assert [study._lengths("fresh", "ever", c)["holds"] for c in (many, few)] == [False, True]
    assert [study._lengths("fresh", "run_length", c)["holds"] for c in (soon, late)] == [False, True]
    assert study._lengths("reused", "ever", many)["holds"] is None
    rates = {"runs": runs, "right": 900, "first": 50.0, "first_squares": 25.0, "last": 90.0, "last_squares": 20.0}
    assert not study._rates(rates)["holds"]
    assert study._rates({**rates, "last": 55.0})["holds"]
