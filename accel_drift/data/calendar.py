"""Blocks of rows that belong together: the same day, the same value, the same run of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind, listed
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table
from accel_drift.errors import ConfigError

UNITS = {"minute": "m", "hour": "h", "day": "D", "week": "W", "month": "M", "year": "Y"}


def block_ids(table: Table, spec: str | int) -> tuple[npt.NDArray[np.int64], str]:
    """Number the blocks of a table.

    Args:
        table: the rows.
        spec: a column ("store": one block a value), a timestamp column and a unit of the calendar
            ("time:day"), or a length (24: runs of 24 consecutive rows).

    Returns:
        (n,) block of each row, 0 to G - 1, or -1 for a row that takes no part; and the rule in words.

    Raises:
        ConfigError: the rule is none, or does not fit the table.
    """
    if isinstance(spec, bool) or not isinstance(spec, (str, int, np.integer)):
        raise ConfigError(
            f"block={spec!r} is not a rule; give a column ('store'), a timestamp and a unit ('time:day'), "
            "or a number of consecutive rows (24)"
        )
    if isinstance(spec, str):
        if spec in table.columns:
            return _by_value(table, spec), f"rows of the same {spec}"
        if spec.isdigit():
            return _by_run(table, int(spec))
        return _by_time(table, spec)
    return _by_run(table, int(spec))


def _by_run(table: Table, length: int) -> tuple[npt.NDArray[np.int64], str]:
    if length < 1:
        raise ConfigError(f"block={length} must be at least 1: the number of consecutive rows in a block")
    ids = np.arange(table.rows, dtype=np.int64) // length
    ids[table.rows // length * length :] = -1
    return ids, f"runs of {length:,} consecutive rows"


def _by_value(table: Table, name: str) -> npt.NDArray[np.int64]:
    column = table.columns[name]
    if isinstance(column, CategoricalColumn):
        return _numbered(column.codes.astype(np.int64), column.present)
    if isinstance(column, EmbeddingColumn):
        raise ConfigError(f"block={name!r}: the column holds embeddings; give a column with one value a row")
    return _numbered(column.values, column.present)


def _by_time(table: Table, spec: str) -> tuple[npt.NDArray[np.int64], str]:
    name, _, unit = spec.rpartition(":")
    if name not in table.columns:
        times = table.schema.of(Kind.TIMESTAMP)
        hint = f"; a unit of time follows its column: {times[0]}:{spec}" if spec in UNITS and times else ""
        raise ConfigError(
            f"block={spec!r}: there is no column {name or spec!r}; there are {listed(table.columns)}{hint}"
        )
    if unit not in UNITS:
        raise ConfigError(f"block={spec!r}: there is no unit {unit!r}; there are {', '.join(UNITS)}")
    column = table.columns[name]
    said = table.schema.get(name)
    type_name = said.type if said else ""
    if not isinstance(column, NumericColumn) or column.kind is not Kind.TIMESTAMP:
        raise ConfigError(
            f"block={spec!r}: column {name!r} is {column.kind}, not a timestamp; give block={name!r} for one "
            "block a value"
        )
    if type_name.startswith(("time32", "time64")):
        raise ConfigError(f"block={spec!r}: column {name!r} holds times of day, which have no {unit}")
    instants, zone = _wall_clock(column, type_name)
    periods = instants.astype(f"M8[{UNITS[unit]}]").astype(np.int64)
    if unit == "week":
        # NumPy counts weeks from Thursday 1 January 1970; weeks begin on Monday.
        periods = (instants.astype("M8[D]").astype(np.int64) + 3) // 7
    return _numbered(periods, column.present), f"rows of the same {unit} of {name}{zone}"


def _wall_clock(column: NumericColumn, type_name: str) -> tuple[npt.NDArray[Any], str]:
    """Instants as the clock of their zone showed them: a day is a day there, not in Greenwich."""
    instants = column.values.astype(f"M8[{column.unit or 's'}]")
    if "tz=" not in type_name:
        return instants, ""
    zone = type_name.partition("tz=")[2].rstrip("]")
    shifted = _local(instants, column.unit, zone)
    return (instants, " (UTC)") if shifted is None else (shifted, f" ({zone})")


def _local(instants: npt.NDArray[Any], unit: str, zone: str) -> npt.NDArray[Any] | None:
    """Wall-clock times, or None where the zone is not known on this machine."""
    import pyarrow as pa
    import pyarrow.compute as pc

    counted = np.ascontiguousarray(instants).view(np.int64)
    array = pa.Array.from_buffers(pa.timestamp(unit, zone), len(counted), [None, pa.py_buffer(counted)])
    try:
        local = pc.call_function("local_timestamp", [array])
    except pa.ArrowInvalid:
        return None
    return np.frombuffer(local.buffers()[1], f"M8[{unit}]", count=len(counted))


def _numbered(values: npt.NDArray[Any], present: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.int64]:
    """Places of the values in their order; a missing value is a block of its own, the last one."""
    if present is None:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    distinct, inverse = np.unique(values[present], return_inverse=True)
    ids = np.full(len(values), len(distinct), np.int64)
    ids[present] = inverse
    return ids
