"""A table as one matrix of numbers in which a unit of distance means about the same in every column.

Every scale, centre and list of categories comes from rows that the caller names: all pooled rows, or rows that take
no part in the test. Never from the reference's side of the test. Columns on a device are encoded there.

Where rows that take no part decide everything, each side is encoded without the other. What one side alone has a matrix
column for (a missing value, a category) is 0 in all rows of the other: `spread_out` makes room for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, get_backend
from accel_drift.data.device import DeviceColumn, DeviceEmbedding
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn
from accel_drift.statistics import draws
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoded_numbers import BUCKET, LARGE, MISSING, VALUE, numeric, type_of
from accel_drift.statistics.reduction import Axes, Reduction

CATEGORIES = 32
"""Categories told apart by identity; above, a seeded hash into as many buckets."""

_NO_SPREAD = "no spread to scale by"
Sort = type[TableColumn] | str
"""What a column holds, or why it cannot enter."""

Slot = tuple[int, int, str]
"""What a matrix column is: the place of its table column, its sort below, and its name there. They sort by place."""

_WORDS = {NumericColumn: "numbers", CategoricalColumn: "categories", EmbeddingColumn: "embeddings"}


class Vectors(NamedTuple):
    """What the deciding rows say of an embedding.

    Its numbers, a divisor, the value of infinite ones, the mean, a length and, where it is reduced, the axes.
    """

    dimensions: int
    peak: float
    outside: float
    centre: Any
    width: float
    axes: Axes | None = None


Categories: TypeAlias = frozenset[str]
"""Those that the deciding rows have."""

Rules: TypeAlias = Mapping[int, Any]
"""What the deciding rows say of each column, by its place: `Number`, `Vectors` or `Categories`."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pooled rows as a matrix, reference first.

    Attributes:
        matrix: (N, p) float64, in arrays of the backend that made it.
        columns: names of the columns that entered.
        owner: (p,) for each matrix column the place in `columns` of the column that it belongs to.
        dropped: columns that were left out, with the reason.
        slots: what each matrix column is; ascending.
        rules: what the deciding rows said: other rows are encoded by it when those are no longer at hand.
        median: median distance of the deciding rows, where an embedding's rule holds it; else None.
    """

    matrix: Any
    columns: tuple[str, ...]
    owner: npt.NDArray[np.int64]
    dropped: Mapping[str, str] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    rules: Rules = field(default_factory=dict)
    median: float | None = None


def home(tables: Sequence[Table], names: Sequence[str], backend: Backend) -> Backend:
    """Where the rows are encoded: on the backend where one of these columns is there already, else on the host."""
    for table in tables:
        for name in names:
            column = table.columns[name]
            if isinstance(column, DeviceColumn | DeviceEmbedding) and column.matrix.backend is backend:
                return backend
    return get_backend("numpy")


def sorts_of(tables: Sequence[Table], names: Sequence[str]) -> tuple[Sort, ...]:
    """What each column holds, told from all tables."""
    return tuple(_sort([t.columns[name] for t in tables]) for name in names)


def encode(
    tables: Sequence[Table],
    names: tuple[str, ...],
    deciding: int,
    seed: int,
    backend: Backend,
    sorts: Sequence[Sort] | None = None,
    rules: Rules | None = None,
    reduction: Reduction | None = None,
) -> Encoded:
    """Scale the numeric columns, spread out the categorical ones, put embeddings beside them.

    Numbers are centred at the median and divided by the interquartile range; where that is 0 by the 5-95 % range,
    then the standard deviation. Two rows of different category are at distance 1. An embedding is centred at its mean
    and its dimensions keep their proportions: beside other columns it is divided by the median distance of its rows,
    so that all of it weighs about as much as one column; alone it stays as it is. A missing value lies at the centre
    with an indicator of its own; an infinite one just outside all finite ones.

    Where the deciding rows all have one number or one vector, a row that has another is at distance 1 from them, as of
    a category. A column in which no row differs from any other is dropped.

    Args:
        tables: the rows to pool, in order.
        names: columns of all of them.
        deciding: so many of the pooled rows, the first ones, decide centres and scales.
        seed: decides the hash of categories, and the pairs of rows of which a median distance is taken.
        backend: what computes: see `home`. What is on its device stays there but for a few numbers of each column.
        sorts: what each column holds, where the deciding rows decide all and the others may as well be encoded with
            them at another time: categories that they do not have share buckets then, whatever else there is, and an
            infinite value lies just outside their finite ones. None where all rows of the test are here.
        rules: what the deciding rows said, where none of them is here.
        reduction: how embeddings become shorter before they are put beside other columns; None leaves them.
    """
    apart, ruled = sorts is not None, dict(rules or {})
    parts: list[Any] = []
    slots: list[Slot] = []
    dropped: dict[str, str] = {}
    numbered: dict[np.dtype[Any], dict[int, list[NumericColumn]]] = {}
    with backend.scope():
        for place, (name, sort) in enumerate(zip(names, sorts or sorts_of(tables, names), strict=True)):
            columns = [t.columns[name] for t in tables]
            if isinstance(sort, str):
                dropped[name] = sort
                continue
            if sort is NumericColumn:
                numbers = [c if isinstance(c, NumericColumn) else _no_number(c) for c in columns]
                numbered.setdefault(type_of(numbers), {})[place] = numbers
                continue
            rule: Any
            if sort is CategoricalColumn:
                part, of, rule = _categorical(columns, deciding, seed, backend, ruled.get(place), apart=apart)
            else:
                alone = len(names) == 1
                rule = ruled.get(place)
                part, of, rule = _embedding(columns, deciding, seed, backend, rule, reduction, alone=alone, apart=apart)
            ruled[place] = rule
            parts.append(part)
            slots += [(place, *which) for which in of]
        for dtype, held in numbered.items():
            known = None if rules is None else [rules[place] for place in held]
            part, found, made = numeric(list(held.values()), dtype, deciding, backend, known, apart=apart)
            ruled.update(zip(held, made, strict=True))
            parts.append(part)
            at = list(held)
            slots += [(at[j], which, "") for j, which in found]
        matrix = _in_order(parts, slots, sum(t.rows for t in tables), backend)
    ordered = tuple(sorted(slots))
    there = entered(ordered, names, [dropped.get(name, "") for name in names])
    return Encoded(matrix, *there, ordered, ruled, _median(tables, names, ruled))


def _median(tables: Sequence[Table], names: tuple[str, ...], rules: Rules) -> float | None:
    """The median distance of deciding rows that are one embedding, and of which its rule saw all."""
    if len(names) != 1 or any(t.columns[names[0]].missing for t in tables):
        return None
    rule = rules.get(0)
    return rule.width if isinstance(rule, Vectors) and rule.width > 0.0 else None


def entered(
    slots: Sequence[Slot], names: tuple[str, ...], sorts: Sequence[Sort]
) -> tuple[tuple[str, ...], npt.NDArray[np.int64], dict[str, str]]:
    """Columns that have a slot, for each slot the place of its column among them, and why the others have none."""
    kept, places = np.unique(np.array([slot[0] for slot in slots], np.int64), return_inverse=True)
    there = set(kept.tolist())
    reasons = {
        name: sort if isinstance(sort, str) and sort else _NO_SPREAD
        for place, (name, sort) in enumerate(zip(names, sorts, strict=True))
        if place not in there
    }
    return tuple(names[place] for place in kept), places.astype(np.int64), reasons


def every_slot(place: int, rule: Any) -> list[Slot]:
    """Everything that a matrix column of the column at a place can be, missing last."""
    if isinstance(rule, Vectors):
        left = rule.dimensions if rule.axes is None or rule.axes.matrix is None else int(rule.axes.matrix.shape[1])
        shown = [f"{j:08d}" for j in range(left if rule.width > 0.0 else 1)]
        return [*((place, VALUE, text) for text in shown), (place, MISSING, "")]
    if not isinstance(rule, frozenset):
        return [(place, VALUE, ""), (place, MISSING, "")]
    named = sorted(rule) if len(rule) <= CATEGORIES else []
    buckets = [(place, BUCKET, f"{b:02d}") for b in range(CATEGORIES)]
    return [*((place, VALUE, text) for text in named), *buckets, (place, MISSING, "")]


def _in_order(parts: Sequence[Any], slots: Sequence[Slot], rows: int, backend: Backend) -> Any:
    """The parts side by side, their columns in the order of the slots."""
    if not parts:
        return backend.asarray(np.zeros((rows, 0)))
    matrix = parts[0] if len(parts) == 1 else backend.xp.concat(parts, axis=1)
    order = sorted(range(len(slots)), key=slots.__getitem__)
    if order == list(range(len(slots))):
        return matrix
    return backend.xp.take(matrix, backend.asarray(np.array(order, np.int64)), axis=1)


def spread_out(matrix: Any, of: Sequence[Slot], slots: Sequence[Slot], backend: Backend) -> Any:
    """A matrix of some slots with a column for each of `slots`, 0 in those that it does not have."""
    if tuple(of) == tuple(slots):
        return matrix
    xp, place = backend.xp, {slot: j for j, slot in enumerate(of)}
    nothing = xp.astype(backend.asarray(np.zeros((matrix.shape[0], 1))), matrix.dtype)
    at = np.array([place.get(slot, len(of)) for slot in slots], np.int64)
    return xp.take(xp.concat([matrix, nothing], axis=1), backend.asarray(at), axis=1)


def _sort(columns: Sequence[TableColumn]) -> Sort:
    # A column without any value has the type of nobody: its rows miss whatever the others hold.
    valued = [c for c in columns if c.missing < c.rows]
    if not valued:
        return _NO_SPREAD
    first, *rest = (next(sort for sort in _WORDS if isinstance(c, sort)) for c in valued)
    if any(sort is not first for sort in rest):
        return f"{_WORDS[first]} on one side, {_WORDS[rest[-1]]} on the other"
    k = {c.dimensions for c in valued if isinstance(c, EmbeddingColumn)}
    return f"embeddings of {min(k)} and of {max(k)} numbers" if len(k) > 1 else first


def _embedding(
    columns: Sequence[TableColumn],
    deciding: int,
    seed: int,
    backend: Backend,
    rule: Vectors | None,
    reduction: Reduction | None,
    *,
    alone: bool,
    apart: bool,
) -> tuple[Any, list[tuple[int, str]], Vectors]:
    """The dimensions or components, or whether a vector is another than all deciding rows'; and who is missing."""
    xp = backend.xp
    present, v = _vectors(columns, backend, 0 if rule is None else rule.dimensions)
    if rule is None:
        reduced = None if reduction is None else (reduction, next((c.name for c in columns), ""))
        rule = _decided(v, present, deciding, seed, backend, reduced, apart=apart)
    v, whole, width = _bounded(v, rule, backend), bool(present.all()), rule.width
    if rule.centre is not None:
        v = v - rule.centre
    absent = backend.asarray(~present)[:, None]
    if not whole:
        v = xp.where(absent, xp.zeros_like(v), v)
    if width == 0.0:
        v = v[:, :0] if rule.centre is None else _others(v, backend)
    else:
        v = v if rule.axes is None else rule.axes.of(v)
        v = v if alone else v / width
    of = [(VALUE, f"{j:08d}") for j in range(v.shape[1])]
    if whole:
        return v, of, rule
    missing = xp.astype(absent, xp.float64) * (width if alone and width > 0.0 else 1.0)
    return xp.concat([v, missing], axis=1), [*of, (MISSING, "")], rule


def _decided(
    v: Any,
    present: npt.NDArray[np.bool_],
    deciding: int,
    seed: int,
    backend: Backend,
    reduced: tuple[Reduction, str] | None,
    *,
    apart: bool,
) -> Vectors:
    xp, known = backend.xp, np.flatnonzero(present[:deciding])
    # Where all rows of the test are here no side's values lie outside: with others to come the deciding rows say.
    size = xp.where(xp.isfinite(v), xp.abs(v), xp.zeros_like(v))[: deciding if apart else None, :]
    peak = float(backend.to_numpy(xp.max(size))) if v.shape[1] else 0.0
    # As of numbers: divided where differences could overflow.
    divisor, peak = (peak, 1.0) if peak > LARGE else (1.0, peak)
    rule = Vectors(int(v.shape[1]), divisor, peak * 2.0 + 1.0, None, 0.0)
    if len(known) == 0:
        return rule
    first = v[:deciding, :]
    some = _bounded(first if len(known) == deciding else xp.take(first, backend.asarray(known), axis=0), rule, backend)
    centre = xp.mean(some, axis=0)
    # Of equal rows the mean may be rounded: which rows are others is told from one of them.
    if not backend.to_numpy(xp.any(some != some[:1, :])):
        return rule._replace(centre=some[0, :])
    near, axes = some - centre, None
    if reduced is not None:
        way, name = reduced
        axes = way.axes(near, name, seed, backend)
        near = axes.of(near)
    width = median_distance(near, seed, backend)
    return rule._replace(centre=centre, width=width, axes=axes) if width > 0.0 else rule._replace(centre=some[0, :])


def _others(v: Any, backend: Backend) -> Any:
    """Which vectors are not 0, as one column of 1 and 0, or as none where all are."""
    xp = backend.xp
    other = xp.any(v != 0.0, axis=1)
    return xp.astype(other, xp.float64)[:, None] if backend.to_numpy(xp.any(other)) else v[:, :0]


def _bounded(v: Any, rule: Vectors, backend: Backend) -> Any:
    """Vectors without infinite or very large numbers."""
    xp = backend.xp
    if rule.peak != 1.0:
        v = v / rule.peak
    finite = xp.isfinite(v)
    return v if backend.to_numpy(xp.all(finite)) else xp.where(finite, v, xp.sign(v) * rule.outside)


def _vectors(columns: Sequence[TableColumn], backend: Backend, dimensions: int) -> tuple[npt.NDArray[np.bool_], Any]:
    """Which rows are there, (N,), and the vectors, (N, k) on the device: 0 where none is."""
    xp = backend.xp
    # Rows without any vector have as many dimensions as others: none where there are none.
    k = next((c.dimensions for c in columns if isinstance(c, EmbeddingColumn) and c.missing < c.rows), dimensions)
    present, made = [], []
    for c in columns:
        there = c.mask()
        if not there.any() or not isinstance(c, EmbeddingColumn):
            values = backend.asarray(np.zeros((c.rows, k)))
        elif isinstance(c, DeviceEmbedding) and c.matrix.backend is backend:
            values = c.matrix.values
        else:
            values = backend.asarray(c.values)
        present.append(there)
        made.append(xp.astype(values, xp.float64, copy=False))
    every = np.concatenate(present)
    v = made[0] if len(made) == 1 else xp.concat(made, axis=0)
    return every, v if every.all() else xp.where(backend.asarray(every)[:, None], v, xp.zeros_like(v))


def _no_number(column: TableColumn) -> NumericColumn:
    return NumericColumn(column.name, np.zeros(column.rows), np.zeros(column.rows, bool), column.rows)


def _no_category(column: TableColumn) -> CategoricalColumn:
    return CategoricalColumn(column.name, np.full(column.rows, -1, np.int32), (), column.rows)


def _categorical(
    columns: Sequence[TableColumn], deciding: int, seed: int, backend: Backend, rule: Categories | None, *, apart: bool
) -> tuple[Any, list[tuple[int, str]], Categories]:
    """One column a category, and an indicator where rows are missing; no column where all rows are equal.

    With other rows of the test to come, what the deciding rows do not have is hashed, and nothing is left out: it may
    differ from rows that are not here.
    """
    held = [c if isinstance(c, CategoricalColumn) else _no_category(c) for c in columns]
    categories = _used(held)
    place = {text: i for i, text in enumerate(categories)}
    # Code -1 (missing) reads the last entry, which stays -1.
    code = np.concatenate([np.array([*(place.get(t, -1) for t in c.categories), -1])[c.codes] for c in held])
    absent = code < 0
    if rule is None:
        rule = frozenset(categories[i] for i in np.unique(code[: deciding if apart else None]) if i >= 0)
    if not apart and len(categories) < 2 and not 0 < absent.sum() < len(code):
        return backend.asarray(np.zeros((len(code), 0))), [], rule
    every = len(rule) <= CATEGORIES
    named = [
        (VALUE, t) if every and t in rule else (BUCKET, f"{draws.hashed(t, seed, CATEGORIES):02d}") for t in categories
    ]
    of = sorted(set(named))
    at = np.array([of.index(slot) for slot in named], np.int64)
    out = np.zeros((len(code), len(of) + int(absent.any())))
    rows = np.flatnonzero(~absent)
    out[rows, at[code[rows]]] = 1.0 / sqrt(2.0)
    if absent.any():
        out[absent, len(of)] = 1.0
        of.append((MISSING, ""))
    return backend.asarray(out), of, rule


def _used(columns: Sequence[CategoricalColumn]) -> list[str]:
    """Categories that have a row, sorted."""
    return sorted({text for c in columns for text in c.used()})
