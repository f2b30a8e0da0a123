"""The part of the page that shows the published benchmark, run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.page import Cell, made, table
from bench.published.figures import SHARES

_METRICS = {
    "false_alarms": "false alarms",
    "delay": "batches to the first alarm",
    "found": "shift found",
    "auc": "AUC, shift",
    "cohens_d": "Cohen's d, shift",
    "cohens_d_strong": "Cohen's d, full shift",
    "stability": "stability",
    "noise_false_alarms": "false alarms before noise",
    "noise_found": "noise found",
    "noise_auc": "AUC, noise",
    "noise_cohens_d": "Cohen's d, noise",
    "f1": "F1",
    "best_f1": "best F1",
    "best_threshold": "its threshold",
}

_CHANGES = {
    "shift": "All means up by a share of the reference's deviation",
    "opposite": "Means up and down in turns",
    "one": "The mean of one column of the five",
    "noise": "Normal noise of mean 0, its deviation a share of the reference's",
}


def published(result: Mapping[str, Any]) -> Iterator[str]:
    """Goals, what was reproduced, ours on the same rows, the honest form, the confidence study."""
    s, parts = result["settings"], _parts(result["cells"])
    goals = parts["goal"]
    yield "## A published benchmark, again"
    yield ""
    yield (
        "The tables of the public repository production-drift-detection (`benchmark_rigorous.py`, "
        "`empirical_validation.py`), drawn again from its seeds: its scores by implementations of our own, our "
        "detectors on the very same batches, and the same question asked in a form that can be answered. "
        f"{sum(c['holds'] for c in goals)} of {len(goals)} goals met. {made(result)}"
    )
    yield ""
    rows = [(c["text"], c["wanted"], c["measured"], _met(c)) for c in goals]
    yield from table(("goal", "wanted", "measured", "met"), rows)
    for part, show in _SHOWN.items():
        if parts.get(part):
            yield ""
            yield from show(parts[part], s)


def _met(goal: Cell) -> str:
    if goal["holds"]:
        return "yes"
    return f"**no**: {goal['reason']}" if goal["reason"] else "**no**"


def _parts(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for c in cells:
        found.setdefault(c["part"], []).append(c)
    return found


def _reproduced(cells: Sequence[Cell], s: Mapping[str, Any]) -> Iterator[str]:
    yield "### The published scores, by our implementations"
    yield ""
    yield (
        f"Means over {len(s['seeds'])} seeds of {s['features']} columns, {s['reference']:,} reference rows and batches "
        f"of {s['rows']}: measured, and the published figure in parentheses where it is another."
    )
    yield ""
    names = list(dict.fromkeys(c["detector"] for c in cells))
    found = {(c["metric"], c["detector"]): c for c in cells}
    rows = [(text, *(_beside(found[metric, name]) for name in names)) for metric, text in _METRICS.items()]
    yield from table(("metric", *(s["names"][name] for name in names)), rows)


def _beside(cell: Cell) -> str:
    def show(value: float) -> str:
        return f"{value:.1%}" if cell["metric"] in SHARES else f"{value:.4f}"

    told = show(cell["measured"])
    return told if cell["same"] else f"{told} ({show(cell['published'])})"


def _same_rows(cells: Sequence[Cell], s: Mapping[str, Any]) -> Iterator[str]:
    clean = next(c for c in cells if c["kind"] == "clean")
    yield "### All on the same rows, each at its own threshold"
    yield ""
    yield (
        f"{clean['batches']:,} clean batches, those before the shift and those before the noise, which are reference "
        f"rows drawn with replacement, as published; shifted "
        f"batches, whose magnitude starts at 0.2; noise of deviation 1.5 on every column. Ours are a report's tests at "
        f"alpha = {s['alpha']}, all options at their defaults, a data set's verdict for any effect, and in parentheses "
        "with the smallest effect that is asked for by default where that is another rate. 95 % intervals: the wider "
        "one of Student's over seeds and the binomial one. ADWIN reads each column, standardised by the reference, "
        "first the reference and then the batch, with `delta` of alpha over the columns; an alarm is a change seen in "
        "the batch."
    )
    yield ""
    found = {(c["detector"], c["kind"]): c for c in cells}
    rows = []
    for name in dict.fromkeys(c["detector"] for c in cells):
        mine = [found[name, kind] for kind in ("clean", "shifted", "noisy")]
        areas = [f"{c['auc']:.4f}" if "auc" in c else "" for c in mine[1:]]
        rows.append((s["names"][name], *(_both(c) for c in mine), *areas))
    yield from table(("", "false alarms", "shift found", "noise found", "AUC, shift", "AUC, noise"), rows)
    yield ""
    noisy = found.get(("adwin", "noisy"))
    if noisy is not None:
        yield (
            f"ADWIN sees means, and the noise has mean 0: it moves the batch's means by chance alone, more than clean "
            f"rows do, which is all that is found of it ({_percent(noisy['alarms'])}). Squares of the standardised "
            "values have a mean that noise does move."
        )
    yield (
        "A shift of magnitude 0 draws a new law for every batch in that protocol, unrelated to the reference's: its "
        "ramp does not begin at nothing, and delays of 0 follow from that."
    )


def _both(cell: Cell) -> str:
    told = _percent(cell["alarms"])
    return told if cell["verdicts"] == cell["alarms"] else f"{told} ({cell['verdicts'][0]:.2%})"


def _percent(rate: Sequence[float]) -> str:
    value, low, high = (100 * x for x in rate)
    return f"{value:.2f} % ({low:.2f} to {high:.2f})"


def _honest(cells: Sequence[Cell], s: Mapping[str, Any]) -> Iterator[str]:
    found = {(c["detector"], c["change"], c["size"]): c for c in cells}
    names = list(dict.fromkeys(c["detector"] for c in cells))
    clean = found[names[0], "", 0.0]["batches"]
    yield "### The honest form: power at one measured false-alarm rate"
    yield ""
    yield (
        f"Fresh clean batches of the reference's law, and changes of a size told in the reference's own deviations. "
        f"Thresholds come from the clean batches of one half of the seeds, at {s['rate']:.0%} of them, and are held "
        f"against the other half, both ways round: *false alarms* is what they then gave on {clean:,} clean batches, "
        f"and beside it what each contender gives at its own threshold or level. The score of a test is its "
        f"corrected p-value, that of ADWIN the smallest `delta` of {_words(s['deltas'])} that sees a change."
    )
    yield ""
    heads = ("", "false alarms", "at its own threshold")
    rows = [
        (s["names"][n], _percent(found[n, "", 0.0]["rate"]), f"{found[n, '', 0.0]['alarms'][0]:.2%}") for n in names
    ]
    yield from table(heads, rows)
    for change, sizes in s["changes"].items():
        some = found[names[0], change, sizes[0]]["batches"]
        yield ""
        yield f"{_CHANGES[change]}: share found of {some} batches a size."
        yield ""
        lines = [(s["names"][n], *(f"{found[n, change, size]['rate'][0]:.1%}" for size in sizes)) for n in names]
        yield from table(("", *(f"{size:g} sd" for size in sizes)), lines)
    if {"psi", "mmd", *(f"published_{n}" for n in ("psi", "mmd", "adwin"))} <= set(names):
        yield ""
        yield _read(found)


def _read(found: Mapping[tuple[str, str, float], Cell]) -> str:
    """What the tables come to, in their own numbers."""

    def rate(name: str, change: str, size: float) -> str:
        return f"{found[name, change, size]['rate'][0]:.0%}"

    return (
        "The published PSI is a mean over columns, ours the strongest of them, corrected: a mean finds more where all "
        f"columns drift alike ({rate('published_psi', 'shift', 0.3)} against {rate('psi', 'shift', 0.3)} at 0.3), the "
        f"strongest column where one drifts ({rate('psi', 'one', 0.5)} against {rate('published_psi', 'one', 0.5)} at "
        f"0.5). What is published as ADWIN is a mean of all columns: it finds means that all go up "
        f"({rate('published_adwin', 'shift', 0.3)} at 0.3) and hardly any that go up and down in turns "
        f"({rate('published_adwin', 'opposite', 0.3)}); its null, and that of the published MMD, depends on the "
        f"reference, so that a threshold of some references does not keep its rate on others. MMD of all reference "
        f"rows, one bandwidth, finds {rate('mmd', 'shift', 0.2)} of shifts of 0.2; the published one, of 200 rows and "
        f"three bandwidths, {rate('published_mmd', 'shift', 0.2)}."
    )


def _words(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _confidence(cells: Sequence[Cell], s: Mapping[str, Any]) -> Iterator[str]:
    yield "### Does confidence lead drift?"
    yield ""
    yield (
        "Every batch of these trials is drawn on its own, by the magnitude that the schedule has for it: beyond the "
        "trend that this gives to both, neither series can lead the other. *Claimed* counts the published trials (the "
        "published count in parentheses where it is another), *all* all trials with further seeds; *mirrored* is the "
        "same rule with the two series swapped. The test permutes batches after both series became "
        "ranks less a parabola in time, and holds the largest correlation of nine lags against 0.05. *Planted* is "
        f"the share found where confidence does lead, by {s['planted']} batches."
    )
    yield ""
    heads = (
        "experiment", "score", "claimed", "all trials", "claimed of all", "mirrored", "planted",
        "test: lead", "test: mirrored", "test: asymmetry", "test: planted",
    )  # fmt: skip
    keys = ("lead", "mirrored", "planted_lead", "tested_lead", "tested_lag", "tested_asymmetry", "planted_tested")
    rows = []
    for c in cells:
        told = "" if c["claims"] == c["published"] else f" ({c['published']})"
        claimed = f"{c['claims']} of {c['trials']}{told}"
        rows.append((c["experiment"], c["score"], claimed, str(c["all_trials"]), *(f"{c[key][0]:.1%}" for key in keys)))
    yield from table(heads, rows)
    yield ""
    yield "Of the published trials, measured (published where it is another):"
    yield ""
    lines = []
    for c in {c["experiment"]: c for c in cells}.values():
        shown = []
        for key in ("warning", "confidence_drop", "accuracy_drop"):
            other = "" if abs(c[key] - c["published_trial"][key]) < 0.0051 else f" ({c['published_trial'][key]:.2f})"
            shown.append(f"{c[key]:.2f}{other}")
        lines.append((c["experiment"], *shown))
    yield from table(("experiment", "early-warning score", "fall of confidence, %", "fall of accuracy, %"), lines)
    yield ""
    more = [c["leads_more"][0] for c in cells if c["all_trials"] > c["trials"]] or [c["leads_more"][0] for c in cells]
    yield (
        f"Of the second hypothesis, that the relation is lopsided: the largest correlation is on confidence's side in "
        f"{min(more):.0%} to {max(more):.0%} of trials, where it would be half if the two series were alike."
    )


_SHOWN = {"reproduced": _reproduced, "table": _same_rows, "honest": _honest, "confidence": _confidence}
