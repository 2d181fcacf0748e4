"""The registered parties."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Select, bindparam, insert, select

from duis_gateway.parties.records import Party, PartyKind, PartyStatus, Role
from duis_gateway.store.bulk import GIVEN, given, given_ids
from duis_gateway.store.tables import party

_COLUMNS = (
    party.c.eui,
    party.c.kind,
    party.c.url,
    party.c.email,
    party.c.status,
    party.c.roles,
    party.c.duis_version,
    party.c.published_schema_only,
    party.c.regions,
    party.c.organisation,
)

# Made once: every message that comes in runs some of them.
_ALL = select(*_COLUMNS)
_FIND = _ALL.where(party.c.eui == bindparam("wanted"))
_URLS = select(party.c.eui, party.c.url)
_OF_KIND = _ALL.where(party.c.kind == bindparam("wanted"))


def find(connection: Connection, eui: int) -> Party | None:
    """Return the party, or None."""
    row = connection.execute(_FIND, {"wanted": eui}).one_or_none()
    return None if row is None else _party(row)


def find_many(connection: Connection, euis: Iterable[int]) -> dict[int, Party]:
    """Return those of the parties that are registered."""
    wanted = given(connection, euis)
    rows = connection.execute(_find_many(connection.dialect.name), {GIVEN: wanted})
    return {row.eui: _party(row) for row in rows}


@cache
def _find_many(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    return select(*_COLUMNS).join_from(wanted, party, party.c.eui == wanted.c.value)


def all_parties(connection: Connection, kind: PartyKind | None = None) -> list[Party]:
    """Return every party, or those of one kind, in the order of their EUI-64."""
    found = connection.execute(_ALL) if kind is None else connection.execute(_OF_KIND, {"wanted": kind})
    return sorted(map(_party, found), key=lambda one: one.eui)


def urls(connection: Connection) -> dict[int, str | None]:
    """Return the URL of every party by EUI-64, None where it has none."""
    return {row.eui: row.url for row in connection.execute(_URLS)}


def by_token_hash(connection: Connection, token_hash: str) -> Party | None:
    """Return the party whose bearer token has this SHA-256 (hexadecimal), or None."""
    row = connection.execute(_ALL.where(party.c.token_hash == token_hash)).one_or_none()
    return None if row is None else _party(row)


def add(connection: Connection, new: Party) -> None:
    """Register a party.

    Raises:
        sqlalchemy.exc.IntegrityError: it is registered already.
    """
    connection.execute(insert(party).values(eui=new.eui, **_values(new)))


def update(connection: Connection, changed: Party) -> bool:
    """Give a registered party these values, its token excepted; return whether it exists."""
    return _changed(connection, changed.eui, **_values(changed))


def set_status(connection: Connection, eui: int, status: PartyStatus) -> bool:
    """Suspend or resume a party; return whether it exists."""
    return _changed(connection, eui, status=status)


def token_hash(token: str) -> str:
    """Return what the store keeps of a bearer token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def set_token_hash(connection: Connection, eui: int, token_hash: str | None) -> bool:
    """Set the SHA-256 (hexadecimal) of the party's bearer token; None: no token. Return whether it exists."""
    return _changed(connection, eui, token_hash=token_hash)


def _changed(connection: Connection, eui: int, **values: Any) -> bool:
    return connection.execute(sa.update(party).where(party.c.eui == eui).values(**values)).rowcount == 1


def _values(source: Party) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "url": source.url,
        "email": source.email,
        "status": source.status,
        "roles": source.roles,
        "duis_version": source.duis_version,
        "published_schema_only": source.published_schema_only,
        "regions": source.regions,
        "organisation": source.organisation,
    }


def _party(row: Row[*tuple[Any, ...]]) -> Party:
    return Party(
        eui=row.eui,
        kind=PartyKind(row.kind),
        url=row.url,
        email=row.email,
        status=PartyStatus(row.status),
        roles=frozenset(Role(role) for role in row.roles),
        duis_version=row.duis_version,
        published_schema_only=row.published_schema_only,
        regions=row.regions,
        organisation=row.organisation,
    )
