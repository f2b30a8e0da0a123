"""Topics of a real broker: every row is counted once, by size and by time, whatever messages hold."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, SchemaError, SourceError
from accel_drift.monitor.watching import watch
from tests import kafka_broker
from tests.kafka_broker import QUICK, Topic
from tests.monitor.samples import keys, rows

_NUMBER = count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    if (reason := kafka_broker.why_not()) is not None:
        pytest.skip(reason)
    with kafka_broker.broker() as where:
        yield where


def source(topic: Topic, **options: Any) -> mo.Kafka:
    given: dict[str, Any] = {"rows": 50, "seconds": 0.0, "servers": topic.servers, "options": QUICK} | options
    return mo.Kafka(topic.name, **given)


def seen(monitor: ad.Monitor, kafka: mo.Kafka, idle: float = 0.0) -> list[ad.Report]:
    try:
        return list(watch(monitor, kafka, until_idle=idle, poll=0.1))
    finally:
        kafka.close()


def assigned(kafka: mo.Kafka) -> set[tuple[str, int]]:
    return set() if kafka._member is None else kafka._member.assigned or set()


def counts(monitor: ad.Monitor, topic: Topic) -> list[int]:
    return [monitor.positions.get(f"kafka:{topic.name}/{place}", 0) for place in range(topic.partitions)]


@pytest.fixture
def monitor(sqlite_url: str, profile: ad.Profile) -> Iterator[ad.Monitor]:
    with ad.Monitor(profile, ad.Windows(rows=100), history=sqlite_url, name="m") as made:
        yield made


@pytest.mark.parametrize("form", ["json", "arrow"])
def test_all_partitions_are_read_once_also_by_a_later_process(
    servers: str, history: ad.History, profile: ad.Profile, form: str
) -> None:
    def made() -> ad.Monitor:
        return ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")

    topic = Topic(servers, 3)
    tables = [rows(25, seed) for seed in range(12)]
    topic.put(tables if form == "arrow" else [table.to_pylist() for table in tables])
    assert [report.n_batch for report in seen(made(), source(topic, format=form))] == [100, 100, 100]
    assert counts(made(), topic) == [4, 4, 4]
    topic.put(tables[:2] if form == "arrow" else [table.to_pylist() for table in tables[:2]])
    assert seen(made(), source(topic, format=form)) == []
    assert counts(made(), topic) == [5, 5, 4]
    assert [report.n_batch for report in made().finish()] == [50]
    assert len(keys(history)) == 4


def test_the_statistics_are_those_of_the_rows(servers: str, monitor: ad.Monitor, profile: ad.Profile) -> None:
    topic, table = Topic(servers), rows(100, 3, shift=1.0)
    topic.put(table.to_pylist())
    (report,) = seen(monitor, source(topic))
    direct = profile.score(table)
    assert [f.statistic for f in report.findings] == [f.statistic for f in direct.findings]
    assert report.drifted


def test_messages_that_are_damaged_or_empty_are_told_by_partition_and_offset(servers: str, monitor: ad.Monitor) -> None:
    topic, good = Topic(servers, 2), rows(1, 0).to_pylist()[0]
    topic.put([good, b"{no", None, b"", b"[1, 2]", b"\xff\xfe", b"[" * 100_000, []], 0)
    topic.put([[good] * 100, b"3"], 1)
    (report,) = seen(monitor, source(topic, rows=1_000, seconds=3.0))
    assert report.n_batch == 100
    assert monitor.positions == {f"kafka:{topic.name}/0": 8, f"kafka:{topic.name}/1": 2}
    told = sorted(text for text in report.warnings if "passed over" in text)
    assert len(told) == 2
    assert f"kafka:{topic.name}/0, offsets 1 to 6, 4 messages, passed over: no JSON: Expecting property name" in told[0]
    assert told[1].startswith(f"kafka:{topic.name}/1, offset 1, passed over: a value of type int, where an object")
    assert monitor.passed_over == 2


def test_damaged_messages_of_arrow_and_those_that_do_not_go_together(servers: str, monitor: ad.Monitor) -> None:
    topic, table = Topic(servers), rows(60, 1)
    whole = kafka_broker._bytes(table)
    assert whole is not None
    topic.put([table, whole[: len(whole) // 2], b"PAR1", table.set_column(0, "x", pa.array(["a"] * 60))])
    (report,) = seen(monitor, source(topic, format="arrow", rows=120, seconds=1.0))
    assert any("offsets 1 to 2, 2 messages, passed over: no stream in Arrow's IPC format" in w for w in report.warnings)
    assert any("column 'x' is of types double and string" in w for w in report.warnings)


def test_a_message_that_spoils_its_batch_is_found(servers: str, sqlite_url: str, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"), history=sqlite_url, name="m")
    topic = Topic(servers)
    table = rows(20, 1, day=0)
    good = [{**one, "at": one["at"].isoformat()} for one in table.to_pylist()]
    topic.put([*good[:7], {**good[7], "at": {"no": "time"}}, *good[8:]])
    assert seen(monitor, source(topic, rows=20)) == []
    (report,) = monitor.finish()
    assert report.n_batch == 19
    assert any(f"kafka:{topic.name}/0, offset 7, passed over" in text for text in report.warnings)
    assert counts(monitor, topic) == [20]


def test_a_column_of_times_that_no_message_has_is_a_mistake(servers: str, sqlite_url: str, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="when"), history=sqlite_url, name="m")
    topic = Topic(servers)
    topic.put(rows(20, 1).to_pylist())
    with pytest.raises(SchemaError, match="no column 'when' to date rows by"):
        seen(monitor, source(topic))
    assert monitor.positions == {}


def test_batches_by_size_and_by_time(servers: str, profile: ad.Profile) -> None:
    monitor, topic, now = ad.Monitor(profile, ad.Windows(by="batch"), name="m"), Topic(servers), [0.0]
    kafka = source(topic, rows=30, seconds=60.0, clock=lambda: now[0])

    def sizes() -> list[int]:
        return [one.rows.num_rows for one in kafka.batches(monitor)]

    topic.put(rows(70, 1).to_pylist())
    found: list[int] = []
    while kafka.due == 0.0:
        found += sizes()
    assert (found, kafka.due) == ([30, 30], 60.0)
    now[0] = 59.0
    assert (sizes(), kafka.due) == ([], 1.0)
    now[0] = 60.0
    assert (sizes(), kafka.due) == ([10], None)
    kafka.close()


def test_a_huge_message_is_a_batch_of_its_own(servers: str, profile: ad.Profile) -> None:
    monitor, topic = ad.Monitor(profile, name="m"), Topic(servers)
    topic.put([rows(1, 0), rows(100_000, 1), rows(1, 2)])
    found = seen(monitor, source(topic, format="arrow", rows=1_000))
    assert [report.n_batch for report in found] in ([100_001, 1], [1, 100_000, 1])  # by time, the first comes alone


def test_an_empty_topic_and_one_that_is_not_there(servers: str, monitor: ad.Monitor) -> None:
    topic = Topic(servers, 2)
    assert seen(monitor, source(topic)) == []
    assert counts(monitor, topic) == [0, 0]
    topic.put(rows(100, 1).to_pylist())
    assert len(seen(monitor, source(topic))) == 1
    with pytest.raises(SourceError, match="there is no topic 'no-such'"):
        seen(monitor, mo.Kafka("no-such", servers=servers, options=QUICK))


def test_no_broker(monitor: ad.Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from accel_drift.monitor.kafka import member

    monkeypatch.setattr(member, "_ANSWER_S", 0.5)
    secret = {"sasl.password": "s3cr3t-word", "sasl.username": "me", "security.protocol": "SASL_PLAINTEXT"}
    kafka = mo.Kafka("t", servers="127.0.0.1:1", options={**secret, "sasl.mechanism": "PLAIN"})
    with pytest.raises(SourceError, match=r"topics t at 127\.0\.0\.1:1 cannot be read") as caught:
        seen(monitor, kafka)
    assert "s3cr3t" not in f"{caught.value} {kafka!r}"


def test_a_broker_that_falls_silent_is_not_taken_for_the_end(
    monitor: ad.Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accel_drift.monitor.kafka import member
    from accel_drift.monitor.kafka import source as module

    if (reason := kafka_broker.why_not()) is not None:
        pytest.skip(reason)
    monkeypatch.setattr(module, "_SILENCE_S", 3.0)
    with kafka_broker.broker() as where:
        topic = Topic(where, 2)
        topic.put(rows(200, 1).to_pylist())
        alone, kafka = source(topic), source(topic, group="g")
        assert len(list(watch(monitor, alone, until_idle=0.0, poll=0.1))) == 2
        assert not list(watch(monitor, kafka, until_idle=0.0, poll=0.1))
        with kafka_broker.silent(where):
            monkeypatch.setattr(member, "_ANSWER_S", 0.5)
            with pytest.raises(SourceError, match=r"cannot be read: .*nothing that was taken is lost"):
                list(watch(monitor, alone, until_idle=0.0, poll=0.1))
            for _ in range(300):  # until the group's session is over
                list(kafka.batches(monitor))
                if not assigned(kafka):
                    break
            with pytest.raises(SourceError, match="no partition was assigned for 3 s, so that there may be more"):
                list(watch(monitor, kafka, until_idle=0.0, poll=0.1))
            kafka.close()  # and does not wait for an answer
        alone.close()


def test_a_group_that_gives_nothing_is_told_once_then_rarely(
    servers: str, monitor: ad.Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    topic, now = Topic(servers), [0.0]
    slow = {"session.timeout.ms": 45_000}  # the group comes together after 22 s
    kafka = source(topic, group="slow", options=slow, clock=lambda: now[0])
    told = []
    for now[0] in (0.0, 9.0, 10.0, 300.0, 700.0):
        assert list(kafka.batches(monitor)) == []
        told.append(sum("group 'slow' gave no partition for" in text for text in caplog.messages))
    kafka.close()
    assert told == [0, 0, 1, 1, 2]
    assert "for 10 s. It may wait for the session of a member that was killed (session.timeout.ms)" in caplog.text


def test_who_interrupts_leaves_the_group(servers: str, monitor: ad.Monitor) -> None:
    topic = Topic(servers)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    kafka = source(topic, group="left")
    with pytest.raises(KeyboardInterrupt):
        list(watch(monitor, kafka, wait=interrupt))
    assert kafka._member is None
    kafka = source(topic, group="dropped")
    list(kafka.batches(monitor))
    assert kafka._member is not None
    consumer = kafka._member.consumer
    del kafka
    gc.collect()
    with pytest.raises(RuntimeError, match="closed"):
        consumer.poll(0)


@pytest.fixture(scope="module")
def imitation() -> Iterator[str]:
    """Tansu's answer to where a partition ends is wrong, and it keeps everything: here librdkafka plays the broker."""
    pytest.importorskip("confluent_kafka")
    with kafka_broker.imitation() as where:
        yield where


def alone() -> dict[str, Any]:
    """Options of a consumer in a new group: librdkafka's broker keeps a group waiting when a member has left it."""
    return {"group": f"group {next(_NUMBER)}", "options": {}}


def test_a_topic_begun_at_its_end(imitation: str, sqlite_url: str, profile: ad.Profile) -> None:
    topic = Topic(imitation, 4, made=False)
    topic.put(rows(60, 1).to_pylist())

    def made() -> ad.Monitor:
        return ad.Monitor(profile, ad.Windows(rows=10), history=sqlite_url, name="m")

    assert seen(made(), source(topic, **alone(), start="latest")) == []
    assert counts(made(), topic) == [15] * 4
    topic.put(rows(20, 2).to_pylist())
    # What came while nobody looked is not lost: where it stood is known.
    assert len(seen(made(), source(topic, **alone(), start="latest"))) == 2


def test_what_the_topic_no_longer_keeps_is_told(imitation: str, sqlite_url: str, profile: ad.Profile) -> None:
    topic = Topic(imitation, 4, made=False)
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=sqlite_url, name="m")
    topic.put([None, None], 0)
    topic.put([None] * 5, 1)
    assert seen(monitor, source(topic, **alone())) == []
    topic.put([b"x" * 400_000] * 20, 0)  # the first of these are gone soon
    topic.put([rows(10, 1).to_pylist()], 0)
    assert counts(monitor, topic) == [2, 5, 0, 0]
    (report,) = seen(monitor, source(topic, **alone(), rows=1_000, seconds=0.5))
    (told,) = [text for text in report.warnings if "were gone before they were read" in text]
    assert f"kafka:{topic.name}/0: " in told
    assert "messages, offsets 2 to " in told
    assert counts(monitor, topic)[0] == 23


def test_a_topic_that_was_made_anew_is_read_from_its_start(
    imitation: str, sqlite_url: str, profile: ad.Profile
) -> None:
    topic = Topic(imitation, 4, made=False)
    topic.put([rows(10, 1).to_pylist()], 0)
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=sqlite_url, name="m")
    list(monitor.observe(mo.Batch(None, "", {f"kafka:{topic.name}/0": 500})))
    (report,) = seen(monitor, source(topic, **alone()))
    assert f"kafka:{topic.name}/0 ends at offset 1, before 500, where it was read to: it is read from its start" in (
        report.warnings
    )
    assert counts(monitor, topic) == [1, 0, 0, 0]


def test_a_topic_begun_at_a_time(servers: str, sqlite_url: str, profile: ad.Profile) -> None:
    topic = Topic(servers, 2)
    topic.put(rows(50, 1).to_pylist())
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=sqlite_url, name="m")
    assert len(seen(monitor, source(topic, start=datetime.now(UTC) - timedelta(hours=1)))) == 5


def test_a_look_that_was_broken_off_loses_nothing(servers: str, monitor: ad.Monitor) -> None:
    topic = Topic(servers)
    topic.put(rows(400, 1).to_pylist())
    kafka, found = source(topic), 0
    for _ in range(2):
        for _report in watch(monitor, kafka, until_idle=0.0):
            found += 1
            break
    assert found == 2
    assert found + len(seen(monitor, kafka)) == 4
    assert counts(monitor, topic) == [400]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"topics": []}, "topics is"),
        ({"topics": "a b"}, "topics is"),
        ({"servers": ""}, "servers is"),
        ({"servers": "me:secret@host:9092"}, "servers holds an @"),
        ({"format": "avro"}, "format is 'avro'; there are json and arrow"),
        ({"rows": 0}, "rows is 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"start": "first"}, "start is 'first'"),
        ({"start": datetime(2024, 1, 1)}, "start is"),
        ({"group": ""}, "group is ''"),
        ({"schema": pa.schema([]), "format": "arrow"}, "schema is a pyarrow.Schema"),
        ({"options": {"group.id": "x"}}, "options has group.id, which the source sets itself"),
        ({"options": ["x"]}, "options are names and values"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], said: str) -> None:
    pytest.importorskip("confluent_kafka")
    given: dict[str, Any] = {"topics": "t", "servers": "localhost:9092"} | options
    with pytest.raises(ConfigError, match=said) as caught:
        mo.Kafka(**given)
    assert "secret" not in str(caught.value)


def test_an_option_that_the_library_refuses(monitor: ad.Monitor) -> None:
    pytest.importorskip("confluent_kafka")
    kafka = mo.Kafka("t", servers="localhost:1", options={"no.such": "1", "sasl.password": "s3cr3t"})
    with pytest.raises(ConfigError, match=r'options cannot be used: No such configuration property: "no\.such"'):
        seen(monitor, kafka)
