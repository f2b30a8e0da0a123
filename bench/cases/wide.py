"""What does a column more cost? The whole report of very many short columns, beside that of a twentieth of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accel_drift.backends import Backend
from bench.cases.columns import REPORT, HistogramPSI, all_three, whole_report
from bench.goals import Goal, faster, slower
from bench.question import Case, Contender, Question, Sizes

_SHARE = 20
_FEWER = f"a {_SHARE}th of the columns"


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend at one size; times are those of one column."""
    rng, d, b = np.random.default_rng(15), sizes["d"], backends[0]
    few = max(d // _SHARE, 1)
    reference, batch = (rng.standard_normal((d, sizes["n"]), dtype=np.float32).T for _ in range(2))
    histogram = HistogramPSI(reference)
    found = {
        f"{b.name} whole report": whole_report(b, reference, batch, REPORT, pieces=d),
        f"{b.name} whole report, {_FEWER}": whole_report(b, reference[:, :few], batch[:, :few], "", pieces=few),
        REPORT: Contender("peer", lambda: all_three(histogram, reference, batch), pieces=d),
    }
    return Question("wide", sizes, found)


CASE = Case(
    "wide",
    "Wide tables: PSI, KS and missing of d float32 columns of n rows against a fitted profile, per column",
    ({"n": 10_000, "d": 1000},),
    ({"n": 1000, "d": 40},),
    ask,
    goals=(
        Goal("times faster than NumPy and SciPy column by column", faster("numpy whole report", REPORT), 1),
        Goal(
            f"a column, times its time in a report of {_FEWER}",
            slower("numpy whole report", f"numpy whole report, {_FEWER}"),
            1.2,
            most=True,
        ),
    ),
    devices=("cpu",),
)
