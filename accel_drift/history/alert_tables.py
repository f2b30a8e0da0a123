"""The tables of alerts and of what follows from them: messages to send, what was silenced, who runs what, requests."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Integer, Table, Text

from accel_drift.history.tables import NUMBER, AnyText, Moment, metadata, required

alerts = Table(
    "drift_alerts",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("name", Text),
    required("alert_key", Text, unique=True),
    required("rule", AnyText),
    required("subject", AnyText),
    required("severity", Text),
    required("state", Text),
    required("opened_window", AnyText),
    required("opened_at", Moment),
    Column("resolved_window", AnyText),
    Column("resolved_at", Moment),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", AnyText),
    required("details", AnyText),
    required("updated_at", Moment),
)
"""One row an alert: of a rule and, where the rule is about columns, of the column. `opened_at` and `resolved_at` are
ends of windows; `details` is JSON of what was seen."""

messages = Table(
    "drift_messages",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("message_key", Text, unique=True),
    required("name", Text),
    Column("alert_id", ForeignKey(alerts.c.id, ondelete="CASCADE")),
    required("sink", AnyText),
    required("kind", Text),
    required("body", AnyText),
    required("created_at", Moment),
    required("due_at", Moment),
    required("attempts", Integer),
    Column("claimed_by", Text),
    Column("claimed_until", Moment),
    Column("silenced_until", Moment),
    Column("sent_at", Moment),
    Column("dropped_at", Moment),
    Column("error", AnyText),
    Column("outcome", Text),
)
"""One row a message to one sink: written with what it tells, and sent at least once. `body` is JSON; `outcome` says
what became of it (sent, dry run, silenced, acknowledged, given up), and is null while it waits. A dry run that is not
dropped waits for its sink's secret."""

silences = Table(
    "drift_silences",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("name", Text),
    required("rule", AnyText),
    required("subject", AnyText),
    required("starts_at", Moment),
    required("ends_at", Moment),
    required("reason", AnyText),
    required("author", AnyText),
    required("created_at", Moment),
)
"""One row a time in which nothing is sent; "*" in `rule` and `subject` stands for any text."""

column_states = Table(
    "drift_column_states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("column", AnyText, primary_key=True),
    required("severity", Text),
    required("since_window", AnyText),
    required("since", Moment),
)
"""One row a monitor and column, the monitor itself as column "": how it stands, and since which window."""

leases = Table(
    "drift_leases",
    metadata,
    Column("lease", Text, primary_key=True),
    required("holder", Text),
    required("ends_at", Moment),
)
"""One row a thing that only one process does at a time."""

jobs = Table(
    "drift_jobs",
    metadata,
    Column("job", Text, primary_key=True),
    required("schedule", AnyText),
    Column("due_at", Moment),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("failed", Boolean),
    Column("outcome", AnyText),
)
"""One row a job that is run by the clock, and how its last run went."""

requests = Table(
    "drift_requests",
    metadata,
    Column("id", NUMBER, primary_key=True),
    required("request_key", Text, unique=True),
    required("name", Text),
    required("policy", AnyText),
    required("window_key", AnyText),
    required("asked_at", Moment),
    required("reason", AnyText),
    required("data", AnyText),
    required("state", Text),
    required("attempts", Integer),
    required("due_at", Moment),
    Column("claimed_by", Text),
    Column("claimed_until", Moment),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("seconds", Double),
    Column("outcome", AnyText),
)
"""One row a request to train a model again: why, on which data (JSON), when it is next to be tried, and what came of it
(JSON)."""
