"""What is wanted of the study, and whether it was met; nothing here is tuned on the batches that are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.published.confidence import TRIALS
from bench.published.contenders import ALPHA, NAMES, STREAMS, TESTS
from bench.published.protocol import SEEDS

LEAST, HELD = 0.99, 0.999
"""Of what is to be found: the rate itself, and a rate that its interval must hold."""

POINTS = 0.005
LEVEL = 0.05

Cell = Mapping[str, Any]


def goals(cells: Sequence[Cell]) -> Iterator[dict[str, Any]]:
    """A cell for each goal whose numbers are there: `text`, `wanted`, `measured`, `holds`, and why not."""
    # Published means are of all seeds: a quick look has nothing to say of them.
    yield from _reproduction([c for c in cells if c["part"] == "reproduced" and c["seeds"] == len(SEEDS)])
    table = {(c["detector"], c["kind"]): c for c in cells if c["part"] == "table"}
    if table:
        yield from _ours(table)
    again = {c["detector"]: c for c in cells if c["part"] == "again"}
    clean = {c["detector"]: c for c in cells if c["part"] == "honest" and not c["change"]}
    for name in (*TESTS, *STREAMS):
        if name in clean:
            goal = _quiet(f"{NAMES[name]}: false alarms on fresh clean batches", clean[name]["alarms"])
            yield goal if goal["holds"] or name not in again else {**goal, "reason": _reason(again[name])}
    yield from _leads([c for c in cells if c["part"] == "confidence"])


def _goal(text: str, wanted: str, measured: str, holds: bool) -> dict[str, Any]:
    return {"part": "goal", "text": text, "wanted": wanted, "measured": measured, "holds": bool(holds), "reason": ""}


def _reason(again: Cell) -> str:
    """What batches that had no part in it say of a level that was missed."""
    word = "chance" if again["rate"][1] <= ALPHA else "no chance"
    return f"{word}: {interval(again['rate'])} of {again['batches']:,} clean batches of further seeds"


def _reproduction(cells: Sequence[Cell]) -> Iterator[dict[str, Any]]:
    for c in cells:
        if c["metric"] == "false_alarms" and c["detector"] in ("published_psi", "published_adwin"):
            off = abs(c["measured"] - c["published"])
            text = f"{NAMES[c['detector']]}: false alarms as published, {c['published']:.1%}"
            yield _goal(text, "within 0.5 points", f"{c['measured']:.2%}", off <= POINTS)
    if cells:
        same = sum(c["same"] for c in cells)
        text = "published means that the re-implemented scores give to the last published digit"
        yield _goal(text, f"all of {len(cells)}", str(same), same == len(cells))


def _ours(table: Mapping[tuple[str, str], Cell]) -> Iterator[dict[str, Any]]:
    for name in TESTS:
        for what, said in (("alarms", "any effect"), ("verdicts", "smallest effect at its default")):
            if (name, "clean") not in table or (what == "verdicts" and name == "mmd"):
                continue  # MMD has no smallest effect by default: both are one.
            told = f"{NAMES[name]}, {said}"
            yield _quiet(f"{told}: false alarms", table[name, "clean"][what])
            yield _sure(f"{told}: shift found", table[name, "shifted"][what])
            yield _sure(f"{told}: noise found", table[name, "noisy"][what])
    for name, kind, word in (("adwin", "shifted", "shift"), ("adwin_squares", "noisy", "noise")):
        if (name, "clean") in table:
            yield _quiet(f"{NAMES[name]}: false alarms", table[name, "clean"]["alarms"])
            yield _sure(f"{NAMES[name]}: {word} found", table[name, kind]["alarms"])


def _quiet(text: str, rate: Sequence[float]) -> dict[str, Any]:
    return _goal(text, f"at most {ALPHA:.0%} within the interval", interval(rate), rate[1] <= ALPHA)


def _sure(text: str, rate: Sequence[float]) -> dict[str, Any]:
    holds = rate[0] >= LEAST and rate[1] <= HELD <= rate[2]
    return _goal(text, f"at least {LEAST:.0%}, an interval that holds {HELD:.1%}", interval(rate), holds)


def _leads(cells: Sequence[Cell]) -> Iterator[dict[str, Any]]:
    whole = [c for c in cells if c["trials"] == TRIALS]
    if whole:
        same = sum(c["claims"] == c["published"] for c in whole)
        text = "counts of claimed leads, by experiment and score, that are the published ones"
        yield _goal(text, f"all of {len(whole)}", str(same), same == len(whole))
    for c in cells:
        if c["all_trials"] > c["trials"]:
            text = f"a lead of confidence over {c['score']} in {c['experiment']}, by the permutation test"
            rate = c["tested_lead"]
            yield _goal(text, f"at most {LEVEL:.0%} within the interval", interval(rate), rate[1] <= LEVEL)


def interval(rate: Sequence[float]) -> str:
    """A rate and its 95 % interval, in percent."""
    value, low, high = (100 * x for x in rate)
    return f"{value:.2f} % ({low:.2f} to {high:.2f})"
