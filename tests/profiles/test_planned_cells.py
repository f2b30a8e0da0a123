"""What cells that a plan made can tell, and what they cannot is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.statistics import outer_cells


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
    share = float((batch["x"] == -9999).mean())
    assert f"x: {share:.1%} of the batch's values and 0.0% of the reference's lie beyond all cells" in told
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
    batch = {"x": np.where(rng.random(2000) < 0.01, 300.0, rng.random(2000))}
    said = {d: ad.Profile.fit({"x": rng.random(2000)}, plan=p).score(batch).warnings for d, p in plan.items()}
    assert said["ks"] == ()
    assert "how far was not counted, so a wasserstein distance may be far off" in said["wasserstein"][0]


def _wasserstein(plan: Any, reference: Any, batch: Any) -> tuple[Any, Any]:
    """The finding on the cells of a plan, and that of the rows themselves."""
    counted = ad.Profile.fit(reference, plan=ad.Profile.plan(plan, ["wasserstein"])).score(batch)
    assert not counted.warnings
    return counted.findings[0], ad.compare(reference, batch, detectors=["wasserstein"]).findings[0]


@pytest.mark.parametrize("shift", [-0.9, -0.2, 0.03, 0.2, 0.9])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_values_beyond_the_plan_are_told_by_how_far_they_lie(shift: float, dtype: Any) -> None:
    rng, scale = np.random.default_rng(23), 1000 if dtype is np.int32 else 1

    def rows(n: int, moved: float = 0.0) -> Any:
        return {"x": (scale * (rng.random(n) + moved)).astype(dtype)}

    cells, exact = _wasserstein(rows(4000), rows(9000), rows(6000, shift))
    assert cells.effect == pytest.approx(exact.effect, rel=0.08)
    assert (cells.status, cells.severity) == (exact.status, exact.severity)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_a_column_of_nearly_one_value_is_measured_by_its_deviation(dtype: Any) -> None:
    rng = np.random.default_rng(24)
    reference, batch = ({"x": (rng.random(n) < share).astype(dtype)} for n, share in ((8000, 0.01), (3000, 0.1)))
    cells, exact = _wasserstein(reference, reference, batch)
    assert cells.details["scale"] == pytest.approx(exact.details["scale"], rel=1e-3)
    assert cells.effect == pytest.approx(exact.effect, rel=0.02)
    assert cells.status is ad.Status.DRIFTED


@pytest.mark.statistical
@pytest.mark.parametrize(("n", "m", "law"), [(600, 200, "random"), (1000, 1000, "standard_normal")])
def test_counting_the_rows_that_planned_keeps_the_level_of_distances(n: int, m: int, law: str) -> None:
    """Beyond those rows the reference has none; placed far out, those of the batch made 7 to 10 % of 5 %."""
    draw, columns = getattr(np.random.default_rng([25, n]), law), 600
    reference, batch = draw((n, columns)), draw((m, columns))
    plan = ad.Profile.plan(reference, ["wasserstein"])
    p = np.array([f.p_value for f in ad.Profile.fit(reference, plan=plan).score(batch).findings])
    for level in (0.05, 0.5):
        assert abs((p <= level).mean() - level) < 3.5 * np.sqrt(level * (1 - level) / columns)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "uint64"])
def test_cells_beyond_the_values_end_where_numbers_do(dtype: str) -> None:
    rng = np.random.default_rng(26)
    kind = np.dtype(dtype)
    limits: Any = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    low, high = int(limits.min), int(limits.max)
    wide = np.array([low, high, *(int(x) for x in rng.normal(0, 0.3, 200) * high / 4 if low < x < high)], dtype=kind)
    narrow = np.array([*rng.integers(90, 120, 200)], dtype=kind)
    for ordered in (np.sort(wide), np.sort(narrow), np.sort(narrow)[:1], np.repeat(kind.type(high), 9)):
        cuts = outer_cells.cuts(ordered)
        assert cuts.dtype == kind
        assert ((cuts < ordered[0]) | (cuts > ordered[-1])).all()
        whole = np.unique(np.concatenate([cuts, ordered]))
        middles = outer_cells.middles(ordered, whole)
        assert (np.diff(middles.astype(np.longdouble)) >= 0).all()
        assert (middles[1:-1] <= whole[1:]).all()
        assert (middles[1:-1] >= whole[:-1]).all()
    assert len(outer_cells.cuts(np.sort(narrow))) >= (2 if kind.itemsize == 1 else 11)
