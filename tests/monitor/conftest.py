"""Databases for the tests of a monitor."""

import pytest

import accel_drift as ad
from tests.databases import history, postgres_url, server, sqlite_url, url
from tests.monitor.samples import rows

__all__ = ["history", "postgres_url", "server", "sqlite_url", "url"]


@pytest.fixture(scope="session")
def profile() -> ad.Profile:
    """A reference of the sample's rows."""
    return ad.Profile.fit(rows(2_000, 0), ["psi", "missing"], backend="numpy")
