"""The part of the page that shows the study of streams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.page import Cell, held, made, table


def run_lengths(result: Mapping[str, Any]) -> Iterator[str]:
    """Run lengths without a change, at defaults and where an average was asked for."""
    s = result["settings"]
    defaults, asked = ([c for c in result["cells"] if (c["arl"] is not None) == wanted] for wanted in (False, True))
    counts = sorted({f"{c['streams']:,}" for c in defaults})
    yield "## Streams that do not change"
    yield ""
    yield (
        f"Values until the first false alarm of detectors at their defaults, in {' or '.join(counts)} streams of "
        f"independent values each; learning and waiting count. *Within* is the share of streams with an alarm in their "
        f"first {s['length']:,} values. A stream is followed for {defaults[0]['horizon']:,} values: where some had no "
        f"alarm by then, the average is larger than told. {made(result)}"
    )
    yield ""
    heads = ("detector", "variant", "streams", f"within {s['length']:,}", "median", "average, 95 % interval")
    yield from table(heads, [(*_named(c, s), f"{c['within']:.1%}", _median(c), _mean(c)) for c in defaults])
    yield ""
    yield (
        f"With `calibrate(..., arl={s['length']})`: what its option comes to, and the average run length on "
        f"streams drawn anew, each counted as at most {asked[0]['horizon']:,}. The two simulations may be "
        f"{s['standard_errors']} standard errors of their difference apart; KSWIN's p-values are few, so that its "
        f"average may be longer: {held(asked)}."
    )
    yield ""
    names = (*heads[:3], "option", "comes to", *heads[3:4], heads[-1])
    rows = [
        (*_named(c, s), f"`{c['option']}`", f"{c['at']:.4g}", f"{c['within']:.1%}", _mean(c, bold=c["holds"] is False))
        for c in asked
    ]
    yield from table(names, rows)


def _named(cell: Cell, settings: Mapping[str, Any]) -> tuple[str, str, str]:
    name = f"{cell['detector']}, mean and deviation given" if cell["known"] else cell["detector"]
    return name, cell["variant"], settings["nulls"][cell["null"]]


def _median(cell: Cell) -> str:
    return f"{cell['median']:,.0f}" if 2 * cell["alarmed"] > cell["streams"] else f"over {cell['horizon']:,}"


def _mean(cell: Cell, bold: bool = False) -> str:
    off = 1.96 * cell["standard_error"]
    least = "" if cell["alarmed"] == cell["streams"] or cell["arl"] else "at least "
    text = f"{least}{cell['mean']:,.0f} ({cell['mean'] - off:,.0f} to {cell['mean'] + off:,.0f})"
    return f"**{text}**" if bold else text
