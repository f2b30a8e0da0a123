"""Ratios between two result files of bench/run.py, such as before and after a change.

    python bench/compare.py before.json after.json

Times of two runs differ with all that the machine does besides; the last two columns differ less: how many times
faster than the peer of the same run, and what fraction of the floor of the same run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def rows(result: Mapping[str, Any]) -> dict[tuple[str, str, str], Row]:
    """(case, sizes, contender) -> its row."""
    return {
        (q["case"], ", ".join(f"{k}={v}" for k, v in q["sizes"].items()), c["name"]): c
        for q in result["questions"]
        for c in q["contenders"]
    }


def lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The comparison, line by line; what only one file has is named at the end."""
    old, new = rows(before), rows(after)
    yield f"before: {_origin(before)}"
    yield f"after:  {_origin(after)}"
    if _machine(before) != _machine(after):
        yield "the machines differ: compare fractions, not times"
    yield f"{'before / after':>15} {'x peer':>16} {'% of floor':>14}"
    for key in (k for k in old if k in new):
        a, b = old[key], new[key]
        peer = f"{_shown(a.get('times_faster'))} -> {_shown(b.get('times_faster'))}"
        floor = f"{_percent(a.get('fraction_of_floor'))} -> {_percent(b.get('fraction_of_floor'))}"
        yield f"{a['median_s'] / b['median_s']:>14.2f}x {peer:>16} {floor:>14}  {' | '.join(key)}"
    for key in sorted(old.keys() ^ new.keys()):
        yield f"only {'before' if key in old else 'after'}: {' | '.join(key)}"


def _origin(result: Mapping[str, Any]) -> str:
    m = result["machine"]
    return f"{m['commit']}, {m['created_at'][:10]}, {_machine(result)}, load {m['load_average']}"


def _machine(result: Mapping[str, Any]) -> str:
    m = result["machine"]
    kernel = next((b["architecture"] for b in m["blas"] if b["owner"] == "numpy"), "unknown")
    return f"{m['processor']}, {m['cores']} cores, BLAS kernel {kernel}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    given = parser.parse_args(words)
    try:
        before, after = (json.loads(p.read_text(encoding="utf-8")) for p in (given.before, given.after))
    except (OSError, ValueError) as error:
        print(f"cannot read a result: {error}; give two files that bench/run.py wrote", file=sys.stderr)
        return 2
    for line in lines(before, after):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
