"""What do a hundred thousand rules cost beside scoring the windows that they look at?

All that a monitor does for them is timed, on reports that are made before: `Alerts.follow`, and a transaction for each
window to a SQLite file with what it hands over: how rules stand, alerts, messages. In every hundredth window one column
is shifted, so that about a hundredth of the rules opens alerts there and ends them in the next. Scoring takes the same
for every window: it is timed on a few, and both are told by window.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from accel_drift.alerts import Alerts
from accel_drift.backends import Backend
from accel_drift.history import History, Window
from accel_drift.history.steps import Recorded, Saved, Step
from accel_drift.profiles import Profile
from accel_drift.report import Report
from accel_drift.rules import Rule
from bench.goals import Goal, exponent, slower
from bench.question import Answer, Case, Contender, Question, Sizes

_SCORING = "profile.score"
_DETECTORS = ("psi", "ks", "missing")
_NAME = "bench"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_RARE = 100
_FORMS = ("x{} psi > {:.4f}", "x{} psi > {:.4f} for 3 windows", "x{} ks > {:.4f} for 6 hours", "x{} ks > {:.4f}")


class Ruled:
    """Alerts over a database of their own, which go on from call to call."""

    def __init__(self, rules: Sequence[Rule], quiet: Report, shifted: Report, reports: int) -> None:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        history = History(f"sqlite:///{folder.name}/drift.db")
        weakref.finalize(self, _closed, history, folder)
        self._ledger, self._alerts = history.ledger(_NAME), Alerts(rules, ["log"], clock=lambda: _START)
        self._alerts.begin(_NAME, history)
        self._quiet, self._shifted, self._reports = quiet, shifted, reports
        self._number = 0

    def next(self) -> Answer:
        """Look at the next windows: how many alerts are open after them."""
        for _ in range(self._reports):
            report = self._quiet if self._number % _RARE else self._shifted
            start = _START + self._number * _HOUR
            window = Window(str(self._number), start, start + _HOUR)
            work = self._alerts.follow(Recorded(report, window, "", ()))
            self._number += 1
            to = Saved(self._number, str(self._number), "{}")
            self._ledger.write(Step(to, parts=self._alerts.changes(), also=() if work is None else (work,)))
        return np.array([self._alerts.open])


def _closed(history: History, folder: tempfile.TemporaryDirectory[str]) -> None:
    history.close()
    folder.cleanup()


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
    "Rules that look at every window, with what they write, beside scoring it; a storm of alerts in one of a hundred",
    (_sizes(25_000), _sizes(50_000), _sizes(100_000)),
    ({"n": 500, "d": 3, "windows": 2, "reports": 100, "rules": 1_000},),
    ask,
    goals=(
        Goal("rules, times the time of scoring", slower("numpy, rules", f"numpy, {_SCORING}"), 0.1, most=True),
        Goal("grows with the rules by the power", exponent("numpy, rules", "fastest_s", "rules"), 1.1, "", most=True),
    ),
    devices=("cpu",),
)
