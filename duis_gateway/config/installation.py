"""What tells one gateway on a machine from another."""

from __future__ import annotations

import hashlib

from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.text.urls import without_password

_DIGITS = 16


def installation_of(config: Config) -> str:
    """Return a mark that all processes with this EUI-64 and this database have in common, and no others.

    Health says it to whoever asks: it gives away neither where the database is nor any password.
    """
    who = f"{format_eui(config.signing.eui)} {without_password(config.store.url)}"
    return hashlib.sha256(who.encode()).hexdigest()[:_DIGITS]
