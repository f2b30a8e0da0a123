"""Joint tests: all columns as one matrix, one number from the kernel matrix of its rows.

What MMD and the energy distance share; they differ in the kernel alone.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from numbers import Integral
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, get_args

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.schema import Kind
from accel_drift.errors import ConfigError
from accel_drift.finding import Status
from accel_drift.statistics import intervals, matrix_parts, matrix_rows, tail
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoding import encode, home
from accel_drift.statistics.kernel_sums import Estimator, Kernel
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.matrix_rows import Mode, Rows, Scale
from accel_drift.statistics.nulls import labellings
from accel_drift.statistics.outcome import Outcome

Precision = Literal["float64", "float32"]
Bandwidth = float | Literal["median"]

_WORK = 4e11
"""Pairs of rows times labellings up to which further rounds are drawn; beyond, the tail is fitted."""


class Options(Protocol):
    """The options of a joint detector; see `accel_drift.MMD`."""

    kinds: ClassVar[tuple[Kind, ...]]
    kernel: ClassVar[Kernel]
    min_rows: ClassVar[int]

    @property
    def length(self) -> Bandwidth | None: ...  # noqa: D102
    @property
    def permutations(self) -> int: ...  # noqa: D102
    @property
    def tolerance(self) -> float | None: ...  # noqa: D102
    @property
    def mode(self) -> Mode: ...  # noqa: D102
    @property
    def group_size(self) -> int | None: ...  # noqa: D102
    @property
    def scale(self) -> Scale: ...  # noqa: D102
    @property
    def estimator(self) -> Estimator: ...  # noqa: D102
    @property
    def precision(self) -> Precision: ...  # noqa: D102
    @property
    def max_rows(self) -> int | None: ...  # noqa: D102


class _Made(NamedTuple):
    """What the rows became.

    The kernel's sums (None where all rows are equal), the columns that entered, for each matrix column the place of
    its owner among them, and facts for the report.
    """

    kernel: KernelSums | None
    columns: tuple[str, ...]
    owner: npt.NDArray[np.int64]
    facts: dict[str, Any]


def check(options: Options) -> None:
    """Refuse options of a joint detector that cannot work.

    Raises:
        ConfigError: one cannot.
    """
    for name, choices in (("mode", Mode), ("scale", Scale), ("estimator", Estimator), ("precision", Precision)):
        if getattr(options, name) not in get_args(choices):
            raise ConfigError(f"no {name} {getattr(options, name)!r}; there are {', '.join(get_args(choices))}")
    for name, least in (("group_size", 1), ("max_rows", 2)):
        value = getattr(options, name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise ConfigError(f"{name} is {value!r}; it is a number of rows, at least {least}, or None")


def statistic(comparison: Comparison, options: Options, seed: int) -> float:
    """The statistic alone; 0 where all rows are equal."""
    made = _kernel(_rows(comparison, options, seed), comparison, options, seed)
    return 0.0 if made.kernel is None else float(made.kernel.mmd2(0, 1, options.estimator)[0][0])


def outcome(comparison: Comparison, plan: Plan, options: Options, blank: Outcome) -> Outcome:
    """The statistic of all columns together with its p-value, interval and parts.

    Args:
        comparison: reference and batch.
        plan: what the report asks of the test.
        options: the detector's.
        blank: an outcome with the detector's name, to be filled in.

    Raises:
        ConfigError: the bandwidth is too small for the data, or calibration rows are asked for with blocks.
    """
    names = comparison.of_kind(*options.kinds)
    rows = _rows(comparison, options, plan.seed)
    n, m = rows.reference.rows, rows.batch.rows
    start = replace(blank, column=", ".join(names), columns=names, n_reference=n, n_batch=m, note=rows.note)
    why = comparison.why_untested(n, m, 2, plan, options.min_rows)
    few_groups = rows.groups is not None and labellings(*rows.n_groups) * plan.alpha < 1
    if why is None and (min(n, m) < options.min_rows or few_groups):
        why = Status.TOO_FEW_ROWS
    if why is not None:
        return replace(start, untested=why)
    made = _kernel(rows, comparison, options, plan.seed)
    used = made.columns or names
    details = {"mode": options.mode, "estimator": options.estimator, "precision": options.precision, **made.facts}
    ready = replace(start, details=details, columns=used, column=", ".join(used))
    if made.kernel is None:
        return replace(ready, statistic=0.0, effect=0.0, p_value=1.0, p_method="exact")
    if options.tolerance:
        tested = _beyond(ready, made.kernel, options, options.tolerance, plan.intervals)
    else:
        tested = _permuted(ready, made.kernel, options, comparison.needed(plan))
    return _explained(tested, made, rows, plan, options) if plan.intervals else tested


def _permuted(ready: Outcome, kernel: KernelSums, options: Options, needed: float) -> Outcome:
    # The observed labelling is number 0 of the same pass, so equal sums tie.
    made, mean_kernel = kernel.mmd2(0, 1 + options.permutations, options.estimator)
    observed, null = float(made[0]), made[1:]
    line = observed - mean_kernel * (1e-12 if options.precision == "float64" else 1e-6)
    hits, done, first, exhausted = int((null >= line).sum()), len(null), null, False
    for upto in tail.rounds(options.permutations, needed)[1:]:
        if hits >= tail.ENOUGH:
            break
        if kernel.groups is None and float(kernel.rows) ** 2 * upto > _WORK:
            exhausted = True
            break
        hits += int((kernel.mmd2(1 + done, upto - done, options.estimator)[0] >= line).sum())
        done = upto
    p, method = (1 + hits) / (1 + done), "permutation"
    if exhausted and hits == 0:
        p, method = min(p, tail.fitted_tail(first, observed)), "approximate"
    return replace(
        ready,
        statistic=observed,
        effect=observed,
        p_value=p,
        p_method=method if options.scale != "reference" else "approximate",
        details={**ready.details, "permutations": done},
        null=first,
    )


def _beyond(ready: Outcome, kernel: KernelSums, options: Options, tolerance: float, null: bool) -> Outcome:
    """Whether the true value is more than the tolerance, by the normal law away from the null.

    Relabellings are made only where an interval needs their spread.
    """
    from scipy.special import ndtr

    made = kernel.mmd2(0, 1 + (options.permutations if null else 0), options.estimator)[0]
    observed = float(made[0])
    error = max(kernel.standard_error(), tail.SMALLEST)
    p = min(1.0, max(float(ndtr((tolerance - observed) / error)), tail.SMALLEST))
    return replace(
        ready,
        statistic=observed,
        effect=observed,
        p_value=p,
        p_method="approximate",
        details={**ready.details, "tolerance": tolerance},
        null=made[1:] if null else None,
    )


def _explained(tested: Outcome, made: _Made, rows: Rows, plan: Plan, options: Options) -> Outcome:
    """The outcome with its interval and its parts."""
    assert tested.null is not None  # noqa: S101
    assert made.kernel is not None  # noqa: S101
    assert tested.statistic is not None  # noqa: S101
    columns, held = matrix_parts.columns(made.kernel, made.columns, made.owner, plan.seed)
    witnesses = matrix_parts.rows(made.kernel, rows)
    return replace(
        tested,
        interval=_interval(tested.statistic, made.kernel.standard_error(), tested.null),
        parts=(*columns, *witnesses),
        details={**tested.details, "rows_of_column_parts": list(held)},
        # With a tolerance no drift at all is not what the p-value is about: no picture of it.
        null=None if options.tolerance else tested.null,
    )


def _interval(observed: float, error: float, null: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the true value: the values from which the observed one is at most 1.96 errors away.

    The variance grows with the true value, since that of the witness values does: a normal interval with the observed
    error ends too low (coverage 89 to 93 % at small values). For a sum of squares of normals, which the statistic is
    in the limit, the variance at a distance x above the observed value is larger by x times the skewness times the
    standard deviation of the null. Both come from the relabellings. Source: the first three moments of the noncentral
    chi-squared law; solved as Wilson (1927) does for a share.
    """
    spread = float(null.std())
    skew = max(0.0, float((((null - null.mean()) / spread) ** 3).mean())) if spread > 0 else 0.0
    return intervals.growing(observed, error * error, skew * spread)


def _rows(comparison: Comparison, options: Options, seed: int) -> Rows:
    return matrix_rows.choose(
        comparison,
        mode=options.mode,
        group_size=options.group_size,
        scale=options.scale,
        max_rows=options.max_rows,
        seed=seed,
    )


def _kernel(rows: Rows, comparison: Comparison, options: Options, seed: int) -> _Made:
    names = comparison.of_kind(*options.kinds)
    first, n = rows.reference, rows.reference.rows
    total = n + rows.batch.rows
    tables = [first, rows.batch] if rows.calibration is None else [rows.calibration, first, rows.batch]
    apart = 0 if rows.calibration is None else rows.calibration.rows
    deciding = apart or (n if options.scale == "reference" else total)
    backend = home(tables, names, comparison.backend)
    encoded = encode(tables, names, deciding, seed, backend)
    facts: dict[str, Any] = {"scale": options.scale, "dropped_columns": dict(encoded.dropped)}
    sigma = 1.0
    if options.length is not None:
        first = encoded.matrix[:deciding, :]
        sigma = median_distance(first, seed, backend) if options.length == "median" else float(options.length)
        facts = {"bandwidth": sigma, **facts}
    z = _scaled(encoded.matrix[apart:, :], sigma, options, backend)
    if z is None:
        return _Made(None, encoded.columns, encoded.owner, facts)
    with comparison.backend.scope():
        z = z if backend is comparison.backend else comparison.backend.asarray(z)
    kernel = KernelSums(
        z, n, comparison.backend, seed, rows.groups, rows.n_groups, kernel=options.kernel, blocks=rows.blocks
    )
    return _Made(kernel, encoded.columns, encoded.owner, facts)


def _scaled(matrix: Any, sigma: float, options: Options, backend: Backend) -> Any:
    """The rows about their mean in units of the bandwidth; None where all are equal.

    Raises:
        ConfigError: they are too far apart for the bandwidth or the precision.
    """
    xp = backend.xp
    with backend.scope():
        if sigma == 0.0 or matrix.shape[1] == 0:
            return None
        if not backend.to_numpy(xp.any(xp.max(matrix, axis=0) > xp.min(matrix, axis=0))):
            return None
        centred = matrix - xp.mean(matrix, axis=0)
        _fits(float(backend.to_numpy(xp.max(xp.abs(centred)))), sigma, options)
        return xp.astype(centred / sigma, getattr(xp, options.precision))


def _fits(furthest: float, sigma: float, options: Options) -> None:
    """Refuse rows so far apart that nothing is left of the differences between the others.

    Raises:
        ConfigError: they are.
    """
    if options.kernel == "gaussian" and not sigma > furthest * 1e-15:
        raise ConfigError(f"bandwidth is {sigma:g}, and rows are {furthest:g} apart: give a longer one")
    if options.precision == "float32" and furthest / sigma > sqrt(float(np.finfo(np.float32).max)) / 1e3:
        raise ConfigError(f'rows are {furthest / sigma:g} apart, too far for precision="float32": use "float64"')
