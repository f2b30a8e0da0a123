"""One file per question; `CASES` lists them in the order of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cases import (
    alerts,
    columns,
    confidence,
    fit_parquet,
    histogram,
    hypergeometric,
    ks_large,
    mmd_embeddings,
    mmd_gpu,
    mmd_groups,
    mmd_growth,
    mmd_large,
    mmd_rows,
    mmd_small,
    mmd_stream,
    mmd_unequal,
    mmd_wgmma,
    monitor,
    online_rows,
    score_wide,
    streams,
    wide,
)
from bench.goals import judge
from bench.question import Case

CASES: tuple[Case, ...] = (
    mmd_gpu.CASE,
    mmd_wgmma.CASE,
    mmd_small.CASE,
    mmd_rows.CASE,
    mmd_groups.CASE,
    mmd_large.CASE,
    mmd_stream.CASE,
    mmd_unequal.CASE,
    mmd_embeddings.CASE,
    mmd_growth.CASE,
    columns.CASE,
    histogram.CASE,
    confidence.CASE,
    score_wide.CASE,
    wide.CASE,
    ks_large.CASE,
    hypergeometric.CASE,
    fit_parquet.CASE,
    streams.MANY,
    streams.LONG,
    online_rows.CASE,
    monitor.CASE,
    alerts.CASE,
)


def find(name: str) -> Case:
    """The case of a name."""
    return next(case for case in CASES if case.name == name)


def judged(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The goals of what a result measured, each with its number and whether it was met.

    A result holds no goals: what is wanted, and why it is missed, may be understood after a run.
    """
    made = []
    for case in CASES:
        questions = [q for q in result["questions"] if q["case"] == case.name]
        goals = [g for g in case.goals if g.device == result["bench"]]
        made += judge(case.name, goals, questions) if questions else []
    return made
