"""Which columns enter a report, and what is said of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.errors import DataError


def _report(reference: Any, batch: Any, **options: Any) -> ad.Report:
    options.setdefault("detectors", ["psi", "missing"])
    return ad.compare(reference, batch, backend="numpy", **options)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([70, seed])


def _with(name: str, a: Any, b: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = _rng(0)
    return {"x": rng.normal(size=len(a)), name: a}, {"x": rng.normal(size=len(b)), name: b}


def _statuses(report: ad.Report, column: str) -> set[ad.Status]:
    return {f.status for f in report.column(column)}


@pytest.mark.parametrize("value", [3, 2.5, "same", True])
def test_constants_are_named(value: Any) -> None:
    report = _report(*_with("c", [value] * 60, [value] * 50))
    assert _statuses(report, "c") == {ad.Status.CONSTANT}
    assert "constant" in report.excluded["c"]


def test_a_constant_that_changes_is_a_drift_and_a_warning() -> None:
    report = _report(*_with("c", [2.5] * 60, [3.5] * 50))
    assert ad.Status.DRIFTED in _statuses(report, "c")
    assert any("c separates" in w for w in report.warnings)


def test_a_stamp_is_left_out_but_not_if_named() -> None:
    """A whole number that is one on each side, such as a month, says which side it is."""
    pair = _with("month", np.full(60, 6), np.full(50, 9))
    report = _report(*pair)
    assert "month" not in report.compared_columns
    assert "separates" in report.excluded["month"]
    assert any("month" in w for w in report.warnings)
    named = _report(*pair, columns=["x", "month"])
    assert ad.Status.DRIFTED in _statuses(named, "month")
    assert any("month separates" in w for w in named.warnings)


def test_clocks_are_left_out_but_not_if_named() -> None:
    pair = _with("tick", np.arange(100).repeat(2), 1000 + np.arange(100).repeat(2))
    report = _report(*pair)
    assert "tick" not in report.compared_columns
    assert "clock" in report.excluded["tick"]
    assert "tick" in _report(*pair, columns=["x", "tick"]).compared_columns


def test_timestamps_are_left_out() -> None:
    days = np.datetime64("2024-01-01") + np.arange(60)
    report = _report(*_with("when", days, days + 60))
    assert "when" not in report.compared_columns
    assert "timestamp" in report.excluded["when"]


def test_identifiers_are_left_out_but_not_if_named() -> None:
    names = np.array([f"user {i:04d}" for i in range(300)])
    pair = _with("who", _rng(1).permutation(names)[:200], _rng(2).permutation(names)[:150])
    report = _report(*pair)
    assert "who" not in report.compared_columns
    assert "identifier" in report.excluded["who"]
    assert "who" in _report(*pair, columns=["x", "who"]).compared_columns
    assert "who" in _report(*pair, kinds={"who": "categorical"}).compared_columns


def test_row_numbers_are_left_out_in_any_order() -> None:
    report = _report(*_with("n", _rng(3).permutation(200), _rng(4).permutation(150) + 200))
    assert "n" not in report.compared_columns


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.linspace(0, 1, 60), np.linspace(2, 3, 50)),
        (["a", "b"] * 30, ["c", "d"] * 25),
        (np.tile([0, 2, 4], 20), np.tile([1, 3], 25)),
    ],
    ids=["ranges", "categories", "whole numbers"],
)
def test_what_separates_the_sides_is_warned_of(a: Any, b: Any) -> None:
    report = _report(*_with("s", a, b))
    assert any(w.startswith("s separates the two sides perfectly") for w in report.warnings)
    assert ad.Status.DRIFTED in _statuses(report, "s")


def test_times_in_other_units_are_the_same_times() -> None:
    times = _rng(6).integers(0, 10**9, 200).astype("M8[s]")
    for unit in ("ms", "ns", "D"):
        report = _report(*_with("t", times, times.astype(f"M8[{unit}]")))
        assert not any("separates" in w for w in report.warnings)
    report = _report(*_with("t", times, (times + np.timedelta64(10**9, "s")).astype("M8[ms]")))
    assert any(w.startswith("t separates the two sides perfectly") for w in report.warnings)


def test_only_times_are_left_out_though_they_are_named() -> None:
    times = _rng(6).integers(0, 10**9, 200).astype("M8[s]")
    with pytest.raises(DataError, match=r"'gaps'} compares .*, 'numeric' the time as a number\)$"):
        ad.compare({"t": times}, {"t": times}, ["psi"], columns=["t"])


def test_whole_numbers_that_interleave_do_not_separate() -> None:
    rng = _rng(5)
    report = _report(*_with("cents", rng.integers(0, 10**9, 200), rng.integers(0, 10**9, 200)))
    assert report.warnings == ()


def test_nothing_is_said_of_a_few_rows() -> None:
    assert _report(*_with("s", [1.0, 2.0, 3.0], [4.0, 5.0])).warnings == ()


def test_every_column_left_out_is_an_error_that_says_which() -> None:
    with pytest.raises(ad.AccelDriftError, match=r"tick.*columns="):
        _report({"tick": np.arange(50)}, {"tick": np.arange(50)})


def test_schema_changes_are_told_and_the_rest_compared() -> None:
    rng = _rng(6)
    report = _report(
        {"x": rng.normal(size=50), "gone": rng.normal(size=50), "kind": rng.normal(size=50)},
        {"x": rng.normal(size=50), "new": rng.normal(size=50), "kind": ["a", "b"] * 25},
    )
    assert tuple(report.schema_diff.added) == ("new",)
    assert tuple(report.schema_diff.removed) == ("gone",)
    assert [r[0] for r in report.schema_diff.retyped] == ["kind"]
    assert set(report.compared_columns) == {"x"}


def _alike_by_day(seed: int, strength: float) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = _rng(seed)
    sides = []
    for first in (0, 100):
        day = np.repeat(np.arange(30), 25)
        when = np.datetime64("2024-01-01T00", "h") + 24 * (first + day) + np.tile(np.arange(25) % 24, 30)
        sides.append({"when": when, "x": rng.normal(size=750) + strength * rng.normal(size=30)[day]})
    return sides[0], sides[1]


def test_rows_alike_within_days_are_warned_of() -> None:
    report = _report(*_alike_by_day(7, 1.0))
    (warning,) = (w for w in report.warnings if "alike" in w)
    assert "design effect" in warning
    assert "block='when:day'" in warning
    assert not any("alike" in w for w in _report(*_alike_by_day(7, 1.0), block="when:day").warnings)


def test_a_plan_remembers_that_its_rows_are_alike_within_days() -> None:
    """Counts know nothing of blocks, and p-values from them are just as much too small."""
    reference, batch = _alike_by_day(7, 1.0)
    for profile in (
        ad.Profile.fit(reference, plan=ad.Profile.plan(reference, ["ks"])),
        ad.Profile.fit(reference, ["ks"], content="aggregates"),
    ):
        (warning,) = (w for w in profile.score(batch).warnings if "alike" in w)
        assert "a profile that keeps rows permutes whole blocks: block='when:day'" in warning
    clean = _alike_by_day(8, 0.0)
    assert not ad.Profile.fit(clean[0], plan=ad.Profile.plan(clean[0], ["ks"])).score(clean[1]).warnings


def test_categories_alike_within_days_are_warned_of_too() -> None:
    rng = _rng(8)
    sides = []
    for first in (0, 100):
        day = np.repeat(np.arange(40), 24)
        when = np.datetime64("2024-01-01T00", "h") + 24 * first + np.arange(960)
        sides.append({"when": when, "c": np.where(rng.random(960) < rng.beta(0.3, 0.3, 40)[day], "a", "b")})
    assert any("alike" in w for w in _report(*sides).warnings)


@pytest.mark.statistical
def test_clustered_rows_are_nearly_always_warned_of() -> None:
    """A design effect near 5 is missed in less than one of a thousand data sets."""
    assert sum(any("alike" in w for w in _report(*_alike_by_day(100 + s, 0.5)).warnings) for s in range(20)) >= 19


@pytest.mark.statistical
@pytest.mark.slow
def test_clean_rows_are_not_warned_of() -> None:
    """200 clean data sets with timestamps: some 70 F tests each at 1e-4, and a size that chance alone seldom has."""
    wrong = 0
    for seed in range(200):
        rng = _rng(1000 + seed)
        sides = []
        for first in (0, 40):
            when = np.datetime64("2024-01-01T00:00", "m") + np.sort(rng.integers(0, 40 * 1440, 400)) + first * 1440
            numbers = {f"x{i}": rng.standard_t(3, 400) for i in range(5)}
            sides.append({"when": when, **numbers, "count": rng.poisson(2, 400)})
        wrong += any("alike" in w for w in _report(*sides, detectors=["missing"]).warnings)
    assert wrong <= 9  # of 200 at 0.7 %: more less than once in a million
