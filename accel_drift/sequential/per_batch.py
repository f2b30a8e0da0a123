"""Any detector of batches, looked at after every batch: its p-values become e-values, and these add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, log, sqrt
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.schema import Kind
from accel_drift.data.table import Table
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector, Fitted
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding
from accel_drift.options import truth
from accel_drift.report.words import STATUS_MEANING
from accel_drift.sequential.base import SequentialTest
from accel_drift.sequential.evidence import STAKES, promise
from accel_drift.sequential.rows import FreshRows, shuffled
from accel_drift.sequential.watch import Bets, Watch
from accel_drift.statistics import draws, nulls

_NOTHING = "the detector made no test of it"

_POWERS = {"ks": 1, "cramer_von_mises": 2, "missing": 1}
"""Detectors whose effect is at most the largest error of a distribution function, or of a share, to this power."""

_SMALLEST = 1e-300
"""What a p-value counts for at least: one that a float rounds to 0 would be worth all there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential(SequentialTest):
    """A detector of batches whose p-values make evidence, look by look.

    A p-value p is worth k p^(k - 1), which has mean 1 where nothing drifts, for every k of a grid between 0 and 1; each
    k has evidence of its own. (With the integral over k, taken at each look, a quarter of the evidence would be lost at
    every look at which nothing drifts.) Each column has its p-values, uncorrected, and evidence is the mean over
    columns; what was not tested in a look adds nothing, and `Look.untested` says why. A look that tested nothing uses
    up reference rows only where these are the reason, such as one value on both sides.

    Each batch is compared with as many rows of the reference, which no other look uses: p-values are independent of one
    another then, and the promise is kept as far as they are right. The reference is used up, and `Look.left` says how
    far; `SequentialTwoSample` finds small drifts in fewer rows, since it learns from look to look.

    With `reuse` every look is compared with the whole reference. By chance that differs a little from where its rows
    come from, all looks see the same difference, and in the end they prove it: the promise is kept on average over
    references at one look, and for one reference and many looks it is not. A detector's `tolerance`, no smaller than
    the reference's own error, asks for drifts that are larger than that. For `KS`, `CramerVonMises` and `Missing` it is
    known how large that must be, and less is refused; for others the guarantee says that it was not checked.

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
        error = _error(aside, columns, d, self.alpha) if self.reuse else None
        if d.tolerance is not None and error is not None and d.tolerance < error:
            raise ConfigError(
                f"tolerance is {d.tolerance:g}, and {d.name} on {aside.rows:,} reference rows may err by up to "
                f"{error:g}: looks that reuse them would prove that; use a tolerance of {error:g} or more"
            )
        return DetectorWatch(self, aside, fresh, backend)


class DetectorWatch(Watch):
    """A reference under `Sequential`, and the batches that were compared with it."""

    test: Sequential

    def __init__(self, test: Sequential, aside: Table, fresh: FreshRows, backend: Backend) -> None:
        d = test.tested
        compared = aside.schema.of(*d.kinds)
        out = {c.name: _not_compared(c.kind, d) for c in aside.schema.columns if c.name not in compared}
        names = () if d.joint else compared
        super().__init__(test, aside, fresh, backend, names, len(STAKES), joint=d.joint, not_compared=out)
        self._fitted = (aside, d.fit(aside, backend=backend)) if test.reuse else None

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
        known = _POWERS.get(self.test.tested.name)
        sure = f"which it is but with probability {alpha:g}" if known else "which nothing here has checked"
        return f"{kept}, provided that the reference's error is below the tolerance, {put_up:g}, {sure}: {shared}"

    @property
    def _no_e_values(self) -> str:
        """Why the evidence is no e-value; "" where it is one."""
        if self.test.reuse and self.test.tested.tolerance is None:
            return (
                "looks that reuse one reference share its error, so their evidence is no e-value: give the detector a "
                "tolerance=, or use reuse=False"
            )
        return super()._no_e_values

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

    @property
    def _called(self) -> str:
        return f"Sequential {self.test.tested.name}"

    def _bets(self, reference: Table, batch: Table) -> Bets:
        d, names = self.test.tested, self._names
        findings = self._learned_from(reference).detect(batch).findings
        found = {f.column: f.p_value for f in findings if f.p_value is not None}
        p = [found.get(name, np.nan) for name in names] if not d.joint else [*found.values()] or [np.nan]
        few = _too_few(batch, reference.rows, names, d)
        why = {name: _why(f) for f in findings if f.p_value is None for name in (f.columns or self.columns)}
        untested = {name: why.get(name, _NOTHING) for name in names or why if name not in found}
        return Bets(worth(np.array(p)), found, untested, spent=bool(found) or not few)

    def _learned_from(self, reference: Table) -> Fitted:
        """The detector on these rows; on those of all looks it is fitted once."""
        d = self.test.tested
        if self.test.reuse:
            if self._fitted is None or self._fitted[0] is not reference:  # rounded for the batch: another table
                self._fitted = reference, d.fit(reference, backend=self._backend)
            return self._fitted[1]
        # Each look relabels in its own way: what one set of relabellings errs by would add up.
        d = replace(d, seed=draws.hashed(f"look {self.looks}", d.seed, 1 << 31))
        return d.fit(reference, backend=self._backend)

    def _forget(self) -> None:
        """Nothing is learned from looks."""

    def _learned(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Nothing is learned from looks."""


def worth(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log e-values of p-values (S,), at every power of the grid: (G, S); NaN where there is none."""
    k = (1.0 - STAKES)[:, None]
    return np.asarray(np.log(k) + (k - 1.0) * np.log(np.maximum(p, _SMALLEST)))


def _too_few(batch: Table, reference_rows: int, names: Sequence[str], d: Detector) -> bool:
    """Whether the batch alone, whatever reference rows it meets, is too small or empty for a test.

    Reference rows that a look sends back may say nothing of which looks do so: rows that are known to be alike, or
    missing, would not be what they are drawn from.
    """
    most = batch.rows
    if names and not isinstance(d, get_class("missing")):
        most = max(batch.rows - batch.columns[name].missing for name in names)
    return most < d.min_rows or nulls.labellings(reference_rows, reference_rows + most) * d.alpha < 1.0


def _why(finding: Finding) -> str:
    """Why nothing was tested, in the words of a report."""
    told = STATUS_MEANING[finding.status].removeprefix("not tested: ")
    return "; ".join(filter(None, (told, finding.note)))


def _not_compared(kind: Kind, d: Detector) -> str:
    if kind is Kind.EMBEDDING:
        return "embedding: no chosen detector compares embeddings; mmd does"
    return f"{kind}: {d.name} compares {' or '.join(d.kinds)} columns"


def _error(aside: Table, columns: Sequence[str], d: Detector, alpha: float) -> float | None:
    """What the effect may be for these reference rows alone, in all columns, but with probability alpha; None: unknown.

    In thousandths, rounded up. Of distribution functions: Massart 1990, doi:10.1214/aop/1176990746; of a share it is
    Hoeffding's bound.
    """
    power = _POWERS.get(d.name)
    if power is None:
        return None
    rows = [aside.rows if d.name == "missing" else aside.rows - aside.columns[name].missing for name in columns]
    least = min([n for n in rows if n], default=1)
    return ceil(1000.0 * sqrt(log(2.0 * len(columns) / alpha) / (2.0 * least)) ** power) / 1000.0


TEST = Sequential
