"""`simulate` on the command line: a folder that score reads, and mistakes told before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from accel_drift import synthetic as sy
from tests.cli.conftest import Cli, refused


def test_it_lists_the_scenarios(cli: Cli) -> None:
    ran = cli("simulate", "--list")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == list(sy.scenarios())


def test_it_writes_a_stream_that_score_reads(cli: Cli) -> None:
    ran = cli("simulate", "sudden", "--out", "made/stream", "--rows", "300", "--batches", "4", "--magnitude", "1")
    assert (ran.code, ran.err) == (0, "")
    assert (
        "Drift begins at row 600 of the stream, in batches/0003.parquet: x0, x1, x2, x3, x4; label with them."
        in ran.out
    )
    root = Path("made/stream")
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*")) == [
        *(f"batches/{number:04d}.parquet" for number in (1, 2, 3, 4)), "reference.parquet", "truth.json",
    ]  # fmt: skip
    told = ran.out.splitlines()[-1].removeprefix("Use it: accel-drift ").split()
    assert cli(*told, "--fail-on-drift").code == 0
    assert cli(*told[:-1], "made/stream/batches/0004.parquet", "--fail-on-drift").code == 1
    truth = json.loads((root / "truth.json").read_text(encoding="utf-8"))
    assert (truth["onset_row"], truth["onset_batch"]) == (600, 3)
    assert [batch["drifted"] for batch in truth["batches"]] == [False, False, True, True]


def test_a_seed_and_a_format_are_taken(cli: Cli) -> None:
    for folder, seed in {"a": "1", "b": "1", "c": "2"}.items():
        ran = cli("simulate", "healthy", "--out", folder, "--batches", "1", "--seed", seed, "--format", "csv", "-q")
        assert ran == (0, "", "")
    a, b, c = (Path(folder, "batches", "0001.csv").read_bytes() for folder in "abc")
    assert a == b != c


def test_it_does_not_write_over_files_unless_told_to(cli: Cli) -> None:
    call = ("simulate", "sudden", "--out", "here", "--rows", "10")
    assert cli(*call, "--batches", "3").code == 0
    refused(cli(*call, "--batches", "2"), "reference.parquet", "already", "--force")
    assert len(list(Path("here/batches").iterdir())) == 3
    Path("here/notes.txt").write_text("mine", encoding="utf-8")
    for name in ("0000.parquet", "12.parquet"):
        Path("here/batches", name).write_text("mine", encoding="utf-8")
    ran = cli(*call, "--batches", "2", "--force")
    assert ran.code == 0
    assert "Left as they were, not of this stream: 0000.parquet, 12.parquet in here/batches." in ran.out
    left = sorted(path.name for path in Path("here/batches").iterdir())
    assert left == ["0000.parquet", "0001.parquet", "0002.parquet", "12.parquet"], "no batch of the earlier one is left"
    Path("here/batches/0003.parquet").write_text("mine", encoding="utf-8")
    refused(cli(*call, "--batches", "3", "--force"), "batches/0003.parquet", "truth.json", "move that away")
    assert Path("here/batches/0003.parquet").read_text(encoding="utf-8") == "mine"
    assert Path("here/notes.txt").exists()
    assert pyarrow.parquet.read_table("here/batches/0002.parquet").num_rows == 10


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_of_ones_own_are_taken_with_their_types_and_label(cli: Cli, ending: str) -> None:
    rng = np.random.default_rng(0)
    data = {
        "x": rng.normal(size=300),
        "near": pa.array([None, *range(299)], pa.int64()),
        "c": [None, *["a", "b"] * 149, "a"],
        "day": pa.array(np.datetime64("2024-01-01T00:00:01", "s") + np.arange(300)),
        "target": rng.integers(0, 2, 300) == 1,
    }
    table = pa.table(data)
    if ending == "csv":
        pyarrow.csv.write_csv(table, "mine.csv")
    else:
        pyarrow.parquet.write_table(table, "mine.parquet")
    call = ("simulate", "sudden", "--reference", f"mine.{ending}", "--out", "made", "--batches", "2", "--rows", "50")
    ran = cli(*call, "--reference-rows", "200", "--label", "target")
    assert ran.code == 0, ran.err
    assert "in batches/0002.parquet: x, near." in ran.out
    parts = [pyarrow.parquet.read_table(f"made/{n}") for n in ("reference.parquet", "batches/0001.parquet")]
    rows = pa.concat_tables([part.replace_schema_metadata(None) for part in parts]).to_pylist()
    assert len(rows) == 250
    known = {row["x"]: row for row in table.to_pylist()}
    for row in rows:
        was = known[row["x"]]
        assert (row["near"], row["c"], row["target"]) == (was["near"], was["c"], was["target"])
        assert row["day"] == was["day"]


def test_rows_of_ones_own_that_cannot_be_used_are_told(cli: Cli) -> None:
    call = ("simulate", "thirty_days", "--out", "x", "--rows", "1", "--reference-rows", "20", "--reference")
    refused(cli(*call, "nope.csv"), "nope.csv")
    refused(cli(*call, "ref.csv"), "there is no column 'label'", "there are x, y, c", "--label")
    refused(cli(*call, "ref.csv", "--label", "d"), "no column 'd'")
    refused(cli(*call, "ref.csv", "--rows", "100"), "300 rows", "less of batches, rows or")
    pyarrow.parquet.write_table(pa.table({"v": [[1.0, 2.0]] * 300}), "vectors.parquet")
    refused(cli(*call, "vectors.parquet"), "'v'", "one value a row")
    assert cli(*call, "ref.csv", "--label", "c").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "there are healthy, sudden"),
        (("nonsense", "--out", "x"), "there are healthy, sudden"),
        (("sudden",), "--out"),
        (("sudden", "--out", "x", "--format", "xlsx"), "parquet, csv, arrow"),
        (("sudden", "--out", "x", "--interval", "-1"), "interval"),
        (("sudden", "--out", "x", "--rows", "0"), "rows"),
        (("sudden", "--out", "x", "--batches", "0"), "batches"),
        (("sudden", "--out", "x", "--seed", "-1"), "seed"),
        (("sudden", "--out", "x", "--magnitude", "nan"), "magnitude"),
        (("sudden", "--out", "ref.csv/x"), "folder"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(cli: Cli, words: tuple[str, ...], told: str) -> None:
    refused(cli("simulate", *words), told)
    assert not Path("x").exists()
