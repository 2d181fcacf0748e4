"""The databases of the store's tests."""

from tests.support.databases import database_url, empty_database_url, own_database_url, store

__all__ = ["database_url", "empty_database_url", "own_database_url", "store"]
