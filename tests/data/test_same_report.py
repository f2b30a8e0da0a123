"""The same data gives the same report, to the last digit, whichever library or file it comes from."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad

pa = pytest.importorskip("pyarrow")

DETECTORS = ["psi", "ks", "chi_square", "missing", "unseen", "mmd"]
TYPES = {
    "count": "int64",
    "amount": "float64",
    "flag": "bool",
    "note": "string",
    "place": "string",
    "at": "timestamp[us]",
    "price": "decimal128(12, 2)",
}


def columns(seed: int, rows: int, drift: float) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    missing = rng.random((4, rows)) < 0.05
    count, amount = rng.poisson(20, rows), rng.normal(drift, 1, rows)
    place = rng.choice(["Oslo", "Porto", "São Paulo"], rows, p=[0.5 - 0.3 * drift, 0.3 + 0.3 * drift, 0.2])
    begin = dt.datetime(2024, 1, 1)
    return {
        "count": [None if gone else int(v) for v, gone in zip(count, missing[0], strict=True)],
        "amount": [float("nan") if gone else float(v) for v, gone in zip(amount, missing[1], strict=True)],
        "flag": [bool(v) for v in rng.random(rows) < 0.3],
        "note": [None if gone else f"n{v}" for v, gone in zip(rng.integers(0, 12, rows), missing[2], strict=True)],
        "place": [str(v) for v in place],
        "at": [begin + dt.timedelta(seconds=int(s)) for s in np.cumsum(rng.integers(1, 90, rows))],
        "price": [Decimal(int(v)).scaleb(-2) for v in rng.integers(0, 10_000, rows)],
    }


REFERENCE, BATCH = columns(1, 600, 0.0), columns(2, 400, 0.8)


def arrow(data: dict[str, list[Any]]) -> Any:
    return pa.table(
        {
            name: pa.array(values, pa.type_for_alias(TYPES[name]) if name != "price" else pa.decimal128(12, 2))
            for name, values in data.items()
        }
    )


def from_parquet(data: dict[str, list[Any]], path: Path) -> Any:
    import pyarrow.parquet as pq

    pq.write_table(arrow(data), path / "rows.parquet", row_group_size=500)
    return path / "rows.parquet"


def from_folder(data: dict[str, list[Any]], path: Path) -> Any:
    import pyarrow.parquet as pq

    for start in range(0, len(data["flag"]), 700):
        pq.write_table(arrow(data).slice(start, 700), path / f"{start:05}.parquet")
    return path


def from_ipc(data: dict[str, list[Any]], path: Path) -> Any:
    with pa.ipc.new_file(path / "rows.arrow", arrow(data).schema) as out:
        out.write_table(arrow(data), max_chunksize=999)
    return path / "rows.arrow"


def from_polars(data: dict[str, list[Any]], _: Path) -> Any:
    return pytest.importorskip("polars").from_arrow(arrow(data))


def from_duckdb(data: dict[str, list[Any]], _: Path) -> Any:
    rows = arrow(data)  # noqa: F841  (duckdb finds it by its name)
    return pytest.importorskip("duckdb").sql("select * from rows")


def from_pandas(data: dict[str, list[Any]], _: Path) -> Any:
    return pytest.importorskip("pandas").DataFrame(data)


def from_nullable_pandas(data: dict[str, list[Any]], _: Path) -> Any:
    pd = pytest.importorskip("pandas")
    types = {"count": "Int64", "amount": "Float64", "flag": "boolean", "note": "string", "place": "category"}
    return pd.DataFrame({name: pd.Series(values, dtype=types.get(name)) for name, values in data.items()})


def from_arrow_pandas(data: dict[str, list[Any]], _: Path) -> Any:
    return arrow(data).to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)


def from_dict(data: dict[str, list[Any]], _: Path) -> Any:
    return data


def from_numpy(data: dict[str, list[Any]], _: Path) -> Any:
    arrays = {"amount": np.array(data["amount"]), "flag": np.array(data["flag"]), "at": np.array(data["at"], "M8[ns]")}
    return {**data, **arrays}


DOORS = [
    from_parquet, from_folder, from_ipc, from_polars, from_duckdb, from_pandas, from_nullable_pandas,
    from_arrow_pandas, from_dict, from_numpy,
]  # fmt: skip


def numbers(report: Any) -> dict[str, dict[str, Any]]:
    """All that every finding says, every number as it is.

    But for the names of bins: a bin of one whole number is `= 22`, of a float `(21, 22]`, and whole numbers with a
    missing one are floats in pandas with NumPy's types.
    """
    found = {f"{finding.column}, {finding.detector}": finding.to_dict() for finding in report.findings}
    for said in found.values():
        for part in said["parts"]:
            part["label"] = "" if part["kind"] == "bin" else part["label"]
    return found


@pytest.fixture(scope="module")
def expected() -> Any:
    return compared(arrow(REFERENCE), arrow(BATCH))


def compared(reference: Any, batch: Any) -> Any:
    return ad.compare(reference, batch, DETECTORS, backend="numpy", seed=3, kinds={"at": "gaps", "note": "categorical"})


def test_the_data_drift_where_they_should(expected: Any) -> None:
    assert set(expected.drifted_columns) == {"amount", "place"}
    found = {finding.column for finding in expected.findings}
    assert found >= {"count", "amount", "flag", "note", "place", "gaps of at", "price"}
    assert len(numbers(expected)) == len(expected.findings) > 25


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__[5:])
def test_every_source_gives_the_same_report(door: Callable[..., Any], expected: Any, tmp_path: Path) -> None:
    folders = tmp_path / "reference", tmp_path / "batch"
    for folder in folders:
        folder.mkdir()
    found = compared(door(REFERENCE, folders[0]), door(BATCH, folders[1]))
    assert numbers(found) == numbers(expected)
    assert found.drifted_columns == expected.drifted_columns
    assert dict(found.excluded) == dict(expected.excluded)


def test_sources_may_differ_between_the_two_sides(expected: Any, tmp_path: Path) -> None:
    found = compared(from_parquet(REFERENCE, tmp_path), from_pandas(BATCH, tmp_path))
    assert numbers(found) == numbers(expected)


def test_pandas_is_the_one_that_was_asked_for() -> None:
    """A second run with the other major version says which one it wants."""
    pd = pytest.importorskip("pandas")
    major = pd.__version__.partition(".")[0]
    assert major == os.environ.get("PANDAS_MAJOR", major)
