"""The study of embeddings, on tiny sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from accel_drift.statistics import distances
from bench import embedding_page
from bench import embedding_study as study
from bench.economies import economies
from bench.embed_docstrings import texts
from bench.study import Kept


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes = {"N": 20, "M": 12, "COST": (30, 20, 24), "PAIRS": {True: 4, False: 3}, "ROUNDS": 1}
    for name, size in sizes.items():
        monkeypatch.setattr(study, name, size)
    rng = np.random.default_rng(2)
    made = {name: rng.normal(at, 1.0, (50, 16)).astype(np.float32) for name, at in (("scipy", 0.0), ("pandas", 3.0))}
    np.savez(tmp_path / "vectors.npz", **made, scipy_version="1", pandas_version="2")  # type: ignore[arg-type]
    monkeypatch.setenv("DOCSTRINGS", str(tmp_path / "vectors.npz"))
    study._docstrings.cache_clear()


@pytest.mark.usefixtures("small")
def test_every_way_is_counted_and_shown() -> None:
    kept: Kept[study.Task] = Kept()
    ways = {"none", "pca 8", "random 32", study.CALIBRATED}
    tasks = [t for t in study.tasks() if t.d == 384 or t.change == "cost"]
    assert {t.source for t in tasks} == {"synthetic", study.SINGLE, "docstrings"}
    assert {t.change for t in tasks} == {*study.CHANGES, *study.SHARES, "cost"}
    for task in tasks:
        kept.add(task, study.work(task, tuple(way for way in study.wanted(task) if way in ways)), 1.0, "a")
    cells = study.rows(kept)
    assert {c["pairs"] for c in cells if c["change"] == "none"} == {4}
    by = {(c["source"], c["change"], c["way"]): c for c in cells}
    assert {w for source, _, w in by if source == study.SINGLE} == {"none", "random 32"}
    assert by["docstrings", "pandas 30 %", "none"]["rate"] >= by["docstrings", "none", "none"]["rate"]
    head = {"machine": {"created_at": "2026-01-01"}, "work_s": 60}
    page = "\n".join(embedding_page.embeddings({**head, "settings": study.settings(), "cells": cells}))
    assert "| synthetic, 384 numbers | a new cluster | 3 |" in page
    assert "| docstrings, 384 numbers | pandas 10 % | 3 |" in page
    assert "| none | 1.00 |" in page
    assert f'*{study.CALIBRATED}* has `scale="calibration"`' in page
    earlier = [c for c in cells if c["way"] != study.CALIBRATED and c["source"] != study.SINGLE]
    old = "\n".join(embedding_page.embeddings({**head, "settings": study.settings(), "cells": earlier}))
    assert "calibration" not in old


@pytest.mark.usefixtures("small")
def test_a_quick_look_times_fewer_rounds_with_the_pairs_of_rows_of_a_users_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(study, "ROUNDS", 10)
    first = next(study.tasks(0.2))
    assert (first.change, first.pairs) == ("cost", 2)
    seen: list[tuple[int, int]] = []

    def p_value(*_: object) -> float:
        seen.append((distances._PAIRS, max(b["num_threads"] for b in threadpool_info() if b["user_api"] == "blas")))
        return 1.0

    monkeypatch.setattr(study, "_p_value", p_value)
    with economies():
        study.work(first, ("none",))
    assert seen == [(study.PAIRS_OF_ROWS, 1)] * 3


@pytest.mark.usefixtures("small")
def test_float32_rows_are_the_others_rounded() -> None:
    sides = [
        study._pair(study.Task(source, 384, "trailing", 0, 1), np.random.default_rng(3), (20, 12))
        for source in ("synthetic", study.SINGLE)
    ]
    for double, single in zip(*sides, strict=True):
        assert (double.dtype, single.dtype) == (np.float64, np.float32)
        np.testing.assert_array_equal(double.astype(np.float32), single)


def test_changes_are_what_they_say() -> None:
    made = {change: study.synthetic(np.random.default_rng(1), 4000, 32, change) for change in study.CHANGES}
    np.testing.assert_allclose(np.linalg.norm(made["none"], axis=1), 1.0)
    for change, at in (("leading", 0), ("trailing", 24)):
        moved = np.zeros(32)
        moved[at] = study.LENGTH
        np.testing.assert_allclose(made[change] - made["none"], np.broadcast_to(moved, (4000, 32)), atol=1e-12)
    assert made["spread"].var(axis=0).sum() > made["none"].var(axis=0).sum()


def test_texts_are_first_paragraphs_once_each() -> None:
    found = texts("accel_drift")
    assert found == sorted(set(found))
    assert "Energy distance: a two-sample test of all columns together, without a bandwidth." in found
