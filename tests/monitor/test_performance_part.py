"""Performance in a monitor: labels in the rows or late, a baseline, concept drift, restarts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift import predictions as pr
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Status


def rows(n: int, seed: int, wrong: float = 0.1, known: float = 1.0) -> pa.Table:
    """Rows with the chance of "yes", its label, and an id; a share of labels is against the model."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0, 1, n)
    label = np.where((chance > 0.5) ^ (rng.random(n) < wrong), "yes", "no")
    labels = [str(one) if rng.random() < known else None for one in label]
    ids = [f"{seed}-{i}" for i in range(n)]
    return pa.table({"x": rng.normal(size=n), "p": chance, "y": pa.array(labels, pa.string()), "id": ids})


BASE = rows(4_000, 0)


@pytest.fixture(scope="module")
def reference() -> ad.Profile:
    return ad.Profile.fit(BASE, ["ks"], columns=["x"], backend="numpy")


def part(**options: Any) -> mo.Performance:
    return mo.Performance(**{"score": "p", "label": "y", "classes": ["no", "yes"], "baseline": BASE, **options})


def errors(report: ad.Report) -> Finding:
    return next(finding for finding in report.column("error"))


def test_labels_in_the_rows(history: ad.History, reference: ad.Profile) -> None:
    drifted = []
    for number in range(8):
        monitor = ad.Monitor(reference, history=history, name="m", parts=[part(tolerance={"accuracy": 0.02})])
        batch = rows(500, 1 + number, 0.1 if number < 5 else 0.3)
        (report,) = monitor.observe([batch])
        accuracy = next(f for f in report.column("accuracy"))
        assert (accuracy.status is Status.DRIFTED) == (number >= 5)
        drifted.append((report.drifted, errors(report).status is Status.DRIFTED))
        assert report.schema_diff.added == ()
        expected = pr.performance(batch["p"], batch["y"], classes=["no", "yes"])
        assert accuracy.statistic == expected.accuracy.value if expected.accuracy else False
    assert [one for one, _ in drifted] == [False] * 5 + [True] * 3
    assert (False, True) not in drifted
    assert any(seen for _, seen in drifted[5:])
    assert not any(seen for _, seen in drifted[:5])
    assert history.metrics("m", "degraded")["value"].to_pylist() == [0.0] * 5 + [1.0] * 3
    assert history.metrics("m", "accuracy")["rows"].to_pylist() == [500] * 8


def test_late_labels_write_the_numbers_of_their_windows_anew(history: ad.History, reference: ad.Profile) -> None:
    def made() -> ad.Monitor:
        return ad.Monitor(reference, history=history, name="m", parts=[part(label=None, id="id", baseline=measured)])

    measured = pr.performance(BASE["p"], BASE["y"], classes=["no", "yes"])
    batches = [rows(300, 1 + i, 0.1 if i < 2 else 0.4) for i in range(4)]
    bare = [batch.drop_columns(["y"]) for batch in batches]
    assert [report.drifted for report in made().observe(bare)] == [False] * 4
    assert history.metrics("m", "labelled_rows")["value"].to_pylist() == [0.0] * 4
    for batch in (batches[0].slice(0, 100), batches[2], batches[3], batches[0].slice(100)):
        assert made().label(batch["id"], batch["y"]) == 1
    assert history.metrics("m", "labelled_rows")["value"].to_pylist() == [300.0, 0.0, 300.0, 300.0]
    assert history.metrics("m", "degraded")["value"].to_pylist() == [0.0, 1.0, 1.0]
    for number, batch in enumerate(batches):
        if number != 1:
            expected = pr.performance(batch["p"], batch["y"], classes=["no", "yes"]).accuracy
            key = f"batch {number + 1}"
            told = [r for r in history.metrics("m", "accuracy").to_pylist() if r["window"] == key]
            assert expected is not None
            assert [(r["value"], r["low"], r["high"]) for r in told] == [tuple(expected)]
    # What was seen in the errors meanwhile is told by the next report, once.
    (report, after) = made().observe([rows(300, 9).drop_columns(["y"]), rows(300, 10).drop_columns(["y"])])
    assert errors(report).status is Status.DRIFTED
    assert "of window 'batch 3'" in errors(report).note or "of window 'batch 4'" in errors(report).note
    assert after.column("error") == ()
    assert made().label(batches[0]["id"], batches[0]["y"]) == 0
    assert made().label(["nobody"], ["yes"]) == 0


def test_windows_that_are_forgotten_leave_the_database(history: ad.History, reference: ad.Profile) -> None:
    from sqlalchemy import select

    from accel_drift.history.tables import parts

    for number in range(5):
        monitor = ad.Monitor(
            reference, history=history, name="m", parts=[part(id="id", label=None, keep=2, baseline=None)]
        )
        list(monitor.observe([rows(50, number)]))
    with history.engine.connect() as connection:
        held = set(connection.execute(select(parts.c.part)).scalars())
    assert held == {f"performance/{one}" for one in ("rest", "order", "window batch 4", "window batch 5")}
    monitor = ad.Monitor(reference, history=history, name="m", parts=[part(id="id", label=None, keep=2, baseline=None)])
    assert monitor.label(rows(50, 0)["id"], rows(50, 0)["y"]) == 0
    assert monitor.label(rows(50, 4)["id"], rows(50, 4)["y"]) == 1


def test_predicted_classes_alone_and_labels_that_are_missing(reference: ad.Profile) -> None:
    batch = rows(400, 1, known=0.5)
    said = pa.array(np.where(batch["p"].to_numpy() > 0.5, "yes", "no"))
    monitor = ad.Monitor(
        reference, parts=[mo.Performance(predicted="said", label="y", classes=["no", "yes"], detector=None)]
    )
    (report,) = monitor.observe([batch.append_column("said", said)])
    assert report.warnings == ()


def test_what_cannot_be_read_is_said(reference: ad.Profile) -> None:
    gone, odd = rows(50, 1).drop_columns(["p"]), rows(50, 2).set_column(2, "y", pa.array(["maybe"] * 50))
    reports = list(ad.Monitor(reference, parts=[part()]).observe([gone, odd, rows(50, 3)]))
    assert "performance says nothing of this window: there is no column 'p'" in reports[0].warnings[0]
    assert "labels hold 'maybe', which is no class" in reports[1].warnings[0]
    assert reports[2].column("accuracy")
    (report,) = ad.Monitor(reference, parts=[part(id="idd", baseline=None)]).observe([rows(50, 1)])
    assert "there is no column 'idd'; there are 'x', 'p', 'y', 'id', perhaps 'id' is meant" in report.warnings[0]


def test_the_first_and_the_last_change_of_errors_are_told(reference: ad.Profile) -> None:
    batch = pa.concat_tables([rows(400, seed, 0.9 if seed % 2 else 0.1) for seed in range(2, 8)])
    with ad.Monitor(reference, parts=[part(id="id", detector=ad.DDM())]) as monitor:
        (report,) = monitor.observe([batch])
        track = monitor._parts[0]
    assert isinstance(track, mo.Performance)
    (found,) = report.column("error")
    assert found.statistic is not None
    assert found.statistic > 1
    told = re.findall("after row '([0-9]+)-([0-9]+)' of window", found.note)
    assert found.note.startswith(f"errors changed {found.statistic:.0f} times, first after row '")
    assert len(told) == 2
    assert told[0] < told[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"score": None}, "the columns with what the model says"),
        ({"label": None}, "give label="),
        ({"label": None, "id": "id"}, "a baseline of rows needs label="),
        ({"tolerance": {"f2": 1}}, "there is no metric 'f2'"),
        ({"keep": 0}, "keep is 0"),
        ({"foo": 3}, "Performance has no option foo; there are positive, metrics"),
        ({"tolerence": 0.1}, "no option tolerence; did you mean tolerance?"),
        ({"keep_days": 3}, "Performance has no option keep_days"),
        ({"score": 3}, "score is 3; it is a text, the name of a column"),
        ({"label": 3}, "label is 3; it is a text"),
        ({"score": None, "probabilities": ["p", "p"]}, "probabilities has 'p' twice"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        part(**options)


def test_a_baseline_without_a_label_is_refused() -> None:
    bare = BASE.set_column(2, "y", pa.nulls(BASE.num_rows, pa.string()))
    with pytest.raises(DataError, match="no row of the baseline has a label"):
        part(baseline=bare)


def test_rows_without_the_column_of_labels_get_them_later(history: ad.History, reference: ad.Profile) -> None:
    batch = rows(200, 1)
    with ad.Monitor(reference, history=history, name="m", parts=[part(id="id")]) as monitor:
        (report,) = monitor.observe([batch.drop_columns(["y"])])
        assert report.warnings == ()
        assert "there is no column 'y': labels of this window may come later" in report.notes
        assert monitor.label(batch["id"], batch["y"]) == 1
    assert history.metrics("m", "labelled_rows")["value"].to_pylist() == [200.0]
    # Without ids they cannot come later.
    (report,) = ad.Monitor(reference, parts=[part()]).observe([batch.drop_columns(["y"])])
    assert "performance says nothing of this window: there is no column 'y'" in report.warnings[0]


def test_labels_need_a_part_that_takes_them(reference: ad.Profile) -> None:
    with pytest.raises(ConfigError, match="no part of this monitor takes labels"):
        ad.Monitor(reference, parts=[part()]).label(["a"], ["yes"])


def test_what_became_of_labels_is_told_once_also_after_a_restart(history: ad.History, reference: ad.Profile) -> None:
    made: list[mo.Performance] = []

    def monitor() -> ad.Monitor:
        made.append(part(id="id", keep=2, keep_labels=3, baseline=None))
        return ad.Monitor(reference, history=history, name="m", parts=[made[-1]])

    bare = [rows(50, 1 + i).drop_columns(["y"]) for i in range(4)]
    list(monitor().observe(bare[:2]))
    first = bare[0]["id"][0].as_py()
    monitor().label([*"abcde", first, first, None], ["yes"] * 5 + ["yes", "no", "yes"])
    (report,) = monitor().observe(bare[2:3])
    assert [said for said in report.notes if said.startswith("performance: ")] == [
        "performance: 5 labels came whose id no row here has: they wait for one",
        "performance: 1 labels contradict one that was there",
        "performance: 1 labels were null, or came without an id",
    ]
    assert [said.split(";")[0] for said in report.warnings] == [
        "performance: 2 labels that had waited longest for a row were dropped",
        "performance: 49 rows were forgotten before a label came",
    ]
    assert (made[-1].counts["unknown"], made[-1].counts["forgotten"], made[-1].counts["waiting"]) == (5, 49, 3)
    for name, value in (("labels_unknown", 5.0), ("labels_dropped", 2.0), ("rows_forgotten", 49.0)):
        (row,) = history.metrics("m", name).to_pylist()
        assert (row["window"], row["value"]) == ("batch 3", value)
    # Told once: what comes next is new.
    twice = bare[2].set_column(bare[2].column_names.index("id"), "id", pa.array([first] * 2 + [None] * 48))
    (report,) = monitor().observe([twice])
    assert "performance: 1 rows have the id of an earlier one, which gets no label any more" in report.notes
    assert report.warnings[0] == "48 of 50 rows have no 'id': no label can come for them"
    assert not any("labels" in said for said in report.notes if said.startswith("performance: "))


def test_labels_of_a_hundred_windows_find_their_rows(reference: ad.Profile) -> None:
    batches = [rows(5, 1 + i) for i in range(100)]
    monitor = ad.Monitor(reference, parts=[part(id="id", label=None, baseline=None)])
    assert len(list(monitor.observe([batch.drop_columns(["y"]) for batch in batches]))) == 100
    everything = pa.concat_tables(batches)
    assert monitor.label(everything["id"], everything["y"]) == 100


def test_labels_for_a_part_that_another_monitor_has_are_refused(reference: ad.Profile) -> None:
    shared = part(id="id")
    first = ad.Monitor(reference, parts=[shared])
    ad.Monitor(reference, parts=[shared])
    with pytest.raises(ConfigError, match="was given to another monitor since"):
        first.label(["a"], ["yes"])


def test_performance_is_estimated_where_no_label_is_known(history: ad.History, reference: ad.Profile) -> None:
    estimator = pr.PerformanceEstimator(BASE["p"], BASE["y"], classes=["no", "yes"])
    monitor = ad.Monitor(
        reference, history=history, name="m", parts=[mo.Estimated(estimator, score="p"), part(id="id")]
    )
    batches = [rows(600, 1 + i, 0.1 if i < 3 else 0.4) for i in range(6)]
    reports = list(monitor.observe(batches))
    assert all("it assumes no concept drift" in report.notes[-1] for report in reports)
    told = [history.metrics("m", name).to_pylist() for name in ("estimated_accuracy", "accuracy")]
    for number, (guess, real) in enumerate(zip(*told, strict=True)):
        # What the rule did to the model no estimate without labels can see.
        assert (guess["low"] - 0.02 < real["value"] < guess["high"] + 0.02) == (number < 3)
    with pytest.raises(ConfigError, match="estimator is 'x'"):
        mo.Estimated(wrong("x"), score="p")
    (report,) = ad.Monitor(reference, parts=[mo.Estimated(estimator, score="gone")]).observe([batches[0]])
    assert "estimated says nothing of this window: there is no column 'gone'" in report.warnings[0]


def test_what_is_put_up_with_holds_from_now_on(history: ad.History, reference: ad.Profile) -> None:
    def degraded(seed: int, **options: Any) -> bool:
        with ad.Monitor(reference, history=history, name="m", parts=[part(detector=None, **options)]) as monitor:
            (report,) = monitor.observe([rows(500, seed, 0.2)])
        assert report.warnings == ()
        return [f.status for f in report.column("accuracy")] == [Status.DRIFTED]

    assert degraded(1, tolerance=0.01)
    assert not degraded(2, tolerance={"accuracy": 0.5}, metrics=["accuracy"])
    assert not degraded(3, tolerance=0.01, alpha=1e-200)
    assert degraded(4, tolerance=0.01)


def wrong(value: Any) -> Any:
    """What a type checker would refuse."""
    return value


def test_options_that_stay_as_they_were_begun_are_told(history: ad.History, reference: ad.Profile) -> None:
    def told(**options: Any) -> list[str]:
        parts = [part(**{"id": "id", **options.pop("own", {})}), mo.Confidences(score="p", **options)]
        with ad.Monitor(reference, history=history, name="m", parts=parts) as monitor:
            reports = [report for seed in (1, 2) for report in monitor.observe([rows(50, seed)])]
        assert reports[1].warnings == ()
        return list(reports[0].warnings)

    assert told() == told() == []
    (said,) = told(own={"keep": 7, "tolerance": 0.5})
    assert "performance goes on with keep=1000, as it was begun, and not with keep=7; give that again, or the" in said
    (said,) = told(own={"baseline": rows(500, 9)})
    assert "rows of the baseline=4000, as it was begun" in said
    (said,) = told(own={"alpha": 0.05})  # the errors' detector has learned under its own
    assert "goes on with detector=BoundedMean(tolerance=0." in said
    assert said.count("alpha=0.005), as it was begun, and not with detector=BoundedMean(tol") == 1
    (said,) = told(keep=5)
    assert said.startswith("confidence goes on with keep=")
    assert told(alpha=0.05, tolerance=0.01) == []
