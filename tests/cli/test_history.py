"""`history` on the command line: what a history says, and mistakes that make nothing and remove nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

import accel_drift as ad
from accel_drift.history import Metric
from tests.cli.conftest import Cli, refused
from tests.history.samples import day, finding, report


@pytest.fixture
def told(folder: Path) -> ad.History:
    """Ten days of a column that drifts from day 8."""
    with ad.History(f"sqlite:///{folder}/drift.db") as history:
        for number in range(10):
            history.record("churn", report([finding("income", 0.01 * number + (number > 7))]), day(number))
        return history


@pytest.mark.usefixtures("told")
def test_it_lists_monitors_windows_and_trends(cli: Cli) -> None:
    assert cli("history", "list", "drift.db") == (0, "churn\n", "")
    ran = cli("history", "runs", "drift.db", "churn", "--days", "3")
    assert (ran.code, ran.err) == (0, "")
    head, *lines = ran.out.splitlines()
    assert head.split() == ["window", "window_end", "rows", "drifted", "severity", "findings"]
    assert [line.split()[-3] for line in lines] == ["no", "yes", "yes"]
    ran = cli("history", "trend", "sqlite:///drift.db", "churn", "--column", "income", "--csv", "trend.csv")
    assert (ran.code, len(ran.out.splitlines()), ran.err) == (0, 11, "Wrote trend.csv\n")
    effects = pyarrow.csv.read_csv("trend.csv")["effect"].to_pylist()
    assert effects == [0.01 * number + (number > 7) for number in range(10)]


@pytest.mark.usefixtures("told")
def test_it_tells_what_drifted_at_once_and_slowly(cli: Cli) -> None:
    head, line = cli("history", "drifted", "drift.db", "churn").out.splitlines()
    assert dict(zip(head.split(), line.split(), strict=False))["drifted"] == "2"
    head, line = cli("history", "slow", "drift.db", "churn", "--detector", "psi").out.splitlines()
    found = dict(zip(head.split(), line.split(), strict=True))
    assert (found["column"], found["points"]) == ("income", "10")
    assert float(found["p_value"]) < 1e-4


def test_it_exports_and_prunes(cli: Cli, told: ad.History) -> None:
    ran = cli("history", "export", "drift.db", "--out", "out")
    assert (ran.code, ran.out) == (0, "")
    assert pyarrow.parquet.read_table("out/runs.parquet").num_rows == 10
    assert cli("history", "prune", "drift.db", "--older-than", "3", "--keep", "4").out == "Removed 6 windows.\n"
    left = told.runs("churn")["window_end"].to_pylist()
    assert left[0] == datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=7)
    told.close()


def test_it_tells_numbers_of_windows(cli: Cli, told: ad.History) -> None:
    found = [Metric("f1", 0.1 * number, 0.0, 1.0, 40) for number in range(2)]
    for number, f1 in enumerate(found):
        told.record("fraud", report([finding("income", 0.0)]), day(number), metrics=[f1, Metric("health", 0.5)])
    ran = cli("history", "metrics", "drift.db", "fraud", "--metric", "f1", "--csv", "f1.csv")
    assert (ran.code, ran.err) == (0, "Wrote f1.csv\n")
    head, *lines = ran.out.splitlines()
    assert head.split() == ["window", "window_end", "metric", "value", "low", "high", "rows"]
    assert [line.split()[-5:] for line in lines] == [["f1", "0", "0", "1.00", "40"], ["f1", "0.100", "0", "1.00", "40"]]
    assert pyarrow.csv.read_csv("f1.csv")["value"].to_pylist() == [0.0, 0.1]
    both = cli("history", "metrics", "drift.db", "fraud", "--days", "1").out.splitlines()
    assert [[word for word in line.split() if word in ("f1", "health")] for line in both[1:]] == [["f1"], ["health"]]
    refused(cli("history", "metrics", "drift.db", "fraud", "--metric", "f2"), "no metric 'f2'", "'f1'")
    told.close()


@pytest.mark.usefixtures("told")
def test_mistakes_are_told_in_a_line(cli: Cli, folder: Path) -> None:
    refused(cli("history", "runs", "dirft.db", "churn"), "there is no history dirft.db")
    refused(cli("history", "list", "sqlite:///dirft.db"), "there is no history dirft.db")
    assert not (folder / "dirft.db").exists()
    (folder / "other.db").touch()
    refused(cli("history", "list", "other.db"), "there is no history at sqlite:///other.db")
    refused(cli("alerts", "list", "--history", "other.db"), "there is no history at sqlite:///other.db")
    assert not (folder / "other.db").stat().st_size
    refused(cli("history", "trend", "drift.db", "churn", "--column", "incom"), "no column 'incom'", "'income'")
    refused(cli("history", "runs", "drift.db", "chrun"), "no monitor 'chrun'", "'churn'")
    refused(cli("history", "prune", "drift.db"), "say which windows leave")
    refused(cli("history", "list", "ref.csv"), "is not a SQLite database")
    refused(cli("history", "list", "mysql://here/x"), "SQLite or PostgreSQL")
