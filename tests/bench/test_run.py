"""The benchmark's pieces on tiny sizes: they run, agree with one another, and refuse what they cannot do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from accel_drift.backends import get_backend
from bench import footprint, machine, run
from bench.cases import CASES, find
from bench.question import Case, Contender, DisagreementError, Question, check
from bench.timing import Times, interleaved, ratio

TINY: Mapping[str, Mapping[str, int]] = {"mmd": {"n": 96, "d": 3, "P": 20}, "columns": {"n": 300, "d": 2}}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contenders_of_every_case_agree(case: Case) -> None:
    question = case.ask(TINY[case.name], [get_backend("numpy")])
    answers = {name: c.compute() for name, c in question.contenders.items()}
    check(question, answers)
    assert all(np.isfinite(a).all() for a in answers.values())


def test_a_wrong_answer_is_told() -> None:
    question = find("columns").ask(TINY["columns"], [get_backend("numpy")])
    answers = {name: c.compute() for name, c in question.contenders.items()}
    answers["numpy psi"] = answers["numpy psi"] * 1.01
    with pytest.raises(DisagreementError, match="numpy psi is off"):
        check(question, answers)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_contender_names_a_peer_and_a_floor_that_exist(case: Case) -> None:
    question = case.ask(TINY[case.name], [get_backend("numpy")])
    for contender in question.contenders.values():
        assert contender.floor in question.floors
        if contender.role == "ours":
            assert question.contenders[contender.against].role == "peer"
        else:
            assert not contender.against


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


def test_a_run_reports_every_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "limits", lambda _: _limits())
    case = replace(find("columns"), quick=[TINY["columns"]])
    said: list[str] = []
    found = run.report([case], run.Options("cpu", quick=True, memory=False, runs=1), said.append)
    (question,) = found["questions"]
    assert {c["name"] for c in question["contenders"]} >= {"numpy psi", "numpy ks"}
    assert all(c["fraction_of_floor"] > 0 for c in question["contenders"])
    json.dumps(found, allow_nan=False)
    assert "BLAS kernel" in said[0]


def _limits() -> dict[str, Any]:
    from bench.limits import Limit

    return {name: Limit(1.0, "B", lambda: None) for name in ("read", "sort float32")}


def test_a_gpu_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "why_not", lambda name: f"no {name}\nhere")
    assert run.main(["--device", "gpu"]) == 2
    told = capsys.readouterr()
    assert told.err.splitlines() == ["no backend for gpu here (cupy: no cupy here; jax: no jax here)"]
    assert not told.out


def test_the_peak_of_memory_is_seen() -> None:
    if not footprint.reset_peak():
        pytest.skip("the system keeps no account of peaks")
    before = footprint._kilobytes("VmRSS")
    held = np.ones(40 << 17)  # 40 MiB, touched
    assert footprint._kilobytes("VmHWM") - before > 35 * 1024
    assert held.size


def test_facts_of_the_machine_name_the_kernel_and_no_path() -> None:
    found = machine.facts()
    assert all(b["architecture"] for b in found["blas"])
    assert "/" not in json.dumps(found)


def test_a_contender_without_a_tolerance_is_not_checked() -> None:
    question = Question("x", {}, {"ours": Contender("ours", lambda: np.ones(1), "peer")})
    check(question, {"ours": np.ones(1), "peer": np.zeros(1)})
