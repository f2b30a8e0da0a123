"""Batches are made once for contenders that follow one another, and each contender gets its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accel_drift import evaluation as ev
from accel_drift.evaluation import remembered
from tests.evaluation.fakes import MeanShift, Shifted


class Spoils(MeanShift):
    """Writes into what it is given."""

    def fit(self, reference: Any) -> Spoils:
        reference[:] = 7.0
        return self

    def detect(self, batch: Any) -> ev.Judged:
        batch[:] = 7.0
        return ev.Judged(0.0, False)


class Counted:
    """Counts how often its batches are made."""

    def __init__(self, as_lists: bool = False) -> None:
        self.calls, self.as_lists = list[int](), as_lists

    def __call__(self, seed: int) -> ev.Batches:
        self.calls.append(seed)
        made = Shifted(batches=3)(seed)
        return ev.Batches(made.reference.tolist(), made.batches, made.drifted) if self.as_lists else made


def scores(results: ev.Results, name: str) -> list[Any]:
    return [row["score"] for row in results.table.to_pylist() if row["contender"] == name]


def test_batches_are_made_once_for_all_contenders_of_a_seed() -> None:
    scenario = Counted()
    ev.Evaluation({"a": MeanShift(), "b": MeanShift(1.0)}, scenario, seeds=3).run()
    assert scenario.calls == [0, 1, 2]


def test_what_one_contender_does_to_them_does_not_reach_the_next() -> None:
    alone = ev.Evaluation({"b": MeanShift()}, Shifted(batches=3), seeds=2).run()
    after = ev.Evaluation({"a": Spoils(), "b": MeanShift(), "c": Spoils(2.0), "d": MeanShift(3.0)}, Shifted(batches=3))
    made = after.run()
    assert scores(made, "b")[:6] == scores(made, "d")[:6] == scores(alone, "b")


def test_what_cannot_be_copied_or_is_too_large_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Counted(as_lists=True)
    ev.Evaluation({"a": MeanShift()}, lists, seeds=1).run()
    assert len(lists.calls) == 5
    large = Counted()
    monkeypatch.setattr(remembered, "MOST_BYTES", np.zeros((400, 2)).nbytes + 2 * np.zeros((50, 2)).nbytes)
    ev.Evaluation({"a": MeanShift()}, large, seeds=1).run()
    assert len(large.calls) == 5
