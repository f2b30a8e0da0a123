"""What the parts of the page have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Cell = Mapping[str, Any]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def made(result: Mapping[str, Any]) -> str:
    """When and at which commits a study was made, and how long it took."""
    m = result["machine"]
    commits = sorted({commit for c in result["cells"] for commit in c["commits"]})
    run = f"run at commit {', '.join(commits)}" if len(commits) < 4 else f"run at {len(commits)} commits"
    return f"{m['created_at'][:10]}, {run}, {result['work_s'] / 60:.0f} minutes of one process at a time."


def held(cells: Sequence[Cell]) -> str:
    """How many of the cells that have a bound are within it."""
    judged = [c for c in cells if c["holds"] is not None]
    return f"{sum(bool(c['holds']) for c in judged)} of {len(judged)} cells"
