"""`watch` and `run` on the command line: a line a window, exit codes, signals, mistakes in a line."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift.cli.app import run
from accel_drift.cli.watched import Ending
from tests.cli.conftest import Cli, refused, rows
from tests.cli.test_app import START, environment

AT_ONCE = ("--settle", "0")


@pytest.fixture
def inbox(folder: Path) -> Path:
    """A profile, and a folder with a file like it and one that drifted."""
    assert run(["fit", "ref.parquet", "--out", "ref.adp", "--detectors", "psi", "-q"]) == 0
    (folder / "inbox").mkdir()
    shutil.copy("same.parquet", "inbox/1.parquet")
    shutil.copy("moved.parquet", "inbox/2.parquet")
    return folder / "inbox"


@pytest.mark.usefixtures("inbox")
def test_a_line_a_window_and_all_of_it_in_the_history(cli: Cli) -> None:
    ran = cli("watch", "ref.adp", "inbox", "--name", "m", "--until-idle", "0", *AT_ONCE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == ["1.parquet  200 rows  no drift", "2.parquet  200 rows  drift, critical: x"]
    assert cli("history", "runs", "drift.db", "m").out.count("parquet") == 2
    assert cli("run", "ref.adp", "inbox", "--name", "m", *AT_ONCE) == (0, "", "")


@pytest.mark.usefixtures("inbox")
def test_run_takes_what_is_there_and_says_by_its_code_that_it_drifted(cli: Cli) -> None:
    command = ("run", "ref.adp", "inbox", "--history", "sqlite:///other.db", "--fail-on-drift", *AT_ONCE)
    assert cli(*command).code == 1
    assert cli(*command).code == 0
    shutil.copy("ref.parquet", "inbox/3.parquet")
    ran = cli(*command, "--quiet")
    assert (ran.code, ran.out) == (0, "")
    assert Path("other.db").is_file()


@pytest.mark.usefixtures("inbox")
def test_reports_as_lines_of_json(cli: Cli) -> None:
    ran = cli("run", "ref.adp", "inbox", "--rows", "150", "--json", *AT_ONCE)
    found = [json.loads(line) for line in ran.out.splitlines()]
    assert [report["settings"]["window"]["key"] for report in found] == ["rows 0-149", "rows 150-299"]
    assert [report["drifted"] for report in found] == [False, True]
    ran = cli("run", "ref.adp", "inbox", "--rows", "150", "--finish", *AT_ONCE)
    assert ran.out.startswith("rows 300-399  100 rows  drift, critical: x\n")


@pytest.mark.usefixtures("inbox")
def test_what_cannot_be_read_is_logged(cli: Cli) -> None:
    Path("inbox/0.parquet").write_bytes(b"PAR1")
    ran = cli("run", "ref.adp", "inbox", "--log-format", "json", *AT_ONCE)
    told = [json.loads(line) for line in ran.err.splitlines()]
    assert (told[0]["level"], told[0]["logger"]) == ("warning", "accel_drift.monitor")
    assert told[0]["message"].startswith("0.parquet cannot be read yet: ")
    assert [line["level"] for line in told[1:]] == ["info", "info"]
    assert cli("run", "ref.adp", "inbox", *AT_ONCE).err.startswith("WARNING: 0.parquet cannot be read yet: ")
    ran = cli("run", "ref.adp", "inbox", "--patience", "0", *AT_ONCE)
    assert "WARNING: monitor: 0.parquet was passed over: " in ran.err
    shutil.copy("ref.parquet", "inbox/0.parquet")
    ran = cli("run", "ref.adp", "inbox", *AT_ONCE)
    assert ran.out.startswith("0.parquet#")
    assert "Warning: 0.parquet#" in ran.err
    assert logging.getLogger("accel_drift.monitor").handlers == []


@pytest.mark.usefixtures("inbox")
def test_windows_of_the_stream_as_reference(cli: Cli) -> None:
    shutil.copy("ref.parquet", "inbox/0.parquet")
    ran = cli("run", "trailing:2", "inbox", "--detectors", "psi", "--fail-on-drift", *AT_ONCE)
    assert ran.out.splitlines() == [
        "0.parquet  300 rows  not compared",
        "1.parquet  200 rows  not compared",
        "2.parquet  200 rows  drift, critical: x",
    ]
    assert ran.code == 1
    assert "there is no reference yet: 1 of 2 windows are there" in ran.err


@pytest.mark.usefixtures("inbox")
def test_a_data_set_in_pieces_and_a_reference_that_is_data(cli: Cli) -> None:
    pq.write_table(rows(400, seed=5), "big.parquet", row_group_size=100)
    ran = cli("run", "ref.parquet", "big.parquet", "--rows", "200", "--detectors", "psi", "--backend", "numpy")
    assert ran.out.splitlines() == ["rows 0-199  200 rows  no drift", "rows 200-399  200 rows  no drift"]
    ran = cli("run", "ref.parquet", "big.parquet", "--detectors", "psi", "--name", "whole")
    assert ran.out == "big.parquet  400 rows  no drift\n"


@pytest.mark.slow
@pytest.mark.usefixtures("inbox")
def test_a_stream_on_standard_input() -> None:
    table = pq.read_table("moved.parquet")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    done = subprocess.run(
        [*START, "watch", "ref.adp", "-"], input=sink.getvalue().to_pybytes(), capture_output=True,
        env=environment(), timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"batch 1  200 rows  drift, critical: x\n"), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("inbox")
def test_a_signal_ends_it_and_it_goes_on(cli: Cli, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*START, "watch", "ref.adp", "inbox", "--rows", "150", *AT_ONCE], text=True, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "rows 0-149  150 rows  no drift\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "interrupted\n")
    shutil.copy("ref.parquet", "inbox/3.parquet")
    found = out.splitlines() + cli("run", "ref.adp", "inbox", "--rows", "150", *AT_ONCE).out.splitlines()
    assert [line.split("  ")[0] for line in found] == ["rows 150-299", "rows 300-449", "rows 450-599"]


def test_a_signal_waits_for_the_window_at_hand_and_a_second_one_does_not() -> None:
    before, went = signal.getsignal(signal.SIGTERM), []

    def held(ending: Ending, times: int) -> None:
        with ending.held():
            for number in range(times):
                signal.raise_signal(signal.SIGTERM)
                went.append(number)

    for times in (1, 2):
        with Ending() as ending, pytest.raises(KeyboardInterrupt):
            held(ending, times)
        assert ending.asked
    assert went == [0, 0]
    with Ending(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.usefixtures("inbox")
def test_a_configuration_says_it_all(cli: Cli) -> None:
    text = (
        "name: churn\n"
        "data: {reference_path: ref.parquet, production_path: inbox}\n"
        "detectors: {use: [psi]}\n"
        "history: {keep: 1}\n"
        "logging: {format: json, level: info, file: log.jsonl}\n"
    )
    Path("drift.yaml").write_text(text, encoding="utf-8")
    ran = cli("run", "--config", "drift.yaml", *AT_ONCE)
    assert (ran.code, ran.err, len(ran.out.splitlines())) == (0, "", 2)
    logged = Path("log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["level"] for line in logged] == ["info", "info"]
    Path("dated.yaml").write_text(text.replace("churn", "dated").replace("json,", "text,"), encoding="utf-8")
    cli("run", "--config", "dated.yaml", *AT_ONCE)
    dated = Path("log.jsonl").read_text(encoding="utf-8").splitlines()[2:]
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO: dated: window", line) for line in dated)
    assert len(dated) == 2
    with ad.History("sqlite:///drift.db") as history:
        assert history.runs("churn")["window"].to_pylist() == ["2.parquet"]  # what leaves has left when it ends
    shutil.copy("ref.parquet", "inbox/3.parquet")
    cli("run", "--config", "drift.yaml", *AT_ONCE)
    Path("plain.yaml").write_text(text.replace("churn", "plain").replace("logging", "#"), encoding="utf-8")
    ran = cli("run", "--config", "plain.yaml", *AT_ONCE)
    assert (ran.err, len(ran.out.splitlines())) == ("", 3)  # each window is told once
    Path("plain.yaml").write_text(text.replace("churn", "again").replace("logging", "#"), encoding="utf-8")
    assert cli("run", "--config", "plain.yaml", "--log-format", "text", *AT_ONCE).err.count("INFO: again: window") == 3
    with ad.History("sqlite:///drift.db") as history:
        assert history.runs("churn")["window"].to_pylist() == ["3.parquet"]
    refused(cli("run", "ref.adp", "--config", "drift.yaml"), "REFERENCE and --config are given")
    refused(cli("watch", "--config", "drift.yaml", "--rows", "5", "--alpha", "0.1"), "--rows, --alpha and --config")
    Path("drift.yaml").write_text("data: {reference_path: ref.parquet}\n", encoding="utf-8")
    refused(cli("run", "--config", "drift.yaml"), "data.production_path is null")


@pytest.mark.usefixtures("folder")
def test_late_labels_that_show_a_window_to_be_degraded_are_told_once(cli: Cli) -> None:
    def labelled(n: int, wrong: bool) -> pa.Table:
        said = ["yes", "no"] * (n // 2)
        labels = said[1:] + said[:1] if wrong else said
        noise = [float(i % 7) for i in range(n)]
        return pa.table({"x": noise, "said": said, "y": labels, "id": [f"{i}" for i in range(n)]})

    for place in ("inbox", "labels"):
        Path(place).mkdir()
    pq.write_table(labelled(400, wrong=False), "known.parquet")
    pq.write_table(labelled(200, wrong=True).drop_columns(["y"]), "inbox/1.parquet")
    text = (
        "data: {reference_path: known.parquet, production_path: inbox, id_column: id, label_column: y, "
        "labels_path: labels}\ndetectors: {use: [psi]}\npredictions: {predicted: said}\nconcept_drift: {detector: null}"
        "\nperformance: {f1_drop: null, accuracy_drop: 0.1}\n"
    )
    Path("drift.yaml").write_text(text, encoding="utf-8")
    command = ("run", "--config", "drift.yaml", "--fail-on-drift", *AT_ONCE)
    ran = cli(*command)
    assert (ran.code, len(ran.out.splitlines())) == (0, 1)
    labels = labelled(200, wrong=True).select(["id", "y"])
    pq.write_table(labels.slice(0, 100), "labels/1.parquet")
    ran = cli(*command)
    told = "window 1.parquet: labels came, accuracy fell by 1, more than 0.1\n"
    assert (ran.code, ran.out) == (1, told)
    assert f"WARNING: monitor: {told}" in ran.err
    pq.write_table(labels.slice(100), "labels/2.parquet")
    assert cli(*command) == (0, "", "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["ref.adp"], "what is compared with what?"),
        (["ref.adp", "no"], "there is no file 'no'"),
        (["no.adp", "inbox"], "there is no file 'no.adp'"),
        (["ref.adp", "inbox", "--time", "1h"], "windows of time need"),
        (["ref.adp", "inbox", "--rows", "5", "--time", "1h", "--on", "x"], "rows and time"),
        (["ref.adp", "inbox", "--rows", "5", "--every", "1h"], "every is '1h'"),
        (["ref.adp", "inbox", "--lateness", "1h"], "lateness is for windows of time"),
        (["ref.adp", "inbox", "--alpha", "0.1"], "ref.adp is a saved profile, which fixes --alpha"),
        (["ref.adp", "inbox", "--order", "size"], "order is 'size'"),
        (["ref.adp", "inbox", "--settle", "-1"], "settle is -1.0"),
        (["ref.adp", "inbox", "--log-format", "xml"], "there are text and json"),
        (["ref.adp", "inbox", "--json=out.json"], "--json writes a line a window"),
        (["ref.adp", "inbox", "--history", "mysql://here/x"], "SQLite or PostgreSQL"),
        (["trailing:x", "inbox"], "such as trailing:26"),
        (["period:2024-01-01", "inbox"], "give its start and its end"),
    ],
)
@pytest.mark.usefixtures("inbox")
def test_mistakes_are_told_in_a_line(cli: Cli, args: list[str], words: str) -> None:
    refused(cli("run", *args), words)


def test_help_has_examples(cli: Cli) -> None:
    for command in ("watch", "run"):
        assert f"accel-drift {command} june.adp inbox" in " ".join(cli(command, "--help").out.split())


@pytest.mark.usefixtures("inbox")
def test_a_column_of_times_that_no_batch_has_is_a_mistake_and_burns_no_name(cli: Cli) -> None:
    command = ("run", "ref.adp", "inbox", "--time", "1d", "--name", "m", *AT_ONCE)
    ran = cli(*command, "--on", "nowhere")
    refused(ran, "there is no column 'nowhere' to date rows by")
    assert cli("history", "list", "drift.db").out == ""
    assert cli(*command[:3], "--rows", "100", "--name", "m", *AT_ONCE).code == 0


@pytest.mark.usefixtures("inbox")
def test_what_is_passed_over_is_no_success_where_drift_is_none(cli: Cli) -> None:
    Path("inbox/2.parquet").write_bytes(b"PAR1")
    command = ("run", "ref.adp", "inbox", "--patience", "0", *AT_ONCE)
    assert cli(*command, "--fail-on-drift", "--name", "a").code == 1
    assert cli(*command, "--name", "b").code == 0


def test_the_column_that_dates_rows_is_not_compared(cli: Cli, folder: Path) -> None:
    (folder / "days").mkdir()
    for day in range(3):
        at = pa.array([datetime(2024, 1, 1 + day, tzinfo=UTC)] * 200)
        pq.write_table(rows(200, seed=day).append_column("at", at), f"days/{day}.parquet")
    shutil.copy("days/0.parquet", "first.parquet")
    for place, reference in enumerate(("first.parquet", "trailing:1")):
        command = ("run", reference, "days", "--time", "1d", "--on", "at", "--name", str(place), "--backend", "numpy")
        ran = cli(*command, "--detectors", "psi,mmd", *AT_ONCE)
        assert (ran.code, "at separates" in ran.err, len(ran.out.splitlines())) == (0, False, 2)
