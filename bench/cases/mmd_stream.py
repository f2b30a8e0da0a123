"""What does each batch of a stream cost, against a reference that was fitted once and whose sums are kept?

Beside it the same with single rows dealt, and what each batch costs when everything is done anew. The test is the
statistic and its p-value; `detect` adds an interval and the parts of columns and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Detector, Fitted
from bench import mmd
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes

_FITTED, _ANEW = "reference fitted", "everything anew"

Rows = npt.NDArray[np.float32]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The first backend; a batch's time is that of a call over the number of its batches."""
    n, d, permutations, many, b = sizes["n"], sizes["d"], sizes["B"], sizes["batches"], backends[0]
    rng = np.random.default_rng(9)
    reference = rng.standard_normal((n, d), dtype=np.float32)
    rows = np.linspace(n // 40, n // 20, many).astype(int)
    batches = [rng.standard_normal((m, d), dtype=np.float32) + np.float32(0.05) for m in rows]
    few = [batches[i] for i in (0, many // 2, many - 1)]
    some = [few[0], *batches[many // 8 :: many // 4], few[1], few[2]]
    found: dict[str, Contender] = {}
    for mode in ("groups", "rows"):
        options = {"group_size": sizes["group"]} if mode == "groups" else {}
        detector = get_detector("mmd", mode=mode, permutations=permutations, scale="calibration", max_rows=None,
                                precision="float32", **options)  # fmt: skip
        fitted = detector.fit(reference, backend=b)
        for what, score in (("test", mmd.tested), ("detect", _detected)):
            name = f"{b.name} {mode} {what}"
            shown = batches if (mode, what) == ("groups", "test") else some
            found[f"{name}, {_FITTED}"] = Contender(
                "ours", _scored(partial(score, fitted), shown, few), f"{name}, {_ANEW}", "", 1e-3, len(shown)
            )
            each = partial(_anew, score, detector, reference, b)
            found[f"{name}, {_ANEW}"] = Contender("ours", _scored(each, few, few), pieces=len(few))
    return Question("mmd_stream", sizes, found)


def _detected(fitted: Fitted, batch: Rows) -> float:
    return float(fitted.detect(batch).statistic)


def _anew(
    score: Callable[[Fitted, Rows], float], detector: Detector, reference: Rows, backend: Backend, batch: Rows
) -> float:
    return score(detector.fit(reference, backend=backend), batch)


def _scored(score: Callable[[Rows], float], batches: Sequence[Rows], few: Sequence[Rows]) -> Callable[[], Answer]:
    """The statistics of the few batches that all contenders see, out of those of all."""

    def compute() -> Answer:
        found = {id(batch): score(batch) for batch in batches}
        return np.array([found[id(batch)] for batch in few])

    return compute


CASE = Case(
    "mmd_stream",
    "Stream: a batch of n/40 to n/20 rows against n reference rows in d columns, B permutations, float32",
    ({"n": 20_000, "d": 32, "B": 999, "group": 16, "batches": 100},),
    ({"n": 2000, "d": 8, "B": 99, "group": 8, "batches": 4},),
    ask,
    goals=(
        Goal(
            "groups: the test of a batch against the fitted reference, times faster than everything anew",
            faster(f"numpy groups test, {_FITTED}", f"numpy groups test, {_ANEW}"),
            10,
        ),
    ),
)
