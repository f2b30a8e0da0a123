"""The level study: its economies change no p-value, its runs are kept and taken up, and its cells add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench import level_study as study
from bench import study as studies
from bench.economies import economies
from bench.level import DETECTORS
from bench.level_study import Task
from bench.study import Kept


@pytest.mark.parametrize(
    "task",
    [
        Task("single", "zeros", 60, 40, 0, 3),
        Task("single", "zipf_missing", 60, 40, 0, 3),
        Task("single", "missing", 50, 70, 0, 3, rounds=True),
        Task("single", "block_effects", 200, 240, 0, 2, block=study.BLOCK),
        Task("joint", "normal", 100, 100, 0, 1),
    ],
    ids=lambda t: f"{t.what}-{t.column}-{t.rounds}-{t.block}",
)
def test_economies_change_no_p_value(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sequence[float | None]] = []
    monkeypatch.setattr(study, "_count", seen.append)
    study.work(task, study.wanted(task))
    plain = seen.copy()
    seen.clear()
    with economies():
        study.work(task, study.wanted(task))
    assert plain
    assert seen == plain


def test_every_detector_is_studied() -> None:
    wanted = {d.split()[0] for t in study.tasks(0.001) for d in study.wanted(t)}
    assert wanted == set(DETECTORS)
    blocks = {d.split()[0] for t in study.tasks(0.001) for d in study.wanted(t) if t.block}
    rows = {d.split()[0] for t in study.tasks(0.001) for d in study.wanted(t) if not t.block and "block" in t.column}
    assert blocks == rows == set(DETECTORS)


def test_no_two_kinds_of_task_share_their_data_but_rows_and_blocks() -> None:
    tasks = list(study.tasks(0.001))
    keys = {(study._place(t), t.n, t.m, t.first, t.block) for t in tasks}
    assert len(keys) == len(tasks)
    blocks = next(t for t in tasks if t.block)
    assert study._place(blocks) == study._place(replace(blocks, block=None))


def test_runs_are_kept_and_only_new_detectors_are_run(tmp_path: Path) -> None:
    task, kept = Task("single", "normal", 30, 30, 0, 4), tmp_path / "runs.jsonl"
    assert studies.left(study.STUDY, [task], Kept(), ["psi"]) == [(task, ("psi",))]
    studies.run(study.STUDY, [(task, ("psi",))], Kept(), kept, 1)
    again = studies.read(Task, kept)
    assert again.found[task]["psi"]["pairs"] == 4
    assert again.seconds > 0
    ((same, others),) = studies.left(study.STUDY, [task], again, [])
    assert same == task
    assert set(others) == set(study.wanted(task)) - {"psi"}


def test_a_later_detector_sees_the_very_same_data() -> None:
    task = Task("single", "normal", 40, 50, 0, 5)
    assert study.work(task, ("psi",))["psi"] == study.work(task, ("ks", "psi"))["psi"]


def test_cells_add_up() -> None:
    kept: Kept[Task] = Kept()
    count = {"rejected": 1, "also": 0, "tested": 2, "pairs": 2}
    kept.add(Task("single", "normal", 30, 30, 0, 2), {"psi": count}, 1.0, "a")
    kept.add(Task("single", "normal", 30, 30, 2, 2), {"psi": {**count, "rejected": 0, "tested": 1}}, 1.0, "b")
    (row,) = study.rows(kept)
    assert (row["rejected"], row["tested"], row["pairs"], row["rate"]) == (1, 3, 4, 0.25)
    assert row["commits"] == ["a", "b"]
    assert row["bound"] == pytest.approx(0.05 + 4.75 * (0.05 * 0.95 / 4) ** 0.5, abs=1e-5)


def test_joint_detectors_are_asked_about_joint_tables() -> None:
    for task in study.tasks(0.001):
        assert {DETECTORS[d.split()[0]].joint for d in study.wanted(task)} <= {task.what == "joint"}
