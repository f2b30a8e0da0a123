"""What columns hold, and which messages have something else there."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from accel_drift.data.schema import Column, Kind
from accel_drift.monitor.kafka import sorts
from accel_drift.monitor.kafka.messages import Message, UnreadableError, typed
from accel_drift.monitor.kafka.sorts import OfObjects, Sorts

_NUMBERS = ("int", "uint", "float", "double", "halffloat", "decimal")
_TEXTS = ("string", "large_string", "dictionary<string", "dictionary<large_string", "dictionary<values=string")

_FEW = 10
"""Messages below which those of a lot are judged together with the last ones before."""


class Columns:
    """What each column is known to hold, from one lot of messages to the next.

    A column holds what the reference has there; else what the first messages had. A message with another sort of value,
    such as a text among numbers, is odd. Where at least half of the messages are, it is the column that has changed,
    and none of them is.

    Args:
        schema: types of some columns of objects.
    """

    def __init__(self, schema: pa.Schema | None = None) -> None:
        self.schema = schema
        self._usual: dict[str, str] = {}
        self._recent: dict[str, deque[bool]] = {}

    def sieve(
        self, messages: Sequence[Message], expected: Mapping[str, Column | None] | None
    ) -> tuple[dict[int, str], pa.Schema | None]:
        """Which messages are odd.

        Args:
            messages: of a lot, at least one, all of a format.
            expected: name -> the reference's column, or None where it has none, of those that are looked at; None
                where all are.

        Returns:
            Place in `messages` -> what is wrong there; and the types of columns to read the others by.
        """
        found: dict[int, str] = {}
        schema, seen = self.schema, sorts.of(messages)
        for name in seen.names:
            if self._as_before(name, seen, None if expected is None else expected.get(name)):
                continue
            held = seen.of_each(name)
            if isinstance(seen, OfObjects) and schema is not None and (place := schema.get_field_index(name)) >= 0:
                odd = _unlike(name, seen.values(name), schema.field(place).type)
                if not self._stands(name, held, odd):
                    schema, odd = schema.remove(place), {}
            elif expected is None or name in expected:
                odd = self._other(name, held, None if expected is None else expected[name])
            else:
                continue
            found = {**odd, **found}
        return found, schema

    def _as_before(self, name: str, seen: Sorts, column: Column | None) -> bool:
        """Whether it is plain at first sight that no message is odd, as of nearly all columns."""
        recent, known = self._recent.get(name, ()), self._usual.get(name)
        usual = known if column is None else _sort_of(column) or known
        if not usual or len(recent) < _FEW or any(recent) or (self.schema is not None and name in self.schema.names):
            return False
        return seen.of_all(name) <= {usual, ""}

    def _other(self, name: str, held: Sequence[set[str]], column: Column | None) -> dict[int, str]:
        """Messages whose values are of another sort than the column's."""
        told = "" if column is None else _sort_of(column)
        if told is None:
            return {}
        there = set[str]().union(*held)
        usual = told or self._usual.get(name) or (next(iter(there)) if len(there) == 1 else "")
        odd: dict[int, str] = {}
        if not there <= {usual}:
            usual = usual or sorts.most(held)
            who = "the reference has" if told else "other messages have"
            for place, own in enumerate(held):
                others = own - {usual}
                if others and usual:
                    odd[place] = f"column {name!r} has {' and '.join(sorted(others))}, where {who} {usual}"
        if not self._stands(name, held, odd):
            usual, odd = sorts.most(held), {}
            if not told:
                self._recent[name] = deque([False] * len(held), _FEW)
        if not told:
            self._usual[name] = usual
        return odd

    def _stands(self, name: str, held: Sequence[set[str]], odd: Mapping[int, str]) -> bool:
        """Whether the column is what it was, and messages are odd; not where at least half of them are."""
        recent = self._recent.setdefault(name, deque(maxlen=_FEW))
        if not odd and len(recent) == _FEW and not any(recent):
            return True
        marks = [place in odd for place, own in enumerate(held) if own]
        recent.extend(marks)
        judged = marks if len(marks) >= _FEW else recent
        return not odd or 2 * sum(judged) < len(judged)


def _sort_of(column: Column) -> str | None:
    """What messages have for a column of the reference: "" where that is one of several, None where it may be mixed."""
    if column.kind is Kind.TIMESTAMP:
        return ""
    if column.kind is Kind.EMBEDDING:
        return "lists"
    if column.type == "bool":
        return "truth values"
    if column.type.startswith(_NUMBERS):
        return None if column.kind is Kind.CATEGORICAL else "numbers"
    if column.type.startswith(_TEXTS):
        return None if column.kind is Kind.NUMERIC else "texts"
    return ""


def _unlike(name: str, values: Sequence[list[Any]], wanted: pa.DataType) -> dict[int, str]:
    """Messages whose values cannot be had as that type."""
    try:
        typed(name, [value for held in values for value in held], wanted)
    except UnreadableError:
        pass
    else:
        return {}
    odd = {}
    for place, held in enumerate(values):
        try:
            typed(name, held, wanted)
        except UnreadableError as error:
            odd[place] = str(error)
    return odd
