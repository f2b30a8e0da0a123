"""Rare categories in profiles of counts: what their buckets hide is told, and what goes on among them is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import accel_drift as ad


def test_new_categories_that_buckets_hide_are_not_called_known() -> None:
    """The plan's rows had few categories, so all that come later share few buckets."""
    rng = np.random.default_rng(21)
    known = [f"c{v}" for v in rng.integers(0, 30_000, 20_000)]
    batch = {"c": known[:5_000] + [f"new{v}" for v in range(5_000)]}
    plan = ad.Profile.plan({"c": known[:30]}, ["unseen"], kinds={"c": "categorical"})
    report = ad.Profile.fit({"c": known}, plan=plan).score(batch)
    (finding,) = report.findings
    assert str(finding.status) == "not_comparable"
    assert "would share a bucket" in finding.note
    assert "plan again on more rows" in finding.note
    assert any("hard to see" in w for w in report.warnings)


def test_new_categories_are_found_among_very_many(tmp_path: Path) -> None:
    """Buckets for 10,000 rare categories: few new ones look known, how few is told, and the file stays small."""
    rng = np.random.default_rng(23)
    names = np.array([f"c{v:05d}" for v in range(10_000)])
    reference, control = ({"c": names[rng.integers(0, 10_000, 40_000)]} for _ in range(2))
    plan = ad.Profile.plan({"c": names[rng.integers(0, 10_000, 40_000)]}, ["unseen"], kinds={"c": "categorical"})
    profile = ad.Profile.fit(reference, plan=plan)
    profile.save(tmp_path / "it.adp")
    assert (tmp_path / "it.adp").stat().st_size < 60_000
    batch = {"c": np.concatenate([control["c"][:9_000], [f"new{v}" for v in range(1_000)]])}
    (finding,) = profile.score(batch).findings
    # 9,800 of 131,072 buckets are taken. A tenth of the rows is new, and of the others exp(-4) by chance.
    assert finding.details["hidden"] == pytest.approx(0.072, abs=0.002)
    assert finding.statistic == pytest.approx((0.1 + 0.9 * np.exp(-4)) * (1 - 0.072), abs=0.006)
    assert finding.effect == pytest.approx(0.1 * (1 - 0.072), abs=0.01)
    assert str(finding.status) == "drifted"
    assert "7% of new categories would share a bucket" in finding.note
    (finding,) = profile.score(control).findings
    assert str(finding.status) == "stable"


def test_rows_that_vanish_with_rare_categories_are_found_in_counts() -> None:
    rng = np.random.default_rng(24)
    names = np.array([f"c{v:05d}" for v in range(10_000)])
    sample, reference, batch = ({"c": names[rng.integers(0, k, 20_000)]} for k in (10_000, 10_000, 9_000))
    plan = ad.Profile.plan(sample, ["chi_square"], kinds={"c": "categorical"})
    (finding,) = ad.Profile.fit(reference, plan=plan).score(batch).findings
    assert str(finding.status) == "drifted"


def test_a_bucket_is_not_called_by_a_category_that_may_not_be_there() -> None:
    """The plan saw a rare category that the reference lacks; another one of its bucket must not go by its name."""
    plan = ad.Profile.plan({"c": ["a"] * 100 + [f"rare{v}" for v in range(50)]}, ["psi", "unseen"])
    reference = {"c": ["a"] * 400 + [f"other{v}" for v in range(400)]}
    batch = {"c": ["a"] * 400 + [f"last{v}" for v in range(300)]}
    report = ad.Profile.fit(reference, plan=plan).score(batch)
    labels = {p.label for f in report.findings for p in f.parts} - {"a", "other", "missing"}
    held = {*reference["c"], *batch["c"]}
    assert labels
    for label in labels:
        assert label.startswith("(rare, bucket ") or label.removesuffix(" and others") in held
    assert not any(label.startswith("rare") for label in labels)
