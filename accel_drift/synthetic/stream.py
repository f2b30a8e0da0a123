"""A stream of batches with known drift: a source of rows, changes, and when each of them comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from itertools import pairwise
from numbers import Integral
from typing import Any, overload

import numpy as np

from accel_drift.errors import ConfigError, DataError
from accel_drift.options import at_least
from accel_drift.synthetic.anchor import Anchor
from accel_drift.synthetic.base import Drift, Stage, require
from accel_drift.synthetic.clock import Clock
from accel_drift.synthetic.columns import LABEL, Array, Columns, Data, Floats, equal_to
from accel_drift.synthetic.population import Population
from accel_drift.synthetic.schedules import Schedule
from accel_drift.synthetic.seeds import Purpose, checked_seed, generator
from accel_drift.synthetic.sources import Source, source_of
from accel_drift.synthetic.truth import BatchTruth, Truth

_ROUNDS = 200
"""Of fresh rows in search of a class, each three times as many as are likely to be needed."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of a scenario.

    Attributes:
        rows: its columns, or a matrix where the scenario was given one.
        truth: what is true of it.
    """

    rows: Any
    truth: BatchTruth

    @property
    def number(self) -> int:
        """From 1."""
        return self.truth.number

    @property
    def first_row(self) -> int:
        """The row of the stream, from 0, that it begins with."""
        return self.truth.first_row

    @property
    def share(self) -> float:
        """Share of its rows that are drawn from another law than the reference."""
        return self.truth.share

    @property
    def magnitude(self) -> float:
        """The largest of its changes, on average over its rows."""
        return self.truth.magnitude

    @property
    def drifted(self) -> bool:
        """Whether any of its rows is drawn from another law."""
        return self.truth.drifted

    def __len__(self) -> int:
        return self.truth.rows


@dataclass(frozen=True, eq=False)
class Scenario(Sequence[Batch]):
    """A reference and a stream of batches, of which it is known where they drift.

    Batches are drawn when they are asked for, each by itself: `scenario[7]` is the same batch whether others were drawn
    before it or not. The same scenario with other changes draws the same rows and changes them otherwise.

    A population's label is drawn after features have moved, so that what moves features leaves the rule of labels as it
    is; noise, corruption and missing values come after that, and only into what is recorded. Rows of one's own keep
    their label.

    >>> from accel_drift.synthetic import CovariateShift, Sudden
    >>> scenario = Scenario(Population(), changes=[(CovariateShift(0.5), Sudden(at=0.5))], batches=4, seed=1)
    >>> [batch.drifted for batch in scenario]
    [False, False, True, True]
    >>> scenario.truth.onset_row, scenario.truth.columns
    (200, ('x0', 'x1', 'x2', 'x3', 'x4'))

    Attributes:
        source: a `Population`, or rows of one's own: columns (n,) in a dict, a table of pandas, polars or pyarrow, or
            a matrix (n, d). Those are dealt to the reference and the batches by lot, each row once.
        changes: pairs of a kind of drift and a schedule; none for a stream that does not drift.
        batches: how many.
        rows: of each batch, one number or one for each.
        reference_rows: rows of the reference.
        seed: decides everything that is drawn.
        clock: when rows happen, as a column of times; None for no such column.
        late: numbers of batches that arrive after the one that follows them.
        label: the column of labels, where there is one: kinds that are given no columns leave it alone, and those about
            labels take it.
        name: what it is called.
    """

    source: Population | Data
    _: KW_ONLY
    changes: Sequence[tuple[Drift, Schedule]] = ()
    batches: int = 50
    rows: int | Sequence[int] = 100
    reference_rows: int = 2_000
    seed: int = 0
    clock: Clock | None = None
    late: Sequence[int] = ()
    label: str = LABEL
    name: str = "scenario"
    _source: Source = field(init=False, repr=False, compare=False)
    _anchor: Anchor = field(init=False, repr=False, compare=False)
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _affected: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        at_least(self.batches, 1, "batches", "batches of the stream")
        at_least(self.reference_rows, 1, "reference_rows", "rows of the reference")
        sizes = _sizes(self.rows, int(self.batches))
        starts = (0, *np.cumsum(sizes).tolist())
        changes = tuple(_change(pair, starts[-1]) for pair in self.changes)
        source = source_of(self.source, int(self.reference_rows), starts[-1], checked_seed(self.seed))
        anchor = Anchor(source.reference(), label=_label(self.label), related=source.related)
        if self.label != LABEL:
            require(self.label, anchor)
        made = {"_source": source, "_starts": starts, "_anchor": anchor, "changes": changes}
        for name, value in {**made, "late": _late(self.late, int(self.batches))}.items():
            object.__setattr__(self, name, value)
        affected = tuple(kind.affected(self._anchor) for kind, _ in changes)
        object.__setattr__(self, "_affected", affected)
        if self.clock is not None and self.clock.column in self._anchor.columns:
            raise ConfigError(
                f"the data has a column {self.clock.column!r} already; give the clock another, or rename that"
            )

    @property
    def reference(self) -> Any:
        """The rows to compare with: a dict of columns, or a matrix where one was given."""
        columns = self._in_its_types(self._anchor.columns)
        if self.clock is not None:
            seconds = self.clock.seconds * self.reference_rows / max(self._starts[-1] / self.batches, 1)
            rng = generator(int(self.seed), Purpose.TIMES)
            columns = {self.clock.column: self.clock.before(self.reference_rows, seconds, rng), **columns}
        return self._given(columns)

    @property
    def truth(self) -> Truth:
        """What is true of the whole stream."""
        batches = tuple(self.truth_of(number) for number in range(1, int(self.batches) + 1))
        onset = next((batch for batch in batches if batch.drifted), None)
        first = None
        if onset is not None:
            moved = np.any([s > 0 for s in self._strengths(onset.number)], axis=0)
            first = onset.first_row + int(np.argmax(moved))
        moving = [i for i, (kind, _) in enumerate(self.changes) if kind.magnitude != 0]
        touched = {name for i in moving for name in self._affected[i]}
        world = {name for i in moving if self.changes[i][0].stage == Stage.WORLD for name in self._affected[i]}
        following = self._source.following(world)
        alone = all(self.changes[i][0].keeps_columns for i in moving)
        return Truth(
            name=self.name,
            seed=int(self.seed),
            reference_rows=int(self.reference_rows),
            rows=self._starts[-1],
            onset_row=first,
            onset_batch=None if onset is None else onset.number,
            columns=tuple(name for name in self._anchor.columns if name in touched or name in following),
            moved=tuple(name for name in self._anchor.columns if name in touched),
            joint_only=bool(moving) and alone and (not following or self._source.keeps_following()),
            changes=tuple(
                {**kind.summary(), "columns": self._affected[i], **schedule.summary()}
                for i, (kind, schedule) in enumerate(self.changes)
            ),
            batches=batches,
        )

    @property
    def arrivals(self) -> tuple[int, ...]:
        """Numbers of the batches in the order in which they arrive."""
        numbers = list(range(1, int(self.batches) + 1))
        for number in self.late:
            place = numbers.index(number)
            numbers.insert(place + 1, numbers.pop(place))
        return tuple(numbers)

    def __len__(self) -> int:
        return int(self.batches)

    @overload
    def __getitem__(self, place: int) -> Batch: ...

    @overload
    def __getitem__(self, place: slice) -> list[Batch]: ...

    def __getitem__(self, place: int | slice) -> Batch | list[Batch]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(f"place {place} of {len(self)} batches")
        return self._batch(place % len(self) + 1)

    def __iter__(self) -> Iterator[Batch]:
        return (self._batch(number) for number in range(1, len(self) + 1))

    def truth_of(self, number: int) -> BatchTruth:
        """What is true of a batch, without drawing its rows."""
        first, rows = self._starts[number - 1], self._starts[number] - self._starts[number - 1]
        strengths = self._strengths(number)
        moved = np.any([s > 0 for s in strengths], axis=0) if strengths else np.zeros(rows, dtype=bool)
        sizes = [abs(kind.magnitude) * s.mean() for (kind, _), s in zip(self.changes, strengths, strict=True)]
        return BatchTruth(
            number,
            first,
            rows,
            float(moved.mean()),
            float(max(sizes, default=0.0)),
            bool(moved.any()),
            number in self.late,
        )

    def _strengths(self, number: int) -> list[Floats]:
        """Of each change (rows,); 0 where a change has no magnitude."""
        first, rows = self._starts[number - 1], self._starts[number] - self._starts[number - 1]
        seed, total = int(self.seed), self._starts[-1]
        return [
            schedule.strength(first, rows, total, generator(seed, Purpose.SCHEDULE, number, i)) * (kind.magnitude != 0)
            for i, (kind, schedule) in enumerate(self.changes)
        ]

    def _batch(self, number: int) -> Batch:
        truth = self.truth_of(number)
        strengths = self._strengths(number)
        rows = self._source.batch(number, truth.first_row, truth.rows)
        rows = self._moved(rows, strengths, number, 0)
        pool = partial(self._of_class, strengths, number)
        rows = self._changed(rows, strengths, Stage.LABELS, self._anchor.pooled(pool), number)
        rows = self._changed(rows, strengths, Stage.RECORD, self._anchor, number)
        rows = self._in_its_types(rows)
        if self.clock is not None:
            times = self.clock.during(number, truth.rows, generator(int(self.seed), Purpose.TIMES, number))
            rows = {self.clock.column: times, **rows}
        return Batch(self._given(rows), truth)

    def _moved(self, rows: Columns, strengths: list[Floats], number: int, draw: int) -> Columns:
        """Rows after what happens in the world, with the label that then goes with them."""
        rows = self._changed(rows, strengths, Stage.WORLD, self._anchor, number, draw)
        return self._source.labelled(rows, generator(int(self.seed), Purpose.LABELS, number, draw))

    def _changed(
        self, rows: Columns, strengths: list[Floats], stage: Stage, anchor: Anchor, number: int, draw: int = 0
    ) -> Columns:
        for i, (kind, _) in enumerate(self.changes):
            if kind.stage == stage and strengths[i].any():
                rng = generator(int(self.seed), Purpose.CHANGE, number, i, draw)
                rows = {**rows, **kind.changed(rows, strengths[i], anchor, rng)}
        return rows

    def _of_class(
        self, strengths: list[Floats], number: int, column: str, value: Any, places: Array, rng: np.random.Generator
    ) -> Columns:
        """A row of a class for each place of a batch: drawn afresh, as the world is at that place, until it has it."""
        pool = self._source.pool()
        if pool is not None:
            return pool(column, value, places, rng)
        found: dict[str, Array] = {}
        waiting = np.arange(len(places))
        known = self._anchor.classes(column)
        copies = max(1, round(3 * sum(known.values()) / max(known.get(value, 0), 1)))
        for draw in range(1, _ROUNDS + 1):
            if not len(waiting):
                break
            tiled = np.repeat(waiting, copies)
            rows = self._source.fresh(len(tiled), generator(int(self.seed), Purpose.CLASSES, number, draw))
            made = self._moved(rows or {}, [s[places[tiled]] for s in strengths], number, draw)
            hits = np.flatnonzero(equal_to(made[column], value))
            filled, first = np.unique(tiled[hits], return_index=True)
            for name, values in made.items():
                found.setdefault(name, np.empty(len(places), dtype=values.dtype))[filled] = values[hits[first]]
            waiting = np.setdiff1d(waiting, filled, assume_unique=True)
        if len(waiting):
            raise DataError(
                f"{column} was {value!r} in none of {_ROUNDS * copies:,} rows drawn; give less drift before it"
            )
        return found

    def _in_its_types(self, columns: Columns) -> Columns:
        """Columns in the types that they have once changed, so that types do not tell which batch drifted."""
        made = dict(columns)
        for (kind, _), names in zip(self.changes, self._affected, strict=True):
            for name in names if kind.magnitude else ():
                made[name] = kind.widened(made[name])
        return made

    def _given(self, columns: Columns) -> Any:
        return np.column_stack(list(columns.values())) if self._source.matrix and self.clock is None else columns


def _label(label: Any) -> str:
    if not isinstance(label, str):
        raise ConfigError(f"label is {label!r}; it is the name of a column")
    return label


def _sizes(rows: Any, batches: int) -> list[int]:
    if isinstance(rows, Integral | bool):
        at_least(rows, 1, "rows", "rows of each batch")
        return [int(rows)] * batches
    try:
        sizes = list(rows)
    except TypeError as error:
        raise ConfigError(f"rows is {rows!r}; it is a whole number, or one for each batch") from error
    if len(sizes) != batches:
        raise ConfigError(f"rows has {len(sizes)} numbers for {batches} batches; give one for each")
    for size in sizes:
        at_least(size, 1, "rows", "rows of each batch")
    return [int(size) for size in sizes]


def _change(pair: Any, total: int) -> tuple[Drift, Schedule]:
    kind, schedule = pair if isinstance(pair, tuple | list) and len(pair) == 2 else (None, None)
    if not (isinstance(kind, Drift) and isinstance(schedule, Schedule)):
        raise ConfigError(
            f"changes holds {pair!r}; it holds pairs of a kind and a schedule: [(CovariateShift(0.5), Sudden(0.5))]"
        )
    if schedule.onset(total) >= total:
        raise ConfigError(
            f"{schedule!r} begins at row {schedule.onset(total):,} of {total:,}, so never; give an earlier place: a "
            "whole number is a row, a fraction a share of the stream"
        )
    return kind, schedule


def _late(late: Any, batches: int) -> tuple[int, ...]:
    try:
        numbers = tuple(late)
    except TypeError as error:
        raise ConfigError(f"late is {late!r}; it holds numbers of batches") from error
    for number in numbers:
        if not isinstance(number, Integral) or not 1 <= int(number) < batches:
            raise ConfigError(
                f"late holds {number!r}; it holds numbers from 1 to {batches - 1}: the last has none after it"
            )
    listed = sorted(int(number) for number in numbers)
    if any(after - before < 2 for before, after in pairwise(listed)):
        raise ConfigError(f"late is {listed}; a batch that is late comes after the next, so no two neighbours can be")
    return tuple(listed)
