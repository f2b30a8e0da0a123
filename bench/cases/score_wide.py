"""What does the whole score of a wide batch cost, against a loop of SciPy's test and against evidently's preset?

Ours gives PSI and KS with p-values, effects, intervals and pictures, and corrects over the columns; SciPy's loop gives
KS alone. Times are those of one column of n rows. SciPy is timed on a few columns, since all of them take half a
minute, and evidently on a tenth of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from accel_drift.backends import Backend
from accel_drift.profiles import Profile
from bench import peers
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes, TwoSamples

SCIPY = "SciPy, ks_2samp by column"
_TESTS = ("psi", "ks")
_SHARE = 10
_DEFAULT = "a sample kept, the default"
Columns = npt.NDArray[np.float64]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend at one size; all are compared in the `few` columns that SciPy has."""
    n, d, few, b = sizes["n"], sizes["d"], sizes["few"], backends[0]
    reference, batch = samples(n, d)
    profiles = {
        # A fiftieth of a million rows is what a profile keeps unless it is told otherwise.
        _DEFAULT: Profile.fit(reference, detectors=_TESTS, backend=b, sample_rows=max(n // 50, 2)),
        "every row kept": Profile.fit(reference, detectors=_TESTS, backend=b, sample_rows=None),
        "counts kept": Profile.fit(reference, detectors=_TESTS, backend=b, content="aggregates"),
    }
    found: dict[str, Contender] = {}
    for kept, profile in profiles.items():
        # Samples and cells have distances of their own.
        tolerance = 1e-9 if kept == "every row kept" else None
        score = partial(distances, profile, batch, few)
        found[f"{b.name} psi + ks, {kept}"] = Contender("ours", score, SCIPY, "", tolerance, d)
    found[SCIPY] = Contender("peer", lambda: _scipy(reference[:, :few], batch[:, :few]), pieces=few)
    part = max(n // _SHARE, 1)
    libraries = TwoSamples(reference[:part], batch[:part], (peers.EVIDENTLY,), pieces=max(d // _SHARE, 1))
    return Question("score_wide", sizes, found, libraries=libraries)


def samples(n: int, d: int) -> tuple[Columns, Columns]:
    """Both sides, column by column in memory, as Arrow keeps a table."""
    rng = np.random.default_rng(12)
    x, y = (rng.standard_normal((d, n)).T for _ in range(2))
    return x, y + 0.02


def distances(profile: Profile, batch: Columns, few: int) -> Answer:
    """Score all columns; the KS distances of the first few."""
    found = {f.column: f.statistic for f in profile.score(batch).findings if f.detector == "ks"}
    return np.array([found[f"x{j}"] for j in range(few)])


def _scipy(reference: Columns, batch: Columns) -> Answer:
    tests: list[Any] = [ks_2samp(x, y, method="asymp") for x, y in zip(reference.T, batch.T, strict=True)]
    return np.array([t.statistic for t in tests])


CASE = Case(
    "score_wide",
    "Whole score: PSI and KS of d float64 columns of n rows against a fitted profile of n rows, per column",
    ({"n": 1_000_000, "d": 50, "few": 4},),
    ({"n": 20_000, "d": 10, "few": 4},),
    ask,
    goals=(
        Goal(
            "a fitted profile, p-values and intervals, times faster than SciPy's KS loop",
            faster(f"numpy psi + ks, {_DEFAULT}", SCIPY),
            20,
        ),
        Goal(
            "the same, times faster per cell than evidently's preset on a tenth of the rows",
            faster(f"numpy psi + ks, {_DEFAULT}", peers.EVIDENTLY),
            100,
        ),
    ),
    devices=("cpu",),
)
