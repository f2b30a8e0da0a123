"""Drift that no window shows alone is a trend over many; where there is none, the test keeps its rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.errors import ConfigError
from accel_drift.history import slow
from tests.history.samples import day, finding, report

DAYS = 30


def fill(history: ad.History, series: dict[str, Sequence[float | None]], hours: float = 24) -> None:
    for number in range(len(next(iter(series.values())))):
        found = [finding(column, effects[number]) for column, effects in series.items()]
        history.record("churn", report(found), day(number, hours))


def test_a_column_that_rises_too_slowly_for_any_window_is_found(history: ad.History) -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(scale=0.005, size=(3, DAYS)) + 0.03
    rising = noise[0] + 0.001 * np.arange(DAYS)
    fill(history, {"age": noise[1].tolist(), "income": rising.tolist(), "city": noise[2].tolist()})
    assert history.drifted_columns("churn").num_rows == 0
    first, *others = history.slow_drift("churn").to_pylist()
    assert (first["column"], first["detector"], first["unit"], first["points"]) == ("income", "psi", "PSI", DAYS)
    assert first["low"] < 0.001 < first["high"]
    assert first["adjusted_p_value"] < 1e-6
    assert first["adjusted_p_value"] == pytest.approx(3 * first["p_value"])
    assert min(row["p_value"] for row in others) > 0.01
    oracle = stats.theilslopes(rising, np.arange(DAYS))
    assert first["slope"] == pytest.approx(oracle.slope, rel=1e-9)
    falling = history.slow_drift("churn", column="income", alternative="falling")
    assert falling["p_value"].to_pylist()[0] > 0.99


def test_a_slope_is_in_effect_a_day_whatever_the_windows(history: ad.History) -> None:
    fill(history, {"income": [0.001 * n for n in range(48)]}, hours=1)
    [row] = history.slow_drift("churn", column="income", detector="psi").to_pylist()
    assert row["slope"] == pytest.approx(0.024)


def test_windows_without_an_effect_are_counted(history: ad.History) -> None:
    fill(history, {"income": [0.01, None, 0.03, float("inf"), 0.05], "age": [None, 0.01, None, None, 0.02]})
    rows = {row["column"]: row for row in history.slow_drift("churn").to_pylist()}
    assert (rows["income"]["points"], rows["income"]["missing"]) == (3, 2)
    assert (rows["age"]["points"], rows["age"]["missing"], rows["age"]["p_value"]) == (2, 3, None)
    assert rows["age"]["adjusted_p_value"] is None


def test_too_many_windows_and_wrong_names_are_refused(history: ad.History, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(history, {"income": [0.01] * 6})
    with pytest.raises(ConfigError, match="no column 'Income'"):
        history.slow_drift("churn", column="Income")
    with pytest.raises(ConfigError, match="alternative is 'up'"):
        history.slow_drift("churn", alternative="up")  # type: ignore[arg-type]
    monkeypatch.setattr(slow, "MOST_POINTS", 5)
    with pytest.raises(ConfigError, match=r"has 6 windows in this time; .* fewer days"):
        history.slow_drift("churn")
    assert history.slow_drift("churn", days=4)["points"].to_pylist() == [4]


@pytest.mark.statistical
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_nothing_changes_the_test_keeps_its_rate(sqlite_url: str, seed: int) -> None:
    columns = 400
    noise = np.random.default_rng(seed).lognormal(-4, 0.5, (columns, 20))
    with ad.History(sqlite_url) as history:
        fill(history, {f"column {i}": noise[i].tolist() for i in range(columns)})
        found = history.slow_drift("churn").to_pylist()
    alarms = sum(row["p_value"] <= 0.05 for row in found)
    # The law is exact, so at most 5 %; a bound that chance passes once in 10,000 times.
    assert alarms <= stats.binom.isf(1e-4, columns, 0.05)
    assert alarms >= stats.binom.ppf(1e-4, columns, 0.04)
    # Nothing changes, so any alarm after correction is a false one: of 400 independent columns in 5 % of cases.
    assert min(row["adjusted_p_value"] for row in found) > 1e-4
