"""The part of the page that shows the study of embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench.embedding_study import CALIBRATED
from bench.page import Cell, held, made, table

_CHANGES: Mapping[str, str] = {
    "none": "none",
    "leading": "mean, along the direction of largest variance",
    "trailing": "mean, along a direction of small variance",
    "cluster": "a new cluster",
    "spread": "spread, 1.15 times",
}


def embeddings(result: Mapping[str, Any]) -> Iterator[str]:
    """Level and power of MMD by reduction, and its cost."""
    s = result["settings"]
    shares, costs = ([c for c in result["cells"] if (c["change"] == "cost") == wanted] for wanted in (False, True))
    level = [c for c in shares if c["change"] == "none"]
    first = shares[0]
    yield "## MMD of embeddings, without and with reduction"
    yield ""
    yield (
        f"Share of pairs found at {s['alpha']}, {first['n']} reference and {first['m']} batch rows, scale "
        f'"pooled", the same data for every way. *pca 8* is `MMD(reduce="pca", components=8)`. Synthetic embeddings '
        f"have length 1, the j-th direction's variance 1 / j of the first's; means are moved by {s['length']}, and a "
        f"new cluster has {s['new']:.0%} of the batch. The bound where nothing drifts is {s['standard_errors']} "
        f"standard errors above {s['alpha']}: {held(level)}. {made(result)}"
    )
    yield ""
    if any(c["way"] == CALIBRATED for c in shares):
        yield (
            f'*{CALIBRATED}* has `scale="calibration"` besides: some rows of the reference decide components and '
            "bandwidth and take no further part."
        )
        yield ""
    if "docstrings" in s:
        d = s["docstrings"]
        yield (
            f"Docstrings: {s['model']} of the first paragraphs of {d['scipy']['texts']:,} docstrings of SciPy "
            f"{d['scipy']['version']}, of which both sides are drawn, and of {d['pandas']['texts']:,} of pandas "
            f"{d['pandas']['version']}, from which a share of the batch comes where something drifts."
        )
        yield ""
    ways = list(dict.fromkeys(c["way"] for c in result["cells"]))
    yield from table(("embeddings", "drift", "pairs", *ways), list(_lines(shares, ways)))
    yield ""
    yield from _cost(costs)


def _lines(cells: list[Cell], ways: list[str]) -> Iterator[tuple[str, ...]]:
    found = {(c["source"], c["d"], c["change"], c["way"]): c for c in cells}
    for source, d, change in dict.fromkeys(key[:3] for key in found):
        mine = [found.get((source, d, change, way)) for way in ways]
        pairs = next(f"{c['pairs']:,}" for c in mine if c is not None)
        rates = ("" if c is None else _rate(c) for c in mine)
        yield (f"{source}, {d} numbers", str(_CHANGES.get(change, change)), pairs, *rates)


def _rate(cell: Cell) -> str:
    return f"**{cell['rate']:.2f}**" if cell["holds"] is False else f"{cell['rate']:.2f}"


def _cost(cells: list[Cell]) -> Iterator[str]:
    """Seconds of a test over those without reduction, by rounds."""
    whole = next((c for c in cells if c["way"] == "none"), None)
    if whole is None:
        return
    yield (
        f"Cost of one p-value on synthetic embeddings of {whole['d']} numbers, {whole['n']:,} reference and "
        f"{whole['m']:,} batch rows: the median of {len(whole['seconds'])} rounds' ratios to no reduction, timed in "
        f"turns in one process. {median(whole['seconds']):.2f} s without reduction."
    )
    yield ""
    rows = [
        (c["way"], f"{median(a / b for a, b in zip(c['seconds'], whole['seconds'], strict=True)):.2f}") for c in cells
    ]
    yield from table(("way", "time over that of none"), rows)
