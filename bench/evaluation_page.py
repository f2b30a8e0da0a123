"""The part of the page that shows the evaluation through the package's harness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.evaluated.contenders import ON_SCENARIOS
from bench.evaluated.libraries import LIBRARIES
from bench.page import Cell, held, made, table

_QUIET, _ONSET = "healthy", "sudden"


def evaluation(result: Mapping[str, Any]) -> Iterator[str]:
    """False alarms, detection and delay by scenario, and power by kind of drift."""
    s, cells = result["settings"], result["cells"]
    scenes = [c for c in cells if c["part"] == "scenario"]
    yield "## Detectors on drift of a known kind"
    yield ""
    yield (
        "Everything through `accel_drift.evaluation`, on data of `accel_drift.synthetic`: five numbers that correlate, "
        "a category and a label; a change is measured in the spread of the reference, and clean batches are fresh "
        f"draws. Dummies do not look at the data: what they reach, too, is worth nothing. {made(result)}"
    )
    yield ""
    if scenes:
        yield from _scenarios(scenes, s)
    curves = [c for c in cells if c["part"] == "power"]
    for rows in sorted({c["batch_rows"] for c in curves}):
        yield ""
        yield from _power([c for c in curves if c["batch_rows"] == rows], rows, s)


def _scenarios(cells: Sequence[Cell], s: Mapping[str, Any]) -> Iterator[str]:
    first = cells[0]
    yield "### In the course of time"
    yield ""
    yield (
        f"{first['seeds']} seeds, batches of {first['batch_rows']} rows, a reference of {s['reference']:,}. Tests of "
        f"batches have alpha = {s['alpha']}, and in parentheses is the 95 % interval over seeds; `SequentialTwoSample` "
        f"and `Sequential` promise {s['alpha']} for ever a false alarm; ADWIN and Page-Hinkley watch each column; "
        "they, `OnlineMMD` and `KernelCUSUM` have their defaults, which promise nothing of a batch. What a promise "
        f"covers is held by {held(cells)}. In *sudden*, all numbers move by half a deviation in the middle of the "
        "stream. A detector that takes a change for granted once it has told it has a low share of alarms, and is "
        "none the worse for it: see the seeds found and the delay. F1 at the best threshold: that of the other half of "
        "the seeds."
    )
    if s["libraries"]:
        versions = ", ".join(f"{name} {v}" for name, v in s["libraries"].items())
        yield f"Other libraries, each with `p = {s['alpha']}` where it takes one, else its defaults: {versions}."
    yield ""
    found = {(c["what"], c["contender"]): c for c in cells}
    places = {name: i for i, name in enumerate((*ON_SCENARIOS, *LIBRARIES))}
    dummies = {c["contender"]: c["dummy"] for c in cells}
    names = {name: dummies[name] for name in sorted(dummies, key=lambda n: (places.get(n, len(places)), n))}
    yield from _first_two(found, names)
    yield from _others(found, names, [scene for scene in s["scenarios"] if scene not in (_QUIET, _ONSET)])
    for c in cells:
        if c["errors"] or c["failed_seeds"]:
            yield ""
            yield f"{c['contender']}, {c['what']}: {c['errors']} batches without an answer: {c['message']}"


def _first_two(found: Mapping[tuple[str, str], Cell], names: Mapping[str, bool]) -> Iterator[str]:
    """What nothing and a sudden change bring."""
    heads = ("", "false alarms, healthy", "seeds with any", "alarms after the onset", "seeds found", "delay, batches",
             "AUC", "F1", "F1, best threshold")  # fmt: skip
    rows = []
    for name, dummy in names.items():
        quiet, onset = (_measures(found.get((scene, name))) for scene in (_QUIET, _ONSET))
        rows.append(
            (
                _named(name, dummy),
                _share(quiet, "false_alarm_rate", interval=True),
                _share(quiet, "alarmed_before"),
                _share(onset, "detection_rate"),
                _share(onset, "found"),
                *(_number(onset, measure) for measure in ("delay_batches", "auc", "f1", "f1_best")),
            )
        )
    yield from table(heads, rows)


def _others(found: Mapping[tuple[str, str], Cell], names: Mapping[str, bool], scenes: Sequence[str]) -> Iterator[str]:
    """Whether, how soon and in which order the other scenarios are seen."""
    asked = [scene for scene in scenes if any(what == scene for what, _ in found)]
    if not asked:
        return
    yield ""
    seeds = min(found[scene, name]["seeds"] for scene in asked for name in names if (scene, name) in found)
    yield f"The other scenarios, {seeds} seeds: those with an alarm from the onset on, batches that it took, and AUC."
    yield ""
    rows = []
    for name, dummy in names.items():
        mine = [_measures(found.get((scene, name))) for scene in asked]
        if any(mine):
            told = [f"{_share(m, 'found')}, {_number(m, 'delay_batches')}, {_number(m, 'auc')}" for m in mine]
            rows.append((_named(name, dummy), *told))
    yield from table(("", *(scene.replace("_", " ") for scene in asked)), rows)


def _power(cells: Sequence[Cell], rows: int, s: Mapping[str, Any]) -> Iterator[str]:
    names = list(dict.fromkeys(c["contender"] for c in cells if not c["dummy"]))
    dummies = [n for n in dict.fromkeys(c["contender"] for c in cells if c["dummy"]) if n.startswith("random")]
    everyone = (*names, *dummies)
    clean = {name: [c["rate"][0] for c in cells if c["contender"] == name and not c["magnitude"]] for name in everyone}
    yield f"### Power at one rate of false alarms, batches of {rows}"
    yield ""
    yield (
        f"Share of drifted batches that score above a threshold which {s['rate']:.0%} of clean batches are above: each "
        f"contender's own, from one half of the seeds and used on the other, so that all aim at one rate; what came "
        f"of it is in the first row, of {cells[0]['seeds'] * s['clean_batches']:,} clean batches. "
        f"{cells[0]['seeds']} seeds with {s['clean_batches']} clean batches and as many of each magnitude."
    )
    yield ""
    made_rows = [("measured false alarms", *(_mean(clean[name]) for name in everyone))]
    shown = {(c["what"], c["magnitude"], c["contender"]): c for c in cells}
    for what, magnitude in dict.fromkeys((c["what"], c["magnitude"]) for c in cells if c["magnitude"]):
        told = []
        for name in everyone:
            cell = shown.get((what, magnitude, name))
            told.append("" if cell is None or cell["rate"][0] is None else f"{cell['rate'][0]:.0%}")
        made_rows.append((f"{what}, {magnitude:g}", *told))
    yield from table(("", *names, *(f"{name} (dummy)" for name in dummies)), made_rows)
    yield ""
    units = {c["what"]: s["units"][c["what"]] for c in cells}
    yield "Magnitudes: " + "; ".join(f"{what}: {unit}" for what, unit in units.items()) + "."


def _measures(cell: Cell | None) -> Mapping[str, Sequence[float | None]]:
    return {} if cell is None else cell["measures"]


def _named(name: str, dummy: bool) -> str:
    return f"{name} (dummy)" if dummy else name


def _share(measures: Mapping[str, Sequence[float | None]], name: str, *, interval: bool = False) -> str:
    value, low, high = measures.get(name, (None, None, None))
    if value is None:
        return ""
    ends = f" ({low:.1%} to {high:.1%})" if interval and low is not None and high is not None else ""
    return f"{value:.1%}{ends}"


def _number(measures: Mapping[str, Sequence[float | None]], name: str) -> str:
    value = measures.get(name, (None,))[0]
    return "" if value is None else f"{value:.3g}"


def _mean(rates: Sequence[float | None]) -> str:
    known = [rate for rate in rates if rate is not None]
    return f"{sum(known) / len(known):.1%}" if known else ""
