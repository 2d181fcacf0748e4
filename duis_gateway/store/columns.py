"""How the tables name their columns, keys and constraints; and the metadata that all of them are in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Text, text
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

COUNTED: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
"""The type of numbers that the database gives out."""


def number() -> Column[int]:
    """Return the key of a table whose rows are numbered."""
    return Column("id", COUNTED, primary_key=True, autoincrement=True)


def needed(name: str, kind: Any = Text, *constraints: ForeignKey, **options: Any) -> Column[Any]:
    """Return a column that is never NULL."""
    return Column(name, kind, *constraints, nullable=False, **options)


def key(name: str, kind: Any, *constraints: ForeignKey) -> Column[Any]:
    """Return a column of the primary key whose values come from outside."""
    return Column(name, kind, *constraints, primary_key=True, autoincrement=False)


def owned_by(table: str, name: str) -> Column[int]:
    """Return a column of the primary key that names the row of another table, with which it goes."""
    return key(name, COUNTED, ForeignKey(f"{table}.id", ondelete="CASCADE"))


def index_where(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of those rows alone for which a condition holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
