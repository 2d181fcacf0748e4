"""The files that hold secrets, and whether others may read them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from duis_gateway.config.settings import Config
from duis_gateway.machine.files import anybody_reads

log = logging.getLogger(__name__)

_SECRETS = (
    ("signing", "key"),
    ("server", "tls_key"),
    ("operations", "tls_key"),
    ("operations", "token_file"),
    ("delivery", "tls_key"),
    ("store", "password_file"),
    ("email", "password_file"),
)


def open_secrets(config: Config) -> Iterator[str]:
    """Give a line for each file of a secret that every user of the machine may read, with what to do about it."""
    for section, key in _SECRETS:
        path: Path | None = getattr(getattr(config, section), key)
        if path is not None and anybody_reads(path):
            yield f"{config.place(section, key)}: every user of this machine can read {path}: run `chmod o-r` on it"


def warn_of_secrets(config: Config) -> None:
    """Log what `open_secrets` gives: secrets that a cluster mounts are often so, where nobody else is."""
    for line in open_secrets(config):
        log.warning("%s", line, extra={"event": "open-secret"})
