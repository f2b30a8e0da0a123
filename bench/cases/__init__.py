"""One file per question; `CASES` lists them in the order of the report."""

from __future__ import annotations

from bench.cases import columns, mmd
from bench.question import Case

CASES: tuple[Case, ...] = (mmd.CASE, columns.CASE)


def find(name: str) -> Case:
    """The case of a name."""
    return next(case for case in CASES if case.name == name)
