"""Rows become one matrix about the origin in units of the bandwidth, and that the kernel's sums.

Where calibration rows decide scales and bandwidth the reference's rows become the same numbers whatever the batch is:
their matrix and their sums are made once and kept for the next batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.statistics import aggregated
from accel_drift.statistics.aggregated import Collection
from accel_drift.statistics.comparison import Comparison
from accel_drift.statistics.distances import distance_quantiles, median_distance
from accel_drift.statistics.encoding import Rules, Slot, Sort, Vectors, encode, entered, home, sorts_of, spread_out
from accel_drift.statistics.kernel_sums import Kernel, ReferenceSums
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.matrix_options import Options
from accel_drift.statistics.matrix_rows import Rows
from accel_drift.statistics.reduction import reduction_of, told
from accel_drift.statistics.rounding import check_range, reach, rounded


class Made(NamedTuple):
    """What the rows became.

    The kernel's sums, or those of a collection of kernels (None where all rows are equal), the columns that entered,
    for each matrix column the place of its owner among them, and facts for the report.
    """

    kernel: KernelSums | Collection | None
    columns: tuple[str, ...]
    owner: npt.NDArray[np.int64]
    facts: dict[str, Any]


def rounding(options: Options) -> float:
    """Relative error of the kernel sums: labellings whose statistics are no further apart tie."""
    return 1e-12 if options.precision == "float64" else 1e-6


def made_of(rows: Rows, comparison: Comparison, options: Options, seed: int) -> Made:
    """The kernel sums of the rows that take part.

    Raises:
        ConfigError: rows are too far apart for the bandwidth or the precision.
    """
    if rows.calibration is not None:
        return _calibrated(rows, comparison, options, seed)
    names, n = comparison.of_kind(*options.kinds), rows.reference.rows
    tables = (rows.reference, rows.batch)
    deciding = n if options.scale == "reference" else n + rows.batch.rows
    backend = home(tables, names, comparison.backend)
    encoded = encode(tables, names, deciding, seed, backend, reduction=reduction_of(options))
    widths = _widths(encoded.matrix[:deciding, :], options, seed, backend, encoded.median)
    sigma = _middle(widths)
    facts = _facts(sigma, options, encoded.dropped) | _reduced(options, names, encoded.rules)
    with backend.scope():
        if not _varies([encoded.matrix], backend):
            return Made(None, encoded.columns, encoded.owner, facts)
        bound = _bound(encoded.matrix[:deciding, :], sigma, options, backend)
        matrix, moved = _within(encoded.matrix, bound, backend)
        facts |= _told(moved)
        centred = matrix - _centre(matrix, backend)
        scaled = _scaled(centred, _furthest(centred, backend), sigma, options)
    there = comparison.backend
    z = rounded(_moved(scaled, backend, there), options.precision, there)
    return Made(_sums(z, rows, there, options, seed, widths), encoded.columns, encoded.owner, facts)


@dataclass(frozen=True, slots=True)
class _Reference:
    """A reference's rows as calibration rows make them.

    Attributes:
        z: (n, p) scaled rows, where the sums are made; rounded, but for int8: the batch has a say in its step.
        slots: what the matrix columns are.
        rules: how a batch is encoded.
        bounds: (3, p) centre of the calibration rows, least and greatest value of the reference's, where rows are
            encoded. What a batch has a column for and the reference has not is 0 in all of them.
        bound: how far from the middle a value may lie.
        moved: how many values of the reference were moved there.
        furthest: largest distance from the centre along a column.
        widths: the bandwidth, or those of a collection.
        sums: sums within the reference, of each shape of kernel.
    """

    z: Any
    slots: tuple[Slot, ...]
    rules: Rules
    bounds: Any
    bound: float
    moved: int
    furthest: float
    widths: tuple[float, ...]
    sums: tuple[ReferenceSums, ...]


def _calibrated(rows: Rows, comparison: Comparison, options: Options, seed: int) -> Made:
    assert rows.calibration is not None  # noqa: S101
    names = comparison.of_kind(*options.kinds)
    tables = (rows.calibration, rows.reference, rows.batch)
    sorts, backend = sorts_of(tables, names), home(tables, names, comparison.backend)
    name = ("matrix", options, comparison.names, names, sorts, rows.size, seed, backend.name)
    mine = comparison.kept.get(name, lambda: _reference(rows, comparison, options, seed, names, sorts, backend))
    theirs = encode((rows.batch,), names, 0, seed, backend, sorts, mine.rules)
    slots = tuple(sorted({*mine.slots, *theirs.slots}))
    columns, owner, dropped = entered(slots, names, sorts)
    sigma, there = _middle(mine.widths), comparison.backend
    facts = _facts(sigma, options, dropped) | _reduced(options, names, mine.rules)
    with backend.scope():
        matrix = spread_out(theirs.matrix, theirs.slots, slots, backend)
        bounds = spread_out(mine.bounds, mine.slots, slots, backend)
        if not _varies([matrix, bounds[1:, :]], backend):
            return Made(None, columns, owner, facts)
        matrix, moved = _within(matrix, mine.bound, backend)
        facts |= _told(mine.moved + moved)
        centred = matrix - bounds[0, :]
        furthest = max(mine.furthest, _furthest(centred, backend))
        scaled = _moved(_scaled(centred, furthest, sigma, options), backend, there)
    late, unit = options.precision == "int8", 1.0
    with there.scope():
        new = scaled if late else rounded(scaled, options.precision, there)[0]
        z = there.xp.concat([spread_out(mine.z, mine.slots, slots, there), new], axis=0)
        if late:
            z, unit = rounded(z, options.precision, there)
    kernel = _sums((z, unit), rows, there, options, seed, mine.widths, mine.sums)
    return Made(kernel, columns, owner, facts)


def _reference(
    rows: Rows,
    comparison: Comparison,
    options: Options,
    seed: int,
    names: tuple[str, ...],
    sorts: tuple[Sort, ...],
    backend: Backend,
) -> _Reference:
    assert rows.calibration is not None  # noqa: S101
    apart = rows.calibration.rows
    tables = (rows.calibration, rows.reference)
    encoded = encode(tables, names, apart, seed, backend, sorts, reduction=reduction_of(options))
    calibrating, matrix = encoded.matrix[:apart, :], encoded.matrix[apart:, :]
    widths = _widths(calibrating, options, seed, backend, encoded.median)
    sigma = _middle(widths)
    xp, there = backend.xp, comparison.backend
    with backend.scope():
        bound = _bound(calibrating, sigma, options, backend)
        matrix, moved = _within(matrix, bound, backend)
        centre, empty = _centre(_within(calibrating, bound, backend)[0], backend), matrix.shape[1] == 0
        bounds = xp.stack([centre, *(centre if empty else end(matrix, axis=0) for end in (xp.min, xp.max))])
        centred = matrix - centre
        furthest = 0.0 if empty else _furthest(centred, backend)
        z = _moved(_scaled(centred, furthest, sigma, options), backend, there)
    if options.precision == "int8":
        return _Reference(z, encoded.slots, encoded.rules, bounds, bound, moved, furthest, widths, ())
    z, _ = rounded(z, options.precision, there)
    sums = () if empty else tuple(ReferenceSums(z, there, shape) for shape in _shapes(widths, options))
    return _Reference(z, encoded.slots, encoded.rules, bounds, bound, moved, furthest, widths, sums)


def _widths(
    deciding: Any, options: Options, seed: int, backend: Backend, median: float | None = None
) -> tuple[float, ...]:
    """The bandwidth, or the first to the last of a collection; `median` is the deciding rows' distance, where known.

    Where all deciding rows are equal as if they were 1 apart: so far are rows from them that have another category, or
    another value than their only one.
    """
    if options.length is None:
        return (1.0,)
    if options.length == "fuse" or options.length == "agg":
        low, high = distance_quantiles(deciding, aggregated.ENDS, seed, backend)
        return aggregated.widths(low or 1.0, high or 1.0)
    if options.length != "median":
        return (float(options.length),)
    return ((median_distance(deciding, seed, backend) if median is None else median) or 1.0,)


def _middle(widths: tuple[float, ...]) -> float:
    return widths[0] if len(widths) == 1 else sqrt(widths[0]) * sqrt(widths[-1])


def _shapes(widths: tuple[float, ...], options: Options) -> tuple[Kernel, ...]:
    return (options.kernel,) if len(widths) == 1 else ("gaussian", "laplace")


def _facts(sigma: float, options: Options, dropped: Any) -> dict[str, Any]:
    facts = {"scale": options.scale, "dropped_columns": dict(dropped)}
    return facts if options.length is None else {"bandwidth": sigma, **facts}


def _reduced(options: Options, names: tuple[str, ...], rules: Rules) -> dict[str, Any]:
    held = {names[place]: (rule.dimensions, rule.axes) for place, rule in rules.items() if isinstance(rule, Vectors)}
    return told(reduction_of(options), held)


def _varies(parts: list[Any], backend: Backend) -> bool:
    """Whether any two of the rows of these matrices differ."""
    xp, p = backend.xp, parts[0].shape[1]
    if p == 0:
        return False
    low, high = (xp.stack([end(part, axis=0) for part in parts]) for end in (xp.min, xp.max))
    return bool(backend.to_numpy(xp.any(xp.max(high, axis=0) > xp.min(low, axis=0))))


def _bound(deciding: Any, sigma: float, options: Options, backend: Backend) -> float:
    """How far from the middle a value may lie; the rows that decide scales decide this, too.

    Beyond, the Gaussian kernel with most rows is 0 anyway. A bandwidth that was given says nothing of where most rows
    lie, and without one there is none: then it goes by what three quarters of the rows keep to.
    """
    xp, unit = backend.xp, sigma
    if deciding.shape[1] and (options.length is None or isinstance(options.length, float | int)):
        size = backend.to_numpy(xp.max(xp.abs(deciding), axis=1))
        typical = float(np.quantile(size, 0.75)) if len(size) else 0.0
        unit = max(0.0 if options.length is None else sigma, typical) or 1.0
    return reach(options.precision) * unit


def _within(matrix: Any, bound: float, backend: Backend) -> tuple[Any, int]:
    """The matrix with no value beyond a bound, and how many were."""
    xp = backend.xp
    far = xp.abs(matrix) > bound
    moved = int(backend.to_numpy(xp.sum(xp.astype(far, xp.int64))))
    return (xp.where(far, xp.sign(matrix) * bound, matrix) if moved else matrix), moved


def _told(moved: int) -> dict[str, Any]:
    return {"far_values": moved} if moved else {}


def _centre(matrix: Any, backend: Backend) -> Any:
    """About the median of each column, (p,): products of rows are accurate where rows lie near the origin.

    It moves no distance, so some of the rows say enough. A mean would follow the few that are far from all others.
    """
    rows, p = matrix.shape
    some = backend.xp.sort(matrix[:: max(1, rows * p >> 20, rows // 1000), :], axis=0)
    return some[some.shape[0] // 2, :]


def _furthest(centred: Any, backend: Backend) -> float:
    return float(backend.to_numpy(backend.xp.max(backend.xp.abs(centred))))


def _scaled(centred: Any, furthest: float, sigma: float, options: Options) -> Any:
    """Centred rows in units of the bandwidth.

    Raises:
        ConfigError: rows are so far apart that nothing is left of the differences between the others.
    """
    if options.kernel == "gaussian" and not sigma > furthest * 1e-15:
        raise ConfigError(f"bandwidth is {sigma:g}, and rows are {furthest:g} apart: give a longer one")
    check_range(furthest / sigma, options.precision)
    return centred / sigma


def _moved(z: Any, backend: Backend, there: Backend) -> Any:
    """Rows where the sums are made; they are encoded there, or on the host."""
    if backend is there:
        return z
    with there.scope():
        return there.asarray(z)


def _sums(
    made: tuple[Any, float],
    rows: Rows,
    backend: Backend,
    options: Options,
    seed: int,
    widths: tuple[float, ...],
    reference: tuple[ReferenceSums, ...] = (),
) -> KernelSums | Collection:
    """The sums of the one kernel, or of every shape at every width, of rounded rows and the length of 1 in them."""
    z, unit = made
    sums = KernelSums(
        z,
        rows.reference.rows,
        backend,
        seed,
        rows.groups,
        rows.n_groups,
        kernel=options.kernel,
        blocks=rows.blocks,
        reference=reference[0] if reference else None,
        unit=unit,
    )
    if len(widths) == 1:
        return sums
    scales, shapes = tuple((_middle(widths) / width) ** 2 for width in widths), _shapes(widths, options)
    members = tuple(
        replace(sums, kernel=shape, scales=scales, reference=reference[i] if reference else None)
        for i, shape in enumerate(shapes)
    )
    return Collection(members, widths, rounding(options))
