from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.report import Report, words
from tests.report import samples


@pytest.mark.parametrize("report", [samples.report(), samples.small(), samples.wide(), samples.report(findings=())])
def test_plain_text_is_ascii_and_narrow(report: Report) -> None:
    text = str(report)
    assert text.isascii()
    assert all(c.isprintable() or c == "\n" for c in text)
    assert max(len(line) for line in text.splitlines()) <= 100


def test_text_says_what_was_found() -> None:
    text = samples.report().to_text()
    lines = text.splitlines()
    assert lines[0] == "DRIFT: 2 of 9 columns, worst critical: arr_delay (psi 0.29)"
    assert lines[1] == "flights, September (27,574 rows) against flights, June (28,243 rows)"
    assert "WARNING: rows are alike within days" in text
    row = next(line for line in lines if line.startswith("arr_delay") and "psi" in line)
    values = "arr_delay psi DRIFT critical 0.292 0.29 [0.26, 0.32] 0.0002 0.0006 28.1k/28.1k"
    assert " ".join(row.split()) == values
    assert "carrier (chi_square): significant but small: effect 0.021 < first band 0.1" in text
    assert "on 5,000 rows a side, drawn with seed 0" in text
    assert "only in the batch: gate" in text
    assert "other type: hour (int64 -> double)" in text
    assert "flight: looks like an identifier" in text
    assert "a shift of the mean by 0.031 sd in the median column, 0.034 sd" in text
    assert "rule fdr, alpha 0.01, correction bh, seed 0, backend numpy" in text


def test_colour_only_where_it_is_asked_for() -> None:
    report = samples.report()
    assert "\x1b[" not in report.to_text()
    coloured = report.to_text(color=True, width=140)
    assert "\x1b[" in coloured
    # Without the colours the same words are there.
    for word in ("DRIFT critical", "DRIFT warning", "small", "stable", "constant"):
        assert word in coloured


def test_stable_columns_are_counted_where_there_are_many() -> None:
    report = samples.wide(60)
    short, full = report.to_text(), report.to_text(verbose=True)
    stable = {f.column for f in report.findings} - {f.column for f in report.findings if f.status is not Status.STABLE}
    assert f"... and {len(stable)} more columns, all stable" in short
    assert "x59 " not in short
    assert "x59 " in full
    assert "more columns" not in full


def test_a_wide_report_is_short_and_its_worst_columns_stand_first() -> None:
    """A detector that had nothing to test in a stable column does not bring the column back."""
    report = samples.wide(1000)
    idle = tuple(samples.finding(f"x{i}", "missing", Status.CONSTANT) for i in range(1000))
    short = replace(report, findings=(*report.findings, *idle)).to_text()
    assert len(short.splitlines()) < 250
    rows = [line for line in short.splitlines() if line.startswith(("x", "sensor_"))]
    assert rows[0].startswith("sensor_000_temp")
    loud = {f.column for f in report.findings if f.status is not Status.STABLE}
    assert all(any(name.startswith(line.split()[0]) for name in loud) for line in rows)


def test_the_top_columns_are_listed_and_the_others_counted() -> None:
    lone = [samples.finding(f"x{i}", status=Status.DRIFTED, effect=0.5 - i / 10) for i in range(3)]
    stable = [samples.finding(f"x{i}") for i in range(3, 9)]
    report = samples.report(findings=(*stable, *lone, samples.mmd(("x0", "x1"))))
    text = report.to_text(top=1)
    assert [line.split()[0] for line in text.splitlines() if " psi " in line] == ["x0"]
    assert " mmd " in text
    assert "... and 8 more columns, 2 drifted, 6 stable" in text
    assert "... and 6 more columns, all stable" in report.to_text(top=3)
    assert "more column" not in report.to_text(top=9)


@pytest.mark.parametrize("top", [0, -1, True, 2.0, "3"])
def test_a_top_that_shows_nothing_is_refused(top: Any) -> None:
    for show in (samples.small().to_text, samples.small().to_html):
        with pytest.raises(ConfigError, match="how many of the worst columns"):
            show(top=top)


def test_many_warnings_and_columns_left_out_are_counted() -> None:
    many = samples.report(warnings=tuple(f"w{i}" for i in range(40)), excluded={f"c{i}": "constant" for i in range(50)})
    short, full = many.to_text(), many.to_text(verbose=True)
    assert "... and 28 more warnings" in short
    assert "... and 20 more columns" in short
    assert "WARNING: w39" in full
    assert "c49: constant" in full


def test_few_stable_columns_are_listed() -> None:
    text = samples.small().to_text()
    assert all(name in text for name in ("age", "income", "city"))
    assert "... and" not in text


def test_remarks_are_capped() -> None:
    many = tuple(samples.finding(f"x{i}", status=Status.SIGNIFICANT_SMALL, effect=0.02) for i in range(45))
    report = samples.report(findings=many)
    assert "... and 15 remarks of this kind" in report.to_text()
    assert "remarks of this kind" not in report.to_text(verbose=True)


@pytest.mark.parametrize("name", ["bad\x1b[31mred", "new\nline", "a\u202eb", "[red]x[/red]", ":smile:"])
def test_names_cannot_paint_the_terminal(name: str) -> None:
    report = samples.report(findings=(samples.finding(name),), excluded={name: "why"}, warnings=(name,))
    text = report.to_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count(words.visible(name)) >= 3


def test_headlines() -> None:
    drifted = samples.finding("a", status=Status.DRIFTED, effect=0.3)
    stable = samples.finding("b")
    few = samples.finding("c", status=Status.TOO_FEW_ROWS)

    def line(*findings: Finding, drifted: bool = True, rule: str = "fdr") -> str:
        return words.headline(samples.report(findings=findings, drifted=drifted, rule=rule))

    assert line() == "NO ANSWER: nothing was compared"
    assert line(few) == "NO ANSWER: none of 1 column could be tested (too few rows)"
    assert line(stable, few, drifted=False) == "NO DRIFT: 0 of 2 columns"
    assert line(drifted, stable) == "DRIFT: 1 of 2 columns, worst critical: a (psi 0.30)"
    assert line(drifted, stable, drifted=False, rule="majority") == (
        "NO DRIFT by the rule 'majority', but 1 of 2 columns, worst critical: a (psi 0.30)"
    )


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_words(status: Status) -> None:
    report = samples.report(findings=(samples.finding("a", status=status, effect=0.3),), drifted=False)
    word = "DRIFT critical" if status is Status.DRIFTED else words.STATUS_WORDS[status]
    assert word in report.to_text()
    assert words.STATUS_MEANING[status] in report.to_html()


def test_small_reasons() -> None:
    report = samples.report()
    low = samples.finding("a", "ks", Status.SIGNIFICANT_SMALL, 0.103)
    assert words.small_reason(report, low) == "significant but small: effect 0.10"
    own = samples.report(settings={"min_effect": 0.5})
    assert words.small_reason(own, low) == "significant but small: effect 0.10 < min_effect 0.5"
    unknown = samples.report(settings={})
    assert words.small_reason(unknown, low) == "significant but small: effect 0.10"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (float("nan"), "-"), (float("inf"), "inf"), (0.0, "0"),
        (0.02134, "0.0213"), (1.0, "1.00"),
        (999.6, "1,000"), (99.96, "100"), (9.996, "10.0"), (1234.4, "1,234"), (-0.5, "-0.500"),
        (0.0000312, "3.12e-05"), (0.00009999, "0.000100"), (2.5e9, "2.50e+09"),
    ],
)  # fmt: skip
def test_number(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (1.0, "1.00"), (0.42, "0.42"), (0.0499, "0.050"), (0.0002, "0.0002"), (3e-7, "3e-07")],
)
def test_p_text(value: float | None, text: str) -> None:
    assert words.p_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (9999, "9,999"), (28243, "28.2k"), (1_240_000, "1.24M"), (3 * 10**9, "3.00G")],
)
def test_short_count(value: int, text: str) -> None:
    assert words.short_count(value) == text


def test_effect_and_interval_share_their_decimals() -> None:
    one = samples.finding("a", effect=0.0041, interval=(-0.00002, 0.0084))
    assert words.effect_text(one) == "0.0041"
    assert words.interval_text(one) == "[0.0000, 0.0084]"
    none = samples.finding("a", status=Status.CONSTANT)
    assert (words.effect_text(none), words.interval_text(none)) == ("-", "")


def test_a_drift_without_severity_is_still_a_drift() -> None:
    one = samples.finding("a", "mmd", Status.DRIFTED, 0.004, severity=Severity.NONE)
    assert words.verdict_words(one) == "DRIFT"


def test_what_had_nothing_to_test_is_counted_and_not_listed() -> None:
    idle = [samples.finding(name, "missing", Status.CONSTANT) for name in ("a", "b")]
    alone = samples.finding("c", status=Status.CONSTANT)
    report = samples.report(findings=(samples.finding("a"), samples.finding("b"), *idle, alone))
    short, full = report.to_text(), report.to_text(verbose=True)
    assert "... and nothing to test (the same on both sides): missing in 2 columns" in short
    assert sum(" missing " in line for line in short.splitlines() if line.startswith(("a ", "b "))) == 0
    assert sum(" missing " in line for line in full.splitlines() if line.startswith(("a ", "b "))) == 2
    assert any(line.startswith("c ") for line in short.splitlines())


def test_a_reason_is_said_once() -> None:
    note = "significant but small: effect 0.0213 is below 0.1 PSI; not in the reference: XX"
    judged = samples.finding("a", status=Status.SIGNIFICANT_SMALL, effect=0.0213, note=note)
    assert words.remark(samples.report(), judged) == note


def test_a_note_of_the_whole_report_is_not_repeated_beside_its_finding() -> None:
    joint = samples.mmd(("a", "b"))
    report = samples.report(findings=(joint,), notes=(f"mmd: {joint.note}",))
    assert report.to_text().count(joint.note) == 1
