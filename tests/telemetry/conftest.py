"""Databases for the tests of metrics."""

from tests.databases import history, postgres_url, server, sqlite_url, url

__all__ = ["history", "postgres_url", "server", "sqlite_url", "url"]
