"""The parts of the page that show what a history costs, and what a watcher holds in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.page import table


def history(result: Mapping[str, Any]) -> Iterator[str]:
    """Milliseconds to write a window and to ask, beside another way to keep the same."""
    s, m, cells = result["settings"], result["machine"], result["cells"]
    yield "## A history of windows"
    yield ""
    each = s["columns"] * len(s["detectors"])
    yield (
        f"{s['windows']:,} hourly windows of {s['columns']} columns and {len(s['detectors'])} detectors, "
        f"{s['findings']:,} findings, {s['sqlite_bytes'] / 1e6:.0f} MB as a SQLite file. *record* writes the {each} "
        "findings of one window in one transaction, the median of all windows; questions are asked in turns, each "
        f"{min(c['times'] for c in cells)} times, and answered as Arrow tables. PostgreSQL runs on the same machine, "
        "without waiting for its disk. DuckDB reads the exported Parquet files anew each time, for times and effects "
        "alone. "
        f"{m['created_at'][:10]}, run at commit {m['commit']}, on {m['cores']} cores, load {m['load_average']:g}."
    )
    yield ""
    heads = ("database", "asked", "rows", "median ms", "fastest", "slowest")
    yield from table(
        heads,
        [
            (
                c["database"],
                c["asked"],
                f"{c['rows']:,}",
                *(f"{c[k]:g}" for k in ("median_ms", "fastest_ms", "slowest_ms")),
            )
            for c in cells
        ],
    )


def memory(result: Mapping[str, Any]) -> Iterator[str]:
    """What a process holds in memory as windows go by."""
    s, m, cells = result["settings"], result["machine"], result["cells"]
    yield "## Memory of a watcher"
    yield ""
    yield (
        f"{s['windows']:,} windows of {s['rows']} rows are watched in one process, {s['windows_of_a_batch']} in "
        "a batch with a key, each written to a SQLite file in its own transaction. *resident* is what a process holds "
        f"of the machine's memory; from the first sample to the last it grew by {s['grown_mb']:g} MB. "
        f"{m['created_at'][:10]}, run at commit {m['commit']}, on {m['cores']} cores, load {m['load_average']:g}."
    )
    yield ""
    yield from table(
        ("windows", "resident MB", "database MB"),
        [(f"{c['windows']:,}", f"{c['resident_mb']:g}", f"{c['database_mb']:g}") for c in cells],
    )
