"""What trains a model again when it is asked to: a command, or a function."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.options import is_finite
from accel_drift.retraining import processes
from accel_drift.retraining.asked import DONE, FAILED, TIMED_OUT, Request
from accel_drift.retraining.called import function_of
from accel_drift.retraining.processes import cleaned, cleaned_values

STOPPED = "stopped"
LONGEST_IMPORT_S = 120.0
LONGEST_OUTCOME = 1_000_000
"""Bytes of a hook's answer, at most."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a hook ended.

    Attributes:
        state: done, failed, timed out, or stopped: it was ended because nobody wanted it any more.
        told: what there is to say of it: "result" of a hook that is done, "error", "exit_code", "output".
    """

    state: str
    told: Mapping[str, Any]


class Hook(ABC):
    """Trains a model again. It may be run twice for one request, as where a machine fails: then its key is the same."""

    @abstractmethod
    def run(self, request: Request, wanted: Callable[[], bool], every: float) -> Ended:
        """Do what the request asks for.

        Args:
            request: what is asked for.
            wanted: asked again and again whether it is to go on; False ends it, where it can be ended.
            every: seconds from one time to the next.
        """


class Command(Hook):
    """A command, run by no shell, under a time limit that ends all of its process group.

    Its environment has ACCEL_DRIFT_REQUEST, the request's key; ACCEL_DRIFT_REQUEST_FILE, a JSON file with all of the
    request; and ACCEL_DRIFT_OUTCOME_FILE, where it may write what came of it as JSON. An exit status other than 0 is a
    failure. Processes that it leaves running in its group are ended with it, as they are when its runner is killed; one
    that begins a session of its own escapes. The end of what it writes is kept, without passwords of URLs and without
    what variables of the environment hold whose names are those of secrets.

    Args:
        command: its words.
        folder: where it runs; None for the folder of the runner.
        timeout: seconds; None for any.

    Raises:
        ConfigError: these cannot be.
    """

    def __init__(self, command: Sequence[str], *, folder: str | None = None, timeout: float | None = None) -> None:
        given: Any = command
        if isinstance(given, str) or not given or not all(isinstance(word, str) and "\0" not in word for word in given):
            raise ConfigError(f"command is {command!r:.200}; it is a list of words: ['python', 'train.py']")
        if timeout is not None and not (is_finite(timeout) and timeout > 0):
            raise ConfigError(f"timeout is {timeout!r}; it is a number of seconds above 0, or None")
        self.words, self.folder, self.timeout = tuple(command), folder, timeout
        self._more: dict[str, str] = {}

    def check(self) -> None:
        """Look whether its folder and its first word are there.

        Raises:
            ConfigError: one of them is not.
        """
        if self.folder is not None and not Path(self.folder).is_dir():
            raise ConfigError(f"folder is {self.folder!r}; there is no such folder")
        word = self.words[0]
        place = Path(self.folder or ".", word).absolute() if "/" in word else word
        if shutil.which(place) is None:
            raise ConfigError(f"command begins with {word!r}, which is no program that could be run here")

    def run(self, request: Request, wanted: Callable[[], bool], every: float) -> Ended:
        """Run it once."""
        with TemporaryDirectory(prefix="accel-drift-", ignore_cleanup_errors=True) as place:
            asked, answer = Path(place, "request.json"), Path(place, "outcome.json")
            asked.write_text(json.dumps(request.to_dict(), indent=2), encoding="utf-8")
            names = {"REQUEST": request.key, "REQUEST_FILE": str(asked), "OUTCOME_FILE": str(answer)}
            environ = {**os.environ, **self._more, **{f"ACCEL_DRIFT_{name}": value for name, value in names.items()}}
            found = processes.run(
                self.words, environ=environ, folder=self.folder, limit=self.timeout, wanted=wanted, every=every
            )
            return self._ended(found, answer)

    def _ended(self, found: processes.Finished, answer: Path) -> Ended:
        told: dict[str, Any] = {"exit_code": found.code, "output": found.output}
        if found.stopped:
            return Ended(STOPPED, told)
        if found.timed_out:
            return Ended(TIMED_OUT, {**told, "error": f"ended after {self.timeout:g} s, its time limit"})
        if found.error or found.code != 0:
            code = found.code or 0
            how = f"signal {-code}" if code < 0 else f"exit status {code}"
            return Ended(FAILED, {**told, "error": found.error or f"it ended with {how}"})
        try:
            return Ended(DONE, {**told, "result": cleaned_values(_answer(answer), os.environ)})
        except (ValueError, OSError) as error:
            return Ended(FAILED, {**told, "error": f"its outcome cannot be read: {error}"})


class Called(Command):
    """A function in a process of its own, with a time limit.

    Args:
        name: "package.module:function"; it is given the `Request`, and may return plain JSON values.
        folder: as of `Command`.
        timeout: as of `Command`.
    """

    def __init__(self, name: str, *, folder: str | None = None, timeout: float | None = None) -> None:
        call = f"import sys; from {called_module()} import main; main(sys.argv[1])"
        super().__init__([sys.executable, "-c", call, name], folder=folder, timeout=timeout)
        # Found where this process finds it, and where the hook runs.
        self._more = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        self._name = name

    def check(self) -> None:
        """Look whether its folder is there, and import the function, in a process as the one that would run it.

        Raises:
            ConfigError: one of them is not, or the import fails or takes minutes.
        """
        super().check()
        look = f"import sys; from {called_module()} import look; look(sys.argv[1])"
        try:
            found = subprocess.run(  # noqa: S603  (no shell)
                [sys.executable, "-c", look, self._name],
                cwd=self.folder,
                env={**os.environ, **self._more},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST_IMPORT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ConfigError(f"callable {self._name!r} is not imported within {LONGEST_IMPORT_S:g} s") from None
        if found.returncode:
            lines = found.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {found.returncode}"]
            raise ConfigError(f"callable cannot be run: {cleaned(lines[-1], os.environ)}")

    def run(self, request: Request, wanted: Callable[[], bool], every: float) -> Ended:
        """As a command; what the function raised is the error."""
        ended = super().run(request, wanted, every)
        lines = str(ended.told.get("output", "")).split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return replace(ended, told={**ended.told, "error": last}) if ended.state == FAILED and last else ended


class Function(Hook):
    """A function in a thread of the runner's process. It cannot be ended from outside, so it has no time limit.

    Args:
        function: it is given the `Request`, and may return plain JSON values.
    """

    def __init__(self, function: Callable[[Request], Any]) -> None:
        self.function = function

    def run(self, request: Request, wanted: Callable[[], bool], every: float) -> Ended:
        """Call it once; it is waited for, wanted or not."""
        ended: list[Ended] = []
        thread = threading.Thread(target=lambda: ended.append(self._called(request)), daemon=True)
        thread.start()
        still = True
        while thread.is_alive():
            thread.join(every)
            still = still and (not thread.is_alive() or wanted())
        return ended[0]

    def _called(self, request: Request) -> Ended:
        try:
            result = json.loads(json.dumps(self.function(request)), parse_constant=_no_number)
        except Exception as error:  # noqa: BLE001  whatever the user's function raises is told
            return Ended(FAILED, {"error": cleaned(f"{type(error).__name__}: {error}", os.environ)})
        except SystemExit as error:
            return Ended(FAILED, {"error": f"it asked to exit: {error}"})
        return Ended(DONE, {"result": cleaned_values(result, os.environ)})


def hook_of(given: Any, *, folder: str | None = None, timeout: float | None = None) -> Hook:
    """A hook of what was given.

    Args:
        given: a `Hook`; the words of a command; "package.module:function", which gets a process of its own; or a
            function, which has one where `timeout` is given.
        folder: where a process runs.
        timeout: seconds, for one that has a process of its own.

    Raises:
        ConfigError: it is nothing that could be run, or no process could find the function.
    """
    if isinstance(given, Hook):
        return given
    if isinstance(given, str):
        if given.count(":") != 1 or given.startswith(":") or given.endswith(":"):
            raise ConfigError(f"the hook is {given!r}; a function is package.module:function, a command a list")
        return Called(given, folder=folder, timeout=timeout)
    if callable(given):
        return Function(given) if timeout is None else Called(_name_of(given), folder=folder, timeout=timeout)
    if isinstance(given, Sequence):
        return Command(given, folder=folder, timeout=timeout)
    raise ConfigError(f"the hook is {given!r:.100}; it is a function, or the words of a command")


def called_module() -> str:
    """The module that calls a function."""
    return function_of.__module__


def _name_of(function: Callable[..., Any]) -> str:
    """By what name another process finds a function.

    Raises:
        ConfigError: by none.
    """
    name = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    if name.startswith("__main__:"):
        raise ConfigError("a function with a time limit is run in a process of its own: put it into a module")
    if "<" in name or function_of(name) is not function:
        raise ConfigError(f"{name} with a time limit is run in a process of its own: define it by def in a module")
    return name


def _answer(file: Path) -> Any:
    """What a hook wrote; None where it wrote nothing.

    Raises:
        ValueError: it is no JSON, or too long.
        OSError: it cannot be read.
    """
    if not file.exists():
        return None
    if file.stat().st_size > LONGEST_OUTCOME:
        raise ValueError(f"it is longer than {LONGEST_OUTCOME:,} bytes")
    return json.loads(file.read_text(encoding="utf-8"), parse_constant=_no_number)


def _no_number(_constant: str) -> None:
    """NaN and infinities, which JSON does not have, are null."""
