"""Wrong use and bad data: one clear line, exit code 2, no traceback, no half-written file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.cli.options import as_written_here
from accel_drift.detectors import names
from tests.cli.conftest import Cli, refused

ROWS = "x,y,c\n" + "1.5,2,a\n" * 30
FILES = {
    "other.csv": "p,q\n1,2\n3,4\n",
    "words.csv": "x,y,c\nabc,2,a\n" * 1 + "abc,2,a\n" * 30,
    "header.csv": "x,y,c\n",
    "empty.csv": "",
    "ragged.csv": "x,y,c\n1,2,a\n3,4\n",
    "bad.parquet": "PAR1 and no more",
    "bad.adp": "no profile",
    "table.xlsx": "a spreadsheet",
}


@pytest.fixture(autouse=True)
def bad_files(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("reference", "current", "words"),
    [
        ("no.csv", "same.csv", ["there is no file 'no.csv'"]),
        ("ref.csv", "no.csv", ["there is no file 'no.csv'"]),
        ("no.adp", "same.csv", ["there is no file 'no.adp'"]),
        ("ref.csv", ".", ["bad.adp is no data file"]),
        ("ref.csv", "*.arrow", ["no file matches *.arrow"]),
        ("ref.csv", "table.xlsx", ["table.xlsx", ".parquet"]),
        ("ref.csv", "other.csv", ["no column in common", "'x'", "'p'"]),
        ("ref.csv", "words.csv", ["'x' is numeric in the reference", "'abc'", "--drop x"]),
        ("ref.csv", "header.csv", ["the batch has no rows"]),
        ("header.csv", "ref.csv", ["the reference has no rows"]),
        ("ref.csv", "empty.csv", ["empty.csv is empty"]),
        ("ref.csv", "ragged.csv", ["ragged.csv", "lines differ in length"]),
        ("ref.csv", "bad.parquet", ["bad.parquet cannot be read as Parquet"]),
        ("bad.adp", "same.csv", ["bad.adp", "not a whole profile"]),
    ],
)
def test_bad_data(cli: Cli, reference: str, current: str, words: list[str]) -> None:
    refused(cli("score", reference, current, "--html", "page.html", "--json", "out.json"), *words)
    assert not {"page.html", "out.json"} & {path.name for path in Path().iterdir()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--alpha", "2"], ["alpha is 2.0", "between 0 and 1"]),
        (["--alpha", "0"], ["alpha is 0.0"]),
        (["--alpha", "nan"], ["alpha is nan"]),
        (["--alpha", "small"], ["--alpha"]),
        (["--seed", "1.5"], ["--seed"]),
        (["--detectors", "psi,foo"], ["no detector 'foo'", ", ".join(names())]),
        (["--detectors", "psi,psi"], ["psi is given more than once"]),
        (["--detectors", ","], ["--detectors names nothing"]),
        (["--backend", "foo"], ["no backend 'foo'", "auto, cupy, jax, numpy"]),
        (["--correction", "foo"], ["no correction 'foo'", "bh, by, holm, bonferroni, none"]),
        (["--rule", "foo"], ["no rule 'foo'", "fdr, any, majority"]),
        (["--rule", "7"], ["no rule 7.0"]),
        (["--min-effect", "-1"], ["min_effect is -1.0"]),
        (["--block", "foo"], ["--block 'foo'", "'x', 'y', 'c'"]),
        (["--columns", "z"], ["--columns names 'z'"]),
        (["--drop", "z"], ["--drop names 'z'"]),
        (["--label", "z"], ["--label names 'z'"]),
        (["--drop", "x,y,c"], ["no column"]),
        (["--html", "no/such/page.html"], ["--html", "there is no folder no/such"]),
        (["--json", "no/such/out.json"], ["--json", "there is no folder no/such"]),
        (["--html", "."], ["is a folder"]),
        (["--json=ref.csv"], ["is read in the same call"]),
        (["--html", "one", "--json=./one"], ["is written by --html, too"]),
        (["--foo"], ["No such option: --foo", "--alpha, --backend, --block", "accel-drift score --help"]),
        (["third.csv"], ["third.csv"]),
    ],
)
def test_wrong_use(cli: Cli, options: list[str], words: list[str]) -> None:
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    refused(cli("score", "ref.csv", "moved.csv", *options), *words)
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accel_drift.cli.scoring.score", lambda *_: pytest.fail("it went on to the long part"))
    refused(cli("score", "ref.csv", "moved.csv", "--html", "no/such/page.html"), "make it first")


def test_a_command_is_missing_or_unknown(cli: Cli) -> None:
    refused(cli("scor", "ref.csv"), "No such command 'scor'", "score, fit, plan, merge, calibrate, demo")
    refused(cli("score", "ref.csv"), "CURRENT")
    refused(cli("score"), "REFERENCE")


def test_a_backend_that_is_not_here(cli: Cli) -> None:
    missing = [name for name in ("cupy", "jax") if name not in ad.available_backends()]
    for name in missing:
        refused(cli("score", "ref.csv", "moved.csv", "--backend", name), name, "pip install")


def test_a_stream_that_was_read_before() -> None:
    table = pa.table({"x": [1.0, 2.0] * 30})
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    ad.compare(table, stream, ["psi"])
    with pytest.raises(ad.AccelDriftError, match="read"):
        ad.compare(table, stream, ["psi"])


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("leave it out with drop=['x']", "leave it out with --drop x"),
        ("with drop=['x', 'y z']", "with --drop 'x,y z'"),
        ("drop=['a, b', \"it's\", 'c']", """--drop '"a, b",it'"'"'s,c'"""),
        ("by kinds={'a, b': 'text'}", """by --kinds '"a, b"=text'"""),
        ('a profile with content="sample"', "a profile with --content sample"),
        ("name them with columns=[...]", "name them with --columns ..."),
        ("block='day': no", "--block 'day': no"),
        ("columns= names 'z'", "--columns names 'z'"),
        ("kinds= names 'z'", "--kinds names 'z'"),
        ("give min_effect=0.1", "give --min-effect 0.1"),
        ("nothing=1 here", "nothing=1 here"),
    ],
)
def test_advice_speaks_the_language_of_the_command_line(text: str, here: str) -> None:
    assert as_written_here(text) == here
