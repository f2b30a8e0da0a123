"""Numbers made from columns that are not compared as they are: of texts and of times.

`kinds={"comment": "length"}` makes the column `length of comment`: characters (Unicode code points), in place of the
text. `kinds={"comment": "text"}` makes `unseen words of comment`, too: the share of a text's words that a vocabulary
lacks. A fifth of the reference's rows, at most 20,000, make the vocabulary and are not compared.

`kinds={"created_at": "gaps"}` makes `gaps of created_at` beside it: seconds from the row before in time, whatever the
order of the rows; equal times give 0. The earliest row has no row before it and takes the gap after it: as a missing
value it would be news to a detector of missing values where one side is short.

Where the text or the time is missing, so is the number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data import words
from accel_drift.data.convert import convert
from accel_drift.data.decoded import Decoded
from accel_drift.data.schema import NULL_TYPE, Kind, derived_name
from accel_drift.data.table import CategoricalColumn, NumericColumn, TableColumn
from accel_drift.errors import SchemaError

_PER_SECOND = {"D": 1 / 86_400, "s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def derive(how: str, read: Decoded, known: str = "") -> Decoded:
    """The derived column of one that was read.

    Args:
        how: `length`, `unseen words` or `gaps`.
        read: the column of texts or times.
        known: the reference's vocabulary; without it the column makes its own.

    Returns:
        A numeric column in characters, shares or seconds.

    Raises:
        SchemaError: the column holds neither.
    """
    column = read.column
    name = derived_name(how, column.name)
    if read.type == NULL_TYPE:
        nothing = np.zeros(column.rows, bool) if column.rows else None
        made = NumericColumn(name, np.zeros(column.rows), nothing, column.rows)
    elif how == "length":
        text = _texts(column)
        lengths = np.array([*map(len, text.categories), 0], np.int64)
        made = NumericColumn(name, lengths[text.codes], text.present, text.nulls, unit="characters")
    elif how == "gaps":
        made = _gaps(name, column, read.type)
    else:
        text = _texts(column)
        known = known or words.vocabulary(text)
        made = NumericColumn(name, words.unknown(text, known), text.present, text.nulls)
    said = {
        "length": f"characters of {column.name!r}",
        "gaps": f"seconds between rows by {column.name!r}",
        "unseen words": f"share of the words of {column.name!r} that a part of the reference lacks",
    }[how]
    return Decoded(made, "int64" if how == "length" else "double", said, how, known if made.rows else "")


def _texts(column: TableColumn) -> CategoricalColumn:
    if not isinstance(column, CategoricalColumn) or column.kind is Kind.BOOLEAN:
        raise SchemaError(
            f"column {column.name!r} is {column.kind}: 'length' and 'text' are of texts; give another kind"
        )
    return column


def _gaps(name: str, column: TableColumn, type_name: str) -> NumericColumn:
    if isinstance(column, CategoricalColumn) and column.kind is Kind.CATEGORICAL:
        column = convert(column, Kind.TIMESTAMP)
    of_day = type_name.startswith(("time32", "time64"))
    if not isinstance(column, NumericColumn) or column.kind is not Kind.TIMESTAMP or of_day:
        what = "times of day" if of_day else str(column.kind)
        raise SchemaError(f"column {column.name!r} is {what}: 'gaps' are between timestamps or dates")
    times = column.present_values()
    if len(times) < 2:
        return NumericColumn(name, np.zeros(column.rows), np.zeros(column.rows, bool), column.rows, unit="s")
    values = np.zeros(column.rows)
    values[column.mask()] = _since_the_row_before(times) / _PER_SECOND[column.unit or "s"]
    return NumericColumn(name, values, column.present, column.nulls, unit="s")


def _since_the_row_before(times: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(n,) steps in the unit of the times, for each row where it stands; at least two rows."""
    order = np.argsort(times, kind="stable")
    # As unsigned, the difference of sorted times cannot overflow.
    steps = np.diff(times[order].astype(np.int64).view(np.uint64)).astype(np.float64)
    gaps = np.empty(len(times))
    gaps[order[1:]] = steps
    gaps[order[0]] = steps[0]
    return gaps
