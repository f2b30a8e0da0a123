"""Killed with SIGKILL, or with others in its group that come and go, a watcher of topics counts each row once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.monitor.watching import watch
from tests import kafka_broker
from tests.kafka_broker import QUICK, Topic
from tests.monitor.samples import keys, rows
from tests.monitor.test_kafka import assigned


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    if (reason := kafka_broker.why_not()) is not None:
        pytest.skip(reason)
    with kafka_broker.broker() as where:
        yield where


def _run(topic: Topic, url: str, kill_after: int | None, wait: float) -> bool:
    """Watch, and kill after so many windows and seconds; whether it came to the end."""
    command = [sys.executable, "-m", "tests.monitor.watching_kafka", topic.servers, topic.name, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        windows = 0
        for line in process.stdout:
            windows += line == "window\n"
            if line == "end\n":
                return True
            if kill_after is not None and windows >= kill_after:
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    process.kill()
                return False
        raise AssertionError(process.stderr.read())


@pytest.mark.slow
def test_killed_at_any_moment_each_row_counts_once(servers: str, url: str, profile: ad.Profile) -> None:
    topic, rng, deaths = Topic(servers, 3), random.Random(url[:6]), 0  # noqa: S311
    sent = rows(4_500, 1)
    topic.put(sent.to_pylist())
    for _ in range(10):
        deaths += not _run(topic, url, rng.randrange(1, 4), rng.random() * 0.1)
    while not _run(topic, url, None, 0.0):
        pass
    assert deaths >= 5
    with ad.Monitor(profile, ad.Windows(rows=70), history=url, name="m") as monitor:
        assert monitor.positions == {f"kafka:{topic.name}/{place}": 1_500 for place in range(3)}
        (last,) = monitor.finish()
        assert last.n_batch == 4_500 % 70
    with ad.History(url) as history:
        assert [size for _, size, _ in keys(history)] == [70] * 64 + [20]


class Noted(mo.Follower):
    """Which rows windows had."""

    name = "noted"

    def __init__(self) -> None:
        self.rows = 0

    def follow(self, window: Any) -> None:
        self.rows += window.report.n_batch

    def changes(self) -> dict[str, bytes | None]:
        return {}

    def restore(self, pieces: Any) -> None:
        pass


@pytest.mark.slow
def test_others_come_and_go_in_its_group(servers: str, sqlite_url: str, profile: ad.Profile) -> None:
    from confluent_kafka import Consumer

    topic, noted = Topic(servers, 4), Noted()
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=sqlite_url, name="m", followers=[noted])
    kafka = mo.Kafka(topic.name, servers=servers, group=topic.name, rows=7, seconds=1.0, options=QUICK)
    given = {"bootstrap.servers": servers, "group.id": topic.name, "enable.auto.commit": False, "log_level": 0}

    def look_until(reached: Callable[[], bool]) -> None:
        for _ in range(300):
            for batch in kafka.batches(monitor):
                list(monitor.observe(batch))
                kafka.taken(batch)
            if reached():
                return
        raise AssertionError("the group never came to rest")

    topic.put(rows(80, 1).to_pylist())
    look_until(lambda: noted.rows >= 20)
    other = Consumer({**given, **QUICK})
    other.subscribe([topic.name])
    look_until(lambda: other.poll(0.05) is None and len(other.assignment()) == 2 and len(assigned(kafka)) == 2)
    topic.put(rows(80, 2).to_pylist())
    for _ in range(3):
        look_until(lambda: True)
    other.close()
    look_until(lambda: len(assigned(kafka)) == 4)
    list(watch(monitor, kafka, until_idle=0.0, poll=0.1))
    kafka.close()
    assert monitor.positions == {f"kafka:{topic.name}/{place}": 40 for place in range(4)}
    assert noted.rows == 160
