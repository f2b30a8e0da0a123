"""What the README says is so: its examples run, its tables are made from the code."""

from __future__ import annotations

import doctest
import inspect
import re
import shlex
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift.config import Config
from accel_drift.config.making import Making
from accel_drift.errors import ConfigError
from tests.cli import readme
from tests.cli.conftest import Cli

TEXT = readme.README.read_text(encoding="utf-8")


def test_the_generated_tables_are_up_to_date() -> None:
    assert readme.updated(TEXT) == TEXT, "run: python -m tests.cli.readme"


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(readme.README), module_relative=False, encoding="utf-8")
    assert result.attempted >= 8
    assert result.failed == 0
    assert (tmp_path / "report.html").exists()


def module_of(code: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A block of the README as the module that it would be."""
    made = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    exec(compile(code, f"README.md: {name}", "exec"), made.__dict__)  # noqa: S102  it is our own README
    return made


def block(holds: str) -> str:
    """The one block of Python that holds this."""
    (found,) = (code for code in readme.blocks("python") if holds in code)
    return found


def sides(shift: float) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(0)
    reference = {"x": rng.normal(size=600), "c": rng.choice(list("abc"), 600)}
    return reference, {"x": rng.normal(size=400) + shift, "c": rng.choice(list("abc"), 400)}


def test_every_call_of_ours_beside_another_tools_runs() -> None:
    section = TEXT.split("## Coming from another tool")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row[1])]
    assert len(calls) >= 20
    rng = np.random.default_rng(0)
    ref, batch = ({"x": rng.normal(size=n), "c": rng.choice(list("ab"), n)} for n in (200, 150))
    names: dict[str, Any] = {"ad": ad, "ref": ref, "batch": batch, "chunks": [batch]}
    names |= {"x_ref": rng.normal(size=(90, 3)), "x": rng.normal(size=(80, 3))}
    names |= {"values": rng.normal(size=50), "errors": rng.integers(0, 2, 50), "stream": ad.ADWIN().open()}
    names |= {"report": ad.compare(ref, batch), "profile": ad.Profile.fit(ref)}
    for call in calls:
        assert eval(call, dict(names)) is not None  # noqa: S307  it is our own README


def test_every_mmd_of_the_table_finds_a_drift_and_no_drift() -> None:
    section = TEXT.split("## MMD for every size")[1].split("\n## ")[0]
    calls = re.findall(r"`(ad\.MMD\([^`]*\))`", section)
    assert len(calls) == 9
    rng = np.random.default_rng(3)
    reference, same = rng.normal(size=(300, 3)), rng.normal(size=(200, 3))
    for call in calls:
        fitted = eval(call, {"ad": ad}).fit(reference, backend="numpy")  # noqa: S307  (our own README)
        assert not fitted.detect(same).drifted, call
        assert fitted.detect(same + 1.0).drifted, call


def test_the_detector_example_is_a_whole_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    made = module_of(block("DETECTOR = "), "readme_detector", monkeypatch)
    report = ad.compare(*sides(0.8), [made.DETECTOR()], seed=0)
    assert report.drifted_columns == ("x",)
    assert not ad.compare(*sides(0.0), [made.DETECTOR()], seed=0).drifted
    assert report.findings[0].detector == "triangular"
    assert report.findings[0].interval is not None
    assert report.findings[0].parts


def test_the_backend_example_gives_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = module_of(block("BACKEND = "), "readme_backend", monkeypatch)
    detectors = [ad.PSI(), ad.KS(), ad.ChiSquare(), ad.Unseen(), ad.MMD(permutations=199)]
    here, there = (ad.compare(*sides(0.3), detectors, backend=b, seed=0) for b in ("numpy", made.BACKEND()))
    assert there.settings["backend"] == "plain"
    for a, b in zip(here.findings, there.findings, strict=True):
        assert (a.column, a.detector, a.status) == (b.column, b.detector, b.status)
        assert b.p_value == pytest.approx(a.p_value, rel=1e-12)
        assert b.statistic == pytest.approx(a.statistic, rel=1e-10)


def test_the_defaults_of_the_options_are_those_of_the_code() -> None:
    known = {name: p.default for name, p in inspect.signature(ad.compare).parameters.items()}
    rows = re.findall(r"^\| `--.*?\| (`.*?`) \| (`.*?`) \|", TEXT, re.MULTILINE)
    told = {
        name: default
        for names, defaults in rows
        for name, default in zip(names.split(", "), defaults.split(", "), strict=True)
    }
    assert len(told) == 12
    assert {name: default.strip("`") for name, default in told.items()} == {
        name: repr(known[name.strip("`")]) for name in told
    }


def test_every_command_and_option_it_shows_exists(cli: Cli) -> None:
    shown = set(re.findall(r"(?<!\w)--[a-z][\w-]+", "\n".join(line for line in TEXT.splitlines() if "pip" not in line)))
    commands = ["score", "fit", "calibrate", "simulate", "demo", "init", "config", "watch", "run"]
    commands += ["history runs", "history trend", "history metrics", "history slow", "history prune"]
    commands += ["alerts list", "alerts silence", "alerts deliver"]
    there = set(re.findall(r"--[a-z][\w-]+", "".join(cli(*c.split(), "--help").out for c in commands)))
    assert shown <= there, shown - there


def test_the_month_that_it_watches(cli: Cli) -> None:
    (block,) = (block for block in readme.blocks("sh") if "month.adp" in block)
    told = [cli(*shlex.split(line)[1:]) for line in block.splitlines()]
    assert [ran.code for ran in told] == [0] * 4
    windows = told[2].out.splitlines()
    assert len(windows) == 30
    assert [number for number, line in enumerate(windows, 1) if "no drift" in line][:11] == [*range(1, 12)]
    assert "no drift" not in "".join(windows[14:])


def test_the_configuration_it_shows_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    at = [datetime(2024, 6, 1 + day) for day in range(30)]
    pq.write_table(pa.table({"event_time": at, "income": [*range(30)]}), "june.parquet")
    (text,) = (block for block in readme.blocks("yaml") if "severity_bands" in block)
    (tmp_path / "drift.yaml").write_text(text, encoding="utf-8")
    config = Config.load(tmp_path / "drift.yaml", {})
    options = Making(config).fit_options()
    assert options["rule"] == 0.3
    assert "event_time" in options["drop"]
    wrong = text.replace("severity_bands:", "binz:").replace("time: 1d, on: event_time", "rows: 10k")
    (tmp_path / "drift.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Config.load(tmp_path / "drift.yaml", {})
    (shown,) = (block for block in readme.blocks("text") if "binz" in block)
    told = str(caught.value).replace(f"{tmp_path}/", "")
    for line in shown.splitlines():
        start = line.removeprefix("error: ").removesuffix("...")
        assert re.sub(r":\d+:", ":", start) in re.sub(r":\d+:", ":", told)


@pytest.mark.parametrize("block", [block for block in readme.blocks("yaml") if "reference_path" not in block])
def test_every_section_it_shows_works(tmp_path: Path, block: str) -> None:
    (tmp_path / "drift.yaml").write_text("data: {reference_path: june.parquet}\n" + block, encoding="utf-8")
    assert Config.load(tmp_path / "drift.yaml", {}).changed().keys() > {"data"}


def test_its_files_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (readme.README.parent / target).is_file(), target
