"""What all watches have in common: how they are shown, copied and named files, and numbers of another precision."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.errors import SourceError
from tests.sequential.rows import rows


def test_a_copy_of_a_watch_goes_on_by_itself() -> None:
    watch = ad.SequentialTwoSample().open(rows(100, 0))
    again = pickle.loads(pickle.dumps(watch))  # noqa: S301  (made here)
    said = "<Watch by SequentialTwoSample: 0 looks, no alarm, evidence 1, 80 reference rows left, 3 columns>"
    assert repr(again) == said
    look = again.update(rows(1, 1))
    assert repr(look) == f"<Look 1: evidence {look.evidence:.3g} of 1 row, no alarm, 79 reference rows left>"
    assert repr(watch) == said
    assert watch.update(rows(1, 1)) == look


def test_a_path_that_is_none_is_refused() -> None:
    watch, nothing = ad.SequentialTwoSample().open(rows(100, 0)), 5
    calls: list[Any] = [ad.Watch.load, watch.save, watch.to_svg]
    for call in calls:
        with pytest.raises(SourceError, match="path is 5; it is the name of a file"):
            call(nothing)


def digit(n: int, seed: int, dtype: str) -> dict[str, Any]:
    """A column of ten values, none of which float32 holds exactly, and one of many."""
    rng = np.random.default_rng([seed, n])
    return {"digit": (rng.integers(1, 10, n) / 10).astype(dtype), "many": rng.normal(size=n).astype(dtype)}


@pytest.mark.parametrize(
    ("reference", "more", "batch"),
    [
        ("float64", "float64", "float32"),
        ("float32", "float32", "float64"),
        ("float64", "float32", "float64"),
        ("float64", "float64", "float16"),
        ("float32", "float16", "float64"),
    ],
)
@pytest.mark.parametrize(
    "test", [ad.SequentialTwoSample(), ad.Sequential("ks"), ad.Sequential(ad.KS(), reuse=True)], ids=["two", "ks", "re"]
)
def test_numbers_of_another_precision_are_the_same_numbers(
    test: Any, reference: str, more: str, batch: str, tmp_path: Path
) -> None:
    watch = test.open(digit(2000, 0, reference))
    if watch.left is not None:
        watch.more(digit(3000, 1, more))
    for i in range(8):
        assert watch.update(digit(400, 10 + i, batch)).evidence < 20.0
        watch.save(tmp_path / "a.watch")
        watch = ad.Watch.load(tmp_path / "a.watch")
    shifted = digit(400, 30, batch)
    shifted["digit"] = np.maximum(shifted["digit"], np.array(0.3, batch))
    assert max(watch.update(shifted).columns["digit"] for _ in range(2)) > np.log(100)
