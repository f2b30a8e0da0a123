"""Topics of a real broker on the command line: by a configuration and by an address, also where it is killed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.monitor.kafka import member, source
from tests import kafka_broker
from tests.cli.conftest import Cli, refused, rows
from tests.cli.test_app import START, environment
from tests.kafka_broker import QUICK, Topic

WORD = "s3cr3t-word"


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    if (reason := kafka_broker.why_not()) is not None:
        pytest.skip(reason)
    with kafka_broker.broker() as where:
        yield where


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[mo.Kafka]:
    """The sources that gave back what they held, while they held something."""
    found: list[mo.Kafka] = []
    close = mo.Kafka.close

    def noted(kafka: mo.Kafka) -> None:
        if kafka._member is not None:
            found.append(kafka)
        close(kafka)

    monkeypatch.setattr(mo.Kafka, "close", noted)
    return found


def write(servers: str, topic: str, more: str = "", options: dict[str, Any] | None = None) -> None:
    """A configuration, drift.yaml; its consumer joins soon."""
    Path("drift.yaml").write_text(
        f"name: churn\ndata: {{reference_path: ref.parquet}}\ndetectors: {{use: [psi]}}\ndrift: {{backend: numpy}}\n"
        f"windows: {{rows: 100}}\nkafka:\n  servers: {servers}\n  topics: {topic}\n  rows: 30\n  seconds: 0\n"
        f"  options: {json.dumps(QUICK | (options or {}))}\n{more}",
        encoding="utf-8",
    )


def counted() -> tuple[list[int], dict[str, int]]:
    """The rows of each window of the history, and where partitions stand."""
    with ad.History("sqlite:///drift.db") as history:
        profile = ad.Profile.fit("ref.parquet", ["psi"], backend="numpy")
        with ad.Monitor(profile, ad.Windows(rows=100), history=history, name="churn") as monitor:
            return history.runs("churn")["rows"].to_pylist(), monitor.positions


@pytest.mark.slow
def test_a_configuration_names_topics(cli: Cli, servers: str, closed: list[mo.Kafka]) -> None:
    topic = Topic(servers, 2)
    topic.put([*rows(200, seed=1).to_pylist(), *rows(150, 1.0, seed=2).to_pylist()])
    write(servers, topic.name)
    ran = cli("run", "--config", "drift.yaml", "--quiet", "--fail-on-drift")
    assert (ran.code, ran.err) == (1, "")
    assert len(closed) == 1
    topic.put(rows(50, 1.0, seed=3).to_pylist())
    ran = cli("watch", "--config", "drift.yaml", "--until-idle", "0")
    assert (ran.code, ran.out.splitlines()) == (0, ["rows 300-399  100 rows  drift, critical: x"])
    assert counted() == ([100] * 4, {f"kafka:{topic.name}/{place}": 200 for place in range(2)})
    assert len(closed) == 2


@pytest.mark.slow
def test_killed_by_the_system_it_goes_on_where_it_stood(cli: Cli, servers: str) -> None:
    topic = Topic(servers, 3)
    topic.put(rows(1_500, seed=1).to_pylist())
    write(servers, topic.name)
    command = [*START, "watch", "--config", "drift.yaml", "--poll", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "rows 0-99  100 rows  no drift\n"
        process.kill()
    topic.put(rows(300, seed=2).to_pylist())
    assert cli("run", "--config", "drift.yaml").code == 0
    assert counted() == ([100] * 18, {f"kafka:{topic.name}/{place}": 600 for place in range(3)})


@pytest.mark.slow
def test_a_schedule_takes_what_is_there_and_leaves_the_group(cli: Cli, servers: str, closed: list[mo.Kafka]) -> None:
    from accel_drift.cli import watched
    from accel_drift.config import Config

    topic = Topic(servers)
    topic.put(rows(250, seed=1).to_pylist())
    write(servers, topic.name, "schedule: {every: 1h}\n")
    assert cli("schedule", "--list", "--config", "drift.yaml").code == 0
    told: list[ad.Report] = []
    assert watched.cycle(Config.load("drift.yaml", {}), told.append, watched.Ending()) == "2 windows, 0 drifted"
    assert (len(told), len(closed)) == (2, 1)


@pytest.mark.slow
def test_an_address_names_topics(cli: Cli) -> None:
    pytest.importorskip("confluent_kafka")
    with kafka_broker.imitation() as where:
        topics = Topic(where, 4, made=False), Topic(where, 4, made=False)
        for seed, topic in enumerate(topics, start=1):
            topic.put([rows(50, seed=seed)])
        address = f"kafka://{where},{where}/{topics[0].name},{topics[1].name}?format=arrow&rows=60&seconds=0"
        ran = cli("run", "ref.parquet", address, "--rows", "100", "--detectors", "psi", "--backend", "numpy")
    assert (ran.code, ran.out, ran.err) == (0, "rows 0-99  100 rows  no drift\n", "")


@pytest.mark.slow
def test_a_broker_that_says_nothing_is_an_error_for_who_waits_for_the_end(
    cli: Cli, servers: str, monkeypatch: pytest.MonkeyPatch, closed: list[mo.Kafka]
) -> None:
    monkeypatch.setattr(source, "_SILENCE_S", 0.5)
    slow = {"session.timeout.ms": 45_000}  # the group comes together after 22 s
    write(servers, Topic(servers).name, "  group: slow\n", options=slow)
    ran = cli("run", "--config", "drift.yaml")
    assert (ran.code, ran.out) == (2, "")  # beside the error the library may have warned
    assert f"at {servers} cannot be read: no partition was assigned for 0.5 s, so that there may be more" in ran.err
    assert len(closed) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            f"kafka://me:{WORD}@host:9092/t",
            "kafka: {options: {sasl.username: NAME}, secrets: {sasl.pass",
        ),
        (f"kafka://me:{WORD}?@host:9092/t", "holds a user or password"),
        ("kafka://host:9092", "kafka://host:9092: give servers and topics, such as kafka://kafka-1:9092/scored"),
        ("kafka:///t", "give servers and topics"),
        ("kafka://ho st:9092/t", "servers is 'ho st:9092'"),
        ("kafka://host:9092/a/b", "topics is"),
        ("kafka://host:9092/t?format=avro", "format is 'avro'; there are json and arrow"),
        ("kafka://host:9092/t?rows=many", "in the address of Kafka rows is 'many'; it is a number"),
        ("kafka://host:9092/t?start=first", "start is 'first'; it is earliest, latest, or a time"),
        (f"kafka://host:9092/t?sasl.password={WORD}", "has sasl.password=, which is none of format, group, rows"),
        (f"kafka://host:9092/t?{WORD}", "has what is none of format"),
    ],
)
def test_mistakes_of_an_address(cli: Cli, address: str, words: str) -> None:
    pytest.importorskip("confluent_kafka")
    ran = cli("watch", "ref.parquet", address, "--rows", "100")
    refused(ran, words)
    assert WORD not in ran.err


def test_topics_without_windows_are_a_mistake(cli: Cli) -> None:
    pytest.importorskip("confluent_kafka")
    ran = cli("run", "ref.parquet", "kafka://host:9092/t?start=2024-06-01T00:00:00%2B02:00")
    refused(ran, "topics have no files, so what is a window? --rows 10000, or --time 1h --on COLUMN")


def test_a_secret_that_is_not_set_is_told_and_one_that_is_is_hidden(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("confluent_kafka")
    monkeypatch.setattr(member, "_ANSWER_S", 0.5)
    more = "  secrets: {sasl.password: KAFKA_PASSWORD, no.such.option: KAFKA_OTHER}\n"
    plain = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    write("127.0.0.1:1", "t", more, plain)
    told = "kafka.secrets.sasl.password: KAFKA_PASSWORD is not set; set this variable of the environment, or put a file"
    refused(cli("run", "--config", "drift.yaml"), told)
    monkeypatch.setenv("KAFKA_PASSWORD", WORD)
    monkeypatch.setenv("KAFKA_OTHER", "another-word")
    ran = cli("run", "--config", "drift.yaml")
    refused(ran, "options cannot be used: No such configuration property")
    write("127.0.0.1:1", "t", more.replace("no.such.option", "sasl.username"), plain)
    again = cli("run", "--config", "drift.yaml", "--log-format", "text")
    assert again.code == 2
    assert "topics t at 127.0.0.1:1 cannot be read" in again.err
    for text in (ran.err, again.err, caplog.text, Path("drift.db").read_bytes().decode("latin-1")):
        assert WORD not in text
        assert "another-word" not in text
