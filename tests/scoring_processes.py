"""Scores one profile in this process and in children of it, and prints the reports as JSON.

Run by `test_threads_and_processes.py` as a process of its own: children of a test process would start with
whatever other tests have loaded, and a fork of threads that hang would hang the tests.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.detectors.base import Detector
from accel_drift.errors import BackendError

THREADS = 8


def data(seed: int, rows: int, shift: float = 0.0) -> dict[str, Any]:
    """Numbers without and with ties, categories, missing values."""
    rng = np.random.default_rng(seed)
    holes = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows))
    return {
        "x": rng.normal(size=rows) + shift,
        "k": rng.poisson(4, rows),
        "c": rng.choice(list("abcde"), rows),
        "h": holes,
    }


def detectors() -> list[Detector | str]:
    """One of every sort, MMD by rows."""
    few: dict[str, Any] = {"permutations": 99}
    return [ad.PSI(**few), ad.KS(**few), ad.ChiSquare(**few), ad.Missing(), ad.Unseen(**few), ad.MMD(**few)]


def profile(backend: str | Backend = "numpy") -> ad.Profile:
    """A small one."""
    return ad.Profile.fit(data(0, 120), detectors(), alpha=0.2, backend=backend)


def batches() -> list[dict[str, Any]]:
    """A stable one and one that drifted, of one size: JAX compiles for each."""
    return [data(1, 100), data(2, 100, 0.8)]


def plain(report: ad.Report) -> str:
    """A report but for when it was made, to the last digit."""
    parts = report.to_dict()
    return json.dumps({k: v for k, v in parts.items() if k not in ("created_at", "elapsed_s")}, sort_keys=True)


def score(made: ad.Profile, batch: dict[str, Any]) -> str:
    """What a worker of a pool does."""
    return plain(made.score(batch))


def jax_says() -> str:
    """What the JAX backend answers in a forked child."""
    try:
        ad.PSI().fit({"x": [1.0, 2.0]}, backend="jax").score({"x": [1.0, 2.0]})
    except BackendError as error:
        return str(error)
    return "it worked"


def in_processes(how: str) -> dict[str, Any]:
    """Serial reports, and those of children started by `how` once the parent has scored."""
    made, given = profile(), batches()
    serial = [score(made, batch) for batch in given]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as pool:
        return {"serial": serial, "children": list(pool.map(score, [made] * len(given), given))}


def jax_after_fork() -> dict[str, Any]:
    """The parent has used JAX; what does a forked child hear?"""
    assert jax_says() == "it worked"
    warnings.simplefilter("ignore")  # JAX warns of the fork itself
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return {"said": pool.apply(jax_says)}


def first_calls() -> dict[str, Any]:
    """Eight threads whose first call is the process's first: imports, backend and kernels come up in all at once."""
    start = threading.Barrier(THREADS)

    def work(_: int) -> list[str]:
        start.wait(60)
        made = profile()
        return [score(made, batch) for batch in batches()]

    with ThreadPoolExecutor(THREADS) as pool:
        threads = list(pool.map(work, range(THREADS)))
    return {"serial": [work_alone()] * THREADS, "children": threads}


def work_alone() -> list[str]:
    """The same by one thread."""
    return [score(profile(), batch) for batch in batches()]


if __name__ == "__main__":
    what = sys.argv[1]
    answer = {"first": first_calls, "jax": jax_after_fork}.get(what, lambda: in_processes(what))()
    sys.stdout.write(json.dumps(answer))
