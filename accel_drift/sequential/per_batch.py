"""Any detector of batches, looked at after every batch: its p-values become e-values, and these add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil, log, sqrt
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.table import Table
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector, Fitted
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import truth
from accel_drift.sequential.base import SequentialTest
from accel_drift.sequential.evidence import STAKES, promise
from accel_drift.sequential.rows import FreshRows, shuffled
from accel_drift.sequential.watch import Bets, Watch
from accel_drift.statistics import draws

_SMALLEST = 1e-300
"""What a p-value counts for at least: one that a float rounds to 0 would be worth all there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential(SequentialTest):
    """A detector of batches whose p-values make evidence, look by look.

    A p-value p is worth k p^(k - 1), which has mean 1 where nothing drifts, for every k of a grid between 0 and 1; each
    k has evidence of its own. (With the integral over k, taken at each look, a quarter of the evidence would be lost at
    every look at which nothing drifts.) Each column has its p-values, uncorrected, and evidence is the mean over
    columns; what was not tested is worth 1.

    Each batch is compared with as many rows of the reference, which no other look uses: p-values are independent of one
    another then, and the promise is kept as far as they are right. The reference is used up, and `Look.left` says how
    far; `SequentialTwoSample` finds small drifts in fewer rows, since it learns from look to look.

    With `reuse` every look is compared with the whole reference. By chance that differs a little from where its rows
    come from, all looks see the same difference, and in the end they prove it: the promise is kept on average over
    references at one look, and for one reference and many looks it is not. A detector's `tolerance`, no smaller than
    the reference's own error, asks for drifts that are larger than that. For `KS` it is known how large that must be,
    and less is refused.

    Attributes:
        detector: what batches are tested with, or its name.
        reuse: whether every look is compared with the whole reference.
    """

    name: ClassVar[str] = "per_batch"
    source: ClassVar[str] = "Vovk & Wang 2021, doi:10.1214/20-AOS2020, eq. 1; Shin, Ramdas & Rinaldo, arXiv:2203.03532"

    detector: Detector | str = field(kw_only=False)
    reuse: bool = False

    def __post_init__(self) -> None:
        super(Sequential, self).__post_init__()
        truth(self.reuse, "reuse")
        if isinstance(self.detector, str):
            object.__setattr__(self, "detector", get_detector(self.detector))
        elif not isinstance(self.detector, Detector):
            raise ConfigError(
                f"detector is {self.detector!r}; it is a detector of batches such as accel_drift.KS(), or its name"
            )
        if self.tested.block is not None:
            raise ConfigError(
                f"the detector has block={self.tested.block!r}, and rows are dealt to looks one by one; "
                "leave block= out, and look at batches that are independent of one another"
            )

    @property
    def tested(self) -> Detector:
        """The detector, whether it was given as such or by its name."""
        return get_detector(self.detector) if isinstance(self.detector, str) else self.detector

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {**super(Sequential, self).summary(), "detector": self.tested.summary()}

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """The test with the options that `summary` gave."""
        made = dict(options["detector"])
        return cls(**{**options, "detector": get_detector(made.pop("detector"), **made)})

    def split(self, reference: Table) -> tuple[Table, FreshRows]:
        """With `reuse` all rows decide and none is used up; else none decides.

        Raises:
            DataError: there is no row.
        """
        if reference.rows == 0:
            raise DataError("the reference has no rows; there is nothing to learn")
        nothing = reference.take([])
        if self.reuse:
            return reference, FreshRows(nothing)
        return nothing, FreshRows(shuffled(reference, self.seed, "reference"))

    def watch(self, aside: Table, fresh: FreshRows, backend: Backend) -> Watch:
        """A watch that has made no look.

        Raises:
            ConfigError: a tolerance is smaller than the error of the reference that is reused.
            DataError: there is no column of the detector's kinds.
        """
        d, columns = self.tested, aside.schema.of(*self.tested.kinds)
        if not columns:
            raise DataError(f"{d.name} compares {' or '.join(d.kinds)} columns, and the reference has none")
        error = _error(aside.rows, len(columns), self.alpha) if self.reuse and d.name == "ks" else 0.0
        if d.tolerance is not None and d.tolerance < error:
            raise ConfigError(
                f"tolerance is {d.tolerance:g}, and distribution functions of {aside.rows:,} reference rows err by "
                f"up to {error:g}: looks that reuse it would prove that; use a tolerance of {error:g} or more"
            )
        return DetectorWatch(self, aside, fresh, backend)


class DetectorWatch(Watch):
    """A reference under `Sequential`, and the batches that were compared with it."""

    test: Sequential

    def __init__(self, test: Sequential, aside: Table, fresh: FreshRows, backend: Backend) -> None:
        d = test.tested
        names = () if d.joint else aside.schema.of(*d.kinds)
        super().__init__(test, aside, fresh, backend, names, len(STAKES), joint=d.joint)
        self._fitted: Fitted | None = d.fit(aside, backend=backend) if test.reuse else None

    @property
    def left(self) -> int | None:
        """Reference rows that no look has used; None where each look uses all."""
        return None if self.test.reuse else self._fresh.left

    @property
    def guarantee(self) -> str:
        """What an alarm promises, as a sentence."""
        if not self.test.reuse:
            return f"{super().guarantee}, and as far as p-values of {self.test.tested.name} are right"
        alpha, put_up = self.test.alpha, self.test.tested.tolerance
        shared = f"each look is compared with the same {self._aside.rows:,} reference rows and shares their error"
        if put_up is None:
            return (
                f"at one look p-values are right on average over references; at many looks false alarms come more "
                f"often than alpha={alpha:g} says, since {shared}; a tolerance= of the detector puts up with it"
            )
        kept = promise(self.test.guarantee, alpha)
        return f"{kept}, provided that the reference's error is below the tolerance, {put_up:g}: {shared}"

    def more(self, reference: Any) -> None:
        """Give more reference rows, alike those given before and never compared: the evidence stays as it is.

        Raises:
            ConfigError: the reference is reused, and never used up.
            DataError: they cannot be read.
            SchemaError: a column is not there, or holds another sort of thing.
        """
        if self.test.reuse:
            raise ConfigError("each look uses the whole reference, which is never used up; open a new test for another")
        super().more(reference)

    def save(self, path: Any) -> None:
        """Write options, evidence and the reference rows that are still needed to one Arrow file.

        Raises:
            ConfigError: the detector could not be found again by its name, or an option is no plain value.
            SourceError: the folder does not exist or cannot be written to.
        """
        d = self.test.tested
        try:
            known = get_class(d.name) is type(d)
        except ConfigError:
            known = False
        if not known:
            raise ConfigError(
                f"{type(d).__name__} could not be loaded again: no detector {d.name!r} is this class; offer it under "
                'the entry points "accel_drift.detectors"'
            )
        super().save(path)

    def _bets(self, reference: Table, batch: Table) -> Bets:
        d, names = self.test.tested, self._names
        fitted = self._fitted
        if fitted is None:
            # Each look relabels in its own way: what one set of relabellings errs by would add up.
            d = replace(d, seed=draws.hashed(f"look {self.looks}", d.seed, 1 << 31))
            fitted = d.fit(reference, backend=self._backend)
        found = {f.column: f.p_value for f in fitted.detect(batch).findings if f.p_value is not None}
        p = [found.get(name, np.nan) for name in names] if not d.joint else [*found.values()] or [np.nan]
        return Bets(worth(np.array(p)), found)

    def _forget(self) -> None:
        """Nothing is learned from looks."""

    def _learned(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Nothing is learned from looks."""


def worth(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log e-values of p-values (S,), at every power of the grid: (G, S); 0 where there is none (NaN)."""
    k, known = (1.0 - STAKES)[:, None], ~np.isnan(p)
    log_p = np.log(np.maximum(np.where(known, p, 1.0), _SMALLEST))
    return np.where(known, np.log(k) + (k - 1.0) * log_p, 0.0)


def _error(rows: int, columns: int, alpha: float) -> float:
    """What the distribution functions of so many rows err by at most, in all columns, but with probability alpha.

    In thousandths, rounded up. Source: Massart 1990, doi:10.1214/aop/1176990746.
    """
    return ceil(1000.0 * sqrt(log(2.0 * columns / alpha) / (2.0 * max(rows, 1)))) / 1000.0


TEST = Sequential
