"""Maximum mean discrepancy: a kernel two-sample test of all columns together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import Table
from accel_drift.detectors.base import Detector, at_least, is_finite
from accel_drift.errors import ConfigError
from accel_drift.finding import Status
from accel_drift.statistics import draws
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoding import encode
from accel_drift.statistics.kernel_test import Estimator, KernelSums
from accel_drift.statistics.nulls import labellings
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.tail import ENOUGH, fitted_tail, rounds

Mode = Literal["rows", "groups"]
Scale = Literal["pooled", "calibration", "reference"]
Precision = Literal["float64", "float32"]

GROUPS_A_SIDE = 32
"""Groups of rows on the smaller side when `group_size` is left open: less than 0.01 of power is lost."""

_WORK = 4e11
"""Pairs of rows times labellings up to which further rounds are drawn; beyond, the tail is fitted."""


class _Rows(NamedTuple):
    """The rows that take part: tables of both sides, groups of pooled rows, calibration rows, and what was left out."""

    reference: Table
    batch: Table
    groups: npt.NDArray[np.int64] | None
    n_groups: tuple[int, int]
    calibration: Table | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MMD(Detector):
    """Squared distance between the mean embeddings of reference and batch under a Gaussian kernel.

    Attributes:
        bandwidth: "median" (of the distances between pooled rows), or a length.
        mode: "rows" permutes single rows; "groups" deals rows into groups of equal size and permutes those.
        group_size: rows of a group; None for about 32 groups on the smaller side.
        scale: rows that decide column scales and bandwidth: "pooled" (exact), "calibration" (a seeded part of the
            reference that takes no part in the test: exact), "reference" (approximate).
        estimator: "unbiased" (may be negative) or "biased".
        precision: arithmetic of the kernel, "float64" or "float32"; sums over tiles are float64 always.
        max_rows: rows of a side at most, drawn by the seed; None for all. The cost grows with their square.
    """

    name: ClassVar[str] = "mmd"
    kinds: ClassVar[tuple[Any, ...]] = VALUE_KINDS
    unit: ClassVar[str] = "MMD²"
    source: ClassVar[str] = "Gretton et al., JMLR 13 (2012) 723-773; groups: Domingo-Enrich, Dwivedi & Mackey 2025"
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True

    bandwidth: float | Literal["median"] = "median"
    mode: Mode = "rows"
    group_size: int | None = None
    scale: Scale = "pooled"
    estimator: Estimator = "unbiased"
    precision: Precision = "float64"
    max_rows: int | None = 10_000

    def __post_init__(self) -> None:
        super(MMD, self).__post_init__()
        if self.bandwidth != "median" and not (is_finite(self.bandwidth) and float(self.bandwidth) > 0):
            raise ConfigError(f'bandwidth is {self.bandwidth!r}; it is "median" or a length above 0')
        for name, choices in (("mode", Mode), ("scale", Scale), ("estimator", Estimator), ("precision", Precision)):
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(f"no {name} {getattr(self, name)!r}; there are {', '.join(get_args(choices))}")
        for name, least in (("group_size", 1), ("max_rows", 2)):
            if getattr(self, name) is not None:
                at_least(getattr(self, name), least, name, "a number of rows, or None")

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        rows = self._rows(comparison, self.seed)
        kernel, _, _ = self._kernel(rows, comparison, self.seed)
        return {"": 0.0 if kernel is None else float(kernel.mmd2(0, 1, self.estimator)[0][0])}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        names = comparison.of_kind(*self.kinds)
        rows = self._rows(comparison, plan.seed)
        n, m = rows.reference.rows, rows.batch.rows
        blank = self.blank(
            column=", ".join(names), columns=names, n_reference=n, n_batch=m, note=rows.note, untested=None
        )
        why = comparison.why_untested(n, m, 2, plan, self.min_rows)
        few_groups = rows.groups is not None and labellings(*rows.n_groups) * plan.alpha < 1
        if why is None and (min(n, m) < self.min_rows or few_groups):
            why = Status.TOO_FEW_ROWS
        if why is not None:
            return [replace(blank, untested=why)]
        kernel, used, facts = self._kernel(rows, comparison, plan.seed)
        details = {"mode": self.mode, "estimator": self.estimator, "precision": self.precision, **facts}
        ready = replace(blank, details=details, columns=used or names, column=", ".join(used or names))
        if kernel is None:
            return [replace(ready, statistic=0.0, effect=0.0, p_value=1.0, p_method="exact")]
        tested = self._test(ready, kernel, comparison.needed(plan))
        if not plan.intervals or tested.statistic is None:
            return [tested]
        half = 1.959963984540054 * kernel.standard_error()
        return [replace(tested, interval=(tested.statistic - half, tested.statistic + half))]

    def _test(self, ready: Outcome, kernel: KernelSums, needed: float) -> Outcome:
        # The observed labelling is number 0 of the same pass, so equal sums tie.
        made, mean_kernel = kernel.mmd2(0, 1 + self.permutations, self.estimator)
        observed, null = float(made[0]), made[1:]
        line = observed - mean_kernel * (1e-12 if self.precision == "float64" else 1e-6)
        hits, done, first, exhausted = int((null >= line).sum()), len(null), null, False
        for upto in rounds(self.permutations, needed)[1:]:
            if hits >= ENOUGH:
                break
            if kernel.groups is None and float(len(kernel.z)) ** 2 * upto > _WORK:
                exhausted = True
                break
            hits += int((kernel.mmd2(1 + done, upto - done, self.estimator)[0] >= line).sum())
            done = upto
        p, method = (1 + hits) / (1 + done), "permutation"
        if exhausted and hits == 0:
            p, method = min(p, fitted_tail(first, observed)), "approximate"
        return replace(
            ready,
            statistic=observed,
            effect=observed,
            p_value=p,
            p_method=method if self.scale != "reference" else "approximate",
            details={**ready.details, "permutations": done},
            null=first,
        )

    def _kernel(
        self, rows: _Rows, comparison: Comparison, seed: int
    ) -> tuple[KernelSums | None, tuple[str, ...], dict[str, Any]]:
        """The kernel's sums, the columns that entered, and facts for the report; no kernel where all rows are equal."""
        names = comparison.of_kind(*self.kinds)
        first, n = rows.reference, rows.reference.rows
        total = n + rows.batch.rows
        tables = [first, rows.batch] if rows.calibration is None else [rows.calibration, first, rows.batch]
        apart = 0 if rows.calibration is None else rows.calibration.rows
        deciding = np.arange(apart or (n if self.scale == "reference" else total))
        made = encode(tables, names, deciding, seed)
        matrix, source = made.matrix[apart:], made.matrix[deciding]
        sigma = median_distance(source, seed) if self.bandwidth == "median" else float(self.bandwidth)
        facts = {"bandwidth": sigma, "scale": self.scale, "dropped_columns": dict(made.dropped)}
        if sigma == 0.0 or matrix.shape[1] == 0 or not np.ptp(matrix, axis=0).any():
            return None, made.columns, facts
        centred = matrix - matrix.mean(axis=0)
        if not sigma > np.abs(centred).max() * 1e-15:
            raise ConfigError(
                f"bandwidth is {sigma:g}, and rows are {np.abs(centred).max():g} apart: give a longer one"
            )
        z = (centred / sigma).astype(self.precision)
        return KernelSums(z, n, comparison.backend, seed, rows.groups, rows.n_groups), made.columns, facts

    def _rows(self, comparison: Comparison, seed: int) -> _Rows:
        """Draw calibration rows, cut down to `max_rows`, deal into groups."""
        n, m = comparison.rows
        own, other = np.arange(n), np.arange(m)
        calibration = None
        if self.scale == "calibration":
            if comparison.groups is not None:
                raise ConfigError('scale="calibration" takes single rows out of blocks; use scale="pooled" with block=')
            chosen = draws.subset(draws.key(seed, "mmd", "calibration"), n, max(2, min(n // 5, 2000)))
            calibration = comparison.reference.take(chosen)
            own = np.setdiff1d(own, chosen)
        own, other, note = self._cap(own, other, comparison.groups is not None, seed)
        ids: npt.NDArray[np.int64] | None = None
        n_groups = (0, 0)
        if comparison.groups is not None:
            g = comparison.groups
            a, first = _dense(g.reference[own])
            b, second = _dense(g.batch[other])
            ids, n_groups = np.concatenate([a, b + first]), (first, first + second)
        elif self.mode == "groups":
            own, other, ids, n_groups, dropped = self._deal(own, other, seed)
            note = "; ".join(filter(None, [note, dropped]))
        return _Rows(comparison.reference.take(own), comparison.batch.take(other), ids, n_groups, calibration, note)

    def _cap(self, own: Any, other: Any, blocked: bool, seed: int) -> tuple[Any, Any, str]:
        """At most `max_rows` a side; blocks are thinned at one rate, since they must stay exchangeable."""
        n, m = len(own), len(other)
        if self.max_rows is None or max(n, m) <= self.max_rows:
            return own, other, ""
        sizes = [min(n, self.max_rows), min(m, self.max_rows)]
        if blocked:
            rate = self.max_rows / max(n, m)
            sizes = [max(2, round(n * rate)), max(2, round(m * rate))]
        own, other = (
            side[draws.subset(draws.key(seed, "mmd", "rows", place), len(side), size)]
            for place, (side, size) in enumerate(zip((own, other), sizes, strict=True))
        )
        note = f"on {len(own):,} of {n:,} reference rows and {len(other):,} of {m:,} batch rows, drawn by seed {seed}"
        return own, other, note

    def _deal(self, own: Any, other: Any, seed: int) -> tuple[Any, Any, Any, tuple[int, int], str]:
        """Groups of one size inside each side; rows left over are dropped by the seed."""
        size = self.group_size or max(1, min(len(own), len(other)) // GROUPS_A_SIDE)
        dealt, count = [], []
        for place, side in enumerate((own, other)):
            w = draws.words(draws.key(seed, "mmd", "groups", place), 0, 1, len(side))[0, 0]
            whole = len(side) // size
            dealt.append(side[np.argsort(w, kind="stable")[: whole * size]])
            count.append(whole)
        left = len(own) + len(other) - size * sum(count)
        ids = np.repeat(np.arange(sum(count)), size)
        note = f"{sum(count)} groups of {size} rows" + (f", {left} rows left over dropped by the seed" if left else "")
        return dealt[0], dealt[1], ids, (count[0], sum(count)), note


def _dense(ids: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], int]:
    values, dense = np.unique(ids, return_inverse=True)
    return dense.astype(np.int64), len(values)


DETECTOR = MMD
