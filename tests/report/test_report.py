from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from accel_drift.errors import SourceError
from accel_drift.finding import Severity, Status
from accel_drift.report import Distribution, Report
from accel_drift.report.plain import plain
from tests.report import samples


def strict(text: str) -> Any:
    """JSON as a strict parser reads it: NaN and Infinity are errors."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("report", [samples.report(), samples.small(), samples.wide()])
def test_json_is_the_dict(report: Report) -> None:
    assert strict(report.to_json()) == report.to_dict()


def test_json_holds_every_part() -> None:
    out = samples.report().to_dict()
    assert out["drifted_columns"] == ["arr_delay", "dep_delay"]
    assert out["findings"][0]["detector"] == "psi"
    assert out["findings"][0]["interval"] == pytest.approx([0.2640, 0.3186], abs=5e-4)
    assert out["schema_diff"]["added"] == ["gate"]
    assert out["distributions"][0]["column"] == "arr_delay"
    assert sum(out["nulls"][0]["counts"]) == 499
    assert out["settings"]["bands"]["psi"] == [0.1, 0.2, 0.25]


def test_json_never_holds_what_is_not_json() -> None:
    odd = samples.finding(
        "a",
        statistic=math.nan,
        effect=float("inf"),
        interval=(-math.inf, math.nan),
        details={"n": np.int64(3), "x": np.arange(3), "s": {"b", "a"}, "k": Severity.WATCH, 5: Path("p")},
    )
    picture = Distribution("a", "numeric", ("low", "high"), (math.inf,), (1, 2), (3, 4))
    report = samples.report(findings=(odd,), distributions=(picture,), settings={"alpha": np.float32(0.5)})
    out = strict(report.to_json())
    [finding] = out["findings"]
    assert finding["statistic"] is None
    assert finding["effect"] == "inf"
    assert finding["interval"] == ["-inf", None]
    assert finding["details"] == {"n": 3, "x": [0, 1, 2], "s": ["a", "b"], "k": "watch", "5": "p"}
    assert out["distributions"][0]["edges"] == ["inf"]
    assert out["settings"] == {"alpha": 0.5}
    for text in (report.to_html(), report.to_text()):
        assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_plain_keeps_true_apart_from_one() -> None:
    assert plain((True, 1, np.bool_(False), None, 1.5, "x")) == [True, 1, False, None, 1.5, "x"]
    assert plain(np.bool_(False)) is False


def test_arrow_has_one_typed_row_a_finding() -> None:
    report = samples.report()
    table = report.to_arrow()
    assert table.num_rows == len(report.findings)
    assert table.column("column").to_pylist() == [f.column for f in report.findings]
    assert table.schema.field("columns").type == pa.list_(pa.string())
    for name in ("statistic", "p_value", "adjusted_p_value", "effect", "interval_low", "interval_high"):
        assert table.schema.field(name).type == pa.float64(), name
    assert table.schema.field("n_batch").type == pa.int64()
    rows = {(row["column"], row["detector"]): row for row in table.to_pylist()}
    constant = rows["year", "psi"]
    assert constant["status"] == "constant"
    assert constant["p_value"] is None
    assert constant["interval_low"] is None
    worst = report.findings[0]
    assert worst.interval is not None
    assert (
        rows["arr_delay", "psi"]["interval_low"],
        rows["arr_delay", "psi"]["interval_high"],
    ) == worst.interval
    [joint] = [row for row in table.to_pylist() if row["detector"] == "mmd"]
    assert len(joint["columns"]) == 6
    assert json.loads(joint["details"]) == {"bandwidth": 3.2}


def test_arrow_schema_does_not_depend_on_the_findings() -> None:
    assert samples.report(findings=()).to_arrow().schema == samples.report().to_arrow().schema
    odd = samples.report(findings=(samples.finding("a", statistic=math.nan),)).to_arrow()
    assert odd.column("statistic").to_pylist() == [None]


def test_findings_stand_worst_first_whatever_order_they_come_in() -> None:
    report = samples.report()
    again = samples.report(findings=tuple(reversed(report.findings)))
    shown = [(f.column, f.detector) for f in report.findings]
    assert shown[:4] == [("arr_delay", "psi"), ("arr_delay", "ks"), ("dep_delay", "ks"), ("dep_delay", "psi")]
    order = [Status.DRIFTED, Status.SIGNIFICANT_SMALL, Status.STABLE, Status.CONSTANT]
    for each in (report, again):
        places = [order.index(f.status) for f in each.findings]
        assert places == sorted(places)
    ranks = [f.severity.rank for f in again.findings if f.status is Status.DRIFTED]
    assert ranks == sorted(ranks, reverse=True)


def test_columns_of_a_report() -> None:
    report = samples.report()
    assert report.drifted_columns == ("arr_delay", "dep_delay")
    assert [f.detector for f in report.column("arr_delay")] == ["psi", "ks", "missing"]
    assert report.column("nothing") == ()
    assert len(report.compared_columns) == 9


def test_a_joint_drift_names_no_single_column() -> None:
    report = samples.report(findings=(samples.mmd(("a", "b")), samples.finding("a"), samples.finding("b")))
    assert report.drifted_columns == ()
    assert "in 2 columns together, in none alone" in str(report)


@pytest.mark.parametrize(
    ("settings", "details", "least"),
    [
        ({}, {}, None),
        ({"bands": {"psi": (0.1, 0.2, 0.25)}}, {}, 0.1),
        ({"bands": {"psi": (0.1, 0.2, 0.25)}}, {"bands": [0.3]}, 0.3),
        ({"bands": {"psi": (0.1, 0.2, 0.25)}, "min_effect": 0}, {}, 0.0),
        ({"min_effect": {"psi": 0.05}}, {}, 0.05),
        ({"min_effect": {"ks": 0.05}}, {}, None),
        ({"min_effect": 0.4}, {"min_effect": 0.2}, 0.2),
    ],
)
def test_least_effect(settings: dict[str, Any], details: dict[str, Any], least: float | None) -> None:
    report = samples.report(settings=settings)
    assert report.least_effect(samples.finding("a", details=details)) == least


def test_repr_is_one_short_line() -> None:
    text = repr(samples.report())
    assert text.startswith("<Report of 'flights, September' against 'flights, June': DRIFT: 2 of 9 columns")
    assert "\n" not in text
    assert len(text) < 160


@pytest.mark.parametrize("write", ["to_html", "to_json"])
def test_files_hold_what_is_returned(tmp_path: Path, write: str) -> None:
    target = tmp_path / "out"
    text = getattr(samples.report(reference="J\u00e4nner"), write)(target)
    assert target.read_text(encoding="utf-8").strip() == text.strip()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("write", ["to_html", "to_json"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, write: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.write_text("old", encoding="utf-8")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(SourceError, match="No space left"):
        getattr(samples.report(), write)(target)
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        samples.report().to_html(tmp_path / "nowhere" / "report.html")


def test_a_report_loads_no_library_before_it_is_asked_for_a_form() -> None:
    code = "import sys, accel_drift.report as r; print(*({'pyarrow', 'rich', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("bands", [None, {}, {"psi": None}, {"psi": ()}])
def test_no_bands(bands: Any) -> None:
    report = samples.report(settings={"bands": bands})
    assert report.bands(report.findings[0]) == ()
    assert "watch 0.1" not in report.to_html()
