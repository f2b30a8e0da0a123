"""The number alone: one function for each detector's statistic, for a caller who wants no test and no report.

Each takes the two sides and gives a float. A side is one column: a list, a NumPy array, an Arrow array, a series of
pandas or polars, a tensor; `mmd` takes matrices (n, d) and tables too. The detectors themselves compute them,
on the CPU, so function and detector cannot disagree. Missing values (None, null, NaN) are treated as the detector
treats them: a cell of their own in binned scores, left out of ordered ones.

A number without its chance says little: small sides differ much by chance alone. `accel_drift.compare` tests.

All of them raise `DataError` where a side is empty, holds no value, or cannot be read; where one side holds numbers
and the other texts; and where the statistic has no value. They raise `ConfigError` for an option out of range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from accel_drift.errors import DataError

if TYPE_CHECKING:
    from accel_drift.data.table import Table
    from accel_drift.detectors.base import Detector

_COLUMN = "values"
_SIDES = ("reference", "batch")


def psi(expected: Any, actual: Any, bins: int = 10, *, pseudo_count: float = 0.5) -> float:
    """Population stability index of one column, in nats: 0 where all shares are equal, without an upper bound.

    Args:
        expected: the reference's values, (n,): numbers, texts or booleans.
        actual: the batch's values, (m,).
        bins: quantile bins of numbers, cut at the quantiles of `expected`.
        pseudo_count: rows added to every cell of both sides, so that an empty one has a logarithm.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: an option is out of range.

    Source: Kullback & Leibler 1951, eq. 2.5.

    >>> round(psi(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    0.406
    """
    from accel_drift.detectors.psi import PSI

    return _of_columns(PSI(bins=bins, pseudo_count=pseudo_count), expected, actual, ("expected", "actual"))


def kl(reference: Any, batch: Any, bins: int = 10, *, pseudo_count: float = 0.5) -> float:
    """Kullback-Leibler divergence of the batch from the reference, one column, in nats; it is not symmetric.

    Args:
        reference: values, (n,): numbers, texts or booleans.
        batch: values, (m,).
        bins: quantile bins of numbers, cut at the reference's quantiles.
        pseudo_count: rows added to every cell of both sides, so that an empty one has a logarithm.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: an option is out of range.

    Source: Kullback & Leibler 1951, eq. 2.4.

    >>> round(kl(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    0.189
    """
    from accel_drift.detectors.kl import KL

    return _of_columns(KL(bins=bins, pseudo_count=pseudo_count), reference, batch)


def jensen_shannon(reference: Any, batch: Any, bins: int = 10) -> float:
    """Jensen-Shannon distance of one column, to base 2: the root of the divergence, 0 to 1.

    Args:
        reference: values, (n,): numbers, texts or booleans.
        batch: values, (m,).
        bins: quantile bins of numbers, cut at the reference's quantiles.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: bins is out of range.

    Source: Lin 1991, doi:10.1109/18.61115; distance: Endres & Schindelin 2003.

    >>> round(jensen_shannon(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    0.27
    """
    from accel_drift.detectors.jensen_shannon import JensenShannon

    return _of_columns(JensenShannon(bins=bins), reference, batch)


def hellinger(reference: Any, batch: Any, bins: int = 10) -> float:
    """Hellinger distance of one column, 0 to 1.

    Args:
        reference: values, (n,): numbers, texts or booleans.
        batch: values, (m,).
        bins: quantile bins of numbers, cut at the reference's quantiles.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: bins is out of range.

    Source: Hellinger 1909.

    >>> round(hellinger(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    0.227
    """
    from accel_drift.detectors.hellinger import Hellinger

    return _of_columns(Hellinger(bins=bins), reference, batch)


def total_variation(reference: Any, batch: Any, bins: int = 10) -> float:
    """Total variation distance of one column: the share of rows that would have to move, 0 to 1.

    Args:
        reference: values, (n,): numbers, texts or booleans.
        batch: values, (m,).
        bins: quantile bins of numbers, cut at the reference's quantiles.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: bins is out of range.

    Source: Levin & Peres 2017, prop. 4.2: half the sum of |q - p|.

    >>> round(total_variation(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    0.3
    """
    from accel_drift.detectors.total_variation import TotalVariation

    return _of_columns(TotalVariation(bins=bins), reference, batch)


def chi_square(reference: Any, batch: Any, bins: int = 10) -> float:
    """Pearson's chi-square statistic of the two-row table of counts of one column.

    Args:
        reference: values, (n,): texts, booleans or numbers.
        batch: values, (m,).
        bins: quantile bins of numbers, cut at the reference's quantiles.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two hold different sorts of values.
        ConfigError: bins is out of range.

    Source: Pearson 1900.

    >>> round(chi_square(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 3)
    19.78
    """
    from accel_drift.detectors.chi_square import ChiSquare

    return _of_columns(ChiSquare(bins=bins), reference, batch)


def ks(reference: Any, batch: Any) -> float:
    """Largest gap between the two empirical distribution functions of one column of numbers, 0 to 1.

    Args:
        reference: numbers, (n,); missing ones are left out.
        batch: numbers, (m,).

    Raises:
        DataError: a side is empty, without a value, unreadable, or does not hold numbers.

    Source: Smirnov 1939.

    >>> ks([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    from accel_drift.detectors.ks import KS

    return _of_columns(KS(), reference, batch)


def wasserstein(reference: Any, batch: Any) -> float:
    """Area between the two empirical distribution functions of one column, in the column's own unit.

    Args:
        reference: numbers, (n,); missing ones are left out.
        batch: numbers, (m,).

    Raises:
        DataError: a side is empty, without a value, unreadable, or does not hold numbers.

    Source: Vallender 1974, eq. 2.

    >>> wasserstein([1, 2, 3], [2, 3, 5])
    1.3333333333333333
    """
    from accel_drift.detectors.wasserstein import Wasserstein

    return _of_columns(Wasserstein(), reference, batch)


def cramer_von_mises(reference: Any, batch: Any) -> float:
    """Cramér-von Mises statistic of one column of numbers: n m / (n + m) times the mean squared gap of the functions.

    Args:
        reference: numbers, (n,); missing ones are left out.
        batch: numbers, (m,).

    Raises:
        DataError: a side is empty, without a value, unreadable, or does not hold numbers.

    Source: Anderson 1962, doi:10.1214/aoms/1177704477.

    >>> round(cramer_von_mises([1, 2, 3], [4, 5, 6]), 3)
    0.528
    """
    from accel_drift.detectors.cramer_von_mises import CramerVonMises

    return _of_columns(CramerVonMises(), reference, batch)


def energy(
    reference: Any,
    batch: Any,
    *,
    estimator: Literal["unbiased", "biased"] = "unbiased",
    max_rows: int | None = None,
    seed: int = 0,
) -> float:
    """Energy distance of two matrices or tables, of scaled columns; unbiased, so it may be < 0.

    Args:
        reference: (n, d) numbers, or a table with columns of numbers and categories; (n,) counts as one column.
        batch: (m, d), or a table with the same columns.
        estimator: "unbiased" (may be negative) or "biased".
        max_rows: rows of a side at most, drawn by the seed; None for all. The cost grows with their square.
        seed: decides what is drawn.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two have different columns.
        ConfigError: an option is out of range.

    Source: Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018.

    >>> round(energy([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]], estimator="biased"), 12)
    0.0
    """
    from accel_drift.detectors.energy import Energy

    return _of_tables(Energy(estimator=estimator, max_rows=max_rows, seed=seed), reference, batch)


def mmd(
    reference: Any,
    batch: Any,
    *,
    bandwidth: float | Literal["median", "fuse", "agg"] = "median",
    estimator: Literal["unbiased", "biased"] = "unbiased",
    max_rows: int | None = None,
    seed: int = 0,
) -> float:
    """Squared maximum mean discrepancy of two matrices or tables under a Gaussian kernel; unbiased, so it may be < 0.

    Args:
        reference: (n, d) numbers, or a table with columns of numbers and categories; (n,) counts as one column.
        batch: (m, d), or a table with the same columns.
        bandwidth: "median" of the distances between pooled rows, or a length in units of the scaled columns; "fuse" or
            "agg" for the kernel of a collection under which the two stand apart most (see `MMD`).
        estimator: "unbiased" (may be negative) or "biased".
        max_rows: rows of a side at most, drawn by the seed; None for all. The cost grows with their square.
        seed: decides what is drawn.

    Raises:
        DataError: a side is empty, without a value or unreadable, or the two have different columns.
        ConfigError: an option is out of range.

    Source: Gretton et al., JMLR 13 (2012) 723-773, eq. 3.

    >>> round(mmd([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]], estimator="biased"), 12)
    0.0
    """
    from accel_drift.detectors.mmd import MMD

    made = MMD(bandwidth=bandwidth, estimator=estimator, max_rows=max_rows, seed=seed)
    return _of_tables(made, reference, batch)


def _of_columns(detector: Detector, reference: Any, batch: Any, sides: tuple[str, str] = _SIDES) -> float:
    """The statistic of one column; both sides go the way that a detector's `fit` and `score` go."""
    read = [_read({_COLUMN: values}, [_COLUMN], side) for values, side in zip((reference, batch), sides, strict=True)]
    for table, side in zip(read, sides, strict=True):
        if any(str(column.kind) == "embedding" for column in table.schema.columns):
            raise DataError(f"{side} has 2 dimensions; {detector.name} takes one column: give values of shape (n,)")
    return _statistic(detector, read[0], read[1], sides)


def _of_tables(detector: Detector, reference: Any, batch: Any) -> float:
    """The statistic of all columns together."""
    tables = []
    for values, side in zip((reference, batch), _SIDES, strict=True):
        table = _read(_matrix(values, side) if isinstance(values, (list, tuple)) else values, None, side)
        if table.rows < detector.min_rows:
            raise DataError(f"{side} has {table.rows} row; {detector.name} needs at least {detector.min_rows}")
        tables.append(table)
    one, other = (table.schema.names for table in tables)
    if set(one) != set(other):
        raise DataError(f"reference has the columns {', '.join(one)}, and batch {', '.join(other)}; give both the same")
    return _statistic(detector, tables[0], tables[1], _SIDES)


def _matrix(rows: Any, side: str) -> Any:
    """A list of rows as an array; a list of values as the one column of such an array."""
    import numpy as np

    if not any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
        return {"x0": rows}
    try:
        return np.asarray(rows)
    except ValueError as error:
        raise DataError(f"{side}: its rows differ in length; give a matrix (n, d)") from error


def _read(source: Any, columns: list[str] | None, side: str) -> Table:
    from accel_drift.data.read import read_table

    try:
        table = read_table(source, columns=columns, name=side)
    except DataError as error:
        raise type(error)(f"{side}: {error}") from error
    if not table.columns:
        raise DataError(f"{side}: {'; '.join(table.excluded.values()) or 'it has no columns'}")
    if table.rows == 0:
        raise DataError(f"{side} has no rows; there is nothing to compare")
    if all(column.missing == table.rows for column in table.columns.values()):
        raise DataError(f"{side} has no value: all of its rows are missing")
    return table


def _statistic(detector: Detector, reference: Table, batch: Table, sides: tuple[str, str]) -> float:
    from math import isnan

    import numpy as np

    from accel_drift.data.schema import diff

    for _, was, now in diff(reference.schema, batch.schema).retyped:
        raise DataError(f"{sides[0]} and {sides[1]} hold different sorts of values: {was} and {now}")
    fitted = detector.fit(reference, columns=reference.schema.names, backend="numpy")
    value = float(np.asarray(fitted.score(batch)).reshape(()))
    if isnan(value):
        raise DataError(f"{detector.name} has no value here: look for infinities in {sides[0]} and {sides[1]}")
    return value
