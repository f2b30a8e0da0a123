"""What rows of a reference that no stream is compared with say of streams without drift: how far their statistic goes.

A long stream is drawn from them, with replacement, and scanned once. As windows that begin anew give the same numbers
as any others, each row of that stream may be taken for the first one after a start: the average run length at a
threshold follows from the gaps between the rows at which it is reached, whatever law these have.

The approximation by a normal process (Li, Xie, Dai & Song, arXiv:1507.01279) needs no stream, but the tail of the
statistic is heavier: where it says 10,000 rows, alarms came every 413 in 2 columns with windows of 20 rows, and every
2,302 in 20 columns with windows of 50.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.sequential.kernel_windows import Floats, Ints, scan

SHORTEST, LONGEST = 10, 100_000
"""Average run lengths that can be asked for: in rows; of the shortest also no less than two windows."""

_ROWS = (500_000, 10_000_000)
"""Rows of the stream, at least and at most."""

_ALARMS = 400
"""Runs that it holds where that is not too long."""

_AT_ONCE = 1 << 19
"""Kernel values in memory at a time, of each thread."""

TIE = 1e-9
"""Statistics no further apart are one: those of equal rows differ in the last digits."""


@dataclass(frozen=True, slots=True)
class RunLength:
    """How many rows without drift go by until an alarm, on average: from a stream drawn from the reference.

    Attributes:
        mean: rows; infinite where no drawn row raised an alarm.
        interval: the same, in 95 % of such draws; the reference, one sample, adds its own error to that.
        rows: how long the stream was.
    """

    mean: float
    interval: tuple[float, float]
    rows: int


@dataclass(frozen=True)
class HeldOut:
    """Rows of a reference that take no part in the statistic.

    Attributes:
        kernel: (h, h) kernel values of pairs of rows; on the diagonal the mean of each row's others, so that a row that
            is drawn twice does not look like drift.
        means: (h,) mean kernel value with the rows that take part.
        within: mean kernel value of two of those.
    """

    kernel: Floats
    means: Floats
    within: float

    @classmethod
    def of(cls, points: Floats, means: Floats, within: float) -> HeldOut:
        """Of (h, p) points and their means."""
        half = 0.5 * (points * points).sum(axis=1)
        kernel = np.exp(-np.maximum(half[:, None] + half - points @ points.T, 0.0))
        np.fill_diagonal(kernel, 0.0)
        np.fill_diagonal(kernel, kernel.sum(axis=1) / (len(points) - 1))
        return cls(kernel, means, within)

    def deviations(self, longest: int) -> Floats:
        """Standard deviation of the statistic of 2, ..., `longest` rows without drift, by Hoeffding's decomposition."""
        h, by_row = len(self.means), self.kernel.mean(axis=1)
        centred = self.kernel - by_row[:, None] - by_row + by_row.mean()
        np.fill_diagonal(centred, 0.0)
        pairs, single = (centred**2).sum() / (h * (h - 1)), (by_row - self.means).var()
        rows = np.arange(2, longest + 1)
        made = np.sqrt(2.0 / (rows * (rows - 1)) * pairs + 4.0 / rows * single)
        return np.asarray(np.maximum(made, TIE))  # rows that are all equal have none

    def threshold(self, arl: float, units: Floats, seed: int) -> tuple[float, RunLength]:
        """The least threshold whose average run length is at least `arl`, and what it is.

        Args:
            arl: rows.
            units: what statistics are divided by: see `scan`.
            seed: decides the stream.

        Raises:
            ConfigError: the largest statistic of rows without drift comes more often than every `arl` rows.
        """
        window = len(units) + 1
        path = self.path(int(min(max(_ALARMS * arl, _ROWS[0]), _ROWS[1])), units, seed)
        # No more rows than these can reach it: each such row ends a gap.
        order = np.argsort(path)[::-1][: max(1, int(2 * len(path) / (arl - window)) * window)]
        bars = (path[order] + TIE).tolist()
        low, high = 0, len(bars)  # none reaches the first
        while low + 1 < high:
            middle = (low + high) // 2
            enough = run_length(path, bars[middle], window).mean >= arl
            low, high = (middle, high) if enough else (low, middle)
        found = run_length(path, bars[low], window)
        if found.mean == inf:
            longest = run_length(path, float(path.max()) - TIE, window).mean
            raise ConfigError(
                f"no threshold has an average run length of {arl:,.0f} rows on this reference: the statistic takes few "
                f"values, of which the largest comes every {longest:,.0f} rows even without drift; ask for a smaller "
                "arl=, or for a longer window or bandwidth"
            )
        return bars[low], found

    def path(self, rows: int, units: Floats, seed: int) -> Floats:
        """The statistic at every row of a stream that is drawn, from its first whole window on."""
        window = len(units) + 1
        drawn = np.random.default_rng((seed, len(self.means))).integers(0, len(self.means), rows + window - 1, np.int32)
        step = max(_AT_ONCE // window, window)

        def part(first: int) -> Floats:
            return self._scan(drawn[first : first + step + window - 1].astype(np.int64), units)

        with ThreadPoolExecutor() as threads:
            return np.concatenate(list(threads.map(part, range(0, rows, step))))

    def _scan(self, drawn: Ints, units: Floats) -> Floats:
        lagged, at = np.zeros((len(units), len(drawn))), drawn * len(self.means)
        for lag in range(1, len(units) + 1):
            self.kernel.take(at[lag:] + drawn[:-lag], out=lagged[lag - 1, lag:], mode="clip")
        return scan(lagged, self.means[drawn], self.within, units).statistic


def run_length(path: Floats, threshold: float, window: int) -> RunLength:
    """How long it takes on average from a start at any row of a stream, here a ring, to an alarm.

    The first look is at the row that ends the first whole window; from there on it takes what is left of the gap. Runs
    are about exponential, for which twice as many gaps say as much as their number of independent runs.
    """
    alarms = np.flatnonzero(path >= threshold)
    if len(alarms) == 0:
        return RunLength(inf, (inf, inf), len(path))
    gaps = np.diff(alarms, append=alarms[0] + len(path)).astype(np.float64)
    mean = window + float((gaps * (gaps - 1.0)).sum()) / (2.0 * len(path))
    error = 1.96 * sqrt(2.0 / max(int((gaps > window).sum()), 1))
    return RunLength(mean, (mean * exp(-error), mean * exp(error)), len(path))
