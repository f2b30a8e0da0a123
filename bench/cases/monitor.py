"""What does a monitor with a history add to scoring a window?

The reference is fitted, a batch is a window, and every window is one commit to a SQLite file. A call takes several
windows one after the other, as a stream does: the first after another contender's call finds every cache cold.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from functools import partial

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

    def __init__(self, profile: Profile, batch: pa.Table, windows: int) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._batches = [batch] * windows
        self._monitor = Monitor(profile, Windows(rows=batch.num_rows), history=f"sqlite:///{folder.name}/drift.db")
        weakref.finalize(self, folder.cleanup)

    def next(self) -> Answer:
        """The p-values of the next windows."""
        return _p_values(list(self._monitor.observe(self._batches)))


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Windows of n rows in d columns against a reference of ten times as many."""
    n, d, windows = sizes["n"], sizes["d"], sizes["windows"]
    rng = np.random.default_rng(8)
    reference, batch = (pa.table({f"x{i}": rng.normal(size=rows) for i in range(d)}) for rows in (10 * n, n))
    found = {}
    for backend in backends:
        profile = Profile.fit(reference, list(_DETECTORS), backend=backend)
        alone = f"{backend.name}, {_ALONE}"
        found[alone] = Contender("peer", partial(_scored, profile, batch, windows))
        watched = Watched(profile, batch, windows)
        found[f"{backend.name}, monitor"] = Contender("ours", watched.next, alone, tolerance=1e-12)
    return Question("monitor", sizes, found)


def _scored(profile: Profile, batch: pa.Table, windows: int) -> Answer:
    return _p_values([profile.score(batch) for _ in range(windows)])


def _p_values(reports: Sequence[Report]) -> Answer:
    found = [finding.p_value for report in reports for finding in report.findings]
    return np.array([p_value for p_value in found if p_value is not None])


CASE = Case(
    "monitor",
    "What a monitor adds to scoring a window: state and report in a SQLite file, one commit a window",
    ({"n": 10_000, "d": 50, "windows": 5},),
    ({"n": 500, "d": 3, "windows": 2},),
    ask,
    goals=(Goal("times the time of the engine alone", slower("numpy, monitor", f"numpy, {_ALONE}"), 1.05, most=True),),
    devices=("cpu",),
)
