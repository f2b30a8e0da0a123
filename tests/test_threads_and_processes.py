"""Threads, forked and spawned children, event loops: the same reports to the last digit, and nobody hangs."""

from __future__ import annotations

import asyncio
import copy
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend, why_not
from accel_drift_kernels.numba_cpu.pair_tiles import LARGE
from tests import scoring_processes as scoring

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 120
"""Seconds after which a deadlock is taken for one."""

no_jax = pytest.mark.skipif(why_not("jax") is not None, reason="needs JAX")
can_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")


def all_at_once(work: Any, arguments: list[Any]) -> list[Any]:
    """Call `work` on every argument, each in a thread, all let go together; a thread that hangs is a failure."""
    start = threading.Barrier(len(arguments))

    def waiting(argument: Any) -> Any:
        start.wait(PATIENCE_S)
        return work(argument)

    pool = ThreadPoolExecutor(len(arguments))
    try:
        found: list[Future[Any]] = [pool.submit(waiting, argument) for argument in arguments]
        return [future.result(PATIENCE_S) for future in found]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def run(what: str) -> dict[str, Any]:
    """The JSON that the scoring process prints; killed, with a failure, when it hangs."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    done = subprocess.run(
        [sys.executable, "-m", "tests.scoring_processes", what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.slow
def test_eight_threads_share_a_profile(backend: Backend) -> None:
    made, batches = scoring.profile(backend), scoring.batches()
    serial = [scoring.score(made, batch) for batch in batches]
    assert serial[0] != serial[1]
    threads = all_at_once(lambda i: scoring.score(made, batches[i % 2]), list(range(scoring.THREADS)))
    assert threads == serial * (scoring.THREADS // 2)


def test_eight_threads_with_threads_of_their_own_make_the_same_sums() -> None:
    kernels = get_backend("numpy").kernels
    rng = np.random.default_rng(0)
    z = rng.standard_normal((LARGE, 3))
    labels = rng.integers(0, 256, (len(z), 2), dtype=np.uint8)

    def work(_: int) -> list[Any]:
        sums = kernels.pair_label_sums(z, labels, 16, "gaussian", np.ones(1))
        return [part.tobytes() for part in (*sums, kernels.pair_row_sums(z, z[:, :2], "gaussian", np.ones(1)))]

    want = work(0)
    assert all_at_once(work, [0] * scoring.THREADS) == [want] * scoring.THREADS


def test_an_event_loop_scores_in_its_threads() -> None:
    made, batch = ad.Profile.fit(scoring.data(0, 200), ["psi", "ks"], backend="numpy"), scoring.data(1, 100)

    async def several() -> list[ad.Report]:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.gather(*(asyncio.to_thread(made.score, batch) for _ in range(4)))

    assert {scoring.plain(report) for report in asyncio.run(several())} == {scoring.score(made, batch)}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", pytest.param("fork", marks=can_fork)])
def test_children_give_the_parents_reports(how: str) -> None:
    made = run(how)
    assert made["children"] == made["serial"]
    assert len(set(made["serial"])) == len(scoring.batches())


@pytest.mark.slow
def test_the_first_calls_of_a_process_may_come_from_eight_threads() -> None:
    made = run("first")
    assert made["children"] == made["serial"]
    assert len(made["children"]) == scoring.THREADS


@no_jax
@can_fork
@pytest.mark.slow
def test_jax_in_a_forked_child_is_an_error_and_no_deadlock() -> None:
    assert "JAX does not work across a fork" in run("jax")["said"]


def test_what_travels_between_processes_can_be_pickled(backend: Backend) -> None:
    reference, batch = scoring.data(0, 60), scoring.data(1, 50, 1.0)
    made = ad.Profile.fit(reference, ["psi"], backend=backend)
    fitted = ad.PSI(permutations=99).fit(reference, backend=backend)
    report = made.score(batch)
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):  # noqa: S301  our own bytes
        assert scoring.score(again, batch) == scoring.plain(report)
        assert again.backend.name == backend.name
    for value in (report, report.findings[0], fitted.detector, ad.Status.DRIFTED, report.severity):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    np.testing.assert_array_equal(again.score(batch), fitted.score(batch))
    assert pickle.loads(pickle.dumps(fitted.detect(batch))).findings == fitted.detect(batch).findings  # noqa: S301


def test_writing_a_file_leaves_the_mask_of_the_process_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask can only be read by setting it, which two threads cannot do at once."""

    def refused(mask: int) -> int:
        raise AssertionError(f"the mask is set to {mask}")

    monkeypatch.setattr(os, "umask", refused)
    report = ad.compare(scoring.data(0, 50), scoring.data(1, 50), ["ks"], backend="numpy")
    all_at_once(lambda i: report.to_json(tmp_path / f"{i % 2}.json"), list(range(scoring.THREADS)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json", "1.json"]
    assert (tmp_path / "0.json").read_bytes() == (tmp_path / "1.json").read_bytes()
