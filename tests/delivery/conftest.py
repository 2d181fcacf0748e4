"""The databases of the tests of delivery."""

from tests.support.databases import database_url, store

__all__ = ["database_url", "store"]
