"""Kinds of drift that change a share of a column's values to something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import is_finite
from accel_drift.synthetic.anchor import Anchor
from accel_drift.synthetic.base import ShareDrift, Stage
from accel_drift.synthetic.columns import CATEGORY, NUMBER, TRUTH, Array, kind_of


@dataclass(frozen=True, slots=True)
class Missing(ShareDrift):
    """A share of a column's values is lost, whatever they are, each column for itself: NaN for numbers, else None.

    >>> rows = {"x": np.arange(1000)}
    >>> round(float(np.isnan(Missing(0.2).apply(rows, rows)["x"]).mean()), 1)
    0.2
    """

    unit: ClassVar[str] = "share of the values that are there"

    def widened(self, values: Array) -> Array:
        """See `Drift.widened`."""
        if values.dtype.kind in "iu":
            return values.astype(np.float64)
        return values.astype(object) if values.dtype.kind in "bUT" else values

    def _value(self, anchor: Anchor, name: str, values: Array) -> Any:  # noqa: ARG002
        return np.nan if kind_of(values) == NUMBER else None


@dataclass(frozen=True, slots=True)
class Corruption(ShareDrift):
    """A share of a column's values becomes one constant, as where a sensor is stuck or a default is filled in.

    Attributes:
        value: the constant; None for the reference's median, or its most frequent category. With a number, text or
            truth value all columns that hold such change where none are named.
    """

    unit: ClassVar[str] = "share of the values that are there"

    value: float | str | bool | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super(Corruption, self).__post_init__()
        if not (self.value is None or isinstance(self.value, str | bool | np.bool_) or is_finite(self.value)):
            raise ConfigError(f"value is {self.value!r}; it is a finite number, a text, a truth value or None")

    def widened(self, values: Array) -> Array:
        """See `Drift.widened`."""
        if values.dtype.kind in "iu" and self.value is not None and not _holds(values.dtype, self.value):
            return values.astype(np.float64)
        return super(Corruption, self).widened(values)

    def _value(self, anchor: Anchor, name: str, values: Array) -> Any:  # noqa: ARG002
        if self.value is not None:
            return self.value
        if kind_of(anchor.columns[name]) == NUMBER:
            return anchor.spread(name).middle
        found = anchor.classes(name)
        most = max(found.values())
        return min((value for value, n in found.items() if n == most), key=str)

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        if why := super(Corruption, self)._why_not(name, anchor):
            return why
        kind = kind_of(anchor.columns[name])
        if self.value is None:
            several = anchor.has_spread(name) if kind == NUMBER else len(anchor.classes(name)) > 1
            return None if several else "it has fewer than two values in the reference, so the constant is no change"
        fits = TRUTH if isinstance(self.value, bool | np.bool_) else CATEGORY if isinstance(self.value, str) else NUMBER
        return None if kind == fits else f"it holds {kind}, and value is {self.value!r}"


@dataclass(frozen=True, slots=True)
class NewCategory(ShareDrift):
    """A share of a column's rows gets a category that the reference does not have.

    Attributes:
        category: what it is called; None for "new", or "new 2" and so on where the reference has that.
    """

    unit: ClassVar[str] = "share of the values that are there"
    changes: ClassVar[tuple[str, ...]] = (CATEGORY,)
    stage: ClassVar[Stage] = Stage.WORLD

    category: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super(NewCategory, self).__post_init__()
        given: object = self.category
        if given is not None and not (isinstance(given, str) and given):
            raise ConfigError(f"category is {self.category!r}; it is a text that is not empty, or None")

    def _value(self, anchor: Anchor, name: str, values: Array) -> str:  # noqa: ARG002
        if self.category is not None:
            return self.category
        known = anchor.classes(name)
        return next(word for word in _words() if word not in known)

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        if why := super(NewCategory, self)._why_not(name, anchor):
            return why
        if self.category is not None and self.category in anchor.classes(name):
            return f"the reference has the category {self.category!r} already, so it is not new"
        return None


def _words() -> Iterator[str]:
    yield "new"
    yield from (f"new {number}" for number in count(2))


def _holds(dtype: Any, value: Any) -> bool:
    """Whether a type of whole numbers has a value."""
    limits = np.iinfo(dtype)
    return bool(float(value).is_integer() and limits.min <= value <= limits.max)
