"""A column as another kind: on the caller's word, or as the reference has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from accel_drift.data.decoded import merged_codes, truth_column
from accel_drift.data.kinds import instant_of, instants, number_order, tells_time, text_of
from accel_drift.data.numbers import numeric_column, seconds_column
from accel_drift.data.schema import NULL_TYPE, Column, Kind, dimensions
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, TableColumn
from accel_drift.errors import SchemaError

Single: TypeAlias = NumericColumn | CategoricalColumn
"""A column of one value a row."""


def convert(column: TableColumn, kind: Kind) -> TableColumn:
    """The column as this kind.

    Raises:
        SchemaError: a value of it cannot be of this kind.
    """
    if column.kind is kind:
        return column
    if isinstance(column, EmbeddingColumn):
        raise SchemaError(
            f"column {column.name!r} holds embeddings of {column.dimensions} numbers and cannot be {kind}; "
            "give its numbers as columns of their own"
        )
    if kind is Kind.EMBEDDING:
        raise SchemaError(
            f"column {column.name!r} has one value a row and cannot be an embedding; give a matrix (n, k) or a "
            "column of fixed-size lists"
        )
    if isinstance(column, NumericColumn):
        column = column.on_host()
    if kind is Kind.IDENTIFIER:
        return replace(column, kind=kind)
    plain = without_identity(column)
    assert not isinstance(plain, EmbeddingColumn)  # noqa: S101
    return _CONVERSIONS[kind](plain)


def without_identity(column: TableColumn) -> TableColumn:
    """An identifier as the numbers or categories that it is stored as; others as they are."""
    if column.kind is not Kind.IDENTIFIER:
        return column
    if isinstance(column, NumericColumn):
        return replace(column, kind=Kind.NUMERIC)
    return replace(column, kind=Kind.CATEGORICAL) if isinstance(column, CategoricalColumn) else column


def held_to(column: TableColumn, type_name: str, was: Column) -> TableColumn | None:
    """The column as the kind that it has in the reference, or None where it is another sort of thing.

    Raises:
        SchemaError: the caller gave the reference's column another kind than its type speaks for, and a
            value of this column cannot follow.
    """
    here = Column(column.name, column.kind, type_name)
    if here.group == "any":
        return without_values(column.name, column.rows, was)
    if was.group == "any":
        return None
    if here.group == was.group or type_group(type_name) == type_group(was.type):
        return convert(column, was.kind)
    return None


def without_values(name: str, rows: int, like: Column) -> TableColumn:
    """A column of that kind in which every value is missing."""
    if like.group in ("text", "boolean"):
        categories = ("false", "true") if like.kind is Kind.BOOLEAN else ()
        return CategoricalColumn(name, np.full(rows, -1, np.int32), categories, rows, like.kind)
    if like.kind is Kind.EMBEDDING:
        nothing = np.zeros((rows, dimensions(like.type)), np.float32)
        return EmbeddingColumn(name, nothing, np.zeros(rows, bool) if rows else None, rows)
    values = np.zeros(rows, np.int64 if like.kind is Kind.TIMESTAMP else np.float64)
    return NumericColumn(name, values, np.zeros(rows, bool) if rows else None, rows, 0, like.kind)


def type_group(type_name: str) -> str:
    """The group that the type alone speaks for; "" where that is unknown."""
    if type_name == NULL_TYPE:
        return ""
    if type_name == "bool":
        return "boolean"
    if type_name.startswith(("timestamp", "date", "time")):
        return "time"
    if dimensions(type_name):
        return Column("", Kind.EMBEDDING, type_name).group
    return Column("", Kind.IDENTIFIER, type_name).group


def _to_categorical(column: Single) -> CategoricalColumn:
    if isinstance(column, CategoricalColumn):
        return replace(column, kind=Kind.CATEGORICAL)
    if column.kind is Kind.TIMESTAMP:
        values: Any = column.values.astype(f"M8[{column.unit or 's'}]")
    else:
        values = column.values
    distinct, inverse = np.unique(values[column.mask()], return_inverse=True)
    codes = np.full(column.rows, -1, np.int64)
    codes[column.mask()] = inverse
    said = _instant if column.kind is Kind.TIMESTAMP else text_of
    texts: list[str | None] = [said(value) for value in distinct]
    order = None if column.kind is Kind.TIMESTAMP else number_order
    return merged_codes(column.name, [(codes, texts)], order=order)


def _instant(value: Any) -> str:
    """An instant as the text of its category, the same in whatever unit it is counted."""
    text = str(value)
    return (text.rstrip("0").rstrip(".") if "." in text else text).removesuffix("T00:00:00")


def _to_numeric(column: Single) -> NumericColumn:
    if column.kind is Kind.TIMESTAMP and isinstance(column, NumericColumn):
        # Sources count in units of their own; a number must not depend on that.
        return seconds_column(column.name, column.values, column.unit or "s", column.present)
    if isinstance(column, NumericColumn):
        return replace(column, kind=Kind.NUMERIC)
    if column.kind is Kind.BOOLEAN:
        return numeric_column(column.name, np.maximum(column.codes, 0).astype(np.int64), column.present)
    if tells_time(column):
        return _to_numeric(_to_timestamp(column))
    try:
        # Whole numbers stay exact beyond 2**53.
        table = np.array([int(text) for text in column.categories] + [0], np.int64)
    except (ValueError, OverflowError):
        table = np.array([_number(column, text) for text in column.categories] + [0.0])
    return numeric_column(column.name, table[column.codes], column.present)


def _number(column: Single, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _cannot(column, Kind.NUMERIC, text) from None


def _to_boolean(column: Single) -> CategoricalColumn:
    texts = column if isinstance(column, CategoricalColumn) else _to_categorical(column)
    truth = np.zeros(len(texts.categories) + 1, bool)
    for code, text in enumerate(texts.categories):
        if text.lower() not in ("true", "false", "1", "0"):
            raise _cannot(column, Kind.BOOLEAN, text)
        truth[code] = text.lower() in ("true", "1")
    return truth_column(column.name, truth[texts.codes], texts.present)


def _to_timestamp(column: Single) -> NumericColumn:
    if isinstance(column, NumericColumn):
        raise SchemaError(
            f"column {column.name!r} holds numbers, and nothing says since when and in what unit they count; "
            "make it a timestamp before it is given"
        )
    found = instants(column.categories)
    if found is None:
        found = np.array([_instant_in(column, text) for text in column.categories], "M8[us]")
    # Code -1, a missing row, reads the last entry.
    values = np.append(found, np.zeros(1, found.dtype))[column.codes].astype(np.int64)
    return NumericColumn(column.name, values, column.present, column.nulls, 0, Kind.TIMESTAMP, "us")


def _instant_in(column: Single, text: str) -> np.datetime64:
    try:
        return instant_of(text)
    except ValueError:
        raise _cannot(column, Kind.TIMESTAMP, text) from None


def _cannot(column: Single, kind: Kind, value: str) -> SchemaError:
    return SchemaError(
        f"column {column.name!r} cannot be {kind}: it has {value!r}; repair the value, or give another kind"
    )


_CONVERSIONS: dict[Kind, Callable[[Single], TableColumn]] = {
    Kind.NUMERIC: _to_numeric,
    Kind.CATEGORICAL: _to_categorical,
    Kind.BOOLEAN: _to_boolean,
    Kind.TIMESTAMP: _to_timestamp,
}
