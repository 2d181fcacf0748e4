"""`party`: who takes part."""

from __future__ import annotations

import secrets
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import click
from sqlalchemy import Connection

from duis_gateway.cli.certificate import certificate_of, register, require_signing_role
from duis_gateway.cli.common import (
    EUI,
    READABLE,
    AnswerIsNo,
    Commands,
    config_option,
    format_option,
    not_registered,
    opened_store,
)
from duis_gateway.cli.help import MayBeEmpty
from duis_gateway.cli.output import print_rows, say
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.namespaces import DUIS_5_0, DUIS_SCHEMA_FOLDERS
from duis_gateway.outbox.guard import AddressRefused, check_url
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import CSP_REGIONS, Party, PartyKind, PartyStatus, Role, is_email_address
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.text.controls import name_fault, shown

_VERSIONS = [str(version) for version in DUIS_SCHEMA_FOLDERS]


@click.group(cls=Commands)
def party() -> None:
    """Register suppliers, CSPs and DCC."""


@party.command()
@click.argument("eui", type=EUI)
@click.option("--kind", type=click.Choice([kind.value for kind in PartyKind]), required=True)
@click.option("--role", "roles", type=click.Choice([r.value for r in Role]), multiple=True, help="A supplier's role.")
@click.option("--duis-version", type=click.Choice(_VERSIONS), help="A supplier's DUIS version, 5.0 by default.")
@click.option("--published-schema-only", is_flag=True, help="Send this supplier N999 in the published shape.")
@click.option("--region", "regions", type=click.Choice(CSP_REGIONS), multiple=True, help="A region that a CSP serves.")
@click.option("--url", required=True, help="Where the party receives messages.")
@click.option("--email", help="Where it receives emails; without an address, they are shown as not sent.")
@click.option("--certificate", "file", type=READABLE, help="Its certificate (PEM or DER).")
@click.option("--trusted", is_flag=True, help="Trust the certificate itself, without a chain to a trust anchor.")
@click.option("--organisation", help="The organisation (O) that its TLS client certificates name.")
@config_option
def add(
    eui: int,
    kind: str,
    roles: tuple[str, ...],
    duis_version: str | None,
    published_schema_only: bool,
    regions: tuple[str, ...],
    url: str,
    email: str | None,
    file: Path | None,
    trusted: bool,
    organisation: str | None,
    config: Config,
) -> None:
    """Register a party by its EUI-64."""
    new = Party(
        eui=eui,
        kind=PartyKind(kind),
        url=url,
        email=email,
        roles=frozenset(map(Role, roles)),
        duis_version=Decimal(duis_version) if duis_version else DUIS_5_0,
        published_schema_only=published_schema_only,
        regions=frozenset(regions),
        organisation=organisation,
    )
    _check(new, duis_version is not None, config)
    own = None if file is None else certificate_of(file, trusted=trusted)
    if own is not None and own.party != eui:
        raise ConfigurationError(f"{file}: the certificate belongs to {format_eui(own.party)}, not to {new.name}")
    if file is not None and own is not None:
        require_signing_role(file, own, new.kind)
    with opened_store(config) as store, store.write() as connection:
        if parties.find(connection, eui) is not None:
            raise AnswerIsNo(f"{new.name} is already registered; `party change` changes it")
        if hubs.get(connection, eui) is not None:
            raise ConfigurationError(f"{new.name} is a device in the inventory: a party has an EUI-64 of its own")
        parties.add(connection, new)
        if new.kind is PartyKind.SUPPLIER:  # its hubs' second suppliers see whether it can instruct, or why not
            freshness.of_every_model(connection, config.clock.open().now())
        if own is not None:
            register(connection, own)
    say(f"Registered {new.name} as {kind}{'' if own else ', without a certificate'}.")


@party.command()
@click.argument("eui", type=EUI)
@click.option("--url", help="Where the party receives messages.")
@click.option("--email", cls=MayBeEmpty, help="Where it receives emails; an empty text removes it.")
@click.option(
    "--duis-version", type=click.Choice(_VERSIONS), help="A supplier's DUIS version, which governs its alerts."
)
@click.option(
    "--published-schema-only/--no-published-schema-only", default=None, help="Whether its N999 has the published shape."
)
@click.option(
    "--organisation",
    cls=MayBeEmpty,
    help="The organisation (O) of its TLS client certificates; an empty text removes it.",
)
@config_option
def change(
    eui: int,
    url: str | None,
    email: str | None,
    duis_version: str | None,
    published_schema_only: bool | None,
    organisation: str | None,
    config: Config,
) -> None:
    """Change where a party is reached, or what it understands; options that are left out stay as they are."""
    with opened_store(config) as store, store.write() as connection:
        old = parties.find(connection, eui)
        if old is None:
            raise not_registered(eui)
        new = replace(
            old,
            url=old.url if url is None else url,
            email=old.email if email is None else email or None,
            duis_version=Decimal(duis_version) if duis_version else old.duis_version,
            published_schema_only=(
                old.published_schema_only if published_schema_only is None else published_schema_only
            ),
            organisation=old.organisation if organisation is None else organisation or None,
        )
        _check(new, duis_version is not None or old.kind is PartyKind.SUPPLIER, config)
        parties.update(connection, new)
        if new.can_instruct != old.can_instruct:
            freshness.of_every_model(connection, config.clock.open().now())
    say(f"Changed {new.name}.")


@party.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in PartyKind]), help="Only these.")
@format_option
@config_option
def list_parties(kind: str | None, form: str, config: Config) -> None:
    """List the registered parties."""
    with opened_store(config) as store, store.read() as connection:
        found = parties.all_parties(connection, PartyKind(kind) if kind else None)
        signing = {one.party for one in certificates.all_certificates(connection) if one.revoked_at is None}
    names = ("eui", "kind", "status", "roles", "duis_version", "regions", "certificate", "url", "email", "organisation")
    no_email = "missing" if form == "table" else None
    print_rows(names, [_row(one, one.eui in signing, no_email) for one in found], form)


def _row(one: Party, has_certificate: bool, no_email: str | None) -> tuple[object, ...]:
    version = str(one.duis_version) if one.kind is PartyKind.SUPPLIER else ""
    email = one.email or no_email
    return (
        one.name,
        one.kind,
        one.status,
        one.roles,
        version,
        one.regions,
        has_certificate,
        one.url,
        email,
        one.organisation,
    )


@party.command()
@click.argument("eui", type=EUI)
@config_option
def suspend(eui: int, config: Config) -> None:
    """Stop serving this party: its requests are answered with E3."""
    _set_status(config, eui, PartyStatus.SUSPENDED)


@party.command()
@click.argument("eui", type=EUI)
@config_option
def resume(eui: int, config: Config) -> None:
    """Serve a suspended party again."""
    _set_status(config, eui, PartyStatus.ACTIVE)


@party.command()
@click.argument("eui", type=EUI)
@config_option
def token(eui: int, config: Config) -> None:
    """Give the party a new token for the party door, and print it, once.

    The gateway keeps only its SHA-256. The previous token stops working.
    """
    with opened_store(config) as store, store.write() as connection:
        # Before it counts: where the output is lost (a full disk, a closed pipe), the previous token works on.
        say(give_token(connection, eui))


def give_token(connection: Connection, eui: int) -> str:
    """Give a party a new token for the party door, and return it (AnswerIsNo: the party is not registered)."""
    made = secrets.token_urlsafe(32)
    if not parties.set_token_hash(connection, eui, parties.token_hash(made)):
        raise not_registered(eui)
    return made


def _set_status(config: Config, eui: int, status: PartyStatus) -> None:
    with opened_store(config) as store, store.write() as connection:
        if not parties.set_status(connection, eui, status):
            raise not_registered(eui)
    say(f"{format_eui(eui)} is {status}.")


def _check(new: Party, has_version: bool, config: Config) -> None:
    """Raise ConfigurationError if the kind and the rest do not fit, or nothing could ever be sent there."""
    is_supplier, is_csp = new.kind is PartyKind.SUPPLIER, new.kind is PartyKind.CSP
    if is_supplier and not new.roles:
        raise ConfigurationError("a supplier needs a role: --role IS, --role GS or both")
    if is_csp and not new.regions:
        raise ConfigurationError("a CSP needs the regions that it serves: --region")
    if not is_supplier and (new.roles or has_version or new.published_schema_only):
        raise ConfigurationError("only suppliers have --role, --duis-version and --published-schema-only")
    if not is_csp and new.regions:
        raise ConfigurationError("only CSPs have --region")
    if new.organisation is not None and (fault := name_fault(new.organisation)):
        raise ConfigurationError(f"--organisation: it {fault}")
    if new.eui == config.signing.eui:
        raise ConfigurationError(f"{new.name} is the gateway's own EUI-64 ([signing] eui): a party has one of its own")
    if new.email is not None and not is_email_address(new.email):
        raise ConfigurationError(f"{new.email[:80]!r} is not an email address; one is operations@supplier.example")
    try:
        resolves = check_url(new.url, config.delivery.allowed_networks)
    except AddressRefused as error:
        raise ConfigurationError(str(error)) from None
    if not resolves:
        host = shown(urlsplit(new.url).hostname or "")
        say(f"note: the host {host} is not known here; messages wait until its name resolves", err=True)
