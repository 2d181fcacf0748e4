"""`audit`: proves from the audit log that the stored messages are the ones that came in and went out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from duis_gateway.audit.checkpoints import Believed
from duis_gateway.audit.messages import Messages
from duis_gateway.audit.records import LONGEST_LINE, NoExport, Record, exported, lines_of, newest_checkpoint, stored
from duis_gateway.audit.verification import Verification
from duis_gateway.cli.common import (
    FOLDER_OR_FILE,
    NEW_FILE,
    READABLE,
    AnswerIsNo,
    Commands,
    config_file_option,
    config_option,
    opened_store,
    refuse_existing,
)
from duis_gateway.cli.output import print_document, print_fields, say
from duis_gateway.client.trust import DCC, DCC_OR_NAMED, signers_in, signers_of
from duis_gateway.config.settings import Config, load_config
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import open_input, open_output, read_bytes, write_bytes
from duis_gateway.pki.certificates import Certificate, CertificateUnusable, read_certificate
from duis_gateway.pki.names import name_key
from duis_gateway.text.counts import counted

_FINDINGS_SHOWN = 100


@click.group(cls=Commands)
def audit() -> None:
    """Prove that no message was changed, removed, inserted or reordered.

    Every message in and out, its answer and each attempt to deliver it is recorded in a log in which each entry covers
    the one before, and the gateway signs a checkpoint of the log each minute. Keep checkpoints elsewhere: they prove
    what the log said, even if somebody replaces the whole database.
    """


@audit.command()
@click.argument("file", type=NEW_FILE)
@config_option
def export(file: Path, config: Config) -> None:
    """Write the whole log to FILE, so that it can be verified anywhere; `-` is standard output.

    It says what happened and when, with the SHA-256 of every body, but not the bodies.
    """
    refuse_existing(file)
    with opened_store(config) as store, store.read() as connection, open_output(file) as output:
        for line in lines_of(stored(connection)):
            output.write(line.encode())


@audit.command()
@click.option("--out", type=NEW_FILE, help="Where to write it; default: standard output.")
@config_option
def checkpoint(out: Path | None, config: Config) -> None:
    """Print the newest checkpoint; keep it where nobody who can change the database can change it."""
    with opened_store(config) as store, store.read() as connection:
        document = newest_checkpoint(connection)
    if document is None:
        raise AnswerIsNo("there is no checkpoint yet: a running gateway signs the first one after the first message")
    if out is None:
        print_document(document)
    else:
        refuse_existing(out)
        write_bytes(out, document)


@audit.command()
@click.argument("file", type=READABLE, required=False)
@click.option(
    "--checkpoint",
    "kept",
    type=READABLE,
    multiple=True,
    help="A checkpoint that was kept elsewhere; may be repeated.",
)
@click.option(
    "--trust",
    type=FOLDER_OR_FILE,
    help="The gateway's certificate, or a folder with all that it has had; default: the configured one.",
)
@config_file_option("config_file", "The configuration file; not needed for an export with --trust.")
def verify(file: Path | None, kept: Sequence[Path], trust: Path | None, config_file: Path) -> None:
    """Check that the log is intact: an export in FILE (`-`: standard input) or, without FILE, the database's.

    In the database, each message, answer and delivery attempt is also compared with its entry. Certificates in --trust
    are trusted even if they are no longer valid: the log outlives them.
    """
    config = load_config(config_file, os.environ) if file is None or trust is None else None
    believed = _believed(trust, config)
    checkpoints = [(f"the checkpoint {path}", read_bytes(path)) for path in kept]
    with ExitStack() as opened:
        if file is None:
            assert config is not None
            connection = opened.enter_context(opened.enter_context(opened_store(config)).read())
            verification = Verification(believed, checkpoints, Messages(connection))
            records: Iterable[Record] = stored(connection)
        else:
            verification = Verification(believed, checkpoints)
            lines = opened.enter_context(open_input(file))
            records = exported(iter(partial(lines.readline, LONGEST_LINE), b""))
        try:
            found = _say_findings(verification.run(records))
        except NoExport as error:
            raise ConfigurationError(f"{file} is not an export of an audit log: {error}") from None
    print_fields(_shown(verification))
    if found:
        raise AnswerIsNo(f"the audit log is not intact: {counted(found, 'finding')}")
    if not verification.checkpoints:
        say("note: no checkpoint covers any of it, so nothing proves who wrote it", err=True)


def _say_findings(findings: Iterable[str]) -> int:
    number = 0
    for number, finding in enumerate(findings, 1):
        if number <= _FINDINGS_SHOWN:
            say(finding)
    if number > _FINDINGS_SHOWN:
        say(f"... and {number - _FINDINGS_SHOWN:,} more")
    return number


def _shown(verification: Verification) -> list[tuple[str, object]]:
    newest, messages = verification.newest, verification.messages
    return [
        ("entries", f"{verification.entries:,}"),
        ("sealed up to", verification.sealed_at or "-"),
        ("checkpoints verified", f"{verification.checkpoints:,}"),
        ("covered by a checkpoint", "none" if newest is None else f"up to entry {newest.sequence:,}, at {newest.at}"),
        ("not covered yet", f"{verification.entries - (newest.sequence if newest else 0):,}"),
        *([] if messages is None else [("waiting to be sealed", f"{verification.waiting:,}")]),
        *([] if messages is None else [("compared with stored messages", f"{messages.compared:,}")]),
    ]


def _believed(trust: Path | None, config: Config | None) -> Believed:
    """Return a function that finds the certificates that may prove a checkpoint, by their names."""
    roles = DCC if trust is not None and trust.is_dir() else DCC_OR_NAMED
    try:
        if trust is not None:
            signers = signers_in(trust) if trust.is_dir() else signers_of([trust])
        else:
            assert config is not None
            signers = signers_of([config.signing.certificate])
        read = {key: read_certificate(one.der) for key, one in signers.items()}
    except CertificateUnusable as error:
        raise ConfigurationError(str(error)) from None
    believed = {key: one for key, one in read.items() if one.role in roles}

    def find(named: SignerReference) -> Certificate | None:
        return believed.get((name_key(named.issuer), str(named.serial)))

    return find
