"""The parts of the page that show the studies of streams and of looking at every batch."""

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


_TESTS = {
    "bounded_mean": "BoundedMean, errors of {share:.0%}",
    "two_sample": "SequentialTwoSample, a column of normal numbers, a row a side each look",
    "p_values": "Sequential, uniform p-values",
}


def sequential(result: Mapping[str, Any]) -> Iterator[str]:
    """What the three contracts promise, and what is kept of them."""
    s = result["settings"]
    lengths = [c for c in result["cells"] if c["contract"] != "fdr"]
    looks = " or ".join(f"{n:,}" for n in sorted({c["looks"] for c in lengths}))
    yield "## Looking at every batch"
    yield ""
    yield (
        f'Nothing drifts, and a run is looked at {looks} times. Under "ever" the share of runs with an alarm may be '
        f'{s["alpha"]}, under "run_length" the average number of looks to an alarm is {s["arl"]:,} or more (a run '
        f"without one counts as its looks); {s['standard_errors']} standard errors are left to chance: "
        f"{held(lengths)}. *Reused* is one reference of {s['rows']:,} rows for all looks of a run, where nothing is "
        f"promised unless a tolerance makes up for its error, as in `BoundedMean.from_reference`. {made(result)}"
    )
    yield ""
    heads = ("test", "reference", "guarantee", "runs", f"alarm within {s['early']:,}", "alarm", "average looks")
    rows = []
    for c in lengths:
        shown = [f"{c['early']:.1%}", f"{c['rate']:.1%}", f"{c['mean']:,.0f} ± {c['standard_error']:,.0f}"]
        if c["holds"] is False:
            shown[1:] = [f"**{text}**" for text in shown[1:]]
        told = (_TESTS[c["test"]].format(**s), c["reference"], f'"{c["contract"]}"', f"{c['runs']:,}")
        rows.append((*told, *shown))
    yield from table(heads, rows)
    for c in result["cells"]:
        if c["contract"] == "fdr":
            yield ""
            yield (
                f"e-BH at {s['alpha']} over {s['columns']} columns that depend on one another, {s['drifted']} of them "
                f"shifted by {s['shift']:g} deviations, in {c['runs']:,} tables: the false discovery rate is "
                f"{c['first']:.4f} where one stops at the first discovery and {c['last']:.4f} after {c['looks']:,} "
                f"rows, when {c['power']:.1%} of what drifted is found: {held([c])}."
            )


_WATCHES = {
    "alibi_detect": "alibi-detect MMDDriftOnline",
    "online_mmd": "**OnlineMMD**",
    "kernel_cusum": "**KernelCUSUM**",
}


def delays(result: Mapping[str, Any]) -> Iterator[str]:
    """How soon a change is seen, at the same run length."""
    s, cells = result["settings"], result["cells"]
    version = next(c["version"] for c in cells if "version" in c)
    yield "## How soon changes are seen"
    yield ""
    yield (
        f"Rows from a change to the alarm, beside alibi-detect {version} at its own run length. References are "
        f"{s['rows']:,} normal rows; of each {s['calm']} streams without a change run to the first alarm, at most "
        f"{s['horizon']:,} rows, and {s['changed']} change after two windows: all columns shift alike, by this length "
        f"in deviations together. Run lengths are counted in the same way, from after two "
        f"windows. Streams with an alarm by then are left out. All were asked for {s['arl']} "
        f"rows to a false alarm; alibi-detect simulated its thresholds with {s['bootstraps']:,} draws, as it "
        f"recommends, and is taken as it comes. Our thresholds are multiplied by the least *factor* at which the "
        f"average run length over all references is no less than its. Standard errors follow ±, by the jackknife over "
        f"references, with a factor anew each time. The delay may be no longer, but for {s['standard_errors']:g} "
        f"standard errors of the difference: {held(cells)}. {made(result)}"
    )
    yield ""
    rows = []
    for c in cells:
        ours = c["holds"] is not None
        apart = f"{c['difference']:+.1f} ± {c['difference_error']:.1f}" if ours else ""
        rows.append((
            f"{c['columns']}, {c['window']}, {c['shift']:g}",
            _WATCHES[c["detector"]],
            str(c["references"]),
            f"{c['own']:,.0f}",
            f"{c['factor']:.3f}" if ours else "",
            f"{c['run_length']:,.0f} ± {c['run_length_error']:,.0f}",
            f"{c['from']:,.0f} to {c['to']:,.0f}",
            f"{c['delay']:.1f} ± {c['delay_error']:.1f}",
            f"**{apart}**" if c["holds"] is False else apart,
            f"{c['fit_cpu_s']:.2g} s",
        ))  # fmt: skip
    heads = ("columns, window, shift", "detector", "references", "own threshold", "factor", "run length", "of the references", "delay", "difference", "fit")  # fmt: skip  # noqa: E501
    yield from table(heads, rows)
    yield ""
    yield (
        "*Of the references*: average run lengths from the lowest tenth to the highest. *Own threshold*: counted from "
        "the first row; alibi-detect looks from there on, its window being full of reference rows, and ours when their "
        "window is full. A fit is seconds of a processor that learning a reference takes, the median."
    )


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
