"""How fast is every row of a stream compared with a reference, in batches, against libraries that take a row a call?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

import accel_drift as ad
from accel_drift.backends import Backend
from bench import peers
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Question, Sizes, TwoSamples

_PIECE = 100
"""Rows whose time is told."""

_PLAIN = "NumPy, a row at a time"

Rows = npt.NDArray[np.float64]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """A batch of m rows on every backend; the loop, and the library, on the first few of them."""
    n, m, d, window, few = (sizes[name] for name in ("n", "m", "d", "window", "few"))
    rng = np.random.default_rng(31)
    reference, rows = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    found: dict[str, Contender] = {}
    for b in backends:
        for detector in (ad.OnlineMMD(arl=1000, window=window), ad.KernelCUSUM(arl=1000, window=window)):
            watch, same = detector.open(reference, backend=b), isinstance(detector, ad.OnlineMMD)
            compute, tolerance = partial(_watched, watch, rows, few), 1e-6 if same else None
            name = f"{b.name} {type(detector).__name__}"
            found[name] = Contender("ours", compute, _PLAIN, tolerance=tolerance, pieces=m // _PIECE)
            if _PLAIN not in found and same:
                learned = watch._learned
                points = watch._points(rows[:few])
                loop = partial(_plain, learned.reference.points, learned.reference.within, points, window)
                found[_PLAIN] = Contender("peer", loop, pieces=few // _PIECE)
    libraries = TwoSamples(reference, rows[:few], (peers.ONLINE,), pieces=few // _PIECE, window=window)
    return Question("online_rows", sizes, found, libraries=libraries)


def _watched(watch: ad.RowWatch, rows: Rows, few: int) -> Answer:
    """The statistic at every row, from a start; the first few, but for those after an alarm."""
    return np.nan_to_num(ad.RowWatch(watch._learned).update(rows).path[:few])


def _plain(reference: Rows, within: float, points: Rows, window: int) -> Answer:
    """The same, each new row compared with the reference and with the window."""
    means, path, off = np.zeros(len(points)), np.zeros(len(points)), window * (window - 1)
    for i, row in enumerate(points):
        means[i] = np.exp(-0.5 * ((reference - row) ** 2).sum(axis=1)).mean()
        if i >= window - 1:
            held = points[i - window + 1 : i + 1]
            kernel = np.exp(-0.5 * ((held[:, None, :] - held) ** 2).sum(axis=2))
            path[i] = (kernel.sum() - window) / off + within - 2.0 * means[i - window + 1 : i + 1].mean()
    return path


CASE = Case(
    "online_rows",
    "Every row of a batch of m against n reference rows, half of them held out, in d columns, windows of `window`; "
    "others take a row a call; per 100 rows",
    (
        {"n": 1000, "m": 10_000, "d": 2, "window": 20, "few": 500},
        {"n": 1000, "m": 10_000, "d": 20, "window": 50, "few": 500},
    ),
    ({"n": 200, "m": 1000, "d": 2, "window": 10, "few": 100},),
    ask,
    goals=tuple(
        Goal(f"numpy {kind}, times the rows a second of MMDDriftOnline", faster(f"numpy {kind}", peers.ONLINE), 20)
        for kind in ("OnlineMMD", "KernelCUSUM")
    ),
    devices=("cpu",),
)
