"""Numbers that one side holds as float32 and the other as float64 are compared as float32: rounding is no drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import accel_drift as ad
from accel_drift.report import Report

DETECTORS = ("psi", "ks", "cramer_von_mises", "wasserstein", "chi_square", "mmd")
COUNTED = ("psi", "ks", "wasserstein")
WIDE, SMALL = np.dtype(np.float64), np.dtype(np.float32)


def rows(count: int, seed: int, dtype: npt.DTypeLike) -> dict[str, npt.NDArray[Any]]:
    """Tenths, numbers of which half are 0.1, numbers that are all different, one number."""
    rng = np.random.default_rng(seed)
    many = rng.normal(size=count)
    made = {
        "tenths": rng.integers(1, 10, count) / 10,
        "half": np.where(rng.random(count) < 0.5, 0.1, many),
        "many": rng.normal(size=count),
        "one": np.full(count, 0.1),
    }
    return {name: values.astype(dtype) for name, values in made.items()}


def told(report: Report) -> dict[tuple[str, str], list[float]]:
    """Statistic and p-value of every finding; -1 where there is none."""
    return {
        (f.column, f.detector): [-1.0 if value is None else value for value in (f.statistic, f.p_value)]
        for f in report.findings
    }


@pytest.mark.parametrize(("reference", "batch"), [(WIDE, SMALL), (SMALL, WIDE)])
def test_a_comparison_is_that_of_float32(reference: npt.DTypeLike, batch: npt.DTypeLike) -> None:
    made, same = (
        told(ad.compare(rows(800, 1, one), rows(400, 2, other), DETECTORS, backend="numpy"))
        for one, other in ((reference, batch), (SMALL, SMALL))
    )
    assert made.keys() == same.keys()
    for key in same:
        assert made[key] == pytest.approx(same[key], rel=1e-6), key


@pytest.mark.parametrize("count", [800, 25_000])  # of the larger one a profile keeps a sample
@pytest.mark.parametrize("content", ["sample", "aggregates"])
@pytest.mark.parametrize(("reference", "batch"), [(WIDE, SMALL), (SMALL, WIDE)])
def test_a_profile_takes_batches_of_the_other_type(
    reference: npt.DTypeLike, batch: npt.DTypeLike, content: Any, count: int
) -> None:
    def scored(one: npt.DTypeLike, other: npt.DTypeLike) -> dict[tuple[str, str], list[float]]:
        profile = ad.Profile.fit(rows(count, 1, one), COUNTED, content=content, backend="numpy")
        return told(profile.score(rows(400, 2, other)))

    made, same = scored(reference, batch), scored(SMALL, SMALL)
    assert made.keys() == same.keys()
    for key in same:
        assert made[key] == pytest.approx(same[key], rel=1e-4, abs=0.01), key


@pytest.mark.parametrize(("reference", "batch"), [(WIDE, SMALL), (SMALL, WIDE)])
def test_a_true_shift_is_still_seen(reference: npt.DTypeLike, batch: npt.DTypeLike) -> None:
    moved = rows(400, 2, batch)
    moved["tenths"] = (moved["tenths"] + 0.1).astype(batch)
    found = ad.compare(rows(800, 1, reference), moved, ["psi", "ks"], backend="numpy")
    assert set(found.drifted_columns) == {"tenths"}
