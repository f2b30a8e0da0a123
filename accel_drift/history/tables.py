"""The tables as SQLAlchemy sees them; `migrations` makes them, and a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time, always in UTC: SQLite keeps no time zone, PostgreSQL answers in that of the session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC; SQLite is given the bare time, which sorts as text."""
        if value is None:
            return None
        told = value.astimezone(UTC)
        return told.replace(tzinfo=None) if dialect.name == "sqlite" else told

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """With its time zone, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AnyText(TypeDecorator[str]):
    r"""A text with any character: NUL, which PostgreSQL refuses, is written \0, and a backslash twice.

    Names of columns come from data. Every text comes back as it was.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """As the database holds it."""
        if value is None or ("\\" not in value and "\0" not in value):
            return value
        return value.replace("\\", "\\\\").replace("\0", "\\0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """As it was."""
        if value is None or "\\" not in value:
            return value
        return "\\".join(part.replace("\\0", "\0") for part in value.split("\\\\"))


metadata = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column called INTEGER."""


def required(name: str, kind: Any, *more: Any, **options: Any) -> Column[Any]:
    """A column that always has a value."""
    return Column(name, kind, *more, nullable=False, **options)


schema_version = Table("drift_schema", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "drift_runs",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("name", Text),
    required("window_key", Text),
    required("window_start", Moment),
    required("window_end", Moment),
    required("rows", BigInteger),
    required("reference_rows", BigInteger),
    required("drifted", Boolean),
    required("severity", Text),
    required("rule", Text),
    Column("alpha", Double),
    required("findings", Integer),
    required("created_at", Moment),
    required("recorded_at", Moment),
    required("profile", AnyText),
    required("version", AnyText),
    required("reference", AnyText),
    required("batch", AnyText),
    required("remarks", AnyText),
    UniqueConstraint("name", "window_key"),
)
"""One row a window; `findings` is how many it has, `remarks` JSON of warnings, excluded columns, schema changes."""

series = Table(
    "drift_series",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("digest", Text, unique=True),
    required("detector", AnyText),
    required("column", AnyText),
    required("columns", AnyText),
    required("unit", AnyText),
)
"""What a finding is about, written once: a joint test of a thousand columns has a long name, windows have many."""

findings = Table(
    "drift_findings",
    metadata,
    Column("run_id", ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("series_id", ForeignKey(series.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    required("status", Text),
    required("severity", Text),
    Column("statistic", Double),
    Column("effect", Double),
    Column("interval_low", Double),
    Column("interval_high", Double),
    Column("p_value", Double),
    Column("adjusted_p_value", Double),
    required("p_method", AnyText),
    required("n_reference", BigInteger),
    required("n_batch", BigInteger),
    required("note", AnyText),
)
"""One row a finding; `place` is its place in the report, from 1."""

metrics = Table(
    "drift_metrics",
    metadata,
    Column("run_id", ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("rows", BigInteger),
    required("recorded_at", Moment),
)
"""One row a window and metric."""

states = Table(
    "drift_states",
    metadata,
    Column("name", Text, primary_key=True),
    required("revision", BigInteger),
    required("token", Text),
    required("state", AnyText),
    required("updated_at", Moment),
)
"""One row a monitor: where it stands, as JSON."""

parts = Table(
    "drift_parts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("part", AnyText, primary_key=True),
    required("body", LargeBinary),
)
"""What the parts of a monitor know, each in as many pieces as it likes, so that only what changed is written."""

batches = Table(
    "drift_batches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    required("batch_key", AnyText),
    required("digest", Text),
    required("rows", BigInteger),
    required("taken_at", Moment),
    Column("body", LargeBinary),
)
"""What a monitor took in: batches with a key for good, others as long as a window needs their rows (`body`)."""
