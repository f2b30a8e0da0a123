"""Runs a command line again and again, in processes that are forked from this one: quick to start, real to kill.

A line of JSON in, [delay or null, URL of the history, what to do]: "kill" ends the process with SIGKILL after so many
seconds, if it still runs; "stop" stops it with SIGSTOP, and "go on" lets the one that was stopped go on to its end.
A line out: seconds that it ran, and the status that waitpid gave.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import time

from accel_drift.cli.app import run

READY, URL = "ready", "ACCEL_DRIFT_HISTORY__URL"


def child(url: str) -> None:
    """What the forked process does."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.environ[URL] = url
    code = 3
    try:
        code = run(sys.argv[1:])
    finally:
        os._exit(code)


def main() -> None:
    # One whole run in this process: what it loads and compiles is there in all that are forked from it.
    with tempfile.TemporaryDirectory() as folder:
        os.environ[URL] = f"sqlite:///{folder}/drift.db"
        run(sys.argv[1:])
    print(READY, flush=True)  # noqa: T201
    stopped = 0
    for line in sys.stdin:
        delay, url, what = json.loads(line)
        began, pid = time.monotonic(), stopped if what == "go on" else os.fork()
        if what == "go on":
            os.kill(pid, signal.SIGCONT)
        elif pid == 0:
            child(url)
        else:
            ended = os.pidfd_open(pid)
            if not select.select([ended], [], [], delay)[0]:
                os.kill(pid, signal.SIGSTOP if what == "stop" else signal.SIGKILL)
            os.close(ended)
        _, status = os.waitpid(pid, os.WUNTRACED)
        stopped = pid if os.WIFSTOPPED(status) else stopped
        print(json.dumps([time.monotonic() - began, status]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
