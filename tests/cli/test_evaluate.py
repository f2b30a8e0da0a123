"""`evaluate` on the command line: a folder with results, a table, and mistakes in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from accel_drift import evaluation as ev
from tests.cli.conftest import Cli, refused

SMALL = ("--batches", "4", "--rows", "60", "--seeds", "2")


def test_it_writes_results_and_shows_a_table_with_the_dummies(cli: Cli) -> None:
    ran = cli("evaluate", "--scenarios", "sudden,healthy", "--detectors", "ks,psi+ks,adwin", "--out", "made", *SMALL)
    assert ran.code == 0, ran.err
    assert "Wrote results.parquet, report.md, report.html to made" in ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("2 seeds; in parentheses the 95 % interval over seeds.")
    for name in ("ks ", "psi+ks ", "adwin ", "never (dummy) ", "always (dummy) "):
        assert sum(line.startswith(name) for line in lines) == 2, name
    results = ev.Results.load("made")
    assert ev.Results.load("made/results.parquet").table.equals(results.table)
    assert set(results.scenarios) == {"sudden", "healthy"}
    assert Path("made/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert all(row["rows"] == 60 for row in results.table.to_pylist())


def test_false_alarms_after_the_onset_are_shown_where_there_are_any(cli: Cli) -> None:
    ran = cli(
        "evaluate",
        "--scenarios",
        "sudden,recurring",
        "--detectors",
        "ks",
        "--out",
        "made",
        "--batches",
        "20",
        "--rows",
        "40",
        "--seeds",
        "2",
    )
    heads = {line.split()[0]: line for line in ran.out.splitlines() if line.startswith(("sudden", "recurring"))}
    assert "after onset" in heads["recurring"]
    assert "after onset" not in heads["sudden"]


def test_what_is_there_is_not_run_again(cli: Cli) -> None:
    given = ("evaluate", "--detectors", "ks", "--scenarios", "sudden", "--out", "made", "-q", *SMALL)
    assert cli(*given) == (0, "", "")
    parts = {path: path.stat().st_mtime_ns for path in Path("made/parts").iterdir()}
    assert cli(*given) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in Path("made/parts").iterdir()} == parts
    assert cli(*given, "--magnitude", "0.1") == (0, "", "")
    assert len(list(Path("made/parts").iterdir())) == 2 * len(parts)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--scenarios", "nonsense"), "there are healthy, sudden"),
        (("--detectors", "nonsense"), "of streams"),
        (("--detectors", "ks,ks"), "--detectors names one twice"),
        (("--detectors", ","), "--detectors names nothing"),
        (("--detectors", "ddm"), "reads errors"),
        (("--seeds", "0"), "seeds is 0"),
        (("--batches", "0"), "batches is 0"),
        (("--processes", "0"), "processes is 0"),
    ],
)
def test_mistakes_are_one_line(cli: Cli, args: tuple[str, ...], words: str) -> None:
    ran = cli("evaluate", "--out", "made", *args)
    refused(ran, words)
    assert not Path("made").exists()
