from __future__ import annotations

import builtins
import csv
import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from accel_drift.errors import ConfigError, ExtraMissingError, SourceError
from accel_drift.finding import Status
from accel_drift.report import Report
from accel_drift.report.html import render
from tests.report import samples

ODD = 'comma, "quote"\nline; ünï 名前'


@pytest.fixture
def report() -> Report:
    odd = samples.finding(ODD, "psi", Status.DRIFTED, 0.1 + 0.2, note=ODD, p_value=1e-300, details={"cuts": [1.5]})
    return samples.report(findings=(odd, *samples.report().findings))


def test_csv_comes_back_to_the_last_bit(report: Report, tmp_path: Path) -> None:
    text = report.to_csv(tmp_path / "findings.csv")
    assert (tmp_path / "findings.csv").read_bytes() == text.encode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == report.to_arrow().column_names
    for row, expected in zip(rows, report.to_arrow().to_pylist(), strict=True):
        for name, value in expected.items():
            if value is None:
                assert row[name] == "", name
            elif isinstance(value, str):
                assert row[name] == value
            elif isinstance(value, list):
                assert json.loads(row[name]) == value
            else:
                assert type(value)(row[name]) == value, name


def test_csv_of_no_findings_is_its_header() -> None:
    assert samples.report(findings=()).to_csv().count("\n") == 1


def test_parquet_comes_back_as_it_was(report: Report, tmp_path: Path) -> None:
    report.to_parquet(tmp_path / "findings.parquet")
    table = pq.read_table(tmp_path / "findings.parquet")
    assert table.equals(report.to_arrow())
    assert table.schema.metadata[b"accel_drift.drifted"] == b"True"
    assert table.schema.metadata[b"accel_drift.batch"] == b"flights, September"
    assert [path.name for path in tmp_path.iterdir()] == ["findings.parquet"]


@pytest.mark.parametrize("write", ["to_csv", "to_parquet"])
def test_a_missing_folder_is_said(report: Report, tmp_path: Path, write: str) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        getattr(report, write)(tmp_path / "nowhere" / "out")


def test_a_pdf_is_made_from_the_page(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def html(string: str, url_fetcher: Any) -> Any:
        seen.update(string=string, url_fetcher=url_fetcher)
        return SimpleNamespace(write_pdf=lambda: b"%PDF-1.7 made")

    monkeypatch.setitem(sys.modules, "weasyprint", SimpleNamespace(HTML=html))
    report.to_pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == b"%PDF-1.7 made"
    page = render(report, paper=True)
    # Every picture brings its own rules, in colours and not in variables, which weasyprint would not find.
    styles = re.findall(r"<svg [^>]*><style>(.*?)</style>", seen["string"], re.DOTALL)
    assert re.sub(r"(<svg [^>]*>)<style>.*?</style>", r"\1", seen["string"], flags=re.DOTALL) == page
    assert len(styles) == page.count("<svg ")
    assert ".bat { fill: #e07b12; }" in styles[0]
    assert "var(" not in styles[0]
    with pytest.raises(ValueError, match="loads nothing"):
        seen["url_fetcher"]("https://example.org/x.png")
    samples.wide(9).to_pdf(tmp_path / "report.pdf", top=4)
    assert len(re.findall('<details class="card', seen["string"])) == 4
    with pytest.raises(ConfigError, match="top is 0"):
        samples.wide(9).to_pdf(tmp_path / "report.pdf", top=0)


def test_paper_leaves_out_what_cannot_be_unfolded() -> None:
    page = render(samples.wide(30), paper=True)
    assert "<script" not in page
    assert 'id="dark"' not in page
    assert len(re.findall('<details class="card', page)) == 30
    stable = page.count('<details class="card stable"')
    assert stable > 10
    assert page.count('<div class="body">') == 30 - stable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'weasyprint'"), ("not installed", "pip install 'accel-drift[report]'")),
        (
            OSError("cannot load library 'libpango-1.0-0': no such file.\nAdditionally, ctypes.util..."),
            ("cannot load library 'libpango-1.0-0'", "apt install libpango-1.0-0", "brew install pango"),
        ),
    ],
)
def test_what_a_pdf_needs_is_said(
    error: Exception, words: tuple[str, ...], report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def fail(name: str, *rest: Any, **more: Any) -> Any:
        if name == "weasyprint":
            raise error
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(ExtraMissingError) as caught:
        report.to_pdf(tmp_path / "report.pdf")
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
