from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import accel_drift as ad
from tests.cli.conftest import Cli, refused

QUICK = ("--detectors", "psi,ks")


def strict(text: str) -> Any:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_columns_of_any_name_can_be_named(cli: Cli, folder: Path) -> None:
    names = ["a, b", " c", 'd"e', "f=g", "h:i", "j"]
    table = pa.table({name: [k % 3 for k in range(60)] for name in names})
    for side in ("one", "two"):
        pyarrow.parquet.write_table(table, folder / f"{side}.parquet")
    quoted = ['"a, b"', '" c"', '"d""e"', "f=g", "h:i"]
    options = ["--detectors", "psi", "--kinds", ", ".join(f"{name}=categorical" for name in quoted), "--drop", "j"]
    ran = cli("score", "one.parquet", "two.parquet", *options, "--json")
    assert {row["column"] for row in json.loads(ran.out)["findings"]} == set(names) - {"j"}
    for name, word in zip(names, quoted, strict=False):
        ran = cli("score", "one.parquet", "two.parquet", "--detectors", "psi", "--columns", word, "--json")
        assert {row["column"] for row in json.loads(ran.out)["findings"]} == {name}
    assert "--kinds '\"a,b\"=categorical'" in cli("score", "one.parquet", "two.parquet", "--kinds", "a, b=text").err


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_drift_is_told_and_is_no_failure_unless_asked(cli: Cli, kind: str) -> None:
    files = ("score", f"ref.{kind}", f"moved.{kind}", *QUICK)
    told, failed = cli(*files), cli(*files, "--fail-on-drift")
    assert (told.code, failed.code) == (0, 1)
    assert told.out.splitlines()[0].startswith("DRIFT: 1 of 3 columns, worst critical: x ")
    assert told.err == ""


def test_a_column_gone_or_of_another_type_or_no_answer_stops_a_pipeline(cli: Cli, folder: Path) -> None:
    lines = (folder / "same.csv").read_text().splitlines()
    (folder / "gone.csv").write_text("\n".join(line.partition(",")[2] for line in lines) + "\n")
    (folder / "few.csv").write_text("\n".join(lines[:2]) + "\n")
    for batch in ("gone.csv", "few.csv"):
        told, failed = (cli("score", "ref.csv", batch, *QUICK, *more) for more in ((), ("--fail-on-drift",)))
        assert (told.code, failed.code) == (0, 1), batch


def test_kinds_are_set_on_the_command_line(cli: Cli) -> None:
    ran = cli("score", "ref.csv", "same.csv", "--kinds", "c=length", "--detectors", "ks", "--json")
    assert "length of c" in {f["column"] for f in strict(ran.out)["findings"]}
    refused(cli("score", "ref.csv", "same.csv", "--kinds", "c"), "--kinds", "zip=categorical", "'c'")
    assert cli("fit", "ref.csv", "--out", "c.adp", "--kinds", "c=length").code == 0
    refused(cli("score", "ref.csv", "same.csv", "--kinds", "c=colour"), "colour")


def test_no_drift_is_exit_code_0(cli: Cli) -> None:
    ran = cli("score", "ref.csv", "same.parquet", "--fail-on-drift")
    assert ran.code == 0
    assert ran.out.startswith("NO DRIFT: 0 of 3 columns\nsame.parquet (200 rows) against ref.csv (300 rows)\n")


@pytest.mark.parametrize("how", [("--json",), ("--json", "-")])
def test_json_to_standard_output_is_json_and_nothing_else(cli: Cli, how: tuple[str, ...]) -> None:
    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--html", "page.html", *how)
    report = strict(ran.out)
    assert report["drifted_columns"] == ["x"]
    assert ran.err == "Wrote page.html\n"
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_before_another_option_takes_no_file(cli: Cli) -> None:
    assert strict(cli("score", "ref.csv", "same.csv", "--json", *QUICK).out)["drifted"] is False


def test_json_into_a_file(cli: Cli) -> None:
    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--json", "out.json")
    assert ran.out.startswith("DRIFT")
    assert strict(Path("out.json").read_text(encoding="utf-8"))["drifted"] is True


def test_the_report_holds_the_command_that_makes_it(cli: Cli) -> None:
    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--seed", "3", "--json")
    settings = strict(ran.out)["settings"]
    assert settings["command"] == "accel-drift score ref.csv moved.csv --detectors psi,ks --seed 3 --json"
    assert settings["seed"] == 3


def test_every_option_reaches_the_engine(cli: Cli) -> None:
    options = ("--alpha", "0.05", "--correction", "holm", "--rule", "0.5", "--min-effect", "2", "--backend", "numpy")
    report = strict(cli("score", "ref.csv", "moved.csv", *QUICK, *options, "--label", "c", "--drop", "y", "--json").out)
    settings = report["settings"]
    assert (settings["alpha"], settings["correction"], settings["min_effect"]) == (0.05, "holm", 2.0)
    assert (settings["backend"], settings["backend_reason"]) == ("numpy", "asked for")
    assert report["rule"] == "fraction 0.5"
    assert {f["detector"] for f in report["findings"]} == {"psi", "ks"}
    assert {f["column"] for f in report["findings"]} == {"x"}
    assert report["excluded"] == {"c": "label", "y": "dropped by the caller"}
    assert {f["status"] for f in report["findings"]} == {"significant_small"}


def test_names_are_split_at_commas_and_quotes_hold_them_together(cli: Cli, folder: Path) -> None:
    import pyarrow.parquet as pq

    from tests.cli.conftest import rows

    for name, seed in (("a", 1), ("b", 2)):
        table = rows(60, seed=seed)
        pq.write_table(table.rename_columns(["x, y", "z", "c"]), folder / f"{name}.parquet")
    ran = cli(
        "score", "a.parquet", "b.parquet", "--columns", '"x, y", c', "--columns", "z", "--detectors", "psi", "--json"
    )
    assert {f["column"] for f in strict(ran.out)["findings"]} == {"x, y", "z", "c"}


def test_a_block_is_a_column(cli: Cli, folder: Path) -> None:
    import pyarrow.csv

    from tests.cli.conftest import rows

    for name, seed in (("a", 1), ("b", 2)):
        pyarrow.csv.write_csv(rows(200, seed=seed, day=[i // 10 for i in range(200)]), folder / f"{name}.csv")
    report = strict(cli("score", "a.csv", "b.csv", "--detectors", "psi", "--block", "day", "--json").out)
    assert report["settings"]["block"] == "day"
    assert report["excluded"]["day"] == "block: rows are permuted by day"


def test_the_same_seed_gives_the_same_report(cli: Cli) -> None:
    one, two = (strict(cli("score", "ref.csv", "moved.csv", "--seed", "5", "--json").out) for _ in range(2))
    assert one["findings"] == two["findings"]


def test_two_files_of_one_name_are_called_by_their_paths(cli: Cli, folder: Path) -> None:
    (folder / "june").mkdir()
    (folder / "june" / "ref.csv").write_bytes((folder / "ref.csv").read_bytes())
    lines = cli("score", "june/ref.csv", "ref.csv", *QUICK).out.splitlines()
    assert lines[1] == "ref.csv (300 rows) against june/ref.csv (300 rows)"


def test_top_holds_for_the_terminal_and_the_page(cli: Cli) -> None:
    files = ("--html", "page.html", "--json=all.json")
    told = cli("score", "ref.csv", "moved.csv", *QUICK, "--top", "1", *files)
    assert "... and 2 more columns" in told.out
    assert "Shown: 1 column, the worst first; and 2 more columns" in Path("page.html").read_text()
    assert len(json.loads(Path("all.json").read_text())["findings"]) > 3


def test_verbose_lists_what_is_only_counted_otherwise(cli: Cli) -> None:
    short, full = (cli("score", "ref.csv", "same.csv", *more).out for more in ((), ("--verbose",)))
    assert "... and nothing to test (the same on both sides): missing in 3 columns" in short
    assert "... and" not in full
    assert full.count(" missing ") > short.count(" missing ")


def test_the_command_line_and_the_library_agree(cli: Cli) -> None:
    told = strict(cli("score", "ref.csv", "moved.csv", "--json").out)
    found = ad.compare("ref.csv", "moved.csv").to_dict()
    assert told["findings"] == found["findings"]
    assert all(math.isfinite(f["effect"]) for f in told["findings"] if f["effect"] is not None)


def test_findings_go_into_csv_and_parquet(cli: Cli) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--csv", "out.csv", "--parquet", "out.parquet")
    assert ran.err == "Wrote out.csv\nWrote out.parquet\n"
    plain, typed = pyarrow.csv.read_csv("out.csv"), pyarrow.parquet.read_table("out.parquet")
    assert plain.column("effect").to_pylist() == typed.column("effect").to_pylist()
    assert typed.column("column")[0].as_py() == "x"


def test_a_column_is_explained_after_the_report(cli: Cli) -> None:
    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--explain", "x", "--explain", "y")
    assert ran.code == 0
    assert ran.out.index("Detectors") < ran.out.index("\n\nx, psi: DRIFT critical") < ran.out.index("\n\ny, ")


def test_an_unknown_column_to_explain_is_a_mistake(cli: Cli) -> None:
    refused(cli("score", "ref.csv", "moved.csv", *QUICK, "--explain", "xx"), "no finding of column 'xx'", "'x'")


def test_a_pdf_that_cannot_be_made_is_said_before_the_data_are_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # importing it fails
    refused(cli("score", "ref.csv", "absent.csv", "--pdf", "out.pdf"), "pip install 'accel-drift[report]'")
