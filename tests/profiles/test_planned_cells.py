"""What cells that a plan made can tell, and what they cannot is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad


def test_what_the_plan_could_not_foresee_is_told_and_not_called_stable() -> None:
    rng = np.random.default_rng(20)
    n = 4_000
    plan = ad.Profile.plan(
        {"z": np.full(300, np.nan), "k": np.full(300, 3.0), "x": rng.normal(size=300)}, ["ks", "wasserstein"]
    )
    reference = {"z": rng.normal(10, 1, n), "k": rng.normal(10, 1, n), "x": rng.normal(size=n)}
    batch = {
        "z": rng.normal(50, 9, n),
        "k": rng.normal(50, 9, n),
        "x": np.where(rng.random(n) < 0.05, -9999, reference["x"]),
    }
    report = ad.Profile.fit(reference, plan=plan).score(batch)
    assert {f.column for f in report.findings} == {"x"}
    assert set(report.excluded) == {"z", "k"}
    told = " ".join(report.warnings)
    assert "z: its values are not compared, 100% of the reference's values lie in one cell" in told
    assert "x: 4.9% of the batch's values" in told or "x: 5." in told
    assert "so a wasserstein distance may be far off" in told
    assert not ad.Profile.fit(reference, plan=ad.Profile.plan(reference, ["ks"])).score(reference).warnings


@pytest.mark.parametrize(
    "low", [np.uint64(0), np.float64(-np.inf), np.int64(np.iinfo(np.int64).min)], ids=["uint64", "-inf", "int64"]
)
def test_the_least_number_that_there_is_has_a_cell_of_its_own(low: Any) -> None:
    rng = np.random.default_rng(21)

    def side(share: float) -> dict[str, Any]:
        return {
            "h": np.where(
                rng.random(4000) < share, low, low.dtype.type(1000) + rng.integers(0, 9, 4000).astype(low.dtype)
            )
        }

    report = ad.Profile.fit(side(0.4), ["psi", "ks"], content="aggregates").score(side(0.6))
    assert report.drifted_columns == ("h",)
    assert not report.warnings
    assert not report.excluded


def test_what_lies_beyond_the_plan_is_told_to_those_whom_it_concerns() -> None:
    rng = np.random.default_rng(22)
    plan = {d: ad.Profile.plan({"x": rng.random(2000)}, [d]) for d in ("ks", "wasserstein")}
    batch = {"x": np.where(rng.random(2000) < 0.01, 3.0, rng.random(2000))}
    said = {d: ad.Profile.fit({"x": rng.random(2000)}, plan=p).score(batch).warnings for d, p in plan.items()}
    assert said["ks"] == ()
    assert "how far beyond was not counted" in said["wasserstein"][0]
