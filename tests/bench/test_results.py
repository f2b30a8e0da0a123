"""The committed results: small, free of paths, and what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import compare, readme
from bench.machine import RESULTS

FILES = sorted(RESULTS.glob("*.json"))


def test_the_page_says_what_the_results_say() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.render(), "run: python bench/readme.py"


def test_the_pictures_show_what_the_results_say() -> None:
    held = {path.name: path.read_text(encoding="utf-8") for path in readme.PICTURES.glob("*.svg")}
    assert held == readme.drawn(), "run: python bench/readme.py"


def test_there_is_a_result() -> None:
    assert readme.newest("cpu") is not None


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_result_is_small_and_names_no_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < 400_000
    assert not re.search(r"(?:^|[\"\s=:])/(?:home|root|work|tmp|opt|usr)\b", text)
    assert json.loads(text)["machine"]["blas"]


def test_the_notice_about_gpus_goes_when_a_gpu_result_comes(tmp_path: Path) -> None:
    assert "never run on a GPU" in readme.render(tmp_path)
    result = readme.newest("cpu")
    (tmp_path / "gpu-2000-01-01.json").write_text(json.dumps(result), encoding="utf-8")
    page = readme.render(tmp_path)
    assert "never run on a GPU" not in page
    assert "## On a GPU" in page


def test_comparing_a_result_with_itself_finds_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(RESULTS.glob("cpu-*.json"))
    assert compare.main([str(files[-1]), str(files[-1])]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if " | " in line]
    assert rows
    assert all(line.lstrip().startswith("1.00x") for line in rows)
    assert compare.main([str(files[-1]), str(tmp_path / "none.json")]) == 2
    assert "cannot read a result" in capsys.readouterr().err
