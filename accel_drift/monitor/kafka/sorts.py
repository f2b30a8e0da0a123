"""What sorts of values messages have in a column: texts, numbers, and so on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as types

from accel_drift.monitor.kafka.messages import Message

_OF_VALUES = {bool: "truth values", int: "numbers", float: "numbers", str: "texts", list: "lists", dict: "objects"}
"""Type of a value of JSON -> what it is called. Null is none of them, and goes with all."""


class Sorts(ABC):
    """The sorts of values of some messages.

    Attributes:
        names: of all columns that one of them has.
    """

    names: tuple[str, ...]

    @abstractmethod
    def of_all(self, name: str) -> set[str]:
        """Those that a column may have, at first sight: "" for what may be null."""

    @abstractmethod
    def of_each(self, name: str) -> list[set[str]]:
        """For each message those of its values that are not null."""


class OfObjects(Sorts):
    """Of messages that hold objects."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._objects = [one for message in messages for one in message.rows]
        self.names = tuple(dict.fromkeys(name for one in self._objects for name in one))

    def of_all(self, name: str) -> set[str]:
        """See `Sorts`."""
        return {_OF_VALUES.get(one, "") for one in {type(held.get(name)) for held in self._objects}}

    def of_each(self, name: str) -> list[set[str]]:
        """See `Sorts`."""
        return [
            {_OF_VALUES[one] for one in {type(held.get(name)) for held in message.rows} if one in _OF_VALUES}
            for message in self._messages
        ]

    def values(self, name: str) -> list[list[Any]]:
        """For each message its values."""
        return [[one.get(name) for one in message.rows] for message in self._messages]


class OfTables(Sorts):
    """Of messages that hold tables."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._tables: list[pa.Table] = [message.rows for message in messages]
        schemas = {schema.remove_metadata(): None for schema in (table.schema for table in self._tables)}
        self._found: dict[str, dict[Any, str]] = {}
        for schema in schemas:
            for field in schema:
                self._found.setdefault(field.name, {})[field.type] = _of_type(field.type)
        self.names = tuple(self._found)

    def of_all(self, name: str) -> set[str]:
        """See `Sorts`."""
        return {*self._found[name].values()}

    def of_each(self, name: str) -> list[set[str]]:
        """See `Sorts`."""
        held = [table.column(name) if name in table.column_names else None for table in self._tables]
        found = self._found[name]
        return [
            set() if column is None or column.null_count == len(column) else {found[column.type]} - {""}
            for column in held
        ]


def of(messages: Sequence[Message]) -> OfObjects | OfTables:
    """The sorts of messages, all of one format, at least one."""
    return OfTables(messages) if isinstance(messages[0].rows, pa.Table) else OfObjects(messages)


def most(held: Sequence[set[str]]) -> str:
    """The sort that most messages have; "" where two have as many."""
    counts: dict[str, int] = {}
    for sorts in held:
        for sort in sorts:
            counts[sort] = counts.get(sort, 0) + 1
    ordered = sorted(counts, key=lambda sort: -counts[sort])
    tied = len(ordered) > 1 and counts[ordered[0]] == counts[ordered[1]]
    return ordered[0] if ordered and not tied else ""


def _of_type(given: pa.DataType) -> str:
    """What values of a type of Arrow are called; "" for those of null."""
    if types.is_dictionary(given):
        given = given.value_type
    for sort, found in _OF_TYPES.items():
        if any(is_it(given) for is_it in found):
            return sort
    return "" if types.is_null(given) else f"values of type {given}"


_OF_TYPES = {
    "truth values": (types.is_boolean,),
    "numbers": (types.is_integer, types.is_floating, types.is_decimal),
    "texts": (types.is_string, types.is_large_string, types.is_string_view),
    "times": (types.is_timestamp, types.is_date),
    "lists": (types.is_list, types.is_large_list, types.is_fixed_size_list),
    "objects": (types.is_struct,),
}
