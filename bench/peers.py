"""Other drift libraries on the same rows, each in a process of its own under a Python of its own.

`measure` writes the rows to a file and starts this file under that Python, once a library; `main` is what it runs
there, and imports neither the engine nor the rest of the bench. What the child prints last is one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

RUNS = 2
WAIT_S = 600.0
"""A library that takes longer is given up."""

Samples = Mapping[str, Any]
"""x (n, d) and y (m, d), permutations, sigma, window: of what `question.TwoSamples` holds."""

Test = Callable[[], tuple[float | None, float | None]]
"""A whole test: the statistic and the p-value, where the library tells them."""


def alibi_torch(given: Samples) -> Test:
    """alibi-detect: its own median bandwidth, all permutations."""
    drift = import_module("alibi_detect.cd").MMDDrift

    def test() -> tuple[float | None, float | None]:
        made = drift(given["x"], backend="pytorch", n_permutations=given["permutations"], device="cpu")
        told = made.predict(given["y"])["data"]
        return float(told["distance"]), float(told["p_val"])

    return test


def alibi_keops(given: Samples) -> Test:
    """alibi-detect on KeOps."""
    drift = import_module("alibi_detect.cd").MMDDrift

    def test() -> tuple[float | None, float | None]:
        made = drift(given["x"], backend="keops", n_permutations=given["permutations"], device="cpu")
        told = made.predict(given["y"])["data"]
        return float(told["distance"]), float(told["p_val"])

    return test


def frouros(given: Samples) -> Test:
    """Frouros with its permutation callback, both given the bandwidth."""
    callbacks, drift = import_module("frouros.callbacks"), import_module("frouros.detectors.data_drift")
    kernel = partial(import_module("frouros.utils.kernels").rbf_kernel, sigma=given["sigma"])

    def test() -> tuple[float | None, float | None]:
        callback = callbacks.PermutationTestDistanceBased(
            num_permutations=given["permutations"], random_state=0, num_jobs=1, name="permutation", verbose=False
        )
        made = drift.MMD(kernel=kernel, callbacks=[callback])
        made.fit(X=given["x"])
        distance, logs = made.compare(X=given["y"])
        return float(distance.distance), float(logs["permutation"]["p_value"])

    return test


def hyppo(given: Samples) -> Test:
    """Hyppo with its chi-squared approximation in place of permutations."""
    drift = import_module("hyppo.ksample").MMD

    def test() -> tuple[float | None, float | None]:
        statistic, p = drift(gamma=0.5 / given["sigma"] ** 2).test(given["x"], given["y"], auto=True)[:2]
        return float(statistic), float(p)

    return test


def evidently(given: Samples) -> Test:
    """Evidently's preset: a test that it chooses for every column, and their tables and pictures."""
    presets, report = import_module("evidently.presets"), import_module("evidently").Report
    frame = import_module("pandas").DataFrame
    names = [f"x{j}" for j in range(given["x"].shape[1])]
    x, y = (frame(given[side], columns=names) for side in "xy")

    def test() -> tuple[float | None, float | None]:
        (drifted, *_) = report([presets.DataDriftPreset()]).run(y, x).dict()["metrics"]
        return float(drifted["value"]["share"]), None

    return test


def alibi_online(given: Samples) -> Test:
    """alibi-detect, one row a call, as it takes them; its thresholds, which take long, for a short run."""
    drift, window = import_module("alibi_detect.cd").MMDDriftOnline, int(given["window"])
    made = drift(
        given["x"].astype(np.float32), ert=100, window_size=window, n_bootstraps=1000, backend="pytorch", device="cpu",
        verbose=False,
    )  # fmt: skip
    rows = given["y"].astype(np.float32)

    def test() -> tuple[float | None, float | None]:
        made.reset_state()
        return [float(made.predict(row)["data"]["test_stat"]) for row in rows][-1], None

    return test


EVIDENTLY = "evidently DataDriftPreset"
ONLINE = "alibi-detect MMDDriftOnline, PyTorch"

LIBRARIES: Mapping[str, tuple[str, Callable[[Samples], Test], str]] = {
    "alibi-detect MMDDrift, PyTorch": ("alibi-detect", alibi_torch, ""),
    "alibi-detect MMDDrift, KeOps": ("alibi-detect", alibi_keops, ""),
    "frouros MMD": ("frouros", frouros, "bandwidth given"),
    "hyppo MMD": ("hyppo", hyppo, "chi-squared approximation, no permutations; bandwidth given"),
    EVIDENTLY: ("evidently", evidently, "it chooses a test for each column"),
    ONLINE: ("alibi-detect", alibi_online, "one row a call, on one reference and window"),
}
"""Name -> distribution, test, and what sets it apart."""

MMD = tuple(name for name in LIBRARIES if name not in (EVIDENTLY, ONLINE))


def measure(python: Path, samples: Any) -> Iterator[dict[str, Any]]:
    """A row of the result for each library that is asked.

    Args:
        python: the interpreter of the libraries' environment.
        samples: a `question.TwoSamples`.

    Yields:
        Rows with times; or with the reason in `note` and no time, where a library fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "samples.npz"
        numbers = {name: getattr(samples, name) for name in ("permutations", "sigma", "window")}
        np.savez(rows, x=samples.x, y=samples.y, **numbers)
        for name in samples.names:
            yield _row(name, _child(python, rows, name), samples.pieces)


def _child(python: Path, rows: Path, name: str) -> dict[str, Any]:
    command = [str(python), "-I", __file__, str(rows), name]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {WAIT_S:.0f} s"}
    if made.returncode:
        # The last line of a traceback names the error; the lines above name folders.
        return {"failed": (made.stderr.strip().splitlines() or ["no word"])[-1][:120]}
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def _row(name: str, told: Mapping[str, Any], pieces: int) -> dict[str, Any]:
    distribution, _, apart = LIBRARIES[name]
    if "failed" in told:
        return {"name": name, "role": "library", "median_s": None, "note": f"not run: {told['failed']}"}
    notes = [f"{distribution} {told['version']}, NumPy {told['numpy']}", apart]
    notes += [] if told["p"] is None else [f"p = {told['p']:.3g}"]
    warm = sorted(t / pieces for t in told["warm_s"])
    return {
        "name": name,
        "role": "library",
        "median_s": warm[len(warm) // 2],
        "fastest_s": warm[0],
        "first_call_s": told["first_s"] / pieces,
        "note": "; ".join(n for n in notes if n),
    }


def main() -> None:
    """Time one library on the rows of a file: import apart, one first test, then `RUNS` more."""
    warnings.simplefilter("ignore")
    os.environ["DO_NOT_TRACK"] = "1"
    path, name = sys.argv[1:3]
    with np.load(path) as held:
        given = {k: held[k] if held[k].ndim else held[k].item() for k in held.files}
    distribution, open_test, _ = LIBRARIES[name]
    test = open_test(given)
    seconds, found = [], []
    for _ in range(1 + RUNS):
        started = perf_counter()
        found.append(test())
        seconds.append(perf_counter() - started)
    statistic, p = found[0]
    told = {"first_s": seconds[0], "warm_s": seconds[1:], "statistic": statistic, "p": p}
    print(json.dumps({**told, "version": version(distribution), "numpy": np.__version__}))


if __name__ == "__main__":
    main()
