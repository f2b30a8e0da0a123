"""All columns together: a bet on the rows at which the kernel sees more of past batches than of the reference.

The witness of MMD at a row is the mean kernel of that row and past batch rows, less that of it and past reference rows.
Random Fourier features make it an inner product with the difference of two sums, so that past rows need not be kept and
a look costs its own rows, however many there were before. Centres, scales, bandwidth and the size of the witness come
from rows set aside: it is centred at their mean witness, divided by twice the largest deviation from it and clipped to
[-1/2, 1/2]; a clipped witness is as fair a bet as any other function that past looks alone decide.
Source: Shekhar & Ramdas, Nonparametric two-sample testing by betting, arXiv:2112.09162; features: Rahimi & Recht 2007.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.table import Table
from accel_drift.sequential.cells import faded
from accel_drift.statistics import draws
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoding import Slot, encode, home, sorts_of
from accel_drift.statistics.random_features import chunks, embed, frequencies

Floats = npt.NDArray[np.float64]

FREQUENCIES = 512
"""Random frequencies, each with a cosine and a sine.

With so many, evidence of 100 took 0 to 6 % more rows than with the witness of all past rows itself, of 2, 10 and 50
columns with new correlations or shifted means (60 runs each, 400 to 1,100 rows); with 128, 20 to 23 % more at 50.
"""

_REACH = float(1 << 16)
"""Bandwidths, over the number of columns, beyond which values count as that far: phases stay exact."""


class KernelWitness:
    """What past rows say of the next ones.

    Attributes:
        sums: sums of features of past batch rows, those of long ago counted for less, and of past reference rows, those
            set aside among them: (2, 2 R).
        rows: how many rows that are, (2,).
        names: the columns that enter.
    """

    def __init__(self, aside: Table, names: tuple[str, ...], seed: int, backend: Backend) -> None:
        sorts = dict(zip(names, sorts_of((aside,), names), strict=True))
        self.names = tuple(name for name in names if not isinstance(sorts[name], str))
        self._sorts = [sorts[name] for name in self.names]
        self._backend, self._seed = backend, seed
        self._frequencies: dict[Slot, Floats] = {}
        held, place = aside.select(self.names), home((aside,), self.names, backend)
        found = encode((held,), self.names, aside.rows, seed, place, self._sorts)
        self._rules = found.rules
        self._bandwidth = median_distance(found.matrix, seed, place) or 1.0
        # Rows set aside are few, and their features serve every look.
        with backend.scope():
            made = self._features(aside)
            self._aside = backend.xp.concat(made, axis=0)
            self.sums: Floats = np.stack([np.zeros(2 * FREQUENCIES), self._summed(made)])
        self.rows: Floats = np.array([0.0, aside.rows])

    def bet(self, batch: Table, reference: Table, stakes: Floats) -> Floats:
        """Log e-values of pairs of rows by what was learned before them, (G,); then learn from them."""
        log_e, xp = np.zeros(len(stakes)), self._backend.xp
        with self._backend.scope():
            weights, centre, width = self._witness()
            added = np.zeros_like(self.sums)
            share = self._backend.asarray(stakes)[:, None]
            for theirs, mine in zip(self._features(batch), self._features(reference), strict=True):
                if width > 0.0:
                    y, x = (xp.clip((part @ weights - centre) / (2.0 * width), -0.5, 0.5) for part in (theirs, mine))
                    log_e += self._backend.to_numpy(xp.sum(xp.log1p(share * (y - x)[None, :]), axis=1))
                added += np.stack([self._summed([theirs]), self._summed([mine])])
        less = np.array([faded(batch.rows), 1.0])
        self.sums = self.sums * less[:, None] + added
        self.rows = self.rows * less + (batch.rows, reference.rows)
        return log_e

    def forget(self) -> None:
        """Begin anew: what batches were like is not known."""
        self.sums[0], self.rows[0] = 0.0, 0

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What was learned, to be kept."""
        return {"sums": self.sums, "rows": self.rows}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from what `state` gave."""
        self.sums, self.rows = state["sums"], state["rows"]

    def _witness(self) -> tuple[Any, float, float]:
        """Weights of the features, (2 R,), and of the rows set aside the mean witness and the largest deviation."""
        b = self._backend
        if self.rows[0] == 0:
            return None, 0.0, 0.0
        batch, reference = self.sums / self.rows[:, None]
        weights = b.asarray(batch - reference)
        values = b.to_numpy(self._aside @ weights)
        centre = float(values.mean())
        return weights, centre, float(np.abs(values - centre).max())

    def _features(self, table: Table) -> list[Any]:
        """Features of the rows in runs of a bounded size, each (n, 2 R)."""
        b, names = self._backend, self.names
        place = home((table,), names, b)
        found = encode((table.select(names),), names, 0, self._seed, place, self._sorts, self._rules)
        reach = _REACH / max(len(found.slots), 1)
        with place.scope():
            z = place.xp.clip(found.matrix / self._bandwidth, -reach, reach)
        if place is not b:
            z = b.asarray(np.asarray(z))
        turns = b.asarray(np.array([self._turns(slot) for slot in found.slots]).reshape(-1, FREQUENCIES))
        return [embed(z[rows, :], turns, b) for rows in chunks(table.rows, FREQUENCIES)]

    def _turns(self, slot: Slot) -> Floats:
        """Frequencies of a matrix column, (R,): its own, whatever other columns there are."""
        if slot not in self._frequencies:
            own = draws.hashed("\x1f".join(map(str, slot)), self._seed, 1 << 31)
            self._frequencies[slot] = frequencies(own, 1, FREQUENCIES)[0]
        return self._frequencies[slot]

    def _summed(self, parts: list[Any]) -> Floats:
        """Sums of features: whole numbers below 2**53, exact in any order."""
        total = np.zeros(2 * FREQUENCIES)
        for part in parts:
            total += self._backend.to_numpy(self._backend.xp.sum(part, axis=0))
        return total
