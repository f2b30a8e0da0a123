"""The benchmark's pieces on tiny sizes: they run, agree with one another, and refuse what they cannot do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest

from accel_drift.backends import get_backend
from accel_drift.backends._numpy import NumpyBackend
from bench import footprint, machine, parquet_rows, pictures, readme, run
from bench.cases import CASES, find, judged
from bench.limits import Limit
from bench.question import Case, Contender, DisagreementError, Question, check
from bench.timing import Times, interleaved, ratio

_SAMPLES = {"n": 96, "d": 3, "P": 20}
TINY: Mapping[str, Mapping[str, int]] = {
    "alerts": {"n": 300, "d": 2, "rules": 40, "reports": 20, "windows": 2},
    "columns": {"n": 300, "d": 2},
    "confidence": {"n": 300, "k": 4, "bits": 32},
    "fit_parquet": {"rows": 3000},
    "histogram": {"n": 300, "d": 2, "bins": 10, "bits": 64},
    "hypergeometric": {"draws": 50, "columns": 2, "bins": 4},
    "ks_large": {"n": 300},
    "monitor": {"n": 300, "d": 2, "windows": 2},
    "online_rows": {"n": 100, "m": 200, "d": 2, "window": 5, "few": 100},
    "score_wide": {"n": 300, "d": 3, "few": 2},
    "streams": {"T": 2000, "S": 3, "middle": 2, "least": 1, "few": 1},
    "stream_long": {"T": 3000, "part": 2000},
    "wide": {"n": 60, "d": 20},
    "mmd_gpu": {**_SAMPLES, "groups": 1},
    "mmd_wgmma": {**_SAMPLES, "groups": 0},
    "mmd_large": {**_SAMPLES, "n": 320},
    "mmd_stream": {"n": 400, "group": 2, "d": 2, "B": 19, "batches": 4},
    "mmd_embeddings": {**_SAMPLES, "m": 40, "d": 48},
    "mmd_unequal": {**_SAMPLES, "m": 40},
}
"""Sizes of the cases; `_SAMPLES` for all others."""


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contenders_of_every_case_agree(case: Case) -> None:
    question = case.ask(TINY.get(case.name, _SAMPLES), [get_backend("numpy")])
    answers = {name: c.compute() for name, c in question.contenders.items()}
    check(question, answers)
    assert all(np.isfinite(a).all() for a in answers.values())
    # Of these two nothing is comparable: one contender, and rules beside scoring.
    comparable = case.name not in ("mmd_large", "alerts")
    assert any(c.tolerance is not None for c in question.contenders.values()) == comparable


def test_a_wrong_answer_is_told() -> None:
    question = find("columns").ask(TINY["columns"], [get_backend("numpy")])
    answers = {name: c.compute() for name, c in question.contenders.items()}
    answers["numpy psi"] = answers["numpy psi"] * 1.01
    with pytest.raises(DisagreementError, match="numpy psi is off"):
        check(question, answers)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_contender_names_another_and_a_floor_that_exist(case: Case) -> None:
    question = case.ask(TINY.get(case.name, _SAMPLES), [get_backend("numpy")])
    for contender in question.contenders.values():
        assert contender.floor in question.floors or not (contender.floor or question.floors)
        assert contender.against in question.contenders or not contender.against
        assert contender.role == "ours" or not contender.against


def test_rounds_are_interleaved_and_in_an_order_of_their_own() -> None:
    seen: list[str] = []
    calls = {name: (lambda name=name: seen.append(name)) for name in "abcdef"}
    times = interleaved(calls, 3)
    rounds = ["".join(seen[i : i + 6]) for i in range(0, 24, 6)]
    assert len(seen) == 24
    assert all(sorted(r) == list("abcdef") for r in rounds)
    assert len(set(rounds)) > 2
    assert all(len(t.warm) == 3 for t in times.values())


def test_the_ratio_is_taken_within_rounds() -> None:
    # The machine was ten times slower in the second round: the ratio does not see it.
    ours, peer = Times(9.0, (1.0, 10.0, 2.0)), Times(9.0, (3.0, 30.0, 4.0))
    assert ratio(ours, peer) == 3.0


def _limits() -> dict[str, Any]:
    products = (f"gemm {dtype}" for dtype in ("float16", "float32", "float64"))
    names = ("read", "sort float32", *products, "exp float32", "exp float64")
    return {name: Limit(1.0, "B", lambda: None) for name in names}


def test_a_run_of_every_case_judges_goals_and_makes_a_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "limits", lambda _: _limits())
    monkeypatch.setattr(run, "open_backends", lambda _: [get_backend("numpy")])
    cases = [replace(c, quick=[{**s, **TINY.get(c.name, _SAMPLES)} for s in c.quick]) for c in CASES]
    said: list[str] = []
    growth = next(i for i, c in enumerate(cases) if c.name == pictures.GROWTH)
    cases[growth] = replace(cases[growth], quick=[{**_SAMPLES, "n": n} for n in (30, 60, 120)])
    found = run.report(cases, run.Options("cpu", quick=True, memory=False, runs=1), said.append)
    assert "BLAS kernel" in said[0]
    assert {q["case"] for q in found["questions"]} == {c.name for c in CASES if "cpu" in c.devices}
    assert all(c["median_s"] > 0 for q in found["questions"] for c in q["contenders"])
    goals = judged(found)
    assert {g["case"] for g in goals} == {c.name for c in CASES if c.goals and "cpu" in c.devices}
    known = [g for g in goals if g["met"] is not None]
    assert all(np.isfinite(g["value"]) for g in known)
    (tmp_path / "cpu-2000-01-01.json").write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    slow = {**found, "machine": {**found["machine"], "blas": [{**found["machine"]["blas"][0], "architecture": "Slow"}]}}
    (tmp_path / "cpu-2000-01-01-slow.json").write_text(json.dumps(slow), encoding="utf-8")
    page, drawn = readme.render(tmp_path), readme.drawn(tmp_path)
    assert all(g["text"] in page for g in goals)
    fast, slow_too = page.split("### The goals once more: slow")
    assert f"kernel {machine.blas_kernel()}, " in fast
    assert "kernel Slow, " in slow_too
    assert page.count("### Growth of MMD") == 1
    assert set(drawn) == {"cpu-time.svg", "cpu-floor.svg"}
    for name, svg in drawn.items():
        assert f"(pictures/{name})" in page
        assert ElementTree.fromstring(svg).tag.endswith("svg")  # noqa: S314  (our own)


class Device(NumpyBackend):
    """What takes itself for a GPU; no other process can open it."""

    name = "cupy"
    is_gpu = True


def test_a_run_on_a_gpu_judges_its_goals_and_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run, "limits", lambda _: _limits())
    monkeypatch.setattr(run, "open_backends", lambda _: [Device()])
    asked = {"mmd_gpu": ({"groups": 0}, {"groups": 1}), "mmd_wgmma": ({"groups": 0},), "mmd_groups": ({},)}
    cases = [replace(find(name), quick=[{**_SAMPLES, **s} for s in sizes]) for name, sizes in asked.items()]
    kept: list[int] = []
    found = run.report(
        cases,
        run.Options("gpu", quick=True, runs=1),
        lambda _: None,
        lambda known: kept.append(len(known["questions"])),
    )
    assert kept == [2, 2, 3]
    rows = [c["name"] for q in found["questions"] for c in q["contenders"]]
    assert rows[:6] == [f"cupy {mode} {p}" for mode in ("rows", "groups") for p in ("float32", "float16", "int8")]
    assert [(g["case"], g["met"] is None) for g in judged(found)] == [("mmd_gpu", False)] * 2
    (failed,) = found["failed"]
    assert failed["case"] == "mmd_wgmma"
    assert "RuntimeError: the process for" in failed["error"]
    (tmp_path / "gpu-2000-01-01.json").write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    page = readme.render(tmp_path)
    assert "**Failed: mmd_wgmma, n = 96" in page
    assert "results/gpu-2000-01-01.json" in page


def test_a_failed_question_is_an_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ask(*_: object) -> Question:
        raise ValueError("out of\nluck")

    monkeypatch.setattr(run, "limits", lambda _: _limits())
    monkeypatch.setattr(run, "CASES", [replace(find("columns"), ask=ask)])
    out = tmp_path / "some.json"
    assert run.main(["--quick", "--out", str(out)]) == 2
    assert [f["error"] for f in json.loads(out.read_text(encoding="utf-8"))["failed"]] == ["ValueError: out of luck"]


def test_a_gpu_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "why_not", lambda name: f"no {name}\nhere")
    monkeypatch.setattr(os, "environ", {})
    assert run.main(["--device", "gpu"]) == 2
    assert os.environ == {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    told = capsys.readouterr()
    assert told.err.splitlines() == ["no backend for gpu here (cupy: no cupy here; jax: no jax here)"]
    assert not told.out


def test_the_peak_of_memory_is_seen() -> None:
    footprint.give_back()  # what other tests freed would else hold the array without a new page
    if not footprint.reset_peak():
        pytest.skip("the system keeps no account of peaks")
    before = footprint._kilobytes("VmRSS")
    held = np.ones(40 << 17)  # 40 MiB, touched
    assert footprint._kilobytes("VmHWM") - before > 35 * 1024
    assert held.size


def test_a_fresh_process_tells_what_it_needs() -> None:
    told = footprint.measure("hypergeometric", dict(TINY["hypergeometric"]), ["numpy"], "numpy hypergeometric")
    assert told["first_call_s"] > 0
    if footprint.reset_peak():
        assert told["process_mb"] > 20 > told["peak_mb"]


def test_rows_in_files_are_written_once_and_go_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(parquet_rows._FOLDER, raising=False)
    monkeypatch.setattr(parquet_rows, "_HELD", [])
    monkeypatch.setattr(parquet_rows, "FILE_ROWS", 100)
    folder = parquet_rows.dataset(250)
    files = sorted(folder.iterdir())
    assert [pq.read_metadata(path).num_rows for path in files] == [100, 100, 50]
    assert any(column.null_count for column in pq.read_table(files[0]).columns)
    written = files[0].stat().st_mtime_ns
    assert (parquet_rows.dataset(250), files[0].stat().st_mtime_ns) == (folder, written)
    parquet_rows._HELD.pop().cleanup()
    assert not folder.exists()


def test_facts_of_the_machine_name_the_kernel_and_no_path() -> None:
    found = machine.facts()
    assert all(b["architecture"] for b in found["blas"])
    assert "/" not in json.dumps(found)


def test_a_contender_without_a_tolerance_is_not_checked() -> None:
    question = Question("x", {}, {"ours": Contender("ours", lambda: np.ones(1), "peer")})
    check(question, {"ours": np.ones(1), "peer": np.zeros(1)})
