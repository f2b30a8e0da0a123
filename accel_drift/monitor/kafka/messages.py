"""What messages hold: JSON objects, or record batches in Arrow's IPC format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from accel_drift.monitor.rows import joined

_ERRORS = (pa.ArrowException, TypeError, ValueError, OverflowError)
"""What values raise that make no column."""


class UnreadableError(ValueError):
    """A message is not what its format says."""


class Message(NamedTuple):
    """A message that was read.

    Attributes:
        place: topic and partition.
        offset: its number there.
        rows: a table, or objects.
        size: how many rows.
    """

    place: tuple[str, int]
    offset: int
    rows: Any
    size: int


def _objects(value: bytes) -> tuple[list[dict[str, Any]], int]:
    """The objects of a message: one, or those of a list."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"no JSON: {error}"[:200]) from None
    objects = found if isinstance(found, list) else [found]
    for one in objects:
        if not isinstance(one, dict):
            raise UnreadableError(
                f"a value of type {type(one).__name__}, where an object with a value for each column is wanted"
            )
    return objects, len(objects)


def _batches(value: bytes) -> tuple[pa.Table, int]:
    """The rows of a message that is a stream in Arrow's IPC format."""
    try:
        with pa.ipc.open_stream(value) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise UnreadableError(f"no stream in Arrow's IPC format: {error}"[:200]) from None
    if len(set(table.column_names)) < table.num_columns:
        raise UnreadableError("columns have the same name")
    return table, table.num_rows


FORMATS: Mapping[str, Callable[[bytes], tuple[Any, int]]] = {"json": _objects, "arrow": _batches}
"""Name of a format -> what reads a message of it; it raises UnreadableError."""


def table_of(messages: Sequence[Message], schema: pa.Schema | None) -> tuple[pa.Table, list[str]]:
    """The rows of messages as one table, and what had to be done to columns for it.

    Args:
        messages: at least one, all of a format.
        schema: types of columns of JSON; others are as the values are.

    Raises:
        UnreadableError: a value does not go with the schema.
    """
    if isinstance(messages[0].rows, pa.Table):
        tables = [one.rows.replace_schema_metadata(None) for one in messages]
        return joined([table for table in tables if table.num_rows] or tables[:1])
    objects = [one for message in messages for one in message.rows]
    told: list[str] = []
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for one in objects for name in one):
        values = [one.get(name) for one in objects]
        place = -1 if schema is None else schema.get_field_index(name)
        if schema is not None and place >= 0:
            columns[name] = typed(name, values, schema.field(place).type)
        else:
            columns[name] = _found(name, values, told)
    return pa.table(columns), told


def typed(name: str, values: list[Any], wanted: pa.DataType) -> Any:
    """A column of that type.

    Raises:
        UnreadableError: a value cannot be had as one.
    """
    try:
        return pa.array(values, wanted)
    except _ERRORS:
        pass
    try:
        return pa.array(values).cast(wanted)  # times as text, for example
    except _ERRORS:
        pass
    try:
        return pa.chunked_array([pa.array([value]).cast(wanted) for value in values])  # numbers, and texts of numbers
    except _ERRORS as error:
        raise UnreadableError(f"column {name!r} is not {wanted}: {error}"[:200]) from None


def _found(name: str, values: list[Any], told: list[str]) -> Any:
    """A column of the type that its values have; text where they have several."""
    try:
        return pa.array(values)
    except _ERRORS:
        pass
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        return pa.array([None if value is None else _number(value) for value in values], pa.float64())
    types = " and ".join(sorted({type(value).__name__ for value in values if value is not None}))
    told.append(f"column {name!r} is of types {types} within some messages; it is compared as text")
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array([None if text is None else text.encode(errors="replace").decode() for text in texts], pa.string())


def _number(value: float) -> float:
    """An integer of any size as a float."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
