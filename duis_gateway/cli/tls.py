"""The options of commands that speak https: whom they trust, and what they show to a server that asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from duis_gateway.cli.common import READABLE
from duis_gateway.client.errors import SetupWrong
from duis_gateway.client.http import Http, TlsIdentity
from duis_gateway.client.party_door import PartyDoor
from duis_gateway.errors import ConfigurationError


class TlsOptions(NamedTuple):
    """What was given about TLS."""

    authorities: Path | None = None
    identity: TlsIdentity | None = None

    def http(self, timeout: float, most: int) -> Http:
        """Return a client whose exchanges take `timeout` seconds at most, and answers `most` octets.

        Raises:
            ConfigurationError: a file cannot be used; the text names it.
        """
        try:
            return Http(timeout, self.authorities, most, self.identity)
        except SetupWrong as error:
            raise ConfigurationError(str(error)) from None

    def party_door(self, url: str, token: str, timeout: float) -> PartyDoor:
        """Return the party door of the gateway at a URL (ConfigurationError as `http`)."""
        try:
            return PartyDoor(url, token, timeout=timeout, authorities=self.authorities, tls=self.identity)
        except SetupWrong as error:
            raise ConfigurationError(str(error)) from None


def tls_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --cacert, --tls-certificate and --tls-key; it gets them as `tls`."""

    @click.option(
        "--cacert",
        type=READABLE,
        envvar="DUIS_CLIENT_CACERT",
        show_envvar=True,
        help="For https: the authorities (PEM) to verify the server against, instead of the system's.",
    )
    @click.option(
        "--tls-certificate",
        type=READABLE,
        envvar="DUIS_CLIENT_TLS_CERTIFICATE",
        show_envvar=True,
        help="For https: the client certificate, with its chain (PEM), for a server that asks for one.",
    )
    @click.option(
        "--tls-key",
        type=READABLE,
        envvar="DUIS_CLIENT_TLS_KEY",
        show_envvar=True,
        help="The client certificate's key (PEM, without a passphrase).",
    )
    @wraps(command)
    def with_tls(
        *args: Any, cacert: Path | None, tls_certificate: Path | None, tls_key: Path | None, **options: Any
    ) -> Any:
        identity = None
        if tls_certificate is not None and tls_key is not None:
            identity = TlsIdentity(tls_certificate, tls_key)
        elif tls_certificate is not None or tls_key is not None:
            raise ConfigurationError("--tls-certificate and --tls-key go together")
        return command(*args, tls=TlsOptions(cacert, identity), **options)

    return with_tls
