"""Files to score, and a command line run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from accel_drift.cli.app import run


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def rows(n: int, shift: float = 0.0, seed: int = 0, **more: Any) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {"x": rng.normal(shift, 1, n), "y": rng.normal(0, 1, n), "c": rng.choice(["a", "b", "c"], n), **more}
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a reference, a batch that drifted in x, one that did not, and a profile's name to use."""
    monkeypatch.chdir(tmp_path)
    for name, table in {"ref": rows(300), "same": rows(200, seed=1), "moved": rows(200, 1.0, seed=2)}.items():
        pyarrow.csv.write_csv(table, f"{name}.csv")
        pyarrow.parquet.write_table(table, f"{name}.parquet")
    return tmp_path


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command line in `folder`: exit code, standard output, standard error."""
    assert folder == Path.cwd()

    def call(*args: str) -> Ran:
        capsys.readouterr()
        code = run(args)
        seen = capsys.readouterr()
        return Ran(code, str(seen.out), str(seen.err))

    return call


Cli = Callable[..., Ran]
"""The type of the `cli` fixture."""


def refused(ran: Ran, *words: str) -> None:
    """One line of complaint that holds the words, exit code 2, nothing on standard output."""
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err
