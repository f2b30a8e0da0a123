"""A table as one matrix of numbers in which a unit of distance means about the same in every column.

Every scale, centre and list of categories comes from rows that the caller names: all pooled rows, or rows that take
no part in the test. Never from the reference's side of the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn
from accel_drift.statistics import spread
from accel_drift.statistics.distances import median_distance

Floats = npt.NDArray[np.float64]

CATEGORIES = 32
"""Categories told apart by identity; above, a seeded hash into as many buckets."""


_LARGE = 1e100


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pooled rows as a matrix, reference first.

    Attributes:
        matrix: (N, p) float64.
        columns: names of the columns that entered.
        owner: (p,) for each matrix column the place in `columns` of the column that it belongs to.
        dropped: columns that were left out, with the reason.
    """

    matrix: Floats
    columns: tuple[str, ...]
    owner: npt.NDArray[np.int64]
    dropped: Mapping[str, str] = field(default_factory=dict)


def encode(tables: Sequence[Table], names: tuple[str, ...], scale: npt.NDArray[Any], seed: int) -> Encoded:
    """Scale the numeric columns, spread out the categorical ones, put embeddings beside them.

    Numbers are centred at the median and divided by the interquartile range; where that is 0 by the 5-95 % range,
    then the standard deviation, else the column is dropped. Two rows of different category are at distance 1. An
    embedding is centred at its mean and its dimensions keep their proportions: beside other columns it is divided by
    the median distance of its rows, so that all of it weighs about as much as one column; alone it stays as it is. A
    missing value lies at the centre with an indicator of its own; an infinite one just outside all finite ones.

    Args:
        tables: the rows to pool, in order.
        names: columns of all of them.
        scale: pooled row numbers that decide centres and scales.
        seed: decides the hash of categories, and the pairs of rows of which a median distance is taken.
    """
    parts: list[Floats] = []
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for name in names:
        part = _part([t.columns[name] for t in tables], scale, seed, alone=len(names) == 1)
        if isinstance(part, str):
            dropped[name] = part
            continue
        parts.append(part)
        kept.append(name)
    rows = sum(t.rows for t in tables)
    matrix = np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0))
    owner = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts]).astype(np.int64)
    return Encoded(matrix, tuple(kept), owner, dropped)


def _part(columns: list[TableColumn], scale: npt.NDArray[Any], seed: int, *, alone: bool) -> Floats | str:
    """The matrix columns of one column, or why it has none."""
    # A column without any value has the type of nobody: its rows miss whatever the others hold.
    valued = [c for c in columns if c.missing < c.rows]
    made: Floats | None = None
    if not valued:
        pass
    elif all(isinstance(c, NumericColumn) for c in valued):
        made = _numeric([c if isinstance(c, NumericColumn) else _no_number(c) for c in columns], scale)
    elif all(isinstance(c, CategoricalColumn) for c in valued):
        made = _categorical([c if isinstance(c, CategoricalColumn) else _no_category(c) for c in columns], seed)
    elif all(isinstance(c, EmbeddingColumn) for c in valued):
        found = [c for c in columns if isinstance(c, EmbeddingColumn)]
        k = {c.dimensions for c in found if c.missing < c.rows}
        if len(k) > 1:
            return f"embeddings of {min(k)} and of {max(k)} numbers"
        made = _embedding([_of_width(c, max(k)) for c in columns], scale, seed, alone=alone)
    else:
        return f"{_word(valued[0])} on one side, {_word(valued[-1])} on the other"
    return "no spread to scale by" if made is None else made


def _word(column: TableColumn) -> str:
    return {NumericColumn: "numbers", CategoricalColumn: "categories", EmbeddingColumn: "embeddings"}[type(column)]


def _of_width(column: TableColumn, k: int) -> EmbeddingColumn:
    """The column itself, or one without any value where it has none or is of another sort."""
    if isinstance(column, EmbeddingColumn) and column.dimensions == k:
        return column
    return EmbeddingColumn(column.name, np.zeros((column.rows, k)), np.zeros(column.rows, bool), column.rows)


def _embedding(columns: list[EmbeddingColumn], scale: npt.NDArray[Any], seed: int, *, alone: bool) -> Floats | None:
    present = np.concatenate([c.mask() for c in columns])
    absent = ~present
    v: Floats = np.concatenate([c.values.astype(np.float64) for c in columns])
    v[absent] = 0.0
    finite = np.isfinite(v)
    if not finite.all():
        v[~finite] = np.sign(v[~finite]) * (np.abs(v[finite]).max(initial=0.0) * 2.0 + 1.0)
    if (peak := float(np.abs(v).max(initial=0.0))) > _LARGE:
        v /= peak
    known = scale[present[scale]]
    if len(known):
        v -= v[known].mean(axis=0)
    v[absent] = 0.0
    width = median_distance(v[known], seed)
    if width == 0.0 and not absent.any():
        return None
    if not alone and width > 0.0:
        v /= width
    if not absent.any():
        return np.asarray(v, np.float64)
    indicator = absent[:, None] * (width if alone and width > 0.0 else 1.0)
    return np.asarray(np.concatenate([v, indicator], axis=1), np.float64)


def _numeric(columns: list[NumericColumn], scale: npt.NDArray[Any]) -> Floats | None:
    present = np.concatenate([c.mask() for c in columns])
    v = _as_floats([c.values for c in columns], present)
    finite = present & np.isfinite(v)
    if finite.any() and (peak := float(np.abs(v[finite]).max())) > _LARGE:
        v = v / peak  # differences and squares of the largest floats overflow, and scale is taken off anyway
    known = v[scale][finite[scale]]
    width = spread.of_values(known)
    absent = (~present).astype(np.float64)
    if width == 0.0:
        return absent[:, None] if 0 < absent.sum() < len(v) else None
    z = np.zeros(len(v))
    z[finite] = (v[finite] - float(np.median(known))) / width
    if (present & ~finite).any():
        outside = np.abs(z).max() + 1.0
        z[present & ~finite] = np.sign(v[present & ~finite]) * outside
    return np.stack([z, absent], axis=1) if absent.any() else z[:, None]


def _as_floats(parts: list[npt.NDArray[Any]], present: npt.NDArray[np.bool_]) -> Floats:
    """Values as floats; whole numbers less their minimum, so that none beyond 2**53 is rounded to its neighbour."""
    types = {p.dtype for p in parts}
    mixed = any(t.kind == "f" for t in types) or (np.dtype(np.uint64) in types and len(types) > 1)
    if mixed or not present.any():
        return np.concatenate([p.astype(np.float64) for p in parts])
    whole = np.concatenate([p.astype(np.uint64 if p.dtype == np.uint64 else np.int64) for p in parts])
    least = whole[present].min()
    # Unsigned, so that the widest range does not overflow; it wraps round to the right difference.
    return np.asarray((whole.astype(np.uint64) - least.astype(np.uint64)).astype(np.float64))


def _no_number(column: TableColumn) -> NumericColumn:
    return NumericColumn(column.name, np.zeros(column.rows), np.zeros(column.rows, bool), column.rows)


def _no_category(column: TableColumn) -> CategoricalColumn:
    return CategoricalColumn(column.name, np.full(column.rows, -1, np.int32), (), column.rows)


def _categorical(columns: list[CategoricalColumn], seed: int) -> Floats | None:
    used: set[str] = set()
    for c in columns:
        used.update(c.categories[i] for i in np.unique(c.codes[c.codes >= 0]))
    categories = sorted(used)
    place = {text: i for i, text in enumerate(categories)}
    # Code -1 (missing) reads the last entry, which stays -1.
    code = np.concatenate([np.array([*(place.get(t, -1) for t in c.categories), -1])[c.codes] for c in columns])
    absent = code < 0
    if len(categories) < 2 and not 0 < absent.sum() < len(code):
        return None
    bucket = np.arange(len(categories))
    if len(categories) > CATEGORIES:
        bucket = np.array([_hash(c, seed) for c in categories])
    width = min(len(categories), CATEGORIES)
    out = np.zeros((len(code), width + int(absent.any())))
    rows = np.flatnonzero(~absent)
    out[rows, bucket[code[rows]]] = 1.0 / sqrt(2.0)
    if absent.any():
        out[absent, width] = 1.0
    return out


def _hash(category: str, seed: int) -> int:
    digest = hashlib.blake2b(f"{seed}\x1f{category}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % CATEGORIES
