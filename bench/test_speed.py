"""The contenders of bench/cases at their small sizes, for pytest-benchmark: `pytest bench`.

The suite that people run while they change something. Nothing is asserted about a time; the report is bench/run.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from accel_drift.backends import get_backend, why_not
from bench.cases import CASES, find
from bench.question import Question, check


@cache
def _question(case: str, place: int, backend: str) -> Question:
    made = find(case)
    return made.ask(made.quick[place], [get_backend(backend)])


def _all() -> Iterator[Any]:
    for backend in ("numpy", "jax"):
        if why_not(backend) is not None:
            continue
        for case in (c for c in CASES if "cpu" in c.devices):
            for place, sizes in enumerate(case.quick):
                for name, contender in _question(case.name, place, backend).contenders.items():
                    if contender.role == "ours" or backend == "numpy":
                        size = "-".join(f"{k}{v}" for k, v in sizes.items())
                        yield pytest.param(case.name, place, backend, name, id=f"{case.name}-{size}-{name}")


@pytest.mark.parametrize(("case", "place", "backend", "name"), list(_all()))
def test_speed(benchmark: Any, case: str, place: int, backend: str, name: str) -> None:
    question = _question(case, place, backend)
    contender = question.contenders[name]
    benchmark.group = f"{case}: {question.label}"
    answer = benchmark.pedantic(contender.compute, rounds=5, warmup_rounds=1)
    if contender.tolerance is not None:
        truth = question.contenders[contender.against].compute()
        check(Question(case, question.sizes, {name: contender}), {name: answer, contender.against: truth})
