"""Whole blocks of rows: the level where rows are alike within days, and what too few blocks can say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector
from accel_drift.errors import AccelDriftError
from tests.detectors import cases

DAYS, ROWS = 14, 12


def _clustered(rng: np.random.Generator, days: int, first: int = 0, rows: int = ROWS) -> dict[str, Any]:
    """Days that differ in level, in mix and in how much goes missing; between the sides nothing differs."""
    day = np.repeat(np.arange(days), rows)
    level, mood, gone = rng.normal(size=days), rng.dirichlet(np.ones(3), days), rng.beta(0.4, 1.6, days)
    made: dict[str, Any] = {"day": first + day, "x": rng.normal(size=len(day)) + 1.5 * level[day]}
    made["c"] = np.array([rng.choice(["a", "b", "c"], p=mood[d]) for d in day])
    hole = rng.random(len(day)) < gone[day]
    made["h"] = np.where(hole, np.nan, rng.normal(size=len(day)))
    return made


def _rates(name: str, block: str | None, pairs: int) -> float:
    hits = total = 0
    for seed in range(pairs):
        rng = np.random.default_rng([30, seed])
        reference, batch = _clustered(rng, DAYS), _clustered(rng, DAYS, 1000)
        detector = get_detector(name, permutations=99, alpha=0.05, block=block, seed=seed)
        columns = {"missing": "h", "unseen": "c"}.get(name)
        keep = ["day", columns] if columns else ["day", "x", "c"]
        found = detector.fit(reference, backend="numpy", columns=keep).detect(batch)
        p = np.array([f.p_value for f in found.findings if f.column != "day" and f.p_value is not None])
        hits += int((p <= 0.05).sum())
        total += len(p)
    assert total
    return hits / total


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize("name", cases.NAMES)
def test_level_with_blocks_on_days_that_differ(name: str) -> None:
    pairs = 120
    assert _rates(name, "day", pairs) <= 0.05 + 4.75 * np.sqrt(0.05 * 0.95 / pairs)


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in cases.NAMES if n != "unseen"])
def test_rows_one_by_one_reject_the_same_days(name: str) -> None:
    """Or the test above would pass with a test that never rejects."""
    assert _rates(name, None, 40) > 0.25


@pytest.mark.statistical
@pytest.mark.slow
def test_blocks_still_find_a_drift() -> None:
    found = 0
    for seed in range(20):
        rng = np.random.default_rng([31, seed])
        reference, batch = _clustered(rng, 20), _clustered(rng, 20, 1000)
        batch["x"] = batch["x"] + 4
        detected = ad.PSI(block="day", seed=seed).fit(reference, backend="numpy", columns=["day", "x"]).detect(batch)
        found += detected.drifted
    assert found >= 18


@pytest.mark.parametrize("name", [n for n in cases.NAMES if n != "missing"])
def test_too_few_blocks_is_a_status(name: str) -> None:
    rng = np.random.default_rng(32)
    reference, batch = _clustered(rng, 4), _clustered(rng, 4, 1000)
    few = {"x": reference, "y": batch}
    columns = ["day", "c"] if name == "unseen" else ["day", "x", "c"]
    # 70 labellings of eight blocks: enough for 0.05, too few for 0.01.
    for alpha, status in ((0.01, True), (0.05, False)):
        found = get_detector(name, block="day", alpha=alpha).fit(few["x"], backend="numpy", columns=columns)
        statuses = {f.status for f in found.detect(few["y"]).findings}
        assert (statuses == {ad.Status.TOO_FEW_BLOCKS}) == status
        assert all(f.p_value is None for f in found.detect(few["y"]).findings) == status


def test_missing_with_too_few_blocks() -> None:
    rng = np.random.default_rng(33)
    found = ad.Missing(block="day").fit(_clustered(rng, 4), backend="numpy", columns=["day", "h"])
    assert {f.status for f in found.detect(_clustered(rng, 4, 9)).findings} == {ad.Status.TOO_FEW_BLOCKS}


def test_too_few_rows_for_alpha_is_too_few_rows() -> None:
    """Three against three rows have 20 labellings: nothing can be rejected at 0.01, so nothing is called stable."""
    x, y = np.arange(3.0), np.arange(3.0) + 0.5
    for name in ("psi", "ks", "chi_square", "mmd"):
        (found,) = get_detector(name, alpha=0.01).fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert found.status is ad.Status.TOO_FEW_ROWS
        (found,) = get_detector(name, alpha=0.06).fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert found.status.tested


@pytest.mark.parametrize("block", ["day", 12])
def test_statistics_are_those_of_rows(block: str | int) -> None:
    """Blocks change what chance does, not what is seen, but that rows after the last whole run are dropped."""
    rng = np.random.default_rng(34)
    reference, batch = _clustered(rng, 9), _clustered(rng, 7, 100)
    for name in cases.NAMES:
        columns = ["day", "x", "c", "h"]
        found = [
            get_detector(name, block=b, permutations=99).fit(reference, backend="numpy", columns=columns).score(batch)
            for b in (block, None)
        ]
        if get_class(name).joint:
            continue  # pairs within a block are left out, and the block's own column is not compared
        with_blocks, without = (np.ravel(f) for f in found)
        assert with_blocks == pytest.approx(without[-len(with_blocks) :], rel=1e-12)


def test_partial_runs_at_the_end_are_dropped() -> None:
    rng = np.random.default_rng(35)
    x, y = rng.normal(size=100), rng.normal(size=95)
    whole = ad.KS(block=10).fit({"x": x}, backend="numpy").detect({"x": y[:90]})
    ragged = ad.KS(block=10).fit({"x": x}, backend="numpy").detect({"x": y})
    assert [f.to_dict() for f in whole.findings] == [f.to_dict() for f in ragged.findings]


@pytest.mark.parametrize("block", ["nothing", 0, 1000])
def test_a_block_that_cannot_be_is_refused(block: str | int) -> None:
    rng = np.random.default_rng(36)
    with pytest.raises(AccelDriftError):
        ad.compare({"x": rng.normal(size=50)}, {"x": rng.normal(size=50)}, block=block, backend="numpy")


def test_mmd_with_a_block_of_one_row() -> None:
    rng = np.random.default_rng(37)
    reference = {"x": rng.normal(size=50), "day": np.zeros(50, int)}
    sizes = [1] + [4] * 150
    days = np.repeat(np.arange(len(sizes)), sizes) + 1
    batch = {"x": rng.normal(size=len(days)), "day": days}
    (found,) = ad.MMD(block="day", permutations=1999).fit(reference, backend="numpy").detect(batch).findings
    assert found.p_value is not None
    assert found.p_value > 0.01


def _detectors() -> list[Detector]:
    return [get_detector(n, permutations=99) for n in cases.NAMES]


def test_report_names_its_block_and_does_not_compare_it() -> None:
    rng = np.random.default_rng(38)
    report = ad.compare(_clustered(rng, 12), _clustered(rng, 12, 50), _detectors(), block="day", backend="numpy")
    assert "day" not in report.compared_columns
    assert "day" in report.excluded
    assert report.settings["block"] == "day"
    assert report.detectable == {}
