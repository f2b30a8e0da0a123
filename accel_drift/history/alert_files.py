"""What alerts wrote, as Parquet files beside those of windows, and back.

The files have all alerts, messages and requests to learn again. Back come those that are over: a monitor that knows
nothing of an open alert would never end it, and a message or a request that waits would be seen to twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Boolean, Connection, Double, Integer, Select, Table, select

from accel_drift.history.alert_tables import alerts, messages, requests
from accel_drift.history.tables import Moment
from accel_drift.history.writing import upsert

_KINDS = (
    (Moment, pa.timestamp("us", tz="UTC")),
    (Boolean, pa.bool_()),
    (Integer, pa.int64()),
    (Double, pa.float64()),
)
_INSIDE = frozenset({"id", "alert_id", "claimed_by", "claimed_until"})


def _schema(table: Table) -> pa.Schema:
    """The columns of a table that mean something outside its database."""
    told = [column for column in table.c if column.name not in _INSIDE]
    found = [next((arrow for kind, arrow in _KINDS if isinstance(column.type, kind)), pa.string()) for column in told]
    return pa.schema([(column.name, arrow) for column, arrow in zip(told, found, strict=True)])


_TABLES = {"alerts": alerts, "messages": messages, "requests": requests}
_KEYS = {"alerts": "alert_key", "messages": "message_key", "requests": "request_key"}
FILES = {name: _schema(table) for name, table in _TABLES.items()}
FILES["messages"] = FILES["messages"].insert(0, pa.field("alert_key", pa.string()))


def asked(name: str) -> Select[*tuple[Any, ...]]:
    """All rows of a file, the oldest first."""
    table, schema = _TABLES[name], FILES[name]
    if name != "messages":
        return select(*(table.c[column] for column in schema.names)).order_by(table.c.id)
    own = [alerts.c.alert_key, *(table.c[column] for column in schema.names[1:])]
    return select(*own).select_from(messages.outerjoin(alerts)).order_by(table.c.id)


def over(name: str, row: dict[str, Any]) -> bool:
    """Whether nothing more becomes of it."""
    if name == "requests":
        return row["state"] not in ("asked", "running")
    return any(row[column] is not None for column in ("resolved_at", "sent_at", "dropped_at") if column in row)


def add(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of a file that are not there yet; messages only of alerts that are there."""
    given = list(rows)
    if name == "messages":
        keys = {row["alert_key"] for row in rows}
        known = select(alerts.c.alert_key, alerts.c.id).where(alerts.c.alert_key.in_(keys))
        ids = {key: number for key, number in connection.execute(known)}  # noqa: C416  (rows are no pairs to mypy)
        given = [
            {**{column: value for column, value in row.items() if column != "alert_key"}, "alert_id": ids[key]}
            for row in rows
            if (key := row["alert_key"]) in ids
        ]
    if given:
        put = upsert(connection)(_TABLES[name]).on_conflict_do_nothing(index_elements=[_KEYS[name]])
        connection.execute(put, given)
