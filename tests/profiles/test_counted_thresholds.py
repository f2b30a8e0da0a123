"""Thresholds from the counts of a reference: what drawing rows gives, of each column alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.data.schema import Kind
from accel_drift.errors import AccelDriftError, ConfigError
from accel_drift.profiles.counted import CountedProfile
from accel_drift.statistics import draws
from accel_drift.statistics.drawn_counts import DrawnColumn
from accel_drift.statistics.tallied import TalliedComparison

Data = dict[str, Any]
NAMES = ["psi", "ks", "missing", "wasserstein", "cramer_von_mises", "chi_square", "total_variation", "unseen"]


def mixed(rows: int, rng: np.random.Generator, shift: float = 0.0) -> Data:
    base = rng.normal(size=rows)
    return {
        "x": base + shift,
        "y": np.where(rng.random(rows) < 0.1, np.nan, 0.8 * base + 0.6 * rng.normal(size=rows)),
        "n": rng.poisson(3, rows),
        "c": rng.choice(list("abcd"), rows, p=[0.5, 0.3, 0.15, 0.05]),
    }


def counted(rows: int, rng: np.random.Generator, names: list[str]) -> CountedProfile:
    profile = ad.Profile.fit(mixed(rows, rng), [*names], content="aggregates")
    assert isinstance(profile, CountedProfile)
    return profile


def test_statistics_of_drawn_counts_are_those_of_two_tallies() -> None:
    profile = counted(1500, np.random.default_rng(0), NAMES)
    whole, schema = profile.tally, profile.fitted_on.schema
    for name in whole.cells.columns:
        what = schema.get(name)
        assert what is not None
        stream = draws.key(0, "drawn", name)
        column = DrawnColumn.of(whole, name, what.kind, 100, range(3, 6), stream, False)
        (first, last), total = whole.cells.ends[name], whole.of(name)
        assert column.names == ("3", "4", "5")
        assert (column.drawn.sum(axis=1) == 100).all()
        assert (column.drawn <= total).all()
        for label, drawn in zip(column.names, column.drawn, strict=True):
            sides = np.zeros((2, len(whole.counts)), np.int64)
            sides[:, first:last] = total - drawn, drawn
            rest, batch = (
                replace(whole, counts=side, rows=int(side[first:last].sum()), moments=None) for side in sides
            )
            apart = TalliedComparison.of(rest, batch, (schema, schema), (name,))
            for d in profile.detectors:
                if column.of_kind(*d.kinds):
                    assert d.statistics(column)[label] == pytest.approx(d.statistics(apart)[name], rel=1e-12, abs=0)


def test_batches_of_counts_are_hypergeometric() -> None:
    whole = counted(1500, np.random.default_rng(0), ["psi"]).tally
    column = DrawnColumn.of(whole, "c", Kind.CATEGORICAL, 100, range(4000), draws.key(1, "drawn"), False)
    total, rows = whole.of("c"), whole.rows
    share = total / rows
    mean, variance = 100 * share, 100 * share * (1 - share) * (rows - 100) / (rows - 1)
    filled = total > 0
    # Five standard errors of 4,000 draws; a variance errs by the root of 2 / 4,000 of itself, of few rows by more.
    assert (np.abs(column.drawn.mean(axis=0) - mean) <= 5 * np.sqrt(variance / 4000) + 1e-12).all()
    assert column.drawn.var(axis=0)[filled] == pytest.approx(variance[filled], rel=5 * np.sqrt(2.5 / 4000))


@pytest.mark.statistical
def test_thresholds_alone_are_those_of_rows_and_those_together_no_smaller() -> None:
    # Thresholds vary with the reference: of 12 each, means agree. A fifth of the rows makes the cells, uncounted.
    means = []
    for rows, options in ((1200, {"backend": "numpy"}), (1500, {"content": "aggregates"})):
        found = []
        for seed in range(12):
            data, chosen = mixed(rows, np.random.default_rng([5, seed])), dict[str, Any](options)
            made = ad.Profile.fit(data, ["psi", "ks", "missing"], **chosen).calibrated(100, 0.1).thresholds
            assert made is not None
            assert all(t.together is not None and t.together >= t.alone for t in made.limits)
            found.append({(t.detector, t.column): t.alone for t in made.limits})
        means.append({key: np.mean([one[key] for one in found]) for key in found[0]})
    assert means[1] == pytest.approx(means[0], rel=0.15)


@pytest.mark.statistical
def test_clean_batches_are_over_at_the_rate_and_shifts_are_found() -> None:
    rate = 0.1
    clean: list[bool] = []
    shifted: list[bool] = []
    for seed in range(12):
        rng = np.random.default_rng([17, seed])
        profile = counted(1500, rng, ["psi", "ks", "missing"]).calibrated(100, rate)
        assert profile.thresholds is not None
        for shift, found in ((0.0, clean), (1.0, shifted)):
            for _ in range(25):
                found.append(profile.thresholds.judge(profile.statistics(mixed(100, rng, shift))).alarm)
    # 300 batches, of which those of one reference go together: the standard error is 0.03 at most.
    assert np.mean(clean) < rate + 5 * 0.03
    assert np.mean(shifted) > 0.9


def test_they_are_saved_shown_and_made_anew_and_a_merge_has_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plan = ad.Profile.plan(mixed(600, rng), ["psi", "ks"])
    first, second = (ad.Profile.fit(mixed(800, rng), plan=plan) for _ in range(2))
    made = first.calibrated(60, 0.1, seed=3)
    assert made.thresholds is not None
    made.save(tmp_path / "p.adp")
    again = ad.Profile.load(tmp_path / "p.adp")
    assert again.thresholds == made.thresholds
    assert again.contents()["thresholds"].startswith("thresholds for batches of 60 rows")
    report = again.score(mixed(60, rng, 2.0))
    assert "x" in report.over_together
    assert "By thresholds (rate 0.1): ALARM" in report.to_text()
    newer = again.recalibrated(mixed(900, rng))
    assert newer.thresholds is not None
    assert newer.contents()["rows_of_reference"] == 900
    assert newer.thresholds.calibration == made.thresholds.calibration
    assert newer.thresholds.limits != made.thresholds.limits
    assert made.merge(second).thresholds is None
    with pytest.raises(ConfigError, match="no thresholds to make anew"):
        first.recalibrated(mixed(900, rng))


def test_columns_whose_values_are_not_told_apart_have_thresholds_of_missing_values_only() -> None:
    rng = np.random.default_rng(0)
    plan = ad.Profile.plan({"x": rng.normal(size=500)}, ["ks", "missing"])
    far = np.where(rng.random(800) < 0.1, np.nan, 1e6 + rng.normal(size=800))
    made = ad.Profile.fit({"x": far}, plan=plan).calibrated(60, 0.1).thresholds
    assert made is not None
    assert [(t.detector, t.column) for t in made.limits] == [("missing", "x")]


def test_rows_that_are_alike_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=100), 30)
    time = np.datetime64("2024-01-01") + np.repeat(np.arange(100), 30)
    data: Data = {"time": time, "x": level + 0.3 * rng.normal(size=3000)}
    made = ad.Profile.fit(data, plan=ad.Profile.plan(data, ["ks"])).calibrated(60, 0.1).thresholds
    assert made is not None
    assert any("thresholds of single rows are then too small" in warning for warning in made.warnings)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["psi"], {"rows": 0}, "rows is 0"),
        (["psi"], {"rows": 30, "rate": 2}, "rate is 2"),
        (["psi"], {"rows": 30, "rate": 0.01, "resamples": 98}, "takes 99 at least"),
        (["psi"], {"rows": 700}, "it has 600 at most, and up to 240 cost little"),
        (["psi"], {"rows": 30, "block": "c"}, "keeps no blocks of rows to draw"),
        (["psi", "mmd"], {"rows": 30}, "mmd: counts of columns do not tell"),
    ],
)
def test_wrong_input_is_refused(names: list[str], options: Data, message: str) -> None:
    profile = counted(1500, np.random.default_rng(0), names)
    with pytest.raises(AccelDriftError, match=message):
        profile.calibrated(**options)


def test_statistics_alone_and_progress() -> None:
    rng = np.random.default_rng(0)
    profile = counted(400, rng, ["psi", "ks"])
    assert profile.thresholds is None
    found = profile.statistics(mixed(50, rng))
    assert set(found) == {"psi", "ks"}
    assert set(found["ks"]) == {"x", "y", "n"}
    with pytest.raises(ConfigError, match="this one has mmd"):
        counted(400, rng, ["psi", "mmd"]).statistics(mixed(50, rng))
    seen: list[tuple[int, int, str]] = []
    profile.calibrated(30, 0.1, progress=lambda *told: seen.append(told))
    assert seen == [(i, 4, "columns") for i in range(4)]


def test_too_few_resamples_for_all_together_are_told() -> None:
    made = counted(600, np.random.default_rng(0), ["psi", "ks"]).calibrated(30, 0.05, resamples=60).thresholds
    assert made is not None
    assert all(t.together is None for t in made.limits)
    assert "resamples=" in made.warnings[-1]
