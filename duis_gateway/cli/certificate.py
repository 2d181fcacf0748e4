"""`certificate`: whose signatures are trusted."""

from __future__ import annotations

import re
from pathlib import Path

import click
from sqlalchemy import Connection

from duis_gateway.cli.common import (
    EUI,
    FOLDER,
    NEW_FOLDER,
    READABLE,
    AnswerIsNo,
    Commands,
    config_option,
    format_option,
    opened_store,
    refuse_existing,
)
from duis_gateway.cli.output import print_rows, say
from duis_gateway.config.settings import Config
from duis_gateway.duis.identifiers import format_eui, format_eui_plain
from duis_gateway.errors import ConfigurationError
from duis_gateway.flow.profiles import signing_roles
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import PartyKind
from duis_gateway.pki.certificates import CertificateUnusable, read_certificate
from duis_gateway.pki.make import Authority, load_authority, make_certificate
from duis_gateway.pki.names import NameInvalid, name_key
from duis_gateway.pki.signing import read_certificate_file

_ROLES = ("87", "89", "06")
_SERIAL = re.compile(r"[0-9]{1,60}|0[xX][0-9A-Fa-f]{1,50}")


@click.group(cls=Commands)
def certificate() -> None:
    """Register, revoke, list and make certificates."""


@certificate.command()
@click.argument("file", type=READABLE)
@click.option("--trusted", is_flag=True, help="Trust the certificate itself, without a chain to a trust anchor.")
@config_option
def add(file: Path, trusted: bool, config: Config) -> None:
    """Register the certificate in FILE (PEM or DER) for the party whose EUI-64 it carries."""
    new = certificate_of(file, trusted=trusted)
    with opened_store(config) as store, store.write() as connection:
        party = parties.find(connection, new.party)
        if party is None:
            raise AnswerIsNo(f"{file}: the certificate belongs to {format_eui(new.party)}, which is not registered")
        require_signing_role(file, new, party.kind)
        register(connection, new)
    say(f"Registered the certificate {new.serial} of {format_eui(new.party)}.")


@certificate.command()
@click.argument("serial")
@click.option(
    "--issuer", help="The issuer's name, such as CN=Z1,OU=07, if several certificates have this serial number."
)
@config_option
def revoke(serial: str, issuer: str | None, config: Config) -> None:
    """Revoke a certificate, as of now. SERIAL is decimal, or hexadecimal after 0x."""
    number = _serial(serial)
    with opened_store(config) as store, store.write() as connection:
        found = [one for one in certificates.all_certificates(connection) if one.serial == number]
        if issuer is not None:
            key = _issuer_key(issuer)
            found = [one for one in found if one.issuer_key == key]
        if not found:
            raise AnswerIsNo(f"no certificate with the serial number {serial} is registered; see `certificate list`")
        if len(found) > 1:
            raise ConfigurationError(f"{len(found)} issuers have a certificate {serial}: name one with --issuer")
        [one] = found
        if one.revoked_at is None:
            certificates.revoke(connection, one.issuer_key, one.serial, config.clock.open().now())
    say(f"Revoked the certificate {one.serial} of {format_eui(one.party)}.")


@certificate.command("list")
@click.option("--party", type=EUI, help="Only this party's.")
@format_option
@config_option
def list_certificates(party: int | None, form: str, config: Config) -> None:
    """List the registered certificates."""
    with opened_store(config) as store, store.read() as connection:
        found = certificates.all_certificates(connection, party)
    names = ("party", "serial", "issuer", "ou", "not_before", "not_after", "trusted", "revoked_at")
    print_rows(names, map(_row, found), form)


@certificate.command()
@click.argument("eui", type=EUI)
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="87",
    show_default=True,
    help="The OU: 87 for users, 06 for CSPs, 89 for DCC.",
)
@click.option("--pki", type=FOLDER, required=True, help="The folder of the test PKI, with ca.pem and ca.key.")
@click.option("--out", type=NEW_FOLDER, help="Where to put them; default: --pki.")
def make(eui: int, role: str, pki: Path, out: Path | None) -> None:
    """Make a key and a certificate for tests, issued by a test PKI, and print their paths."""
    directory, stem = out or pki, f"{format_eui_plain(eui)}-{role}"
    refuse_existing(directory / f"{stem}.key", directory / f"{stem}.pem")
    made = make_certificate(_authority(pki), eui, role, directory, stem=stem)
    say(str(made.key_path))
    say(str(made.certificate_path))


def certificate_of(file: Path, *, trusted: bool) -> RegisteredCertificate:
    """Read a certificate file for registration.

    Raises:
        ConfigurationError: it cannot be read, or is not an SMKI-shaped end-entity certificate.
    """
    try:
        read = read_certificate_file(file)
    except CertificateUnusable as error:
        raise ConfigurationError(str(error)) from None
    return RegisteredCertificate(read.eui, read.der, read.issuer_key, read.serial, trusted)


def require_signing_role(file: Path, new: RegisteredCertificate, kind: PartyKind) -> None:
    """Check that a party of this kind signs with such certificates (ConfigurationError: all would be refused)."""
    read, may = read_certificate(new.der), sorted(signing_roles(kind))
    if read.role not in may:
        raise ConfigurationError(f"{file}: its OU is {read.role}, but a {kind} signs with OU {' or '.join(may)}")
    if not read.may_sign:
        raise ConfigurationError(
            f"{file}: whatever it signs would be refused, as it belongs to a CA or its key usage has no "
            "digitalSignature; docs/how-to/keys.md has the openssl commands for one that may sign"
        )


def register(connection: Connection, new: RegisteredCertificate) -> None:
    """Store a new certificate.

    Raises:
        AnswerIsNo: it is there already.
    """
    if certificates.find(connection, new.issuer_key, new.serial) is not None:
        raise AnswerIsNo(f"the certificate {new.serial} of this issuer is registered already")
    certificates.add(connection, new)


def _authority(pki: Path) -> Authority:
    try:
        return load_authority(pki)
    except CertificateUnusable as error:
        raise ConfigurationError(str(error)) from None


def _serial(text: str) -> int:
    if not _SERIAL.fullmatch(text):
        raise ConfigurationError(f"{text[:60]!r} is not a serial number")
    return int(text, 16 if text.lower().startswith("0x") else 10)


def _issuer_key(name: str) -> str:
    try:
        return name_key(name)
    except NameInvalid as error:
        raise ConfigurationError(f"--issuer: {error}") from None


def _row(one: RegisteredCertificate) -> tuple[object, ...]:
    read = read_certificate(one.der)
    period = (read.not_before, read.not_after)
    serial = str(one.serial)  # as text in JSON too: many readers take numbers for floats
    return (format_eui(one.party), serial, read.issuer, read.role, *period, one.trusted_directly, one.revoked_at)
