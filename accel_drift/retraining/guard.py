"""Runs a command for a process that may be killed: the command, and what it started, end with it, or at a time limit.

It is run as a file, by an interpreter of its own, and imports nothing of this package. Its standard input is held open
by whoever wants the command to go on; what the command writes goes to its standard error; on its standard output it
says, a JSON object a line, the number of the command's process, and how the command ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

GRACE_S = 5.0
"""Seconds from being asked to end to being ended."""


def main(limit: float | None, command: list[str]) -> int:
    """Run it; 0 where that could be done, however it ended.

    Args:
        limit: seconds; None for any.
        command: its words.
    """
    try:
        child = subprocess.Popen(  # noqa: S603  (the user's own command, by no shell)
            command, stdin=subprocess.DEVNULL, stdout=2, stderr=2, start_new_session=True
        )
    except OSError as error:
        _say({"error": f"cannot run {command[0]}: {error.strerror or error}"})
        return 0
    _say({"pid": child.pid})
    stopped = threading.Event()
    threading.Thread(target=_watch, args=(child, stopped), daemon=True).start()
    timed_out = False
    try:
        child.wait(limit)
    except subprocess.TimeoutExpired:
        timed_out = True
        end(child)
    # What it left behind ends with it: another run of the same request may follow.
    _signalled(child.pid, "SIGKILL")
    _say({"code": child.returncode, "timed_out": timed_out, "stopped": stopped.is_set()})
    return 0


def end(child: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started in its group: first it is asked to."""
    _signalled(child.pid, "SIGTERM")
    if not hasattr(os, "killpg"):
        child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    _signalled(child.pid, "SIGKILL")
    if child.poll() is None:
        child.kill()
    child.wait()


def _watch(child: subprocess.Popen[bytes], stopped: threading.Event) -> None:
    """Wait until nobody wants it to go on."""
    while os.read(0, 1):
        pass
    stopped.set()
    end(child)


def _signalled(group: int, name: str) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, getattr(signal, name))


def _say(told: dict[str, object]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for _number in (signal.SIGINT, signal.SIGTERM):
        # A handler, as the command would inherit a signal that is ignored, and could not be asked to end.
        signal.signal(_number, lambda *_given: None)
    sys.exit(main(float(sys.argv[1]) or None, sys.argv[2:]))
