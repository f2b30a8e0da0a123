"""The cells of the result: what was reproduced, ours on the same rows, the honest form, the confidence study, goals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.published import honest, metrics
from bench.published.confidence import EXPERIMENTS, TRIALS, seed_of
from bench.published.confidence import SCORES as LED
from bench.published.contenders import CONTENDERS, DUMMIES, TABLE
from bench.published.figures import LEADS, SHARES
from bench.published.figures import TABLE as FIGURES
from bench.published.figures import TRIALS as TRIAL_FIGURES
from bench.published.goals import goals
from bench.published.protocol import CLEAN, RAMP, STILL, Floats
from bench.published.scores import SCORES

Cell = dict[str, Any]
Seeds = Mapping[int, Mapping[str, Any]]
"""Seed -> contender -> kind of batch -> what was said of each."""

LEVEL = 0.05
"""Of the test of leads."""


def cells(found: Mapping[Any, Mapping[str, Any]], commits: Mapping[tuple[Any, str], str]) -> list[Cell]:
    """All cells, goals last; each says at which commits its part was run."""
    at: dict[str, set[str]] = {}
    for (task, _), commit in commits.items():
        at.setdefault(task.part, set()).add(commit)
    made: list[Cell] = []
    by_seed = {
        part: {task.first: held for task, held in sorted(found.items(), key=lambda i: i[0].first) if task.part == part}
        for part in ("table", "honest")
    }
    if by_seed["table"]:
        made += [*_reproduced(by_seed["table"]), *_table(by_seed["table"])]
    if by_seed["honest"]:
        made += _honest(by_seed["honest"])
    made += _again([held for task, held in found.items() if task.part == "again"])
    made += _confidence({task: held for task, held in found.items() if task.part == "confidence"})
    for cell in made:
        cell.update(holds=None, commits=sorted(at["table" if cell["part"] == "reproduced" else cell["part"]]))
    every = sorted({commit for some in at.values() for commit in some})
    return [*made, *({**goal, "commits": every} for goal in goals(made))]


# As published


def _reproduced(seeds: Seeds) -> Iterator[Cell]:
    """Each published mean beside ours of the same seeds."""
    for name, score in SCORES.items():
        own = [_seed_metrics(held[name], score.threshold) for held in seeds.values()]
        means = {key: metrics.mean_over_seeds([m[key] for m in own if m[key] is not None]) for key in own[0]}
        clean, shifted = (
            np.concatenate([held[name]["steeper"][kind] for held in seeds.values()]) for kind in ("clean", "shifted")
        )
        best, best_at = metrics.best_f1(clean, shifted, score.threshold)
        together = {"f1": metrics.f1(clean, shifted, score.threshold), "best_f1": best, "best_threshold": best_at}
        for key, told in FIGURES.items():
            value, half = (together[key], None) if key in together else means[key]
            digits = 3 if key in SHARES else 4
            yield {
                "part": "reproduced",
                "detector": name,
                "metric": key,
                "published": told[score.name],
                "seeds": len(seeds),
                "measured": round(value, 6),
                "half_width": None if half is None else round(half, 6),
                # Half of the last digit, and its own rounding.
                "same": abs(value - told[score.name]) <= 0.5001 * 10.0**-digits,
            }


def _seed_metrics(held: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    clean, shifted, noise_clean, noisy = (_scores(held, kind) for kind in ("clean", "shifted", "noise_clean", "noisy"))
    before = clean[:CLEAN]
    return {
        "false_alarms": float((clean > threshold).mean()),
        "delay": metrics.first(shifted > threshold),
        "found": float((shifted > threshold).mean()),
        "auc": metrics.auc(clean, shifted),
        "cohens_d": metrics.cohens_d(before, shifted),
        # As published, five batches of full magnitude are left out with the ramp.
        "cohens_d_strong": metrics.cohens_d(before, shifted[RAMP + STILL :]),
        "stability": metrics.stability(np.concatenate([clean, shifted])),
        "noise_false_alarms": float((noise_clean > threshold).mean()),
        "noise_found": float((noisy > threshold).mean()),
        "noise_auc": metrics.auc(noise_clean, noisy),
        "noise_cohens_d": metrics.cohens_d(noise_clean, noisy),
    }


def _scores(held: Mapping[str, Any], kind: str) -> Floats:
    return np.asarray(held[kind]["scores"], dtype=np.float64)


# Ours on the same rows


def _table(seeds: Seeds) -> Iterator[Cell]:
    """Alarms of every contender on every kind of batch, at its own threshold; the two clean kinds are one."""
    kinds = {"clean": ("clean", "noise_clean"), "shifted": ("shifted",), "noisy": ("noisy",)}
    for name in TABLE:
        if not all(name in held for held in seeds.values()):
            continue
        for kind, parts in kinds.items():
            cell: Cell = {"part": "table", "detector": name, "kind": kind}
            for what in ("alarms", "verdicts"):
                said = [[x for part in parts for x in held[name][part][what]] for held in seeds.values()]
                cell |= {what: _rate([sum(s) for s in said], [len(s) for s in said])}
            cell["batches"] = sum(len(s) for s in said)
            beside = {"shifted": "clean", "noisy": "noise_clean"}.get(kind)
            if beside and name not in DUMMIES:
                areas = [metrics.auc(_scores(h[name], beside), _scores(h[name], kind)) for h in seeds.values()]
                cell["auc"] = round(float(np.mean(areas)), 4)
            yield cell


def _rate(hits: Sequence[int], trials: Sequence[int]) -> list[float]:
    """Rate and both ends of its interval."""
    return [round(value, 5) for value in metrics.rate(hits, trials)]


# The honest form


def _honest(seeds: Seeds) -> Iterator[Cell]:
    """Power at one measured false-alarm rate, and alarms at the contender's own threshold."""
    kinds = [("", 0.0), *((change, size) for change, sizes in honest.CHANGES.items() for size in sizes)]
    for name in CONTENDERS:
        if not all(name in held for held in seeds.values()):
            continue
        said = {seed: held[name] for seed, held in seeds.items()}
        names = {honest.key(*kind) if kind[0] else "clean": kind for kind in kinds}
        scores = {seed: {kind: _scores(held, kind) for kind in names} for seed, held in said.items()}
        at_rate = None if name in DUMMIES else honest.crossed(scores)
        for kind, (change, size) in names.items():
            own = [held[kind]["alarms"] for held in said.values()]
            alarms = _rate([sum(a) for a in own], [len(a) for a in own])
            yield {
                "part": "honest",
                "detector": name,
                "change": change,
                "size": size,
                "batches": sum(len(a) for a in own),
                "rate": alarms if at_rate is None else _rate(*at_rate[kind]),
                "alarms": alarms,
            }


def _again(found: Sequence[Mapping[str, Any]]) -> Iterator[Cell]:
    """Alarms of each test on clean batches of further seeds, which nothing else is judged by."""
    for name in dict.fromkeys(name for held in found for name in held):
        hits, trials = ([n for held in found if name in held for n in held[name][what]] for what in ("hits", "trials"))
        yield {"part": "again", "detector": name, "batches": sum(trials), "rate": _rate(hits, trials)}


# Confidence


def _confidence(found: Mapping[Any, Mapping[str, Any]]) -> Iterator[Cell]:
    """How often a lead is claimed: in the published trials, and in all of an experiment."""
    for what in EXPERIMENTS:
        mine = [t for task, held in sorted(found.items(), key=lambda i: i[0].first) if task.what == what for t in held["trials"]["trials"]]  # fmt: skip  # noqa: E501
        if not mine:
            continue
        own = [t for t in mine if t["seed"] < seed_of(TRIALS)]
        trial = {key: round(float(np.mean([t[key] for t in own])), 2) for key in TRIAL_FIGURES[what]}
        for score in LED:
            all_of = [t["scores"][score] for t in mine]
            yield {
                "part": "confidence",
                "experiment": what,
                "score": score,
                "trials": len(own),
                "claims": sum(t["scores"][score]["lag"] > 0 for t in own),
                "published": LEADS[what][score],
                **trial,
                "published_trial": dict(TRIAL_FIGURES[what]),
                "all_trials": len(all_of),
                "lead": _share(s["lag"] > 0 for s in all_of),
                "mirrored": _share(s["mirrored"] > 0 for s in all_of),
                "leads_more": _share(s["leads_more"] for s in all_of),
                "tested_lead": _share(s["p_lead"] <= LEVEL for s in all_of),
                "tested_lag": _share(s["p_lag"] <= LEVEL for s in all_of),
                "tested_asymmetry": _share(s["p_asymmetry"] <= LEVEL for s in all_of),
                "planted_lead": _share(s["planted_lag"] > 0 for s in all_of),
                "planted_tested": _share(s["p_planted"] <= LEVEL for s in all_of),
            }


def _share(yes: Iterator[bool]) -> list[float]:
    said = [int(bool(y)) for y in yes]
    # Trials have one value each: the interval is the binomial one.
    return _rate([sum(said)], [len(said)])
