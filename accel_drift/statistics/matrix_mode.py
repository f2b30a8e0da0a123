"""Whether rows or groups are permuted where that is left open: rows, the stronger test, while they fit a time."""

from __future__ import annotations

from accel_drift.data.table import CategoricalColumn, EmbeddingColumn
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.encoding import CATEGORIES
from accel_drift.statistics.kernel_sums import EXP_WORK
from accel_drift.statistics.kernel_test import small_side_pays
from accel_drift.statistics.matrix_options import Options
from accel_drift.statistics.matrix_rows import sizes
from accel_drift.statistics.rates import rates

_SUBSET_S = 1e-5
"""Seconds of one labelling of a small side, apart from its pairs."""

_MANY = 20
"""Kernels of a collection."""


def chosen(comparison: Comparison, options: Options) -> tuple[str, str]:
    """The mode, "rows" or "groups", and the reason where it was left open.

    The answer to "auto" depends on the machine's speed, through the mode alone: with either mode named it does not.
    """
    if comparison.groups is not None:
        return "groups", "" if options.mode != "auto" else "whole blocks are permuted"
    if options.mode != "auto":
        return options.mode, ""
    if options.shape.form != "quadratic":
        return "rows", f'form "{options.shape.form}" costs little'
    rows_s, groups_s = predicted(comparison, options)
    budget = f"{options.time_budget_s:g} s"
    if rows_s <= options.time_budget_s:
        return "rows", f"rows take about {rows_s:.2g} s here, and the time budget is {budget}"
    return (
        "groups",
        f"rows would take about {rows_s:.2g} s here and groups {groups_s:.2g} s; the time budget is {budget}",
    )


def predicted(comparison: Comparison, options: Options) -> tuple[float, float]:
    """Seconds that the first round of relabellings takes of rows, and of groups."""
    n, m = sizes(comparison.rows, options)
    few, total, labellings = min(n, m), float(n + m), options.permutations + 1
    found, width = rates(comparison.backend, options.precision), _width(comparison, options) + EXP_WORK
    kernels = _MANY if isinstance(options.length, str) and options.length != "median" else 1
    once = kernels * total**2 / 2 * found.column_s * width
    each = total**2 / 2 * found.label_s
    if small_side_pays(few, n + m, width - EXP_WORK):
        each = few**2 / 2 * found.column_s * width + _SUBSET_S
    return once + kernels * labellings * each, once


def _width(comparison: Comparison, options: Options) -> int:
    """Columns of the matrix, about: how many an encoding leaves is not known before it is made."""
    width = 0
    for name in comparison.of_kind(*options.kinds):
        column = comparison.reference.columns[name]
        if isinstance(column, CategoricalColumn):
            width += min(len(column.categories), CATEGORIES)
        else:
            own = column.dimensions if isinstance(column, EmbeddingColumn) else 1
            width += own if options.reduce is None else min(own, options.components)
    return width
