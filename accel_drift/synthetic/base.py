"""What every kind of drift is: a frozen record of options that changes rows, measured by a reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np

from accel_drift.errors import ConfigError, SchemaError
from accel_drift.options import is_finite, plain
from accel_drift.synthetic.anchor import Anchor
from accel_drift.synthetic.columns import (
    CATEGORY,
    NUMBER,
    TRUTH,
    Array,
    Columns,
    Data,
    Floats,
    as_columns,
    in_the_form_of,
    kind_of,
    missing,
    some_of,
)
from accel_drift.synthetic.seeds import Purpose, checked_seed, generator


class Stage(IntEnum):
    """When a change takes place in a scenario: in the world, to labels, or to what is recorded of it."""

    WORLD = 0
    LABELS = 1
    RECORD = 2


@dataclass(frozen=True, slots=True)
class Drift(ABC):
    """A kind of drift.

    Attributes:
        magnitude: how much changes, in `unit`; 0 gives back the very same values.
        unit: what the magnitude counts.
        stage: when it takes place in a scenario.
        keeps_columns: whether each column by itself stays as it was, so that only columns taken together tell.
    """

    unit: ClassVar[str]
    stage: ClassVar[Stage] = Stage.RECORD
    keeps_columns: ClassVar[bool] = False

    magnitude: float

    def __post_init__(self) -> None:
        if not is_finite(self.magnitude):
            raise ConfigError(f"magnitude is {self.magnitude!r}; it is a finite number: {self.unit}")

    @abstractmethod
    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:
        """The columns that change, as they are afterwards.

        Rows of strength 0 keep every value, bit for bit. What is drawn does not depend on magnitude and strength, so
        that the same seed with a larger magnitude is the same drift, only more of it.

        Args:
            rows: columns (n,) of a batch.
            strength: (n,) share of the magnitude that each row gets, from 0 to 1.
            anchor: the reference.
            rng: where random numbers come from.
        """

    @abstractmethod
    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """The columns that change.

        Raises:
            ConfigError: a column that is named cannot change in this way, or none can.
            SchemaError: the reference lacks a column that is named.
        """

    def apply(self, rows: Data, reference: Data | Anchor, *, seed: int = 0, strength: float | Array = 1.0) -> Any:
        """The rows with the drift in them; what is given is not written to.

        Columns that do not change are the same arrays, not copies. Whole numbers become float64 in a column that is
        moved off them, truth values and texts of a fixed length become objects where None or a longer text comes in.
        What is missing stays missing.

        Args:
            rows: columns (n,) in a dict or a data frame, or a matrix (n, d) of numbers with columns x0, x1, ...
            reference: rows to measure by, in the same form, or an `Anchor` of them.
            seed: decides every random choice.
            strength: share of the magnitude, from 0 to 1, for all rows or (n,) for each.

        Returns:
            A dict of columns, or a matrix where one was given.

        Raises:
            ConfigError: an option cannot work with this reference.
            DataError: rows or reference are no columns of NumPy.
            SchemaError: a column that changes is not there, or holds something else than in the reference.
        """
        anchor = reference if isinstance(reference, Anchor) else Anchor(reference)
        columns = as_columns(rows, "the batch")
        count = len(next(iter(columns.values())))
        for name in self.affected(anchor):
            _same_kind(name, columns, anchor)
        amount = _strength(strength, count)
        rng = generator(checked_seed(seed), Purpose.CHANGE)
        made = self.changed(columns, amount, anchor, rng) if self.magnitude and amount.any() else {}
        return in_the_form_of(rows, {**columns, **made})

    def widened(self, values: Array) -> Array:
        """A column in the type that it has once changed, such as float64 for whole numbers."""
        return values

    def summary(self) -> dict[str, Any]:
        """The kind and its options as plain values."""
        return {"kind": type(self).__name__, **plain(self)}


@dataclass(frozen=True, slots=True)
class ColumnDrift(Drift):
    """A kind that changes columns, those named or all that can.

    Attributes:
        columns: those that change; None for all that can. The label, where there is one, is left alone unless it is
            named.
        changes: what columns that can change hold.
    """

    changes: ClassVar[tuple[str, ...]] = (NUMBER,)

    columns: Sequence[str] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super(ColumnDrift, self).__post_init__()
        if self.columns is not None:
            object.__setattr__(self, "columns", _names(self.columns))

    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """The columns named, or all that can change.

        Raises:
            ConfigError: a column that is named cannot change in this way, or none can.
            SchemaError: the reference lacks a column that is named.
        """
        if self.columns is None:
            fit = tuple(name for name in anchor.columns if name != anchor.label and self._why_not(name, anchor) is None)
            if not fit:
                raise ConfigError(
                    f"{type(self).__name__} finds no column to change: it takes {self._takes()}; the reference has "
                    f"{some_of(anchor.columns)}"
                )
            return fit
        for name in self.columns:
            require(name, anchor)
            if why := self._why_not(name, anchor):
                raise ConfigError(f"{type(self).__name__} cannot change {name!r}: {why}; leave it out of columns")
        return tuple(self.columns)

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        """Why a column of the reference cannot change in this way, or None."""
        kind = kind_of(anchor.columns[name])
        if kind not in self.changes:
            return f"it holds {kind}, and this takes {self._takes()}"
        return None

    def _takes(self) -> str:
        return f"columns of {', '.join(self.changes)}"


@dataclass(frozen=True, slots=True)
class SpreadDrift(ColumnDrift):
    """A kind that is measured by the spread of a column of numbers, column by column."""

    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:
        """See `Drift.changed`."""
        made = {}
        for name in self.affected(anchor):
            values, amount = rows[name], strength * self.magnitude
            # What is missing or infinite stays as it is, whatever arithmetic makes of it.
            with np.errstate(over="ignore", invalid="ignore"):
                new = self._moved(values.astype(np.float64, copy=False), amount, anchor, name, rng)
                made[name] = _put(values, (amount != 0) & np.isfinite(values), new)
        return made

    def widened(self, values: Array) -> Array:
        """See `Drift.widened`."""
        return values.astype(np.float64) if values.dtype.kind in "iu" else values

    @abstractmethod
    def _moved(self, values: Floats, amount: Floats, anchor: Anchor, name: str, rng: np.random.Generator) -> Floats:
        """All values (n,) moved by their amounts (n,)."""

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        if why := super(SpreadDrift, self)._why_not(name, anchor):
            return why
        return spreadless(name, anchor)

    def _takes(self) -> str:
        return "columns of numbers that are not all the same"


@dataclass(frozen=True, slots=True)
class ShareDrift(ColumnDrift):
    """A kind that changes a share of the rows, each column for itself, to something else."""

    changes: ClassVar[tuple[str, ...]] = (NUMBER, CATEGORY, TRUTH)

    def __post_init__(self) -> None:
        super(ShareDrift, self).__post_init__()
        share(self.magnitude, "magnitude", self.unit)

    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:
        """See `Drift.changed`."""
        made = {}
        for name in self.affected(anchor):
            values = rows[name]
            hit = (rng.random(len(strength)) < strength * self.magnitude) & ~missing(values)
            if hit.any():
                made[name] = self.widened(values).copy()
                made[name][hit] = self._value(anchor, name, values)
        return made

    def widened(self, values: Array) -> Array:
        """See `Drift.widened`."""
        return values.astype(object) if values.dtype.kind == "U" else values

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        if why := super(ShareDrift, self)._why_not(name, anchor):
            return why
        return "it has no value in the reference" if anchor.is_empty(name) else None

    @abstractmethod
    def _value(self, anchor: Anchor, name: str, values: Array) -> Any:
        """What stands in a column in the rows that change."""


def spreadless(name: str, anchor: Anchor) -> str | None:
    """Why a column of numbers has no spread to measure by, or None."""
    if not len(anchor.finite(name)):
        return "it holds no finite value in the reference"
    if not anchor.has_spread(name):
        return "it is constant in the reference, so it has no spread to measure by"
    if not np.isfinite(anchor.spread(name).deviation):
        return "its spread is beyond float64"
    return None


def _put(values: Array, where: Array, new: Array) -> Array:
    """A column with new numbers in some rows: of the same type if that holds fractions, else of float64."""
    if not where.any():
        return values
    made = values.astype(np.float64 if values.dtype.kind in "iu" else values.dtype)
    made[where] = new[where]
    return made


def share(value: Any, name: str, meaning: str) -> None:
    """Refuse an option that is no number from 0 to 1.

    Raises:
        ConfigError: it is not.
    """
    if not (is_finite(value) and 0 <= value <= 1):
        raise ConfigError(f"{name} is {value!r}; it is a number from 0 to 1: {meaning}")


def above(value: float, least: float, meaning: str) -> None:
    """Refuse a magnitude that is not above `least`.

    Raises:
        ConfigError: it is not.
    """
    if not value > least:
        raise ConfigError(f"magnitude is {value!r}; it is a number above {least:g}: {meaning}")


def require(name: str, anchor: Anchor) -> None:
    """Refuse a column that the reference lacks.

    Raises:
        SchemaError: it does.
    """
    if name not in anchor.columns:
        raise SchemaError(f"there is no column {name!r} in the reference; there are {some_of(anchor.columns)}")


def _names(columns: Any) -> tuple[str, ...]:
    try:
        names = (columns,) if isinstance(columns, str) else tuple(columns)
    except TypeError:
        names = ()
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ConfigError(f"columns is {columns!r}; it names columns, each once, or is None for all that can change")
    return names


def _same_kind(name: str, columns: Columns, anchor: Anchor) -> None:
    if name not in columns:
        raise SchemaError(f"there is no column {name!r} in the batch; there are {some_of(columns)}")
    here, there = kind_of(columns[name]), kind_of(anchor.columns[name])
    if here != there:
        raise SchemaError(f"{name!r} holds {here} in the batch and {there} in the reference; give both alike")


def _strength(strength: Any, rows: int) -> Floats:
    try:
        made = np.broadcast_to(np.asarray(strength, dtype=np.float64), (rows,))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"strength is one number from 0 to 1, or {rows} of them, one a row: {error}") from error
    if not np.all((made >= 0) & (made <= 1)):
        raise ConfigError("strength holds a number that is not from 0 to 1; it is a share of the magnitude")
    return made
