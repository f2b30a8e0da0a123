"""A two-sample test that may look at every batch: every row is compared once, with one row of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.table import Table
from accel_drift.errors import DataError
from accel_drift.options import truth
from accel_drift.sequential.base import SequentialTest
from accel_drift.sequential.cells import Columns
from accel_drift.sequential.evidence import STAKES
from accel_drift.sequential.rows import FreshRows, set_aside
from accel_drift.sequential.watch import Bets, Watch
from accel_drift.sequential.witness import KernelWitness

PARTS = 8
"""Parts of a batch that are bet on one after the other, each by what was learned before it: a drift is then met by a
bet that knows it within the batch in which it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTwoSample(SequentialTest):
    """Bets on which of two rows is the batch's: each batch row is paired with a reference row that none has met before.

    Where nothing drifts the two are alike, and no rule that earlier rows decide can tell them apart: every bet is fair,
    and evidence is what it has won. Each column has a bet of its own, which sees shifts of numbers, changes of
    categories and of missing values; one of all columns together, through the kernel, sees how they depend on one
    another. Evidence is the mean of them all.

    A fifth of the reference, at most 2,000 rows, is set aside to place cells and scales; every other row is used once,
    and `Look.left` says how many are left. Rows of a batch, and batches, must be independent of one another, as rows of
    the reference must: for rows that belong together the promise does not hold. A batch is dealt in a seeded order and
    bet on in eight parts, so the order of its rows does not matter; how rows are cut into batches does.

    Attributes:
        kernel: whether all columns are also compared together; embeddings are compared by it alone.
    """

    name: ClassVar[str] = "two_sample"
    source: ClassVar[str] = "Shekhar & Ramdas, Nonparametric two-sample testing by betting, arXiv:2112.09162"

    kernel: bool = True

    def __post_init__(self) -> None:
        super(SequentialTwoSample, self).__post_init__()
        truth(self.kernel, "kernel")

    def split(self, reference: Table) -> tuple[Table, FreshRows]:
        """Rows that place cells and scales, and those to be compared."""
        return set_aside(reference, self.seed)

    def watch(self, aside: Table, fresh: FreshRows, backend: Backend) -> Watch:
        """A watch that has made no look."""
        return TwoSampleWatch(self, aside, fresh, backend)


class TwoSampleWatch(Watch):
    """A reference under `SequentialTwoSample`, and the batches that were compared with it."""

    test: SequentialTwoSample

    def __init__(self, test: SequentialTwoSample, aside: Table, fresh: FreshRows, backend: Backend) -> None:
        self._columns = Columns(aside, test.seed)
        self._joint = KernelWitness(aside, aside.schema.names, test.seed, backend) if test.kernel else None
        names = self._columns.names
        if not names and self._joint is None:
            raise DataError("the reference has embeddings alone, which the kernel compares; use kernel=True")
        together = () if self._joint is None else self._joint.names
        none = "embedding: no chosen detector compares embeddings; mmd does"
        out = {name: none for name in aside.schema.names if name not in {*names, *together}}
        super().__init__(test, aside, fresh, backend, names, len(STAKES), joint=test.kernel, not_compared=out)

    def _bets(self, reference: Table, batch: Table) -> Bets:
        """The pairs of rows are bet on in parts."""
        total = np.zeros(self._evidence.wealth.shape)
        theirs, mine = self._columns.codes(batch), self._columns.codes(reference)
        for rows in np.array_split(np.arange(batch.rows), min(PARTS, batch.rows)):
            made = [self._columns.bet([c[rows] for c in theirs], [c[rows] for c in mine], STAKES)]
            if self._joint is not None:
                made.append(self._joint.bet(batch.take(rows), reference.take(rows), STAKES)[:, None])
            total += np.concatenate(made, axis=1)
        return Bets(total)

    def _forget(self) -> None:
        self._columns.forget()
        if self._joint is not None:
            self._joint.forget()

    def _learned(self) -> dict[str, npt.NDArray[Any]]:
        joint = {} if self._joint is None else self._joint.state()
        return {**self._columns.state(), **joint}

    def _restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._columns.restore(state)
        if self._joint is not None:
            self._joint.restore(state)


TEST = SequentialTwoSample
