"""What does it cost to learn a data set larger than one wants to hold, against only reading it?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from accel_drift.backends import Backend
from accel_drift.profiles import Profile
from accel_drift.profiles.plan import Plan
from bench.goals import Goal, process, slower
from bench.parquet_rows import dataset
from bench.question import Answer, Case, Contender, Question, Sizes

_FIT, _PLAN = "numpy fit on a plan", "numpy plan, of a sample"
_BATCHES = "pyarrow, iter_batches of every file"
_FILES = "pyarrow, read_table file by file"
_BUSY = (
    "reading alone keeps both cores busy, and coding texts, counting and reading are 1.4 times its work; what is above "
    "that is one step waiting for another"
)
_WHOLE = _BUSY + ", and reading by batches in bounded memory takes longer than reading files whole"


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:  # noqa: ARG001  (rows on the host are counted there)
    """Counting all columns in the cells of a plan, and two ways to read all of them. They agree in the rows."""
    folder = dataset(sizes["rows"])
    kept = folder.with_suffix(".plan")
    if not kept.exists():
        Profile.plan(folder).save(kept)
    plan = Plan.load(kept)  # so that a process that measures the memory of fitting does not plan
    found = {
        _FIT: Contender("ours", lambda: _rows(Profile.fit(folder, plan=plan)), _BATCHES, "", 0.0),
        _PLAN: Contender("ours", lambda: np.array([Profile.plan(folder).contents()["planned_on_rows"]])),
        _BATCHES: Contender("peer", lambda: _batches(folder)),
        _FILES: Contender("peer", lambda: _files(folder)),
    }
    return Question("fit_parquet", sizes, found)


def _rows(profile: Profile) -> Answer:
    return np.array([profile.contents()["rows_of_reference"]])


def _batches(folder: Path) -> Answer:
    rows = 0
    for path in sorted(folder.iterdir()):
        with pq.ParquetFile(path) as file:
            rows += sum(batch.num_rows for batch in file.iter_batches())
    return np.array([rows])


def _files(folder: Path) -> Answer:
    return np.array([sum(pq.read_table(path).num_rows for path in sorted(folder.iterdir()))])


CASE = Case(
    "fit_parquet",
    "Larger than memory: a Parquet data set of so many rows in 19 columns, counted in the cells of a plan",
    ({"rows": 50_000_000},),
    ({"rows": 200_000},),
    ask,
    goals=(
        Goal("times the time of reading it by pyarrow's batches", slower(_FIT, _BATCHES), 1.5, most=True, reason=_BUSY),
        Goal(
            "times the time of reading its files whole, one by one",
            slower(_FIT, _FILES),
            1.5,
            most=True,
            reason=_WHOLE,
        ),
        Goal("all memory of a process that fits", process(_FIT), 600, "MB", most=True),
        Goal(
            "all memory of a process that plans",
            process(_PLAN),
            600,
            "MB",
            most=True,
            reason="what pyarrow holds differs from run to run; reading by its batches alone took {} MB in this one",
            because=process(_BATCHES),
        ),
    ),
    devices=("cpu",),
)
