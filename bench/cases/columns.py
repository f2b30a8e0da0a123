"""How fast are the tests of single columns, against NumPy and SciPy column by column?

The reference is fitted once and batches are scored, as a monitor does. The peers keep what they can of the reference,
too: its cut points and shares, its sorted values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.profiles import Profile
from bench.question import Answer, Case, Contender, Floor, Question, Sizes

_BINS = 10
_TESTS = ("psi", "ks", "missing")
_PSI = "NumPy, np.histogram by column, reference fitted"
_SORTED = "NumPy, reference sorted, batch sorted and merged"
_SCIPY = "SciPy, ks_2samp by column"
REPORT = "NumPy and SciPy: np.histogram, ks_2samp, np.isnan"
Columns = npt.NDArray[np.float32]


class HistogramPSI:
    """The peer: np.histogram in the reference's quantile bins, fitted once."""

    def __init__(self, reference: Columns) -> None:
        n = len(reference)
        at = -(-np.arange(1, _BINS) * n // _BINS) - 1
        # np.histogram's bins are closed on the left and ours on the right: the next number up makes them the same.
        self.edges = [
            np.concatenate([[-np.inf], np.nextafter(np.sort(c)[at], np.float32(np.inf)), [np.inf]]).astype(np.float32)
            for c in reference.T
        ]
        self.shares = [self._share(c, e) for c, e in zip(reference.T, self.edges, strict=True)]

    @staticmethod
    def _share(column: Any, edges: Any) -> npt.NDArray[np.float64]:
        counts = np.histogram(column, edges)[0] + 0.5
        return np.asarray(counts / counts.sum())

    def score(self, batch: Columns) -> Answer:
        """PSI of every column."""
        found = []
        for column, edges, p in zip(batch.T, self.edges, self.shares, strict=True):
            q = self._share(column, edges)
            found.append(float(((q - p) * np.log(q / p)).sum()))
        return np.array(found)


def sorted_gap(reference: npt.NDArray[Any], batch: npt.NDArray[Any]) -> Answer:
    """The peer for the gap: the reference sorted once (here given sorted), the batch sorted, both merged."""
    n, m, found = len(reference), len(batch), []
    for x, y in zip(reference.T, batch.T, strict=True):
        ordered = np.sort(y)
        at_x = np.abs(np.arange(1, n + 1) / n - np.searchsorted(ordered, x, side="right") / m).max()
        at_y = np.abs(np.searchsorted(x, ordered, side="right") / n - np.arange(1, m + 1) / m).max()
        found.append(max(at_x, at_y))
    return np.array(found)


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The contenders at one size."""
    rng = np.random.default_rng(11)
    shape = sizes["n"], sizes["d"]
    # Column by column in memory, as Arrow keeps a table.
    reference, batch = (
        np.asfortranarray(rng.standard_normal(shape, dtype=np.float32) + np.float32(shift)) for shift in (0.0, 0.02)
    )
    histogram = HistogramPSI(reference)
    ordered = np.asfortranarray(np.sort(reference, axis=0))
    found: dict[str, Contender] = {}
    for backend in backends:
        found[f"{backend.name} psi"] = _score("psi", backend, reference, batch, _PSI, "read batch")
    found[_PSI] = Contender("peer", lambda: histogram.score(batch), "", "read batch")
    for backend in backends:
        found[f"{backend.name} ks"] = _score("ks", backend, reference, batch, _SORTED, "sort batch")
    found[_SORTED] = Contender("peer", lambda: sorted_gap(ordered, batch), "", "sort batch")
    found[_SCIPY] = Contender("peer", lambda: _scipy(reference, batch), "", "sort batch", None)
    for backend in backends:
        found[f"{backend.name} whole report: psi, ks, missing"] = whole_report(
            backend, reference, batch, REPORT, "sort batch"
        )
    found[REPORT] = Contender("peer", lambda: all_three(histogram, reference, batch), "", "sort batch")
    size = float(batch.nbytes)
    floors = {
        "read batch": Floor(((size, "read"),), "the batch read once from memory, all cores"),
        "sort batch": Floor(((float(batch.size), "sort float32"),), "the batch sorted, all cores"),
    }
    return Question("columns", sizes, found, floors)


def _score(detector: str, backend: Backend, reference: Columns, batch: Columns, against: str, floor: str) -> Contender:
    fitted = get_detector(detector).fit(reference, backend=backend)
    return Contender("ours", lambda: np.atleast_1d(fitted.score(batch)), against, floor, 1e-6)


def whole_report(
    backend: Backend, reference: Columns, batch: Columns, against: str, floor: str = "", pieces: int = 1
) -> Contender:
    """Statistics, p-values, effects and intervals of all columns, from a profile that keeps all rows."""
    profile = Profile.fit(reference, detectors=_TESTS, backend=backend, sample_rows=None)

    def compute() -> Answer:
        found = {(f.detector, f.column): f.statistic for f in profile.score(batch).findings}
        return np.array([found.get((test, f"x{j}")) or 0.0 for test in _TESTS for j in range(batch.shape[1])])

    return Contender("ours", compute, against, floor, 1e-6 if against else None, pieces)


def _scipy(reference: Columns, batch: Columns) -> Answer:
    tests: list[Any] = [ks_2samp(x, y, method="asymp") for x, y in zip(reference.T, batch.T, strict=True)]
    return np.array([t.statistic for t in tests])


def all_three(histogram: HistogramPSI, reference: Columns, batch: Columns) -> Answer:
    """What the peers give of a whole report."""
    return np.concatenate([histogram.score(batch), _scipy(reference, batch), np.isnan(batch).mean(axis=0)])


CASE = Case(
    "columns",
    "Columns: PSI and KS of d float32 columns of n rows against a reference of n rows, fitted once",
    ({"n": 100_000, "d": 20},),
    ({"n": 20_000, "d": 5},),
    ask,
)
