"""What is learned of a reference, so that a magnitude means the same on any data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from accel_drift.errors import ConfigError, DataError
from accel_drift.synthetic.columns import (
    LABEL,
    NUMBER,
    Array,
    Columns,
    Floats,
    as_columns,
    classes,
    equal_to,
    kind_of,
    missing,
    some_of,
)
from accel_drift.synthetic.normal import normal_scores

Pool: TypeAlias = Callable[[str, Any, Array, np.random.Generator], Columns]
"""(column, class, places (k,), generator) -> k rows of that class, for those places of a batch."""


_SAMPLE = 100_000
"""Rows that correlations are measured on at most; their standard error is 0.003 then."""


class Spread(NamedTuple):
    """A column of numbers in the reference, of its finite values.

    Attributes:
        mean: their mean.
        deviation: their standard deviation, 0 for one and the same value.
        quartiles: a quarter and three quarters of them are at most this.
        middle: one of them, half of them are at most this.
    """

    mean: float
    deviation: float
    quartiles: tuple[float, float]
    middle: Any


class Anchor:
    """A reference, and what kinds of drift ask of it: learned once, column by column, when it is first asked for.

    Where a kind's `apply` is called many times with one large reference, give it the anchor in its place.

    >>> anchor = Anchor({"x": np.array([1.0, 3.0, np.nan]), "c": np.array(["a", "b", "a"])})
    >>> anchor.spread("x").deviation, anchor.classes("c")
    (1.0, {'a': 2, 'b': 1})

    Args:
        reference: columns (n,) in a dict or a data frame, or a matrix (n, d) of numbers.
        label: the column of labels, where there is one: kinds that are given no columns leave it alone.
        related: column -> those that may hang on it, itself among them; None where all may, as in rows of one's own.

    Raises:
        DataError: it is neither, or has no rows.
    """

    def __init__(
        self, reference: Any, *, label: str = LABEL, related: Callable[[str], tuple[str, ...] | None] | None = None
    ) -> None:
        self.columns = as_columns(reference, "the reference")
        self.label = label
        self._related = related
        self.rows = len(next(iter(self.columns.values())))
        if not self.rows:
            raise DataError("the reference has no rows; give some to measure drift by")
        self.pool: Pool = partial(rows_of, self.columns)
        self._known: dict[tuple[str, str], Any] = {}

    def spread(self, name: str) -> Spread:
        """What a column of numbers is like.

        Raises:
            ConfigError: it holds no finite value.
        """
        found: Spread = self._once("spread", name, lambda: _spread(self.finite(name)))
        return found

    def has_spread(self, name: str) -> bool:
        """Whether a column is one of numbers that are not all the same."""
        return kind_of(self.columns[name]) == NUMBER and len(self.finite(name)) > 0 and self.spread(name).deviation > 0

    def finite(self, name: str) -> Array:
        """The finite values of a column of numbers."""
        values = self.columns[name]
        return values[np.isfinite(values)] if values.dtype.kind == "f" else values

    def ranked(self, name: str) -> Array:
        """The finite values of a column in order."""
        found: Array = self._once("ranked", name, lambda: np.sort(self.finite(name)))
        return found

    def is_empty(self, name: str) -> bool:
        """Whether a column has no value at all."""
        found: bool = self._once("empty", name, lambda: bool(missing(self.columns[name]).all()))
        return found

    def related(self, name: str) -> tuple[str, ...]:
        """The columns that may hang on one, itself among them, in their order."""
        among = None if self._related is None else self._related(name)
        return tuple(column for column in self.columns if among is None or column in among)

    def classes(self, name: str) -> dict[Any, int]:
        """The classes or categories of a column, with their rows."""
        found: dict[Any, int] = self._once("classes", name, lambda: classes(self.columns[name]))
        return found

    def correlations(self, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """Correlations of columns of numbers (d, d): of their ranks, and of their ranks as normal values.

        Measured on rows that have a value in every one of the columns, 100,000 of them at most.
        """
        found: tuple[Floats, Floats] = self._once(
            "correlations", "\0".join(names), lambda: _correlations([self.columns[name] for name in names])
        )
        return found

    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers that are not all the same, the label left out."""
        return tuple(name for name in self.columns if name != self.label and self.has_spread(name))

    def pooled(self, pool: Pool) -> Anchor:
        """The same anchor, with another source of rows of a class."""
        made = object.__new__(Anchor)
        made.columns, made.rows, made.pool, made._known = self.columns, self.rows, pool, self._known
        made.label, made._related = self.label, self._related
        return made

    def _once(self, what: str, name: str, learn: Callable[[], Any]) -> Any:
        key = (what, name)
        if key not in self._known:
            self._known[key] = learn()
        return self._known[key]


def rows_of(columns: Columns, name: str, value: Any, places: Array, rng: np.random.Generator) -> Columns:
    """A row of a class for each place, drawn with replacement.

    Raises:
        ConfigError: there is no row of that class.
    """
    found = np.flatnonzero(equal_to(columns[name], value))
    if not len(found):
        raise ConfigError(f"{name} is {value!r} in no row; there are {some_of(classes(columns[name]))}")
    chosen = found[rng.integers(0, len(found), len(places))]
    return {column: values[chosen] for column, values in columns.items()}


def order(values: Array, rng: np.random.Generator) -> Array:
    """The rows (n,) by their value, equal values by lot."""
    # A sort that is not stable is several times as fast, and its order is the only one where no two values are equal.
    made = np.argsort(values)
    listed = values[made]
    if not np.any(listed[1:] == listed[:-1]):
        return made
    lots = rng.permutation(len(values))
    return lots[np.argsort(values[lots], kind="stable")]


def as_normal(values: Array, rng: np.random.Generator) -> Floats:
    """Values (n,) as the standard normal ones that have their ranks; equal values by lot."""
    made = np.empty(len(values))
    made[order(values, rng)] = normal_scores(len(values))
    return made


def _spread(values: Array) -> Spread:
    if not len(values):
        raise ConfigError("the column holds no finite value in the reference; leave it out")
    least, most = values.min(), values.max()
    low, high = (float(q) for q in np.quantile(values, (0.25, 0.75)))
    middle = np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2]
    if least == most:
        return Spread(float(least), 0.0, (float(least), float(least)), middle)
    # Scaled, since the squares of 1e200 are infinite and those of 1e-200 are 0.
    unit = max(abs(float(least)), abs(float(most)))
    scaled = values / unit
    return Spread(float(scaled.mean()) * unit, float(scaled.std()) * unit, (low, high), middle)


def _correlations(columns: list[Array]) -> tuple[Floats, Floats]:
    step = -(-len(columns[0]) // _SAMPLE)
    columns = [values[::step] for values in columns]
    there = np.all([np.isfinite(values) for values in columns], axis=0)
    if np.count_nonzero(there) < 2:
        return np.eye(len(columns)), np.eye(len(columns))
    # Equal values are put in order by lot: in the order of their rows they would follow a column that is sorted.
    rng = np.random.default_rng(0)
    by_score = np.corrcoef(np.stack([as_normal(values[there], rng) for values in columns]))
    placed = []
    for values in columns:
        placed.append(np.empty(np.count_nonzero(there)))
        placed[-1][order(values[there], rng)] = np.arange(len(placed[-1]))
    return np.atleast_2d(np.corrcoef(np.stack(placed))), np.atleast_2d(by_score)
