"""What do a hundred thousand rules cost beside scoring the windows that they look at?

The state machine is timed with what it hands over to be written, on reports that are made before. In every hundredth
window one column is shifted, so that about a hundredth of the rules opens alerts there and ends them in the next.
Scoring takes the same for every window: it is timed on a few, and both are told by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from accel_drift.alerts.machine import Machine
from accel_drift.backends import Backend
from accel_drift.profiles import Profile
from accel_drift.report import Report
from accel_drift.rules import Rule
from bench.goals import Goal, exponent, slower
from bench.question import Answer, Case, Contender, Question, Sizes

_SCORING = "profile.score"
_DETECTORS = ("psi", "ks", "missing")
_HOUR = timedelta(hours=1)
_RARE = 100
_FORMS = ("x{} psi > {:.4f}", "x{} psi > {:.4f} for 3 windows", "x{} ks > {:.4f} for 6 hours", "x{} ks > {:.4f}")


class Ruled:
    """A machine that goes on from call to call."""

    def __init__(self, rules: Sequence[Rule], quiet: Report, shifted: Report, reports: int) -> None:
        self._machine = Machine("bench", rules, ["log"])
        self._quiet, self._shifted, self._reports = quiet, shifted, reports
        self._number = 0

    def next(self) -> Answer:
        """Look at the next windows: how many events there were."""
        events = 0
        for _ in range(self._reports):
            start = datetime(2026, 1, 1, tzinfo=UTC) + self._number * _HOUR
            report = self._quiet if self._number % _RARE else self._shifted
            events += len(self._machine.step(report, (), str(self._number), start, start + _HOUR))
            self._machine.changes()
            self._number += 1
        return np.array([events])


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Rules over d columns, on reports of windows of n rows against a reference of ten times as many."""
    n, d, count = sizes["n"], sizes["d"], sizes["rules"]
    rng = np.random.default_rng(10)
    reference, quiet = ({f"x{i}": rng.normal(size=rows) for i in range(d)} for rows in (10 * n, n))
    shifted = {**quiet, "x0": quiet["x0"] + 1.0}
    levels = rng.uniform(0.1, 0.9, count)
    rules = [Rule(name=f"r{i}", when=_FORMS[i % 4].format(i // 4 % d, level)) for i, level in enumerate(levels)]
    batch, found = pa.table(quiet), {}
    for backend in backends:
        profile = Profile.fit(pa.table(reference), list(_DETECTORS), backend=backend)
        reports = profile.score(batch), profile.score(pa.table(shifted))
        scoring = f"{backend.name}, {_SCORING}"
        found[scoring] = Contender("peer", partial(_scored, profile, batch, sizes["windows"]), pieces=sizes["windows"])
        ruled = Ruled(rules, *reports, sizes["reports"])
        found[f"{backend.name}, rules"] = Contender("ours", ruled.next, scoring, pieces=sizes["reports"])
    return Question("alerts", sizes, found)


def _scored(profile: Profile, batch: pa.Table, windows: int) -> Answer:
    return np.array([len(profile.score(batch).findings) for _ in range(windows)])


def _sizes(rules: int) -> dict[str, int]:
    return {"n": 10_000, "d": 50, "windows": 3, "reports": 1_000, "rules": rules}


CASE = Case(
    "alerts",
    "Rules that look at every window, beside scoring it: by window, with a storm of alerts in one of a hundred",
    (_sizes(25_000), _sizes(50_000), _sizes(100_000)),
    ({"n": 500, "d": 3, "windows": 2, "reports": 100, "rules": 1_000},),
    ask,
    goals=(
        Goal("rules, times the time of scoring", slower("numpy, rules", f"numpy, {_SCORING}"), 0.1, most=True),
        Goal("grows with the rules by the power", exponent("numpy, rules", "fastest_s", "rules"), 1.1, "", most=True),
    ),
    devices=("cpu",),
)
