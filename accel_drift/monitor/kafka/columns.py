"""What columns of JSON objects hold, and which messages have something else there."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from accel_drift.data.schema import Column, Kind
from accel_drift.monitor.kafka.messages import Message, UnreadableError, typed

_SORTS = {bool: "truth values", int: "numbers", float: "numbers", str: "texts", list: "lists", dict: "objects"}
"""Type of a value of JSON -> what it is called. Null is none of them, and goes with all."""

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
        schema: types of some columns.
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
            messages: of a lot, with objects.
            expected: name -> the reference's column, or None where it has none, of those that are looked at; None
                where all are.

        Returns:
            Place in `messages` -> what is wrong there; and the types of columns to read the others by.
        """
        found: dict[int, str] = {}
        schema = self.schema
        objects = [one for message in messages for one in message.rows]
        for name in dict.fromkeys(name for one in objects for name in one):
            if self._as_before(name, objects, None if expected is None else expected.get(name)):
                continue
            values = [[one.get(name) for one in message.rows] for message in messages]
            if schema is not None and (place := schema.get_field_index(name)) >= 0:
                odd = _unlike(name, values, schema.field(place).type)
                if not self._stands(name, values, odd):
                    schema, odd = schema.remove(place), {}
            elif expected is None or name in expected:
                odd = self._other(name, values, None if expected is None else expected[name])
            else:
                continue
            found = {**odd, **found}
        return found, schema

    def _as_before(self, name: str, objects: Sequence[Mapping[str, Any]], column: Column | None) -> bool:
        """Whether it is plain at first sight that no message is odd, as of nearly all columns."""
        recent, known = self._recent.get(name, ()), self._usual.get(name)
        usual = known if column is None else _sort_of(column) or known
        if not usual or len(recent) < _FEW or any(recent) or (self.schema is not None and name in self.schema.names):
            return False
        return {_SORTS.get(one, usual) for one in {type(held.get(name)) for held in objects}} == {usual}

    def _other(self, name: str, values: Sequence[list[Any]], column: Column | None) -> dict[int, str]:
        """Messages whose values are of another sort than the column's."""
        told = "" if column is None else _sort_of(column)
        if told is None:
            return {}
        lot = {type(value) for held in values for value in held}
        sorts = {_SORTS[one] for one in lot if one in _SORTS}
        usual = told or self._usual.get(name) or (next(iter(sorts)) if len(sorts) == 1 else "")
        odd: dict[int, str] = {}
        if not sorts <= {usual}:
            usual = usual or _most(values)
            who = "the reference has" if told else "other messages have"
            for place, held in enumerate(values):
                others = {_SORTS[type(value)] for value in held if value is not None} - {usual}
                if others and usual:
                    odd[place] = f"column {name!r} has {' and '.join(sorted(others))}, where {who} {usual}"
        if not self._stands(name, values, odd):
            usual, odd = _most(values), {}
            if not told:
                self._recent[name] = deque([False] * len(values), _FEW)
        if not told:
            self._usual[name] = usual
        return odd

    def _stands(self, name: str, values: Sequence[list[Any]], odd: Mapping[int, str]) -> bool:
        """Whether the column is what it was, and messages are odd; not where at least half of them are."""
        recent = self._recent.setdefault(name, deque(maxlen=_FEW))
        if not odd and len(recent) == _FEW and not any(recent):
            return True
        marks = [place in odd for place, held in enumerate(values) if any(value is not None for value in held)]
        recent.extend(marks)
        judged = marks if len(marks) >= _FEW else recent
        return not odd or 2 * sum(judged) < len(judged)


def _most(values: Sequence[list[Any]]) -> str:
    """The sort that most messages have; "" where two have as many."""
    counted = Counter(
        sort for held in values for sort in {_SORTS[type(value)] for value in held if value is not None}
    ).most_common(2)
    tied = len(counted) == 2 and counted[0][1] == counted[1][1]
    return counted[0][0] if counted and not tied else ""


def _sort_of(column: Column) -> str | None:
    """What JSON has for a column of the reference: "" where that is one of several, None where it may be mixed."""
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
