"""The part of the page that shows the study of thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.page import Cell, held, made, table

_WAYS = {"rows": "single rows drawn", "counts": "counts drawn", "blocks": "whole days drawn"}


def thresholds(result: Mapping[str, Any]) -> Iterator[str]:
    """Rates that thresholds keep, beside fixed ones, and what both find."""
    s, cells = result["settings"], result["cells"]
    groups: dict[tuple[str, str, str], list[Cell]] = {}
    for c in cells:
        groups.setdefault((c["setting"], c["way"], f"{c['rate']:g}" if c["rate"] else c["rule"]), []).append(c)
    fixed = {key: mine for key, mine in groups.items() if key[1] == "fixed"}
    yield "## Thresholds for a rate of false alarms"
    yield ""
    yield (
        f"`profile.calibrated(rows, rate)` of references drawn anew, each held against {cells[0]['batches']} fresh "
        f"batches without drift and {s['shifted']} of each shift, by which x moves in its deviations: "
        f"{'; '.join(_setting(name, sizes, cells) for name, sizes in s['rows'].items())}. *Together* is the share of "
        "clean batches with any statistic over its threshold of all together; *alone* that of the one statistic that "
        "is over its own most often. Intervals are over references, which differ in the rate that they keep: "
        f"{s['standard_errors']} standard errors, about 99.9 %. A rate is held where the interval of every statistic "
        f"holds it or lies below: {held(cells)}. Rows of a day are alike, and thresholds of single rows promise "
        f"nothing there. {made(result)}"
    )
    yield ""
    found = [f"shift of {shift:g} found together" for shift in s["shifts"]]
    heads = ("batches", "thresholds", "rate", "together", "alone", *found)
    yield from table(heads, [_row(key, mine, s) for key, mine in groups.items() if key not in fixed])
    yield ""
    yield (
        "Fixed thresholds in use, on the same batches and statistics: the share in which any column is over. What they "
        "keep is the chance of that one size of batches, number of columns, and number of categories:"
    )
    yield ""
    rules = list(dict.fromkeys(rule for _, _, rule in fixed))
    titles = [f"{_rule(rule)}, {what}" for rule in rules for what in ("nothing drifted", f"{s['shifts'][0]:g} found")]
    rows = []
    for setting in dict.fromkeys(name for name, _, _ in fixed):
        shown = [setting]
        for rule in rules:
            whole = next(c for c in fixed[setting, "fixed", rule] if not c["detector"])
            shown += [f"{whole['share']:.1%}", f"{whole['found'][format(s['shifts'][0], 'g')]:.0%}"]
        rows.append(shown)
    yield from table(("batches", *titles), rows)
    yield ""
    yield (
        "Thresholds from counts allow for any dependence of columns (each gets its share of the rate), so *together* "
        "stays below the rate."
    )


def _setting(name: str, sizes: list[int], cells: list[Cell]) -> str:
    count = next(c["references"] for c in cells if c["setting"] == name)
    return f"{name} against {sizes[0]:,} rows ({count} references)"


def _row(key: tuple[str, str, str], mine: list[Cell], settings: Mapping[str, Any]) -> tuple[str, ...]:
    whole = next(c for c in mine if not c["detector"])
    most = max((c for c in mine if c["detector"]), key=lambda c: c["share"])
    where = f"{most['detector']} of {most['column']}" if most["column"] else most["detector"]
    found = [f"{whole['found'][format(shift, 'g')]:.0%}" for shift in settings["shifts"]]
    beyond = [c for c in mine if c["detector"] and c["holds"] is False and c is not most]
    also = f", **{len(beyond)} more beyond**" if beyond else ""
    return key[0], _WAYS[key[1]], f"{float(key[2]):.0%}", _share(whole), f"{_share(most)}, {where}{also}", *found


def _share(c: Cell) -> str:
    text = f"{c['share']:.2%} ({c['low']:.2%} to {c['high']:.2%})"
    return f"**{text}**" if c["holds"] is False else text


def _rule(rule: str) -> str:
    name, most = rule.split(" > ")
    return f"{name.upper()} > {most}"
