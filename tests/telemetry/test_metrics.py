"""Numbers for Prometheus: what they count, how many there are at most, and what a history adds to them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

import accel_drift as ad
from accel_drift.alerts.events import Kind
from accel_drift.errors import ConfigError
from accel_drift.finding import Severity
from accel_drift.history.alert_tables import messages
from accel_drift.schedule import jobs
from accel_drift.telemetry.database import Databases
from accel_drift.telemetry.metrics import Metrics
from tests.alerts.samples import NOW, event, posted
from tests.history.samples import finding, report

SECRET = "hunter2"  # noqa: S105


def shown(registry: Any) -> dict[str, float]:
    """All numbers as Prometheus reads them: `name{label="value"}` -> number, without our name before."""
    found = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = ",".join(
                sample.labels[key] for key in sorted(sample.labels, key=lambda key: (key != "monitor", key))
            )
            found[f"{sample.name.removeprefix('accel_drift_')}{{{labels}}}"] = sample.value
    return found


def window(**changes: Any) -> ad.Report:
    """A report of a monitor's window."""
    told = {"health": {"value": 87.5}, "window": {"key": "w", "end": "2026-03-01T00:00:00+00:00"}}
    given = [finding("income", 0.3), finding("age"), finding("zip", 0.2, severity=Severity.CRITICAL)]
    return report(given, **({"settings": told, "elapsed_s": 0.2} | changes))


def test_windows_are_counted_and_the_last_is_shown() -> None:
    metrics = Metrics()
    metrics.window("churn", window())
    metrics.window(
        "churn", report([finding("income")], n_batch=7, elapsed_s=0.0, created_at="2026-03-09T00:00:00+00:00")
    )
    metrics.window("fraud", window())
    found = shown(metrics.registry)
    assert (found["windows_total{churn}"], found["windows_total{fraud}"]) == (2, 1)
    assert (found["drifted_windows_total{churn}"], found["rows_total{churn}"]) == (1, 507)
    assert (found["score_seconds_count{churn}"], found["score_seconds_sum{churn}"]) == (1, 0.2)
    assert math.isnan(found["health{churn}"])
    assert (found["health{fraud}"], found["severity{fraud}"], found["severity{churn}"]) == (87.5, 3, 0)
    assert found["last_window_end_timestamp_seconds{fraud}"] == 1772323200
    assert found["last_window_end_timestamp_seconds{churn}"] == 1773014400
    assert {c: found[f"column_severity{{fraud,{c}}}"] for c in ("income", "age", "zip")} == {
        "income": 2,
        "age": 0,
        "zip": 3,
    }
    # A column that the last window lacks, or that does not drift any more, is healthy.
    assert {c: found[f"column_severity{{churn,{c}}}"] for c in ("income", "age", "zip")} == {
        "income": 0,
        "age": 0,
        "zip": 0,
    }


def test_batches_passed_over_are_counted_over_monitors_that_are_made_again() -> None:
    metrics = Metrics()
    for total in (0, 2, 2, 3, 1, 1, 2):
        metrics.passed_over("churn", total)
    assert shown(metrics.registry)["batches_passed_over_total{churn}"] == 5


@settings(max_examples=40, deadline=None)
@given(
    most=st.integers(0, 4),
    windows=st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.04, 0.3]), min_size=1), min_size=1
    ),
)
def test_there_are_never_more_columns_than_places(most: int, windows: list[dict[str, float]]) -> None:
    metrics = Metrics(columns=most)
    places: set[str] = set()
    for effects in windows:
        metrics.window("m", report([finding(name, effect) for name, effect in effects.items()]))
        numbers = shown(metrics.registry).items()
        found = {
            name[len("column_severity{m,") : -1]: value for name, value in numbers if name.startswith("column_severity")
        }
        assert len(found) <= most + 1
        assert places <= {*found} - {"other"}  # who has a place keeps it
        places = {*found} - {"other"}
        ranks = {name: 2 if effect > 0.1 else 0 for name, effect in effects.items()}
        rest = [rank for name, rank in ranks.items() if name not in places]
        assert found.get("other", 0) == max(rest, default=0)
        assert all(found[name] == ranks.get(name, 0) for name in places)


def test_columns_that_drift_have_the_first_places() -> None:
    metrics = Metrics(columns=2)
    metrics.window("m", report([finding("a"), finding("b", 0.3), finding("c"), finding("d", 0.3)]))
    found = shown(metrics.registry)
    assert {"column_severity{m,b}", "column_severity{m,d}", "column_severity{m,other}"} == {
        name for name in found if name.startswith("column_severity")
    }


def test_a_column_called_other_is_one_of_the_others() -> None:
    metrics = Metrics()
    metrics.window("m", report([finding("other", 0.3), finding("a")]))
    metrics.window("m", report([finding("a")]))
    assert shown(metrics.registry)["column_severity{m,other}"] == 0


def test_a_joint_test_blames_no_column() -> None:
    metrics = Metrics()
    joint = finding("a, b", 0.3, columns=("a", "b"), detector="mmd")
    metrics.window("m", report([joint, finding("a")]))
    assert shown(metrics.registry)["column_severity{m,a}"] == 0


@pytest.mark.parametrize("name", ["a\nb", 'quo"te', "\ud800", "\x1b[31m", "x" * 5000, "back\\slash", "ä"])
def test_names_from_data_do_no_harm(name: str) -> None:
    metrics = Metrics()
    metrics.window("m", report([finding(name, 0.3)]))
    found = [key for key in shown(metrics.registry) if key.startswith("column_severity")]
    assert len(found) == 1
    assert len(found[0]) < 300


@pytest.mark.parametrize("wrong", [-1, 2.5, "many", True])
def test_places_that_cannot_be(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="columns"):
        Metrics(columns=wrong)


def test_what_the_history_says(history: ad.History, url: str) -> None:
    posted(history, event("a"), event("b", sinks=("team", "boss")), event("c", severity=Severity.CRITICAL))
    posted(history, event("d"), name="other")
    posted(history, event("a", Kind.RESOLVED))
    with history.engine.begin() as connection:
        numbers = connection.execute(messages.select().where(messages.c.name == "churn")).all()
        fates: list[dict[str, Any]] = [
            {"sent_at": NOW, "attempts": 2, "outcome": "sent"},
            {"attempts": 1},
            {"dropped_at": NOW, "outcome": "dry run"},
            {"outcome": "dry run"},
        ]
        for row, values in zip(numbers, fates, strict=False):
            connection.execute(update(messages).where(messages.c.id == row.id).values(values))
    metrics, databases = Metrics(), Databases({"churn": url})
    metrics.registry.register(databases)
    found = shown(metrics.registry)
    assert found["database_up{churn}"] == 1
    assert {s: found[f"alerts_open{{churn,{s}}}"] for s in ("watch", "warning", "critical")} == {
        "watch": 0, "warning": 1, "critical": 1
    }  # fmt: skip
    fates_of = ("waiting", "failing", "held", "sent", "dropped", "given up")
    told = {s: found[f"messages{{churn,{s}}}"] for s in fates_of}
    assert told == {"waiting": len(numbers) - 4, "failing": 1, "held": 1, "sent": 1, "dropped": 1, "given up": 0}
    with history.engine.begin() as connection:
        waiting = update(messages).where(messages.c.name == "churn", messages.c.outcome.is_(None))
        connection.execute(waiting.values(dropped_at=NOW, outcome="given up"))
    told = {s: shown(metrics.registry)[f"messages{{churn,{s}}}"] for s in fates_of}
    assert told == {"waiting": 0, "failing": 0, "held": 1, "sent": 1, "dropped": 1, "given up": len(numbers) - 3}
    assert "job_failed{churn}" not in found
    jobs.put(history, "churn", schedule="every 1h", due_at=NOW, failed=True)
    assert shown(metrics.registry)["job_failed{churn}"] == 1
    databases.close()


def test_a_history_that_does_not_answer_is_told_and_no_password() -> None:
    url = f"postgresql://me:{SECRET}@127.0.0.1:1/db?connect_timeout=1"
    databases = Databases({"churn": url})
    metrics = Metrics()
    metrics.registry.register(databases)
    found = generate_latest(metrics.registry).decode()
    assert 'accel_drift_database_up{monitor="churn"} 0.0' in found
    assert databases.silent() == ["churn"]
    assert SECRET not in found + repr(databases)
    databases.close()
