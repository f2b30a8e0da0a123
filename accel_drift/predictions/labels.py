"""True classes of rows, and predicted ones, as places among the classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.data import CategoricalColumn, EmbeddingColumn, Kind, NumericColumn, read_table
from accel_drift.data.kinds import number_order, text_of
from accel_drift.data.schema import listed
from accel_drift.errors import DataError
from accel_drift.predictions.rows import RowConfidence

Places: TypeAlias = npt.NDArray[np.int64]


def read_labels(labels: Any, rows: RowConfidence) -> Places:
    """Places (n,) of the true classes; -1 where there is none.

    Raises:
        DataError: they are of another length, or name no class.
    """
    return read_places(labels, rows.classes, len(rows.predicted), "labels")


def read_places(given: Any, classes: Sequence[str], rows: int, what: str, beside: str = "probabilities") -> Places:
    """Places (n,) of classes that are named, or numbered from 0 on; -1 where there is none.

    Args:
        given: one class for each row.
        classes: their names.
        rows: how many rows there are.
        what: what is given, in a word, such as "labels".
        beside: what has so many rows.

    Raises:
        DataError: they are of another length, or name no class.
    """
    column = column_of(given, what)
    if column.rows != rows:
        raise DataError(f"{what} have {column.rows:,} rows, and {beside} {rows:,}; give one for each")
    there = column.mask()
    names, numbers, inverse = _distinct(column, there, classes)
    # Where classes are called by numbers, a number is a name.
    numbers = numbers and not any(_is_number(name) for name in classes)
    places = dict(zip(map(str, range(len(classes))) if numbers else classes, count(), strict=False))
    found = [places.get(name, -1) for name in names]
    used = np.unique(inverse)
    strange = [names[i] for i in used if found[i] < 0]
    if strange:
        told = f"{what} hold {strange[0]!r}, which is no class; classes are {listed(classes)}"
        raise DataError(f"{told}: give their names, or name them by classes=[...] in the order of the columns")
    out = np.full(column.rows, -1, np.int64)
    out[there] = np.asarray(found, np.int64)[inverse]
    return out


def names_of(*given: Any) -> tuple[str, ...]:
    """Names of the classes that occur in columns of them; numbers by size, others as texts.

    Raises:
        DataError: one of them is no column of classes.
    """
    found: set[str] = set()
    for one in given:
        column = column_of(one, "classes")
        names, _, inverse = _distinct(column, column.mask(), ())
        found |= {names[i] for i in np.unique(inverse)}
    return tuple(sorted(found, key=number_order))


def column_of(given: Any, what: str) -> NumericColumn | CategoricalColumn:
    """A column of classes; one that was read stays as it is.

    Raises:
        DataError: it is none.
    """
    if isinstance(given, (NumericColumn, CategoricalColumn)):
        return given
    table = read_table({what: given}, columns=[what], name=what)
    column = table.columns.get(what)
    if column is None or isinstance(column, EmbeddingColumn):
        raise DataError(f"{what} {table.excluded.get(what, 'are no column')}; give one class for each row, (n,)")
    return column


def _distinct(
    column: NumericColumn | CategoricalColumn, there: npt.NDArray[np.bool_], classes: Sequence[str]
) -> tuple[list[str], bool, npt.NDArray[Any]]:
    """The labels as texts, whether they are numbers, and which one each row has."""
    if isinstance(column, NumericColumn):
        distinct, inverse = np.unique(column.on_host().values[there], return_inverse=True)
        return [text_of(value) for value in distinct], True, inverse
    truths = column.kind is Kind.BOOLEAN and not {"false", "true"} & set(classes)
    return ["0", "1"] if truths else list(column.categories), truths, column.codes[there]


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
