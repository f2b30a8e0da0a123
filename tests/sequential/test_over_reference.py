"""What is learned of a reference whatever is opened on it: the columns left out, and rows that are alike."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import accel_drift as ad

TESTS: tuple[Any, ...] = (ad.SequentialTwoSample(), ad.Sequential("ks"), ad.OnlineMMD(arl=200, window=10))


def series(rows: int, seed: int, like: float) -> npt.NDArray[np.float64]:
    """Two columns, each row as much `like` the one before."""
    x = np.random.default_rng(seed).normal(size=(rows, 2))
    for i in range(1, rows):
        x[i] += like * x[i - 1]
    return x


def table(rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "when": np.arange(rows).astype("datetime64[h]"),
        "id": np.arange(rows),
        "day": np.sort(rng.integers(0, 9, rows)),
        "y": rng.integers(0, 2, rows),
        "x": rng.normal(size=rows),
        "z": rng.normal(size=rows),
    }


LEFT_OUT = {
    "when": "timestamp: it says when a row was made, not what it looks like",
    "id": "identifier-like: a row number: 0 to 399 without a gap, each once",
    "day": "identifier-like: whole numbers that never fall down the rows, a counter or a clock",
    "y": "label",
    "z": "dropped by the caller",
}


@pytest.mark.parametrize("test", TESTS[:2], ids=lambda test: test.name)
def test_columns_left_out_are_kept_with_the_reasons(tmp_path: Path, test: Any) -> None:
    watch = test.open(table(400), drop=["z"], label="y", backend="numpy")
    assert watch._aside.excluded == LEFT_OUT
    watch.save(tmp_path / "w")
    assert ad.Watch.load(tmp_path / "w")._aside.excluded == LEFT_OUT


def test_the_reasons_are_those_of_a_report() -> None:
    here, other = table(400), table(400)
    said = ad.compare(here, other, drop=["z"], label="y").excluded
    assert {name: said[name].split(":")[0] for name in said} == {name: LEFT_OUT[name].split(":")[0] for name in said}
    assert said["id"] == LEFT_OUT["id"]
    assert said["when"].startswith(LEFT_OUT["when"])


def test_a_counter_that_is_named_is_compared() -> None:
    rows = table(400)
    with pytest.warns(UserWarning, match="for day the design effect"):
        assert TESTS[0].open(rows, columns=["day", "x"], backend="numpy")._aside.schema.names == ("day", "x")
    with pytest.warns(UserWarning, match="for day the design effect"):
        assert "day" in TESTS[0].open(rows, kinds={"day": "numeric"}, backend="numpy")._aside.schema.names


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_a_reference_in_which_neighbours_are_alike_is_warned_of(test: Any) -> None:
    with pytest.warns(UserWarning, match=r"rows are alike within runs of .* more false alarms than promised") as said:
        test.open(series(1000, 0, 0.9), backend="numpy")
    assert len(said) == 1
    assert said[0].filename == __file__


def test_rows_that_are_hardly_like_the_one_before_are_warned_of() -> None:
    """A correlation of 0.3 is 9 standard errors, and makes alarms ten times as frequent in windows of 20 rows."""
    for seed in range(10):
        rows = {"x": series(1000, seed, 0.3)[:, 0], "c": ["a", "b"] * 500}
        with pytest.warns(UserWarning, match=r"for x (their rank correlation|the design effect) is \d"):
            TESTS[0].open(rows, backend="numpy")
    far = series(1000, 0, 0.3)[::-1] * np.array([1.0, -1.0])
    with pytest.warns(UserWarning, match="more false alarms than promised"):
        TESTS[0].open(far, backend="numpy")


def test_independent_rows_are_not_warned_of() -> None:
    """The chance of a wrong warning in all 40 is below 0.02: each asks for p <= 1e-4 of 2 columns, in 2 ways."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(40):
            TESTS[0].open(series(500, seed, 0.0), backend="numpy")
