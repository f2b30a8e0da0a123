"""A published benchmark of drift detectors, again: as published, ours on the same rows, and in an honest form.

    python bench/published_study.py --keep published.jsonl --peers peers/bin/python
    python bench/published_study.py --scale 0.1     # a quick look: two seeds, nothing written

`--peers` names a Python that has PyTorch, for one of the three experiments of the confidence study; without it that
one is left out. See `bench/published` for the protocol, the published scores and figures, and how the honest form
differs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from bench.online_peer import PYTHON
from bench.published import confidence, honest, protocol
from bench.published.contenders import ALPHA, CONTENDERS, DELTAS, MORE, NAMES, PUBLISHED, TABLE, TESTS, Judged
from bench.published.result import cells
from bench.published.scores import SCORES
from bench.study import Found, Kept, Study, main

MORE_TRIALS = 100
"""Further trials of the experiments without the network, to say how often a lead is claimed."""

STEP = 25
SEEDS_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Task:
    """One seed of a table, some seeds' clean batches, or some trials of the confidence study.

    Attributes:
        part: "table", "honest", "again" or "confidence".
        what: the experiment, in the confidence study.
        first: the seed, or the number of the first seed or trial.
        many: seeds or trials.
    """

    part: str
    what: str
    first: int
    many: int = 1


def peers() -> Path | None:
    """The Python that `--peers` names."""
    named = os.environ.get(PYTHON)
    return None if named is None else Path(named)


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does; nothing of the network where no Python has PyTorch."""
    seeds = protocol.SEEDS[: max(2, round(scale * len(protocol.SEEDS)))]
    for part in ("table", "honest"):
        yield from (Task(part, "", seed) for seed in seeds)
    further = range(honest.AGAIN.start, honest.AGAIN.start + round(scale * len(honest.AGAIN)), SEEDS_AT_ONCE)
    yield from (Task("again", "", first, SEEDS_AT_ONCE) for first in further)
    for what, (classifier, _, _) in confidence.EXPERIMENTS.items():
        if classifier == "network" and peers() is None:
            continue
        yield Task("confidence", what, 0, max(2, round(scale * confidence.TRIALS)))
        if classifier != "network":
            end = confidence.TRIALS + round(scale * MORE_TRIALS)
            yield from (Task("confidence", what, at, min(STEP, end - at)) for at in range(confidence.TRIALS, end, STEP))


def wanted(task: Task) -> tuple[str, ...]:
    """The contenders of a task."""
    kinds = {"table": TABLE, "honest": tuple(CONTENDERS), "again": (*TESTS, *MORE), "confidence": ("trials",)}
    return kinds[task.part]


def work(task: Task, names: tuple[str, ...]) -> Found:
    """What each contender made of a seed's batches; or what was found in some trials."""
    if task.part == "confidence":
        numbers = range(task.first, task.first + task.many)
        return {"trials": {"trials": confidence.trials(task.what, numbers, peers())}}
    if task.part == "again":
        return {name: _again(task, name) for name in names}
    if task.part == "honest":
        reference, kinds = honest.batches(task.first)
    else:
        drawn = protocol.batches(task.first)
        reference = drawn.reference
        kinds = {kind: getattr(drawn, kind) for kind in ("clean", "shifted", "noise_clean", "noisy")}
    found: Found = {}
    for name in names:
        judge = CONTENDERS[name](reference, task.first)
        found[name] = {kind: _plain(judge(batches)) for kind, batches in kinds.items()}
        if task.part == "table" and name in PUBLISHED:
            found[name]["steeper"] = _steeper(name, task.first)
    return found


def _again(task: Task, name: str) -> dict[str, list[int]]:
    """Alarms and clean batches of each further seed."""
    hits, trials = [], []
    for number in range(task.first, task.first + task.many):
        seed = confidence.seed_of(number)
        reference, kinds = honest.batches(seed)
        alarms = CONTENDERS[name](reference, seed)(kinds["clean"]).alarms
        hits.append(int(alarms.sum()))
        trials.append(len(alarms))
    return {"hits": hits, "trials": trials}


def _plain(judged: Judged) -> dict[str, list[Any]]:
    return {
        "scores": [float(f"{score:.12g}") for score in judged.scores],
        "alarms": judged.alarms.astype(int).tolist(),
        "verdicts": judged.verdicts.astype(int).tolist(),
    }


def _steeper(name: str, seed: int) -> dict[str, list[float]]:
    """Scores of what the published search for thresholds draws."""
    reference, clean, shifted = protocol.steeper(seed)
    score = SCORES[name].fit(reference)
    return {"clean": [score(batch) for batch in clean], "shifted": [score(batch) for batch in shifted]}


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """The cells of all parts, and the goals."""
    return cells(kept.found, kept.commits)


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "alpha": ALPHA,
        "seeds": list(protocol.SEEDS),
        "rows": protocol.ROWS,
        "reference": protocol.REFERENCE,
        "features": protocol.FEATURES,
        "names": dict(NAMES),
        "deltas": list(DELTAS),
        "rate": honest.RATE,
        "honest_seed": honest.SEED,
        "honest_clean": honest.CLEAN,
        "honest_changed": honest.CHANGED,
        "changes": {name: list(sizes) for name, sizes in honest.CHANGES.items()},
        "planted": confidence.PLANTED,
    }


def told(count: Mapping[str, Any]) -> str:
    """Shares of alarms, for the log."""
    if "hits" in count:
        return f"{sum(count['hits'])} of {sum(count['trials'])}"
    if "trials" in count:
        claims = [s["lag"] > 0 for trial in count["trials"] for s in trial["scores"].values()]
        return f"{np.mean(claims):.0%} leads claimed"
    return " / ".join(f"{np.mean(count[kind]['alarms']):.2f}" for kind in count if "alarms" in count[kind])


STUDY = Study("published", Task, work, wanted, rows, settings, told)


if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
