"""What does a monitor with a history add to scoring a window?

The reference is fitted, a batch is a window, and every window is one commit to a SQLite file.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from accel_drift.backends import Backend
from accel_drift.monitor import Monitor, Windows
from accel_drift.profiles import Profile
from accel_drift.report import Report
from bench.goals import Goal, slower
from bench.question import Answer, Case, Contender, Question, Sizes

_ALONE = "profile.score alone"
_DETECTORS = ("psi", "missing", "unseen")


class Watched:
    """A monitor over a database of its own, which goes with it."""

    def __init__(self, profile: Profile, batch: pa.Table) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._batch = batch
        self._monitor = Monitor(profile, Windows(rows=batch.num_rows), history=f"sqlite:///{folder.name}/drift.db")
        weakref.finalize(self, folder.cleanup)

    def next(self) -> Answer:
        """The next window's p-values."""
        (report,) = self._monitor.observe([self._batch])
        return _p_values(report)


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """A window of n rows in d columns against a reference of ten times as many."""
    n, d = sizes["n"], sizes["d"]
    rng = np.random.default_rng(8)
    reference, batch = (pa.table({f"x{i}": rng.normal(size=rows) for i in range(d)}) for rows in (10 * n, n))
    found = {}
    for backend in backends:
        profile = Profile.fit(reference, list(_DETECTORS), backend=backend)
        alone = f"{backend.name}, {_ALONE}"
        found[alone] = Contender("peer", lambda profile=profile: _p_values(profile.score(batch)))  # type: ignore[misc]
        watched = Watched(profile, batch)
        found[f"{backend.name}, monitor"] = Contender("ours", watched.next, alone, tolerance=1e-12)
    return Question("monitor", sizes, found)


def _p_values(report: Report) -> Answer:
    return np.array([finding.p_value for finding in report.findings if finding.p_value is not None])


CASE = Case(
    "monitor",
    "What a monitor adds to scoring a window: state and report in a SQLite file, one commit a window",
    ({"n": 10_000, "d": 50},),
    ({"n": 500, "d": 3},),
    ask,
    goals=(Goal("times the time of the engine alone", slower("numpy, monitor", f"numpy, {_ALONE}"), 1.05, most=True),),
    devices=("cpu",),
)
