"""The part of the page that shows the study of real data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.page import Cell, held, made, table

_SHORT = 8
"""Columns named in a cell of a table; of more their number is told."""


def real(result: Mapping[str, Any]) -> Iterator[str]:
    """Controls, known drifts, open questions, the stream of errors and streams that are watched."""
    s = result["settings"]
    of = {about: [c for c in result["cells"] if c["about"] == about] for about in _ABOUTS}
    yield "## Real data"
    yield ""
    packages = ", ".join(f"{name} {v}" for name, v in s["packages"].items())
    yield (
        f"Data files inside packages ({packages}). *rows* relabels single rows, *blocks* whole days or weeks; joint "
        f"tests take at most {s['joint_rows']:,} rows a side; alpha {s['alpha']}; *profile* is a profile without a "
        f"choice of detectors. {made(result)}"
    )
    yield ""
    versions = {c["detector"]: c["version"] for c in result["cells"] if "version" in c and c["about"] != "watched"}
    if versions:
        told = (f"{name} {v} ({s['libraries'][name]})" for name, v in versions.items())
        yield f"Other libraries, which know no blocks, at their defaults: {'; '.join(told)}."
        yield ""
    yield from _controls(of, s)
    yield from _known(of["drift"], s)
    yield from _open(of["open"])
    yield from _streams(of["stream"])
    yield from _watched(of["watched"], s)


_ABOUTS = ("dealt", "control", "pooled", "drift", "open", "stream", "watched")


def _controls(of: Mapping[str, Sequence[Cell]], settings: Mapping[str, Any]) -> Iterator[str]:
    both = [*of["control"], *of["dealt"]]
    judged = [*both, *of["pooled"]]
    yield "### Controls: who cries wolf"
    yield ""
    yield (
        "Comparisons with any finding beyond chance, however small; in parentheses, with a verdict of drift. Where "
        "rows or whole days were dealt to the two sides at random, nothing drifted by construction. The others are "
        "held to be alike by reason: even days and odd ones are more alike than chance would make them, and the halves "
        f"of a year may differ by a season. A share of {settings['alpha']} is promised of a contender that relabels "
        f"what was dealt; the most that it brings with a probability of {1 - settings['unlikely']:.2%} is kept by "
        f"{held(judged)}."
    )
    yield ""
    groups = list(dict.fromkeys(c["group"] for c in both))
    found = {(c["detector"], c["group"]): c for c in both}
    counts = {c["group"]: c["questions"] for c in both}
    heads = ("", *(f"{g} ({counts[g]})" for g in groups))
    names = sorted(dict.fromkeys(c["detector"] for c in both), key=lambda d: (d.split(", ")[-1] == "blocks", _rank(d)))
    yield from table(heads, [(d, *(_cried(found.get((d, g))) for g in groups)) for d in names])
    yield ""
    yield "All that was dealt, each by the contender that relabels what was dealt:"
    yield ""
    rows = [
        (c["detector"], str(c["questions"]), f"{c['significant']} ({c['drifted']})", str(c["bound"]), _yes(c["holds"]))
        for c in of["pooled"]
    ]
    yield from table(("", "comparisons", "found", "bound", "held"), rows)
    yield ""


def _rank(detector: str) -> int:
    """Ours before libraries, which have no mode; else in the order given."""
    return 0 if ", " in detector else 1


def _cried(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = f"{cell['significant']} ({cell['drifted']})"
    return f"**{text}**" if cell["holds"] is False else text


def _known(cells: Sequence[Cell], settings: Mapping[str, Any]) -> Iterator[str]:
    facts = settings["facts"]
    yield "### Known drifts"
    yield ""
    delays = facts["mean_arrival_delay"]
    yield (
        f"By counting: flights arrive {delays[0]:.1f} minutes late on average in June, {delays[1]:.1f} in September; "
        "a model of rain that learned from the first decade is right on "
        f"{', '.join(f'{a:.1%}' for a in facts['accuracy_by_decade'])} of the days of the five decades; daily returns "
        f"have a standard deviation of {facts['return_sd'][0]:.2f} % and {facts['return_sd'][1]:.2f} %; rentals go "
        f"from {facts['rentals'][0]:,} to {facts['rentals'][1]:,}. A verdict of drift is wanted, and of a profile the "
        f"columns that are known to have moved: {held(cells)}, with what belongs together relabelled together. Times "
        "are of one call, which may be the first of its process, on a machine with other work: they tell an order of "
        "magnitude."
    )
    yield ""
    names = list(dict.fromkeys(c["question"] for c in cells if c["group"] != _MONTHLY))
    rows = []
    for name in names:
        mine = [c for c in cells if c["question"] == name]
        rows += [
            (name if i == 0 else "", c["detector"], _verdict(c), _columns(c), ", ".join(c["called"]),
             f"{c['seconds']:.2g} s")
            for i, c in enumerate(mine)
        ]  # fmt: skip
    heads = ("question", "contender", "drift", "columns", "of these held to be calm", "time")
    yield from table(heads, rows)
    yield ""
    monthly = [c for c in cells if c["group"] == _MONTHLY]
    if monthly:
        yield from _months(monthly, facts["rentals_growth_by_month"])
    whys = {c["question"]: (c["why"], c["must"], c["calm"]) for c in cells if c["question"] in names}
    for name, (why, must, calm) in whys.items():
        columns = f" Known: {', '.join(must)}." if must else ""
        quiet = f" Held to be calm: {', '.join(calm)}." if calm else ""
        yield f"- {name}: {why}.{columns}{quiet}"
    yield ""


_MONTHLY = "rentals, month by month"


def _months(cells: Sequence[Cell], growth: Sequence[float]) -> Iterator[str]:
    """One line a contender: the months that it found, and which it missed."""
    yield (
        f"Rentals of each month of 2012 against the same of 2011: {min(growth):g} to {max(growth):g} times as many. "
        "About thirty days a side leave whole-day tests little power for the smaller growths."
    )
    yield ""
    rows = []
    for name in dict.fromkeys(c["detector"] for c in cells):
        mine = [c for c in cells if c["detector"] == name]
        missed = [c["question"].split()[1] for c in mine if not c["drifted"]]
        short = [c["question"].split()[1] for c in mine if c["drifted"] and c["holds"] is False]
        told = [f"no drift in {', '.join(missed)}"] * bool(missed) + [
            f"a known column missed in {', '.join(short)}"
        ] * bool(short)
        rows.append((name, f"{len(mine) - len(missed)} of {len(mine)}", "; ".join(told)))
    yield from table(("contender", "months found", "missed"), rows)
    yield ""


def _open(cells: Sequence[Cell]) -> Iterator[str]:
    yield "### Questions without an accepted answer"
    yield ""
    names = dict.fromkeys(c["question"] for c in cells)
    for name in names:
        mine = [c for c in cells if c["question"] == name]
        yield f"- {name} ({mine[0]['why']}): " + "; ".join(f"{c['detector']} {_verdict(c)}" for c in mine) + "."
    yield ""


def _verdict(cell: Cell) -> str:
    text = "yes" if cell["drifted"] else "no"
    return f"**{text}**" if cell["holds"] is False else text


def _columns(cell: Cell) -> str:
    names = cell["columns"]
    return ", ".join(names) if len(names) <= _SHORT else f"{len(names)} columns"


def _streams(cells: Sequence[Cell]) -> Iterator[str]:
    if not cells:
        return
    one = cells[0]
    yield "### The errors of the model of rain, as a stream"
    yield ""
    yield (
        f"Alarms in the second to the fifth decade, and the first day of the fourth on which there is one; errors jump "
        f"in that decade, and have seasons in all. *shuffled* is how many of {one['shuffled']} streams alarm whose "
        f"{one['shuffled_days']:,} days are shuffled, so that nothing changes. Detectors are at their defaults; "
        f"BoundedMean takes the second decade as its reference and promises 0.01."
    )
    yield ""
    rows = [
        (c["detector"], *(map(str, c["alarms"])), "" if c["first_in_fourth"] is None else str(c["first_in_fourth"]),
         str(c["shuffled_alarmed"]) if c["holds"] is not False else f"**{c['shuffled_alarmed']}**")
        for c in cells
    ]  # fmt: skip
    yield from table(("", "2nd", "3rd", "4th", "5th", "first day in the 4th", "shuffled"), rows)


def _watched(cells: Sequence[Cell], settings: Mapping[str, Any]) -> Iterator[str]:
    """Two tables, streams by detectors: false alarms, and alarms with their delays."""
    if not cells:
        return
    streams, detectors = (list(dict.fromkeys(c[key] for c in cells)) for key in ("group", "detector"))
    of = {(c["group"], c["detector"]): c for c in cells}
    versions = {c["detector"]: c["version"] for c in cells if "version" in c}
    heads = ("", *(f"{name} {versions[name]}" if name in versions else name for name in detectors))
    yield ""
    yield "### Streams, watched"
    yield ""
    yield from _promised(cells, settings["watched"], peers=bool(versions))
    yield ""
    yield "Without a change, streams with an alarm:"
    yield ""
    yield from table(heads, [(g, *(_false(of.get((g, d))) for d in detectors)) for g in streams])
    yield ""
    yield (
        "With a change, streams with an alarm, and the median number of looks up to it, in parentheses of rows; a "
        "reference of which each row is used once may be used up before."
    )
    yield ""
    yield from table(heads, [(g, *(_found(of.get((g, d))) for d in detectors)) for g in streams])
    yield ""
    for c in {c["group"]: c for c in cells}.values():
        windows = f"windows of {c['window']} rows" if c["window"] else "too few rows for windows of rows"
        yield (
            f"- {c['group']}: {c['why']}; {c['looks']} looks, {c['rows']:,} rows; {windows}. Changed: {c['moved']}; "
            f"{c['moved_looks']} looks."
        )


def _promised(cells: Sequence[Cell], s: Mapping[str, Any], *, peers: bool) -> Iterator[str]:
    """What is promised of which streams, and what is not."""
    yield (
        "A watch is opened on a reference, and sees batches in which nothing changed; opened anew, batches in which "
        "something did. Each deal has a reference and an order of its own; of what is not dealt only the seed differs. "
        "SequentialTwoSample and Sequential (KS; MMD for images) promise that there is ever a false alarm with a "
        f"probability of {s['alpha']} at most, OnlineMMD and KernelCUSUM about {s['arl']:,} rows to one on average "
        "over references, where rows are independent. Dealt one by one they are, but that none comes twice: in "
        f"parentheses is the most streams that alarm, with a probability of {1 - s['unlikely']:.2%}, where a promise "
        f"is kept and runs are exponential. Ours are within it in {held(cells)}."
    )
    yield ""
    yield (
        "Where whole days are dealt, or days kept in order, rows are like those before them, so that nothing is "
        "promised and nothing is judged: an alarm there says that days differ, which those of the reference do, too, "
        "and one after a change says no more. "
        "A watch warns of a reference whose rows are alike in the order in which they are given: it did "
        f"{_warned(cells)}. A remedy is one row for each day."
    )
    if peers:
        yield ""
        yield (
            f"alibi-detect is asked for {s['arl']:,} rows to a false alarm, too, with thresholds by "
            f"{s['bootstraps']:,} draws, in two deals of what has a small reference, by whose square its time grows; "
            "its first window is of reference rows, so that it may alarm before ours, which wait for a window. "
            "ADWIN watches each column of numbers by itself at its defaults, has seen the reference, and promises "
            "nothing of a whole stream."
        )


def _warned(cells: Sequence[Cell]) -> str:
    """How many of the openings of our watches were warned of."""
    told = []
    for fair, where in ((False, "of what is dealt in whole days or kept in order"), (True, "of what is dealt by rows")):
        mine = [c for c in cells if c["fair"] is fair and "version" not in c]
        told.append(f"at {sum(c['warned'] for c in mine):,} of {sum(c['streams'] for c in mine):,} openings {where}")
    return ", and ".join(told)


def _false(cell: Cell | None) -> str:
    if cell is None:
        return ""
    bound = "" if cell["bound"] is None else f" ({cell['bound']})"
    text = f"{cell['alarmed']} of {cell['streams']}{bound}"
    return f"**{text}**" if cell["holds"] is False else text


def _found(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = f"{cell['moved_alarmed']} of {cell['moved_streams']}"
    return text if cell["delay_looks"] is None else f"{text}, {cell['delay_looks']} ({cell['delay_rows']:,})"


def _yes(holds: bool | None) -> str:
    return {True: "yes", False: "**no**", None: ""}[holds]
