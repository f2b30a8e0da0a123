"""The level study: its economies change no p-value, and its cells add up."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bench import level_study as study
from bench.economies import economies
from bench.level_study import Count, Task


@pytest.mark.parametrize(
    "task",
    [
        Task("single", "zeros", 60, 40, 0, 3),
        Task("single", "zipf_missing", 60, 40, 0, 3),
        Task("single", "missing", 50, 70, 0, 3, rounds=True),
        Task("single", "block_effects", 200, 240, 0, 2, block=study.BLOCK),
    ],
    ids=lambda t: f"{t.column}-{t.rounds}-{t.block}",
)
def test_economies_change_no_p_value(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float | None]] = []
    monkeypatch.setattr(Count, "add", lambda _, p: seen.append(p))
    study.run(task)
    plain = seen.copy()
    seen.clear()
    with economies():
        study.run(task)
    assert plain
    assert seen == plain


def test_mmd_is_the_same_with_economies(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float | None]] = []
    monkeypatch.setattr(Count, "add", lambda _, p: seen.append(p))
    task = Task("joint", "normal", 100, 100, 0, 1)
    study.run(task)
    with economies():
        study.run(task)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_no_two_kinds_of_task_share_their_data() -> None:
    tasks = list(study.tasks(0.001))
    keys = {(study._place(t), t.n, t.m, t.first) for t in tasks}
    assert len(keys) == len({(t.what, t.column, t.change, t.rounds, t.n, t.m, t.first) for t in tasks}) == len(tasks)


def test_runs_are_kept_and_taken_up_again(tmp_path: Path) -> None:
    task, other = Task("single", "normal", 30, 30, 0, 2), Task("single", "normal", 30, 30, 2, 2)
    kept = tmp_path / "runs.jsonl"
    counts = {"psi": {"rejected": 1, "also": 0, "tested": 2, "pairs": 2}}
    kept.write_text(json.dumps([asdict(task), counts, 1.5]) + "\n", encoding="utf-8")
    assert study._read(kept) == {task: ({"psi": Count(1, 0, 2, 2)}, 1.5)}
    (row,) = study.cells({task: {"psi": Count(1, 0, 2, 2)}, other: {"psi": Count(0, 0, 1, 2)}})
    assert (row["rejected"], row["tested"], row["pairs"], row["rate"]) == (1, 3, 4, 0.25)
