"""The study of delays, on tiny sizes and without alibi-detect."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from accel_drift.sequential.online_mmd import OnlineMMD
from accel_drift.sequential.row_watch import RowWatch
from bench import delay_study as study
from bench import online_peer, studies_page
from bench.study import Kept


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"ARL": 40, "ROWS": 60, "CALM": 8, "CHANGED": 6, "HORIZON": 300, "TAIL": 80}
    for name, size in sizes.items():
        monkeypatch.setattr(study, name, size)
    monkeypatch.setattr(study, "SETTINGS", {(2, 5, 4.0): 3})


def same(reference: Any, streams: Any, *, ert: int, window: int, bootstraps: int, seed: int) -> dict[str, Any]:
    """Ours in place of alibi-detect."""
    assert bootstraps >= 10 * ert
    learned = OnlineMMD(arl=ert, window=window, seed=seed).open(reference, backend="numpy")._learned
    alarms = [[RowWatch(learned).update(rows).row for rows in lot] for lot in streams]
    first = [[int(row[0]) + 1 if len(row) else 0 for row in lot] for lot in alarms]
    return {"first": first, "fit_cpu_s": 1.0, "version": "0.0"}


@pytest.mark.usefixtures("small")
def test_against_ourselves_the_factor_is_1_and_the_difference_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_peer, "first_alarms", same)
    kept: Kept[study.Task] = Kept()
    for task in study.tasks():
        kept.add(task, study.work(task, study.DETECTORS), 1.0, "a")
    alibi, ours, other = rows = study.rows(kept)
    assert [r["detector"] for r in rows] == ["alibi_detect", "online_mmd", "kernel_cusum"]
    assert all(r["references"] == 3 and r["streams"] + r["early"] == 18 for r in rows)
    for name in ("run_length", "run_length_error", "delay", "delay_error", "own", "from", "to", "early"):
        assert ours[name] == alibi[name]
    assert ours["factor"] <= 1.0
    assert (ours["difference"], ours["difference_error"], ours["holds"]) == (0.0, 0.0, True)
    assert alibi["holds"] is None
    assert other["run_length"] >= alibi["run_length"]
    assert other["difference"] == pytest.approx(other["delay"] - alibi["delay"], abs=0.011)
    machine = {"created_at": "2000-01-01T00:00"}
    result = {"cells": rows, "settings": study.settings(), "work_s": 60, "machine": machine}
    page = "\n".join(studies_page.PARTS["delays"](result))
    assert "| 2, 5, 4 | **OnlineMMD** | 3 |" in page
    assert "alibi-detect 0.0" in page


def test_all_references_are_there_once_and_differ() -> None:
    made = list(study.tasks())
    for setting, count in study.SETTINGS.items():
        assert [t.reference for t in made if (t.columns, t.window, t.shift) == setting] == list(range(count))
    assert min(study.SETTINGS.values()) >= 10


@pytest.mark.usefixtures("small")
def test_streams_change_after_two_windows_by_the_length_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "CHANGED", 200)
    task = study.Task(4, 5, 2.0, 0)
    reference, calm, changed = task.draw()
    assert (reference.shape, calm.shape, changed.shape) == ((60, 4), (8, 300, 4), (200, 90, 4))
    means = changed.mean(axis=0)  # of 200 values: a standard error of 0.07
    assert np.abs(means[: task.onset]).max() < 0.4
    assert np.abs(means[task.onset :] - 1.0).max() < 0.4
    assert not np.array_equal(replace(task, reference=1).draw()[0], reference)


def test_highs_tell_the_first_alarm_at_every_factor() -> None:
    path = np.array([nan, nan, -0.5, 0.2, 0.7, 0.6, 1.0, 0.4, 1.5])
    found = study.highs(path)
    assert found == ([4, 5, 7, 9], [0.2, 0.7, 1.0, 1.5])
    streams = study.Streams([[found, study.alarm(3)], [study.alarm(0), found]], 9 + 1)
    assert streams.first(1.0).tolist() == [[7, 3], [10, 7]]
    assert streams.first(0.5).tolist() == [[5, 3], [10, 5]]
    assert streams.first(1.6).tolist() == [[10, 10], [10, 10]]


def test_delays_leave_out_streams_that_alarmed_before_the_change() -> None:
    changed = study.Streams([[study.alarm(4), study.alarm(5), study.alarm(9), study.alarm(0)]], 20)
    runs = study.Runs(changed, changed, 4)
    total, count = runs.delays(1.0)
    assert (total[0], count[0]) == (1 + 5 + 16, 3)
    assert study.average(runs.delays(1.0), np.array([True])) == pytest.approx(22 / 3)


def _runs(first: list[float], onset: int, rng: np.random.Generator) -> study.Runs:
    """Highs of exponential runs of these averages, and alarms about 10 rows after the change."""
    calm = []
    for mean in first:
        ends = np.cumsum(1 + rng.exponential(mean, (40, 6)) / np.arange(6, 0, -1), axis=1)
        calm.append([([int(v) for v in row], [0.7, 0.8, 0.9, 1.0, 1.1, 1.2]) for row in ends])
    late = [[([onset + int(v)], [9.0]) for v in rng.integers(5, 16, 40)] for _ in first]
    return study.Runs(study.Streams(calm, 100_000), study.Streams(late, 1_000), onset)


def _average(runs: study.Runs, factor: float) -> float:
    return study.average(runs.lengths(factor), np.ones(len(runs.calm.rows), np.bool_))


def test_the_factor_is_the_least_that_is_as_long() -> None:
    runs = _runs([100.0, 200.0, 300.0], 10, np.random.default_rng(1))
    everything = np.ones(3, np.bool_)
    for least in (1.0, 100.0, 150.0):
        factor = runs.factor(least, everything)
        assert _average(runs, factor) >= least
        assert factor < 0.051 or _average(runs, factor / 1.001) < least
    assert runs.factor(inf, everything) == pytest.approx(20.0)


def test_rows_without_a_look_do_not_count_as_run_length() -> None:
    soon, later = (study.Streams([[study.alarm(first) for first in lot]], 1_000) for lot in ((5, 20, 40), (30, 50, 0)))
    one, other = study.Runs(soon, soon, 10), study.Runs(later, later, 10)
    assert _average(one, 1.0) == (10 + 30) / 2
    assert _average(other, 1.0) == (20 + 40 + 990) / 3


def test_the_jackknife_is_the_standard_error_of_a_mean_over_references() -> None:
    runs = _runs([100.0, 200.0, 300.0, 250.0], 0, np.random.default_rng(2))
    row = study.compared(runs, None)
    lengths = runs.calm.first(1.0).mean(axis=1)
    assert row["own"] == pytest.approx(lengths.mean(), abs=0.06)
    assert row["run_length"] == pytest.approx(lengths.mean(), abs=0.006)
    assert row["run_length_error"] == pytest.approx(lengths.std(ddof=1) / 2, abs=0.006)


def test_a_longer_delay_is_seen() -> None:
    rng = np.random.default_rng(3)
    alibi, mine = (_runs([100.0] * 6, 10, rng) for _ in range(2))
    later = study.Runs(mine.calm, study.Streams([[([30], [9.0])] * 40] * 6, 1_000), 10)
    assert study.compared(study.Runs(mine.calm, study.Streams([[([12], [9.0])] * 40] * 6, 1_000), 10), alibi)["holds"]
    row = study.compared(later, alibi)
    assert row["difference"] == pytest.approx(20 - study.average(alibi.delays(1.0), np.ones(6, np.bool_)), abs=0.02)
    assert not row["holds"]


def test_without_a_python_for_alibi_it_is_said_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(online_peer.PYTHON, raising=False)
    none = np.zeros((2, 2), np.float32)
    with pytest.raises(RuntimeError, match="--peers"):
        online_peer.first_alarms(none, (none, none), ert=100, window=5, bootstraps=10, seed=0)
