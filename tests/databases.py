"""A fresh, empty database for each test: SQLite, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

import accel_drift as ad
from tests import postgres

_NUMBER = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL; it fails where there is one that does not start."""
    if (reason := postgres.why_not()) is not None:
        pytest.skip(reason)
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(server: str) -> Iterator[str]:
    """A schema of its own on that server."""
    import os

    from sqlalchemy import create_engine, make_url, text

    base = make_url(server).set(drivername="postgresql+psycopg")
    schema = f"test_{os.getpid()}_{next(_NUMBER)}"
    engine = create_engine(base)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield base.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path}/drift.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Either."""
    which = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(which))


@pytest.fixture
def history(url: str) -> Iterator[ad.History]:
    """A history without windows."""
    with ad.History(url, wait=60) as made:
        yield made
