"""A sender that is killed at any moment loses nothing; and nothing that it writes holds a secret."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import accel_drift as ad
from accel_drift.alerts import secrets
from accel_drift.alerts.events import Kind
from accel_drift.errors import ConfigError
from accel_drift.telemetry.database import Databases
from tests.alerts import receivers
from tests.alerts.samples import event, posted, rows

ROOT = Path(__file__).resolve().parents[2]
SENDER = Path(__file__).with_name("sender.py")
SINKS = ("hook", "mail", "pager")
PRIVATE = (
    "pa55w%2Frd",
    "pa55w/rd",
    "someb0dy",
    "t0kenOfOurHook",
    "qu3ryPart",
    "r0utingkey0fours0123456789abcdef",
    "cdef)",
)
"""What must not be found; the last is how PagerDuty's client shows the end of a key."""


class Net(NamedTuple):
    """Receivers and the environment that leads to them."""

    hook: receivers.Received
    mail: receivers.Received
    pager: receivers.Received
    environ: dict[str, str]


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    with ExitStack() as stack:
        hook_port, hook = stack.enter_context(receivers.http())
        pager_port, pager = stack.enter_context(receivers.http())
        mail_port, mail = stack.enter_context(receivers.smtp())
        given = "?from=drift@example.com&to=team@example.com&mode=insecure&format=text&cto=1&rto=1"
        environ = {
            "HOOK_URL": f"json://someb0dy:pa55w%2Frd@127.0.0.1:{hook_port}/t0kenOfOurHook?-x=qu3ryPart&cto=1&rto=1",
            "MAIL_URL": f"mailto://someb0dy:pa55w%2Frd@127.0.0.1:{mail_port}{given}",
            "PD_KEY": "r0utingkey0fours0123456789abcdef",
            "PD_ENDPOINT": f"http://127.0.0.1:{pager_port}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
            "HOME": str(tmp_path / "home"),
            "PATH": os.environ["PATH"],
        }
        yield Net(hook, mail, pager, environ)


def _started(url: str, net: Net, log: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SENDER), url, str(log)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**net.environ, **more},
    )  # fmt: skip


def _post(history: ad.History, alerts: int) -> list[str]:
    for i in range(alerts):
        posted(history, event(f"k{i}", sinks=SINKS), now=datetime.now(UTC))
        posted(history, event(f"k{i}", kind=Kind.RESOLVED, sinks=SINKS), now=datetime.now(UTC))
    return [f"k{i}/{kind}/0" for i in range(alerts) for kind in ("opened", "resolved")]


@pytest.mark.slow
def test_killed_at_any_moment_everything_arrives_and_repeats_have_the_same_key(
    url: str, net: Net, tmp_path: Path
) -> None:
    rng, kills = random.Random(5), 0  # noqa: S311
    with ad.History(url, wait=60) as history:
        wanted = _post(history, 30)
        for _ in range(10):
            process = _started(url, net, tmp_path / "log.txt")
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                process.wait(timeout=rng.uniform(0.0, 0.25))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            process.communicate()
        process = _started(url, net, tmp_path / "log.txt")
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert {row["outcome"] for row in rows(history)} == {"sent"}
    assert kills > 2
    for sink, got in zip(SINKS, (net.hook, net.mail, net.pager), strict=True):
        came = Counter(got.keys())
        assert set(came) == {f"{key}/{sink}" for key in wanted}
        assert came.total() - len(came) <= kills
        keys = got.keys()
        for first in range(0, len(wanted), 2):
            order = [key for key in keys if key.startswith(wanted[first].split("/")[0] + "/")]
            assert order.index(f"{wanted[first]}/{sink}") < order.index(f"{wanted[first + 1]}/{sink}")


def _all_written(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def _leaks(written: dict[str, bytes]) -> list[tuple[str, str]]:
    return [(where, one) for where, data in written.items() for one in PRIVATE if one.lower().encode() in data.lower()]


def _metrics(url: str) -> bytes:
    """What a scrape is told of the outbox."""
    registry, databases = CollectorRegistry(), Databases({"churn": url})
    registry.register(databases)
    told = generate_latest(registry)
    databases.close()
    assert b"accel_drift_messages{" in told
    return told


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["well", "500", "drop", "hang", "gone"])
def test_nothing_that_is_written_holds_a_secret(net: Net, tmp_path: Path, mode: str) -> None:
    url = f"sqlite:///{tmp_path}/drift.db"
    more = {}
    if mode == "gone":
        port = receivers.free_port()
        more["PD_ENDPOINT"] = f"http://127.0.0.1:{port}"
        more["HOOK_URL"] = f"json://someb0dy:pa55w%2Frd@127.0.0.1:{port}/t0kenOfOurHook?-x=qu3ryPart"
    for got in (net.hook, net.mail, net.pager):
        got.mode = mode if mode != "gone" else "well"
    with ad.History(url) as history:
        _post(history, 2)
        process = _started(url, net, tmp_path / "log.txt", FLUSH="60" if mode == "well" else "4", **more)
        out, err = process.communicate(timeout=120)
        assert process.returncode == (0 if mode == "well" else 1), err
        assert "Delivery" in out
        failed = [row for row in rows(history) if row["error"]]
        assert bool(failed) == (mode != "well")
        (tmp_path / "out.txt").write_text(out + err)
        (tmp_path / "metrics.txt").write_bytes(_metrics(url))
    written = _all_written(tmp_path)
    assert any(data for name, data in written.items() if name.endswith("log.txt"))
    assert _leaks(written) == []


def test_a_leak_is_found(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("POST /T0KENofOurHook HTTP/1.1")
    assert [one for _, one in _leaks(_all_written(tmp_path))] == ["t0kenOfOurHook"]


def test_libraries_would_give_the_secrets_away(
    net: Net, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the search above looks for something that can be there: without the filter, it is."""
    from accel_drift.alerts.sinks import sink_of
    from tests.alerts.test_sinks import MESSAGE

    monkeypatch.setenv("HOOK_URL", net.environ["HOOK_URL"])
    sink = sink_of("apprise", secret="HOOK_URL")  # noqa: S106
    with caplog.at_level(1):
        sink.send(MESSAGE)
        assert _leaks({"log": caplog.text.encode()}) == []
        monkeypatch.setattr(secrets, "scrubbed", lambda text: text)
        sink.send(MESSAGE)
    assert _leaks({"log": caplog.text.encode()})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("POST /t0kenOfOurHook HTTP/1.1", "POST /*** HTTP/1.1"),
        ("user SOMEB0DY came", "user *** came"),
        ("pa55w/rd and pa55w%2Frd and pa55w%2frd", "*** and *** and ***"),
        ("?x=qu3ryPart", "?x=***"),
        ("Basic c29tZWIwZHk6cGE1NXcvcmQ=", "Basic ***="),
        ("HOOK_URL did not take it", "HOOK_URL did not take it"),
    ],
)
def test_every_spelling_of_a_part_is_hidden(text: str, left: str) -> None:
    hidden = secrets._Hidden()
    hidden.add("json://someb0dy:pa55w%2Frd@hooks.example/t0kenOfOurHook?-x=qu3ryPart")
    assert hidden.without(text) == left


def test_a_secret_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DRIFT_SLACK", raising=False)
    secret = secrets.Secret("DRIFT_SLACK")
    assert secret.value() is None
    assert "DRIFT_SLACK is not set" in str(secret.missing())
    monkeypatch.setenv("ACCEL_DRIFT_SECRETS", str(tmp_path))
    assert secret.value() is None
    (tmp_path / "DRIFT_SLACK").write_text("slack://from-a-file\n")
    assert secret.value() == "slack://from-a-file"
    monkeypatch.setenv("DRIFT_SLACK", "slack://from-the-environment")
    assert secret.value() == "slack://from-the-environment"
    assert secret.missing() is None
    assert repr(secret) == "Secret(name='DRIFT_SLACK')"
    monkeypatch.delenv("DRIFT_SLACK")
    (tmp_path / "DRIFT_SLACK").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read the secret DRIFT_SLACK"):
        secret.value()


@pytest.mark.parametrize("name", ["slack://A/B/C", "0123456789abcdef0123456789abcdef", "", "a b", "A" * 65])
def test_a_value_in_place_of_a_name_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ConfigError, match="holds a value") as raised:
        secrets.Secret(name)
    assert not name or name not in str(raised.value)
