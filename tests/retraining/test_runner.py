"""Hooks that hang, fail, tell secrets or die; runners that are killed; and one runner a request, on real databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift import retraining as re
from accel_drift.errors import ConfigError, HistoryError
from accel_drift.retraining import asked as stored
from accel_drift.retraining.asked import Claims, Request
from accel_drift.retraining.processes import cleaned
from tests.retraining import hooks_for_tests
from tests.retraining.windows import START

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def ask(history: ad.History, key: str = "k1", *, monitor: str = "m", **data: Any) -> None:
    request = Request(key, monitor, "retraining", "day 3", START, "data drifted", {"rows": 300, **data})
    history._store.write(lambda connection: stored.put(connection, request))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def attempts(request: Request | None) -> list[dict[str, Any]]:
    assert request is not None
    assert request.outcome is not None
    return list(request.outcome["attempts"])


@pytest.fixture
def lite(sqlite_url: str) -> Any:
    with ad.History(sqlite_url, wait=60) as made:
        yield made


def test_a_command_is_told_the_request_and_tells_what_came_of_it(lite: ad.History) -> None:
    ask(lite)
    code = (
        "import json, os; asked = json.load(open(os.environ['ACCEL_DRIFT_REQUEST_FILE']))\n"
        "assert asked['key'] == os.environ['ACCEL_DRIFT_REQUEST'] and asked['state'] == 'running'\n"
        "json.dump({'rows': asked['data']['rows']}, open(os.environ['ACCEL_DRIFT_OUTCOME_FILE'], 'w'))\n"
        "print('learned')"
    )
    clock = Clock()
    done = re.Runner(lite, python(code), clock=clock).run_one()
    assert done is not None
    assert (done.state, done.attempts, done.ended_at) == ("done", 1, clock.now)
    (one,) = attempts(done)
    assert (one["result"], one["output"], one["exit_code"]) == ({"rows": 300}, "learned\n", 0)
    assert re.Runner(lite, python(code), clock=clock).run_one() is None


def test_a_function_in_this_process_or_in_its_own(lite: ad.History) -> None:
    for i, (hook, timeout) in enumerate(
        [
            (hooks_for_tests.trained, None),
            (hooks_for_tests.trained, 60.0),
            ("tests.retraining.hooks_for_tests:trained", None),
        ]
    ):
        ask(lite, f"k{i}")
        done = re.Runner(lite, hook, timeout=timeout).run_one()
        (one,) = attempts(done)
        assert one["result"] == {"f1": 0.9, "rows": 300, "store": "postgresql://me:***@here/db", "key": f"k{i}"}


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_numbers_that_json_lacks_are_null_and_what_was_raised_is_told(lite: ad.History, timeout: float | None) -> None:
    ask(lite)
    (one,) = attempts(re.Runner(lite, hooks_for_tests.without_a_number, timeout=timeout).run_one())
    assert one["result"] == {"f1": None}
    ask(lite, "k2")
    (one,) = attempts(re.Runner(lite, hooks_for_tests.fails, timeout=timeout, attempts=1).run_one())
    assert one["error"] == "ValueError: too few rows"
    assert "RuntimeWarning" not in one.get("output", "")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abcdefsecret", "Authorization: Bearer ***"),
        ('{"password": "hunter4", "rows": 3}', '{"password": "***", "rows": 3}'),
        ("api_key=sk_live_1 rows=3", "api_key=*** rows=3"),
        ("POST https://hooks.slack.com/services/T0/B0/X done", "POST https://hooks.slack.com/*** done"),
        ("keys: 3 tokens read", "keys: 3 tokens read"),
    ],
)
def test_what_is_written_like_a_secret_is_hidden(text: str, left: str) -> None:
    assert cleaned(text, {}) == left


def test_folders_stay_to_be_read() -> None:
    environ = {"PWD": "/srv/hooks", "DB_PWD": "hunter42"}
    assert cleaned('File "/srv/hooks/learn.py": hunter42', environ) == 'File "/srv/hooks/learn.py": ***'


def test_what_fails_is_tried_again_later_and_not_for_ever(history: ad.History) -> None:
    ask(history)
    clock = Clock()

    def failing(_request: Request) -> None:
        raise ValueError("no rows at sqlite://me:hushhush@here")

    runner = re.Runner(history, failing, attempts=3, pause=10, clock=clock)
    for pause in (10, 20):
        found = runner.run_one()
        assert found is not None
        assert (found.state, found.due_at) == ("asked", clock.now + timedelta(seconds=pause))
        assert runner.run_one() is None
        clock.later(pause)
    found = runner.run_one()
    assert found is not None
    assert found.state == "failed"
    told = attempts(found)
    assert [one["attempt"] for one in told] == [1, 2, 3]
    assert {one["error"] for one in told} == {"ValueError: no rows at sqlite://me:***@here"}
    clock.later(1e6)
    assert runner.run_one() is None


def test_exit_statuses_signals_and_commands_that_are_not_there(lite: ad.History) -> None:
    for i, (command, error) in enumerate(
        [
            (python("raise SystemExit(3)"), "it ended with exit status 3"),
            (python("import os; os.kill(os.getpid(), 9)"), "it ended with signal 9"),
            (["no-such-program-here"], "cannot run no-such-program-here: No such file or directory"),
            (python("import os; open(os.environ['ACCEL_DRIFT_OUTCOME_FILE'], 'w').write('{')"), "outcome cannot be"),
        ]
    ):
        ask(lite, f"k{i}")
        found = re.Runner(lite, command, attempts=1).run_one()
        assert found is not None
        assert found.state == "failed"
        assert error in attempts(found)[0]["error"]
    ask(lite, "k9")
    found = re.Runner(lite, ["true"], folder="no/such/folder", attempts=1).run_one()
    assert "no/such/folder" in attempts(found)[0]["error"]


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked after does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def until(true: Callable[[], bool]) -> None:
    """Wait for what comes by itself; the suite's time limit ends it where it does not."""
    pause = threading.Event()
    while not true():
        pause.wait(0.01)


HANGING = (
    "import subprocess, sys, time, os\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open({file!r} + '.part', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
    "os.replace({file!r} + '.part', {file!r}); print('began', flush=True); time.sleep(600)\n"
)


def processes(file: Path) -> list[int]:
    return [int(word) for word in file.read_text(encoding="utf-8").split()]


needs_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")


@needs_linux
def test_a_hook_that_hangs_is_ended_with_all_that_it_started(lite: ad.History, tmp_path: Path) -> None:
    ask(lite)
    file = tmp_path / "processes"
    shell = ["sh", "-c", f"sleep 600 & echo $$ $! > '{file}'; wait"]
    found = re.Runner(lite, shell, timeout=2, attempts=1).run_one()
    assert found is not None
    assert found.state == "timed out"
    (one,) = attempts(found)
    assert one["error"] == "ended after 2 s, its time limit"
    assert one["exit_code"] == -signal.SIGTERM  # it was asked to, and need not be killed
    until(lambda: not any(map(alive, processes(file))))
    ask(lite, "k2")
    found = re.Runner(lite, hooks_for_tests.hangs, timeout=0.5, attempts=1).run_one()
    assert found is not None
    assert found.state == "timed out"


def test_secrets_that_a_hook_tells_are_hidden(
    lite: ad.History, monkeypatch: pytest.MonkeyPatch, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MODEL_STORE_TOKEN", "tok-123456")
    ask(lite)
    code = (
        "import os, sys; print('x' * 20000); print('to s3://me:hushhush@store', os.environ['MODEL_STORE_TOKEN'])\n"
        "print('{\"a\": \"tok-123456\"}', file=open(os.environ['ACCEL_DRIFT_OUTCOME_FILE'], 'w'))"
    )
    found = re.Runner(lite, python(code)).run_one()
    (one,) = attempts(found)
    assert one["output"] == "to s3://me:***@store ***\n"
    assert one["result"] == {"a": "***"}
    everything = Path(sqlite_url.removeprefix("sqlite:///")).parent
    written = b"".join(file.read_bytes() for file in everything.iterdir() if file.is_file())
    for secret in ("hushhush", "tok-123456"):
        assert secret.encode() not in written
        assert secret not in caplog.text


def test_of_two_runners_one_has_a_request(history: ad.History, tmp_path: Path) -> None:
    file = tmp_path / "ran"
    for i in range(8):
        ask(history, f"k{i}", monitor=f"m{i % 4}", file=str(file))
    runners = [re.Runner(history, hooks_for_tests.counted) for _ in range(2)]
    threads = [threading.Thread(target=runner.run) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What was busy when a runner looked is left to the other.
    for runner in runners:
        runner.run()
    assert sorted(file.read_text(encoding="utf-8").split()) == [f"k{i}" for i in range(8)]
    assert re.requests(history, state="done").num_rows == 8


def test_a_claim_that_is_held_is_nobody_elses_and_one_that_ran_out_is(history: ad.History) -> None:
    ask(history)
    ask(history, "k2")
    clock, lease = Clock(), timedelta(seconds=60)
    first, second = Claims(history, "first", None, 2), Claims(history, "second", "m", 2)
    one = first.take(clock.now, clock.now + lease)
    assert one is not None
    assert one.key == "k1"
    # Of one policy one request runs at a time.
    assert second.take(clock.now, clock.now + lease) is None
    clock.later(50)
    assert first.hold(one, clock.now + lease)
    clock.later(50)
    assert second.take(clock.now, clock.now + lease) is None
    clock.later(50)
    again = second.take(clock.now, clock.now + lease)
    assert again is not None
    assert (again.key, again.attempts) == ("k1", 2)
    assert not first.hold(one, clock.now + lease)
    assert not first.end(one, "done", {}, clock.now, clock.now, 1.0)
    # Tried as often as it may be, and lost again: it failed, and the next one is due.
    clock.later(61)
    other = first.take(clock.now, clock.now + lease)
    assert other is not None
    assert other.key == "k2"
    found = re.find(history, "k1")
    assert found.state == "failed"
    assert [one["state"] for one in attempts(found)] == ["lost", "lost"]


def test_who_lost_its_claim_ends_its_hook_and_writes_nothing(lite: ad.History) -> None:
    ask(lite)
    clock = Clock()

    class Robbed(re.Hook):
        def run(self, request: Request, wanted: Callable[[], bool], every: float) -> Any:
            assert wanted()
            assert re.cancel(lite, request.key, clock.now)
            assert not wanted()
            return re.Function(hooks_for_tests.trained).run(request, wanted, every)

    found = re.Runner(lite, Robbed(), clock=clock).run_one()
    assert found is not None
    assert (found.state, found.outcome) == ("cancelled", None)


@needs_linux
def test_a_runner_that_closes_ends_its_hook_and_leaves_the_request_to_the_next(
    lite: ad.History, tmp_path: Path
) -> None:
    ask(lite)
    file = tmp_path / "processes"
    with re.Runner(lite, python(HANGING.format(file=str(file))), lease=0.3, poll=0.01):
        until(file.exists)
    assert not any(map(alive, processes(file)))
    found = re.find(lite, "k1")
    assert (found.state, found.attempts) == ("asked", 0)
    with re.Runner(lite, python("print('learned')"), poll=0.01):
        until(lambda: re.find(lite, "k1").state == "done")


@needs_linux
def test_a_runner_killed_with_its_hook_running(history: ad.History, url: str, tmp_path: Path) -> None:
    ask(history)
    file = tmp_path / "processes"
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.retraining.killed", url, *python(HANGING.format(file=str(file)))],
        env={**os.environ, "PYTHONPATH": path},
    )
    until(file.exists)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    # What it ran ends with it, so that no two train at once.
    until(lambda: not any(map(alive, processes(file))))
    clock = Clock()
    clock.now = (re.find(history, "k1").started_at or START) + timedelta(days=1)
    done = re.Runner(history, python("print('learned')"), clock=clock).run_one()
    assert done is not None
    assert (done.key, done.state, done.attempts) == ("k1", "done", 2)
    assert [one["state"] for one in attempts(done)] == ["lost", "done"]


def test_a_database_that_fails_when_a_hook_is_done_is_tried_again(
    lite: ad.History, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(lite)
    whole, failures = Claims.end, [HistoryError("gone"), HistoryError("gone")]

    def failing(*given: Any) -> bool:
        if failures:
            raise failures.pop()
        return whole(*given)

    monkeypatch.setattr(Claims, "end", failing)
    done = re.Runner(lite, hooks_for_tests.trained, poll=0.001).run_one()
    assert done is not None
    assert done.state == "done"


def test_as_a_table(lite: ad.History) -> None:
    ask(lite)
    re.Runner(lite, hooks_for_tests.trained).run()
    (row,) = re.requests(lite, "m", state="done").to_pylist()
    assert json.loads(row["outcome"])["attempts"][0]["result"]["f1"] == 0.9
    assert json.loads(row["data"]) == {"rows": 300}
    with pytest.raises(ConfigError, match="state"):
        re.requests(lite, state="gone")


@pytest.mark.parametrize(
    ("hook", "options"),
    [
        ("train.py", {}),
        ([], {}),
        (["a", 3], {}),
        (3, {}),
        (lambda _request: None, {"timeout": 3}),
        (["true"], {"timeout": 0}),
        (["true"], {"attempts": 0}),
        (["true"], {"lease": 0}),
    ],
)
def test_runners_that_cannot_be(lite: ad.History, hook: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        re.Runner(lite, hook, **options)


def test_a_runner_needs_a_history() -> None:
    nothing: Any = None
    with pytest.raises(ConfigError, match="history"):
        re.Runner(nothing, ["true"])
