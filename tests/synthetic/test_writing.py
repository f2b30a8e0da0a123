"""Scenarios as files: what is read back is what was drawn, and each file appears whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, SourceError
from accel_drift.synthetic.writing import FORMATS

SCENARIO = sy.scenario("arriving_files", drift=sy.Missing(0.4), batches=4, rows=20, reference_rows=30)


def read(path: Path) -> pa.Table:
    readers: dict[str, Any] = {
        ".parquet": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv, ".arrow": pyarrow.feather.read_table
    }  # fmt: skip
    return readers[path.suffix](path)


@pytest.mark.parametrize("format_", FORMATS)
def test_files_hold_what_was_drawn_and_missing_values_are_null(format_: str, tmp_path: Path) -> None:
    truth = sy.write(SCENARIO, tmp_path / "new" / "folder", format=format_)
    root = tmp_path / "new" / "folder"
    assert json.loads((root / "truth.json").read_text(encoding="utf-8")) == json.loads(json.dumps(truth))
    for batch, told in zip(SCENARIO, truth["batches"], strict=True):
        table = read(root / told["file"])
        assert table.num_rows == told["rows"]
        assert table.column_names == list(batch.rows)
        lost = np.isnan(batch.rows["x0"])
        assert np.array_equal(table["x0"].is_null().to_numpy(), lost)
        np.testing.assert_array_equal(table["x0"].drop_null().to_numpy(), batch.rows["x0"][~lost])
        assert table["label"].to_pylist() == batch.rows["label"].tolist()
        assert str(table.schema.field("event_time").type).startswith("timestamp")
    assert read(root / truth["reference_file"]).num_rows == 30
    assert not list(root.rglob(".*")), "nothing temporary is left"


def test_every_file_has_the_types_of_the_reference(tmp_path: Path) -> None:
    lost = sy.scenario("sudden", drift=sy.Missing(1.0), batches=2, rows=5, reference_rows=10)
    sy.write(lost, tmp_path)
    schemas = {str(read(path).schema.remove_metadata()) for path in sorted(tmp_path.rglob("*.parquet"))}
    assert len(schemas) == 1


def test_batches_come_in_the_order_of_arrival_with_time_between_them(tmp_path: Path) -> None:
    seen: list[Any] = []

    def wait(seconds: float) -> None:
        seen.append((seconds, sorted(path.name for path in (tmp_path / "batches").iterdir())))

    told: list[Any] = []
    late = sy.Scenario(sy.Population(), batches=3, rows=5, reference_rows=10, late=[1])
    truth = sy.write(late, tmp_path, format="csv", interval=2.5, wait=wait, tell=lambda *step: told.append(step))
    assert seen == [(2.5, ["0002.csv"]), (2.5, ["0001.csv", "0002.csv"])]
    assert truth["arrivals"] == ["batches/0002.csv", "batches/0001.csv", "batches/0003.csv"]
    assert [step[:2] for step in told] == [(0, 3), (1, 3), (2, 3)]


def test_the_reference_and_the_truth_are_there_before_the_first_batch(tmp_path: Path) -> None:
    first: list[Any] = []

    def tell(done: int, _of: int, _what: str) -> None:
        if not done:
            first.extend(sorted(path.name for path in tmp_path.iterdir()))

    sy.write(sy.scenario("healthy", batches=2, rows=5, reference_rows=10), tmp_path, tell=tell)
    assert first == ["batches", "reference.parquet", "truth.json"]


def test_an_earlier_simulation_is_only_replaced_when_forced(tmp_path: Path) -> None:
    long, short = (sy.scenario("healthy", batches=n, rows=5, reference_rows=10) for n in (3, 2))
    sy.write(long, tmp_path, format="csv")
    (tmp_path / "batches" / "mine.csv").write_text("x\n1\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"truth\.json, reference\.csv, batches/0001\.csv.*force=True"):
        sy.write(short, tmp_path)
    sy.write(short, tmp_path, force=True)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert left == [
        "batches/0001.parquet", "batches/0002.parquet", "batches/mine.csv", "reference.parquet", "truth.json"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["reference.parquet", "truth.json", "batches/0002.parquet"])
def test_a_file_of_no_simulation_is_never_written_over(name: str, tmp_path: Path) -> None:
    (tmp_path / "batches").mkdir()
    (tmp_path / name).write_text('{"mine": 1}', encoding="utf-8")
    for force in (False, True):
        with pytest.raises(SourceError, match=f"holds {name} already, and not of a simulation.*move that away"):
            sy.write(SCENARIO, tmp_path, force=force)
    assert list(tmp_path.rglob("*.*")) == [tmp_path / name]
    assert (tmp_path / name).read_text(encoding="utf-8") == '{"mine": 1}'


def test_files_beside_a_simulation_stay(tmp_path: Path) -> None:
    (tmp_path / "batches").mkdir()
    mine = [tmp_path / "batches" / name for name in ("0000.parquet", "12.parquet", "foo.parquet", "0001.csv")]
    for path in mine:
        path.write_text("mine", encoding="utf-8")
    for force in (False, True):
        sy.write(SCENARIO, tmp_path, force=force)
    assert {path.read_text(encoding="utf-8") for path in mine} == {"mine"}


def test_a_truth_that_lists_files_elsewhere_removes_none(tmp_path: Path) -> None:
    kept = tmp_path / "kept.parquet"
    kept.write_text("mine", encoding="utf-8")
    root = tmp_path / "made"
    sy.write(SCENARIO, root)
    truth = json.loads((root / "truth.json").read_text(encoding="utf-8"))
    truth["arrivals"] += ["../kept.parquet", "batches/../../kept.parquet", 3]
    (root / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    sy.write(SCENARIO, root, force=True)
    assert kept.exists()


def test_a_matrix_is_written_as_columns(tmp_path: Path) -> None:
    scenario = sy.Scenario(np.random.default_rng(0).normal(size=(40, 2)), batches=2, rows=5, reference_rows=30)
    sy.write(scenario, tmp_path)
    assert read(tmp_path / "batches" / "0001.parquet").column_names == ["x0", "x1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"format": "xlsx"}, "parquet, csv, arrow"), ({"interval": -1.0}, "interval"), ({"interval": np.nan}, "interval")],
)
def test_options_that_cannot_work_are_told(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        sy.write(SCENARIO, tmp_path / "x", **options)
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot make the folder"):
        sy.write(SCENARIO, tmp_path / "file" / "below")
