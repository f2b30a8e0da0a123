"""Rows or groups where that is left open: the prediction, what is remembered of the machine, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.statistics import matrix_mode, rates
from accel_drift.statistics.rates import Rates

HOST = get_backend("numpy")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A cache folder of its own, and the precisions that were measured, at a rate that is made up."""
    asked: list[str] = []

    def measure(_: Backend, precision: str) -> Rates:
        asked.append(precision)
        return Rates(1e-9, 2e-9)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rates, "measure", measure)
    rates.rates.cache_clear()
    yield asked
    rates.rates.cache_clear()


def _finding(**options: Any) -> Finding:
    rng = np.random.default_rng(100)
    x, y = rng.normal(size=(300, 2)), rng.normal(0.2, 1, (200, 2))
    (found,) = ad.MMD(permutations=99, **options).fit(x, backend="numpy").detect(y).findings
    return found


@pytest.mark.parametrize(("budget", "mode"), [(1.0, "rows"), (0.01, "groups")])
def test_rows_while_they_fit_the_time(made: list[str], budget: float, mode: str) -> None:
    """500² / 2 pairs of 22e-9 s, and of 100 labellings 2e-9 s each: 0.02775 s."""
    found, plain = _finding(mode="auto", time_budget_s=budget), _finding(mode=mode)
    assert made == ["float64"]
    assert (found.statistic, found.p_value, found.interval) == (plain.statistic, plain.p_value, plain.interval)
    assert (found.details["mode"], plain.details["mode"]) == (mode, mode)
    assert "about 0.028 s" in found.details["mode_reason"]
    assert f"time budget is {budget:g} s" in found.note
    assert "mode_reason" not in plain.details


def test_nothing_is_measured_unless_it_is_asked_for(made: list[str]) -> None:
    for options in ({}, {"mode": "groups"}, {"mode": "auto", "block": 10}, {"mode": "auto", "form": "features"}):
        found = _finding(**options)
        assert (found.details["mode"] == "groups") == (options.get("mode") == "groups" or "block" in options)
    assert made == []


def test_what_was_measured_is_remembered(made: list[str], tmp_path: Path) -> None:
    assert rates.rates(HOST, "float64") == Rates(1e-9, 2e-9)
    rates.rates(HOST, "float32")
    rates.rates.cache_clear()  # as in another process
    assert rates.rates(HOST, "float64") == Rates(1e-9, 2e-9)
    assert made == ["float64", "float32"]
    (path,) = tmp_path.rglob("*.json")
    assert len(json.loads(path.read_text())) == 2
    assert all(HOST.device in name for name in json.loads(path.read_text()))


@pytest.mark.parametrize("content", ["", "[]", '{"x": 1}', "{broken", "bad values"])
def test_a_file_that_says_nothing_is_measured_again(made: list[str], tmp_path: Path, content: str) -> None:
    rates.rates(HOST, "float64")
    (path,) = tmp_path.rglob("*.json")
    bad = json.dumps({key: [-1.0, "fast"] for key in json.loads(path.read_text())})
    path.write_text(bad if content == "bad values" else content)
    rates.rates.cache_clear()
    assert rates.rates(HOST, "float64") == Rates(1e-9, 2e-9)
    assert len(made) == 2


def test_where_nothing_can_be_written_the_process_remembers(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        assert rates.rates(HOST, "float64") == Rates(1e-9, 2e-9)
    assert made == ["float64"]


@pytest.mark.parametrize("precision", ["float64", "int8"])
def test_measured_rates_are_of_this_machine(precision: Any) -> None:
    found = rates.measure(HOST, precision)
    assert 1e-15 < found.label_s < 1e-6
    assert 1e-15 < found.column_s < 1e-6


def test_predictions_grow_with_the_work(made: list[str]) -> None:
    """With rows, with labellings, with columns and with kernels; a small side costs less than a product."""

    def predicted(n: int, m: int, d: int, **options: Any) -> tuple[float, float]:
        fitted = ad.MMD(mode="auto", max_rows=None, **options).fit(np.zeros((n, d)) + np.arange(d), backend="numpy")
        return matrix_mode.predicted(fitted._compare(np.zeros((m, d))), fitted.detector)  # type: ignore[arg-type]

    rows, groups = predicted(300, 300, 3)
    assert predicted(600, 600, 3) == pytest.approx((4 * rows, 4 * groups))
    assert predicted(300, 300, 3, permutations=1999)[0] > 1.5 * rows > 1.5 * groups
    assert predicted(300, 300, 30)[1] > 2 * groups
    assert predicted(300, 300, 3, bandwidth="fuse") == pytest.approx((20 * rows, 20 * groups))
    assert predicted(9000, 40, 3)[0] < 0.7 * predicted(4520, 4520, 3)[0]
    assert made == ["float64"]


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), "1", None])
def test_a_wrong_budget_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="time_budget_s is"):
        replace(ad.MMD(), time_budget_s=value)
