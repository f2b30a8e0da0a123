"""Parts of a monitor: stream detectors, confidence; their states go on after a restart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift import predictions as pr
from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Status
from tests.monitor.samples import rows


def told(report: ad.Report, detector: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in report.findings if finding.detector == detector)


def test_a_stream_detector_goes_down_the_rows_of_all_windows(history: ad.History, profile: ad.Profile) -> None:
    batches = [rows(200, i, shift=0.0 if i < 5 else 3.0) for i in range(8)]
    expected = ad.PageHinkley(threshold=30).scan(np.concatenate([b["x"].to_numpy() for b in batches])).change_points
    found: list[int] = []
    for number, batch in enumerate(batches):
        # A new monitor each time: the stream goes on from where the last one stood.
        part = mo.Streams(ad.PageHinkley(threshold=30), ["x"])
        monitor = ad.Monitor(profile, ad.Windows(rows=200), history=history, name="m", parts=[part])
        (report,) = monitor.observe([batch])
        (finding,) = told(report, "page_hinkley")
        if finding.status is Status.DRIFTED:
            found.append(200 * number + int(finding.note.split("row ")[1].split(" ")[0]))
            assert report.drifted
    assert found == expected.tolist()
    changes = history.metrics("m", "page_hinkley_changes")["value"].to_pylist()
    assert sum(changes) == len(expected)
    assert history.findings("m", detector="page_hinkley", status="drifted").num_rows == len(expected)


def test_what_a_stream_detector_cannot_read_is_said_and_the_report_stays(profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, parts=[mo.Streams("ddm", ["x", "gone"]), mo.Streams("adwin", ["gone", "x"])])
    (report,) = monitor.observe([rows(300, 1)])
    assert any(said.startswith("ddm says nothing of this window: ") for said in report.warnings)
    assert "adwin passed this window over in 'gone': no such column" in report.warnings
    assert {f.column: f.status for f in told(report, "adwin")} == {"gone": Status.ALL_MISSING, "x": Status.STABLE}
    assert report.column("x")
    report.to_text()
    report.to_html()
    report.to_json()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detector": "nothing", "columns": ["x"]}, "no detector of streams 'nothing'"),
        ({"detector": ad.KS(), "columns": ["x"]}, "it is a detector of streams"),
        ({"detector": "adwin", "columns": "x"}, "it is a list of names"),
        ({"detector": "adwin", "columns": []}, "it is a list of names"),
        ({"detector": "adwin", "columns": 3}, "it is a list of names"),
        ({"detector": "adwin", "columns": [3]}, "a name in columns is 3; it is a text"),
        ({"detector": "adwin", "columns": ["x", "x"]}, "columns has 'x' twice"),
    ],
)
def test_streams_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        mo.Streams(**options)


def test_parts_of_one_name_overlapping_windows_and_another_detector(history: ad.History, profile: ad.Profile) -> None:
    part = mo.Streams("adwin", ["x"])
    with pytest.raises(ConfigError, match="two parts are called 'adwin'"):
        ad.Monitor(profile, parts=[part, mo.Streams("adwin", ["x"])])
    with pytest.raises(ConfigError, match="may see a row only once, and these windows overlap"):
        ad.Monitor(profile, ad.Windows(rows=20, every=10), parts=[part])
    with pytest.raises(ConfigError, match="its name has no slash"):
        ad.Monitor(profile, parts=[mo.Streams("adwin", ["x"], name="a/b")])
    list(ad.Monitor(profile, history=history, name="m", parts=[part]).observe([rows(50, 1)]))
    with pytest.raises(ConfigError, match="was begun with ADWIN"):
        ad.Monitor(profile, history=history, name="m", parts=[mo.Streams(ad.KSWIN(), ["x"], name="adwin")])


def test_streams_that_go_on_have_the_same_columns(history: ad.History, profile: ad.Profile) -> None:
    def made(*columns: str) -> ad.Monitor:
        return ad.Monitor(profile, history=history, name="m", parts=[mo.Streams("adwin", columns)])

    table = rows(50, 1).append_column("z", pa.array(np.zeros(50)))
    list(made("x", "z").observe([table]))
    for columns in (("z", "x"), ("x",), ("x", "y")):
        with pytest.raises(ConfigError, match=r"was begun with ADWIN.* on 'x', 'z', and is given"):
            made(*columns)
    assert len(list(made("x", "z").observe([table]))) == 1


def test_a_part_begins_anew_with_its_monitor_and_belongs_to_the_last(profile: ad.Profile) -> None:
    parts = (mo.Streams("adwin", ["x"]),)
    first = ad.Monitor(profile, parts=parts)
    list(first.observe([rows(50, 1)]))
    second = ad.Monitor(profile, parts=parts)
    (report,) = second.observe([rows(70, 2)])
    assert [finding.n_reference for finding in told(report, "adwin")] == [0]
    with pytest.raises(ConfigError, match="the part 'adwin' was given to another monitor since"):
        list(first.observe([rows(50, 3)]))
    (report,) = second.observe([rows(50, 3)])
    assert [finding.n_reference for finding in told(report, "adwin")] == [70]


def probabilities(n: int, seed: int, sure: float) -> pa.Table:
    """Rows with what a model of two classes says of them."""
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-sure * rng.normal(0, 2, n)))
    return rows(n, seed).append_column("p", pa.array(chance))


def test_confidence_is_in_the_history_and_its_fall_is_found(history: ad.History) -> None:
    before = probabilities(2_000, 0, 2.0)
    made = mo.Confidences(score="p", classes=["no", "yes"], reference=before)
    profile = ad.Profile.fit(made.prepare(before), ["psi"], backend="numpy")
    assert made.prepare(before.to_pydict()).column("confidence").equals(made.prepare(before).column("confidence"))
    assert {"confidence", "entropy", "margin", "predicted"} <= set(profile.schema.names)
    for number in range(6):
        part = mo.Confidences(score="p", classes=["no", "yes"], reference=before)
        monitor = ad.Monitor(profile, history=history, name="m", parts=[part])
        (report,) = monitor.observe([probabilities(500, 20 + number, 2.0 if number < 4 else 0.7)])
        (finding,) = told(report, "confidence")
        assert (finding.status is Status.DRIFTED) == (number >= 4)
        assert report.drifted == (number >= 4)
        assert report.schema_diff.added == ()
        assert [f.status is Status.DRIFTED for f in report.column("entropy") if f.detector == "psi"] == [number >= 4]
    means = history.metrics("m", "mean_confidence")
    expected = pr.confidence(probabilities(500, 20, 2.0)["p"]).confidence
    assert (means["value"][0].as_py(), means["low"][0].as_py()) == (expected.value, expected.low)
    assert means.num_rows == 6


def test_a_trend_of_confidence_is_told_and_survives_restarts(history: ad.History, profile: ad.Profile) -> None:
    notes: tuple[str, ...] = ()
    for number in range(12):
        part = mo.Confidences(["a", "b"])
        monitor = ad.Monitor(profile, history=history, name="m", parts=[part])
        p = np.full(100, 0.9 - 0.02 * number)
        table = rows(100, number).append_column("a", pa.array(p)).append_column("b", pa.array(1 - p))
        (report,) = monitor.observe([table])
        notes = report.notes
    assert any(note.startswith("confidence falls by 0.02 a window over the last 12 windows") for note in notes)


def test_probabilities_that_are_none_are_said(profile: ad.Profile) -> None:
    part = mo.Confidences(["a", "b"], reference=None)
    table = rows(100, 1).append_column("a", pa.array([2.0] * 100)).append_column("b", pa.array([0.0] * 100))
    (wrong, gone) = ad.Monitor(profile, parts=[part]).observe([table, rows(100, 2)])
    assert any("confidence says nothing of this window: probabilities" in said for said in wrong.warnings)
    assert any("no column 'a', 'b' of probabilities" in said for said in gone.warnings)


@pytest.mark.parametrize("options", [{}, {"score": "p", "probabilities": ["a"]}, {"probabilities": []}])
def test_confidences_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="probabilities"):
        mo.Confidences(**options)


def test_an_option_that_confidences_lack_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Confidences has no option alfa; did you mean alpha"):
        mo.Confidences(score="p", alfa=3)
    with pytest.raises(ConfigError, match="score is 3"):
        mo.Confidences(score=wrong(3))


def wrong(value: Any) -> Any:
    """What a type checker would refuse."""
    return value


def test_a_part_that_says_nothing_is_named(profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, parts=[mo.Confidences(score="gone"), mo.Streams("adwin", ["x"])])
    (report,) = monitor.observe([rows(50, 1)])
    assert report.settings["silent_parts"] == ["confidence"]
    (report,) = ad.Monitor(profile, parts=[mo.Streams("adwin", ["x"])]).observe([rows(50, 1)])
    assert "silent_parts" not in report.settings
