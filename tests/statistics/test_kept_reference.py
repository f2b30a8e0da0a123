"""With calibration rows a fitted reference's matrix and sums are kept: the answers are those of a fresh fit."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import get_backend
from accel_drift.data import read_table
from accel_drift.detectors import get_detector
from accel_drift.profiles.sampled import SampledProfile
from accel_drift.statistics import matrix_kernel, matrix_rows
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.encoding import encode, sorts_of
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.kernel_test import KernelSums
from bench import level

WAYS: list[dict[str, Any]] = [
    {},
    {"mode": "groups"},
    {"mode": "groups", "group_size": 3, "max_rows": 150},
    {"mode": "groups", "group_size": 2, "max_rows": None},
    {"estimator": "biased", "precision": "float32"},
]


def _table(rows: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng([90, seed])
    return {
        "x": rng.normal(shift, 1, rows),
        "whole": rng.poisson(4 + shift, rows),
        "c": rng.choice(list("abcdef"), rows),
        "e": rng.normal(shift, 3, (rows, 4)),
    }


def _strange(rows: int) -> dict[str, dict[str, Any]]:
    """Batches that hold what the reference does not."""
    rng = np.random.default_rng(91)
    base = _table(rows, 5)
    holed = base["x"].copy()
    holed[::4] = np.nan
    outside = base["x"].copy()
    outside[:3] = np.inf, -np.inf, 1e9
    vectors = base["e"].copy()
    vectors[::5] = np.nan
    vectors[1, 0] = np.inf
    return {
        "new categories": {**base, "c": rng.choice([f"new {i}" for i in range(60)], rows)},
        "missing": {**base, "x": holed, "e": vectors},
        "nothing": {**base, "x": np.full(rows, np.nan), "c": [None] * rows},
        "infinite": {**base, "x": outside},
        "fractions": {**base, "whole": base["whole"] + 0.5},
        "text": {**base, "whole": base["c"]},
        "without a column": {n: v for n, v in base.items() if n != "e"},
    }


def _same(one: Any, other: Any) -> None:
    for name in ("statistic", "p_value", "interval", "parts", "columns", "note", "status", "n_reference", "details"):
        assert getattr(one, name) == getattr(other, name), name


@pytest.mark.parametrize("name", ["mmd", "energy"])
@pytest.mark.parametrize("options", WAYS, ids=str)
def test_what_is_kept_changes_nothing(name: str, options: dict[str, Any]) -> None:
    """Bit for bit, batch after batch, of several sizes."""
    made, reference = get_detector(name, permutations=99, scale="calibration", **options), _table(200, 1)
    fitted = made.fit(reference, backend="numpy")
    for rows, seed in ((120, 2), (30, 3), (120, 4), (31, 5)):
        batch = _table(rows, seed, 0.2)
        (first,), (again,) = (
            made.fit(reference, backend="numpy").detect(batch).findings,
            fitted.detect(batch).findings,
        )
        _same(again, first)
        assert fitted.score(batch) == pytest.approx(first.statistic, rel=1e-12)
    assert fitted.kept._things


@pytest.mark.parametrize("kind", _strange(8))
@pytest.mark.parametrize("mode", ["rows", "groups"])
def test_a_reference_is_encoded_the_same_whatever_the_batch_holds(kind: str, mode: str) -> None:
    """After other batches, alone, and as one matrix of all rows at once."""
    batch, reference = _strange(90)[kind], _table(200, 1)
    made = ad.MMD(permutations=99, scale="calibration", mode=mode)  # type: ignore[arg-type]
    fitted = made.fit(reference, backend="numpy")
    for other in _strange(60).values():
        fitted.score(other)
    (found,), (fresh,) = fitted.detect(batch).findings, made.fit(reference, backend="numpy").detect(batch).findings
    _same(found, fresh)
    assert found.statistic == pytest.approx(_at_once(made, fitted._compare(batch)), rel=1e-9)


def _at_once(made: ad.MMD, comparison: Comparison) -> float:
    rows = matrix_rows.choose(comparison, made, made.mode, made.seed)
    assert rows.calibration is not None
    tables, apart = (rows.calibration, rows.reference, rows.batch), rows.calibration.rows
    names = comparison.of_kind(*made.kinds)
    whole = encode(tables, names, apart, made.seed, get_backend("numpy"), sorts_of(tables, names))
    z = whole.matrix[apart:] - whole.matrix[:apart].mean(axis=0)
    (sigma,) = matrix_kernel._widths(whole.matrix[:apart], made, made.seed, get_backend("numpy"))
    sums = KernelSums(z / sigma, rows.reference.rows, get_backend("numpy"), made.seed, rows.groups, rows.n_groups)
    return float(sums.mmd2(0, 1, made.estimator)[0][0])


def test_a_column_that_only_the_batch_has_values_of_is_a_drift() -> None:
    reference, batch = {"x": np.arange(200.0), "y": [None] * 200}, {"x": np.arange(200.0), "y": np.arange(200.0)}
    (found,) = ad.MMD(scale="calibration").fit(reference, backend="numpy").detect(batch).findings
    assert found.status is ad.Status.DRIFTED
    assert "y" in found.columns


def test_level_with_calibration_rows_and_more_categories_than_buckets() -> None:
    """Categories that the calibration rows lack share buckets on both sides alike; holes come on either side."""
    mass = 1.0 / np.arange(1, 201)
    rejected = 0
    for seed in range(80):
        rng = np.random.default_rng([92, seed])
        sides = []
        for rows in (75, 60):
            text = rng.choice(200, rows, p=mass / mass.sum()).astype(str).astype(object)
            text[rng.random(rows) < 0.02] = None
            sides.append({"c": text, "x": np.where(rng.random(rows) < 0.02, np.inf, rng.standard_t(2, rows))})
        made = ad.MMD(permutations=39, alpha=0.05, scale="calibration", seed=seed)
        comparison = made.fit(sides[0], backend="numpy", kinds={"c": "categorical"})._compare(sides[1])
        (found,) = made.outcomes(comparison, Plan(0.05, 0.05, seed, intervals=False))
        assert found.p_value is not None
        rejected += found.p_value <= 0.05
    tally = level.Tally(rejected, 80, 80)
    assert tally.rate <= tally.bound


def test_a_profile_keeps_and_a_copy_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ad.Profile.fit(_table(200, 1), [ad.MMD(permutations=99, scale="calibration")], backend="numpy")
    assert isinstance(profile, SampledProfile)
    encoded: list[int] = []
    monkeypatch.setattr(matrix_kernel, "_reference", _counting(encoded, matrix_kernel._reference))
    batch = _table(90, 2)
    first, second = profile.score(batch).findings, profile.score(_table(80, 3)).findings
    assert len(encoded) == 1
    for other in (pickle.loads(pickle.dumps(profile)), replace(profile, rows=read_table(_table(150, 6)))):  # noqa: S301
        assert not other.kept._things
    there = pickle.loads(pickle.dumps(profile))  # noqa: S301
    _same(there.score(batch).findings[0], first[0])
    assert second[0].statistic != first[0].statistic


def _counting(calls: list[int], made: Any) -> Any:
    def count(*args: Any) -> Any:
        calls.append(1)
        return made(*args)

    return count


def test_threads_that_score_at_once_say_the_same() -> None:
    fitted = ad.MMD(permutations=99, scale="calibration", mode="groups").fit(_table(200, 1), backend="numpy")
    batches = [_table(60 + seed, seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fitted.score, batches))
    assert found == [fitted.score(batch) for batch in batches]


def test_what_is_kept_is_bounded_and_does_not_travel() -> None:
    kept = Kept(2)
    assert [kept.get(name, name.upper) for name in "aba"] == ["A", "B", "A"]
    assert kept.get("a", str) == "A"
    kept.get("c", str)
    assert kept.get("a", lambda: "anew") == "anew"
    assert not pickle.loads(pickle.dumps(kept))._things  # noqa: S301
