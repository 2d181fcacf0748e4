"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from duis_gateway.duis.identifiers import from_signed, to_signed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _integer_of(dialect: Dialect) -> TypeEngine[Any]:
    # SQLite keeps 64 bits in any INTEGER, and only a key of exactly that type is the row's own place in the file.
    return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Unsigned64(TypeDecorator[int]):
    """An unsigned 64-bit integer (EUI-64, counter), stored as two's complement (threat T43).

    Its order in the database is not the order of the unsigned values.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the 64-bit integer of this database."""
        return _integer_of(dialect)

    # The processors themselves, and not the hooks that TypeDecorator would call from its own: lists hold 50,000.

    def bind_processor(self, dialect: Dialect) -> Callable[[int | None], int | None]:
        """Return what makes the signed form."""
        return _signed

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], int | None]:
        """Return what makes the unsigned form."""
        return _unsigned


def _signed(value: int | None) -> int | None:
    return None if value is None else to_signed(value)


def _unsigned(value: int | None) -> int | None:
    return value if value is None or value >= 0 else from_signed(value)


def unsigned(stored: Iterable[int]) -> list[int]:
    """Return the unsigned values of a whole column."""
    return [value if value >= 0 else from_signed(value) for value in stored]


def few_unsigned(stored: Sequence[int | None]) -> list[int | None]:
    """Return the unsigned values of a whole column that holds few different ones (suppliers)."""
    known = {value: _unsigned(value) for value in set(stored)}
    return [known[value] for value in stored]


def utc_time(stored: int | None) -> datetime | None:
    """Return the time that is stored as microseconds."""
    return None if stored is None else _EPOCH + timedelta(microseconds=stored)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as microseconds since 1970-01-01T00:00Z."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the 64-bit integer of this database."""
        return _integer_of(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds.

        Raises:
            ValueError: the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time, in UTC."""
        return utc_time(value)


class Version(TypeDecorator[Decimal]):
    """A DUIS version such as 5.4, stored as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return the digits."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the number."""
        return None if value is None else Decimal(value)


class Names(TypeDecorator[frozenset[str]]):
    """A small set of names without commas (roles, regions), stored as one text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str:
        """Return the names in order, with commas between."""
        return ",".join(sorted(str(name) for name in value or ()))

    def process_result_value(self, value: Any, dialect: Dialect) -> frozenset[str]:
        """Return the set."""
        return frozenset(value.split(",")) if value else frozenset()
