"""One row, no value, nothing but one value: every ending has a name, and no number is a NaN."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.detectors import get_class, get_detector
from accel_drift.errors import DataError
from tests._strict import StrictBackend
from tests.detectors import cases

RNG = np.random.default_rng(80)
NUMBERS = RNG.normal(size=60)
LETTERS = RNG.choice(list("abc"), 60)
NAN = np.full(60, np.nan)
NULL: list[Any] = [None] * 60

S = ad.Status
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, set[ad.Status]]]] = {
    "one batch row": (
        {"x": NUMBERS, "c": LETTERS},
        {"x": NUMBERS[:1], "c": LETTERS[:1]},
        {"x": {S.TOO_FEW_ROWS}, "c": {S.TOO_FEW_ROWS}},
    ),
    "one reference row": (
        {"x": NUMBERS[:1], "c": ["a"]},
        {"x": NUMBERS, "c": LETTERS},
        {"x": {S.TOO_FEW_ROWS}, "c": {S.TOO_FEW_ROWS}},
    ),
    "one row each": (
        {"x": [1.0], "c": ["a"]},
        {"x": [2.0], "c": ["b"]},
        {"x": {S.TOO_FEW_ROWS}, "c": {S.TOO_FEW_ROWS}},
    ),
    "constant": (
        {"x": np.ones(60), "c": ["a"] * 60},
        {"x": np.ones(40), "c": ["a"] * 40},
        {"x": {S.CONSTANT}, "c": {S.CONSTANT}},
    ),
    "constant but for missing": ({"x": [1.0, None] * 30}, {"x": [None, None, 1.0] * 20}, {"x": {S.CONSTANT}}),
    "all null": ({"x": NULL, "y": NUMBERS}, {"x": NULL, "y": NUMBERS}, {"x": {S.ALL_MISSING}}),
    "NaN only": ({"x": NAN, "y": NUMBERS}, {"x": NAN, "y": NUMBERS}, {"x": {S.ALL_MISSING}}),
    "null meets NaN": ({"x": NULL, "y": NUMBERS}, {"x": NAN, "y": NUMBERS}, {"x": {S.ALL_MISSING}}),
    "batch all missing": (
        {"x": NUMBERS, "c": LETTERS},
        {"x": NAN, "c": NULL},
        {"x": {S.ALL_MISSING}, "c": {S.ALL_MISSING}},
    ),
    "reference all missing": (
        {"x": NAN, "c": NULL},
        {"x": NUMBERS, "c": LETTERS},
        {"x": {S.ALL_MISSING}, "c": {S.ALL_MISSING}},
    ),
    "one value among missing": ({"x": np.r_[1.0, NAN]}, {"x": NUMBERS}, {"x": {S.TOO_FEW_ROWS}}),
    "all categories new": ({"c": ["a", "b"] * 30}, {"c": ["y", "z"] * 30}, {"c": {S.DRIFTED}}),
    "two rows each": ({"x": [1.0, 2.0]}, {"x": [3.0, 4.0]}, {"x": {S.TOO_FEW_ROWS}}),
    "infinities only": ({"x": [np.inf, -np.inf] * 30}, {"x": [np.inf, -np.inf] * 20}, {"x": {S.STABLE}}),
    "fewer rows than bins": ({"x": NUMBERS[:6]}, {"x": NUMBERS[6:]}, {"x": {S.STABLE, S.SIGNIFICANT_SMALL, S.DRIFTED}}),
}


def _report(a: Any, b: Any, backend: str | Backend = "numpy") -> ad.Report:
    detectors = [get_detector(n, permutations=99) for n in cases.NAMES]
    return ad.compare(a, b, detectors, backend=backend)


def _plain(report: ad.Report) -> None:
    text = report.to_json()
    assert "NaN" not in text
    json.loads(text)
    assert report.to_html()
    assert report.to_text()
    assert report.to_arrow().num_rows == len(report.findings)
    for f in report.findings:
        for value in (f.statistic, f.p_value, f.adjusted_p_value, f.effect, *(f.interval or ())):
            assert value is None or not np.isnan(value)
        assert (f.p_value is None) == (not f.status.tested)
        assert (f.p_value is None) == (f.p_method == "")
        assert f.p_value is None or 0 < f.p_value <= 1


@pytest.mark.parametrize("case", CASES)
def test_every_ending_has_a_name(case: str) -> None:
    a, b, expected = CASES[case]
    report = _report(a, b)
    _plain(report)
    for column, statuses in expected.items():
        value_tests = {f.status for f in report.column(column) if not get_class(f.detector).alone}
        assert value_tests <= statuses, f"{case}: {column} is {value_tests}"
        assert value_tests


@pytest.mark.parametrize("case", CASES)
def test_on_the_strictest_backend_too(case: str) -> None:
    a, b, _ = CASES[case]
    said, strict = _report(a, b), _report(a, b, StrictBackend())
    assert {(f.column, f.detector, f.status, f.p_value) for f in said.findings} == {
        (f.column, f.detector, f.status, f.p_value) for f in strict.findings
    }


@pytest.mark.parametrize("case", CASES)
def test_one_detector_at_a_time(case: str) -> None:
    a, b, _ = CASES[case]
    for name in cases.NAMES:
        kinds = cases.kinds_of(name)
        if "numeric" not in kinds and "c" not in a:
            continue
        if "categorical" not in kinds and "x" not in a:
            continue
        if not a.keys() & {"x"} and name == "ks":
            continue
        try:
            fitted = get_detector(name, permutations=99).fit(a, backend="numpy")
            found = fitted.detect(b)
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017  a reference of nulls has no column of a detector's kinds
            continue
        json.dumps([f.to_dict() for f in found.findings], allow_nan=False)
        fitted.score(b)


@pytest.mark.parametrize(("n", "m"), [(0, 10), (10, 0), (0, 0)])
def test_no_rows_is_an_error_in_one_line(n: int, m: int) -> None:
    with pytest.raises(DataError, match="has no rows") as refused:
        _report({"x": NUMBERS[:n]}, {"x": NUMBERS[:m]})
    assert "\n" not in str(refused.value)


def test_values_that_went_missing_are_a_drift_of_missing() -> None:
    report = _report({"x": NUMBERS, "c": LETTERS}, {"x": NAN, "c": NULL})
    for column in ("x", "c"):
        (missing,) = (f for f in report.column(column) if f.detector == "missing")
        assert (missing.status, missing.severity) == (S.DRIFTED, ad.Severity.CRITICAL)
        assert missing.effect == 1.0


def test_new_categories_are_named() -> None:
    report = _report({"c": ["a", "b"] * 30}, {"c": ["y", "z"] * 30})
    (unseen,) = (f for f in report.column("c") if f.detector == "unseen")
    assert unseen.effect == 1.0
    assert "y" in unseen.note
    assert "z" in unseen.note


def test_identical_sides_are_stable() -> None:
    for rows in (10, 60):
        a = {"x": NUMBERS[:rows], "c": LETTERS[:rows], "b": NUMBERS[:rows] > 0}
        report = _report(a, a)
        assert {f.status for f in report.findings} <= {S.STABLE, S.CONSTANT}
        assert all(f.p_value is None or f.p_value > 0.5 for f in report.findings)
        assert not report.drifted


@pytest.mark.parametrize("name", ["psi", "mmd"])
def test_the_largest_floats(name: str) -> None:
    a, b = np.linspace(-1, 1, 60) * 1.7e308, np.linspace(-1, 1, 50) * 1.7e308
    _plain(ad.compare({"x": a}, {"x": b}, [name], backend="numpy"))


@pytest.mark.parametrize(("low", "high", "dtype"), [(-(2**63), 2**63 - 1, np.int64), (0, 2**64 - 1, np.uint64)])
def test_the_ends_of_whole_numbers(low: int, high: int, dtype: Any) -> None:
    a, b = (np.r_[RNG.integers(low, high, 50, dtype=dtype, endpoint=True), dtype(low), dtype(high)] for _ in range(2))
    _plain(_report({"x": a}, {"x": b}))


@pytest.mark.parametrize("batch", [NUMBERS + 20, NUMBERS * 0.01])
def test_without_a_pseudo_count_an_empty_cell_is_infinitely_far(batch: Any) -> None:
    _plain(ad.compare({"x": NUMBERS}, {"x": batch}, [ad.PSI(pseudo_count=0, permutations=99)], backend="numpy"))


def test_a_seed_of_any_length() -> None:
    letters = [f"c{i % 40}" for i in range(200)]
    _plain(ad.compare({"c": letters}, {"c": letters}, ["mmd"], backend="numpy", seed=10**80))
