"""Columns of several files, one after the other, as one column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.convert import type_group, without_values
from accel_drift.data.decoded import Decoded, Outcome, Rows, Unreadable, merged_codes
from accel_drift.data.kinds import number_order
from accel_drift.data.numbers import counted_in, embedding_column, finest, numeric_column
from accel_drift.data.schema import NULL_TYPE, Column, Kind, embedding_type
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn
from accel_drift.errors import SchemaError

_ARROW_NAMES = {"float32": "float", "float64": "double"}


class Misfit(Exception):  # noqa: N818  (caught at once, and told with the names of the files)
    """Two parts hold things that are no one column.

    Attributes:
        places: which parts.
        types: what they hold.
    """

    def __init__(self, places: tuple[int, int], types: tuple[str, str]) -> None:
        super().__init__(f"{types[0]} and {types[1]}")
        self.places = places
        self.types = types


def joined(name: str, outcomes: Sequence[Outcome]) -> Outcome:
    """One column from its parts, in their order.

    Numbers take the type that holds them all, instants the finest unit; a part without any value fits every other.

    Args:
        name: the column's name.
        outcomes: what was read of each part; at least one.

    Raises:
        Misfit: two parts are of different sorts.
    """
    read = [outcome for outcome in outcomes if isinstance(outcome, Decoded)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Unreadable)]
    if refused and all(part.type == NULL_TYPE for part in read):
        return refused[0]
    said = [sort_of(outcome) for outcome in outcomes]
    known = [place for place, sort in enumerate(said) if sort != NULL_TYPE]
    if not known:
        rows = sum(part.column.rows for part in read)
        return Decoded(without_values(name, rows, Column(name, Kind.NUMERIC, NULL_TYPE)), NULL_TYPE)
    first = known[0]
    for place in known[1:]:
        if said[place] != said[first]:
            raise Misfit((first, place), (said_type(outcomes[first]), said_type(outcomes[place])))
    example = read[first]
    like = Column(name, example.column.kind, example.type)
    parts = [without_values(name, p.column.rows, like) if p.type == NULL_TYPE else p.column for p in read]
    return _JOIN[said[first].partition(":")[0]](name, parts, [read[place].type for place in known])


def said_type(outcome: Outcome) -> str:
    """The type of a part, or why it has none."""
    return outcome.type if isinstance(outcome, Decoded) else outcome.reason


def sort_of(outcome: Outcome) -> str:
    """What parts must have in common: the group, with what a number or an instant counts."""
    if isinstance(outcome, Unreadable):
        return f"unreadable:{outcome.reason}"
    type_ = outcome.type
    if type_ == NULL_TYPE:
        return NULL_TYPE
    group = type_group(type_)
    if group == "numeric":
        return "numeric:span" if type_.startswith("duration") else "numeric:"
    if group == "time":
        clock = "of day" if type_.startswith("time") and not type_.startswith("timestamp") else "instant"
        return f"time:{clock}, {'zone' if 'tz=' in type_ else 'no zone'}"
    return group.replace("[", ":") + ":"  # of embeddings the length is a part of it


def _numbers(name: str, parts: Sequence[Any], types: Sequence[str]) -> Decoded:
    # A part without a value has a type by accident.
    with_type = [part.values.dtype for part in parts if part.missing < part.rows] or [parts[0].values.dtype]
    values = np.concatenate([part.values for part in parts]).astype(np.result_type(*with_type), copy=False)
    valid = [_valid(part) for part in parts]
    column = numeric_column(name, values, None if all(v.all() for v in valid) else np.concatenate(valid))
    unit = max(part.unit for part in parts)
    return Decoded(replace(column, unit=unit), _one_of(types, _ARROW_NAMES.get(values.dtype.name, values.dtype.name)))


def _valid(part: NumericColumn | EmbeddingColumn) -> npt.NDArray[np.bool_]:
    """(n,) False where the value is null; True where it is NaN."""
    if not part.nulls:
        return np.ones(part.rows, bool)
    if not part.nans:
        return part.mask()
    nan = np.isnan(part.values)
    return np.asarray(part.mask() | (nan.any(axis=1) if nan.ndim > 1 else nan))


def _vectors(name: str, parts: Sequence[Any], types: Sequence[str]) -> Decoded:
    with_type = [part.values.dtype for part in parts if part.missing < part.rows] or [parts[0].values.dtype]
    values = np.concatenate([part.values for part in parts]).astype(np.result_type(*with_type), copy=False)
    valid = np.concatenate([_valid(part) for part in parts])
    type_ = embedding_type(_ARROW_NAMES.get(values.dtype.name, values.dtype.name), values.shape[1])
    return Decoded(embedding_column(name, values, None if valid.all() else valid), _one_of(types, type_))


def _texts(name: str, parts: Sequence[Any], types: Sequence[str]) -> Decoded:
    numbers = all(type_.startswith("dictionary<") and type_group(type_[11:-1]) == "numeric" for type_ in types)
    order = number_order if numbers else None
    column = merged_codes(name, [(part.codes, part.categories) for part in parts], order=order)
    return Decoded(column, _one_of(types, "string"))


def _truths(name: str, parts: Sequence[Any], types: Sequence[str]) -> Decoded:
    codes = np.concatenate([part.codes for part in parts])
    nulls = sum(part.nulls for part in parts)
    return Decoded(CategoricalColumn(name, codes, ("false", "true"), nulls, Kind.BOOLEAN), types[0])


def _instants(name: str, parts: Sequence[Any], types: Sequence[str]) -> Decoded:
    unit = finest(part.unit for part in parts)
    values = np.concatenate([counted_in(unit, part) for part in parts])
    present = [part.mask() for part in parts]
    nulls = sum(part.nulls for part in parts)
    zones = {type_.partition("tz=")[2].rstrip("]") for type_ in types}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    clock = "time64" if sort_of(Decoded(parts[0], types[0])).startswith("time:of day") else "timestamp"
    said = _one_of(types, f"{clock}[{unit}{f', tz={zone}' if zone else ''}]")
    whole = np.concatenate(present) if nulls else None
    return Decoded(NumericColumn(name, values, whole, nulls, 0, Kind.TIMESTAMP, unit), said)


def _one_of(types: Sequence[str], else_: str) -> str:
    return types[0] if len(set(types)) == 1 else else_


_JOIN: dict[str, Callable[[str, Sequence[Any], Sequence[str]], Outcome]] = {
    "numeric": _numbers,
    "text": _texts,
    "boolean": _truths,
    "time": _instants,
    "embedding": _vectors,
}


def picked(pieces: Iterable[Rows], places: npt.NDArray[np.int64]) -> Rows:
    """The rows at some places, ascending, of a data set that comes in pieces.

    Raises:
        SchemaError: a column is of different sorts in different pieces.
    """
    first = 0
    parts: list[dict[str, Outcome]] = []
    for rows, columns in pieces:
        low, high = np.searchsorted(places, [first, first + rows])
        at, first = places[low:high] - first, first + rows
        if len(at) or not parts:
            parts.append({name: _taken(outcome, at) for name, outcome in columns.items()})
    found = {}
    for name in parts[0]:
        try:
            found[name] = joined(name, [part[name] for part in parts])
        except Misfit as misfit:
            raise SchemaError(f"column {name!r} is {' in some rows and '.join(misfit.types)} in others") from misfit
    return len(places), found


def _taken(outcome: Outcome, at: npt.NDArray[np.int64]) -> Outcome:
    return replace(outcome, column=outcome.column.take(at)) if isinstance(outcome, Decoded) else outcome
