"""The part of the page that shows the simulation studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.embedding_page import embeddings
from bench.evaluation_page import evaluation
from bench.history_page import history, memory
from bench.monitor_page import weeks
from bench.page import Cell, held, made, table
from bench.published_page import published
from bench.real_page import real
from bench.streams_page import delays, run_lengths, sequential
from bench.thresholds_page import thresholds


def level(result: Mapping[str, Any]) -> Iterator[str]:
    """False alarms, blocks and power."""
    s = result["settings"]
    cells = [c for c in result["cells"] if not c["change"] and c["holds"] is not None]
    yield "## False alarms where nothing drifted"
    yield ""
    sizes = sorted({c["n"] for c in cells})
    yield (
        f"Share of pairs of data sets from one law with a raw p-value of at most {s['alpha']}. A cell is one kind of "
        f"column at one n and m of {sizes}. The bound is {s['standard_errors']} standard errors above {s['alpha']}: "
        f"{held(cells)} hold it. {made(result)}"
    )
    yield ""
    together, pairs_of_median = s["columns_of_joint"], s["median_pairs_above_2000_rows"]
    yield (
        f"{s['permutations']} permutations a test, seed {s['seed']}. Joint detectors take {together['numeric']} "
        f"columns of a kind together, {together['categorical']} of categories; above 2,000 pooled rows the study takes "
        f"the median bandwidth from {pairs_of_median:,} seeded pairs, where the engine takes a million. Nothing is "
        f"corrected for many tests here, and no effect size is asked for."
    )
    yield ""
    heads = ("detector", "cells", "pairs a cell", "highest rate", "its column", "n / m", "bound", "lowest rate", "within bounds")  # fmt: skip  # noqa: E501
    yield from table(heads, [_worst(name, cells) for name in dict.fromkeys(c["detector"] for c in cells)])
    yield from _beyond(cells)
    yield ""
    yield from _blocks(result)
    yield from _power(result)


def _worst(detector: str, cells: Sequence[Cell]) -> Sequence[str]:
    mine = [c for c in cells if c["detector"] == detector]
    top, low = max(mine, key=lambda c: c["rate"] / c["bound"]), min(mine, key=lambda c: c["rate"])
    within = sum(bool(c["holds"]) for c in mine)
    return (
        detector,
        str(len(mine)),
        _range([c["pairs"] for c in mine]),
        f"{top['rate']:.4f}",
        top["column"],
        f"{top['n']} / {top['m']}",
        f"{top['bound']:.4f}",
        f"{low['rate']:.4f} ({low['column']}, {low['n']} / {low['m']})",
        "all" if within == len(mine) else f"**{within} of {len(mine)}**",
    )


def _blocks(result: Mapping[str, Any]) -> Iterator[str]:
    s = result["settings"]
    wrong = [c for c in result["cells"] if c["detector"].endswith(", rows of blocks")]
    if not wrong:
        return
    yield "### Rows that are alike in runs"
    yield ""
    yield (
        f"Runs of {s['block']} rows share a part of their values (half of the variance, a missing share of 0.01 or "
        "0.3, a category). The same data, n = m = 500, nothing drifted: rejected at 0.05 when single rows are "
        "permuted, and when whole runs are."
    )
    yield ""
    right = {(c["detector"], c["column"], c["n"], c["m"]): c for c in result["cells"]}
    rows = []
    for c in wrong:
        name = c["detector"].removesuffix(", rows of blocks")
        other = right.get((f"{name}, blocks", c["column"], c["n"], c["m"]))
        rows.append((name, c["column"], f"{c['rate']:.3f}", "" if other is None else f"{other['rate']:.3f}"))
    yield from table(("detector", "column", "rows", "whole runs"), rows)
    yield ""


def _power(result: Mapping[str, Any]) -> Iterator[str]:
    s = result["settings"]
    drifted = [c for c in result["cells"] if c["change"]]
    yield "## Power where something drifted"
    yield ""
    yield f"Share found at {s['alpha']}, n = m = 500. The floor, where there is one, is {s['power_floor']:.0%}."
    yield ""
    rows = [
        (s["changes"][c["change"]], c["detector"], c["column"], f"{c['rate']:.3f}", _yes(c["holds"])) for c in drifted
    ]
    yield from table(("drift", "detector", "column", "found", "floor held"), rows)


def effects(result: Mapping[str, Any]) -> Iterator[str]:
    """Mean effects, and coverage of intervals."""
    s = result["settings"]
    means, covered = ([c for c in result["cells"] if c["asked"] == what] for what in ("mean", "coverage"))
    yield "## Effects on average"
    yield ""
    yield (
        f"Mean effect over the effect between whole populations, normal columns, mean moved by a share of the standard "
        f"deviation; within {s['near']:.0%}: {held(means)}. {made(result)}"
    )
    yield ""
    columns = sorted({(c["shift"], c["n"], c["m"]) for c in means}, key=lambda k: (k[1] + k[2], k))
    found = {(c["detector"], c["shift"], c["n"], c["m"]): c for c in means}
    heads = ("detector", *(f"{shift} sd, {n:,} / {m:,}" for shift, n, m in columns))
    names = dict.fromkeys(c["detector"] for c in means)
    rows = [(d, *(_ratio(found.get((d, *key))) for key in columns)) for d in names]
    yield from table(heads, rows)
    yield ""
    yield "## Coverage of 95 % intervals"
    yield ""
    yield (
        f"Share of intervals that hold the effect between whole populations; the floor is {s['floor']:.0%}: "
        f"{held(covered)}. The drifts of a column are none, a small and a moderate one: normal and blocks at PSI "
        f"{', '.join(map(str, s['psi']))}, Poisson(3) with its mean moved, shares of missing rows and of a new "
        f"category. Blocks are whole runs of {s['block']} rows drawn again."
    )
    yield ""
    groups = dict.fromkeys((c["detector"], c["column"], c["n"], c["m"]) for c in covered)
    lines = []
    for key in groups:
        mine = [c for c in covered if (c["detector"], c["column"], c["n"], c["m"]) == key]
        shown = [_covered(c) for c in sorted(mine, key=lambda c: c["shift"])]
        lines.append((key[0], key[1], f"{key[2]:,} / {key[3]:,}", _range([c["pairs"] for c in mine]), *shown))
    yield from table(("detector", "column", "n / m", "pairs", "no drift", "small", "moderate"), lines)


def _ratio(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = f"{cell['ratio']:.2f}"
    return f"**{text}**" if cell["holds"] is False else text


def _covered(cell: Cell) -> str:
    text = f"{cell['coverage']:.3f}" if cell["coverage"] is not None else ""
    return f"**{text}**" if cell["holds"] is False else text


def discovery(result: Mapping[str, Any]) -> Iterator[str]:
    """False discovery rates."""
    s = result["settings"]
    yield "## False discoveries among columns"
    yield ""
    yield (
        f"{s['columns']} normal columns, n = m = {s['rows']}, one of them moved by {s['shift']} sd; alpha "
        f"{s['alpha']}, any effect counts. Mean share of clean columns among those found, with the correction of a "
        f"report (within a column by Holm, over columns by Benjamini-Hochberg) and with plain Benjamini-Hochberg over "
        f"all pairs of column and detector. {made(result)}"
    )
    yield ""
    told = {"two_levels": "a report's", "one_level": "over all pairs"}
    rows = [
        (
            str(len(c["detectors"])),
            told[c["correction"]],
            f"{c['rate']:.4f} ± {c['standard_error']:.4f}",
            f"{c['tables']:,}",
            f"{c['drift_found']:.3f}",
            _yes(c["holds"]),
        )
        for c in result["cells"]
    ]
    yield from table(
        ("detectors a column", "correction", "false discovery rate", "tables", "drift found", "at most alpha"), rows
    )
    most = max((c["detectors"] for c in result["cells"]), key=len)
    yield ""
    yield f"In this order: {', '.join(most)} (the last in 20 bins)."


def detectable(result: Mapping[str, Any]) -> Iterator[str]:
    """Stated against simulated shifts."""
    s = result["settings"]
    yield "## Detectable shifts"
    yield ""
    yield (
        f"The mean shift, in standard deviations, that a report says is found with power {s['power']}, over the one "
        f"that is, by simulation, at the level given; the simulated shift in parentheses. Within {s['near']:.0%}: "
        f"{held(result['cells'])}. {made(result)}"
    )
    yield ""
    columns = sorted({(c["n"], c["m"], c["alpha"]) for c in result["cells"]}, key=lambda k: (k[0], -k[2]))
    found = {(c["detector"], c["n"], c["m"], c["alpha"]): c for c in result["cells"]}
    rows = []
    for d in dict.fromkeys(c["detector"] for c in result["cells"]):
        mine = [found.get((d, *key)) for key in columns]
        rows.append((d, *("" if c is None else f"{c['ratio']:.2f} ({c['simulated']:.3f})" for c in mine)))
    yield from table(("detector", *(f"{n:,} / {m:,}, {alpha:g}" for n, m, alpha in columns)), rows)


def tolerance(result: Mapping[str, Any]) -> Iterator[str]:
    """Level at the tolerance, power at twice that."""
    s = result["settings"]
    at = [c for c in result["cells"] if c["times"] == 1]
    yield "## Tolerance tests"
    yield ""
    yield (
        f"Share of pairs said to have drifted by more than eps, at {s['alpha']}, where the drift is just eps (the "
        f"level; bound {s['standard_errors']} standard errors above) and where it is twice that (the power). Levels "
        f"within the bound: {held(at)}. {made(result)}"
    )
    yield ""
    twice = {(c["detector"], c["n"], c["m"]): c for c in result["cells"] if c["times"] == 2}
    rows = []
    for c in at:
        other = twice.get((c["detector"], c["n"], c["m"]))
        rate = f"{c['rate']:.3f}" if c["holds"] else f"**{c['rate']:.3f}**"
        power = "" if other is None else f"{other['rate']:.3f}"
        sizes = f"{c['n']:,} / {c['m']:,}"
        rows.append((c["detector"], f"{c['tolerance']:g}", sizes, f"{c['pairs']:,}", rate, f"{c['bound']:.3f}", power))
    yield from table(("detector", "eps", "n / m", "pairs", "at eps", "bound", "at 2 eps"), rows)


def categories(result: Mapping[str, Any]) -> Iterator[str]:
    """Columns of very many categories: level, and drift among rare ones."""
    s = result["settings"]
    level, drifted = ([c for c in result["cells"] if bool(c["change"]) == wanted] for wanted in (False, True))
    yield "## Very many categories"
    yield ""
    yield (
        f"Categories by Zipf's law; total variation counts them in at most {s['cells']:,} cells. Share of pairs with a "
        f"raw p-value of at most {s['alpha']} where nothing drifted. The bound is {s['standard_errors']} standard "
        f"errors above: {held(level)}. {made(result)}"
    )
    yield ""
    keys = sorted({(c["categories"], c["n"], c["m"], c["pairs"]) for c in level})
    found = {(c["detector"], c["categories"], c["n"], c["m"]): c for c in result["cells"] if not c["change"]}
    names = list(dict.fromkeys(c["detector"] for c in result["cells"]))
    heads = [f"{k:,} categories, {n:,} / {m:,}, {pairs:,} pairs" for k, n, m, pairs in keys]
    yield from table(("detector", *heads), [(d, *(_rate(found.get((d, *key[:3]))) for key in keys)) for d in names])
    yield ""
    yield "Share found where something drifts:"
    yield ""
    kinds = sorted({(c["change"], c["categories"], c["n"], c["m"], c["pairs"]) for c in drifted})
    by_change = {(c["change"], c["detector"]): c for c in drifted}
    lines = [
        (f"{s['changes'][what]} ({k:,} categories, {n:,} / {m:,})", *(_rate(by_change.get((what, d))) for d in names))
        for what, k, n, m, _ in kinds
    ]
    yield from table(("drift", *names), lines)


def groups(result: Mapping[str, Any]) -> Iterator[str]:
    """MMD by groups beside MMD by rows."""
    s = result["settings"]
    power, level = ([c for c in result["cells"] if c["asked"] == what] for what in ("power", "level"))
    yield "## MMD with groups dealt, beside single rows"
    yield ""
    yield (
        f"Share of pairs with a p-value of at most {s['alpha']}, {s['permutations']} permutations, both modes on the "
        f"same pairs. Normal columns; the shift of the mean, in deviations, is spread evenly over them. About 32 "
        f"groups on the smaller side. Power lost by groups is below {s['loss']}: {held(power)}. {made(result)}"
    )
    yield ""
    heads = ("columns", "n / m", "shift", "pairs", "rows", "groups", "lost, ± standard error")
    rows = [(*_sizes(c), *_rates(c), f"{c['loss']:.4f} ± {c['standard_error']:.4f}") for c in power]
    yield from table(heads, rows)
    yield ""
    yield (
        f"Where nothing is moved the rates are levels, bounded {s['standard_errors']} standard errors above "
        f"{s['alpha']}, and p-values are uniform: the chi-square p-value of {s['bins']} bins is above {s['uniform']}. "
        f"{held(level)}."
    )
    yield ""
    ends = [(f"{c['rows_uniform']:.3g}", f"{c['groups_uniform']:.3g}") for c in level]
    rows = [(*_sizes(c), *_rates(c), *end) for c, end in zip(level, ends, strict=True)]
    yield from table((*heads[:-1], "rows: uniform, p", "groups: uniform, p"), rows)


def _sizes(cell: Cell) -> tuple[str, ...]:
    return str(cell["d"]), f"{cell['n']:,} / {cell['m']:,}", f"{cell['shift']:g}", f"{cell['pairs']:,}"


def _rates(cell: Cell) -> tuple[str, ...]:
    return tuple(f"{cell[mode]:.4f}" for mode in ("rows", "groups"))


def power(result: Mapping[str, Any]) -> Iterator[str]:
    """Many kernels at once beside the median bandwidth."""
    s = result["settings"]
    level = [c for c in result["cells"] if c["change"] == "none"]
    drifted = [c for c in result["cells"] if c["change"] != "none" and c["test"] != "median"]
    yield "## Many kernels at once: MMD-FUSE and MMDAgg"
    yield ""
    yield (
        f'MMD with `bandwidth=` "fuse", "agg" and "median" on the same data: share found at {s["alpha"]}, single '
        f"rows permuted, {s['permutations']} relabellings. Waves are changes on a small scale: perturbed uniforms, the "
        f"height a share of the largest possible, where both must find more than the median bandwidth. Shifts of means "
        f"are in deviations; there they may find at most {s['less']} less: {held(drifted)}. {made(result)}"
    )
    yield ""
    found: dict[tuple[Any, ...], dict[str, Cell]] = {}
    for c in result["cells"]:
        found.setdefault((c["change"], c["columns"], c["waves"], c["size"], c["n"], c["m"]), {})[c["test"]] = c
    rows = []
    for (change, columns, waves, size, n, m), tests in found.items():
        if change != "none":
            drift = f"{waves} waves a column, {size:g}" if waves else f"shift of {size:g}"
            shown = [_rate(tests.get(name)) for name in ("median", "fuse", "agg")]
            rows.append((drift, str(columns), f"{n} / {m}", str(tests["median"]["pairs"]), *shown))
    yield from table(("drift", "columns", "n / m", "pairs", "median", "fuse", "agg"), rows)
    yield ""
    yield (
        f"Where nothing drifted, two normal columns; the bound is {s['standard_errors']} standard errors above "
        f"{s['alpha']}: {held(level)}."
    )
    yield ""
    names = list(dict.fromkeys(c["test"] for c in level))
    lines = []
    for (change, _, _, _, n, m), tests in found.items():
        if change == "none":
            one = tests[names[0]]
            lines.append((f"{n} / {m}", str(one["pairs"]), f"{one['bound']:.3f}", *(_rate(tests[d]) for d in names)))
    yield from table(("n / m", "pairs", "bound", *names), lines)


def _rate(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"**{cell['rate']:.3f}**" if cell["holds"] is False else f"{cell['rate']:.3f}"


def _beyond(cells: Sequence[Cell]) -> Iterator[str]:
    beyond = [c for c in cells if c["holds"] is False]
    if beyond:
        yield from ("", "Beyond the bound:", "")
    for c in beyond:
        where = f"{c['detector']} on {c['column']}, {c['n']} / {c['m']}"
        yield f"- {where}: {c['rate']:.4f}, bound {c['bound']:.4f}"


def _yes(holds: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[holds]


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


PARTS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "level": level,
    "effects": effects,
    "discovery": discovery,
    "detectable": detectable,
    "tolerance": tolerance,
    "categories": categories,
    "groups": groups,
    "power": power,
    "embeddings": embeddings,
    "thresholds": thresholds,
    "run_lengths": run_lengths,
    "sequential": sequential,
    "real": real,
    "delays": delays,
    "evaluation": evaluation,
    "published": published,
    "history": history,
    "memory": memory,
    "weeks": weeks,
}
"""What a result is called -> how it is shown, in the page's order."""
