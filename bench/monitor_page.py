"""The parts of the page about the monitor: weeks of real flights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.page import made, table

_SORTS = {
    "dealt": "days dealt to dates: nothing changes",
    "later": "the same, arrivals of one week {} minutes later",
    "as it was": "the year as it was, with its seasons",
    "day by day": "windows of a day against the {} days before",
}


def weeks(result: Mapping[str, Any]) -> Iterator[str]:
    """Shares of weeks called drift."""
    s = result["settings"]
    yield "## Weeks of real flights against the weeks before"
    yield ""
    detectors = ", ".join(s["detectors"])
    yield (
        "Flights from New York in 2013, watched by `ad.Monitor`: a window is a week, the reference are the "
        f"{s['weeks']} weeks before it, whole days are permuted ({detectors}; alpha {s['alpha']}). *Called drift* is "
        "of the weeks that were tested, without the one that was changed; its standard error is that over years, since "
        "weeks of a year share references. A window of one day has too few blocks to permute, and says so. "
        f"{made(result)}"
    )
    yield ""
    heads = ("flights", "years", "windows tested", "called drift", "changed week found", "too few blocks")
    yield from table(heads, [_row(cell, s) for cell in result["cells"]])


def _row(cell: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    rate, error = cell["rate"], cell["standard_error"]
    share = "" if rate is None else f"{rate:.1%}" + ("" if error is None else f" ± {error:.1%}")
    found = f"{cell['found']} of {cell['years']}" if cell["sort"] == "later" else ""
    few = f"{cell['too_few_blocks']} of {cell['judged']}"
    number = settings["later_minutes"] if cell["sort"] == "later" else settings["weeks"]
    sort = _SORTS[cell["sort"]].format(f"{number:g}")
    return (sort, f"{cell['years']}", f"{cell['tested']:,}", share, found, few)
