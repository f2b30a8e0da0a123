"""A contender in a process of its own that stays: for settings of the environment, which are read once a process.

`Apart` starts the process when it is first called and asks it for an answer with each call; `main` is that process. A
question over a pipe takes some 0.1 ms, so that the calls can be timed in turns with others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(1, str(ROOT / "kernels"))

_WAIT_S = 30.0


class Apart:
    """What a contender of a case computes under other settings.

    Args:
        case: where the contender is.
        sizes: of the question.
        backend: the only one that the question is asked of.
        contender: its name.
        settings: names and values for the environment.
    """

    def __init__(self, case: str, sizes: Mapping[str, int], backend: str, contender: str, **settings: str) -> None:
        self._asked = json.dumps([case, dict(sizes), backend, contender])
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    def __call__(self) -> npt.NDArray[Any]:
        """The answer.

        Raises:
            RuntimeError: the process ended; it said why on the standard error stream, which is ours.
        """
        process = self._process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        with suppress(BrokenPipeError):  # it ended: no answer will come
            process.stdin.write("\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process for {self._asked} ended with code {process.wait(_WAIT_S)}")
        return np.array(json.loads(answer))

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, __file__, self._asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self._settings},
        )
        weakref.finalize(self, _end, process)
        return process


def _end(process: subprocess.Popen[str]) -> None:
    """Without a question to come the process ends by itself."""
    with suppress(OSError), process:
        pass


def main() -> None:
    """Answer for every line that comes in."""
    from accel_drift.backends import get_backend
    from bench.cases import find

    case, sizes, backend, name = json.loads(sys.argv[1])
    told = sys.stdout
    with redirect_stdout(sys.stderr):  # whatever a library says is no answer
        compute = find(case).ask(sizes, [get_backend(backend)]).contenders[name].compute
        for _ in sys.stdin:
            print(json.dumps(compute().tolist()), file=told, flush=True)


if __name__ == "__main__":
    main()
