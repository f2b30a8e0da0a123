"""Tables are made and brought up to date, all steps or none, once, however many processes open them."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

import accel_drift as ad
from accel_drift.errors import HistoryError
from accel_drift.history import alert_tables  # noqa: F401  (its tables are of the same metadata)
from accel_drift.history.migrations import STEPS, migrate, version_of
from accel_drift.history.tables import metadata
from tests.history.samples import day, report

NEXT = (*STEPS, ("ALTER TABLE drift_runs ADD COLUMN owner TEXT", "CREATE TABLE drift_owners (id {serial})"))
BROKEN = (*NEXT, ("ALTER TABLE drift_runs ADD COLUMN age {integer}", "ALTER TABLE nowhere ADD COLUMN age {integer}"))


def test_the_steps_make_the_tables_that_the_code_knows(history: ad.History) -> None:
    found = inspect(history.engine)
    assert set(found.get_table_names()) == set(metadata.tables)
    for name, table in metadata.tables.items():
        there = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert set(there) == set(table.c.keys()), name
        required = {column.name for column in table.c if not column.nullable and not column.primary_key}
        assert required <= {column for column, nullable in there.items() if not nullable}, name
        key = found.get_pk_constraint(name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key], name
        kept = {key["referred_table"] for key in found.get_foreign_keys(name)}
        assert kept == {key.column.table.name for key in table.foreign_keys}, name


def test_a_history_is_opened_again(url: str) -> None:
    for number in range(3):
        with ad.History(url) as history:
            assert history.record("churn", report(), day(number)) is True
            assert history.runs("churn").num_rows == number + 1


def test_sqlite_is_kept_as_it_should_be(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history, history.engine.begin() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys")]
        assert found == ["wal", 1]
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1  # NORMAL
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 5000


def test_a_later_version_keeps_what_was_written(history: ad.History) -> None:
    history.record("churn", report(), day(0))
    with history.engine.begin() as connection:
        migrate(connection, NEXT)
        assert version_of(connection) == len(NEXT)
    with history.engine.begin() as connection:
        migrate(connection, NEXT)
        assert connection.execute(text("SELECT name, owner FROM drift_runs")).all() == [("churn", None)]
    assert "drift_owners" in inspect(history.engine).get_table_names()
    with pytest.raises(HistoryError, match=f"tables are of version {len(NEXT)}, this one knows {len(STEPS)}"):
        ad.History(history.engine.url.render_as_string(hide_password=False))


def test_a_step_that_fails_leaves_the_tables_as_they_were(history: ad.History) -> None:
    history.record("churn", report(), day(0))
    with pytest.raises(DBAPIError), history.engine.begin() as connection:
        migrate(connection, BROKEN)
    with history.engine.begin() as connection:
        assert version_of(connection) == len(STEPS)
    assert "owner" not in {column["name"] for column in inspect(history.engine).get_columns("drift_runs")}
    assert history.record("churn", report(), day(1)) is True
