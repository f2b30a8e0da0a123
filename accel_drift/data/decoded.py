"""What every source hands over: columns as NumPy arrays, with the type that each came with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind, Schema
from accel_drift.data.table import CategoricalColumn, TableColumn


@dataclass(frozen=True, slots=True)
class Decoded:
    """A column that was read.

    Attributes:
        column: its values.
        type: name of its Arrow type.
        reason: why it is of its kind, where that was found before.
        derived: how it is made from another column, where it is.
        vocabulary: the words that it knows, where it counts those that it does not.
    """

    column: TableColumn
    type: str
    reason: str = ""
    derived: str = ""
    vocabulary: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A column of a type that cannot be compared.

    Attributes:
        reason: why, for the list of what was left out.
    """

    reason: str


Outcome: TypeAlias = Decoded | Unreadable
Rows: TypeAlias = tuple[int, dict[str, Outcome]]


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that is open: its column names are known, its rows are not read yet.

    Attributes:
        names: its columns, in order.
        load: reads the columns of these names, the types of text files steered by the schema; gives the
            number of rows and the columns.
        index: columns that number the rows for the library that wrote them, and are no data.
        settled: the kinds stand as they are: a NumPy array holds measurements, a Table was read before.
        excluded: columns that were left out before, with the reasons.
        default_name: what to call it when the caller does not say.
        pieces: reads the same rows some at a time, in their order, one piece at least; None where they come at once.
        rows: how many there are, where that is known before they are read.
    """

    names: tuple[str, ...]
    load: Callable[[Sequence[str], Schema | None], Rows]
    index: tuple[str, ...] = ()
    settled: bool = False
    excluded: Mapping[str, str] = field(default_factory=dict)
    default_name: str = ""
    pieces: Callable[[Sequence[str], Schema | None], Iterator[Rows]] | None = None
    rows: int | None = None

    def in_pieces(self, names: Sequence[str], schema: Schema | None) -> Iterator[Rows]:
        """The rows some at a time where they come so, else all at once."""
        return iter([self.load(names, schema)]) if self.pieces is None else self.pieces(names, schema)


def merged_codes(
    name: str,
    parts: Iterable[tuple[npt.NDArray[Any], Sequence[str | None]]],
    kind: Kind = Kind.CATEGORICAL,
    order: Callable[[str], Any] | None = None,
) -> CategoricalColumn:
    """One column of categories from parts that each have their own codes.

    Args:
        name: the column's name.
        parts: (codes, texts) of each part; a negative code, or a code of a text that is None, is missing.
        kind: kind of the column.
        order: sort key of the categories; by default the text itself.
    """
    place: dict[str, int] = {}
    remapped: list[npt.NDArray[np.int32]] = []
    for codes, texts in parts:
        # The last entry answers for code -1: NumPy reads it from the end.
        lookup = np.full(len(texts) + 1, -1, np.int32)
        for code, text in enumerate(texts):
            if text is not None:
                lookup[code] = place.setdefault(text, len(place))
        remapped.append(lookup[codes])
    codes = np.concatenate(remapped) if remapped else np.empty(0, np.int32)
    return _sorted(name, codes, list(place), kind, order)


def _sorted(
    name: str,
    codes: npt.NDArray[np.int32],
    texts: list[str],
    kind: Kind,
    order: Callable[[str], Any] | None,
) -> CategoricalColumn:
    """The same column with its categories in value order, and only those that have a row."""
    count = np.bincount(codes + 1, minlength=len(texts) + 1)
    keys = texts if order is None else list(map(order, texts))
    used = sorted(np.flatnonzero(count[1:]).tolist(), key=keys.__getitem__)
    lookup = np.full(len(texts) + 1, -1, np.int32)
    lookup[used] = np.arange(len(used), dtype=np.int32)
    return CategoricalColumn(name, lookup[codes], tuple(texts[code] for code in used), int(count[0]), kind)


def truth_column(name: str, values: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_] | None) -> CategoricalColumn:
    """A column of truth values; both categories stand, whether or not both occur."""
    codes = values.astype(np.int32)
    if present is not None:
        codes[~present] = -1
    nulls = 0 if present is None else int(present.size - np.count_nonzero(present))
    return CategoricalColumn(name, codes, ("false", "true"), nulls, Kind.BOOLEAN)
