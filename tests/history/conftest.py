"""Databases for the tests of a history."""

from tests.databases import history, postgres_url, server, sqlite_url, url

__all__ = ["history", "postgres_url", "server", "sqlite_url", "url"]
