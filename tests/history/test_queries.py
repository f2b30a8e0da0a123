"""Questions: which windows a span means, what is asked of a column, and what a wrong name is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import event

import accel_drift as ad
from accel_drift.errors import ConfigError
from accel_drift.finding import Status
from accel_drift.history import Metric, Window
from tests.history.samples import FIRST, day, finding, report

DAYS = 10


@pytest.fixture
def told(history: ad.History) -> ad.History:
    """Ten days of two columns: `income` drifts from day 6, `age` never; a joint test; another monitor."""
    # Not in the order of time: windows may come late.
    for number in (3, 0, 1, 2, 9, 4, 5, 6, 8, 7):
        income = 0.01 * number if number < 6 else 0.1 * number
        found = [
            finding("income", income),
            finding("income", income / 2, detector="ks", unit="D", status=Status.STABLE),
            finding("age", 0.01),
            finding("income, age", None, columns=("income", "age"), detector="mmd", status=Status.TOO_FEW_ROWS),
        ]
        history.record("churn", report(found), day(number), metrics=[Metric("accuracy", 1 - number / 100)])
    history.record("fraud", report([finding("amount", 0.5)]), Window("w", FIRST, FIRST + timedelta(days=400)))
    return history


def ends(table: pa.Table) -> list[int]:
    """The windows of a table, as days."""
    return [(end - FIRST).days - 1 for end in table["window_end"].to_pylist()]


def test_a_trend_goes_from_the_oldest_window_to_the_newest(told: ad.History) -> None:
    got = told.trend("churn", column="income", detector="psi")
    assert ends(got) == list(range(DAYS))
    assert got["effect"].to_pylist() == [0.01 * n if n < 6 else 0.1 * n for n in range(DAYS)]
    assert set(got["column"].to_pylist()) == {"income"}
    assert got["status"].to_pylist() == ["stable"] * 6 + ["drifted"] * 4


def test_a_trend_of_a_column_or_of_a_detector_alone(told: ad.History) -> None:
    assert set(told.trend("churn", column="income")["detector"].to_pylist()) == {"psi", "ks"}
    assert set(told.trend("churn", detector="psi")["column"].to_pylist()) == {"income", "age"}
    assert told.trend("churn", column="income, age")["effect"].to_pylist() == [None] * DAYS
    assert told.trend("churn").num_rows == 4 * DAYS


@pytest.mark.parametrize(
    ("days", "start", "end", "expected"),
    [
        (1, None, None, [9]),
        (3, None, None, [7, 8, 9]),
        (2.5, None, None, [8, 9]),
        (90_000, None, None, list(range(DAYS))),
        (2, None, 5, [3, 4]),
        (None, 8, None, [8, 9]),
        (None, None, 2, [0, 1]),
        (None, 3, 5, [3, 4]),
        (None, 3.5, 5.5, [4]),
        (None, 20, None, []),
    ],
)
def test_a_span_means_the_windows_that_lie_in_it(
    told: ad.History, days: float | None, start: float | None, end: float | None, expected: list[int]
) -> None:
    first = None if start is None else FIRST + timedelta(days=start)
    last = None if end is None else FIRST + timedelta(days=end)
    assert ends(told.trend("churn", column="age", detector="psi", days=days, start=first, end=last)) == expected
    assert ends(told.runs("churn", days=days, start=first, end=last)) == expected
    assert ends(told.metrics("churn", "accuracy", days=days, start=first, end=last)) == expected


def test_runs_by_verdict(told: ad.History) -> None:
    assert ends(told.runs("churn", drifted=True)) == [6, 7, 8, 9]
    assert ends(told.runs("churn", drifted=False)) == [0, 1, 2, 3, 4, 5]
    assert ends(told.runs("churn", last=2)) == [8, 9]
    assert ends(told.runs("churn", drifted=False, last=1)) == [5]
    with pytest.raises(ConfigError, match="last is 0"):
        told.runs("churn", last=0)


def test_findings_by_status(told: ad.History) -> None:
    assert ends(told.findings("churn", status="drifted")) == [6, 7, 8, 9]
    assert told.findings("churn", status="too_few_rows", days=2).num_rows == 2
    assert told.findings("churn", status="constant").num_rows == 0


def test_the_latest_window_is_the_last_in_time_not_the_last_written(told: ad.History) -> None:
    got = told.latest("churn")
    assert set(got["window"].to_pylist()) == {"day 9"}
    assert got["place"].to_pylist() == [1, 2, 3, 4]
    assert got["column"].to_pylist()[0] == "income"


def test_columns_that_drifted(told: ad.History) -> None:
    told.record("churn", report([finding("age", 0.3)]), day(DAYS))
    income, age = told.drifted_columns("churn").to_pylist()
    assert (income["column"], income["drifted"], income["windows"], income["share"]) == ("income", 4, 10, 0.4)
    assert (income["first"], income["last"]) == (FIRST + timedelta(days=6), FIRST + timedelta(days=10))
    assert (age["column"], age["drifted"], age["windows"], age["severity"]) == ("age", 1, 11, "warning")
    assert told.drifted_columns("churn", end=FIRST + timedelta(days=3)).num_rows == 0


def test_answers_have_the_same_types_with_and_without_rows(told: ad.History) -> None:
    far = FIRST + timedelta(days=9999)
    for asked in (told.runs, told.findings, told.trend, told.metrics, told.drifted_columns):
        assert asked("churn").schema == asked("churn", start=far).schema


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"column": "Income"}, "no column 'Income' of 'churn'; there are 'income'"),
        ({"column": "amount"}, "no column 'amount' of 'churn'"),
        ({"detector": "psy"}, "no detector 'psy' of 'churn'; there are 'psi'"),
        ({"column": "age", "detector": "ks"}, "'ks' never looked at column 'age' of 'churn'; psi did"),
        ({"days": 0}, "days is 0"),
        ({"days": "90"}, "days is '90'"),
        ({"days": 3, "start": FIRST}, "days or start"),
        ({"start": datetime(2026, 3, 1)}, "with a time zone"),
        ({"start": FIRST + timedelta(days=2), "end": FIRST}, "end is before"),
    ],
)
def test_wrong_questions_are_answered_with_what_there_is(
    told: ad.History, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        told.trend("churn", **options)  # type: ignore[arg-type]


def test_an_unknown_monitor_is_named_with_those_that_there_are(told: ad.History) -> None:
    for asked in (told.runs, told.findings, told.trend, told.latest, told.metrics, told.drifted_columns):
        with pytest.raises(ConfigError, match="no monitor 'chrun'; there are 'churn'"):
            asked("chrun")
    with pytest.raises(ConfigError, match="no metric 'acuracy' of 'churn'; there are 'accuracy'"):
        told.metrics("churn", "acuracy")
    with pytest.raises(ConfigError, match="no status 'drift'; there are 'drifted'"):
        told.findings("churn", status="drift")


def test_an_empty_history_says_that_it_is_empty(history: ad.History) -> None:
    assert history.names() == []
    with pytest.raises(ConfigError, match="it has none at all yet"):
        history.trend("churn")


def test_a_trend_reads_only_the_rows_it_tells_of(sqlite_url: str) -> None:
    """The plan names an index for every table that grows."""
    asked: list[tuple[str, Any]] = []
    with ad.History(sqlite_url) as history:
        history.record("churn", report(), day(0))
        event.listen(history.engine, "before_cursor_execute", lambda _c, _k, sql, given, *_: asked.append((sql, given)))
        history.trend("churn", column="income", detector="psi", days=90)
        [(sql, given)] = [found for found in asked if "drift_findings" in found[0]]
        with history.engine.begin() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)]
    assert any("drift_findings USING PRIMARY KEY (run_id=? AND series_id=?" in step for step in plan)
    assert any("drift_runs USING INDEX drift_runs_by_time" in step for step in plan)
