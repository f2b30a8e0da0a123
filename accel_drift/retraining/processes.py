"""A command under guard: with a time limit, the end of what it writes, and no secrets in that."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from accel_drift.history.hidden import hidden
from accel_drift.retraining import guard

TAIL_BYTES = 16_384
"""So much of the end of what a command writes is kept."""

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIAL|(^|_)PASS(_|$)|_PWD$|URL|DSN", re.IGNORECASE)
_SHORTEST_SECRET = 6
_TOLD = (
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
    re.compile(
        r"([\w-]*(?:password|passwd|secret|token|api_?key)[\w-]*[\"']?\s*[:=]\s*[\"']?)[^\s\"',&]+", re.IGNORECASE
    ),
    re.compile(r"(https?://hooks\.[\w.-]+/)\S+", re.IGNORECASE),
)
"""How secrets are often written: headers, pairs of a name and a value, webhooks. A secret without any mark stays."""


class Finished(NamedTuple):
    """How a command ended.

    Attributes:
        code: its exit status, below 0 for a signal; None where it did not run.
        timed_out: it ran past its limit.
        stopped: it was ended because nobody wanted it any more.
        error: why it did not run, or "".
        output: the end of what it wrote.
    """

    code: int | None
    timed_out: bool
    stopped: bool
    error: str
    output: str


def run(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: str | None,
    limit: float | None,
    wanted: Callable[[], bool],
    every: float,
) -> Finished:
    """Run a command to its end.

    Args:
        command: its words; no shell reads them.
        environ: all of its environment.
        folder: where it runs; None for here.
        limit: seconds; None for any.
        wanted: asked again and again whether it is to go on.
        every: seconds from one time to the next.
    """
    words = [sys.executable, "-I", str(Path(guard.__file__)), str(limit or 0.0), *command]
    try:
        held = subprocess.Popen(  # noqa: S603  (the user's own command, by no shell)
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        return Finished(None, False, False, f"cannot run in {folder}: {error.strerror or error}", "")
    tail = _Tail(held.stderr)
    stopped = False
    try:
        while True:
            try:
                held.wait(every)
                break
            except subprocess.TimeoutExpired:
                if not stopped and not wanted():
                    stopped = True
                    _let_go(held)
    finally:
        _let_go(held)
    said = _said(held.stdout)
    if "code" not in said and "pid" in said and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # somebody killed the guard alone
            os.killpg(said["pid"], signal.SIGKILL)
    why = str(said.get("error", "" if "code" in said else "what runs it was killed"))
    output = cleaned(tail.text(), environ)
    return Finished(said.get("code"), bool(said.get("timed_out")), stopped, why, output)


def cleaned(text: str, environ: Mapping[str, str]) -> str:
    """A text without passwords of URLs, what variables named like secrets hold, and what is written like a secret.

    >>> cleaned("token abcdef, sqlite://u:p@h", {"API_TOKEN": "abcdef"})
    'token ***, sqlite://u:***@h'
    """
    secrets = {value for name, value in environ.items() if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET}
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    for pattern in _TOLD:
        text = pattern.sub(r"\1***", text)
    return hidden(text)


def cleaned_values(value: Any, environ: Mapping[str, str]) -> Any:
    """Plain JSON values with every text in them cleaned."""
    if isinstance(value, str):
        return cleaned(value, environ)
    if isinstance(value, Mapping):
        return {cleaned(str(key), environ): cleaned_values(inner, environ) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned_values(inner, environ) for inner in value]
    return value


def _let_go(held: subprocess.Popen[bytes]) -> None:
    """Tell the guard that nobody wants the command any more."""
    if held.stdin is not None:
        with suppress(BrokenPipeError):
            held.stdin.close()


class _Tail:
    """Reads a pipe to its end in a thread, and keeps the last of it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._kept, self._cut = b"", False
        self._pipe = pipe
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last of it; without the line that it begins in the middle of, which may be the rest of a secret."""
        self._thread.join(1.0)  # a process that left the group may hold the pipe
        kept = self._kept
        if self._cut:
            kept = kept.partition(b"\n")[2] or b"(one long line)"
        return kept.decode("utf-8", "replace")

    def _read(self) -> None:
        with suppress(OSError, ValueError), self._pipe or nullcontext():
            while self._pipe is not None and (more := os.read(self._pipe.fileno(), 65_536)):
                whole = self._kept + more
                self._cut = self._cut or len(whole) > TAIL_BYTES
                self._kept = whole[-TAIL_BYTES:]


def _said(pipe: IO[bytes] | None) -> dict[str, Any]:
    """What the guard says, all in one mapping."""
    said: dict[str, Any] = {}
    with pipe or nullcontext():
        for line in pipe or ():
            with suppress(ValueError):
                said |= json.loads(line)
    return said
