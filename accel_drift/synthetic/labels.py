"""Kinds of drift that are about labels: how many rows each class has, and which rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from accel_drift.errors import ConfigError, SchemaError
from accel_drift.synthetic.anchor import Anchor
from accel_drift.synthetic.base import Drift, Stage, require, share
from accel_drift.synthetic.columns import NUMBER, Columns, Floats, equal_to, kind_of, missing, some_of

_CLASSES = 1_000
"""Classes of a label, above which it is taken for a number that is measured."""


@dataclass(frozen=True, slots=True)
class LabelDrift(Drift):
    """A kind that is about the classes of a column.

    Attributes:
        label: the column of classes; None for the scenario's label, or else the one that is called "label".
    """

    stage: ClassVar[Stage] = Stage.LABELS

    label: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super(LabelDrift, self).__post_init__()
        share(self.magnitude, "magnitude", self.unit)
        if not isinstance(self.label, str | None):
            raise ConfigError(f"label is {self.label!r}; it is the name of a column")

    def _known(self, anchor: Anchor) -> dict[Any, int]:
        """Classes of the reference, with their rows."""
        name = self._name(anchor)
        if name not in anchor.columns:
            raise SchemaError(
                f"there is no column {name!r} in the reference for {type(self).__name__}; there are "
                f"{some_of(anchor.columns)}: name the column of classes with label="
            )
        found = anchor.classes(name)
        if not 2 <= len(found) <= _CLASSES:
            raise ConfigError(
                f"{name!r} has {len(found):,} classes in the reference; {type(self).__name__} takes a column of "
                f"2 to {_CLASSES:,}: give another with label="
            )
        return found

    def _name(self, anchor: Anchor) -> str:
        return anchor.label if self.label is None else self.label


@dataclass(frozen=True, slots=True)
class PriorShift(LabelDrift):
    """One class gets more frequent by so much, at the cost of all others; rows of a class look as they did.

    Rows of other classes are replaced by whole rows of that class: in a scenario of a population by fresh ones, in
    `apply` by rows of the reference, drawn with replacement. The others keep their shares among themselves.

    >>> rows = {"x": np.arange(1000.0), "label": np.arange(1000) < 200}
    >>> round(float(PriorShift(0.3).apply(rows, rows)["label"].mean()), 1)
    0.5

    Attributes:
        toward: the class that gets more frequent; None for the last in their order: True, 1, the last text. That is the
            same one whatever rows were drawn.
    """

    unit: ClassVar[str] = "share of rows that is added to the class's"

    toward: Any = field(default=None, kw_only=True)

    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """The label and what may hang on it: whole rows are replaced.

        Of rows of one's own those are all columns, since nobody knows which do not hang on the label; of a population
        they are its numbers and its label.
        """
        self._target(anchor)
        return anchor.related(self._name(anchor))

    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:
        """See `Drift.changed`."""
        target, known = self._target(anchor)
        labels = rows[self._name(anchor)]
        # Of the other classes so many that the class has `magnitude` more of all.
        hit = rng.random(len(strength)) < strength * (self.magnitude / (1 - known))
        places = np.flatnonzero(hit & ~equal_to(labels, target) & ~missing(labels))
        if not len(places):
            return {}
        others = anchor.pool(self._name(anchor), target, places, rng)
        taken = np.arange(len(strength))
        taken[places] = len(strength) + np.arange(len(places))
        # Put together first, so that the type is one that holds both.
        return {name: np.concatenate([values, others[name]])[taken] for name, values in rows.items() if name in others}

    def _target(self, anchor: Anchor) -> tuple[Any, float]:
        """The class that gets more frequent, and its share in the reference."""
        known = self._known(anchor)
        target = max(known, key=_in_order) if self.toward is None else self.toward
        if target not in known:
            raise ConfigError(f"toward is {target!r}; {self._name(anchor)!r} has the classes {some_of(known)}")
        before = known[target] / sum(known.values())
        if before + self.magnitude > 1 + 1e-12:
            raise ConfigError(
                f"magnitude is {self.magnitude!r}; {target!r} is {before:.3g} of the rows of the reference, so at most "
                f"{1 - before:.3g} can be added to it; give less, or another class with toward="
            )
        return target, before


@dataclass(frozen=True, slots=True)
class LabelRule(LabelDrift):
    """Rows of a region get the next class for theirs: what a label hangs on changes, and no other column does.

    The region is where a column is among its lowest values in the reference: the share of them that the magnitude says.
    The next class of the last is the first, in their order; of two classes each becomes the other.

    >>> rows = {"x": np.arange(10.0), "label": np.zeros(10, dtype=bool) | (np.arange(10) > 7)}
    >>> LabelRule(0.3).apply(rows, rows)["label"].nonzero()[0]
    array([0, 1, 2, 8, 9])

    Attributes:
        by: the column of numbers; None for the first that is not constant.
    """

    unit: ClassVar[str] = "share of rows whose label changes"

    by: str | None = field(default=None, kw_only=True)

    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """The label alone."""
        self._known(anchor)
        self._by(anchor)
        return (self._name(anchor),)

    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:  # noqa: ARG002
        """See `Drift.changed`.

        Raises:
            SchemaError: the batch lacks the column by which labels change.
        """
        by = self._by(anchor)
        if by not in rows:
            raise SchemaError(
                f"there is no column {by!r} in the batch, by which labels change; there are {some_of(rows)}"
            )
        name = self._name(anchor)
        ranked, values, labels = anchor.ranked(by), rows[by], rows[name]
        # The region ends with the value of that rank; a whole one takes in what lies beyond the reference, too.
        last = np.ceil(strength * self.magnitude * len(ranked)).astype(int)
        end = np.append(ranked[:-1].astype(float), np.inf)[np.maximum(last, 1) - 1]
        hit = (last > 0) & (values <= end)
        if not hit.any():
            return {}
        listed = sorted(self._known(anchor), key=_in_order)
        made = labels.astype(np.result_type(labels.dtype, anchor.columns[name].dtype))
        for value, following in zip(listed, listed[1:] + listed[:1], strict=True):
            made[hit & equal_to(labels, value)] = following
        return {name: made}

    def _by(self, anchor: Anchor) -> str:
        if self.by is not None:
            require(self.by, anchor)
            if kind_of(anchor.columns[self.by]) != NUMBER or not anchor.has_spread(self.by):
                raise ConfigError(f"by is {self.by!r}, which is no column of numbers that are not all the same")
            return self.by
        found = [name for name in anchor.numbers() if name != self._name(anchor)]
        if not found:
            raise ConfigError("LabelRule finds no column of numbers by which labels could change; give one with by=")
        return found[0]


def _in_order(value: Any) -> tuple[float, str]:
    """Numbers before texts, each in their order."""
    return (float(value), "") if isinstance(value, int | float) else (np.inf, str(value))
