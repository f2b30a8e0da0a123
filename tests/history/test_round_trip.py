"""What is written comes back: numbers to the last bit, text with any character, once and whole."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import accel_drift as ad
from accel_drift.errors import ConfigError
from accel_drift.finding import Severity, Status
from accel_drift.history import Metric, Window
from accel_drift.report import ColumnChanges
from tests.history.samples import FIRST, day, finding, report


def test_a_window_is_written_once(history: ad.History) -> None:
    assert history.record("churn", report(), day(0)) is True
    assert history.record("churn", report([finding(effect=0.9)]), day(0)) is False
    assert history.latest("churn")["effect"].to_pylist() == [0.04]
    assert history.record("other", report(), day(0)) is True
    assert history.names() == ["churn", "other"]


def test_all_that_is_kept_of_a_report_comes_back(history: ad.History) -> None:
    made = report(
        [
            finding("income", 0.3, note="two values"),
            finding("a, b", 0.2, columns=("a", "b"), detector="mmd", unit="MMD^2"),
            finding("age", None, status=Status.TOO_FEW_BLOCKS, p_value=None, adjusted_p_value=None, p_method=""),
        ],
        warnings=("few rows",),
        excluded={"id": "all different"},
        schema_diff=ColumnChanges(added=("new",)),
    )
    assert history.record("churn", made, day(3), profile="d1")
    got = history.findings("churn")
    for name in set(made.to_arrow().column_names) - {"details"}:
        assert got[name].to_pylist() == made.to_arrow()[name].to_pylist(), name
    [run] = history.runs("churn").to_pylist()
    assert run["rows"] == 500
    assert run["reference_rows"] == 1000
    assert (run["drifted"], run["severity"], run["rule"], run["alpha"]) == (True, Severity.WARNING, "fdr", 0.05)
    assert (run["findings"], run["profile"], run["version"]) == (3, "d1", "0.1.0")
    assert (run["window_start"], run["window_end"]) == (FIRST + timedelta(days=3), FIRST + timedelta(days=4))
    assert run["created_at"] == datetime(2026, 3, 9, 10, 11, 12, tzinfo=UTC)
    remarks = json.loads(run["remarks"])
    assert remarks == {"warnings": ["few rows"], "excluded": {"id": "all different"}, "schema": {"added": ["new"]}}


def test_a_real_report_comes_back(history: ad.History) -> None:
    numbers, words = [float(i % 97) for i in range(600)], [str(i % 5) for i in range(600)]
    made = ad.compare({"a": numbers, "b": words}, {"a": [x + 20 for x in numbers], "b": words})
    assert history.record("real", made, Window("w"))
    got, told = history.latest("real"), made.to_arrow()
    for name in set(told.column_names) - {"details"}:
        assert got[name].equals(told[name]), name


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.pi, 1e23])
def test_numbers_come_back_to_the_last_bit(history: ad.History, value: float) -> None:
    for key, sign in (("plus", 1.0), ("minus", -1.0)):
        history.record("churn", report([finding(statistic=sign * value)]), Window(key))
        assert history.latest("churn")["statistic"].to_pylist() == [sign * value]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.floats(allow_nan=False, width=64))
def test_any_float_comes_back(history: ad.History, value: float) -> None:
    history.record("churn", report(), Window("w"))
    history.measure("churn", "w", [Metric("m", value)])
    [got] = history.metrics("churn", "m")["value"].to_pylist()
    assert got.hex() == (value + 0.0).hex()


def test_no_answer_is_null_and_infinity_stays(history: ad.History) -> None:
    odd = finding(statistic=math.inf, effect=math.nan, p_value=None, interval=(-math.inf, math.nan))
    history.record("churn", report([odd]), day(0))
    [row] = history.latest("churn").to_pylist()
    assert row["statistic"] == math.inf
    assert (row["effect"], row["p_value"], row["interval_high"]) == (None, None, None)
    assert row["interval_low"] == -math.inf


@pytest.mark.parametrize("status", list(Status))
def test_every_status_comes_back(history: ad.History, status: Status) -> None:
    history.record("churn", report([finding(status=status)]), day(0))
    assert [Status(s) for s in history.latest("churn")["status"].to_pylist()] == [status]


ODD = [
    "",
    " ",
    "naïve 数 🙂",
    "nul\0inside",
    r"back\slash \0 \\ \u0000",
    "line\nend",
    "'; DROP TABLE drift_runs; --",
    "x" * 20_000,
]


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name)[:20])
def test_a_column_may_have_any_name(history: ad.History, name: str) -> None:
    joint = finding(f"{name}, b", columns=(name, "b"), detector="mmd")
    history.record("churn", report([finding(name, note=name), joint]), day(0))
    [first, second] = history.latest("churn").to_pylist()
    assert (first["column"], first["columns"], first["note"]) == (name, [name], name)
    assert second["columns"] == [name, "b"]
    assert history.trend("churn", column=name, detector="psi").num_rows == 1


def test_half_of_a_surrogate_pair_is_spelled_out(history: ad.History) -> None:
    history.record("churn", report([finding("a\ud800b")]), day(0))
    assert history.latest("churn")["column"].to_pylist() == ["a\\ud800b"]


def test_two_findings_of_one_detector_and_column_are_both_kept(history: ad.History) -> None:
    history.record("churn", report([finding(effect=0.05), finding(effect=0.02)]), day(0))
    assert sorted(history.latest("churn")["effect"].to_pylist()) == [0.02, 0.05]


def test_a_report_without_findings_is_a_window_too(history: ad.History) -> None:
    made = report(n_batch=7)
    object.__setattr__(made, "findings", ())
    assert history.record("churn", made, day(0))
    assert history.runs("churn")["rows"].to_pylist() == [7]
    assert history.latest("churn").num_rows == 0


def test_times_are_utc_whatever_zone_they_came_in(history: ad.History) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    window = Window("w", datetime(2026, 3, 1, 5, 30, tzinfo=east), datetime(2026, 3, 1, 6, 30, 0, 123456, tzinfo=east))
    history.record("churn", report(), window)
    runs = history.runs("churn")
    assert runs.schema.field("window_end").type == pa.timestamp("us", tz="UTC")
    assert runs["window_start"].to_pylist() == [datetime(2026, 3, 1, tzinfo=UTC)]
    assert runs["window_end"].to_pylist() == [datetime(2026, 3, 1, 1, 0, 0, 123456, tzinfo=UTC)]


def test_a_window_without_time_is_when_its_report_was_made(history: ad.History) -> None:
    history.record("churn", report(), Window("rows 1 to 10,000"))
    [run] = history.runs("churn").to_pylist()
    assert run["window_start"] == run["window_end"] == datetime(2026, 3, 9, 10, 11, 12, tzinfo=UTC)


def test_late_labels_give_newer_values(history: ad.History) -> None:
    history.record("churn", report(), day(0), metrics=[Metric("confidence", 0.8, 0.7, 0.9, 500)])
    assert history.measure("churn", "day 0", [Metric("accuracy", 0.5, rows=10), Metric("auc", math.nan)]) == 2
    assert history.measure("churn", "day 0", [Metric("accuracy", 0.5, rows=10), Metric("auc", None)]) == 0
    assert history.measure("churn", "day 0", [Metric("accuracy", 0.6, 0.5, 0.7, 90)]) == 1
    got = {row["metric"]: (row["value"], row["low"], row["rows"]) for row in history.metrics("churn").to_pylist()}
    assert got == {"confidence": (0.8, 0.7, 500), "accuracy": (0.6, 0.5, 90), "auc": (None, None, None)}


@pytest.mark.parametrize(
    ("name", "made", "window", "words"),
    [
        ("", report(), day(0), "name of a monitor"),
        ("a" * 201, report(), day(0), "1 to 200 characters"),
        ("nul\0", report(), day(0), "NUL"),
        (3, report(), day(0), "name of a monitor"),
        ("churn", "a report", day(0), "the Report of one window"),
        ("churn", report(), "day 0", "Window"),
        ("churn", report(created_at="yesterday"), day(0), "ISO 8601"),
        ("churn", report([finding(statistic="big")]), day(0), "statistic of psi on 'income'"),
    ],
)
def test_what_cannot_be_written_is_refused(
    history: ad.History, name: object, made: object, window: object, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        history.record(name, made, window)  # type: ignore[arg-type]
    assert history.names() == []


def test_what_is_no_metric_or_has_no_window_is_refused(history: ad.History) -> None:
    history.record("churn", report(), day(0))
    with pytest.raises(ConfigError, match="no window 'day 1'"):
        history.measure("churn", "day 1", [Metric("accuracy", 1.0)])
    with pytest.raises(ConfigError, match="given twice"):
        history.measure("churn", "day 0", [Metric("accuracy", 1.0), Metric("accuracy", 0.5)])
    with pytest.raises(ConfigError, match="a metric is"):
        history.measure("churn", "day 0", [("accuracy", 1.0)])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="value of metric"):
        Metric("accuracy", "high")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (datetime(2026, 3, 1), datetime(2026, 3, 2), "with a time zone"),
        ("2026-03-01", "2026-03-02", "with a time zone"),
        (FIRST, None, "give both"),
        (FIRST, FIRST - timedelta(days=1), "ends before"),
    ],
)
def test_a_window_of_no_time_is_refused(start: object, end: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Window("w", start, end)  # type: ignore[arg-type]
