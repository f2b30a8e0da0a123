"""Detectors of other libraries as contenders: each answers from a process under the Python that has it.

Most of these libraries pin an older NumPy, so that they can't be imported beside the engine. `Elsewhere` starts this
file under that Python, once a process of the study and library, and sends it the reference and each batch as a line of
JSON; `main` is what runs there, and answers by the package's own adapters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "kernels"))

from accel_drift.evaluation import adapters
from accel_drift.evaluation.judged import Judged

PYTHON = "ACCEL_DRIFT_PEERS"
"""The variable that names that Python, as in `bench.online_peer`."""

ALPHA = 0.01
"""Of those that take a level; the others have their defaults."""

MMD_ROWS = 500
"""Of the reference, for alibi-detect's MMD."""

CHUNK = 100
"""Rows of a chunk, by which NannyML finds its thresholds: as many as a batch has."""


def _alibi_ks(x: Any) -> Any:
    return import_module("alibi_detect.cd").KSDrift(x, p_val=ALPHA)


def _alibi_mmd(x: Any) -> Any:
    # All rows of the reference would take seconds a batch.
    return import_module("alibi_detect.cd").MMDDrift(x[:MMD_ROWS], p_val=ALPHA, backend="pytorch", device="cpu")


def _float32(rows: Any) -> Any:
    return adapters.matrix(rows).astype(np.float32)


def _frouros_ks() -> Any:
    return import_module("frouros.detectors.data_drift").KSTest()


def _evidently(reference: Any, batch: Any) -> Any:
    presets, report = import_module("evidently.presets"), import_module("evidently").Report
    return report([presets.DataDriftPreset()]).run(_features(batch), _features(reference))


def _nannyml() -> Any:
    return import_module("nannyml").UnivariateDriftCalculator(column_names=list(_FEATURES), chunk_size=CHUNK)


def _features(rows: Mapping[str, Any]) -> Any:
    return import_module("pandas").DataFrame({name: rows[name] for name in _FEATURES})


_FEATURES = ("x0", "x1", "x2", "x3", "x4", "c0")

_MADE: Mapping[str, Callable[[], Any]] = {
    "alibi-detect KSDrift": lambda: adapters.alibi_detect(_alibi_ks),
    "alibi-detect MMDDrift": lambda: adapters.alibi_detect(_alibi_mmd, rows=_float32),
    "frouros KSTest": lambda: adapters.frouros(_frouros_ks, alpha=ALPHA),
    "evidently DataDriftPreset": lambda: adapters.evidently(_evidently),
    "NannyML UnivariateDriftCalculator": lambda: adapters.nannyml(_nannyml, _features),
}

_DISTRIBUTION = {name: name.split(" ", maxsplit=1)[0].lower() for name in _MADE}


class Elsewhere:
    """One of them, as a contender.

    Attributes:
        name: of the library and its detector.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, reference: Mapping[str, Any]) -> Elsewhere:
        """Learn a reference; what was learned before is forgotten.

        Raises:
            RuntimeError: no Python is named, or the library failed.
        """
        _ask(self.name, "fit", reference)
        return self

    def detect(self, batch: Mapping[str, Any]) -> Judged:
        """Ask about a batch.

        Raises:
            RuntimeError: the library failed.
        """
        told = _ask(self.name, "detect", batch)
        return Judged(told["score"], told["alarm"])


LIBRARIES: Mapping[str, Elsewhere] = {name: Elsewhere(name) for name in _MADE}


def installed() -> dict[str, str]:
    """The versions of the libraries, by the names of their detectors."""
    return {name: _ask(name, "version", None)["version"] for name in LIBRARIES}


def _ask(name: str, what: str, rows: Mapping[str, Any] | None) -> dict[str, Any]:
    child = _child(name)
    assert child.stdin is not None and child.stdout is not None  # noqa: PT018, S101  both are pipes
    sent = None if rows is None else {column: np.asarray(values).tolist() for column, values in rows.items()}
    child.stdin.write(json.dumps({"what": what, "rows": sent}) + "\n")
    child.stdin.flush()
    answer = child.stdout.readline()
    told: dict[str, Any] = json.loads(answer) if answer else {"error": "its process ended"}
    if "error" in told:
        raise RuntimeError(f"{name}: {told['error']}")
    return told


_children: dict[str, subprocess.Popen[str]] = {}
"""Each library's process; it ends with this one, which closes the pipe that it reads."""


def _child(name: str) -> subprocess.Popen[str]:
    if name not in _children:
        if not os.environ.get(PYTHON):
            raise RuntimeError(
                "other libraries run under a Python of their own; name that by --peers, see bench/peers.txt"
            )
        # The study runs several processes; threads of each would only wait for one another.
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        command = [os.environ[PYTHON], "-I", __file__, name]
        _children[name] = subprocess.Popen(command, env=alone, text=True, **pipes)
    return _children[name]


def close() -> None:
    """End the libraries' processes; the next question starts them again."""
    while _children:
        _, child = _children.popitem()
        child.communicate()


def main() -> None:
    """Answer line by line, until there are none."""
    warnings.simplefilter("ignore")
    out, name, fitted = os.fdopen(os.dup(1), "w"), sys.argv[1], None
    os.dup2(2, 1)  # what a library prints is no answer
    contender = _MADE[name]()
    for line in sys.stdin:
        asked = json.loads(line)
        rows = {column: np.asarray(values) for column, values in (asked["rows"] or {}).items()}
        rows = {c: v.astype(object) if v.dtype.kind == "U" else v for c, v in rows.items()}
        try:
            if asked["what"] == "version":
                told: dict[str, Any] = {"version": version(_DISTRIBUTION[name])}
            elif asked["what"] == "fit":
                np.random.seed(0)  # noqa: NPY002  the generator that these libraries draw from
                fitted, told = contender.fit(rows), {}
            else:
                assert fitted is not None  # noqa: S101
                said = fitted.detect(rows)
                told = {"score": float(said.score), "alarm": bool(said.alarm)}
        except Exception as error:  # noqa: BLE001  whatever a library raises is its answer
            told = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(told), file=out, flush=True)


if __name__ == "__main__":
    main()
