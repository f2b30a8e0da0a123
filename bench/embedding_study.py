"""MMD of embeddings of 384 and 768 numbers: level, power and cost without and with reduction.

    python bench/embedding_study.py --keep embeddings.jsonl
    python bench/embedding_study.py --scale 0.1              # a quick look: fewer pairs, nothing written
    DOCSTRINGS=vectors.npz python bench/embedding_study.py   # sentence embeddings, too: see embed_docstrings.py

Synthetic embeddings have a power law of variances, the j-th 1 / j of the first, about a mean that is half as long,
squared, as they vary, and length 1. Some are tested once more rounded to float32. Sentence embeddings, float32 as the
model gives them, are of docstrings of SciPy; in a drift some are of pandas.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.backends import get_backend
from accel_drift.data import read_table
from accel_drift.detectors.mmd import MMD
from accel_drift.statistics import distances
from accel_drift.statistics.comparison import Comparison, Plan
from bench.level import ALPHA, Tally
from bench.study import Found, Kept, Study, main

SEED = 20_008
N, M = 300, 150
COST = (2000, 500, 768)
ROUNDS = 3
PAIRS_OF_ROWS = distances._PAIRS
PERMUTATIONS = 199
PAIRS = {True: 400, False: 200}
"""Where nothing drifts, and where something does."""

STEP = 25
LENGTH = 0.06
"""How far a mean is moved, where vectors have length 1."""

NEW = 0.05
"""Share of a new cluster."""

CALIBRATED = "pca 32, calibration"
SINGLE = "synthetic float32"
SINGLE_WAYS = ("none", "pca 32", "random 32")
CHANGES = ("none", "leading", "trailing", "cluster", "spread")
SHARES = {"none": 0.0, "pandas 10 %": 0.1, "pandas 20 %": 0.2, "pandas 30 %": 0.3}
"""Share of batch rows that are of the other package."""

WAYS: Mapping[str, MMD] = {
    "none": MMD(permutations=PERMUTATIONS),
    "pca 8": MMD(permutations=PERMUTATIONS, reduce="pca", components=8),
    "pca 32": MMD(permutations=PERMUTATIONS, reduce="pca", components=32),
    "pca 128": MMD(permutations=PERMUTATIONS, reduce="pca", components=128),
    "random 32": MMD(permutations=PERMUTATIONS, reduce="random", components=32),
    "random 128": MMD(permutations=PERMUTATIONS, reduce="random", components=128),
    CALIBRATED: MMD(permutations=PERMUTATIONS, reduce="pca", components=32, scale="calibration"),
}

Rows = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Task:
    """Pairs of one source, synthetic or docstrings, of d numbers with one change; "cost" is what times."""

    source: str
    d: int
    change: str
    first: int
    pairs: int


def tasks(scale: float = 1.0) -> Iterator[Task]:
    """Everything the study does."""
    yield Task("synthetic", COST[2], "cost", 0, max(1, round(min(scale, 1.0) * ROUNDS)))
    asked = [("synthetic", d, change) for d in (384, 768) for change in CHANGES]
    asked += [(SINGLE, 384, change) for change in ("none", "trailing")]
    asked += [("docstrings", 384, change) for change in SHARES if _path()]
    for source, d, change in asked:
        end = max(2, round(scale * PAIRS[change == "none"]))
        yield from (Task(source, d, change, lo, min(STEP, end - lo)) for lo in range(0, end, STEP))


def wanted(task: Task) -> tuple[str, ...]:
    """Every way on the same data; of what differs by rounding alone a few."""
    return SINGLE_WAYS if task.source == SINGLE else tuple(WAYS)


def work(task: Task, ways: tuple[str, ...]) -> Found:
    """How many pairs each way finds; of the cost the seconds of each round. BLAS has one thread, as all else."""
    with threadpool_limits(1):
        return _timed(task, ways) if task.change == "cost" else _counted(task, ways)


def _counted(task: Task, ways: tuple[str, ...]) -> Found:
    p: dict[str, list[float]] = {way: [] for way in ways}
    for pair in range(task.first, task.first + task.pairs):
        reference, batch = _pair(task, np.random.default_rng([SEED, task.d, pair, sum(task.change.encode())]), (N, M))
        for way in ways:
            p[way].append(_p_value(way, reference, batch, SEED + pair))
    return {way: {"found": sum(v <= ALPHA for v in p[way]), "pairs": len(p[way])} for way in ways}


def _timed(task: Task, ways: tuple[str, ...]) -> Found:
    n, m, _ = COST
    reference, batch = _pair(task, np.random.default_rng(SEED), (n, m))
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    # The median distance is that of a user's test, without the saving of a study of many pairs.
    with patch.object(distances, "_PAIRS", PAIRS_OF_ROWS):
        for turn in range(1 + task.pairs):
            for way in ways:
                started = time.perf_counter()
                _p_value(way, reference, batch, SEED)
                if turn:
                    seconds[way].append(round(time.perf_counter() - started, 4))
    return {way: {"seconds": seconds[way]} for way in ways}


def _p_value(way: str, reference: Rows, batch: Rows, seed: int) -> float:
    mine, theirs = (read_table({"e": side}) for side in (reference, batch))
    comparison = Comparison(mine, theirs, ("e",), get_backend("numpy"))
    (found,) = WAYS[way].outcomes(comparison, Plan(ALPHA, ALPHA, seed, intervals=False))
    assert found.p_value is not None  # noqa: S101
    return found.p_value


def _pair(task: Task, rng: np.random.Generator, sizes: tuple[int, int]) -> tuple[Rows, Rows]:
    n, m = sizes
    if task.source == "docstrings":
        mine, others = _docstrings()
        own = mine[rng.permutation(len(mine))[: n + m]]
        new = rng.binomial(m, SHARES[task.change])
        return own[:n], np.concatenate([own[n : n + m - new], others[rng.permutation(len(others))[:new]]])
    dtype = np.float32 if task.source == SINGLE else np.float64
    sides = synthetic(rng, n, task.d), synthetic(rng, m, task.d, task.change)
    return sides[0].astype(dtype, copy=False), sides[1].astype(dtype, copy=False)


def synthetic(rng: np.random.Generator, rows: int, d: int, change: str = "none") -> Rows:
    """Rows of length 1, (rows, d)."""
    variances = 1.0 / np.arange(1, d + 1)
    variances /= variances.sum()
    mean, moved = np.sqrt(0.5) * _direction(d, 1), np.zeros(d)
    z = rng.standard_normal((rows, d)) * np.sqrt(variances)
    if change in ("leading", "trailing"):
        moved[0 if change == "leading" else 3 * d // 4] = LENGTH
    elif change == "spread":
        z *= 1.15
    elif change == "cluster":
        new = rng.random(rows) < NEW
        z[new] = 0.5 * z[new] + _direction(d, 2)
    v = mean + z
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True) + moved)


@cache
def _direction(d: int, which: int) -> Rows:
    made = np.random.default_rng([SEED, which]).standard_normal(d)
    return np.asarray(made / np.linalg.norm(made))


def _path() -> str:
    return os.environ.get("DOCSTRINGS", "")


@cache
def _docstrings() -> tuple[Rows, Rows]:
    with np.load(_path()) as held:
        return held["scipy"], held["pandas"]


def rows(kept: Kept[Task]) -> list[dict[str, Any]]:
    """One row for each source, change and way: the share found, or the seconds."""
    summed: dict[tuple[str, int, str, str], tuple[int, int, set[str]]] = {}
    made: list[dict[str, Any]] = []
    for task, found in kept.found.items():
        for way, count in found.items():
            commit = {kept.commits[task, way]}
            if task.change == "cost":
                n, m, d = COST
                where = {"source": task.source, "d": d, "change": "cost", "way": way, "n": n, "m": m}
                made.append({**where, **count, "holds": None, "commits": sorted(commit)})
                continue
            key = (task.source, task.d, task.change, way)
            k, of, commits = summed.get(key, (0, 0, set()))
            summed[key] = k + count["found"], of + count["pairs"], commits | commit
    for (source, d, change, way), (k, of, commits) in summed.items():
        tally, level = Tally(k, of, of), change == "none"
        made.append(
            {
                "source": source,
                "d": d,
                "change": change,
                "way": way,
                "n": N,
                "m": M,
                "pairs": of,
                "found": k,
                "rate": round(tally.rate, 4),
                "bound": round(tally.bound, 4) if level else None,
                "holds": bool(tally.rate <= tally.bound) if level else None,
                "commits": sorted(commits),
            }
        )
    order, sources = (*CHANGES, *SHARES, "cost"), ("synthetic", SINGLE, "docstrings")

    def place(row: dict[str, Any]) -> tuple[int, ...]:
        way = [*WAYS].index(row["way"])
        return sources.index(row["source"]), order.index(row["change"]), row["d"], way

    return sorted(made, key=place)


def settings() -> dict[str, Any]:
    """What a reader must know."""
    made = {"seed": SEED, "alpha": ALPHA, "standard_errors": 4.75, "permutations": PERMUTATIONS, "length": LENGTH}
    return {**made, "new": NEW, **_texts()}


def _texts() -> dict[str, Any]:
    if not _path():
        return {}
    with np.load(_path()) as held:
        told = {p: {"version": str(held[f"{p}_version"]), "texts": len(held[p])} for p in ("scipy", "pandas")}
    return {"model": "all-MiniLM-L6-v2", "docstrings": told}


def told(count: Mapping[str, Any]) -> str:
    """The share found, for the log."""
    return f"{count['found'] / count['pairs']:.3f}" if "pairs" in count else str(count["seconds"])


STUDY = Study("embeddings", Task, work, wanted, rows, settings, told)

if __name__ == "__main__":
    sys.exit(main(STUDY, lambda scale: list(tasks(scale)), __doc__))
