"""Which kind a column is: by its type, by its values, or by the caller's word.

Texts that are all dates or instants (ISO 8601) are timestamps, as in a text file. The rules for identifiers (columns
that name things, and so differ between any two data sets):

* text of more than 1,000 different values that are more than 5 % of the rows that have one;
* text of which more than 90 % of at least 20 values are different;
* text of more than 50 characters on average, mostly different (free text);
* whole numbers that count the rows: all different, without a gap, at least 20;
* more than 100 different whole numbers or texts in a column whose name says that it names a thing: a word
  of the name is id, uuid, key, hash, ..., or the whole name is a thing that gets a number: flight, user.
  (Not its plural: `orders` is how many.)

Numbers with a fraction are never identifiers. The rule that decided is kept as the column's `reason`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, TableColumn

MANY_TEXTS = 1_000
MANY_TEXTS_SHARE = 0.05
ALL_DIFFERENT_SHARE = 0.9
FREE_TEXT_LENGTH = 50
FEW_ROWS = 20
MANY_NAMED = 100

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_NAMING_WORDS = frozenset({"id", "ids", "uid", "uuid", "guid", "key", "hash", "index", "idx", "rowid"})
_NUMBERED_THINGS = frozenset(
    (
        *("user", "customer", "client", "account", "member", "subscriber", "tenant", "visitor", "patient"),
        *("employee", "student", "citizen", "driver", "vendor", "supplier", "merchant", "order", "invoice"),
        *("ticket", "transaction", "shipment", "parcel", "booking", "reservation", "contract", "policy"),
        *("claim", "record", "row", "session", "device", "vehicle", "flight", "trip", "product", "passport"),
        *("sku", "ssn", "imei", "serial", "barcode", "isbn", "ean", "upc", "asin"),
    )
)


def find_kind(column: TableColumn) -> tuple[Kind, str]:
    """The kind that type, values and name speak for, and the reason where it is not obvious."""
    if isinstance(column, EmbeddingColumn) or column.kind not in (Kind.NUMERIC, Kind.CATEGORICAL):
        return column.kind, ""
    if tells_time(column):
        return Kind.TIMESTAMP, "every text is a date or a time (ISO 8601)"
    reason = _number_identifier(column) if isinstance(column, NumericColumn) else _text_identifier(column)
    return (Kind.IDENTIFIER, reason) if reason else (column.kind, "")


def tells_time(column: TableColumn) -> bool:
    """Whether every text of a column is a date or an instant, all of them with a zone or all without.

    As readers of text files take them: frames and Parquet files often hold times as the text that they were read from.
    """
    if not isinstance(column, CategoricalColumn) or column.kind is not Kind.CATEGORICAL:
        return False
    return instants(column.categories) is not None


def instants(texts: Sequence[str]) -> npt.NDArray[np.datetime64] | None:
    """The instants of texts as in `instant_of`, all with a zone or all without; None where they are anything else."""
    if not texts or not _INSTANT.fullmatch(texts[0]):
        return None
    zones = {found["zone"] if found else "" for found in map(_INSTANT.fullmatch, texts)}
    if "" in zones or (None in zones and len(zones) > 1):
        return None
    try:
        if len(zones) > 1 or zones.isdisjoint(("Z", None)):
            return np.array([instant_of(text) for text in texts])
        return np.array([text[:-1] for text in texts] if "Z" in zones else texts, "M8[us]")
    except ValueError:  # the 30th of February
        return None


def instant_of(text: str) -> np.datetime64:
    """The instant that a text names, in microseconds, of UTC where it has a zone.

    Raises:
        ValueError: it names none.
    """
    found = _INSTANT.fullmatch(text)
    zone = (found["zone"] if found else None) or "Z"
    if not text[:4].isdigit():  # NumPy knows "now" and "today"
        raise ValueError(text)
    at = np.datetime64(text.removesuffix(zone), "us")
    if zone == "Z":
        return at
    minutes = 60 * int(zone[1:3]) + int(zone[3:].lstrip(":") or 0)
    return at - np.timedelta64(-minutes if zone[0] == "-" else minutes, "m")


def words_of(name: str) -> list[str]:
    """The words of a column's name: `customerID`, `customer_id` and `Customer-Id` all give customer, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word for word in re.split(r"[^0-9A-Za-z]+", spaced.lower()) if word]


def _names_a_thing(name: str) -> str:
    words = words_of(name)
    naming = next((word for word in words if word in _NAMING_WORDS), None)
    if naming:
        return f"the name has the word {naming!r}"
    if "".join(words) in _NUMBERED_THINGS:
        return f"{name!r} is a thing that is numbered"
    return ""


def _text_identifier(column: CategoricalColumn) -> str:
    present, distinct = column.rows - column.missing, len(column.categories)
    share = distinct / present if present else 0.0
    if distinct >= FEW_ROWS and share > 0.5:
        length = sum(map(len, column.categories)) / distinct
        if length > FREE_TEXT_LENGTH:
            seen = f"{length:.0f} characters on average, {distinct:,} different in {present:,} rows"
            return f"free text: {seen}; kinds={{{column.name!r}: 'text'}} compares length and words"
    if distinct > MANY_TEXTS and share > MANY_TEXTS_SHARE:
        rule = f"above {MANY_TEXTS:,} and {MANY_TEXTS_SHARE:.0%}"
        return f"{distinct:,} different texts in {present:,} rows ({share:.1%}; {rule})"
    if distinct >= FEW_ROWS and share > ALL_DIFFERENT_SHARE:
        return f"nearly every text is different: {distinct:,} in {present:,} rows"
    said = _names_a_thing(column.name)
    if said and distinct > MANY_NAMED:
        return f"{said}, and {distinct:,} values are different"
    return ""


def _number_identifier(column: NumericColumn) -> str:
    if column.dtype.kind not in "iu" or column.unit:
        return ""
    values = column.present_values()
    if _counts_rows(values):
        return f"a row number: {int(values.min()):,} to {int(values.max()):,} without a gap, each once"
    said = _names_a_thing(column.name)
    if said and (distinct := len(np.unique(values))) > MANY_NAMED:
        return f"{said}, and {distinct:,} values are different"
    return ""


def _counts_rows(values: npt.NDArray[Any]) -> bool:
    if len(values) < FEW_ROWS:
        return False
    low, high = int(values.min()), int(values.max())
    if high - low + 1 != len(values):
        return False
    seen = np.zeros(len(values), bool)
    # Widened first: int8 from -128 to 127 would overflow.
    wide = values if values.dtype == np.uint64 else values.astype(np.int64)
    seen[wide - wide.dtype.type(low)] = True
    return bool(seen.all())


def text_of(value: Any) -> str:
    """A value as the text of its category: `true`, `3` for 3 and 3.0 alike, else the shortest exact form."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        if np.isfinite(value) and float(value).is_integer():
            return str(int(value))
        return str(value)
    return str(value)


def number_order(text: str) -> tuple[int, float, str]:
    """Sort key that puts the texts of numbers in the order of the numbers, and other texts after them."""
    try:
        whole = int(text)
    except ValueError:
        pass
    else:
        # Rank by an exact integer first: as float64, neighbours beyond 2**53 would tie.
        return 0, whole, text
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
