from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Part, Severity, Status
from accel_drift.report import Report
from accel_drift.report.moves import moved
from tests.report import samples
from tests.report.test_html import HOSTILE, Page

DELAY = samples.numeric("arr_delay", -0.8, 1, missing=400)


def drifted(*parts: Part, **changes: Any) -> Finding:
    return samples.finding(
        "x", "psi", Status.DRIFTED, 0.3, **({"parts": parts, "n_reference": 100, "n_batch": 100} | changes)
    )


def cell(label: str, reference: int, batch: int, kind: str = "bin", contribution: float = 0.1) -> Part:
    direction = "more" if batch > reference else "less" if batch < reference else "same"
    return Part(label, kind, contribution, None, direction, reference, batch)


@pytest.fixture
def report() -> Report:
    psi = samples.finding("arr_delay", "psi", Status.DRIFTED, 0.29, parts=samples.parts_of(DELAY))
    return samples.report(
        findings=(
            psi,
            samples.finding("arr_delay", "ks", Status.SIGNIFICANT_SMALL),
            samples.mmd(("arr_delay", "air_time")),
        )
    )


def test_a_table_that_a_person_reads(report: Report) -> None:
    text = str(report.explain("arr_delay"))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
    lines = text.splitlines()
    assert lines[0].startswith("arr_delay, psi: DRIFT critical, 0.29 [0.26, 0.32] PSI, adjusted p 0.0006")
    assert (
        lines[1] == "More rows in <= -19.3; fewer in > 28.8, > 18.8 and > 45. More missing (0.4 % before, 1.8 % now)."
    )
    [row] = [line for line in lines if line.startswith("<= -19.3 ")]
    assert row.split() == ["<=", "-19.3", "10", "%", "48", "%", "+37.6", "0.587", "68", "%", "#" * 20]
    assert "ks says no more than its number" in text
    assert "\x1b[" in report.explain("arr_delay").to_text(color=True, width=100)


def test_one_detector_alone(report: Report) -> None:
    assert [f.detector for f in report.explain("arr_delay", "ks").findings] == ["ks"]
    with pytest.raises(ConfigError, match="no finding of detector 'psy' on 'arr_delay'; there are psi, ks"):
        report.explain("arr_delay", "psy")


def test_a_joint_finding_tells_columns_then_rows(report: Report) -> None:
    explained = report.explain("mmd")
    text = str(explained)
    assert explained.column == "arr_delay, air_time"
    assert "Most of it is in arr_delay (50 %) and air_time (25 %)." in text
    assert "Least like the reference: batch row 17 and row 34." in " ".join(text.split())
    assert text.index("arr_delay ") < text.index("row 17  ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("arr_dealy", "did you mean 'arr_delay'?"),
        ("zzz", "there are 'arr_delay', 'mmd'"),
        ("air_time", "compared only together with others; ask for 'mmd'"),
        ("flight", "'flight' was left out of the comparison: looks like an identifier"),
    ],
)
def test_an_unknown_column_is_told_what_there_is(report: Report, name: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        report.explain(name)
    assert words in str(caught.value)


def test_a_report_without_findings_explains_nothing() -> None:
    with pytest.raises(ConfigError, match="the report has no findings"):
        samples.report(findings=(), excluded={}).explain("x")


def test_the_names_there_are_are_not_listed_by_the_hundred() -> None:
    with pytest.raises(ConfigError) as caught:
        samples.wide(200).explain("!")
    assert "and 188 more" in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((), ""),
        ((cell("a", 10, 30), cell("b", 90, 70)), "More rows in a; fewer in b."),
        ((cell("b", 90, 70),), "Fewer rows in b."),
        ((cell("a", 10, 30, contribution=9.0), cell("b", 90, 70, contribution=0.1)), "More rows in a."),
        (
            (cell("new", 0, 30, "unseen"), cell("old", 30, 0, "vanished")),
            "Not in the reference: new. No longer in the batch: old.",
        ),
        ((cell("missing", 0, 5, "missing"),), "More missing (0 % before, 5.0 % now)."),
        ((cell("missing", 5, 5, "missing"),), ""),
        ((cell("missing", 1, 20, "missing", 9.0), cell("a", 99, 80)), "More missing (1.0 % before, 20 % now)."),
        (tuple(cell(f"c{i}", 1, 9, "unseen") for i in range(9)), "Not in the reference: c0, c1, c2 and 6 others."),
        ((Part("a", "bin", math.nan, None, "more", 1, 2),), ""),
        ((Part("a", "column", -0.1, None),), ""),
    ],
)
def test_what_moved_in_words(parts: tuple[Part, ...], sentence: str) -> None:
    assert moved(drifted(*parts)) == sentence


def test_the_place_of_the_largest_gap_is_a_sentence_and_no_cell() -> None:
    gap = Part("at 12.5: 31% of reference and 52% of batch lie at or below", "bin", 0.21, 1.0, "more", 31, 52)
    cells = (cell("(0, 12.5]", 31, 52), cell("(12.5, 20]", 69, 48), cell("missing", 100, 0, "missing", 0.0))
    explained = samples.report(findings=(drifted(gap, *cells),)).explain("x")
    text = str(explained)
    assert moved(drifted(gap, *cells)).startswith(
        "Furthest apart at 12.5: 31% of reference and 52% of batch lie at or "
    )
    assert [line.split()[0] for line in text.splitlines()[-3:]] == ["(0,", "(12.5,", "missing"]
    # The test was of 100 rows that have a value; as many again are missing.
    assert text.splitlines()[-1].split()[:4] == ["missing", "50", "%", "0"]
    assert text.splitlines()[-3].split()[2:6] == ["31", "%", "52", "%"]


def test_nothing_is_said_to_have_moved_where_chance_would_do() -> None:
    stable = samples.finding("x", parts=(cell("a", 10, 30),))
    assert moved(stable).startswith("Nothing that chance would not give")


def test_what_could_not_be_tested_says_why() -> None:
    report = samples.report(findings=(samples.finding("x", status=Status.TOO_FEW_ROWS, note="4 rows in the batch"),))
    assert "not tested: too few rows on one side: 4 rows in the batch" in str(report.explain("x"))


def test_long_lists_are_cut_and_counted() -> None:
    parts = tuple(cell(f"category {i}", 10, 11, "category") for i in range(1000))
    text = str(samples.report(findings=(drifted(*parts),)).explain("x"))
    assert "... and 985 parts more" in text
    assert len(text.splitlines()) < 25


def test_odd_numbers_are_shown_and_passed_on() -> None:
    parts = (
        Part("a", "bin", math.inf, math.nan, "more", 0, 2),
        Part("b", "bin", 1e-12, 1e-9),
        Part("c", "bin", -3e8, None),
    )
    explained = samples.report(findings=(drifted(*parts),)).explain("x")
    for text in (str(explained), explained._repr_html_()):
        assert "nan" not in text
        assert "inf" in text
    told = json.loads(json.dumps(explained.to_dict(), allow_nan=False))
    assert told["findings"][0]["parts"][0]["contribution"] == "inf"
    assert "moved" in told["findings"][0]


def test_a_notebook_gets_tables_in_which_names_are_text() -> None:
    parts = (
        cell(HOSTILE, 0, 9, "unseen"),
        Part(HOSTILE, "column", 1.0),
        Part(HOSTILE, "row", 1.0, row=3, side="batch"),
    )
    odd = samples.finding(HOSTILE, HOSTILE, Status.DRIFTED, 0.3, parts=parts, unit=HOSTILE)
    explained = samples.report(findings=(odd,)).explain(HOSTILE)
    page = Page(explained._repr_html_())
    assert page.of("script") == []
    assert len(page.of("table")) == 3
    for text in (explained._repr_html_(), str(explained)):
        assert "\u202e" not in text


def test_parts_are_typed_rows(report: Report) -> None:
    table = report.parts()
    assert table.num_rows == 11 + 2 + 4
    assert table.schema.field("contribution").type == pa.float64()
    assert table.schema == samples.report(findings=()).parts().schema
    first = table.to_pylist()[0]
    assert (first["column"], first["detector"], first["place"], first["label"]) == ("arr_delay", "psi", 1, "<= -19.3")
    assert (first["reference"], first["batch"], first["row"]) == (DELAY.reference[0], DELAY.batch[0], None)
    assert report.explain("arr_delay").to_arrow().num_rows == 11
    [row] = [r for r in table.to_pylist() if r["label"] == "row 51"]
    assert (row["row"], row["side"], row["reference"]) == (51, "reference", None)


def test_severity_is_told_first(report: Report) -> None:
    assert report.explain("arr_delay").findings[0].severity is Severity.CRITICAL
    assert repr(report.explain("arr_delay")) == "<Explanation of 'arr_delay': psi, ks>"
