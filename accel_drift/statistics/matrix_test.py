"""Joint tests: all columns as one matrix, one number from the kernel matrix of its rows.

What MMD and the energy distance share; they differ in the kernel alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import listed
from accel_drift.finding import Status
from accel_drift.statistics import aggregated, intervals, linear_forms, matrix_mode, matrix_parts, matrix_rows, tail
from accel_drift.statistics.aggregated import Collection, Rule
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.linear_forms import Statistic
from accel_drift.statistics.matrix_kernel import Made, made_of, rounding
from accel_drift.statistics.matrix_options import Options
from accel_drift.statistics.matrix_rows import Rows
from accel_drift.statistics.nulls import labellings
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.rounding import reach

_WORK = 4e11
"""Pairs of rows times labellings up to which further rounds are drawn; beyond, the tail is fitted."""

_CHUNK = 64
"""Relabellings before the first look with `stop_after`; the chunks double."""


def statistic(comparison: Comparison, options: Options, seed: int) -> float:
    """The statistic alone; 0 where all rows are equal, NaN where calibration leaves no row of the reference."""
    rows = matrix_rows.choose(comparison, options, matrix_mode.chosen(comparison, options)[0], seed)
    if rows.reference.rows == 0:
        return float("nan")
    kernel = made_of(rows, comparison, options, seed).kernel
    if isinstance(kernel, Collection):
        observed = kernel.grid(0, 1)[0][:, 0]
        return float(observed[kernel.foremost(observed)])
    if kernel is None:
        return 0.0
    return float(linear_forms.of(kernel, options.shape)[0].mmd2(0, 1, options.estimator)[0][0])


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
    mode, why_mode = matrix_mode.chosen(comparison, options)
    rows = matrix_rows.choose(comparison, options, mode, plan.seed)
    n, m = rows.reference.rows, rows.batch.rows
    start = replace(
        blank,
        column=", ".join(names),
        columns=names,
        n_reference=n,
        n_batch=m,
        note=_noted(_left_out(comparison.left_out), why_mode, rows.note),
    )
    why = comparison.why_untested(n, m, 2, plan, options.min_rows)
    few = _too_few(rows, plan.alpha, options.min_rows)
    if why is not None or few:
        return replace(start, untested=why or Status.TOO_FEW_ROWS, note=_noted(start.note, few))
    made = made_of(rows, comparison, options, plan.seed)
    used = made.columns or names
    facts = {"mode": mode if why_mode else options.mode, "form": options.shape.form, "estimator": options.estimator}
    why_facts = {"mode_reason": why_mode} if why_mode else {}
    reduced = made.facts.pop("reduction_note", "")
    details = {**facts, **why_facts, "precision": options.precision, **made.facts}
    details["dropped_columns"] = {**comparison.left_out, **details["dropped_columns"]}
    note = _noted(start.note, reduced, _far(made.facts, options))
    ready = replace(start, details=details, columns=used, column=", ".join(used), note=note)
    kernel = made.kernel
    if kernel is None:
        note = "; ".join(filter(None, [ready.note, "no two rows differ"]))
        return replace(ready, statistic=0.0, effect=0.0, p_value=1.0, p_method="exact", note=note)
    form: Statistic
    if isinstance(kernel, Collection):
        tested, kernel = _aggregated(ready, kernel, options, comparison.needed(plan))
        form = kernel
    else:
        form, said = linear_forms.of(kernel, options.shape)
        tested = _of_one_kernel(replace(ready, details={**details, **said}), form, options, comparison, plan)
    return _explained(tested, made._replace(kernel=kernel), form, rows, plan, options) if plan.intervals else tested


def _far(facts: Mapping[str, Any], options: Options) -> str:
    """What is said of values that were too far out."""
    if "far_values" not in facts:
        return ""
    unit = "typical lengths" if options.length is None else "bandwidths"
    many = facts["far_values"]
    said = "1 value counts" if many == 1 else f"{many} values count"
    return f"{said} as {reach(options.precision):g} {unit} from the middle, beyond which nothing is told apart"


def _noted(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _left_out(columns: Mapping[str, str]) -> str:
    if len(columns) > 1:
        return f"{len(columns)} columns that were learned are left out: {listed(columns)}"
    return "".join(f"without {name}: {why}" for name, why in columns.items())


def _too_few(rows: Rows, alpha: float, least: int) -> str:
    """Why no test of these rows can be made, or "": too few on a side, or too few labellings for any to reach alpha."""
    n, m = rows.reference.rows, rows.batch.rows
    if min(n, m) < least:
        return f"{n:,} reference and {m:,} batch rows, and each side needs {least}"
    what = "rows" if rows.groups is None else "blocks" if rows.blocks else "groups"
    ones, total = (n, n + m) if rows.groups is None else rows.n_groups
    count = labellings(ones, total)
    if count * alpha >= 1:
        return ""
    return (
        f"{total} {what} can be dealt to the sides in {count} way{'s' * (count > 1)}, so no p-value could be below "
        f"{1 / count:.3g}, and alpha is {alpha:g}"
    )


def _of_one_kernel(ready: Outcome, form: Statistic, options: Options, comparison: Comparison, plan: Plan) -> Outcome:
    if options.tolerance:
        return _beyond(ready, form, options, options.tolerance, plan.intervals)
    return _permuted(ready, form, options, comparison.needed(plan))


class _Null(NamedTuple):
    """What relabellings said.

    The observed statistic, those of the first round's relabellings, how many of all reached it among how many drawn,
    whether more were too dear, and whether enough reached it before all were drawn.
    """

    observed: float
    first: npt.NDArray[np.float64]
    hits: int
    drawn: int
    exhausted: bool
    stopped: bool

    @property
    def p_value(self) -> float:
        """Source of the first: Besag & Clifford 1991."""
        return self.hits / self.drawn if self.stopped else (1 + self.hits) / (1 + self.drawn)


def _null(form: Statistic, options: Options, needed: float) -> _Null:
    """Relabellings in rounds, each ten times the last while fewer than enough reach the observed statistic.

    With `stop_after` a round goes by growing chunks, and ends where that many have.
    """
    limit, rounds = options.stop_after, tail.rounds(options.permutations, needed)
    # The observed labelling is number 0 of the same pass, so equal sums tie.
    made, mean_kernel = form.mmd2(0, 1 + (rounds[0] if limit is None else min(rounds[0], _CHUNK)), options.estimator)
    observed, null = float(made[0]), made[1:]
    line = observed - mean_kernel * rounding(options)
    first, hits, done = [null], 0, 0
    for place, upto in enumerate(rounds):
        if place and hits >= (limit or tail.ENOUGH):
            break
        if place and form.groups is None and form.work * upto > _WORK:
            return _Null(observed, np.concatenate(first), hits, done, exhausted=True, stopped=False)
        while done < upto:
            if done:
                many = min(upto - done, done if limit is not None else upto)
                null = form.mmd2(1 + done, many, options.estimator)[0]
                if not place:
                    first.append(null)
            reached = np.flatnonzero(null >= line)
            if limit is not None and hits + len(reached) >= limit:
                drawn = done + int(reached[limit - hits - 1]) + 1
                return _Null(observed, np.concatenate(first), limit, drawn, exhausted=False, stopped=True)
            hits, done = hits + len(reached), done + len(null)
    return _Null(observed, np.concatenate(first), hits, done, exhausted=False, stopped=False)


def _permuted(ready: Outcome, form: Statistic, options: Options, needed: float) -> Outcome:
    found = _null(form, options, needed)
    p, method, note = found.p_value, "permutation", ready.note
    if found.exhausted and found.hits == 0:
        p, method = min(p, float(tail.fitted_tail(found.first, found.observed))), "approximate"
    if found.stopped:
        note = _noted(note, f"stopped after {found.drawn} relabellings, {found.hits} of them beyond")
    return replace(
        ready,
        statistic=found.observed,
        effect=found.observed,
        p_value=p,
        p_method=method if options.scale != "reference" else "approximate",
        details={**ready.details, "permutations": found.drawn},
        note=note,
        null=found.first,
    )


def _aggregated(ready: Outcome, kernels: Collection, options: Options, needed: float) -> tuple[Outcome, KernelSums]:
    """The p-value of all kernels together, with the statistic of the foremost of them; and that kernel."""
    one = kernels.members[0]

    def affordable(labellings: int) -> bool:
        return one.groups is not None or one.work * labellings * len(kernels.weights) <= _WORK

    rule: Rule = "fuse" if options.length == "fuse" else "agg"
    found = aggregated.test(kernels, rule, options.permutations, needed, affordable)
    place = kernels.foremost(found.first[:, 0])
    facts = kernels.facts(place)
    of = f"the {facts['kernel']} kernel of bandwidth {facts['bandwidth']:.3g}"
    told = f"p-value of {len(kernels.weights)} kernels, all else of the one under which the drift stands out: {of}"
    tested = replace(
        ready,
        statistic=float(found.first[place, 0]),
        effect=float(found.first[place, 0]),
        p_value=found.p_value,
        p_method=found.method if options.scale != "reference" else "approximate",
        details={**ready.details, **facts, "aggregation": rule, "permutations": found.permutations},
        note=_noted(ready.note, told),
        null=found.first[place, 1:],
    )
    return tested, kernels.one(place)


def _beyond(ready: Outcome, form: Statistic, options: Options, tolerance: float, null: bool) -> Outcome:
    """Whether the true value is more than the tolerance, by the normal law away from the null.

    Relabellings are made only where an interval needs their spread.
    """
    from scipy.special import ndtr

    made = form.mmd2(0, 1 + (options.permutations if null else 0), options.estimator)[0]
    observed = float(made[0])
    error = max(form.standard_error(), tail.SMALLEST)
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


def _explained(tested: Outcome, made: Made, form: Statistic, rows: Rows, plan: Plan, options: Options) -> Outcome:
    """The outcome with its interval and its parts; those of columns are of all pairs of some rows in every form."""
    assert tested.null is not None  # noqa: S101
    assert isinstance(made.kernel, KernelSums)  # noqa: S101
    assert tested.statistic is not None  # noqa: S101
    columns, held = matrix_parts.columns(made.kernel, made.columns, made.owner, plan.seed)
    witnesses = matrix_parts.rows(form, rows)
    return replace(
        tested,
        interval=interval_of(tested.statistic, form.standard_error(), tested.null),
        parts=(*columns, *witnesses),
        details={**tested.details, "rows_of_column_parts": list(held)},
        # With a tolerance no drift at all is not what the p-value is about, and one kernel's null is not where that of
        # many comes from: no picture of it.
        null=None if options.tolerance or "aggregation" in tested.details else tested.null,
    )


def interval_of(observed: float, error: float, null: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the true value: the values from which the observed one is at most 1.96 errors away.

    The variance grows with the true value, since that of the witness values does: a normal interval with the observed
    error ends too low (coverage 89 to 93 % at small values). For a sum of squares of normals, which the statistic is
    in the limit, the variance at a distance x above the observed value is larger by x times the skewness times the
    standard deviation of the null. Both come from the relabellings. Source: the first three moments of the noncentral
    chi-squared law; solved as Wilson (1927) does for a share.
    """
    spread = float(null.std())
    skew = max(0.0, float((((null - null.mean()) / spread) ** 3).mean())) if spread > 0 else 0.0
    low, high = intervals.growing(*(np.array(v) for v in (observed, error * error, skew * spread)))
    return float(low), float(high)
